"""``python -m benchmarks [SUITE ...] [--pairs N]``, from the checkout."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable, Iterator

import torch
from rich.console import Console
from rich.table import Table

from . import building, decoding, fusing, generating, planning, running, sweeping, zero_pad
from .turns import Row

SUITES: dict[str, Callable[[int], Iterator[Row]]] = {
    "plan": planning.run,
    "build": building.run,
    "run": running.run,
    "decode": decoding.run,
    "zero_pad": zero_pad.run,
    "generate": generating.run,
    "fuse": fusing.run,
    "sweep": sweeping.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suites", nargs="*", default=[], help=f"of {', '.join(SUITES)}; all")
    parser.add_argument("--pairs", type=int, default=15, help="turns of each of the two")
    arguments = parser.parse_args()
    if unknown := set(arguments.suites) - set(SUITES):
        parser.error(f"no suite {', '.join(sorted(unknown))}; choose from {', '.join(SUITES)}")
    torch.set_num_threads(1)
    console = Console(width=None if Console().is_terminal else 120)
    console.print(
        f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"{arguments.pairs} pairs of turns; ratio = their time / ours"
    )
    table = Table("what", "against")
    for column in ("ours, ms", "theirs, ms", "ratio", "least to most"):
        table.add_column(column, justify="right")
    for name in arguments.suites or SUITES:
        rows = list(SUITES[name](arguments.pairs))
        if not rows:
            console.print(f"{name}: torchvision cannot be imported; pip install '.[bench]'")
        for row in rows:
            table.add_row(
                row.what,
                row.peer,
                f"{row.ours_ms:.3f}",
                f"{row.theirs_ms:.2f}",
                f"{row.ratio:.2f}",
                f"{row.least:.2f} to {row.most:.2f}",
            )
        table.add_section()
    console.print(table)


if __name__ == "__main__":
    main()
