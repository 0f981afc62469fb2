"""What every exported program has in common: its example input, its check, its file."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..builder import FeatureMaps
from ..builder.network import unwrap
from ..errors import StoreError
from ..planner import plan
from ..specs.layer import Size
from .errors import ExportError
from .folding import unedited_spec

INPUT = "images"
BATCH = "batch"
#: An export with a dynamic batch is made at the one size, and checked at the others: tracing takes
#: a size of 0 or 1 for a fixed one.
_TRACED, _CHECKED = 2, (1, 3)


class Certificate(NamedTuple):
    """That a written program answers as the network it was made from."""

    by: str
    """What ran it."""
    batches: tuple[int, ...]
    """Images in each of the batches it was given."""
    difference: float
    """Largest difference of an output, over the largest output."""
    tolerance: float
    """The most that was allowed."""

    def __str__(self) -> str:
        batches = " and ".join(map(str, self.batches))
        apart = "equal bit for bit"
        if self.difference:
            apart = f"at most {self.difference:.1e} of the largest output apart"
        return f"checked by {self.by} with batches of {batches}: {apart}"


class Exporting:
    """A copy of a network, on the CPU and in evaluation, and the input it is exported for.

    ``batch`` is the number of images, None for any. Raises :class:`ResforgeError` for a module
    that resforge did not build, :class:`SpecError` for a size that the network cannot take.
    """

    def __init__(self, model: nn.Module, input_size: int | Size | None, batch: int | None) -> None:
        model = unwrap(model)
        spec = unedited_spec(model)
        if batch is not None and batch < 1:
            raise ExportError(f"batch={batch} holds no image; give 1 or more, or None for any")
        self.shape = plan(spec, input_size).input_shape
        self.model = copy.deepcopy(model).cpu().eval()
        self.dtype = next(self.model.parameters()).dtype
        self.batch = batch
        self.outputs = ["features" if spec.head is None else "logits"]
        if isinstance(model, FeatureMaps):
            self.outputs = list(model.names)

    @property
    def example(self) -> Tensor:
        """The images to trace with: (N, C, H, W)."""
        return self.images(_TRACED if self.batch is None else self.batch)

    @property
    def dynamic_shapes(self) -> tuple[dict[int, Any]] | None:
        """Which sizes of the input stay open, as :func:`torch.export.export` wants to know."""
        return ({0: torch.export.Dim(BATCH)},) if self.batch is None else None

    def images(self, batch: int) -> Tensor:
        """Random images: (batch, C, H, W)."""
        generator = torch.Generator().manual_seed(batch)
        return torch.randn(batch, *self.shape, generator=generator).to(self.dtype)

    @torch.no_grad()
    def check(
        self, run: Callable[[Tensor], Sequence[Tensor]], by: str, tolerance: float
    ) -> Certificate:
        """Compare ``run`` with the network. Raises :class:`ExportError` where they differ."""
        batches = _CHECKED if self.batch is None else (self.batch,)
        difference = 0.0
        for batch in batches:
            images = self.images(batch)
            pairs = zip(outputs_of(run(images)), outputs_of(self.model(images)), strict=True)
            difference = max(difference, *(_difference(ours, theirs) for ours, theirs in pairs))
        found = Certificate(by, batches, difference, tolerance)
        if not difference <= tolerance:
            raise ExportError(
                f"{by} answers otherwise than the network: {difference:.1e} of the largest "
                f"output apart, {tolerance:.0e} is allowed; nothing was written"
            )
        return found


def outputs_of(answer: Any) -> list[Tensor]:
    """The tensors that a network answered with."""
    return [answer] if isinstance(answer, Tensor) else list(answer)


def _difference(ours: Tensor, theirs: Tensor) -> float:
    # Weights drawn wildly can overflow; then they must do so in both.
    ours, theirs = ours.double().nan_to_num(), theirs.double().nan_to_num()
    if ours.shape != theirs.shape:
        return float("inf")
    apart = (ours - theirs).abs().max().item()
    return apart / max(theirs.abs().max().item(), torch.finfo(torch.float32).tiny)


@contextmanager
def quietly() -> Iterator[None]:
    """Without what exporters tell their own developers; the check says what a user needs."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(before)


def place_for(path: Path) -> Path:
    """``path``, where a file can be made. Raises :class:`StoreError` before any work is done."""
    if path.is_dir():
        raise StoreError(f"{path} is a folder: name a file")
    if not path.parent.is_dir():
        raise StoreError(f"{path.parent} is no folder: make it, or choose another place")
    return path
