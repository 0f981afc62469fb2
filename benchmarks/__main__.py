"""``python -m benchmarks [SUITE ...] [--pairs N] [--write]``, from the checkout.

With ``--write`` the tables of ``docs/benchmarks.md`` are written, and ``docs/benchmarks.jsonl``,
which holds the figures: a suite's tables are replaced by this run's, those of other suites stay.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

import torch
from resforge.cli.exits import explain
from resforge.errors import ResforgeError
from resforge.training.device import as_device
from rich.console import Console
from rich.table import Table

from . import machine, results
from .page import tables, write_page
from .results import Result
from .rows import AnyRow
from .suites import ON_CPU, ON_DEVICE, module_of


def main() -> int:
    given = _arguments()
    try:
        if given.page:
            write_page(results.read())
        else:
            _run(given)
    except (ResforgeError, OSError, KeyboardInterrupt) as error:
        return explain(error)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suites", nargs="*", default=[], help=f"of {', '.join(ON_CPU)}; all")
    parser.add_argument("--pairs", type=int, default=7, help="turns of each of the two")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--page", action="store_true", help="write it from the figures and end")
    parser.add_argument("--device", default="cpu", help="cuda: the suites of an accelerator")
    given = parser.parse_args()
    choices = ON_CPU if given.device == "cpu" else ON_DEVICE
    if unknown := set(given.suites) - {*ON_CPU, *ON_DEVICE}:
        parser.error(f"no suite {', '.join(sorted(unknown))}; choose from {', '.join(choices)}")
    if given.pairs < 1:
        parser.error(f"--pairs {given.pairs}: at least 1")
    given.suites = given.suites or list(choices)
    return given


def _run(given: argparse.Namespace) -> None:
    device = as_device(given.device)
    torch.set_num_threads(1)
    # Whole commands are measured with their byte code on the disk, as pip leaves it there.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    console = Console(width=None if Console().is_terminal else 120)
    begun = time.perf_counter()
    for suite in given.suites:
        suite_begun = time.perf_counter()
        found = _measured(suite, given.pairs, device)
        _print(console, suite, [result.row for result in found])
        console.print(f"{suite}: {time.perf_counter() - suite_begun:.0f} s\n")
        if given.write:
            results.replace(suite, found)
            write_page(results.read())
    console.print(f"{time.perf_counter() - begun:.0f} s in all")


def _measured(suite: str, pairs: int, device: torch.device) -> list[Result]:
    module, load, begun = module_of(suite), machine.load(), time.perf_counter()
    where = () if suite in ON_CPU else (device,)
    rows: list[AnyRow] = list(module.run(pairs, *where))
    seconds, packages = time.perf_counter() - begun, getattr(module, "PACKAGES", ())
    run = machine.circumstances(device, packages, pairs, load, seconds)
    return [Result(suite, row, run._asdict()) for row in rows]


def _print(console: Console, suite: str, rows: Sequence[AnyRow]) -> None:
    for heads, cells in tables(rows):
        shown = Table(heads[0])
        for head in heads[1:]:
            shown.add_column(head, justify="left" if head == "against" else "right")
        for row in cells:
            shown.add_row(*row)
        console.print(shown)


if __name__ == "__main__":
    sys.exit(main())
