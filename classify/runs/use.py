"""Prediction and evaluation with the network of a run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from ...builder import build
from ...errors import Fault, ResforgeError, SpecError, StoreError
from ...export import for_inference
from ...files import is_same_file
from ...reading.not_specs import BEST, LAST, RUN
from ...training.data.tensors import load_data
from ...training.device import as_device
from ...training.pictures.decode import PictureError
from ...training.pictures.folder import (
    TEST,
    VAL,
    PictureFolder,
    first_folder,
    list_labelled,
    read_folder,
)
from ...training.pictures.loader import ahead
from ...training.pictures.view import View
from ...training.prediction import predict
from ...training.states import misfit
from ..evaluation import Evaluation, evaluate
from ..feed import LabelledBatch
from ..picture_feed import BATCH, PictureFeed, Unreadable, normalised, read, split
from .data import find_data
from .folder import RunFolder
from .record import RunSpec
from .weights import read_checkpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """The network of a run with the weights of one epoch, and the spec of the run."""

    path: Path
    model: nn.Module
    spec: RunSpec
    epoch: int
    device: torch.device


def load_run(
    path: str | os.PathLike[str], device: str = "auto", epoch: Literal["best", "last"] = "best"
) -> TrainedRun:
    """Load the network of a run; ``path`` is its folder, or one of its files of weights.

    Raises ``StoreError`` for a missing or damaged run, and for one of a newer resforge.
    """
    path = Path(path)
    if is_other(path):
        ours = "the --out of a `resforge train`, or a .safetensors file of one"
        raise StoreError(f"{path} is no run: name {ours}")
    if path.is_dir():
        checkpoint = RunFolder(path).read_weights(BEST if epoch == "best" else LAST)
    else:
        try:
            checkpoint = read_checkpoint(path)
        except FileNotFoundError:
            raise StoreError(f"{path}: no such run; create one by `resforge train`") from None
    model = build(checkpoint.spec.network, device="meta")
    if found := misfit(model, checkpoint.tensors):
        raise StoreError(f"{path} is damaged: {found}")
    model.load_state_dict(checkpoint.tensors, assign=True)
    model.to(target := as_device(device)).eval()
    return TrainedRun(path, model, checkpoint.spec, checkpoint.head.epoch, target)


def is_other(path: Path) -> bool:
    """Whether a path is there that is neither the folder of a run nor a file of its weights."""
    if path.is_dir():
        return not any((path / name).exists() for name in (RUN, BEST, LAST))
    return path.exists() and path.suffix != ".safetensors"


@dataclass(frozen=True, slots=True)
class Prediction:
    """Prediction for a picture: ``probabilities: (classes,)``, which add up to 1."""

    path: Path
    probabilities: Tensor
    pixels: NDArray[np.uint8]
    """Input of the network before normalisation, ``(size, size, channels)``."""

    def top(self, count: int) -> list[tuple[int, float]]:
        """Numbers and probabilities of the ``count`` most probable classes."""
        top = self.probabilities.topk(min(count, len(self.probabilities)))
        return list(zip(top.indices.tolist(), top.values.tolist(), strict=True))


def predict_pictures(
    run: TrainedRun,
    paths: Sequence[Path],
    workers: int | None = None,
    *,
    dtype: torch.dtype | None = None,
) -> Iterator[Prediction | PictureError]:
    """Predict the class of each picture in turn; an error for each unreadable picture.

    The network computes in ``dtype``, as :func:`~resforge.for_inference` makes it. Raises
    :class:`~resforge.SpecError` for a run that was not trained on picture files, and
    :class:`~resforge.ResforgeError` for a network whose outputs are not finite.
    """
    view, model = _view(run), for_inference(run.model, dtype)
    for batch in ahead(split(paths), lambda path: (path, read(path, view)), workers):
        readable = [pixels for _, pixels in batch if not isinstance(pixels, PictureError)]
        rows: Iterator[Tensor] = iter(())
        if readable:
            found = predict(model, normalised(readable, view, run.device)).cpu()
            if not found.isfinite().all():
                raise _not_finite(run, dtype)
            rows = iter(found)
        for path, pixels in batch:
            if isinstance(pixels, PictureError):
                yield pixels
            else:
                yield Prediction(path, next(rows), pixels)


def evaluate_run(
    run: TrainedRun,
    data: str,
    part: Literal["auto", "all"] = "auto",
    *,
    workers: int | None = None,
    dtype: torch.dtype | None = None,
    unreadable: Unreadable = "stop",
    note: Callable[[str], None] = lambda text: None,
    follow: Callable[
        [Iterable[LabelledBatch], int], Iterable[LabelledBatch]
    ] = lambda batches, count: batches,
) -> Evaluation:
    """Evaluate ``run`` on labelled pictures.

    In a folder with ``test/`` or ``val/`` these pictures are used, in the folder of its training
    the pictures that were held out, in a data set with a name its test images. With ``part="all"``
    all class folders in ``data`` are used. The network computes in ``dtype``, as
    :func:`~resforge.for_inference` makes it. ``follow`` wraps the iterator of batches, whose number
    is its second argument, for a progress bar. Raises :class:`~resforge.SpecError` for unknown
    classes, and :class:`~resforge.ResforgeError` for a network whose outputs are not finite.
    """
    spec, classes = run.spec, len(run.spec.classes)
    model = for_inference(run.model, dtype)
    if spec.view is None:
        source = find_data(data, spec.network.in_channels, spec.data.val_share, spec.data.split)
        if isinstance(source, PictureFolder) or source.num_classes != classes:
            raise _wrong_data(run, data)
        loaded = load_data(source, run.device)
        tested = zip(torch.split(loaded.test_x, 256), torch.split(loaded.test_y, 256), strict=True)
        return _checked(run, dtype, evaluate(model, tested, classes))
    folder = _pictures(run, Path(data).expanduser(), part, note)
    feed = PictureFeed(
        folder, spec.view, workers=workers, device=run.device, unreadable=unreadable, note=note
    )
    batches: Iterable[LabelledBatch] = feed.validation(slice(None))
    if follow is not None:
        batches = follow(batches, ceil(len(folder.val) / BATCH))
    return _checked(run, dtype, evaluate(model, batches, classes))


def _checked(run: TrainedRun, dtype: torch.dtype | None, evaluation: Evaluation) -> Evaluation:
    # The loss may be infinite where a class is excluded; it is NaN where an output is not finite.
    if isnan(evaluation.loss):
        raise _not_finite(run, dtype)
    return evaluation


def _pictures(
    run: TrainedRun, root: Path, part: Literal["auto", "all"], note: Callable[[str], None]
) -> PictureFolder:
    """The pictures of the evaluation, as the validation pictures of a folder."""
    spec = run.spec
    if part == "auto" and root.is_dir():
        inside = first_folder(root, TEST) or first_folder(root, VAL)
        if inside is not None:
            note(f"evaluating {inside}")
            return PictureFolder(
                inside, spec.classes, (), list_labelled(inside, spec.classes, note)
            )
        if is_same_file(root, spec.data.source):
            folder = read_folder(root, spec.data.val_share, spec.data.split, note)
            if folder.fingerprint == spec.data.fingerprint:
                count, whole = len(folder.val), len(folder.train) + len(folder.val)
                note(f"evaluating the {count:,} of {whole:,} pictures that were held out")
                return folder
            note(f"{root} has changed since the training, and may contain pictures of it")
    return PictureFolder(root, spec.classes, (), list_labelled(root, spec.classes, note))


def _view(run: TrainedRun) -> View:
    if run.spec.view is None:
        message = f"{run.path} was trained on {run.spec.data.source}, not on picture files"
        raise SpecError(Fault("data", message, help="use a run on a folder of pictures"))
    return run.spec.view


def _not_finite(run: TrainedRun, dtype: torch.dtype | None) -> ResforgeError:
    if dtype is torch.float16:
        return ResforgeError(
            f"{run.path}: outputs of the network are not finite in float16, which ends at 65,504:"
            " use bfloat16 or float32"
        )
    return ResforgeError(
        f"{run.path}: outputs of the network are not finite, because its training diverged or its"
        " weights are damaged: train again, with a lower --lr"
    )


def _wrong_data(run: TrainedRun, data: str) -> ResforgeError:
    message = f"{run.path} was trained on {run.spec.data.source}, which {data} does not match"
    return SpecError(Fault("data", message, help=f"use --data {run.spec.data.source}"))
