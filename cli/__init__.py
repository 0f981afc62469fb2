"""The command line: one thin function for each command.

``resforge list``, ``new``, ``check``, ``show``, ``diff`` and ``schema`` never import torch.
"""

from .app import main, run

__all__ = ["main", "run"]
