"""Epochs of a run for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import ResforgeError
from .record import Epoch

FOLDER = "tensorboard"


class Board:
    """Writer of event files in a run's folder. Raises ``ResforgeError`` without tensorboard."""

    def __init__(self, run: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ResforgeError(
                "--tensorboard needs tensorboard, which is not installed: pip install tensorboard"
            ) from error
        self.writer: Any = SummaryWriter(str(run / FOLDER))

    def write(self, epoch: Epoch) -> None:
        for name, value in epoch.as_dict().items():
            if name not in ("epoch", "step") and value is not None:
                self.writer.add_scalar(name, value, epoch.step)
        self.writer.flush()
