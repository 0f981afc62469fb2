"""Setup of a run: data, network, recipe and folder from the options of a request."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError
from torch import nn

from ...builder import build
from ...drawing.numbers import percent
from ...errors import Fault, SpecError
from ...specs.explain import faults_of
from ...specs.network import ResNetSpec
from ...training.data.network import check_network, check_side
from ...training.data.source import DataSource
from ...training.data.tensors import load_data
from ...training.device import as_device
from ...training.pictures.folder import PictureFolder
from ...training.pictures.overlap import identical, report_identical
from ...training.pictures.view import View
from ...weights import LAYOUTS, load_weights
from ..distributed import Ranks, joined
from ..feed import Feed, TensorFeed
from ..fit import FitResult, fit
from ..picture_feed import PictureFeed
from ..progress import Progress
from .board import Board
from .data import find_data
from .folder import RunFolder
from .recipe import recipe_of
from .record import DataRecord, RunSpec
from .request import RunRequest
from .view import refuse_view, view_of


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
        network, folder = request.network, RunFolder(Path(request.out))
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
            recipe=recipe_of(
                request,
                len(feed.train_labels),
                progress.note,
                device=ranks.device.type,
                resumed=folder.spec().recipe if request.resume else None,
            ),
            epochs=request.epochs,
            patience=request.patience,
            seed=request.seed,
            weights=_sha256(request.weights) if request.weights else None,
            freeze=request.freeze,
            class_weights=request.class_weights,
            mixup=request.mixup,
        )
        model = _model(request, spec.network, progress)
        if request.resume:
            folder.check(spec)
        if ranks.leads:
            stack.enter_context(folder.locked())
            if not request.resume:
                folder.begin(spec)
            elif folder.lengthen(spec):
                progress.note(_end(spec))
            if request.class_indices:
                folder.write_class_indices(spec.classes)
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


def _end(spec: RunSpec) -> str:
    """Where a run ends, and its learning rate up to there."""
    early = f", or {spec.patience} without a better one" if spec.patience else ""
    kind = spec.recipe.schedule.kind
    return f"the run now has {spec.epochs} epochs{early}; its {kind} schedule continues"


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
        refuse_view(request, data)
        loaded = load_data(data, ranks.device)
        tensors = TensorFeed(loaded, request.seed)
        return tensors, _record(request, request.data, loaded.fingerprint, tensors), None
    if ranks.leads and (pairs := identical(data.train, data.val, request.workers)):
        progress.note(report_identical(pairs))
    view = view_of(request, data)
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


def _with_classes(
    network: ResNetSpec, feed: Feed, data: PictureFolder | DataSource, progress: Progress
) -> ResNetSpec:
    """Set the head's number of classes. Raises :class:`~resforge.SpecError` for a network that
    does not suit the data."""
    head, classes, side = network.head, len(feed.class_names), network.natural_input_size
    note = ""
    if head and "num_classes" in type(head).model_fields and head.classes != classes:
        network = network.replace({"head.num_classes": classes})
        note = f"the head gets {classes} classes, as in the data, instead of {head.classes}"
    if isinstance(data, DataSource):
        check_network(network, data.input_shape, classes)
        check_side(network, data.input_shape[1:])
    else:
        check_network(network, (network.in_channels, side, side), classes)
    if note:
        progress.note(note)
    return network


def _sha256(path: str | os.PathLike[str]) -> str:
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe may never end
        raise SpecError(Fault("weights", f"{path} cannot be read (it is no regular file)"))
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SpecError(Fault("weights", f"{path} cannot be read ({error.strerror})")) from None
