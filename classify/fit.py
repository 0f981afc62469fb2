"""A run over epochs: trained, validated, kept and gone on with."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from math import isfinite
from typing import Any

import torch
from torch import nn

from ..errors import ResforgeError, StoreError
from ..training.feed import Batch, Feed, Rows, rows
from ..training.prediction import error_rate
from ..training.step import Stepper
from ..training.streams import OwnRandomState, stream_seed
from ..training.warmup import Waiting
from .distributed import Ranks
from .evaluation import evaluate
from .figures.curve import write_curve
from .freezing import freeze, train_mode
from .progress import Progress, Silence
from .runs.folder import BEST, CURVE, LAST, RunFolder
from .runs.record import Epoch, RunSpec, best
from .runs.weights import Checkpoint, write_checkpoint
from .targets import Targets, balanced

#: Seconds after which the state is kept within an epoch too.
EVERY = 300.0


@dataclass(frozen=True, slots=True)
class FitResult:
    """How a run stands; ``history`` holds its epochs from the first on."""

    history: tuple[Epoch, ...]
    steps: int
    finished: bool
    diverged: bool
    leads: bool = True
    """Whether this process is the one that writes and talks."""

    @property
    def best(self) -> Epoch | None:
        return best([*self.history]) if self.history else None


def fit(
    model: nn.Module,
    feed: Feed,
    spec: RunSpec,
    folder: RunFolder,
    *,
    ranks: Ranks | None = None,
    stopped: Callable[[], bool] = lambda: False,
    progress: Progress | None = None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> FitResult:
    """Train ``model`` in place as ``spec`` says, from where ``folder`` was left to the end.

    After each epoch the weights, the best so far, the history and the state are written, each whole
    or not at all. ``stopped`` is asked after each step: where it says so the state is kept, and
    the same call goes on later, on one thread of a CPU to the same bits as if nothing had been.
    With several ``ranks`` each process takes its part of every batch, and the first one writes.
    A loss that is not finite ends the run, which keeps what it had.

    Raises ``StoreError`` where the disk refuses, and :class:`~resforge.ResforgeError` where the
    data cannot be read or do not suit the run.
    """
    ranks, progress = ranks or Ranks(), progress or Silence()
    run = _Run(model, feed, spec, ranks)
    kept = folder.kept()
    if kept is not None:
        run.restore(kept)
    ranks.wait()  # what was read above is written below
    keeper = _Keeper(folder, run, progress)
    progress.start(spec.recipe.steps, run.step)
    try:
        with closing(run.batches()) as batches:
            _drive(run, batches, keeper, stopped, on_epoch)
    except StoreError:
        raise
    except ResforgeError:
        keeper.keep()
        raise
    finally:
        progress.close()
        keeper.draw()
    finished = run.step == spec.recipe.steps
    return FitResult(tuple(run.history), run.step, finished, run.diverged, ranks.leads)


def _drive(
    run: _Run,
    batches: Iterator[Batch],
    keeper: _Keeper,
    stopped: Callable[[], bool],
    on_epoch: Callable[[Epoch], None],
) -> None:
    """To the end, or until told to stop."""
    while True:
        if run.owes_epoch:
            on_epoch(run.end_epoch())
            keeper.keep_epoch()
        stop, due = map(bool, run.ranks.sum([stopped(), keeper.is_due]))
        if stop or due:
            run.loss = run.ranks.mean(run.loss)  # what is kept is all processes' own
            keeper.keep()
        batch = None if stop else next(batches, None)
        if batch is None:
            return
        loss = run.advance(batch)
        if run.diverged:
            return
        keeper.progress.step(run.step, loss)


class _Run:
    """The numbers of a run, step by step."""

    def __init__(self, model: nn.Module, feed: Feed, spec: RunSpec, ranks: Ranks) -> None:
        recipe, count = spec.recipe, len(spec.classes)
        weighted = spec.class_weights == "balanced"
        self.model = model.to(ranks.device)
        self.feed = feed
        self.spec = spec
        self.ranks = ranks
        self.targets = Targets(
            count,
            recipe.label_smoothing,
            balanced(feed.train_labels, count) if weighted else None,
            spec.mixup,
            spec.seed,
        )
        if recipe.channels_last:
            # Before the processes are joined, whose buffers lie as the weights do.
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.frozen = freeze(model, spec.freeze)
        if not self.targets.are_labels:
            # They are smoothed already.
            recipe = recipe.model_copy(update={"label_smoothing": 0.0})
        self.stepper = Stepper(ranks.wrap(model), recipe, ranks.device)
        train_mode(self.stepper.model, self.frozen)
        self.waiting = Waiting(recipe.warmup)
        self.history: list[Epoch] = []
        self.step = 0
        """Steps done."""
        self.loss, self.seconds = 0.0, 0.0
        """Of this epoch: the sum of its losses, and the time it took so far."""
        self.diverged = False
        self.since = time.perf_counter()

    @property
    def owes_epoch(self) -> bool:
        """Whether an epoch's steps are done, and it was not looked at what they came to."""
        return self.step == (len(self.history) + 1) * self.spec.steps_per_epoch

    def batches(self) -> Generator[Batch]:
        """Those of the steps to come: this process's part of each."""
        recipe, count = self.spec.recipe, len(self.feed.train_labels)
        whole = rows(count, recipe.batch_size, self.spec.seed, self.step, recipe.steps)
        self.since = time.perf_counter()
        yield from self.feed.training(
            Rows(batch.epoch, batch.step, self.ranks.part(batch.numbers)) for batch in whole
        )

    def advance(self, batch: Batch) -> float:
        """Do a step; the loss before it."""
        x, y = batch
        x, targets = self.targets.of(x, y, self.step)
        chance = stream_seed(self.spec.seed, f"dropout/{self.step}/{self.ranks.rank}")
        with OwnRandomState(chance, self.ranks.device).in_force():
            loss, scores = self.stepper.step(x, targets, self._rate())
        if not isfinite(loss):
            self._diverge()
            return loss
        if not self.waiting.over:
            self.waiting.note(self.ranks.mean(error_rate(scores, y)))
        self.step += 1
        self.loss += loss
        return loss

    def end_epoch(self) -> Epoch:
        """Look at the pictures held out, and note how the epoch went."""
        ranks, classes = self.ranks, len(self.spec.classes)
        # Running statistics are each process's own since the last step.
        ranks.share(self.model.buffers())
        mine = slice(ranks.rank, None, ranks.world)
        found = evaluate(self.model, self.feed.validation(mine), classes)
        loss, right, count = ranks.sum(
            [found.loss * found.count, found.accuracy * found.count, found.count]
        )
        if not count:
            raise ResforgeError("no picture that was held out can be read: mend those named above")
        steps = self.spec.steps_per_epoch
        now = time.perf_counter()
        epoch = Epoch(
            epoch=self.step // steps,
            step=self.step,
            learning_rate=self.stepper.optimizer.param_groups[0]["lr"],
            train_loss=ranks.mean(self.loss / steps),
            val_loss=loss / count,
            val_accuracy=right / count,
            seconds=self.seconds + now - self.since,
        )
        self.history.append(epoch)
        self.loss, self.seconds, self.since = 0.0, 0.0, now
        return epoch

    def state(self) -> dict[str, Any]:
        """All that the steps to come depend on."""
        return {
            "model": self.model.state_dict(),
            "stepper": self.stepper.state(),
            "waiting": self.waiting.state(),
            "history": [epoch.as_dict() for epoch in self.history],
            "step": self.step,
            "loss": self.loss,
            "seconds": self.seconds + time.perf_counter() - self.since,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where a run of the same spec was."""
        self.model.load_state_dict(state["model"])
        self.stepper.restore(state["stepper"])
        self.waiting.restore(state["waiting"])
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        self.step, self.loss, self.seconds = state["step"], state["loss"], state["seconds"]

    def _rate(self) -> float:
        return self.spec.recipe.learning_rate(self.step, self.waiting.over)

    def _diverge(self) -> None:
        self.diverged = True
        if self.ranks.world > 1:
            # The others may be waiting for gradients that will not come.
            raise ResforgeError(f"the loss is not finite at step {self.step + 1}")


class _Keeper:
    """Writes a run's files, in the first of its processes."""

    def __init__(self, folder: RunFolder, run: _Run, progress: Progress) -> None:
        self.folder = folder
        self.run = run
        self.progress = progress
        self.written = time.monotonic()

    @property
    def is_due(self) -> bool:
        return time.monotonic() - self.written > EVERY

    def keep(self) -> None:
        """Write where the run is."""
        if self.run.ranks.leads:
            self.folder.keep(self.run.state())
        self.written = time.monotonic()

    def keep_epoch(self) -> None:
        """Write all that an epoch changed; the state last, so that it is behind nothing else."""
        run, epoch = self.run, self.run.history[-1]
        is_best = best(run.history) == epoch
        if run.ranks.leads:
            scores = {"loss": epoch.val_loss, "accuracy": epoch.val_accuracy}
            checkpoint = Checkpoint(run.spec, epoch.epoch, scores, run.model.state_dict())
            for name in (LAST, BEST) if is_best else (LAST,):
                write_checkpoint(self.folder.path / name, checkpoint)
            self.folder.write_history(run.history)
        self.keep()
        self.progress.epoch(epoch, is_best)

    def draw(self) -> None:
        """Draw the learning curve, as far as it goes; a run does not end badly for its picture."""
        if self.run.ranks.leads and self.run.history:
            try:
                write_curve(self.folder.path / CURVE, self.run.history)
            except ResforgeError as error:
                self.progress.note(f"no {CURVE}: {error}")
