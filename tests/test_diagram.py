"""The picture shows the network, and stands on any page."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import chain, combinations, pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
import resforge as rf
from hypothesis import given
from picture_reading import (
    SVG,
    arc_signs,
    arcs,
    block_group,
    closing_texts,
    fills,
    frame_of,
    looks_of,
    picture,
    row_of,
    spelled,
    stage,
    texts,
    wire_of,
    without_colours,
)
from resforge.drawing.diagram import describe
from resforge.drawing.html import to_html
from resforge.drawing.scene import FOLD, PIECES
from resforge.drawing.signs import (
    OTHER_LINES,
    Signs,
    has_bars,
    on_wire,
    parts_of,
    wiring,
)
from resforge.drawing.svg import COLOURS, clean
from resforge.planner.plan import lay_out
from resforge.specs import (
    BLOCKS,
    HEADS,
    OPERATIONS,
    SHORTCUTS,
    STEMS,
    AttentionSpec,
    Layer,
    Module,
    Operation,
)
from resforge.specs.order import Order
from resforge.testing.strategies import specs
from sampled import SAMPLE
from torch import nn


@pytest.mark.parametrize("name", SAMPLE)
def test_a_catalogue_picture_is_xml_and_says_its_name(name: str) -> None:
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
    assert drawn == Counter(block.shortcut.kind for block in blocks if not block.shortcut.absent)
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


def test_stochastic_depth_is_a_fact_and_no_reason_to_unfold() -> None:
    changes = {"stochastic_depth": 0.5, "block.order": "norm_after_add", "stages[*].depth": 20}
    svg = picture("cifar_resnet20", **changes)
    assert [text for text in texts(svg) if text.startswith("×")] == ["×20", "×19", "×19"]
    assert [line for line in texts(svg) if "relu" in line or "stochastic" in line] == [
        "122 layers · 1.92 M parameters · 281 M MACs at 32×32 · batch norm · relu · norm_after_add",
        "stochastic depth up to 0.5",
    ]
    assert "for an input of 3x32x32, with stochastic depth up to 0.5. stem" in svg


def test_dilation_shows() -> None:
    svg = picture("resnet18", **{"stages[3]": {"width": 512, "depth": 2, "dilation": 2}})
    assert "conv 3×3, dilation 2" in texts(svg)
    assert "conv 3×3, dilation 2" not in texts(picture("resnet18"))


def test_a_long_stage_of_differing_blocks_leaves_out_its_middle() -> None:
    entries = [{"shortcut": {"match": "none" if n % 2 else "identity"}} for n in range(40)]
    svg = picture(stage(*entries))
    assert sum(arcs(svg).values()) < PIECES
    assert [text for text in texts(svg) if text.endswith("more")] == ["28 more"]


def samples(kinds: dict[str, type[Operation]]) -> list[dict[str, Any]]:
    """The samples of every kind, as a file has them."""
    return [{"kind": kind, **fields} for kind in kinds for fields in kinds[kind].samples]


def described(name: str, spec: rf.ResNetSpec) -> tuple[str, str]:
    """The looks of the block, and its tip."""
    group = block_group(picture(spec), name)
    return str(looks_of(group)), group.findtext(f"{SVG}title") or ""


@pytest.mark.parametrize("side", ["match", "change"])
def test_every_shortcut_looks_different_also_without_colours(side: str) -> None:
    """No kind looks as another in any of its samples; samples of one kind differ at least in the
    tip."""
    stem = {"kind": "conv3x3", "width": 64 if side == "match" else 32}
    size = {"width": 64, "depth": 1, "stride": 1 if side == "match" else 2}
    found: dict[tuple[str, str], str] = {}
    shown: dict[str, set[str]] = {}
    for sample in samples(dict(SHORTCUTS)):
        tree = {"resforge": 1, "stem": stem, "stages": [size], "shortcut": {side: sample}}
        if SHORTCUTS[sample["kind"]](**sample).why_illegal(stem["width"], 64, size["stride"]):
            continue
        looks, tip = described("layer1.0", rf.ResNetSpec(**tree))
        shown.setdefault(sample["kind"], set()).add(looks)
        assert (sample["kind"], tip) not in found
        found[sample["kind"], tip] = looks
    assert all(kind in shown or side == "change" for kind in SHORTCUTS), "all may keep the shape"
    for one, other in combinations(shown, 2):
        assert shown[one].isdisjoint(shown[other]), (one, other)


VARIANTS = [
    [{"kind": "projection"}, {"kind": "projection", "kernel": 3}],
    [{"kind": "zero_pad"}, {"kind": "zero_pad", "subsample": "avg_pool"}],
    [{"kind": "gate"}, {"kind": "gate", "mode": "shortcut_only"}],
    [{"kind": "dropout"}, {"kind": "dropout", "rate": 0.2}],
    [
        {"kind": "scaled", "shortcut": 0.5},
        {"kind": "scaled", "residual": 0.5},
        {"kind": "scaled", "of": "projection"},
    ],
    [
        {"path": [{"conv": 1, "stride": "block"}]},
        {"path": [{"conv": 1, "stride": "block"}, "act"]},
        {"path": ["norm", {"conv": 1, "stride": "block"}]},
        {"path": [{"pool": "avg", "stride": "block"}, "zero_pad"]},
        {"path": [{"zero_pad": "end", "stride": "block"}]},
        {"path": [{"conv": 1, "stride": "block"}], "join": "gate"},
        {"path": [{"conv": 1, "stride": "block"}], "join": {"kind": "scaled", "residual": 0.5}},
        {"kind": "scaled", "of": {"path": [{"conv": 1, "stride": "block"}]}},
    ],
]


@pytest.mark.parametrize("variants", VARIANTS, ids=str)
def test_options_of_a_shortcut_show_on_its_arc(variants: list[dict[str, object]]) -> None:
    base = rf.load("digits_resnet8")
    looks = [described("layer2.0", base.replace({"shortcut.change": each}))[0] for each in variants]
    assert len(set(looks)) == len(looks)


@pytest.mark.parametrize(
    ("shortcut", "arc", "end"),
    [
        ("avg_projection", "pool 1×1", ""),
        ({"kind": "zero_pad", "subsample": "avg_pool"}, "pool", ""),
        ({"kind": "scaled", "shortcut": -0.5, "residual": 0.25}, "×−0.5", "×0.25"),
        ("gate", "1−g", "g"),
        ({"kind": "gate", "mode": "shortcut_only", "of": "conv1x1"}, "1×1 1−g", ""),
        ({"kind": "dropout", "rate": 0.1, "of": "avg_projection"}, "pool 1×1 p 0.1", ""),
        ("channel_scale", "a", ""),
        ({"kind": "channel_scale", "of": "projection"}, "1×1 a", ""),
        ({"path": [{"conv": 3, "stride": "block"}, "norm", "act"]}, "3×3 activation", ""),
        ({"path": ["norm", {"conv": 1, "stride": "block"}], "join": "gate"}, "norm 1×1 1−g", "g"),
        ({"path": [{"pool": "max", "stride": "block"}, "zero_pad"]}, "pool +0", ""),
        ({"kind": "gate", "of": {"path": [{"conv": 1, "stride": "block"}]}}, "1×1 1−g", "g"),
    ],
)
def test_an_arc_shows_the_operations_on_it(shortcut: object, arc: str, end: str) -> None:
    plan = rf.plan(rf.load("digits_resnet8").replace({"shortcut.change": shortcut}))
    found = wiring(plan.stages[1][0], every_sign=False)
    assert (spelled(found.arc), spelled(found.end)) == (arc, end)


def test_the_legend_explains_the_signs_of_arcs_that_their_name_does_not() -> None:
    scaled = texts(picture("digits_resnet8", shortcut="channel_scale"))
    assert {"channel_scale of zero_pad shortcut", "learned scale"} <= set(scaled)
    dropped = texts(picture("digits_resnet8", shortcut="dropout"))
    assert "dropout of zero_pad shortcut" in dropped
    assert "dropout" not in dropped
    path = [{"conv": 1, "stride": "block"}, "norm", "act"]
    gated = texts(picture("digits_resnet8", shortcut={"path": path, "join": "gate"}))
    assert {"path shortcut", "g = sigmoid(conv 1×1)", "activation"} <= set(gated)


ATTENTION = {kind: op for kind, op in OPERATIONS.items() if issubclass(op, AttentionSpec)}


def test_every_attention_has_a_sign_and_a_legend_of_its_own() -> None:
    found = {}
    for sample in samples(ATTENTION):
        svg = picture("cifar_resnet20", **{"block.attention": sample})
        op = OPERATIONS[sample["kind"]]
        assert op.legend in texts(svg)
        found.setdefault(row_of(svg, "layer1.0"), set()).add(sample["kind"])
    assert len(found) == len(ATTENTION)
    assert all(len(kinds) == 1 for kinds in found.values())


@pytest.mark.parametrize("family", [STEMS, BLOCKS, HEADS], ids=lambda family: family.noun)
def test_every_sample_of_a_word_has_a_picture_that_says_its_kind(family: Any) -> None:
    base = rf.load("resnet18").replace({"stages[*].width": 64, "stages[*].depth": 1})
    pictures = set()
    for sample in samples(dict(family)):
        svg = picture(base, **{family.noun: sample})
        assert any(text.split(" ×")[0].split(",")[0] == sample["kind"] for text in texts(svg))
        pictures.add(without_colours(svg))
    assert len(pictures) == len(samples(dict(family)))


def test_every_operation_is_drawn_where_it_may_stand() -> None:
    """Each kind has looks of its own, but for operations that do nothing."""
    shown: dict[str, set[str]] = {}
    for sample in samples(dict(OPERATIONS)):
        if spec := _with_operation(sample):
            groups = [block_group(picture(spec), name) for name in ("layer1.0", "head")]
            shown.setdefault(sample["kind"], set()).add(str([*map(looks_of, groups)]))
    # The factor of variance is 1 in the first block of a stage.
    undrawn = {kind for kind, op in OPERATIONS.items() if op.sign == ""} | {"variance"}
    assert set(OPERATIONS) - set(shown) == undrawn
    for one, other in combinations(shown, 2):
        assert shown[one].isdisjoint(shown[other]), (one, other)


def _with_operation(sample: dict[str, Any]) -> rf.ResNetSpec | None:
    """A network in which an operation does something, in its branch or, where that alone is legal,
    in its head; None for none."""
    conv: dict[str, Any] = {"conv": 7}
    head: list[Any] = ["global_pool", {"linear": 3}]
    for branch, end in (
        ([conv, "act", sample], head),
        ([{**conv, "width": "x1/2"}, "act", sample], head),
        ([conv, "act"], [sample]),
        ([conv, "act"], ["global_pool", sample]),
    ):
        stem, stages = {"kind": "conv3x3", "width": 16}, [{"width": 16, "depth": 1}]
        try:
            spec = rf.ResNetSpec(
                resforge=1, stem=stem, stages=stages, block={"branch": branch}, head=end
            )
            plan = rf.plan(spec)
        except rf.SpecError:
            continue
        modules = (*plan.stages[0][0].modules.branch, *plan.modules.head)
        place = modules[len(branch) - 1 if sample in branch else -1]
        if place.op.canonical(place) is not None:
            return spec
    return None


@pytest.mark.parametrize(
    ("block", "wanted"),
    [
        ({"kind": "basic", "dropout": 0.3}, "fork box[p 0.3] sum activation"),
        ({"kind": "bottleneck", "order": "full_pre", "dropout": 0.3}, "fork box[p 0.3] sum"),
        ({"branch": [{"conv": 3}, "norm", "act", {"conv": 3}, "norm"]}, "fork box sum activation"),
        (
            {"branch": ["norm", "act", {"conv": 3}, {"dropout": 0.2}, {"conv": 1}, "scale"]},
            "fork norm activation box[p 0.2] a sum activation",
        ),
        (
            {"branch": [{"conv": 3}, {"se": 2}, {"pool": "max", "stride": 1}, "norm"], "exit": []},
            "fork box[se] norm sum",
        ),
        ({"branch": [{"drop_path": 0.2}], "exit": ["norm"]}, "fork box dp 0.2 sum norm"),
        ({"entry": [{"conv": 1}, "norm"], "branch": [{"conv": 3}]}, "1×1 fork box sum activation"),
    ],
)
def test_signs_of_a_branch_stand_in_their_places(block: object, wanted: str) -> None:
    svg = picture(stage({"block": block}, {"block": {"kind": "basic", "order": "full_pre"}}))
    assert row_of(svg, "layer1.0") == wanted


def test_a_block_written_out_shows_whether_an_activation_follows_the_sum() -> None:
    branch = [{"conv": 3, "stride": "block"}, "norm"]
    for exit_, wanted in ((["act"], "fork box sum activation"), ([], "fork box sum")):
        svg = picture("cifar_resnet20", block={"branch": branch, "exit": exit_})
        assert row_of(svg, "layer1.1") == wanted


def test_stem_closing_and_head_written_out_are_drawn() -> None:
    spec = rf.load("cifar_resnet20").replace(
        {
            "stem": [{"conv": 3, "width": 16}, "norm", "act", {"se": 4}],
            "closing": [{"conv": 1, "width": 80}, "norm", "act"],
            "head": ["global_pool", {"dropout": 0.2}, {"linear": 10}],
        }
    )
    svg = picture(spec)
    assert row_of(svg, "stem") == "box[se]"
    assert row_of(svg, "closing") == "box"
    assert row_of(svg, "head") == "box[p 0.2]"
    assert {"16×32×32", "closing", "80×8×8", "10 classes", "dropout", "p"} <= set(texts(svg))
    pooled = texts(picture(spec, head=["global_pool"], closing=["scale"]))
    assert {"closing", "a", "64×1×1"} <= set(pooled)


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        ("post", "fork box sum"),
        ("norm_after_add", "fork box sum norm activation"),
        ("relu_before_add", "fork box activation sum"),
        ("relu_only_pre", "fork activation box sum"),
        ("full_pre", "fork norm activation box sum"),
    ],
)
def test_norms_and_activations_stand_where_the_order_has_them(order: Order, wanted: str) -> None:
    svg = picture("cifar_resnet20", **{"block.order": order})
    assert row_of(svg, "layer1.1") == wanted
    # What changes the shape divides after the activation.
    entry, fork = wanted.removeprefix("fork ").split("box")[0], "fork "
    assert row_of(svg, "layer2.0") == entry + fork + wanted.removeprefix("fork ")[len(entry) :]
    first = wanted if not entry else "fork box sum"
    assert row_of(svg, "layer1.0") == first
    assert (order in "".join(texts(svg))) == (order != "post")


@pytest.mark.parametrize(
    ("order", "signs"),
    [("post", ()), ("relu_only_pre", ("activation",)), ("full_pre", ("norm", "activation"))],
)
def test_a_pre_activated_network_closes_before_its_head(
    order: Order, signs: tuple[str, ...]
) -> None:
    spec = rf.load("cifar_resnet20").replace({"block.order": order})
    assert closing_texts(rf.plan(spec, 32)) == signs
    assert len({signs, closing_texts(rf.plan(spec.replace({"activation": "none"}), 32))}) == (
        1 if order == "post" else 2
    )
    for head in ({}, {"head": None}):
        names = texts(picture(spec, **head))
        assert ("norm" in names, "act" in names) == (
            "norm" in signs,
            signs == ("activation",),
        )


def test_beside_another_order_every_activation_is_said() -> None:
    spec = stage({"block": {"kind": "basic", "order": "full_pre"}}, {"block": "basic"})
    svg = picture(spec)
    assert row_of(svg, "layer1.1") == "fork box sum activation"
    assert {"basic, full_pre", "basic, post"} <= set(texts(svg))


@given(specs())
def test_the_signs_are_the_modules(spec: rf.ResNetSpec) -> None:
    """Norms, activations and attention around a box are those that the built block holds there, no
    less and no more."""
    plan = lay_out(spec, (32, 32))
    model = rf.build(spec, device="meta")
    built = dict(model.named_modules())
    for block in chain.from_iterable(plan.stages):
        found, chains = wiring(block, every_sign=True), block.modules
        prefix = f"{block.name}."
        assert spelled(found.before) == spelled(_held(built, chains.entry, prefix))
        assert spelled(found.after) == spelled(_held(built, chains.exit, prefix))
        bars = [at for at, each in enumerate(chains.branch) if has_bars(parts_of([each]))]
        first, last = (bars[0], bars[-1]) if bars else (0, -1)
        assert spelled(found.entry) == spelled(_held(built, chains.branch[:first], prefix))
        tail = chains.branch[last + 1 :]
        # The norm right after a convolution goes without saying.
        silent = bool(bars and tail) and _ends_in_conv(chains.branch[last])
        signs = _held(built, tail[silent and tail[0].op.kind == "norm" :], prefix)
        assert spelled(found.end[: len(signs)]) == spelled(signs)
    assert closing_texts(plan) == tuple(sign.text for sign in _held(built, plan.modules.closing))


def _ends_in_conv(module: Module) -> bool:
    end = parts_of([module])[-1]
    return isinstance(end, Layer) and end.kind == "conv"


def _held(built: dict[str, nn.Module], chain: tuple[Module, ...], prefix: str = "") -> Signs:
    """The signs of the modules of a chain that were built, and do something."""
    found = [(each, built.get(prefix + each.name)) for each in chain]
    there = [each for each, module in found if not isinstance(module, nn.Identity | type(None))]
    return on_wire(parts_of(there))


@given(specs())
def test_no_sign_stands_on_another_or_on_a_box(spec: rf.ResNetSpec) -> None:
    svg = lay_out(spec, (33, 40)).to_svg()
    root = ElementTree.fromstring(svg)
    width = float(root.attrib["viewBox"].split()[2])
    signs = [frame_of(rect) for rect in root.iter(f"{SVG}rect") if rect.get("data-sign")]
    for one, other in combinations(signs, 2):
        assert one.apart(other)
    assert all(sign.left > 0 and sign.right < width for sign in signs)
    for group in root.iter(f"{SVG}g"):
        parts = sorted(wire_of(group))
        boxes = [part for part in parts if part.name == "box"]
        outside = [part for part in parts if not any(part.inside(box) for box in boxes)]
        for one, other in pairwise(outside):
            assert one.right <= other.left, (one, other)
        arc = [part for part in parts if part.name in ("fork", "sum")]
        for sign in arc_signs(group):
            assert arc[0].left < sign.left
            assert sign.right < arc[1].right


def test_every_kind_of_block_looks_and_reads_different() -> None:
    found = {}
    for kind, model in BLOCKS.items():
        svg = picture("resnet18", block={"kind": kind, **model.samples[0]})
        assert f"{kind} ×2" in texts(svg)
        found[kind] = frozenset(fills(svg))
    assert len(set(found.values())) == len(BLOCKS)


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


def test_no_two_lines_are_alike_without_their_colours() -> None:
    lines = [kind.line for kind in SHORTCUTS.values() if kind.line is not None]
    looks = [(line.width, line.dash) for line in (*lines, *OTHER_LINES)]
    assert len(set(looks)) == len(looks)
    colours = [kind.colour for kind in BLOCKS.values() if kind.colour is not None]
    assert {line.colour for line in (*lines, *OTHER_LINES)} | set(colours) <= set(COLOURS)
