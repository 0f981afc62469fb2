"""Outcomes of trials, in plain numbers that the store keeps bit for bit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, TypeAdapter

from ...training.result import error_before

#: Part of every trial's key; to be increased when the same trial would give other numbers.
RESULT_FORMAT = 1

Status = Literal["done", "stopped", "diverged", "failed", "crashed", "timed_out"]


def _escaped(value: Any) -> Any:
    """A traceback can hold file names that cannot be encoded in UTF-8; they are escaped."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


_Text = Annotated[str, BeforeValidator(_escaped)]
_Step = Annotated[int, Field(ge=0, lt=2**63)]
_Loss = Annotated[float, Field(ge=-1e300, le=1e300)]
_Error = Annotated[float, Field(ge=0, le=1)]
_Seconds = Annotated[float, Field(ge=0, le=1e15)]
_Curve = tuple[tuple[_Step, _Error, _Loss], ...]


@dataclass(frozen=True)
class Outcome:
    """Outcome of one trial.

    ``done`` and ``diverged`` (the loss stopped being finite) are results; ``failed`` (an exception
    was raised), ``crashed`` (the process died) and ``timed_out`` have the reason in ``error``. A
    trial that is ``stopped`` was ended before its last step by successive halving: it has curves,
    and no test error, since it is compared with no complete trial. Test and validation errors are
    fractions from 0 to 1. ``train_curve`` holds ``(step, loss)``, ``test_curve`` and
    ``validation_curve`` hold ``(step, error, loss)``; the last is empty without validation images.
    """

    status: Status
    train_curve: tuple[tuple[_Step, _Loss], ...] = ()
    test_curve: _Curve = ()
    steps: _Step = 0
    seconds: _Seconds = 0.0
    error: _Text | None = None
    environment: dict[str, Any] = field(default_factory=dict)
    correct: Annotated[str, Field(pattern="^([0-9a-f]{2})*$")] = ""
    """One bit for each test image: whether it is classified correctly after the selected step. See
    :func:`unpack_bits`."""
    gradients: tuple[tuple[tuple[str, _Seconds | None], ...], ...] = ()
    """Name and gradient norm of each weight, at the first step and at the last."""
    timings: dict[str, _Seconds] = field(default_factory=dict)
    """Seconds spent on parts of the trial."""
    notes: tuple[_Text, ...] = ()
    """Messages for people, on which no number depends."""
    validation_curve: _Curve = ()
    selected: _Step | None = None
    """Step whose weights were tested; None stands for the last."""
    train_errors: tuple[tuple[_Step, _Error], ...] = ()
    """``(step, error)`` of the training batches, each the mean over the steps since the last point,
    of the outputs of those steps; empty in trials of versions that did not record it."""

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
    def last_validation_error(self) -> float | None:
        """Validation error of a trial as far as it was trained, ``stopped`` or ``done``."""
        if self.status not in ("done", "stopped") or not self.validation_curve:
            return None
        errors = {step: error for step, error, _ in self.validation_curve}
        return errors.get(self.selected or 0, self.validation_curve[-1][1])

    def steps_to(self, error: float) -> int | None:
        """Step of the first evaluation with at most this test error; None where there is none.

        >>> Outcome("done", test_curve=((20, 0.3, 1.0), (40, 0.1, 0.5))).steps_to(0.2)
        40
        """
        return next((step for step, reached, _ in self.test_curve if reached <= error), None)

    @property
    def train_loss(self) -> float | None:
        return self.train_curve[-1][1] if self.status == "done" else None

    @property
    def train_error(self) -> float | None:
        """Mean training error over the steps since the evaluation before the selected step."""
        if self.status != "done" or not self.train_errors or not self.test_curve:
            return None
        evaluated = [step for step, *_ in self.test_curve]
        return error_before(self.train_errors, evaluated, self._at_selected(self.test_curve)[0])

    @property
    def numbers(self) -> tuple[Any, ...]:
        """Fields that must be equal when the trial is run again."""
        return (
            *(self.status, self.train_curve, self.test_curve, self.steps),
            *(self.correct, self.gradients, self.validation_curve, self.selected),
            self.train_errors,
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
        """Raises ``ValueError`` for a text that :meth:`to_json` cannot have written."""
        # json.loads takes what json.dumps writes, surrogates included; pydantic's parser does not.
        return _adapter().validate_python(json.loads(text))


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Outcome]:
    return TypeAdapter(Outcome)


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
