"""The training loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from torch import nn

from ..errors import ResforgeError
from .data.augment import Augment
from .data.tensors import Data
from .prediction import error_rate
from .recipe import Recipe
from .record import Record
from .result import TrainResult
from .step import Stepper, gradient_norms
from .streams import Batches, OwnRandomState, stream_seed
from .warmup import Waiting


def train(
    model: nn.Module,
    data: Data,
    recipe: Recipe,
    seed: int,
    on_step: Callable[[int, float], None] | None = None,
) -> TrainResult:
    """Train ``model`` in place and say how it went; :class:`Training` from its start to its end.

    The caller's random state and number of threads are left as they were.
    ``on_step(steps done, loss)`` is called after each step. Raises
    :class:`~resforge.ResforgeError` where a batch is larger than the training set, and where the
    best step is to be selected and no images are set aside.
    """
    training = Training(model, data, recipe, seed)
    while not training.finished:
        loss = training.advance()
        if on_step is not None:
            on_step(training.tried, loss)
    return training.result()


class Training:
    """A run of training, step by step; left after any step, another process can go on with it.

    The order of the images, their augmentation and any dropout have random streams of their own,
    keyed by ``seed``: two networks trained with one seed see the same batches. After the last step
    the model has the weights of the step that is selected. Raises what :func:`train` raises.

    >>> import resforge as rf
    >>> from resforge.training import DigitsSpec, load_data
    >>> def start() -> Training:
    ...     model = rf.build("digits_resnet8", seed=0)
    ...     return Training(model, load_data(DigitsSpec()), Recipe(steps=3, batch_size=8), seed=0)
    >>> left, other = start(), start()
    >>> _ = left.advance()
    >>> other.restore(left.state())
    >>> other.tried, other.advance() == left.advance()
    (1, True)
    """

    def __init__(self, model: nn.Module, data: Data, recipe: Recipe, seed: int) -> None:
        if recipe.select == "best" and data.validation is None:
            raise ResforgeError(
                "select: best goes by images that are set aside, and there are none: give the data"
                " a validation above 0"
            )
        self.model = model
        self.data = data
        self.recipe = recipe
        self.batches = Batches(len(data.train_x), recipe.batch_size, seed)
        self.augment = Augment(data.augment, len(data.train_x), seed)
        self.dropout = OwnRandomState(stream_seed(seed, "dropout"), data.train_x.device)
        self.stepper = Stepper(model, recipe, data.train_x.device)
        self.waiting = Waiting(recipe.warmup)
        self.record = Record(recipe)
        self.tried = 0
        """Steps done, the one that diverged among them."""
        model.train()

    @property
    def finished(self) -> bool:
        return self.record.diverged or self.tried == self.recipe.steps

    def advance(self) -> float:
        """Do one step; the loss before it."""
        data = self.data
        rate = self.recipe.learning_rate(self.tried, self.waiting.over)
        batch = next(self.batches)
        rows = batch.to(data.train_x.device)
        x, y = data.train_x[rows], data.train_y[rows]
        x = self.augment(x, batch, self.batches.epoch)
        with self.dropout.in_force():
            loss, scores = self.stepper.step(x, y, rate)
            if not self.waiting.over:
                self.waiting.note(error_rate(scores, y))
            self.tried += 1
            if self.tried in (1, self.recipe.steps) and isfinite(loss):
                self.record.gradients.append(gradient_norms(self.model))
            self.record.add(self.tried, loss, self.model, data)
        if self.finished and not self.record.diverged:
            self.record.put_back(self.model)
        return loss

    def result(self) -> TrainResult:
        return self.record.result()

    def state(self) -> dict[str, Any]:
        """All that the steps to come depend on, as tensors and plain values.

        The tensors are the run's own: write or copy them before the next step.
        """
        return {
            "model": self.model.state_dict(),
            "stepper": self.stepper.state(),
            "waiting": self.waiting.state(),
            "batches": self.batches.state(),
            "chance": self.augment.chance.get_state(),
            "dropout": self.dropout.states,
            "record": self.record.state(),
            "tried": self.tried,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where another run of the same arguments was when it gave its ``state``.

        Raises anything at all for another's state, and is then of no more use.
        """
        self.model.load_state_dict(state["model"])
        self.stepper.restore(state["stepper"])
        self.waiting.restore(state["waiting"])
        self.batches.restore(state["batches"])
        self.augment.chance.set_state(state["chance"])
        self.dropout.states = state["dropout"]
        self.record.restore(state["record"])
        self.tried = state["tried"]
