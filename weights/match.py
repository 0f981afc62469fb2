"""Decides from names and shapes how each tensor of a model is filled, before any is copied."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from ..planner.plan import Plan
from ..specs.layer import Shape
from .cover import shape_of
from .errors import WeightsError, refuse
from .heads import channels_of, head_names
from .misfits import Misfit, faults_of, grouped, shape_text
from .options import LoadOptions
from .select import Selected

Action = Literal["copied", "adapted", "sliced", "fresh"]
_UNIT = re.compile(r"layer\d+\.\d+(\.(?:downsample|se))?|before\d+\.")
COUNTER = "num_batches_tracked"
BUFFERS = ("running_mean", "running_var", COUNTER)
_COUNTS = (
    *(torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.uint8, torch.uint16, torch.uint32, torch.uint64),
)


class TensorPlan(NamedTuple):
    """How one tensor of the model is filled."""

    name: str
    """Name in the model."""
    action: Action
    why: str
    shape: Shape
    """Shape in the model."""
    source: str | None = None
    """Name in the file, without the stripped prefix; None for a fresh tensor."""

    @property
    def unit(self) -> str:
        """The part of the network that is loaded or left fresh as a whole."""
        return unit_of(self.name)


@dataclass(frozen=True)
class WeightPlan:
    """How every tensor of a model is filled, in the order of its state dict."""

    file: str
    layout: str
    """Layout of the file's names: one of :data:`LAYOUTS`."""
    tensors: tuple[TensorPlan, ...]
    unused: tuple[str, ...]
    """Names in the file that the model does not use."""
    params: int
    """Number of learnable parameters of the model."""
    taken: int
    """Number of them that come from the file."""
    notes: tuple[str, ...] = ()
    """Notes for the user."""
    assumed: tuple[str, ...] = ()
    """What names and shapes do not show, taken from the spec; empty for a file that says its
    network."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes, and what is assumed as a sentence."""
        if not self.assumed:
            return self.notes
        assumed = ", ".join(self.assumed)
        return (*self.notes, f"names and shapes do not show {assumed}: taken from the spec")

    @property
    def counts(self) -> tuple[int, int]:
        """Number of tensors that come from the file, and of all tensors of the model.

        ``num_batches_tracked``, which only counts batches, is not counted.
        """
        filled = [t.action != "fresh" for t in self.tensors if not t.name.endswith(COUNTER)]
        return sum(filled), len(filled)

    @property
    def share(self) -> float:
        """Fraction of the model's parameters that come from the file, from 0 to 1."""
        return self.taken / self.params if self.params else 0.0

    def to_tree(self) -> dict[str, Any]:
        """The plan as plain values, for JSON."""
        return {
            "file": self.file,
            "layout": self.layout,
            "params": self.params,
            "taken": self.taken,
            "share": self.share,
            "counts": [*self.counts],
            "tensors": [{**tensor._asdict(), "shape": [*tensor.shape]} for tensor in self.tensors],
            "unused": [*self.unused],
            "notes": [*self.notes],
            "assumed": [*self.assumed],
        }


def unit_of(name: str) -> str:
    """The part of the network that a tensor belongs to.

    >>> unit_of("layer1.0.bn2.weight"), unit_of("layer1.0.se.fc1.bias"), unit_of("bn1.weight")
    ('layer1.0', 'layer1.0.se', 'stem')
    """
    if match := _UNIT.match(name):
        return match[0].rstrip(".")
    first = name.partition(".")[0]
    # The parts of a network that its spec writes out have names of their own.
    written = {"fc": "head", "head": "head", "norm": "norm", "closing": "norm"}
    return written.get(first, "stem")


