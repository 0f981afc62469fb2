"""Short runs on scikit-learn's digits, for several tests."""

from __future__ import annotations

from pathlib import Path

import resforge as rf
import torch
from resforge.classify.fit import FitResult
from resforge.classify.progress import Progress
from resforge.classify.runs.folder import HISTORY
from resforge.classify.runs.session import RunRequest, train_run
from resforge.classify.runs.weights import read_checkpoint
from resforge.reading.not_specs import BEST, LAST

NETWORK = rf.load("digits_resnet8").replace({"stages[*].width": 8, "head.dropout": 0.2})


def request(digits: Path, out: Path, **changes: object) -> RunRequest:
    common = {
        "network": NETWORK,
        "data": str(digits),
        "out": out,
        "epochs": 2,
        "batch_size": 16,
        "size": 8,
        "augment": "crop",
        "min_area": 0.5,
    }
    return RunRequest(**{**common, **changes})  # type: ignore[arg-type]


def run(digits: Path, out: Path, stop_after: int | None = None, **changes: object) -> FitResult:
    """Train, and stop after ``stop_after`` steps."""
    asked = [0]

    def stopped() -> bool:
        asked[0] += 1
        return stop_after is not None and asked[0] > stop_after

    return train_run(request(digits, out, **changes), Progress(), stopped=stopped)


def tensors(folder: Path, name: str = LAST) -> dict[str, torch.Tensor]:
    return read_checkpoint(folder / name).tensors


def assert_same(one: Path, other: Path) -> None:
    """Assert that two runs have the same weights and, except for the time, the same history.

    The last two columns of a history are the time and the identity of the run."""
    for name in (LAST, BEST):
        mine, theirs = tensors(one, name), tensors(other, name)
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[key], theirs[key]) for key in mine)
    histories = [(folder / HISTORY).read_text().splitlines() for folder in (one, other)]
    numbers = [[line.rsplit(",", 2)[0] for line in lines] for lines in histories]
    assert numbers[0] == numbers[1]
