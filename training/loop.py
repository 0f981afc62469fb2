"""The training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any, ClassVar

from torch import Tensor, nn

from ..builder.edits import spec_of
from ..errors import ResforgeError
from ..specs.network import ResNetSpec
from ..specs.plain import as_seed
from .data.network import check_network, check_side
from .data.tensors import Data
from .feed import Batch, DataFeed
from .prediction import error_rate
from .recipe import Recipe
from .record import Record
from .result import TrainResult
from .states import difference, misfit, reason
from .step import Stepper, gradient_norms
from .warmup import WarmupState


class Loop:
    """Optimizer steps on the batches of a feed, one at a time.

    ``state()`` after any step holds what the later steps depend on, except the feed's own state;
    a loop of the same arguments continues from it after ``restore``.
    """

    #: Whether the error of each step's own outputs is computed, and not only for a warm-up.
    measures_error: ClassVar[bool] = False

    def __init__(self, model: nn.Module, stepper: Stepper, feed: Iterator[Batch]) -> None:
        self.model = model
        self.stepper = stepper
        self.feed = feed
        self.recipe = stepper.recipe
        self.warmup = WarmupState(self.recipe.warmup)
        self.step = 0
        """Steps done; a step whose loss is not finite is not taken and not counted."""
        self.batch_error = 0.0
        """Error, 0 to 1, of the last batch for which it was computed, before its step."""
        self.diverged = False

    @property
    def finished(self) -> bool:
        return self.diverged or self.step >= self.recipe.steps

    def advance(self) -> float:
        """Do one step; the loss before it.

        Raises :class:`~resforge.ResforgeError` for a training that is finished.
        """
        if self.finished:
            raise ResforgeError(
                f"the training is finished after {self.step} steps: call advance only while"
                " finished is false"
            )
        rate = self.recipe.learning_rate(self.step, self.warmup.over)
        batch = next(self.feed)
        with batch.random.in_force():
            loss, scores = self.stepper.step(batch.x, batch.targets, rate)
        if not isfinite(loss):
            self.diverged = True
            return loss
        if self.measures_error or not self.warmup.over:
            self.batch_error = self.error(scores, batch.labels)
        if not self.warmup.over:
            self.warmup.note(self.batch_error)
        self.step += 1
        return loss

    def error(self, scores: Tensor, labels: Tensor) -> float:
        """Error of a training batch, 0 to 1, from the outputs of its own step."""
        return error_rate(scores, labels)

    def state(self) -> dict[str, Any]:
        """Tensors and plain values. The tensors are the loop's own: write or copy them before the
        next step."""
        return {
            "model": self.model.state_dict(),
            "stepper": self.stepper.state(),
            "waiting": self.warmup.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from the ``state`` of another loop of the same arguments.

        Raises any exception for a state that does not fit; the loop is then unusable.
        """
        if found := misfit(self.model, state["model"]):
            raise ValueError(found)
        self.model.load_state_dict(state["model"])
        self.stepper.restore(state["stepper"])
        self.warmup.restore(state["waiting"])


