"""A trained run put to use: predictions for pictures, and a look at how good they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from ...builder import build
from ...errors import Fault, ResforgeError, SpecError, StoreError
from ...training.data.tensors import load_data
from ...training.prediction import predict
from ..evaluation import Evaluation, evaluate
from ..feed import LabelledBatch
from ..pictures.decode import PictureError
from ..pictures.feed import BATCH, PictureFeed, Unreadable, normalised, read, split
from ..pictures.folder import TEST, VAL, PictureFolder, first_folder, list_labelled, read_folder
from ..pictures.loader import ahead
from ..pictures.view import View
from .data import find_data
from .folder import BEST, LAST, RunFolder
from .record import RunSpec
from .session import as_device
from .weights import read_checkpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """A network with the weights of its run's best epoch, and all that is known of it."""

    path: Path
    model: nn.Module
    spec: RunSpec
    epoch: int
    device: torch.device


def load_run(
    path: str | os.PathLike[str], device: str = "auto", epoch: Literal["best", "last"] = "best"
) -> TrainedRun:
    """The network that a run trained; ``path`` is its folder, or one of its weights files alone.

    Raises ``StoreError`` where there is none, it was damaged, or a newer resforge wrote it.
    """
    path = Path(path)
    if path.is_dir():
        RunFolder(path).spec()
        file = path / (BEST if epoch == "best" else LAST)
        if not file.is_file():
            raise StoreError(f"{path} has no epoch to its end yet: train it on with --resume")
    elif path.is_file():
        file = path
    else:
        raise StoreError(f"{path}: no such run; `resforge train` makes one")
    found = read_checkpoint(file)
    model = build(found.spec.network, device="meta")
    try:
        model.load_state_dict(found.tensors, assign=True)
    except RuntimeError as error:
        raise StoreError(f"{file} is damaged: {error}") from None
    where = as_device(device)
    return TrainedRun(path, model.to(where).eval(), found.spec, found.epoch, where)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a network says of a picture: ``probabilities: (classes,)``, which add up to 1."""

    path: Path
    probabilities: Tensor
    pixels: NDArray[np.uint8]
    """What it saw, ``(size, size, channels)``."""

    def top(self, count: int) -> list[tuple[int, float]]:
        """The likeliest classes, by their numbers, and their probabilities."""
        found = self.probabilities.topk(min(count, len(self.probabilities)))
        return list(zip(found.indices.tolist(), found.values.tolist(), strict=True))


def predict_pictures(
    run: TrainedRun, paths: Sequence[Path], workers: int | None = None
) -> Iterator[Prediction | PictureError]:
    """For each picture in turn what ``run`` says of it, or why it cannot be read.

    Raises :class:`~resforge.SpecError` for a run that was not trained on pictures in files.
    """
    view = _view(run)
    for batch in ahead(split(paths), lambda path: (path, read(path, view)), workers):
        whole = [pixels for _, pixels in batch if not isinstance(pixels, PictureError)]
        rows: list[Tensor] = []
        if whole:
            rows = [*predict(run.model, normalised(whole, view, run.device)).cpu()]
        said = iter(rows)
        for path, pixels in batch:
            if isinstance(pixels, PictureError):
                yield pixels
            else:
                yield Prediction(path, next(said), pixels)


def evaluate_run(
    run: TrainedRun,
    data: str,
    part: Literal["auto", "all"] = "auto",
    *,
    workers: int | None = None,
    unreadable: Unreadable = "stop",
    note: Callable[[str], None] = lambda text: None,
    follow: Callable[
        [Iterable[LabelledBatch], int], Iterable[LabelledBatch]
    ] = lambda batches, count: batches,
) -> Evaluation:
    """How ``run`` does on pictures whose classes are known.

    Of a folder that holds ``test/`` or ``val/`` that is looked at, of the folder that it was
    trained on what was held out, of a data set that is called by name its test images.
    ``part="all"`` looks at every class folder in ``data``. ``follow`` may pass on the batches, and
    is told their number. Raises :class:`~resforge.SpecError` for
    classes that the run does not know.
    """
    spec, classes = run.spec, len(run.spec.classes)
    if spec.view is None:
        source = find_data(data, spec.network.in_channels, spec.data.val_share, spec.data.split)
        if isinstance(source, PictureFolder) or source.num_classes != classes:
            raise _wrong_data(run, data)
        held = load_data(source, run.device)
        tested = zip(torch.split(held.test_x, 256), torch.split(held.test_y, 256), strict=True)
        return evaluate(run.model, tested, classes)
    folder = _pictures(run, Path(data).expanduser(), part, note)
    feed = PictureFeed(
        folder, spec.view, workers=workers, device=run.device, unreadable=unreadable, note=note
    )
    batches: Iterable[LabelledBatch] = feed.validation(slice(None))
    if follow is not None:
        batches = follow(batches, ceil(len(folder.val) / BATCH))
    return evaluate(run.model, batches, classes)


def _pictures(
    run: TrainedRun, root: Path, part: Literal["auto", "all"], note: Callable[[str], None]
) -> PictureFolder:
    """The pictures to look at, as those held out of a folder."""
    spec = run.spec
    if part == "auto" and root.is_dir():
        held = first_folder(root, TEST) or first_folder(root, VAL)
        if held is not None:
            note(f"looking at {held}")
            return PictureFolder(held, spec.classes, (), list_labelled(held, spec.classes))
        own = root.resolve() == Path(spec.data.source).resolve()
        if own:
            folder = read_folder(root, spec.data.val_share, spec.data.split)
            if folder.fingerprint == spec.data.fingerprint:
                count, whole = len(folder.val), len(folder.train) + len(folder.val)
                note(f"looking at the {count:,} of {whole:,} pictures that were held out")
                return folder
            note(f"{root} has changed since: pictures that were trained on may be among these")
    return PictureFolder(root, spec.classes, (), list_labelled(root, spec.classes))


def _view(run: TrainedRun) -> View:
    if run.spec.view is None:
        message = f"{run.path} was trained on {run.spec.data.source}, not on pictures in files"
        raise SpecError(
            Fault("data", message, help="train on a folder of pictures to predict them")
        )
    return run.spec.view


def _wrong_data(run: TrainedRun, data: str) -> ResforgeError:
    message = f"{run.path} was trained on {run.spec.data.source}, and {data} is something else"
    return SpecError(Fault("data", message, help=f"use --data {run.spec.data.source}"))
