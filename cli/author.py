"""``resforge new`` and ``resforge schema``: templates and schemas for new files."""

from __future__ import annotations

import dataclasses
import shlex
from typing import Annotated, Any

from cyclopts import ArgumentCollection, CycloptsError, Group, Parameter

from ..errors import Fault, SpecError, printable
from ..specs import catalogue
from ..specs.network import ResNetSpec
from ..text.reader import read
from .options import Json, load_source
from .output import say, tell, tell_document

MODELINE = "# yaml-language-server: $schema=resforge.schema.json"


Started = Annotated[
    str | None,
    Parameter(help="A catalogue name, a .yaml or .json file, or - for standard input."),
]
Changes = Annotated[
    list[str] | None,
    Parameter(
        "--set",
        negative="",
        metavar="PATH=VALUE",
        help="Set the value at a path; the value is YAML. May be repeated.",
    ),
]


def _one_kind(kinds: ArgumentCollection) -> None:
    given = [argument.name for argument in kinds.filter_by(has_tokens=True)]
    if len(given) > 1:
        raise ValueError(f"Give one of {' and '.join(given)}.")


KINDS = Group("Kinds of file", validator=_one_kind)


def new(
    source: Started = None,
    /,
    *,
    from_: Annotated[
        str | None,
        Parameter(
            "--from",
            metavar="FILE",
            help="Start from another project's file: a config.json, a YAML or a Python file of "
            "settings, or a folder with a config.json. Nothing in it is run.",
        ),
    ] = None,
    format: Annotated[
        str | None,
        Parameter("--format", metavar="NAME", help="Its format, where it is not recognised."),
    ] = None,
    within: Annotated[
        str | None,
        Parameter(
            "--within",
            metavar="FOLDER",
            help="Where the files that it names may lie; by default its own folder.",
        ),
    ] = None,
    changes: Changes = None,
    name: Annotated[
        str | None, Parameter("--name", metavar="LABEL", help="The new network's label.")
    ] = None,
    json: Json = False,
) -> None:
    """Print a new spec: a network of the catalogue or of another project's file, with changes.

    The spec is whole, whatever it starts from, and keeps the catalogue's comments.
    The first line lets an editor complete and check the file, once
    `resforge schema > resforge.schema.json` has written the schema beside it.
    """
    wanted = dict(_read_change(text) for text in changes or ())
    if name is not None:
        wanted["name"] = name
    if from_ is None:
        _check_options(source, {"--format": format, "--within": within})
        spec, comment = load_source(source or ""), _comment(source or "", changed=bool(wanted))
    elif source is not None:
        raise CycloptsError(msg="Give a network or --from, not both.")
    else:
        from ..configs import FORMATS, from_config

        found = from_config(from_, format, within=within)
        say(f"{printable(from_)}: the format of {FORMATS[found.format].project}")
        spec, comment = found.spec, found.comment
    spec = spec.replace(wanted)
    tell(spec.to_json().rstrip() if json else f"{MODELINE}\n{comment}{spec.to_yaml().rstrip()}")


def _check_options(source: str | None, options: dict[str, str | None]) -> None:
    """Raise ``CycloptsError`` where there is nothing to start from, or an option without effect."""
    if source is None:
        raise CycloptsError(msg="Give a network to start from, or --from FILE.")
    for name, value in options.items():
        if value is not None:
            raise CycloptsError(msg=f"{name} is for --from only.")


def _comment(source: str, *, changed: bool) -> str:
    """The comments of a catalogue entry; none for a file."""
    if source not in catalogue.entries():
        return ""
    start = f"# Changed from {source}:\n" if changed else ""
    return start + catalogue.entry(source).comment


def schema(
    *,
    sweep: Annotated[
        bool, Parameter(negative="", group=KINDS, help="The schema of sweep files instead.")
    ] = False,
    space: Annotated[
        bool, Parameter(negative="", group=KINDS, help="The schema of design spaces instead.")
    ] = False,
    json: Json = False,
) -> None:
    """Print the JSON Schema of spec files (draft 7), for editors and other tools.

    The output is JSON with or without --json.
    """
    if sweep:
        from ..ablation import Sweep

        tell_document(Sweep.model_json_schema())
    elif space:
        from ..generation import Space

        tell_document(Space.model_json_schema())
    else:
        tell_document(ResNetSpec.model_json_schema())


def _read_change(text: str) -> tuple[str, Any]:
    """The path and the value of one ``--set``; the value is read as in a file."""
    path, sign, value = text.partition("=")
    if not sign:
        given = f"--set {shlex.quote(path)}"
        raise CycloptsError(
            msg=f"{given} has no value: write {given}=VALUE, such as --set head.num_classes=10."
        )
    # The key is padded to the length of the path, so that the columns of faults are right.
    key = "_:" + " " * max(1, len(path) - 1)
    try:
        tree = read(key + value, name="--set", format="yaml").tree
    except SpecError as error:
        raise SpecError(_as_typed(fault, path, text) for fault in error.faults) from None
    if set(tree) != {"_"}:
        fault = Fault("syntax", "expected one value", path, "use --set once for each path")
        raise SpecError(dataclasses.replace(fault, file="--set"))
    return path, tree["_"]


def _as_typed(fault: Fault, path: str, text: str) -> Fault:
    """``fault`` with the text that the user typed in place of the line that was read."""
    source = text.partition("\n")[0] if fault.line == 1 else fault.source
    return dataclasses.replace(fault, path=path, source=source)