class Training(Loop):
    """One run of training on a data set in memory, with its learning curves.

    The order of the images, their augmentation and any dropout have random streams of their own,
    keyed by ``seed``: two networks trained with one seed see the same batches. After the last step
    the model has the weights of the selected step. Raises what :func:`train` raises.

    >>> import resforge as rf
    >>> from resforge.training import DigitsSpec, load_data
    >>> def start() -> Training:
    ...     model = rf.build("digits_resnet8", seed=0)
    ...     return Training(model, load_data(DigitsSpec()), Recipe(steps=3, batch_size=8), seed=0)
    >>> interrupted, resumed = start(), start()
    >>> _ = interrupted.advance()
    >>> resumed.restore(interrupted.state())
    >>> resumed.step, resumed.advance() == interrupted.advance()
    (1, True)
    """

    measures_error = True
    feed: DataFeed

    def __init__(self, model: nn.Module, data: Data, recipe: Recipe, seed: int) -> None:
        if recipe.select == "best" and data.validation is None:
            raise ResforgeError(
                "select: best goes by images that are set aside, and there are none: give the data"
                " a validation above 0"
            )
        spec = _spec_of(model)
        if spec is not None:
            _, *shape = data.train_x.shape
            check_network(spec, shape, data.num_classes)
            check_side(spec, shape[1:])
        #: Digest of the network; None for a module that no spec says.
        self.network = spec.digest if spec is not None else None
        feed = DataFeed(data, recipe.batch_size, as_seed("Training", seed))
        super().__init__(model, Stepper(model, recipe, data.device), feed)
        self.record = Record(recipe)
        model.train()

    def advance(self) -> float:
        loss = super().advance()
        if self.diverged:
            return loss
        if self.step in (1, self.recipe.steps):
            # A training that is lengthened has had a last step before.
            self.record.gradients[1:] = [gradient_norms(self.model)]
        self.diverged = not self.record.add(
            self.step, loss, self.batch_error, self.model, self.feed.data
        )
        if self.finished and not self.diverged:
            self.record.load_selected(self.model)
        return loss

    def result(self) -> TrainResult:
        return self.record.result(self.diverged)

    def state(self) -> dict[str, Any]:
        return {
            **super().state(),
            **self.feed.state(),
            "identity": self._identity(),
            "record": self.record.state(),
            "tried": self.step,
            "diverged": self.diverged,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from the ``state`` of another training of the same network, data, recipe and
        seed.

        The recipe may have more steps here if its schedule is constant and ``select`` is ``last``
        (the evaluation after the last step of the other stays in the curve), and may differ in how
        a step is computed: ``channels_last``, ``compile``, ``cuda_graphs`` and the optimizer's
        ``fused``. Of a module that is no network of resforge only names and shapes are compared.
        Raises :class:`~resforge.ResforgeError` for any other state; the training is then unusable.
        """
        try:
            self._check_identity(state["identity"])
            super().restore(state)
            self.feed.restore(state)
            self.record.restore(state["record"])
            self.step, self.diverged = state["tried"], state["diverged"]
        except Exception as error:  # a state that does not fit can raise anything at all
            raise ResforgeError(
                f"the state does not fit this training ({reason(error)}): use one of a training of"
                " the same network, data, recipe and seed"
            ) from error

    def _identity(self) -> dict[str, Any]:
        """All settings, except for how a step is computed."""
        recipe = self.recipe.model_dump(mode="json")
        del recipe["channels_last"], recipe["compile"], recipe["cuda_graphs"]
        del recipe["optimizer"]["fused"]
        return {
            "network": self.network,
            "seed": self.feed.seed,
            "data": self.feed.data.fingerprint,
            **{f"recipe.{name}": value for name, value in recipe.items()},
        }

    def _check_identity(self, theirs: Mapping[str, Any]) -> None:
        """Raise ``ValueError`` for the identity of a training that this one does not continue."""
        mine, recipe = self._identity(), self.recipe
        others = [name for name in mine if theirs[name] != mine[name]]
        # The learning rate of a step depends on the number of all, unless it is constant; the end
        # of a training that selects the best step has the weights of that one.
        may_be_longer = recipe.schedule.kind == "constant" and recipe.select == "last"
        if may_be_longer and others == ["recipe.steps"] and theirs[others[0]] < recipe.steps:
            return
        if others:
            listed = [difference(name, theirs[name], mine[name]) for name in others]
            raise ValueError(f"it differs in {', '.join(listed)}")


def _spec_of(model: nn.Module) -> ResNetSpec | None:
    """The spec of a network of resforge; None for a module of another origin, and for one with
    hooks, which may change what it takes and puts out."""
    if any(each._forward_pre_hooks or each._forward_hooks for each in model.modules()):
        return None
    try:
        return spec_of(model)
    except ResforgeError:
        return None


def train(
    model: nn.Module,
    data: Data,
    recipe: Recipe,
    seed: int,
    on_step: Callable[[int, float], None] | None = None,
) -> TrainResult:
    """Train ``model`` in place; the result of a :class:`Training` from its first step to its last.

    The caller's random state and number of threads do not change. ``on_step(steps done, loss)`` is
    called after each step. Raises :class:`~resforge.SpecError` for a network that resforge built
    whose axes, input channels or classes are not those of the data, or that cannot run on its
    images, and for a batch that is larger than the training set, and
    :class:`~resforge.ResforgeError` where the best step is to be selected and no images are set
    aside.
    """
    training = Training(model, data, recipe, seed)
    while not training.finished:
        loss = training.advance()
        if on_step is not None:
            on_step(training.step, loss)
    return training.result()
