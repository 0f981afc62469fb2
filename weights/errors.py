"""Errors of files of weights."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..errors import Fault, ResforgeError

#: The help for a network of kinds that nothing registered in this process.
REGISTER = "if it has kinds of its own, import what registers them before"


class WeightsError(ResforgeError):
    """A file of weights cannot be used as requested; the model is unchanged.

    ``faults`` holds every fault found, each with the file, the problem and a remedy.
    """

    def __init__(self, faults: Fault | Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


def refuse(
    file: str | os.PathLike[str], message: str, help: str, code: str = "weights"
) -> WeightsError:
    """The error with one fault of ``file``."""
    return WeightsError(Fault(code, message, help=help, file=os.fspath(file)))


def shortened(text: str, most: int = 80) -> str:
    """``text``, which a file contains, cut to a length for messages.

    >>> shortened("abcdef", 4)
    'abc...'
    """
    return text if len(text) <= most else f"{text[: most - 1]}..."
