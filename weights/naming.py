"""Names of layers in another project, as templates that translate in both directions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from ..planner.plan import Plan
from ..specs.layout import BlockPlan
from .template import template

TENSORS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
_STAGE = re.compile(r"layer(\d+)\.")

Rule = tuple[str, str]
"""The native and the foreign template of a layer. ``{s}`` is the native number of a stage, ``{b}``
of a block, ``{n}`` of a layer within it; ``{stages}`` is the number of stages."""


def deep(plan: Plan) -> bool:
    """Whether the stem has several convolutions."""
    return sum(layer.kind == "conv" for layer in plan.stem) > 1


def shallow(plan: Plan) -> bool:
    """Whether the stem has one convolution at most."""
    return not deep(plan)


def every(plan: Plan) -> bool:
    """True."""
    return True


@dataclass(frozen=True)
class Form:
    """One form of a layout's names; a layout has one or several.

    >>> form = Form((("layer{s}.{b}.conv{n}", "stages.{s-1}.{b}.convs.{n-1}"),))
    >>> form.foreign("layer1.0.conv2.weight"), form.native("stages.3.1.convs.0.weight")
    ('stages.0.0.convs.1.weight', 'layer4.1.conv1.weight')
    """

    rules: tuple[Rule, ...]
    made_for: Callable[[Plan], bool] = every
    """The networks that have the form in the other project."""
    moved: Callable[[Iterable[BlockPlan]], Mapping[str, str]] | None = None
    """A function from blocks to the native layers that the other project numbers differently."""
    requires: str = ""
    """A native layer without which the names are those of another network."""

    def native(self, name: str) -> str | None:
        """The native name of a foreign tensor; None where no rule knows it."""
        return self.natives([name]).get(name)

    def natives(self, names: Iterable[str]) -> dict[str, str]:
        """The native names of foreign tensors, without those that no rule knows."""
        inverse = [(theirs, ours) for ours, theirs in self.rules]
        found = _each(names, lambda layer: _translate(layer, inverse))
        return {name: native for name, native in found.items() if native is not None}

    def foreign(self, name: str, stages: int = 0) -> str | None:
        """The foreign name of a native tensor; None where the other project has no such layer."""
        return _each([name], lambda layer: _translate(layer, self.rules, stages))[name]

    def suits(self, plan: Plan) -> bool:
        """Whether the form is for the network of ``plan``."""
        return self.made_for(plan) and self._has_required(plan)

    def counts(self, names: Iterable[str]) -> bool:
        """Whether the numbers of the stages in ``names`` and that of the last layer agree."""
        known = self.natives(names)
        numbers = [int(match[1]) for match in map(_STAGE.match, known.values()) if match]
        return all(
            self.foreign(native, max(numbers, default=0)) == name
            for name, native in known.items()
            if native.startswith("fc.")
        )

    def table(self, names: Iterable[str], plan: Plan) -> dict[str, str | None]:
        """The foreign name of each of ``names``, tensors of a network with ``plan``."""
        if not self._has_required(plan):
            return dict.fromkeys(names)
        moved, stages = self._moved(plan), len(plan.stages)
        return _each(names, lambda layer: _translate(moved.get(layer, layer), self.rules, stages))

    def _has_required(self, plan: Plan) -> bool:
        moved = self._moved(plan)
        names = (moved.get(layer.name, layer.name) for layer in plan.layers)
        return not self.requires or self.requires in names

    def _moved(self, plan: Plan) -> Mapping[str, str]:
        return self.moved(chain.from_iterable(plan.stages)) if self.moved else {}


def _each(names: Iterable[str], translate: Callable[[str], str | None]) -> dict[str, str | None]:
    """Names of tensors, each with that of its translated layer."""
    layers: dict[str, str | None] = {}
    found: dict[str, str | None] = {}
    for name in names:
        layer, _, tensor = name.rpartition(".")
        if layer not in layers:
            layers[layer] = translate(layer)
        translated = layers[layer] if tensor in TENSORS else None
        found[name] = None if translated is None else f"{translated}.{tensor}"
    return found


def _translate(layer: str, rules: Iterable[Rule], stages: int = 0) -> str | None:
    for source, wanted in rules:
        numbers = template(source).read(layer)
        if numbers is None:
            continue
        written = template(wanted).write({"stages": stages, **numbers})
        if written is not None:
            return written
    return None


def without_pools(blocks: Iterable[BlockPlan]) -> dict[str, str]:
    """The layers of shortcuts that pool first, in a project that does not number the pool."""
    return {
        f"{block.name}.downsample.{number}": f"{block.name}.downsample.{number - 1}"
        for block in blocks
        if block.shortcut.kind == "avg_projection"
        for number in (1, 2)
    }
