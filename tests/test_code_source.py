"""Modules that PyTorch does not have, written from their own source."""

from __future__ import annotations

import ast
import json
import math
import sys
from collections.abc import Iterator
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import resforge as rf
import torch
from resforge import blocks
from resforge.blocks import Scaled, Shortcut
from resforge.builder.make import BUILT_IN_MODULES, MODULES
from resforge.builder.registration import unregister
from resforge.export import to_code
from resforge.specs import BlockSpec, Operation, ShortcutSpec, StemSpec
from resforge.specs.call import Call, ChannelCount, call
from resforge.specs.layer import Module
from resforge.specs.site import Site
from resforge.specs.trace import Trace
from torch import Tensor, nn
from written import check, check_layout

RATIO = 0.5
KINDS: list[type[Operation]] = []


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """What a test registers is gone after it."""
    yield
    while KINDS:
        unregister(KINDS.pop())
    for name in [name for name in MODULES if name not in BUILT_IN_MODULES]:
        del MODULES[name]


def register(spec: type[Operation], module: type[nn.Module] | None = None) -> None:
    rf.register(spec, module)
    KINDS.append(spec)


def network(**changes: Any) -> rf.ResNetSpec:
    return rf.load("digits_resnet8").replace(changes)


def positive(x: Tensor) -> Tensor:
    """sqrt(x * x), at a factor."""
    return RATIO * (x * x + math.exp(-4.0)).sqrt()


