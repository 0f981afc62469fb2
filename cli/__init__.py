"""The command line: one thin function for each command.

``resforge list``, ``new``, ``check``, ``show``, ``diff`` and ``schema`` never import torch.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from ..first_use import on_first_use
from .early import begun_early
from .interrupts import listen

if TYPE_CHECKING:
    from .app import run as run


def main() -> NoReturn:
    """Run the command line in ``sys.argv`` and exit."""
    listen()
    # Python looks for cycles of garbage after every few hundred new objects: up to a fifteenth of
    # the time of a command that imports or draws much. The cycles that wait longer now are small:
    # those of six epochs of training on pictures held no tensor and no picture.
    gc.set_threshold(10_000)
    try:
        # The commands and what they import take a third of a second.
        with begun_early(sys.argv[1:]):
            from .app import run_program

            run_program()
    except KeyboardInterrupt:
        # What explains other ends may not have been imported yet.
        if sys.stderr is not None:
            print("interrupted", file=sys.stderr, flush=True)
        # After an interrupt in code that was made by exec, as that of dataclasses, sys.exit would
        # end by the signal.
        os._exit(130)


__getattr__, __dir__ = on_first_use(__name__, {"run": "app"})

__all__ = ["main", "run"]
