"""Setup of a run: data, network, recipe and folder from the options of a request."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError
from torch import nn

from ...builder import build
from ...drawing.numbers import percent
from ...errors import Fault, SpecError
from ...planner.plan import failure, lay_out
from ...specs.explain import faults_of
from ...specs.network import ResNetSpec
from ...training.data.source import DataSource
from ...training.data.tensors import load_data
from ...training.device import as_device
from ...training.optimizer import AdamWSpec
from ...training.pictures.colours import measure
from ...training.pictures.folder import PictureFolder
from ...training.pictures.overlap import identical, report_identical
from ...training.pictures.view import IMAGENET_MEAN, IMAGENET_STD, RandomCrop, View, default_crop
from ...training.recipe import Recipe
from ...training.streams import Batches
from ...weights import LAYOUTS, load_weights
from ..distributed import Ranks, joined
from ..feed import Feed, TensorFeed
from ..fit import FitResult, fit
from ..picture_feed import PictureFeed, Unreadable
from ..progress import Progress
from .board import Board
from .data import find_data
from .folder import RunFolder
from .record import DataRecord, RunSpec

#: Recipe of a request without one; its warm-up takes a twentieth of the steps.
DEFAULT = Recipe(optimizer=AdamWSpec(lr=1e-3), batch_size=32)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Everything that decides a run, as options of ``resforge train``."""

    network: ResNetSpec
    data: str
    """A folder of pictures, or a name that :func:`find_data` accepts."""
    out: str | os.PathLike[str]
    recipe: Recipe | None = None
    """``steps`` is replaced: it follows from ``epochs``."""
    epochs: int = 10
    batch_size: int | None = None
    """Replaces the recipe's, as do ``lr`` and ``label_smoothing``."""
    lr: float | None = None
    label_smoothing: float | None = None
    seed: int = 0
    size: int | None = None
    """Height and width of the network's input; by default the size that its stem is made for."""
    normalize: Literal["imagenet", "channel"] = "imagenet"
    """Mean and deviation of each channel: ImageNet's, or those of the training pictures."""
    augment: Literal["crop_flip", "crop", "none"] = "crop_flip"
    """A random crop, mirrored half the time; a random crop; or the middle square."""
    min_area: float = 0.08
    """Smallest area of a random crop, as a fraction of the picture's."""
    val_share: float = 0.2
    """Fraction of each class that is held out for validation, where there is no ``val/``."""
    split: int = 0
    """Seed of the choice of the pictures held out."""
    weights: str | os.PathLike[str] | None = None
    """A file of weights to start from."""
    entry: str | None = None
    """Dotted path of the mapping in ``weights`` to take; by default the one that fits best."""
    strip: str = ""
    """A prefix of the names in ``weights``; only names count that begin with it."""
    head: Literal["loaded", "fresh"] = "loaded"
    """``fresh`` leaves the head out of ``weights``."""
    allow_extra: bool = False
    """Whether ``weights`` may hold tensors that the network has no place for."""
    allow_missing: float | None = None
    allow_other_function: bool = False
    """Smallest fraction of the network's tensors that ``weights`` must fill; by default all."""
    partial: bool = False
    """Both, with a fraction of 0."""
    freeze: str | None = None
    """Part that is not trained, as :func:`freeze` names it."""
    class_weights: Literal["none", "balanced"] = "none"
    mixup: float = 0.0
    workers: int | None = None
    """Threads that decode pictures; by default one for each core, at most eight."""
    unreadable: Unreadable = "stop"
    device: str = "auto"
    resume: bool = False
    tensorboard: bool = False

    @property
    def random_crop(self) -> RandomCrop | None:
        """The crop that ``augment`` and ``min_area`` stand for."""
        if self.augment == "none":
            return None
        return RandomCrop(min_area=self.min_area, mirror=self.augment == "crop_flip")


