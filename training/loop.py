"""The training loop."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import ceil, isfinite
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..specs.errors import ResforgeError
from .data.augment import crop_flip
from .data.tensors import Data
from .optimizer import SgdSpec
from .prediction import error_rate, logits
from .recipe import Recipe
from .result import GradientNorm, TestPoint, TrainResult

CURVE_POINTS = 200


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
    :class:`~resforge.ResforgeError` where a batch is larger than the training set.
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
    keyed by ``seed``: two networks trained with one seed see the same batches. Raises
    :class:`~resforge.ResforgeError` where a batch is larger than the training set.

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
        self.model = model
        self.data = data
        self.recipe = recipe
        self.batches = Batches(len(data.train_x), recipe.batch_size, seed)
        self.chance = torch.Generator().manual_seed(stream_seed(seed, "augmentation"))
        self.dropout = OwnRandomState(stream_seed(seed, "dropout"), data.train_x.device)
        self.optimizer = make_optimizer(model, recipe)
        self.record = _Record(recipe)
        self.tried = 0
        """Steps done, the one that diverged among them."""
        model.train()

    @property
    def finished(self) -> bool:
        return self.record.diverged or self.tried == self.recipe.steps

    def advance(self) -> float:
        """Do one step; the loss before it."""
        data = self.data
        set_learning_rate(self.optimizer, self.recipe.learning_rate(self.tried))
        rows = next(self.batches).to(data.train_x.device)
        x, y = data.train_x[rows], data.train_y[rows]
        if data.augment == "crop_flip":
            x = crop_flip(x, self.chance)
        with self.dropout.in_force():
            loss = train_step(self.model, self.optimizer, x, y, self.recipe.label_smoothing)
            self.tried += 1
            if self.tried in (1, self.recipe.steps) and isfinite(loss):
                self.record.gradients.append(gradient_norms(self.model))
            self.record.add(self.tried, loss, self.model, data)
        return loss

    def result(self) -> TrainResult:
        return self.record.result()

    def state(self) -> dict[str, Any]:
        """All that the steps to come depend on, as tensors and plain values.

        The tensors are the run's own: write or copy them before the next step.
        """
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "batches": self.batches.state(),
            "chance": self.chance.get_state(),
            "dropout": self.dropout.states,
            "record": self.record.state(),
            "tried": self.tried,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where another run of the same arguments was when it gave its ``state``.

        Raises anything at all for another's state, and is then of no more use.
        """
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.batches.restore(state["batches"])
        self.chance.set_state(state["chance"])
        self.dropout.states = state["dropout"]
        self.record.restore(state["record"])
        self.tried = state["tried"]


def train_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, smoothing: float
) -> float:
    """One step on ``x: (N, C, H, W)``, ``y: (N,)``; the loss before it.

    A loss that is not finite is given back without a step: the weights stay as they were.
    """
    optimizer.zero_grad(set_to_none=True)
    loss = F.cross_entropy(model(x), y, label_smoothing=smoothing)
    value = loss.item()
    if isfinite(value):
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return value


def gradient_norms(model: nn.Module) -> tuple[GradientNorm, ...]:
    """The 2-norm of the gradient that each weight of two or more dimensions holds, in order."""
    norms = [
        (name, parameter.grad.norm().item())
        for name, parameter in model.named_parameters()
        if parameter.ndim > 1 and parameter.grad is not None
    ]
    return tuple((name, norm if isfinite(norm) else None) for name, norm in norms)


