"""``resforge check``."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal

from cyclopts import CycloptsError, Parameter

from ..errors import SpecError, printable
from ..planner.plan import check_size, lay_out
from .exits import Exit
from .findings import github, sarif
from .options import STDIN, Json, MaxActivations, MaxParams, load_source
from .output import complain, tell, tell_document, tell_json


def check(
    *files: Annotated[
        str, Parameter(name="FILE", required=True, help="Spec files, or - for standard input.")
    ],
    max_params: MaxParams = None,
    max_activations: MaxActivations = None,
    format: Annotated[
        Literal["text", "json", "github", "sarif"],
        Parameter(help="github prints annotations for GitHub Actions, sarif a SARIF 2.1.0 log."),
    ] = "text",
    json: Json = False,
) -> Exit:
    """Check spec files: one line for each, and every fault with its place and a remedy."""
    if json and format not in ("text", "json"):
        raise CycloptsError(msg=f"--json and --format {format} exclude each other: leave one out.")
    results = [_check(file, max_params, max_activations) for file in files]
    faults = [fault for result in results if not result["ok"] for fault in result["error"].faults]
    if format == "github":
        for line in github(faults):
            tell(line)
    elif format == "sarif":
        tell_document(sarif(faults))
    elif json or format == "json":
        tell_json([_as_json(result) for result in results])
    else:
        for result in results:
            _tell(result)
    return Exit.OK if all(result["ok"] for result in results) else Exit.BAD_INPUT


def _check(file: str, max_params: int | None, max_activations: int | None) -> dict[str, Any]:
    shown = "<stdin>" if file == STDIN else file
    try:
        spec = load_source(file)
        # A spec has no input size, so that no size can be too small for it.
        plan = lay_out(spec, (spec.natural_input_size,) * spec.dims)
        check_size(plan, max_params, max_activations)
    except SpecError as error:
        faults = [dataclasses.replace(f, file=f.file or shown) for f in error.faults]
        return {"file": shown, "ok": False, "error": SpecError(faults, error.more)}
    return {
        "file": shown,
        "ok": True,
        "name": spec.name,
        "params": plan.params,
        "macs": plan.macs,
        "depth": plan.depth,
        "digest": spec.digest,
    }


def _tell(result: dict[str, Any]) -> None:
    file = printable(result["file"])
    if result["ok"]:
        name = printable(result["name"]) or "no name"
        tell(
            f"{file}: ok, {name}, {result['params']:,} params, depth {result['depth']}, "
            f"digest {result['digest'][:12]}"
        )
        return
    error: SpecError = result["error"]
    count = len(error.faults) + error.more
    tell(f"{file}: {count} fault{'s' if count > 1 else ''}")
    complain(str(error))


def _as_json(result: dict[str, Any]) -> dict[str, Any]:
    if result["ok"]:
        return {**result, "faults": []}
    error: SpecError = result["error"]
    return {
        "file": result["file"],
        "ok": False,
        "faults": [dataclasses.asdict(fault) for fault in error.faults],
        "faults_left_out": error.more,
    }
