"""The command line: thin verbs over the library, each in a few lines.

``resforge list``, ``new``, ``check``, ``show``, ``diff`` and ``schema`` never import torch.
"""

from .app import main, run

__all__ = ["main", "run"]
