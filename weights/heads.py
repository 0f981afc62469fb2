"""Recognises the head of another network, whatever its names and shapes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import Tensor

from ..planner.plan import Plan
from .cover import shape_of
from .layouts import HEADS, native_layers
from .naming import Form


def channels_of(plan: Plan) -> int:
    """Number of channels that the last block of a network puts out."""
    return plan.stages[-1][-1].site.out_channels


def head_names(
    tensors: Mapping[str, Tensor], used: Collection[str | None], form: Form, channels: int
) -> set[str]:
    """The names among ``tensors``, which a model has no place for, that belong to a head.

    A head is a part of its own: nothing else in the file begins with the same word, and no layout
    has such a layer outside of its head. Its weights take the ``channels`` of the last block (or a
    multiple: pooled twice, or flattened), or what another layer of the head puts out. So an
    additional block, a final norm or an attention is no head.
    """
    groups: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        groups.setdefault(name.partition(".")[0], {})[name] = tensor
    body = {(name or "").partition(".")[0] for name in used}
    found = {name for name in tensors if (form.native(name) or "").startswith("fc.")}
    parts = [
        part
        for word, part in groups.items()
        if word not in body and not any(map(_is_body, part)) and not found.issuperset(part)
    ]
    widths: set[int] = set()
    for _ in groups:
        for part in parts:
            weights = [s for tensor in part.values() if (s := shape_of(tensor)) and len(s) > 1]
            if any(s[1] and (s[1] % channels == 0 or s[1] in widths) for s in weights):
                found |= part.keys()
                widths |= {shape[0] for shape in weights}
    return found


def _is_body(name: str) -> bool:
    """Whether a layout has such a layer outside of its head."""
    return any(not layer.startswith(HEADS) for layer in native_layers(name))
