"""Result of a run of training, in plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

#: Name of a parameter and the 2-norm of its gradient; None where the norm is not finite.
GradientNorm = tuple[str, float | None]


@dataclass(frozen=True, slots=True)
class TestPoint:
    """Error, 0 to 1, and loss after ``step`` optimizer steps, on the test images or on the
    validation images."""

    __test__ = False  # keeps pytest from collecting the class as a test

    step: int
    error: float
    loss: float

    @property
    def numbers(self) -> tuple[int, float, float]:
        return (self.step, self.error, self.loss)


@dataclass(frozen=True, slots=True)
class TrainResult:
    """Result of one run.

    ``train_curve`` holds ``(steps done, mean training loss since the last point)``. A run whose
    loss stopped being finite has ``diverged`` set, ``steps`` counts the steps before that, and its
    ``test_error`` and ``test_loss`` are ``None``.
    """

    train_curve: tuple[tuple[int, float], ...]
    test_curve: tuple[TestPoint, ...]
    steps: int
    diverged: bool
    correct: tuple[bool, ...] = ()
    """Whether each test image is classified correctly after the selected step."""
    gradients: tuple[tuple[GradientNorm, ...], ...] = ()
    """Norm of the gradient of each weight, in the model's order, at the first step and at the
    last. Biases and scales are left out."""
    validation_curve: tuple[TestPoint, ...] = ()
    """Evaluations on the validation images; empty where the data have none."""
    selected: int | None = None
    """Step whose weights are tested: the last, or the best by ``validation_curve``."""
    test_seconds: float = field(default=0.0, compare=False)
    """Time of the evaluations."""
    train_errors: tuple[tuple[int, float], ...] = ()
    """``(steps done, mean training error since the last point)``, of the outputs that the steps
    were taken on: augmented images, batch statistics, and weights that change in between."""

    @property
    def test_error(self) -> float | None:
        """Fraction of the test images that are classified wrongly after the selected step."""
        return None if self.diverged else self._tested.error

    @property
    def test_loss(self) -> float | None:
        """Mean cross-entropy on the test images after the selected step, without smoothing."""
        return None if self.diverged else self._tested.loss

    @property
    def train_error(self) -> float | None:
        """Mean training error, 0 to 1, over the steps between the evaluation before the selected
        step and that step."""
        if self.diverged or not self.train_errors:
            return None
        steps = [point.step for point in self.test_curve]
        return error_before(self.train_errors, steps, self._tested.step)

    @property
    def _tested(self) -> TestPoint:
        return next(
            (point for point in self.test_curve if point.step == self.selected),
            self.test_curve[-1],
        )

    @property
    def train_loss(self) -> float | None:
        """Mean training loss at the last point of the curve."""
        return None if self.diverged else self.train_curve[-1][1]


def error_before(curve: Sequence[tuple[int, float]], evaluated: Sequence[int], step: int) -> float:
    """Mean of a ``curve`` over the steps since the last of ``evaluated`` before ``step``.

    A point of the curve holds a step, and a mean over the steps since the point before it.

    >>> error_before([(10, 0.8), (20, 0.6), (25, 0.4), (30, 0.2)], evaluated=[10, 30], step=30)
    0.45
    """
    start = max((other for other in evaluated if other < step), default=0)
    before, total = 0, 0.0
    for end, value in curve:
        if start < end <= step:
            total += value * (end - before)
        before = end
    return total / (step - start)