def train_run(
    request: RunRequest,
    progress: Progress | None = None,
    *,
    stopped: Callable[[], bool] = lambda: False,
) -> FitResult:
    """Train a network, and write its run to the folder ``request.out``.

    Under ``torchrun`` every process calls this with the same request. Raises
    :class:`~resforge.SpecError` for an invalid request, ``StoreError`` for a folder that cannot be
    used, and :class:`~resforge.ResforgeError` for other errors.
    """
    with joined(as_device(request.device)) as ranks, ExitStack() as stack:
        if progress is None or not ranks.leads:
            progress = Progress()
        network = request.network
        data = find_data(
            request.data, network.in_channels, request.val_share, request.split, progress.note
        )
        feed, record, view = _feed(request, data, ranks, progress)
        spec = _spec(
            network=_with_classes(network, feed, data, progress),
            classes=feed.class_names,
            data=record,
            view=view,
            random_crop=request.random_crop if view else None,
            recipe=_recipe(request, len(feed.train_labels)),
            epochs=request.epochs,
            seed=request.seed,
            weights=_sha256(request.weights) if request.weights else None,
            freeze=request.freeze,
            class_weights=request.class_weights,
            mixup=request.mixup,
        )
        model = _model(request, spec.network, progress)
        folder = RunFolder(Path(request.out))
        if request.resume:
            folder.check(spec)
        if ranks.leads:
            stack.enter_context(folder.locked())
            if not request.resume:
                folder.begin(spec)
        ranks.wait()
        board = Board(folder.path) if request.tensorboard and ranks.leads else None
        return fit(
            model,
            feed,
            spec,
            folder,
            ranks=ranks,
            stopped=stopped,
            progress=progress,
            on_epoch=board.write if board else lambda epoch: None,
        )


def _spec(**settings: Any) -> RunSpec:
    try:
        return RunSpec(**settings)
    except ValidationError as error:
        faults, more = faults_of(error, RunSpec)
        raise SpecError(faults, more) from None


def _model(request: RunRequest, network: ResNetSpec, progress: Progress) -> nn.Module:
    """Build the network, with the weights of the request unless its run is resumed."""
    model = build(network, seed=request.seed)
    if request.weights is not None and not request.resume:
        head: Literal["fresh"] | None = "fresh" if request.head == "fresh" else None
        plan = load_weights(
            model,
            request.weights,
            entry=request.entry,
            strip=request.strip,
            head=head,
            allow_extra=request.allow_extra,
            allow_missing=request.allow_missing,
            partial=request.partial,
            allow_other_function=request.allow_other_function,
        )
        progress.note(
            f"{plan.file}: {percent(plan.share)} of the parameters come from the file, whose"
            f" names are {LAYOUTS[plan.layout].words}"
        )
        for remark in plan.remarks:
            progress.note(remark)
    return model


def _feed(
    request: RunRequest, data: PictureFolder | DataSource, ranks: Ranks, progress: Progress
) -> tuple[Feed, DataRecord, View | None]:
    """The data as a feed, their record, and the view of pictures."""
    if isinstance(data, DataSource):
        loaded = load_data(data, ranks.device)
        tensors = TensorFeed(loaded, request.seed)
        return tensors, _record(request, request.data, loaded.fingerprint, tensors), None
    if ranks.leads and (pairs := identical(data.train, data.val, request.workers)):
        progress.note(report_identical(pairs))
    view = _view(request, data)
    feed = PictureFeed(
        data,
        view,
        request.random_crop,
        seed=request.seed,
        workers=request.workers,
        device=ranks.device,
        unreadable=request.unreadable,
        note=progress.note,
    )
    return feed, _record(request, str(data.root), data.fingerprint, feed), view


def _record(request: RunRequest, source: str, fingerprint: str, feed: Feed) -> DataRecord:
    return DataRecord(
        source=source,
        fingerprint=fingerprint,
        train=len(feed.train_labels),
        val=feed.val_count,
        val_share=request.val_share,
        split=request.split,
    )


