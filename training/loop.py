"""The training loop."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil, isfinite

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..specs.errors import ResforgeError
from .augment import crop_flip
from .optimizer import SgdSpec
from .prediction import error_rate, logits
from .recipe import Recipe
from .result import TestPoint, TrainResult
from .tensors import Data

CURVE_POINTS = 200


def train(
    model: nn.Module,
    data: Data,
    recipe: Recipe,
    seed: int,
    on_step: Callable[[int, float], None] | None = None,
) -> TrainResult:
    """Train ``model`` in place and say how it went.

    The order of the images, their augmentation and any dropout have random streams of their own,
    keyed by ``seed``: two networks trained with one seed see the same batches. The caller's random
    state and number of threads are left as they were. ``on_step(steps done, loss)`` is called
    after each step. Raises :class:`~resforge.ResforgeError` where a batch is larger than the
    training set.
    """
    batches = index_batches(len(data.train_x), recipe.batch_size, seed)
    chance = torch.Generator().manual_seed(stream_seed(seed, "augmentation"))
    optimizer = make_optimizer(model, recipe)
    record = _Record(recipe)
    model.train()
    with own_random_state(stream_seed(seed, "dropout"), data.train_x.device):
        for step in range(recipe.steps):
            set_learning_rate(optimizer, recipe.learning_rate(step))
            rows = next(batches).to(data.train_x.device)
            x, y = data.train_x[rows], data.train_y[rows]
            if data.augment == "crop_flip":
                x = crop_flip(x, chance)
            loss = train_step(model, optimizer, x, y, recipe.label_smoothing)
            if on_step is not None:
                on_step(step + 1, loss)
            if not record.add(step + 1, loss, model, data):
                break
    return record.result()


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


def index_batches(count: int, batch_size: int, seed: int) -> Iterator[Tensor]:
    """Batches of row numbers for ever: each epoch a new order, its incomplete end left out.

    Raises :class:`~resforge.ResforgeError` where ``batch_size`` is above ``count``.

    >>> next(index_batches(4, 4, seed=0)).sort().values
    tensor([0, 1, 2, 3])
    """
    if batch_size > count:
        raise ResforgeError(
            f"batch_size {batch_size} is larger than the training set of {count} images:"
            f" use at most {count}"
        )
    generator = torch.Generator().manual_seed(stream_seed(seed, "batches"))

    def batches() -> Iterator[Tensor]:
        while True:
            order = torch.randperm(count, generator=generator)
            yield from torch.split(order, batch_size)[: count // batch_size]

    return batches()


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


@contextmanager
def own_random_state(seed: int, device: torch.device) -> Iterator[None]:
    """PyTorch's global random state seeded inside, and as it was afterwards."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        # Not torch.manual_seed, which would reseed devices that are not put back afterwards.
        torch.default_generator.manual_seed(seed)
        for cuda in devices:
            with torch.cuda.device(cuda):
                torch.cuda.manual_seed(seed)
        yield


class _Record:
    """Gathers the curves of a run."""

    def __init__(self, recipe: Recipe) -> None:
        self.evaluation_steps = recipe.evaluation_steps()
        self.stretch = ceil(recipe.steps / CURVE_POINTS)
        self.losses: list[float] = []
        self.train_curve: list[tuple[int, float]] = []
        self.test_curve: list[TestPoint] = []
        self.steps = 0
        self.diverged = False

    def add(self, step: int, loss: float, model: nn.Module, data: Data) -> bool:
        """Note a step; whether the run should go on."""
        if not isfinite(loss):
            self.diverged = True
            return False
        self.steps = step
        self.losses.append(loss)
        due = step in self.evaluation_steps
        if due or len(self.losses) == self.stretch:
            self.train_curve.append((step, sum(self.losses) / len(self.losses)))
            self.losses.clear()
        if due:
            scores = logits(model, data.test_x)
            test_loss = F.cross_entropy(scores, data.test_y).item()
            if not isfinite(test_loss):
                self.diverged = True
                return False
            self.test_curve.append(TestPoint(step, error_rate(scores, data.test_y), test_loss))
        return True

    def result(self) -> TrainResult:
        return TrainResult(
            tuple(self.train_curve), tuple(self.test_curve), self.steps, self.diverged
        )
