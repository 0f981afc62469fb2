"""What a run of training has to say for itself, in plain numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

#: A parameter's name and the 2-norm of its gradient; None where that is not finite.
GradientNorm = tuple[str, float | None]


@dataclass(frozen=True, slots=True)
class TestPoint:
    """Error (a share, 0 to 1) and loss after ``step`` optimiser steps: on the test images, or on
    those set aside."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    step: int
    error: float
    loss: float

    @property
    def numbers(self) -> tuple[int, float, float]:
        return (self.step, self.error, self.loss)


@dataclass(frozen=True, slots=True)
class TrainResult:
    """The record of one run.

    ``train_curve`` holds ``(steps done, mean training loss since the last point)``. A run whose
    loss stopped being finite has ``diverged`` set, ``steps`` says how far it came, and its
    ``test_error`` and ``test_loss`` are ``None``.
    """

    train_curve: tuple[tuple[int, float], ...]
    test_curve: tuple[TestPoint, ...]
    steps: int
    diverged: bool
    correct: tuple[bool, ...] = ()
    """Of each test image, whether it was told rightly after the selected step."""
    gradients: tuple[tuple[GradientNorm, ...], ...] = ()
    """At the first step and at the last: the norm of each weight's gradient, in the model's
    order. Biases and scales are left out."""
    validation_curve: tuple[TestPoint, ...] = ()
    """On the images that were set aside, if there were any."""
    selected: int | None = None
    """The step whose weights are tested: the last one, or the best by ``validation_curve``."""
    test_seconds: float = field(default=0.0, compare=False)
    """Spent on looking at the test images and at those set aside."""

    @property
    def test_error(self) -> float | None:
        """Share of test images missed after the selected step."""
        return None if self.diverged else self._tested.error

    @property
    def test_loss(self) -> float | None:
        """Mean cross-entropy on the test images after the selected step, without smoothing."""
        return None if self.diverged else self._tested.loss

    @property
    def _tested(self) -> TestPoint:
        return next(
            (point for point in self.test_curve if point.step == self.selected),
            self.test_curve[-1],
        )

    @property
    def train_loss(self) -> float | None:
        """Mean training loss of the last stretch of the curve."""
        return None if self.diverged else self.train_curve[-1][1]