class Leaning(Shortcut):
    """F(x) * |W x| + W x, where W is a 1x1 convolution.

    Raises `ValueError` for sizes below 1.

    >>> Leaning(1, 2)
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        if stride < 1:
            raise ValueError(f"stride={stride}")
        self.conv = nn.Conv2d(in_channels, out_channels, 1, stride)
        self.told = (in_channels, out_channels)

    def check(self, in_channels: int, out_channels: int, stride: int) -> None:
        self._compare((*self.told, 1), (in_channels, out_channels, stride))

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.conv(x)
        return found

    def join(self, residual: Tensor, x: Tensor) -> Tensor:
        shortcut = self(x)
        return residual * positive(shortcut) + shortcut


class LeaningSpec(ShortcutSpec):
    """A shortcut that joins in its own way."""

    bare_match: ClassVar[str | None] = None
    kind: Literal["leaning"] = "leaning"

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.conv(f"{name}.conv", site.out_channels, 1, site.stride, bias=True)

    def call(self, module: Module) -> Call:
        sizes = ChannelCount(module.in_channels), ChannelCount(module.out_channels)
        return call("Leaning", *sizes, stride=module.layer.stride)


def test_a_shortcut_with_a_module_and_a_join_of_its_own() -> None:
    register(LeaningSpec, Leaning)
    text = check(network(shortcut="leaning"))
    assert "class Leaning(nn.Module):" in text
    assert "RATIO = 0.5" in text
    assert "out = self.downsample.join(out, x)" in text
    assert "Leaning(in_channels, out_channels, stride=stride)" in text
    assert not any(word in text for word in ("told", ">>>", "Raises", "def check", "raise"))


class Doubled(Scaled):
    def __init__(self, of: Shortcut) -> None:
        super().__init__(of, residual=2.0)


class DoubledSpec(LeaningSpec):
    kind: Literal["doubled"] = "doubled"  # type: ignore[assignment]

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.zero_pad(f"{name}.of", site.out_channels, site.stride)

    def call(self, module: Module) -> Call:
        sizes = ChannelCount(module.in_channels), ChannelCount(module.out_channels)
        return call("Doubled", call("ZeroPad", *sizes, module.layer.stride))


def test_a_class_that_gives_something_stays_a_base() -> None:
    register(DoubledSpec, Doubled)
    text = check(network(shortcut="doubled"))
    assert "class Doubled(Scaled):" in text
    assert "class Scaled(nn.Module):" in text


class Squares(nn.Module):
    """A convolution of squares that keeps their mean beside it."""

    def __init__(self, in_channels: int, out_channels: int, *, side: int = 2) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, side, side)
        self.norm = blocks.NoNorm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.norm(self.conv(x))
        return found


class SquaresSpec(StemSpec):
    width_fields: ClassVar[tuple[str, ...]] = ()
    kind: Literal["squares"] = "squares"
    side: int = 2

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.conv(f"{name}.conv", 8, self.side, self.side, bias=True, padding=0)

    def call(self, module: Module) -> Call:
        sizes = ChannelCount(module.in_channels), ChannelCount(module.out_channels)
        return call("Squares", *sizes, side=self.side)


def test_a_stem_of_its_own() -> None:
    register(SquaresSpec, Squares)
    text = check(network(stem={"kind": "squares", "side": 3}))
    assert "self.stem = Squares(1, 8, side=3)" in text
    assert "class NoNorm(nn.Identity):" in text


class Shifted(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, stride: int, start: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.shift = nn.Parameter(torch.full((out_channels, 1, 1), start))

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.conv(x) + self.shift
        return found


class ShiftedSpec(BlockSpec):
    kind: Literal["shifted"] = "shifted"
    start: float = 0.25

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.conv(f"{name}.conv", site.out_channels, 3, site.stride)
        trace.parameter(f"{name}.shift", site.out_channels, 1, 1, start=self.start)

    def call(self, module: Module) -> Call:
        sizes = ChannelCount(module.in_channels), ChannelCount(module.out_channels)
        return call("Shifted", *sizes, module.layer.stride, self.start)


def test_a_block_of_its_own() -> None:
    register(ShiftedSpec, Shifted)
    text = check(network(block={"kind": "shifted", "start": 0.75}))
    assert "self.branch = Shifted(in_channels, out_channels, stride, 0.75)" in text


@pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is not installed")
def test_their_texts_are_laid_out_as_ruff_would(tmp_path: Path) -> None:
    for spec, module in (
        (LeaningSpec, Leaning),
        (DoubledSpec, Doubled),
        (SquaresSpec, Squares),
        (ShiftedSpec, Shifted),
    ):
        register(spec, module)
    changes = {"stem": "squares"}, {"block": "shifted"}, {"shortcut": "leaning"}
    check_layout([to_code(network(**change)) for change in changes], tmp_path)


class Rooted(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * float(np.sqrt(2.0))


class ActLikeSpec(Operation):
    kind: Literal["act_like"] = "act_like"
    name_of_module: ClassVar[str] = "Rooted"

    def call(self, module: Module) -> Call:
        return call(self.name_of_module)


def with_act_like() -> rf.ResNetSpec:
    return network(stem=[{"conv": 3, "width": 8}, "act_like"])


def test_what_needs_more_than_torch_is_refused() -> None:
    register(ActLikeSpec, Rooted)
    with pytest.raises(rf.BuildError, match="Rooted cannot be written as code: it uses numpy"):
        to_code(with_act_like())


def test_a_variable_around_the_class_is_refused() -> None:
    factor = torch.rand(()).item()

    class Rooted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * factor

    register(ActLikeSpec, Rooted)
    with pytest.raises(rf.BuildError, match="it uses factor"):
        to_code(with_act_like())


def test_a_class_without_source_is_refused() -> None:
    made = type("Rooted", (nn.Module,), {"forward": lambda self, x: x, "__module__": "builtins"})
    register(ActLikeSpec, made)
    with pytest.raises(rf.BuildError, match="the source of Rooted cannot be read"):
        to_code(with_act_like())


def test_an_unknown_module_is_refused() -> None:
    register(ActLikeSpec)
    with pytest.raises(rf.BuildError, match="no module 'Rooted'"):
        to_code(with_act_like())


SMALL = [getattr(blocks, name) for name in ("ECA", "Gate", "GlobalContext", "ZeroPad")]


@pytest.mark.parametrize("module", SMALL)
def test_the_text_of_a_small_module_is_its_own(module: type[nn.Module]) -> None:
    from resforge.export.source.parts import Parts

    parts = Parts()
    parts.add(module)
    [node] = ast.parse(parts.texts[module.__name__]).body
    assert isinstance(node, ast.ClassDef)
    methods = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
    assert methods <= set(vars(module)) - {"check", "extra_repr"}


@pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="its symbol tables leave annotations out that nobody reads"
)
def test_the_stored_modules_are_those_of_the_sources() -> None:
    """Where this fails, run ``python docs/tables.py``."""
    from resforge.export.source import modules, own

    stored = json.loads((files("resforge.export.source") / modules.FILE).read_text("utf-8"))
    anew = json.loads(modules.written())
    for section in ("fingerprint", "classes", "joins", "parts"):
        assert stored[section] == anew[section], section
    theirs = dict(own.layers())
    for name in stored["parameters"]:
        cls = theirs.get(name.removeprefix("nn.")) or getattr(blocks, name, None)
        # Another PyTorch may have more or fewer of both, and one text is written with all.
        live = own.parameters_of(cls) if cls else {}
        pairs = zip(live.items(), modules.parameters_of(name).items(), strict=False)
        assert all(one == other for one, other in pairs), name


def test_sources_that_were_changed_are_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    from resforge.export.source import modules

    as_stored = to_code("cifar_resnet20")
    modules._stored.cache_clear()
    monkeypatch.setattr(modules, "fingerprint", lambda: "of other sources")
    try:
        assert modules.part_named("ZeroPad") is blocks.ZeroPad
        assert to_code("cifar_resnet20") == as_stored
    finally:
        modules._stored.cache_clear()
