"""The picture shows the network, and stands on any page."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import pytest
import resforge as rf
from hypothesis import given
from resforge.specs import BlockSpec, NormSpec, ResNetSpec, StageSpec, Trace
from resforge.specs.block import BLOCKS
from resforge.specs.drawing.diagram import describe
from resforge.specs.drawing.glyphs import LINES, OTHER_LINE
from resforge.specs.drawing.html import to_html
from resforge.specs.drawing.scene import FOLD, PIECES
from resforge.specs.drawing.svg import clean
from resforge.specs.plan import lay_out
from resforge.specs.register import register_block
from resforge.specs.stage import BlockEntrySpec
from resforge.testing.strategies import specs

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"


def picture(spec: rf.ResNetSpec | str, **changes: object) -> str:
    spec = rf.load(spec) if isinstance(spec, str) else spec
    spec = spec.replace(changes)
    return rf.plan(spec, spec.natural_input_size).to_svg()


def stage(*entries: dict[str, object], **more: object) -> rf.ResNetSpec:
    return rf.ResNetSpec(resforge=1, stages=[{"width": 64, "blocks": entries}], **more)


def arcs(svg: str) -> Counter[str]:
    paths = ElementTree.fromstring(svg).iter(f"{SVG}path")
    return Counter(path.attrib["data-shortcut"] for path in paths if "data-shortcut" in path.attrib)


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", rf.list_specs())
def test_every_catalogue_picture_is_xml_and_says_its_name(name: str) -> None:
    svg = picture(name)
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert root.attrib["viewBox"].startswith("0 0 ")
    assert root.findtext(f"{SVG}title") == name
    assert root.findtext(f"{SVG}desc") == describe(
        rf.plan(rf.load(name), rf.load(name).natural_input_size)
    )
    assert name in texts(svg)
    assert "script" not in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


@given(specs())
def test_any_network_has_a_picture_with_an_arc_for_each_shortcut(spec: rf.ResNetSpec) -> None:
    plan = lay_out(spec, (33, 40))
    drawn = arcs(plan.to_svg())
    blocks = [block for stage in plan.stages for block in stage]
    assert drawn == Counter(
        block.shortcut.kind for block in blocks if block.shortcut.kind != "none"
    )
    ElementTree.fromstring(to_html(plan))


def test_a_plain_network_has_no_arc_and_a_residual_one_has() -> None:
    plain, residual = picture("plain18"), picture("resnet18")
    assert arcs(plain) == {}
    assert arcs(residual) == {"identity": 5, "projection": 3}
    assert "no shortcuts" in texts(plain)


def test_long_runs_fold_and_keep_their_arc() -> None:
    svg = picture("cifar_resnet1202")
    assert arcs(svg) == {"identity": 3, "zero_pad": 2}
    assert [text for text in texts(svg) if text.startswith("×")] == ["×200", "×199", "×199"]
    drawn = picture(rf.load("plain18"), **{"stages[0].depth": FOLD})
    assert not any(text.startswith("×") for text in texts(drawn))


def test_a_long_stage_of_differing_blocks_leaves_out_its_middle() -> None:
    entries = [{"shortcut": {"match": "none" if n % 2 else "identity"}} for n in range(40)]
    svg = picture(stage(*entries))
    assert sum(arcs(svg).values()) < PIECES
    assert [text for text in texts(svg) if text.endswith("more")] == ["28 more"]


def test_every_kind_of_shortcut_looks_different() -> None:
    assert len({*LINES.values(), OTHER_LINE}) == len(LINES) + 1
    kinds = ("identity", "projection", "zero_pad", "none")
    stem = {"kind": "conv3x3", "width": 64}
    svgs = {kind: picture(stage({"shortcut": {"match": kind}}, stem=stem)) for kind in kinds}
    strokes = set()
    for svg in svgs.values():
        paths = [
            p for p in ElementTree.fromstring(svg).iter(f"{SVG}path") if p.get("data-shortcut")
        ]
        strokes.add(tuple((p.get("stroke"), p.get("stroke-dasharray")) for p in paths))
    assert len(strokes) == len(kinds)


def test_every_kind_of_block_looks_and_reads_different() -> None:
    for one, other in combinations(("basic", "bottleneck", "d2l"), 2):
        first, second = picture("resnet18", block=one), picture("resnet18", block=other)
        assert f"{one} ×2" in texts(first)
        assert f"{other} ×2" in texts(second)
        assert set(_fills(first)) != set(_fills(second))


def test_groups_show() -> None:
    assert 'stroke-dasharray="5 2"' in picture("resnext50_32x4d")
    assert 'stroke-dasharray="5 2"' not in picture("resnet50")


@pytest.mark.parametrize("norm", ["batch", {"kind": "group", "groups": 4}, "none"])
def test_the_caption_names_the_norm(norm: object) -> None:
    svg = picture("cifar_resnet20", norm=norm)
    name = norm if isinstance(norm, str) else "group"
    assert any({"none": "no norm"}.get(name, f"{name} norm") in text for text in texts(svg))


def test_a_backbone_ends_in_its_last_stage() -> None:
    assert "classifier" in texts(picture("resnet18"))
    assert "classifier" not in texts(picture("resnet18", head=None))


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "\"&<>'", "]]>", "x" * 200, "\0\x1b[31m", "\ufffe", "è 网"],
)
def test_names_are_text(name: str) -> None:
    spec = rf.load("resnet18").replace({"name": name})
    page = spec._repr_html_()
    ElementTree.fromstring(page)
    page.encode()
    assert "<script" not in page


def test_a_long_name_is_cut_in_the_picture_and_whole_in_its_title() -> None:
    svg = picture("resnet18", name="n" * 200)
    assert any(text.endswith("…") for text in texts(svg))
    assert ElementTree.fromstring(svg).findtext(f"{SVG}title") == "n" * 200


def test_a_lone_surrogate_is_no_obstacle() -> None:
    clean("\ud800").encode()


def test_the_same_each_time_and_in_each_process() -> None:
    code = "import resforge as rf; print(rf.plan(rf.load('resnet50')).to_svg(), end='')"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8"
    )
    assert other.stdout == picture("resnet50") == picture("resnet50")


def test_pictures_on_one_page_keep_their_colours_to_themselves() -> None:
    classes = [
        {
            name
            for node in ElementTree.fromstring(svg).iter()
            for name in node.get("class", "").split()
        }
        for svg in (picture("resnet18"), picture("resnet34"))
    ]
    assert classes[0].isdisjoint(classes[1])
    assert " id=" not in picture("resnet18")


def test_dark_and_light_use_the_same_roles() -> None:
    svg = picture("resnet50")
    style = ElementTree.fromstring(svg).findtext(f"{SVG}style") or ""
    assert "prefers-color-scheme: dark" in style
    for node in ElementTree.fromstring(svg).iter():
        for name in node.get("class", "").split():
            assert f".{name}{{" in style


def test_a_notebook_shows_a_plan_and_a_spec_alike() -> None:
    spec = rf.load("cifar_resnet20")
    assert spec._repr_html_() == rf.plan(spec, 32)._repr_html_()
    assert "269,722" in spec._repr_html_()


def test_a_spec_that_strides_beyond_its_size_still_shows() -> None:
    stages = [{"depth": 1, "width": 4, "stride": 16}] * 64
    spec = rf.ResNetSpec(resforge=1, stages=stages, stem={"kind": "conv3x3", "width": 4})
    ElementTree.fromstring(spec._repr_html_())


class _OddSpec(BlockSpec):
    """A kind of one's own, with a tensor that is no layer."""

    kind: Literal["odd_for_pictures"] = "odd_for_pictures"

    def lay(self, trace: Trace, width: int, stride: int, norm: NormSpec) -> None:
        trace.conv("mix", width, 5, stride)
        trace.parameter("scale", width, 1, 1)