def match(
    shapes: Mapping[str, Shape], plan: Plan, file: Selected, options: LoadOptions
) -> WeightPlan:
    """Plan how ``file`` fills a model of the network ``plan``, whose tensors have ``shapes``.

    Raises :class:`WeightsError` with every fault where the file does not fit as requested.
    """
    tensors, form = file.tensors, file.reading.form
    table = form.table(shapes, plan)
    first = next((layer.name for layer in plan.layers if layer.kind == "conv"), "")
    matcher = _Matcher(tensors, table, options, shapes, f"{first}.weight")
    results = [matcher.match(name) for name in shapes]
    if options.allow_missing is not None:
        results = _whole_units(results)
    planned = tuple(result for result in results if isinstance(result, TensorPlan))
    misfits = [result for result in results if isinstance(result, Misfit)]
    used = {tensor.source for tensor in planned}
    unexpected = _unexpected(file, table, used, plan, options)
    if faults := faults_of(file.path, misfits, unexpected, table):
        raise WeightsError(faults)
    sizes = {t.name: prod(t.shape) for t in planned if not t.name.endswith(BUFFERS)}
    taken = sum(sizes.get(tensor.name, 0) for tensor in planned if tensor.action != "fresh")
    if not taken:
        raise refuse(file.path, "fits no part of the model", "choose another file or spec")
    left = tuple(name for name in tensors if name not in used)
    found = WeightPlan(
        str(file.path), file.reading.layout, planned, left, sum(sizes.values()), taken, file.notes
    )
    _check_fraction(found, options)
    return found


def _unexpected(
    file: Selected,
    table: Mapping[str, str | None],
    used: Collection[str | None],
    plan: Plan,
    options: LoadOptions,
) -> list[str]:
    """Names in the file that the model has no place for, and that are not let go of."""
    if options.allow_extra:
        return []
    places = {theirs or ours for ours, theirs in table.items()}
    left = {name: tensor for name, tensor in file.tensors.items() if name not in places}
    if plan.head and options.head != "fresh":
        return [*left]
    head = head_names(left, used, file.reading.form, channels_of(plan))
    return [name for name in left if name not in head]


def _check_fraction(plan: WeightPlan, options: LoadOptions) -> None:
    """Raise :class:`WeightsError` where the file fills less of the model than is requested."""
    filled, total = plan.counts
    least = options.allow_missing
    if least is None or filled >= least * total:
        return
    fresh = [tensor.name for tensor in plan.tensors if tensor.action == "fresh"]
    text = (
        f"fills {filled} of {total} tensors of the model ({filled / total:.1%}), and {least:.1%}"
        f" are required; fresh would be {grouped(fresh)}"
    )
    help_ = f"choose another file or spec, or require less: --allow-missing {filled / total:.2f}"
    raise refuse(plan.file, text, help_, "missing")


