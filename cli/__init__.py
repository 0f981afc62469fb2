"""The command line: one thin function for each command.

``resforge list``, ``new``, ``check``, ``show``, ``diff`` and ``schema`` never import torch.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

from ..first_use import on_first_use
from .early import begun_early

if TYPE_CHECKING:
    from .app import run as run


def main() -> NoReturn:
    """Run the command line in ``sys.argv`` and exit."""
    # The commands and what they import take a third of a second.
    with begun_early(sys.argv[1:]):
        from .app import run_program

        run_program()


__getattr__, __dir__ = on_first_use(__name__, {"run": "app"})

__all__ = ["main", "run"]
