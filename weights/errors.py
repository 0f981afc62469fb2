"""What a file of weights that cannot be used is answered with."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..errors import Fault, ResforgeError


class WeightsError(ResforgeError):
    """A file of weights, or what it holds, cannot be used as asked; the model is as it was.

    ``faults`` holds every fault found, each with the file, what is wrong and what to do.
    """

    def __init__(self, faults: Fault | Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


def refuse(
    file: str | os.PathLike[str], message: str, help: str, code: str = "weights"
) -> WeightsError:
    """The error of one fault of ``file``."""
    return WeightsError(Fault(code, message, help=help, file=os.fspath(file)))
