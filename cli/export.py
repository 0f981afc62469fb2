"""``resforge export``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import ArgumentCollection, Group, Parameter

from .options import Json, Source, load_source
from .output import tell, tell_json


def _one_format(formats: ArgumentCollection) -> None:
    given = [argument.name for argument in formats.filter_by(has_tokens=True)]
    if len(given) != 1:
        found = " and ".join(given) if given else "none"
        wanted = ", ".join(argument.name for argument in formats)
        raise ValueError(f"Give one of {wanted}; {found} is given.")


FORMATS = Group("Formats", validator=_one_format)


def export(
    source: Source,
    /,
    *,
    code: Annotated[
        bool,
        Parameter(
            "--code",
            group=FORMATS,
            negative="",
            show_default=False,
            help="Print the network as one PyTorch file that needs torch alone.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Write a network in a form that runs without resforge."""
    spec = load_source(source)
    from ..export import to_code

    text = to_code(spec)
    if json:
        tell_json({"name": spec.name, "digest": spec.digest, "code": text})
    else:
        tell(text.rstrip())
