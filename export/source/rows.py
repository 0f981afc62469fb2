"""Modules in a row, as the statements that make them and those that call them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, count
from typing import NamedTuple

from ...specs.call import IDENTITY, Call, call
from ...specs.layer import Module
from .layout import attribute

_FLATTEN = call("nn.Flatten")
"""As torchvision, a class flattens in `forward` and holds no module for it."""


class Step(NamedTuple):
    """A module that a class holds, as text, or a method of its input."""

    name: str
    """Its attribute; several steps that are alike and remember nothing share one."""
    text: str
    """What makes it; empty for a method."""
    joins_line: bool
    """Whether its call is written around that of the step before."""

    def called(self, x: str) -> str:
        """The expression that gives it ``x``."""
        return f"self.{self.name}({x})" if self.text else f"{x}.{self.name}"


def steps_of(
    texts: Mapping[str, str],
    calls: Mapping[str, Call],
    modules: Mapping[str, Module],
    taken: Iterable[str],
) -> list[Step]:
    """The modules of a class in the order in which they run: ``texts`` and examples of ``calls``
    by their names, the ``modules`` those that stand in no sequence."""
    flattens = {name for name in texts if calls[name] == _FLATTEN and name != list(texts)[-1]}
    native = {name for name in texts if name in modules and calls[name].name.startswith("nn.")}
    free = {name for name in native if calls[name] != IDENTITY and not modules[name].layers}
    free -= flattens
    stateless = {name: text for name, text in texts.items() if name in free}
    names = _attributes(stateless, {*taken, *texts} - free)
    return [
        Step(
            "flatten(1)" if name in flattens else attribute(names.get(name, name)),
            "" if name in flattens else text,
            name in native and modules[name].op.sign is not None,
        )
        for name, text in texts.items()
    ]


def _attributes(texts: Mapping[str, str], taken: set[str]) -> dict[str, str]:
    """The attributes of modules without state, by their names: one for all that are alike."""
    names: dict[str, str] = {}
    for name, text in texts.items():
        # Every activation is called relu, whose name no state dict ever shows.
        names.setdefault(text, name if "ReLU" in text else name.replace("relu", "act"))
    short = {text: name.rstrip("0123456789") for text, name in names.items()}
    found: dict[str, str] = {}
    for text, name in names.items():
        used = taken | set(found.values())
        alone = list(short.values()).count(short[text]) == 1
        numbered = (f"{short[text]}{number}" for number in count(2))
        choices = chain([short[text]] if alone else [], [name], numbered)
        found[text] = next(choice for choice in choices if choice not in used)
    return {name: found[text] for name, text in texts.items()}


def made(steps: Iterable[Step]) -> Iterator[tuple[str, str]]:
    """What has to be made: each attribute once, at the last of its steps."""
    steps = list(steps)
    for at, step in enumerate(steps):
        if step.text and step.name not in {later.name for later in steps[at + 1 :]}:
            yield step.name, step.text


def called(steps: Iterable[Step], x: str, out: str = "out") -> list[str]:
    """The expressions that call the steps in turn: ``x`` is given to the first, and what each
    puts out is called ``out`` by the next."""
    lines: list[str] = []
    for step in steps:
        if lines and step.joins_line:
            lines[-1] = step.called(lines[-1])
        else:
            lines.append(step.called(out if lines else x))
    return lines
