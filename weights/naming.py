"""Names of layers in another project, as templates that translate in both directions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Literal

from ..planner.plan import Plan
from ..specs.layout import BlockPlan

TENSORS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
_FIELD = re.compile(r"\{(\w+)([+-]\d+)?\}")
_STAGE = re.compile(r"layer(\d+)\.")

Rule = tuple[str, str]
"""The native and the foreign template of a layer. ``{s}`` is the native number of a stage, ``{b}``
of a block, ``{n}`` of a layer within it; ``{s-1}`` is one less. ``{stages}`` is the number of
stages."""


@dataclass(frozen=True)
class Form:
    """One form of a layout's names; a layout has one or several.

    >>> form = Form((("layer{s}.{b}.conv{n}", "stages.{s-1}.{b}.convs.{n-1}"),))
    >>> form.foreign("layer1.0.conv2.weight"), form.native("stages.3.1.convs.0.weight")
    ('stages.0.0.convs.1.weight', 'layer4.1.conv1.weight')
    """

    rules: tuple[Rule, ...]
    stem: Literal["any", "deep", "shallow"] = "any"
    """Whether the form is for stems of several convolutions, of one, or any."""
    moved: Callable[[Iterable[BlockPlan]], Mapping[str, str]] | None = None
    """A function from blocks to the native layers that the other project numbers differently."""

    def native(self, name: str) -> str | None:
        """The native name of a foreign tensor; None where no rule knows it."""
        return _translate(name, [(theirs, ours) for ours, theirs in self.rules])

    def foreign(self, name: str, stages: int = 0) -> str | None:
        """The foreign name of a native tensor; None where the other project has no such layer."""
        return _translate(name, self.rules, stages)

    def suits(self, plan: Plan) -> bool:
        """Whether the form is for the stem of ``plan``."""
        deep = sum(layer.kind == "conv" for layer in plan.stem) > 1
        return self.stem == "any" or deep == (self.stem == "deep")

    def table(self, names: Iterable[str], plan: Plan) -> dict[str, str | None]:
        """The foreign name of each of ``names``, tensors of a network with ``plan``."""
        moved = self.moved(chain.from_iterable(plan.stages)) if self.moved else {}
        table: dict[str, str | None] = {}
        for name in names:
            layer, _, tensor = name.rpartition(".")
            counted = f"{moved[layer]}.{tensor}" if layer in moved else name
            table[name] = self.foreign(counted, len(plan.stages))
        return table


def _translate(name: str, rules: Iterable[Rule], stages: int = 0) -> str | None:
    layer, _, tensor = name.rpartition(".")
    if tensor not in TENSORS:
        return None
    for source, wanted in rules:
        match = _pattern(source).fullmatch(layer)
        if match is None:
            continue
        numbers = {"stages": stages}
        for field, offset in _FIELD.findall(source):
            numbers[field] = int(match[field]) - int(offset or 0)
        filled = _fill(wanted, numbers)
        if filled is not None:
            return f"{filled}.{tensor}"
    return None


def _fill(template: str, numbers: Mapping[str, int]) -> str | None:
    below_zero = False

    def put(match: re.Match[str]) -> str:
        nonlocal below_zero
        number = numbers[match[1]] + int(match[2] or 0)
        below_zero |= number < 0
        return str(number)

    filled = _FIELD.sub(put, template)
    return None if below_zero else filled


@cache
def _pattern(template: str) -> re.Pattern[str]:
    parts, end = [], 0
    for match in _FIELD.finditer(template):
        parts += [re.escape(template[end : match.start()]), rf"(?P<{match[1]}>0|[1-9]\d{{0,4}})"]
        end = match.end()
    return re.compile("".join([*parts, re.escape(template[end:])]), re.ASCII)
