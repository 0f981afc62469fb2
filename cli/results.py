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

Folder = Annotated[Path, Parameter(metavar="DIR", help="The folder given to --out.")]


def status(folder: Folder, /, *, json: Json = False) -> Exit:
    """Show how many trials of a sweep are recorded, running, waiting and failed.

    Exits with 1 if trials failed.
    """
    from ..ablation import sweep_status
    from ..ablation.results.status import STATES

    current = sweep_status(folder)
    if json:
        tell_json(current.as_dict())
    else:
        states = [state for state in STATES if state != "stopped" or current.trials[state]]
        tell_table(
            ["arm", *(state.replace("_", " ") for state in states)],
            [
                [name, *(str(counts[state]) for state in states)]
                for name, counts in current.arms.items()
            ],
        )
        tell("")
        tell(f"{current.finished} of {current.total} trials recorded, {_active(current.drivers)}")
        for node, why in current.set_aside.items():
            tell(f"node {printable(node)} is set aside: {printable(why)}")
    if current.bad:
        path = printable(str(folder))
        say(f"to train the {current.bad} that failed again: resforge sweep retry {path}")
    return Exit.DIFFERENT if current.bad else Exit.OK


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
            help="Statuses to retry, separated by commas: failed, crashed, timed_out, diverged.",
        ),
    ] = ("failed", "crashed", "timed_out"),
    arm: Annotated[
        tuple[str, ...],
        Parameter(
            metavar="NAME", negative="", help="Retry trials of this arm only; may be repeated."
        ),
    ] = (),
    json: Json = False,
) -> Exit:
    """Return failed trials to waiting; the next `resforge sweep run` trains them.

    Diverged trials are results, and retried only if --status names them.
    """
    from ..ablation import retry_trials

    retried = retry_trials(folder, status, arm)
    if json:
        tell_json([asdict(trial) for trial in retried])
    for trial in [] if json else retried:
        tell(f"{printable(trial.arm)}, seed {trial.seed}: {trial.status.replace('_', ' ')}")
    count = "no trial waits" if not retried else "1 trial waits" if len(retried) == 1 else ""
    say(f"{count or f'{len(retried)} trials wait'} again" + ("; run the sweep" if retried else ""))
    return Exit.OK


def export(
    folder: Folder,
    /,
    *,
    format: Annotated[
        Literal["csv", "json", "jsonl"],
        Parameter(help="csv: one row for each trial; json, jsonl: with the learning curves."),
    ] = "csv",
    curves: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="csv: one row for each point of the learning curves instead.",
        ),
    ] = False,
) -> Exit:
    """Print the recorded trials of a sweep."""
    from ..ablation import export_results, read_records

    sys.stdout.write(export_results(read_records(folder), format, curves))
    return Exit.OK


def _active(drivers: int) -> str:
    return {0: "no active run", 1: "1 active run"}.get(drivers, f"{drivers} active runs")