class Batches(Iterator[Tensor]):
    """Batches of row numbers for ever: each epoch a new order, its incomplete end left out.

    Raises :class:`~resforge.ResforgeError` where ``batch_size`` is above ``count``.

    >>> next(Batches(4, 4, seed=0)).sort().values
    tensor([0, 1, 2, 3])
    """

    def __init__(self, count: int, batch_size: int, seed: int) -> None:
        if batch_size > count:
            raise ResforgeError(
                f"batch_size {batch_size} is larger than the training set of {count} images:"
                f" use at most {count}"
            )
        self.count = count
        self.batch_size = batch_size
        self.generator = torch.Generator().manual_seed(stream_seed(seed, "batches"))
        self._shuffle()

    def __next__(self) -> Tensor:
        if self.used == self.count // self.batch_size:
            self._shuffle()
        self.used += 1
        return self.order[(self.used - 1) * self.batch_size : self.used * self.batch_size]

    def state(self) -> dict[str, Any]:
        return {"before": self.before, "used": self.used}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.generator.set_state(state["before"])
        self._shuffle()
        self.used = state["used"]

    def _shuffle(self) -> None:
        self.before = self.generator.get_state()
        """Of the generator, from which this epoch's order is drawn."""
        self.order = torch.randperm(self.count, generator=self.generator)
        self.used = 0


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser a recipe names, over all of the model's parameters."""
    spec = recipe.optimizer
    if isinstance(spec, SgdSpec):
        return torch.optim.SGD(
            model.parameters(),
            lr=spec.lr,
            momentum=spec.momentum,
            nesterov=spec.nesterov and spec.momentum > 0,
            weight_decay=spec.weight_decay,
        )
    return torch.optim.AdamW(
        model.parameters(),
        lr=spec.lr,
        betas=(spec.beta1, spec.beta2),
        eps=spec.eps,
        weight_decay=spec.weight_decay,
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def stream_seed(seed: int, purpose: str) -> int:
    """A seed for one purpose, so that no two purposes share a random stream."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "little", signed=True)


class OwnRandomState:
    """PyTorch's global random state as one run sees it: nobody else draws from it."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self.devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=self.devices):
            # Not torch.manual_seed, which would reseed devices that are not put back afterwards.
            torch.default_generator.manual_seed(seed)
            for cuda in self.devices:
                with torch.cuda.device(cuda):
                    torch.cuda.manual_seed(seed)
            self.states = self._now()

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """The state is the global one inside; afterwards that is as it was."""
        with torch.random.fork_rng(devices=self.devices):
            torch.set_rng_state(self.states[0])
            for cuda, state in zip(self.devices, self.states[1:], strict=True):
                torch.cuda.set_rng_state(state, cuda)
            yield
            self.states = self._now()

    def _now(self) -> list[Tensor]:
        return [torch.get_rng_state(), *(torch.cuda.get_rng_state(cuda) for cuda in self.devices)]


class _Record:
    """Gathers the curves of a run."""

    def __init__(self, recipe: Recipe) -> None:
        self.evaluation_steps = recipe.evaluation_steps()
        self.stretch = ceil(recipe.steps / CURVE_POINTS)
        self.losses: list[float] = []
        self.train_curve: list[tuple[int, float]] = []
        self.test_curve: list[TestPoint] = []
        self.correct: tuple[bool, ...] = ()
        self.gradients: list[tuple[GradientNorm, ...]] = []
        self.steps = 0
        self.diverged = False
        self.test_seconds = 0.0

    def add(self, step: int, loss: float, model: nn.Module, data: Data) -> None:
        """Note a step."""
        if not isfinite(loss):
            self.diverged = True
            return
        self.steps = step
        self.losses.append(loss)
        due = step in self.evaluation_steps
        if due or len(self.losses) == self.stretch:
            self.train_curve.append((step, sum(self.losses) / len(self.losses)))
            self.losses.clear()
        if due:
            start = time.perf_counter()
            scores = logits(model, data.test_x)
            test_loss = F.cross_entropy(scores, data.test_y).item()
            if not isfinite(test_loss):
                self.diverged = True
                return
            self.test_curve.append(TestPoint(step, error_rate(scores, data.test_y), test_loss))
            self.correct = tuple((scores.argmax(dim=1) == data.test_y).tolist())
            self.test_seconds += time.perf_counter() - start

    def state(self) -> dict[str, Any]:
        return {
            "losses": self.losses,
            "train_curve": self.train_curve,
            "test_curve": [(point.step, point.error, point.loss) for point in self.test_curve],
            "gradients": self.gradients,
            "steps": self.steps,
            "test_seconds": self.test_seconds,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.losses = [*state["losses"]]
        self.train_curve = [*state["train_curve"]]
        self.test_curve = [TestPoint(*point) for point in state["test_curve"]]
        self.gradients = [*state["gradients"]]
        self.steps = state["steps"]
        self.test_seconds = state["test_seconds"]

    def result(self) -> TrainResult:
        return TrainResult(
            tuple(self.train_curve),
            tuple(self.test_curve),
            self.steps,
            self.diverged,
            () if self.diverged else self.correct,
            tuple(self.gradients),
            self.test_seconds,
        )
