"""What of a network is not so in another: the parts that its picture marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ..planner.plan import BlockPlan, Plan
from ..specs.trace import Layer

MARK: Final = "≠"


def changed(plan: Plan, against: Plan) -> frozenset[str]:
    """The parts of ``plan`` that ``against`` has not, or has otherwise: ``input``, ``stem``,
    blocks, ``closing`` and ``head``; and each stage with such a block, or with fewer blocks.

    Parts are held against those of the same name. A norm or an activation that differs is said of
    every part that has one.

    >>> import resforge as rf
    >>> spec = rf.load("cifar_resnet20")
    >>> option_b = rf.plan(spec.replace({"shortcut": "projection"}))
    >>> sorted(changed(option_b, rf.plan(spec)))
    ['layer2', 'layer2.0', 'layer3', 'layer3.0']
    """
    one, other = plan.spec, against.spec
    retuned = (one.norm, one.activation) != (other.norm, other.activation)
    found = set()
    if plan.input_shape != against.input_shape:
        found.add("input")
    if retuned or (one.stem, _look(plan.stem)) != (other.stem, _look(against.stem)):
        found.add("stem")
    blocks = {block.name: _nature(block) for stage in against.stages for block in stage}
    depths = {f.name: len(s) for f, s in zip(against.features, against.stages, strict=True)}
    for feature, stage in zip(plan.features, plan.stages, strict=True):
        marked = {b.name for b in stage if retuned or blocks.get(b.name) != _nature(b)}
        found |= marked
        if marked or len(stage) != depths.get(feature.name):
            found.add(feature.name)
    if _look(plan.closing) != _look(against.closing):
        found.add("closing")
    if (one.head, _look(plan.head)) != (other.head, _look(against.head)):
        found.add("head")
    return frozenset(found)


def changed_text(plan: Plan, marked: frozenset[str]) -> str:
    """``marked`` in words; empty where nothing is.

    >>> import resforge as rf
    >>> spec = rf.load("cifar_resnet20")
    >>> deeper = rf.plan(spec.replace({"stages[0].depth": 5}))
    >>> changed_text(deeper, changed(deeper, rf.plan(spec)))
    'layer1 (2 of 5 blocks)'
    """
    told: list[str] = [name for name in ("input", "stem") if name in marked]
    for feature, stage in zip(plan.features, plan.stages, strict=True):
        count = sum(block.name in marked for block in stage)
        if count:
            told.append(f"{feature.name} ({count} of {len(stage)} blocks)")
        elif feature.name in marked:
            told.append(f"{feature.name} (fewer blocks)")
    told += [name for name in ("closing", "head") if name in marked]
    return ", ".join(told)


def _nature(block: BlockPlan) -> tuple[Any, ...]:
    """All that a block is but where in a spec it was named."""
    return block.what._replace(block_path=(), shortcut_path=())


def _look(layers: Sequence[Layer]) -> list[tuple[Any, ...]]:
    """Layers without the maps that they meet: those differ after any stride that differs."""
    return [
        (layer.name, layer.kind, layer.weight, layer.kernel, layer.stride, layer.dilation)
        for layer in layers
    ]
