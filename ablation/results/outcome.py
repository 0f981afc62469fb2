"""Outcomes of trials, in plain numbers that the store keeps bit for bit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

#: Part of every trial's key; to be increased when the same trial would give other numbers.
RESULT_FORMAT = 1

Status = Literal["done", "diverged", "failed", "crashed", "timed_out"]


@dataclass(frozen=True)
class Outcome:
    """Outcome of one trial.

    ``done`` and ``diverged`` (the loss stopped being finite) are results; ``failed`` (an exception
    was raised), ``crashed`` (the process died) and ``timed_out`` have the reason in ``error``. Test
    and validation errors are fractions from 0 to 1. ``train_curve`` holds ``(step, loss)``,
    ``test_curve`` and ``validation_curve`` hold ``(step, error, loss)``; the last is empty without
    validation images.
    """

    status: Status
    train_curve: tuple[tuple[int, float], ...] = ()
    test_curve: tuple[tuple[int, float, float], ...] = ()
    steps: int = 0
    seconds: float = 0.0
    error: str | None = None
    environment: dict[str, Any] = field(default_factory=dict)
    correct: str = ""
    """One bit for each test image: whether it is classified correctly after the selected step. See
    :func:`unpack_bits`."""
    gradients: tuple[tuple[tuple[str, float | None], ...], ...] = ()
    """Name and gradient norm of each weight, at the first step and at the last."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds spent on parts of the trial."""
    notes: tuple[str, ...] = ()
    """Messages for people, on which no number depends."""
    validation_curve: tuple[tuple[int, float, float], ...] = ()
    selected: int | None = None
    """Step whose weights were tested; None stands for the last."""

    @classmethod
    def timed_out(cls, limit: float) -> Outcome:
        """Outcome of a trial that was stopped after ``limit`` seconds."""
        return cls("timed_out", seconds=limit, error=f"stopped after its time limit of {limit:g} s")

    @property
    def test_error(self) -> float | None:
        """Test error after the selected step, as a fraction; None unless ``done``."""
        return self._at_selected(self.test_curve)[1]

    @property
    def test_loss(self) -> float | None:
        return self._at_selected(self.test_curve)[2]

    @property
    def validation_error(self) -> float | None:
        """Validation error after the selected step; None where there are no validation images."""
        return self._at_selected(self.validation_curve)[1]

    @property
    def train_loss(self) -> float | None:
        return self.train_curve[-1][1] if self.status == "done" else None

    @property
    def numbers(self) -> tuple[Any, ...]:
        """Fields that must be equal when the trial is run again."""
        return (
            *(self.status, self.train_curve, self.test_curve, self.steps),
            *(self.correct, self.gradients, self.validation_curve, self.selected),
        )

    def _at_selected(
        self, curve: tuple[tuple[int, float, float], ...]
    ) -> tuple[int, float | None, float | None]:
        if self.status != "done" or not curve:
            return (0, None, None)
        return next((point for point in curve if point[0] == self.selected), curve[-1])

    def to_json(self) -> str:
        """JSON text from which :meth:`from_json` restores an equal outcome, floats bit for bit.

        >>> outcome = Outcome("done", ((1, 0.1),), ((1, 0.25, 2.0),), steps=1)
        >>> Outcome.from_json(outcome.to_json()) == outcome
        True
        """
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        tree = json.loads(text)
        for curve in ("train_curve", "test_curve", "validation_curve"):
            tree[curve] = tuple(tuple(point) for point in tree.get(curve, ()))
        tree["notes"] = tuple(tree.get("notes", ()))
        tree["gradients"] = tuple(
            tuple((name, norm) for name, norm in step) for step in tree.get("gradients", ())
        )
        return cls(**tree)


def pack_bits(bits: Sequence[bool]) -> str:
    """Bits as hex, in the layout of ``numpy.packbits``.

    Eight bits make a byte, the first bit is the highest, and zeros pad the last byte.

    >>> pack_bits([True, False, True])
    'a0'
    """
    whole = [*bits, *[False] * (-len(bits) % 8)]
    places = range(0, len(whole), 8)
    return bytes(sum(bit << 7 - i for i, bit in enumerate(whole[p : p + 8])) for p in places).hex()


def unpack_bits(text: str, count: int) -> list[bool]:
    """The first ``count`` bits of :func:`pack_bits`.

    >>> unpack_bits("a0", 3)
    [True, False, True]
    """
    return [bool(byte >> 7 - i & 1) for byte in bytes.fromhex(text) for i in range(8)][:count]
