"""Callbacks: what a sweep tells Python code while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, NamedTuple

from ...errors import ResforgeError
from ..results.outcome import Outcome

if TYPE_CHECKING:
    # Workers have no use for what plans are made of.
    from ..planning.plan import Trial


class Event(NamedTuple):
    """What a worker tells of its trial; plain values, which every engine can send."""

    kind: Literal["started", "step", "evaluated"]
    step: int = 0
    loss: float = 0.0
    error: float = 0.0
    """Training error of the step's own images, or test error, as a fraction."""


class Callback:
    """Base of callbacks; each method does nothing.

    All are called in the process of :func:`run_sweep`, one at a time, in the order of the events of
    each trial. Events of trials that run at the same time are mixed. What a callback raises ends
    the run; recorded trials are kept.

    >>> class Losses(Callback):
    ...     def step(self, trial, step, loss, error):
    ...         print(f"{trial.arm.name}, seed {trial.seed}, step {step}: {loss:.3f}")
    """

    def trial_started(self, trial: Trial) -> None:
        """A worker begins to train, or continues an interrupted trial."""

    def step(self, trial: Trial, step: int, loss: float, error: float) -> None:
        """A training step: ``loss`` and ``error`` are of its own images, before the step."""

    def evaluated(self, trial: Trial, step: int, error: float, loss: float) -> None:
        """The test images were classified after ``step``: a fraction, and the mean loss."""

    def trial_ended(self, trial: Trial, outcome: Outcome) -> None:
        """A trial was recorded."""

    def sweep_ended(self) -> None:
        """No trial is left, or the run was stopped."""


class Callbacks:
    """Several callbacks, called in their order.

    Raises :class:`~resforge.ResforgeError` for one that has not the methods of a
    :class:`Callback`.
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        if isinstance(callbacks, str) or not isinstance(callbacks, Sequence):
            raise ResforgeError(
                f"callbacks is a {type(callbacks).__name__}: write a list, callbacks=[...]"
            )
        for number, callback in enumerate(callbacks):
            _check(f"callbacks[{number}]", callback)
        self.callbacks = callbacks

    def __bool__(self) -> bool:
        return bool(self.callbacks)

    def told(self, trial: Trial, event: Event) -> None:
        """Pass an event of a worker on."""
        for callback in self.callbacks:
            if event.kind == "started":
                callback.trial_started(trial)
            elif event.kind == "step":
                callback.step(trial, event.step, event.loss, event.error)
            else:
                callback.evaluated(trial, event.step, event.error, event.loss)

    def ended(self, trial: Trial, outcome: Outcome) -> None:
        for callback in self.callbacks:
            callback.trial_ended(trial, outcome)

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Context of a run: they hear of its end, however it ends."""
        try:
            yield
        finally:
            for callback in self.callbacks:
                callback.sweep_ended()


_METHODS = ("trial_started", "step", "evaluated", "trial_ended", "sweep_ended")


def _check(place: str, callback: object) -> None:
    if isinstance(callback, type):
        name = callback.__name__
        raise ResforgeError(f"{place} is the class {name}: write an instance of it, {name}()")
    missing = [name for name in _METHODS if not callable(getattr(callback, name, None))]
    if missing:
        raise ResforgeError(
            f"{place} is a {type(callback).__name__} without {', '.join(missing)}: derive its class"
            " from resforge.ablation.Callback"
        )