class _EmptySpec(BlockSpec):
    """A kind without a layer."""

    kind: Literal["empty_for_pictures"] = "empty_for_pictures"

    def lay(self, trace: Trace, width: int, stride: int, norm: NormSpec) -> None:
        pass


@pytest.fixture
def own_kinds() -> Iterator[None]:
    before = dict(BLOCKS)
    register_block(_OddSpec)
    register_block(_EmptySpec)
    yield
    BLOCKS.clear()
    BLOCKS.update(before)
    for model in (BlockEntrySpec, StageSpec, ResNetSpec):
        model.model_rebuild(force=True)


@pytest.mark.usefixtures("own_kinds")
def test_kinds_of_ones_own_are_drawn_and_told_apart() -> None:
    spec = stage({"block": "odd_for_pictures"}, {"block": "empty_for_pictures"}, {"block": "basic"})
    svg = picture(spec)
    assert {"odd_for_pictures", "empty_for_pictures", "basic"} <= set(texts(svg))
    assert sum(arcs(svg).values()) == 3
    assert "parameter" in texts(svg)
    ElementTree.fromstring(spec._repr_html_())


def test_the_picture_in_the_docs_is_up_to_date() -> None:
    drawn = (ROOT / "docs" / "resnet50.svg").read_text(encoding="utf-8")
    assert drawn == picture(rf.load("resnet50")), (
        "write it again: resforge show resnet50 --svg docs/resnet50.svg"
    )


def _fills(svg: str) -> list[str]:
    return [
        path.get("fill", "")
        for path in ElementTree.fromstring(svg).iter(f"{SVG}path")
        if path.get("fill-opacity")
    ]
