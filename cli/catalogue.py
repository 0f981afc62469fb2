"""``resforge list``."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from ..errors import Fault, SpecError
from ..reading.load import load
from ..specs.catalogue import list_specs
from .options import Json, plan_at
from .output import tell, tell_json, tell_table


def list_names(
    pattern: Annotated[str, Parameter(help="Pattern of names, such as 'resnet*'.")] = "*",
    /,
    *,
    long: Annotated[
        bool,
        Parameter(
            ("--long", "-l"),
            negative="",
            show_default=False,
            help="Also show the cost of each network.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """List the networks of the catalogue, one name per line."""
    names = list_specs(pattern)
    if not names:
        raise SpecError(
            Fault(
                "catalogue",
                f"no name matches {pattern!r}",
                help="`resforge list` shows every name; quote patterns: 'resnet*'",
            )
        )
    if json:
        tell_json([_entry(name) for name in names])
    elif long:
        tell_table(
            ("name", "depth", "params", "MACs", "input"),
            [
                (
                    entry["name"],
                    str(entry["depth"]),
                    f"{entry['params']:,}",
                    f"{entry['macs']:,}",
                    "x".join(map(str, entry["input_shape"])),
                )
                for entry in map(_entry, names)
            ],
        )
    else:
        for name in names:
            tell(name)


def _entry(name: str) -> dict[str, Any]:
    spec = load(name)
    plan = plan_at(spec, None)
    return {
        "name": name,
        "depth": plan.depth,
        "params": plan.params,
        "macs": plan.macs,
        "input_shape": plan.input_shape,
        "digest": spec.digest,
    }
