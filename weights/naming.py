"""Names of layers in another project, as templates that translate in both directions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from ..planner.plan import Plan
from ..specs.layout import BlockPlan
from .template import Dictionary

TENSORS = (
    *("weight", "bias", "running_mean", "running_var", "num_batches_tracked"),
    "positional_embedding",
    *("gain", "v", "tau"),
)
_STAGE = re.compile(r"layer(\d+)\.")

Rule = tuple[str, str]
"""The native and the foreign template of a layer, or of a tensor that is of no layer there.
``{s}`` is the native number of a stage, ``{b}`` of a block, ``{n}`` of a layer within it;
``{stages}`` is the number of stages, and ``{b+1:02}`` a number of two digits."""


def deep(plan: Plan) -> bool:
    """Whether the stem has several convolutions, those in place of its pool left aside."""
    convs = [layer.name for layer in plan.stem if layer.kind == "conv"]
    return sum(not name.startswith("maxpool") for name in convs) > 1


def shallow(plan: Plan) -> bool:
    """Whether the stem has one convolution at most, those in place of its pool left aside."""
    return not deep(plan)


def shallow_and_activated(plan: Plan) -> bool:
    """Whether the stem has one convolution, and the first block takes its map without a norm of
    its own."""
    return shallow(plan) and all(layer.name != "layer1.0.bn0" for layer in plan.layers)


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
        found = _each(names, self._inverse.first)
        return {name: native for name, native in found.items() if native is not None}

    def known(self, layers: Mapping[str, int]) -> dict[str, int]:
        """The native layers among foreign ones, each with its number of tensors."""
        found: dict[str, int] = {}
        for layer, count in layers.items():
            native = self._inverse.first(layer)
            if native is not None:
                found[native] = max(count, found.get(native, 0))
        return found

    def foreign(self, name: str, stages: int = 0) -> str | None:
        """The foreign name of a native tensor; None where the other project has no such layer."""
        return _each([name], lambda layer: self._forward.first(layer, stages))[name]

    def suits(self, plan: Plan) -> bool:
        """Whether the form is for the network of ``plan``."""
        return self.made_for(plan) and self._has_required(plan)

    def counts(self, layers: Iterable[str]) -> bool:
        """Whether the numbers of the stages count from 1, and that of the last layer agrees."""
        known = {layer: native for layer in layers if (native := self._inverse.first(layer))}
        numbers = {int(match[1]) for match in map(_STAGE.match, known.values()) if match}
        stages = max(numbers, default=0)
        return len(numbers) == stages and all(
            self._forward.first(native, stages) == layer
            for layer, native in known.items()
            if native == "fc"
        )

    def table(self, names: Iterable[str], plan: Plan) -> dict[str, str | None]:
        """The foreign name of each of ``names``, tensors of a network with ``plan``."""
        if not self._has_required(plan):
            return dict.fromkeys(names)
        moved, stages = self._moved(plan), len(plan.stages)
        return _each(names, lambda layer: self._forward.first(moved.get(layer, layer), stages))

    @cached_property
    def _forward(self) -> Dictionary:
        return Dictionary(self.rules)

    @cached_property
    def _inverse(self) -> Dictionary:
        return Dictionary((theirs, ours) for ours, theirs in self.rules)

    def _has_required(self, plan: Plan) -> bool:
        moved = self._moved(plan)
        names = (moved.get(layer.name, layer.name) for layer in plan.layers)
        return not self.requires or self.requires in names

    def _moved(self, plan: Plan) -> Mapping[str, str]:
        return self.moved(chain.from_iterable(plan.stages)) if self.moved else {}


def layers_of(names: Iterable[str]) -> Counter[str]:
    """The layers that have tensors of these names, each with their number.

    >>> layers_of(["bn1.weight", "bn1.bias", "epoch"])
    Counter({'bn1': 2})
    """
    parts = (name.rpartition(".") for name in names)
    return Counter(layer for layer, _, tensor in parts if tensor in TENSORS)


def _each(names: Iterable[str], translate: Callable[[str], str | None]) -> dict[str, str | None]:
    """Names of tensors, each with that of its translated layer."""
    layers: dict[str, str | None] = {}
    found: dict[str, str | None] = {}
    for name in names:
        layer, _, tensor = name.rpartition(".")
        if layer not in layers:
            layers[layer] = translate(layer)
        translated = layers[layer] if tensor in TENSORS else None
        found[name] = translate(name) if translated is None else f"{translated}.{tensor}"
    return found


def without_pools(blocks: Iterable[BlockPlan]) -> dict[str, str]:
    """The layers of shortcuts that pool first, in a project that does not number the pool."""
    return {
        f"{block.name}.downsample.{number}": f"{block.name}.downsample.{number - 1}"
        for block in blocks
        if block.shortcut.kind == "avg_projection"
        for number in (1, 2)
    }
