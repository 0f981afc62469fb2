"""Kinds from outside of the package are drawn, and can be told apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal
from xml.etree import ElementTree

import pytest
import resforge as rf
from picture_reading import arcs, block_group, fills, looks_of, picture, row_of, stage, texts
from resforge.builder.registration import unregister
from resforge.specs import (
    BlockSpec,
    Call,
    Module,
    Operation,
    ShortcutSpec,
    Site,
    Steps,
    Trace,
    call,
)
from resforge.specs.operations import ConvSpec


class _OddSpec(BlockSpec):
    """A kind of one's own, with a tensor that is no layer."""

    kind: Literal["odd_for_pictures"] = "odd_for_pictures"

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.conv(f"{name}.mix", site.width, 5, site.stride)
        trace.parameter(f"{name}.scale", site.width, 1, 1)

    def call(self, module: Module) -> Call:
        return call("Odd")


class _EmptySpec(BlockSpec):
    """A kind without a layer."""

    kind: Literal["empty_for_pictures"] = "empty_for_pictures"

    def call(self, module: Module) -> Call:
        return call("Empty")


class _BlurSpec(Operation):
    """An operation of one's own without a layer, and without a sign."""

    samples: ClassVar[tuple[dict[str, Any], ...]] = ({},)

    kind: Literal["blur_for_pictures"] = "blur_for_pictures"

    def call(self, module: Module) -> Call:
        return call("Blur")


class _LineSpec(ShortcutSpec):
    """A shortcut of one's own without a line."""

    kind: Literal["five_for_pictures"] = "five_for_pictures"

    def steps(self, site: Site) -> Steps:
        return (("0", ConvSpec(kernel=5, stride="block")),)


class _OtherLineSpec(_LineSpec):
    """Another one, of the same operations."""

    kind: Literal["other_for_pictures"] = "other_for_pictures"  # type: ignore[assignment]


OWN = (_OddSpec, _EmptySpec, _BlurSpec, _LineSpec, _OtherLineSpec)


@pytest.fixture
def own_kinds() -> Iterator[None]:
    for model in OWN:
        rf.register(model)
    yield
    for model in OWN:
        unregister(model)


@pytest.mark.usefixtures("own_kinds")
def test_kinds_of_ones_own_are_drawn_and_told_apart() -> None:
    spec = stage({"block": "odd_for_pictures"}, {"block": "empty_for_pictures"}, {"block": "basic"})
    svg = picture(spec)
    assert {"odd_for_pictures", "empty_for_pictures", "basic"} <= set(texts(svg))
    assert sum(arcs(svg).values()) == 3
    assert "parameter" in texts(svg)
    assert len(set(fills(svg)) - set(fills(picture("plain18", block="bottleneck")))) == 3
    ElementTree.fromstring(spec._repr_html_())


@pytest.mark.usefixtures("own_kinds")
def test_operations_of_ones_own_are_drawn_and_told_apart() -> None:
    block = {"branch": [{"conv": 3}, "blur_for_pictures", {"conv": 3}, "norm"]}
    svg = picture(stage({"block": block}))
    assert row_of(svg, "layer1.0") == "fork box[blur_for_pictures] sum activation"


@pytest.mark.usefixtures("own_kinds")
def test_shortcuts_of_ones_own_have_a_line_of_their_own() -> None:
    kinds = ("five_for_pictures", "other_for_pictures", "projection")
    svg = picture(stage(*({"shortcut": {"match": kind}} for kind in kinds)))
    looks = [str(looks_of(block_group(svg, f"layer1.{number}"))) for number in range(3)]
    assert len(set(looks)) == 3
    assert {f"{kind} shortcut" for kind in kinds} <= set(texts(svg))
    wrapped = picture(stage({"shortcut": {"match": {"kind": "gate", "of": kinds[0]}}}))
    assert f"gate of {kinds[0]} shortcut" in texts(wrapped)
