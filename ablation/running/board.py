"""A sweep for TensorBoard: curves and hyperparameters of each trial."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ...errors import ResforgeError
from ..planning.plan import Trial
from ..results.outcome import Outcome
from .callbacks import Callback

FOLDER = "tensorboard"


class TensorBoard(Callback):
    """Writes each trial under ``FOLDER/tensorboard/ARM/seed-N``; a resumed trial is continued.

    Scalars are the training loss and error of each step and the test error and loss of each
    evaluation; the labels of the arm and the seed are hyperparameters, the last test error is their
    metric (the page HPARAMS). Raises :class:`~resforge.ResforgeError` without tensorboard.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ResforgeError(
                "--tensorboard needs tensorboard, which is not installed: pip install tensorboard"
            ) from error
        self._make: Any = SummaryWriter
        self._folder = Path(folder) / FOLDER
        self._writers: dict[str, Any] = {}

    def trial_started(self, trial: Trial) -> None:
        self._writer(trial)

    def step(self, trial: Trial, step: int, loss: float, error: float) -> None:
        self._add(trial, step, {"train/loss": loss, "train/error": error})

    def evaluated(self, trial: Trial, step: int, error: float, loss: float) -> None:
        self._add(trial, step, {"test/error": error, "test/loss": loss})

    def trial_ended(self, trial: Trial, outcome: Outcome) -> None:
        writer = self._writer(trial)
        if outcome.test_error is not None:
            writer.add_hparams(
                {**dict(trial.arm.labels), "seed": trial.seed},
                {"test error": outcome.test_error},
                run_name=".",
            )
        writer.close()
        del self._writers[trial.key]

    def sweep_ended(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _add(self, trial: Trial, step: int, values: dict[str, float]) -> None:
        writer = self._writer(trial)
        for name, value in values.items():
            writer.add_scalar(name, value, step)

    def _writer(self, trial: Trial) -> Any:
        if trial.key not in self._writers:
            folder = self._folder.joinpath(*_parts(trial.arm.name), f"seed-{trial.seed}")
            self._writers[trial.key] = self._make(str(folder))
        return self._writers[trial.key]


def _parts(name: str) -> list[str]:
    """Folders for an arm such as ``depth=8/shortcut=A``; distinct names have distinct folders.

    >>> _parts("depth=8/shortcut=A"), _parts("../x")
    (['depth=8', 'shortcut=A'], ['%2E.', 'x'])
    """
    parts = [quote(part, safe="=,+ ") for part in name.split("/")]
    return [f"%2E{part[1:]}" if part.startswith(".") else part or "%" for part in parts]
