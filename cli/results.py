"""``resforge sweep status``, ``retry`` and ``export``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter, Token

from ..errors import printable
from .exits import Exit
from .options import Json
from .output import say, tell, tell_json, tell_table

Folder = Annotated[Path, Parameter(metavar="DIR", help="What --out named.")]


def status(folder: Folder, /, *, json: Json = False) -> Exit:
    """Say how many trials of a sweep are recorded, running, waiting and failed.

    Exits with 1 where trials failed.
    """
    from ..ablation import sweep_status
    from ..ablation.results.status import STATES

    found = sweep_status(folder)
    if json:
        tell_json(found.as_dict())
    else:
        tell_table(
            ["arm", *(state.replace("_", " ") for state in STATES)],
            [[name, *map(str, counts.values())] for name, counts in found.arms.items()],
        )
        tell("")
        tell(f"{found.finished} of {found.total} trials recorded, {_at_work(found.drivers)}")
    if found.bad:
        say(f"to train the {found.bad} that failed again: resforge sweep retry {_told(folder)}")
    return Exit.DIFFERENT if found.bad else Exit.OK


def _statuses(_: type, tokens: tuple[Token, ...]) -> tuple[str, ...]:
    from ..ablation.results.status import RETRIABLE

    statuses = tuple(word for token in tokens for word in token.value.split(","))
    for word in statuses:
        if word not in RETRIABLE:
            raise ValueError(f"{word!r} is not retried: use {', '.join(RETRIABLE)}")
    return statuses


def retry(
    folder: Folder,
    /,
    *,
    status: Annotated[
        tuple[str, ...],
        Parameter(
            converter=_statuses,
            n_tokens=1,
            accepts_keys=False,
            metavar="LIST",
            help="How they ended, with commas between: failed, crashed, timed_out, diverged.",
        ),
    ] = ("failed", "crashed", "timed_out"),
    arm: Annotated[
        tuple[str, ...],
        Parameter(metavar="NAME", negative="", help="Of this arm alone; may be given again."),
    ] = (),
    json: Json = False,
) -> Exit:
    """Let trials that failed wait again; the next `resforge sweep run` trains them.

    Diverged trials are results, and retried only where --status names them.
    """
    from ..ablation import retry_trials

    found = retry_trials(folder, status, arm)
    if json:
        tell_json([asdict(trial) for trial in found])
    for trial in [] if json else found:
        tell(f"{printable(trial.arm)}, seed {trial.seed}: {trial.status.replace('_', ' ')}")
    count = "no trial waits" if not found else "1 trial waits" if len(found) == 1 else ""
    say(f"{count or f'{len(found)} trials wait'} again" + ("; run the sweep" if found else ""))
    return Exit.OK


def export(
    folder: Folder,
    /,
    *,
    format: Annotated[
        Literal["csv", "json", "jsonl"],
        Parameter(help="csv: a row for each trial; json, jsonl: with the learning curves."),
    ] = "csv",
    curves: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="csv: a row for each point instead."),
    ] = False,
) -> Exit:
    """Print what is recorded of a sweep."""
    from ..ablation import export_results, read_records

    sys.stdout.write(export_results(read_records(folder), format, curves))
    return Exit.OK


def _at_work(drivers: int) -> str:
    return {0: "no run at work", 1: "a run at work"}.get(drivers, f"{drivers} runs at work")


def _told(folder: Path) -> str:
    return printable(str(folder))
