"""Training over epochs: validate, write the run's files, resume."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from ..errors import ResforgeError, StoreError
from ..reading.not_specs import BEST, LAST
from ..training.feed import Batch
from ..training.loop import Loop
from ..training.step import Stepper, to_channels_last
from ..training.streams import OwnRandomState, stream_seed
from .distributed import Ranks
from .evaluation import evaluate
from .feed import Feed, Rows, rows
from .figures.curve import write_curve
from .freezing import freeze, train_mode
from .progress import Progress
from .runs.folder import CURVE, RunFolder
from .runs.record import Epoch, RunSpec, best
from .runs.state import Counters, read_counters
from .runs.weights import Checkpoint, CheckpointHead, write_checkpoint
from .targets import Targets, balanced

#: Seconds between two writes of the state within an epoch.
EVERY = 300.0
#: Largest fraction of the time that is spent on drawing the curve after epochs.
DRAWING = 0.05


@dataclass(frozen=True, slots=True)
class FitResult:
    """State of a run; ``history`` holds its epochs from the first on."""

    history: tuple[Epoch, ...]
    steps: int
    finished: bool
    diverged: bool
    stopped_early: bool = False
    """Whether it ended before its last epoch, with its patience."""
    leads: bool = True
    """Whether this process writes the files and prints."""

    @property
    def best(self) -> Epoch | None:
        """None before the first epoch whose validation loss is finite."""
        return best(self.history)


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
    """Train ``model`` in place from the state in ``folder`` to the last epoch of ``spec``.

    After each epoch the weights, the best so far, the history and the state are written, each
    atomically. ``stopped`` is called after each step; once it returns true, the state is written
    and the call returns. A later call with the same arguments resumes from that state, on one
    thread of a CPU to the same bits as an uninterrupted run. With several ``ranks`` each process
    trains on its part of every batch, and the first one writes. A training loss that is not finite
    ends the run; files already written stay. An epoch whose validation loss is not finite is not
    the best.

    Raises ``StoreError`` where a file cannot be written, and :class:`~resforge.ResforgeError`
    where the data cannot be read or do not suit the run.
    """
    ranks, progress = ranks or Ranks(), progress or Progress()
    run = _Run(model, feed, spec, ranks)
    state = folder.read_state()
    if state is not None:
        try:
            run.restore(state)
        except Exception as error:  # a state that does not fit can raise anything at all
            raise folder.unusable_state(error) from None
    ranks.wait()  # every process reads the state before the first one writes it again
    writer = _Writer(folder, run, progress)
    progress.start(spec.recipe.steps, run.step)
    try:
        with closing(run.batches):
            _drive(run, writer, stopped, on_epoch)
    except StoreError:
        raise
    except ResforgeError:
        writer.write_state()
        raise
    finally:
        progress.close()
        writer.draw(progress.note)
    return FitResult(
        tuple(run.history),
        run.step,
        finished=run.finished and not run.diverged,
        diverged=run.diverged,
        stopped_early=run.ended_early,
        leads=ranks.leads,
    )


def _drive(
    run: _Run,
    writer: _Writer,
    stopped: Callable[[], bool],
    on_epoch: Callable[[Epoch], None],
) -> None:
    """Train to the end, or until ``stopped``."""
    while True:
        if run.epoch_is_complete:
            on_epoch(run.end_epoch())
            writer.write_epoch()
        stop, due = map(bool, run.ranks.sum([stopped(), writer.is_due]))
        if stop or due:
            run.agree()  # the state is written by one process for all
            writer.write_state()
        if stop or run.finished:
            return
        loss = run.advance()
        if run.diverged:
            return
        writer.progress.step(run.step, loss)


class _Run(Loop):
    """The training loop of a run, with its epochs."""

    measures_error: ClassVar[bool] = True

    def __init__(self, model: nn.Module, feed: Feed, spec: RunSpec, ranks: Ranks) -> None:
        recipe, count = spec.recipe, len(spec.classes)
        weighted = spec.class_weights == "balanced"
        model = model.to(ranks.device)
        self.data = feed
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
            # Before the processes are joined, whose buffers have the memory format of the weights.
            to_channels_last(model)
        frozen = freeze(model, spec.freeze)
        if not self.targets.are_labels:
            # The targets are smoothed already.
            recipe = recipe.model_copy(update={"label_smoothing": 0.0})
        stepper = Stepper(ranks.wrap(model), recipe, ranks.device)
        train_mode(stepper.model, frozen)
        self.batches = self._batches()
        super().__init__(model, stepper, self.batches)
        self.history: list[Epoch] = []
        self.loss, self.seconds = 0.0, 0.0
        """Sum of the losses of this epoch, and the time it took so far."""
        self.errors: float | None = 0.0
        """Sum of the errors of this epoch; None where some are not known."""
        self.since = time.perf_counter()

    @property
    def ended_early(self) -> bool:
        return self.step < self.recipe.steps and self.spec.ends_early(self.history)

    @property
    def finished(self) -> bool:
        return super().finished or self.ended_early

    @property
    def epoch_is_complete(self) -> bool:
        """Whether all steps of an epoch are done and its validation is not."""
        return self.step == (len(self.history) + 1) * self.spec.steps_per_epoch

    def _batches(self) -> Generator[Batch]:
        """This process's part of each batch, from the current step on."""
        recipe, seed, ranks = self.spec.recipe, self.spec.seed, self.ranks
        start, count = self.step, len(self.data.train_labels)
        whole = rows(count, recipe.batch_size, seed, start, recipe.steps)
        self.since = time.perf_counter()
        parts = (Rows(batch.epoch, batch.step, ranks.part(batch.numbers)) for batch in whole)
        for step, (x, y) in enumerate(self.data.training(parts), start):
            mixed, targets = self.targets.of(x, y, step)
            random = stream_seed(seed, f"dropout/{step}/{ranks.rank}")
            yield Batch(mixed, y, targets, OwnRandomState(random, ranks.device))

    def advance(self) -> float:
        loss = super().advance()
        if not self.diverged:
            self.loss += loss
            self.errors = None if self.errors is None else self.errors + self.batch_error
        elif self.ranks.world > 1:
            # The other processes may be waiting for gradients that this one will not send.
            raise ResforgeError(f"the loss is not finite at step {self.step + 1}")
        return loss

    def error(self, scores: Tensor, labels: Tensor) -> float:
        """Error of this process's part of a batch; of the whole, where a warm-up depends on it."""
        error = super().error(scores, labels)
        return error if self.warmup.over else self.ranks.mean(error)

    def agree(self) -> None:
        """Give all processes the same sums of losses and errors, which are means over them."""
        self.loss = self.ranks.mean(self.loss)
        self.errors = None if self.errors is None else self.ranks.mean(self.errors)

    def end_epoch(self) -> Epoch:
        """Validate, and add the epoch to the history."""
        ranks, classes = self.ranks, len(self.spec.classes)
        # Running statistics differ between the processes since the last step.
        ranks.broadcast(self.model.buffers())
        part = slice(ranks.rank, None, ranks.world)
        mine = evaluate(self.model, self.data.validation(part), classes)
        loss, correct, count = ranks.sum(
            [mine.loss * mine.count, mine.accuracy * mine.count, mine.count]
        )
        if not count:
            raise ResforgeError(
                "no picture of the validation set can be read: fix the files named above"
            )
        self.agree()
        steps, errors = self.spec.steps_per_epoch, None if self.spec.mixup else self.errors
        now = time.perf_counter()
        epoch = Epoch(
            epoch=self.step // steps,
            step=self.step,
            learning_rate=self.stepper.optimizer.param_groups[0]["lr"],
            train_loss=self.loss / steps,
            train_accuracy=None if errors is None else 1 - errors / steps,
            val_loss=loss / count,
            val_accuracy=correct / count,
            seconds=self.seconds + now - self.since,
        )
        self.history.append(epoch)
        self.loss, self.errors, self.seconds, self.since = 0.0, 0.0, 0.0, now
        return epoch

    def state(self) -> dict[str, Any]:
        return {
            **super().state(),
            **Counters(
                self.history,
                self.step,
                self.loss,
                self.seconds + time.perf_counter() - self.since,
                self.errors,
            ).as_dict(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        counters = read_counters(state, self.spec)
        super().restore(state)
        self.history, self.errors = counters.history, counters.errors
        self.step, self.loss, self.seconds = counters.step, counters.loss, counters.seconds


class _Writer:
    """Writer of a run's files, active in the first process alone."""

    def __init__(self, folder: RunFolder, run: _Run, progress: Progress) -> None:
        self.folder = folder
        self.run = run
        self.progress = progress
        self.written = time.monotonic()
        """Time of the last write of the state."""
        self.drawn, self.drawing = self.written, 0.3
        """Time of the last drawing of the curve, and the seconds that one takes."""
        self.draws = 0

    @property
    def is_due(self) -> bool:
        return time.monotonic() - self.written > EVERY

    def write_state(self) -> None:
        """Write the state."""
        if self.run.ranks.leads:
            self.folder.write_state(self.run.state())
        self.written = time.monotonic()

    def write_epoch(self) -> None:
        """Write every file that an epoch changed; the state last, so that no file is older."""
        run, epoch = self.run, self.run.history[-1]
        is_best = best(run.history) is epoch
        if run.ranks.leads:
            scores = {"loss": epoch.val_loss, "accuracy": epoch.val_accuracy}
            identity = self.folder.identity.text
            head = CheckpointHead(id=identity, run=run.spec, epoch=epoch.epoch, scores=scores)
            for name in (LAST, BEST) if is_best else (LAST,):
                path = self.folder.path / name
                write_checkpoint(path, Checkpoint(head, run.model.state_dict()))
            self.folder.write_history(run.history)
        self.write_state()
        self.progress.epoch(epoch, is_best)
        if self.drawing <= DRAWING * (time.monotonic() - self.drawn):
            self.draw(lambda text: None)  # an error is reported once, at the end

    def draw(self, note: Callable[[str], None]) -> None:
        """Draw the learning curve so far; a run does not fail where that is impossible."""
        if self.run.ranks.leads and self.run.history:
            start = time.monotonic()
            try:
                write_curve(self.folder.path / CURVE, self.run.history)
            except ResforgeError as error:
                note(f"no {CURVE}: {error}")
            self.drawn = time.monotonic()
            if self.draws:  # the first one loads matplotlib
                self.drawing = self.drawn - start
            self.draws += 1
