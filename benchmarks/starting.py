"""Whole commands, each in a process of its own.

The floor is what every command has to do: start Python, and import the libraries that validate and
read the command line.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from .rows import AnyRow
from .turns import compare

COMMANDS = ("check resnet50", "show resnet50", "fit resnet50 --params 20e6", "list 'resnet*'")


def run(pairs: int) -> Iterator[AnyRow]:
    floor = partial(_run, "-c", "import pydantic, yaml, cyclopts")
    for words in COMMANDS:
        ours = partial(_run, "-m", "resforge", *words.replace("'", "").split())
        peer = "importing pydantic, yaml and cyclopts"
        yield compare(f"resforge {words}", peer, ours, floor, pairs, floor=True)


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
