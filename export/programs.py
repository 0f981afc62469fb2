"""Networks as programs of torch itself: ``torch.export`` and TorchScript."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..files import write_whole
from ..specs.layer import Size
from .exporting import Certificate, Exporting, outputs_of, place_for, quietly

#: The same kernels run in the same order; a compiler may still fuse a product with a sum.
TOLERANCE = 1e-5


def to_torch_export(
    model: nn.Module,
    path: str | os.PathLike[str],
    *,
    input_size: int | Size | None = None,
    batch: int | None = None,
) -> Certificate:
    """Write ``model`` as a ``.pt2`` file, which ``torch.export.load`` reads.

    It takes images of ``input_size`` (the spec's own unless given) as (N, C, H, W), any N or
    ``batch`` of them. It is loaded again and compared with ``model`` before it is written. Raises
    :class:`ResforgeError` for a module that resforge did not build, :class:`SpecError` for a size
    that it cannot take, :class:`ExportError` where the answers differ and :class:`StoreError`
    where the file cannot be written.
    """
    place = place_for(Path(path))
    work = Exporting(model, input_size, batch)
    with quietly():
        exported = torch.export.export(
            work.model, (work.example,), dynamic_shapes=work.dynamic_shapes
        )
        content = io.BytesIO()
        torch.export.save(exported, content)
        content.seek(0)
        loaded = torch.export.load(content).module()
        found = work.check(lambda x: outputs_of(loaded(x)), "torch.export", TOLERANCE)
    write_whole(place, content.getvalue())
    return found


def to_torchscript(
    model: nn.Module,
    path: str | os.PathLike[str],
    *,
    input_size: int | Size | None = None,
    batch: int | None = None,
) -> Certificate:
    """Write ``model`` as a traced TorchScript program, which ``torch.jit.load`` and C++ read.

    The program is for evaluation and takes any number of images of any size; ``input_size`` and
    ``batch`` are what it is traced and checked at. torch has deprecated TorchScript in favour of
    :func:`to_torch_export`. Raises what that raises.
    """
    place = place_for(Path(path))
    work = Exporting(model, input_size, batch)
    content = io.BytesIO()
    with quietly():
        trace: Any = torch.jit.trace  # has no types
        traced = trace(work.model, work.example, check_trace=False)
        torch.jit.save(traced, content)
        content.seek(0)
        loaded = torch.jit.load(content)  # type: ignore[no-untyped-call]
        found = work.check(lambda x: outputs_of(loaded(x)), "TorchScript", TOLERANCE)
    write_whole(place, content.getvalue())
    return found