@dataclass(frozen=True)
class _Matcher:
    """Matches tensors of the model with those of the file."""

    tensors: Mapping[str, Tensor]
    table: Mapping[str, str | None]
    options: LoadOptions
    shapes: Mapping[str, Shape]
    first: str
    """Name of the weight of the first convolution."""

    def match(self, name: str) -> TensorPlan | Misfit:
        shape = self.shapes[name]
        source = self.table[name] or name
        head = self.options.head if unit_of(name) == "head" else None
        if head == "fresh":
            return TensorPlan(name, "fresh", "requested", shape)
        if source not in self.tensors:
            beside = source.removesuffix(COUNTER) + "running_var"
            if name.endswith(COUNTER) and beside in self.tensors:
                return TensorPlan(name, "fresh", "not in the file; it only counts batches", shape)
            return Misfit(name, "missing", None, f"the file has no {source}", shape)
        given = self.tensors[source]
        if wrong := _wrong_type(name, given):
            return Misfit(name, "type", source, f"{source} {wrong}", shape)
        theirs = as_linear(shape_of(given) or (), shape)
        if head is not None:
            return self._rows(name, source, theirs, head)
        if theirs == shape:
            return TensorPlan(name, "copied", _converted(given), shape, source)
        sizes = f"{shape_text(theirs)} in the file, {shape_text(shape)} in the model"
        if name == self.first and theirs[:1] + theirs[2:] == shape[:1] + shape[2:]:
            how = "summed" if shape[1] == 1 else "repeated and scaled"
            why = f"{theirs[1]} input channels {how} to {shape[1]}"
            return TensorPlan(name, "adapted", why, shape, source)
        if unit_of(name) == "head":
            return Misfit(name, "head", source, sizes)
        if self.options.slice_wider and _is_wider(theirs, shape):
            return TensorPlan(name, "sliced", f"the first of {shape_text(theirs)}", shape, source)
        return Misfit(name, "shape", source, f"{source} is {sizes}", shape)

    def _rows(
        self, name: str, source: str, theirs: Shape, rows: Sequence[int]
    ) -> TensorPlan | Misfit:
        shape = self.shapes[name]
        if theirs[1:] != shape[1:]:
            sizes = f"{shape_text(theirs)} in the file, {shape_text(shape)} in the model"
            return Misfit(name, "shape", source, f"{source} is {sizes}", shape)
        if len(rows) != shape[0] or not all(0 <= row < theirs[0] for row in rows):
            wrong = [row for row in rows if not 0 <= row < theirs[0]]
            asked = f"{len(rows)} were requested" + (f", {wrong[0]} among them" if wrong else "")
            has = f"the file has classes 0 to {theirs[0] - 1}, the model has {shape[0]}"
            return Misfit(name, "head", source, f"{asked}; {has}")
        return TensorPlan(name, "sliced", f"{len(rows)} of {theirs[0]} classes", shape, source)


def _whole_units(results: list[TensorPlan | Misfit]) -> list[TensorPlan | Misfit]:
    """``results`` with every part fresh that has a tensor which does not fit."""
    why: dict[str, str] = {}
    for result in results:
        if isinstance(result, Misfit) and result.kind in ("missing", "shape"):
            why.setdefault(unit_of(result.name), result.text)
    settled: list[TensorPlan | Misfit] = []
    for result in results:
        unit = unit_of(result.name)
        fatal = isinstance(result, Misfit) and result.kind not in ("missing", "shape")
        if unit in why and not fatal:
            result = TensorPlan(result.name, "fresh", why[unit], result.shape)
        settled.append(result)
    return settled


def as_linear(theirs: Shape, ours: Shape) -> Shape:
    """The shape in the model of a tensor that differs in sides of one at its end: the weight of a
    linear layer is that of a 1x1 convolution in the file, or the other way round; a single number
    may have no side at all."""
    if without_sides(theirs) == without_sides(ours):
        return ours
    return theirs[:2] if len(ours) == 2 and set(theirs[2:]) == {1} else theirs


def without_sides(shape: Shape) -> Shape:
    """``shape`` without the ones at its end; ``(1,)`` for a single number.

    >>> without_sides((16, 64, 1, 1)), without_sides((8, 1, 1)), without_sides(())
    ((16, 64), (8,), (1,))
    """
    end = len(shape)
    while end > 1 and shape[end - 1] == 1:
        end -= 1
    return shape[:end] or (1,)


def _wrong_type(name: str, tensor: Tensor) -> str | None:
    plain = tensor.layout is torch.strided and not (tensor.is_nested or tensor.is_quantized)
    if not plain or tensor.is_meta:
        return "is sparse, nested, quantised or without values"
    if name.endswith(COUNTER):
        return None if tensor.dtype in _COUNTS else f"is {_type(tensor)}, not whole numbers"
    return None if tensor.is_floating_point() else f"is {_type(tensor)}, not floating point"


def _converted(tensor: Tensor) -> str:
    usual = tensor.dtype in (torch.float32, torch.int64)
    return "same shape" if usual else f"same shape, from {_type(tensor)}"


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _is_wider(theirs: Shape, ours: Shape) -> bool:
    """Whether the first channels of ``theirs`` are a tensor of shape ``ours``."""
    return (
        len(theirs) == len(ours)
        and theirs[2:] == ours[2:]
        and all(a >= b for a, b in zip(theirs, ours, strict=True))
    )
