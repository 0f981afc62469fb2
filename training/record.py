"""Learning curves of a run, and the step whose weights are tested."""

from __future__ import annotations

import time
from collections.abc import Mapping
from math import ceil, isfinite
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from .data.tensors import Data
from .prediction import error_rate, logits
from .recipe import Recipe
from .result import GradientNorm, TestPoint, TrainResult

CURVE_POINTS = 200


class Record:
    """Learning curves and evaluations of a run.

    The selected step does not depend on the test images: it is the last evaluated step, or the
    first with the lowest error on the validation images.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.by_validation = recipe.select == "best"
        self.evaluation_steps = recipe.evaluation_steps()
        self.stretch = ceil(recipe.steps / CURVE_POINTS)
        self.losses: list[float] = []
        self.errors: list[float] = []
        self.train_curve: list[tuple[int, float]] = []
        self.train_errors: list[tuple[int, float]] = []
        self.test_curve: list[TestPoint] = []
        self.validation_curve: list[TestPoint] = []
        self.selected = 0
        self.correct: tuple[bool, ...] = ()
        self.weights: dict[str, Tensor] = {}
        """Weights of the selected step, unless that is always the last."""
        self.gradients: list[tuple[GradientNorm, ...]] = []
        self.steps = 0
        self.test_seconds = 0.0

    def add(self, step: int, loss: float, error: float, model: nn.Module, data: Data) -> bool:
        """Add a step with the loss and the error of its batch, and evaluate ``model`` where an
        evaluation is due.

        Returns whether all losses of the evaluation are finite.
        """
        self.steps = step
        self.losses.append(loss)
        self.errors.append(error)
        due = step in self.evaluation_steps
        if due or len(self.losses) == self.stretch:
            self.train_curve.append((step, sum(self.losses) / len(self.losses)))
            self.train_errors.append((step, sum(self.errors) / len(self.errors)))
            self.losses.clear()
            self.errors.clear()
        if not due:
            return True
        start = time.perf_counter()
        finite = self._evaluate(step, model, data)
        self.test_seconds += time.perf_counter() - start
        return finite

    def load_selected(self, model: nn.Module) -> None:
        """Load the weights of the selected step into ``model``."""
        if self.weights:
            model.load_state_dict(self.weights)

    def _evaluate(self, step: int, model: nn.Module, data: Data) -> bool:
        test, correct = _evaluated(step, model, data.test_x, data.test_y)
        points = [(self.test_curve, test)]
        if data.validation is not None:
            validation, _ = _evaluated(step, model, *data.validation)
            points.append((self.validation_curve, validation))
        if not all(isfinite(point.loss) for _, point in points):
            return False
        for curve, point in points:
            curve.append(point)
        if self.by_validation and self._lowest() != step:
            return True
        self.selected, self.correct = step, correct
        if self.by_validation:
            state = model.state_dict()
            self.weights = {name: value.detach().clone() for name, value in state.items()}
        return True

    def _lowest(self) -> int:
        return min(self.validation_curve, key=lambda point: point.error).step

    def state(self) -> dict[str, Any]:
        return {
            "losses": self.losses,
            "errors": self.errors,
            "train_curve": self.train_curve,
            "train_errors": self.train_errors,
            "test_curve": [point.numbers for point in self.test_curve],
            "validation_curve": [point.numbers for point in self.validation_curve],
            "selected": self.selected,
            "correct": self.correct,
            "weights": self.weights,
            "gradients": self.gradients,
            "steps": self.steps,
            "test_seconds": self.test_seconds,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.losses = [*state["losses"]]
        self.errors = [*state["errors"]]
        self.train_curve = [*state["train_curve"]]
        self.train_errors = [*state["train_errors"]]
        self.test_curve = [TestPoint(*point) for point in state["test_curve"]]
        self.validation_curve = [TestPoint(*point) for point in state["validation_curve"]]
        self.selected = state["selected"]
        self.correct = tuple(state["correct"])
        self.weights = {**state["weights"]}
        self.gradients = [*state["gradients"]]
        self.steps = state["steps"]
        self.test_seconds = state["test_seconds"]

    def result(self, diverged: bool) -> TrainResult:
        return TrainResult(
            train_curve=tuple(self.train_curve),
            test_curve=tuple(self.test_curve),
            steps=self.steps,
            diverged=diverged,
            correct=() if diverged else self.correct,
            gradients=tuple(self.gradients),
            validation_curve=tuple(self.validation_curve),
            selected=None if diverged else self.selected,
            test_seconds=self.test_seconds,
            train_errors=tuple(self.train_errors),
        )


def _evaluated(
    step: int, model: nn.Module, x: Tensor, y: Tensor
) -> tuple[TestPoint, tuple[bool, ...]]:
    """Error and loss on images ``x: (N, C, H, W)`` with labels ``y: (N,)``, and whether each image
    is classified correctly."""
    scores = logits(model, x)
    point = TestPoint(step, error_rate(scores, y), F.cross_entropy(scores, y).item())
    return point, tuple((scores.argmax(dim=1) == y).tolist())
