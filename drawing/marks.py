"""What of a network is not so in another: the parts that its picture marks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from ..planner.plan import Plan
from ..specs.canonical import canonical_block
from ..specs.layer import Layer, Module, Shape
from ..specs.layout import BlockPlan
from ..specs.operation import meanings

MARK: Final = "≠"


def changed(plan: Plan, against: Plan) -> frozenset[str]:
    """The parts of ``plan`` that ``against`` has not, or has otherwise: ``input``, ``stem``,
    ``before2``, blocks, ``closing`` and ``head``; and each stage with such a block, or with fewer
    blocks.

    Parts are held against those of the same name, by what they mean: a word and the chain written
    out that it stands for do not differ.

    >>> import resforge as rf
    >>> spec = rf.load("cifar_resnet20")
    >>> option_b = rf.plan(spec.replace({"shortcut": "projection"}))
    >>> sorted(changed(option_b, rf.plan(spec)))
    ['layer2', 'layer2.0', 'layer3', 'layer3.0']
    """
    found = set()
    if plan.input_shape != against.input_shape:
        found.add("input")
    for name, modules in plan.modules._asdict().items():
        if _chain_identity(modules) != _chain_identity(getattr(against.modules, name)):
            found.add(name)
    others = dict(enumerate(against.before))
    for number, modules in enumerate(plan.before):
        if _chain_identity(modules) != _chain_identity(others.get(number, ())):
            found.add(f"before{number + 1}")
    if (plan.spec.head is None) != (against.spec.head is None):
        found.add("head")
    blocks = {block.name: _identity(block) for stage in against.stages for block in stage}
    depths = {f.name: len(s) for f, s in zip(against.features, against.stages, strict=True)}
    for feature, stage in zip(plan.features, plan.stages, strict=True):
        marked = {b.name for b in stage if blocks.get(b.name) != _identity(b)}
        found |= marked
        if marked or len(stage) != depths.get(feature.name):
            found.add(feature.name)
    return frozenset(found)


def changed_text(plan: Plan, marked: frozenset[str]) -> str:
    """``marked`` in words; empty where nothing is.

    >>> import resforge as rf
    >>> spec = rf.load("cifar_resnet20")
    >>> deeper = rf.plan(spec.replace({"stages[0].depth": 5}))
    >>> changed_text(deeper, changed(deeper, rf.plan(spec)))
    'layer1 (2 of 5 blocks)'
    """
    changes: list[str] = [name for name in ("input", "stem") if name in marked]
    for number, (feature, stage) in enumerate(zip(plan.features, plan.stages, strict=True), 1):
        if f"before{number}" in marked:
            changes.append(f"before{number}")
        count = sum(block.name in marked for block in stage)
        if count:
            changes.append(f"{feature.name} ({count} of {len(stage)} blocks)")
        elif feature.name in marked:
            changes.append(f"{feature.name} (fewer blocks)")
    changes += [name for name in ("closing", "head") if name in marked]
    return ", ".join(changes)


def _identity(block: BlockPlan) -> tuple[Any, ...]:
    """What a block means, however it is written, and how often its branch is left out."""
    resolved = block.resolved
    how = resolved.drop_rate, resolved.drop_mode, resolved.drop_scaled
    drop = how if resolved.drop_rate else None
    return canonical_block(*resolved.like), _weights(block.layers), drop


def _chain_identity(modules: Sequence[Module]) -> tuple[Any, ...]:
    """What a chain means, and the shapes of its weights, which follow from its input too."""
    return meanings(modules), _weights(layer for each in modules for layer in each.layers)


def _weights(layers: Iterable[Layer]) -> list[Shape]:
    return [layer.weight for layer in layers]