def _view(request: RunRequest, data: PictureFolder) -> View:
    channels = request.network.in_channels
    if channels not in (1, 3):
        message = f"the network has {channels} input channels; pictures have 3, or 1 in grey"
        raise SpecError(Fault("data", message, "in_channels", "write in_channels: 3"))
    size = request.size or request.network.natural_input_size
    if request.normalize == "channel":
        mean, std = measure(data.train, channels, request.workers)
    elif channels == 3:
        mean, std = IMAGENET_MEAN, IMAGENET_STD
    else:
        mean, std = (sum(IMAGENET_MEAN) / 3,), (sum(IMAGENET_STD) / 3,)
    return View(size=size, crop=default_crop(size), mean=mean, std=std)


def _with_classes(
    network: ResNetSpec, feed: Feed, data: PictureFolder | DataSource, progress: Progress
) -> ResNetSpec:
    """Set the head's number of classes. Raises :class:`~resforge.SpecError` for a network that
    does not fit the data."""
    if network.head is None:
        message = "the network has no head: it cannot classify pictures"
        raise SpecError(Fault("data", message, "head", "write head: {kind: classifier}"))
    if isinstance(data, DataSource) and data.input_shape[0] != network.in_channels:
        message = f"{data.kind} has {data.input_shape[0]} channels, not {network.in_channels}"
        help = f"write in_channels: {data.input_shape[0]}"
        raise SpecError(Fault("data", message, "in_channels", help))
    side = network.natural_input_size
    shape = data.input_shape[1:] if isinstance(data, DataSource) else (side, side)
    if len(shape) != network.dims:
        message = f"the network has dims: {network.dims}, the maps of the data {len(shape)} axes"
        raise SpecError(Fault("data", message, "dims", f"write dims: {len(shape)}"))
    plan, classes = lay_out(network, shape), len(feed.class_names)
    if isinstance(data, DataSource) and (fault := failure(plan)):
        message = f"the network cannot run on these images: {fault.message}"
        raise SpecError(Fault("data", message, help="use a network for small images"))
    if plan.output_shape == (classes,):
        return network
    if "num_classes" not in type(network.head).model_fields:
        message = f"the data have {classes} classes, and the head has outputs {plan.output_shape}"
        raise SpecError(Fault("data", message, "head", f"end the head in {{linear: {classes}}}"))
    progress.note(
        f"the head gets {classes} classes, as in the data, instead of {network.head.classes}"
    )
    return network.replace({"head.num_classes": classes})


def _recipe(request: RunRequest, count: int) -> Recipe:
    """The recipe for the epochs of a request, with ``count`` training pictures.

    Raises :class:`~resforge.SpecError`, and ``ResforgeError`` for batches of more than ``count``.
    """
    tree = (request.recipe or DEFAULT).model_dump(mode="json")
    if request.lr is not None:
        tree["optimizer"]["lr"] = request.lr
    changes = {"batch_size": request.batch_size, "label_smoothing": request.label_smoothing}
    tree |= {name: value for name, value in changes.items() if value is not None}
    steps = request.epochs * max(1, count // max(1, tree["batch_size"]))
    if request.recipe is None:
        tree["warmup"] = steps // 20
    tree |= {"steps": steps, "evaluations": 1}  # unused: a run validates after each epoch
    try:
        recipe = Recipe.model_validate(tree)
    except ValidationError as error:
        faults, more = faults_of(error, Recipe, tree)
        raise SpecError(faults, more) from None
    Batches(count, recipe.batch_size, request.seed)  # raises for a batch that is too large
    return recipe


def _sha256(path: str | os.PathLike[str]) -> str:
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe may never end
        raise SpecError(Fault("weights", f"{path} cannot be read (it is no regular file)"))
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SpecError(Fault("weights", f"{path} cannot be read ({error.strerror})")) from None
