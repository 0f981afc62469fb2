"""The language: round trips, identity, short forms, base, replace, diff, schema, errors."""

from __future__ import annotations

import copy
import json
import pickle
import random
import subprocess
import sys
from typing import Any

import jsonschema
import pytest
import resforge as rf
from hypothesis import given
from hypothesis import strategies as st
from resforge.specs import BottleneckSpec, catalogue
from resforge.specs.resolve import blocks_of, runs_of
from resforge.testing import strategies

SCHEMA = rf.ResNetSpec.model_json_schema()


def shuffled(tree: Any, order: random.Random) -> Any:
    """``tree`` with every mapping's keys in another order."""
    if isinstance(tree, dict):
        items = [(key, shuffled(value, order)) for key, value in tree.items()]
        order.shuffle(items)
        return dict(items)
    return [shuffled(item, order) for item in tree] if isinstance(tree, list) else tree


# Round trips


@given(strategies.specs())
def test_text_reads_back_to_the_same_spec(spec: rf.ResNetSpec) -> None:
    for text in (spec.to_yaml(), spec.to_json()):
        again = rf.loads(text)
        assert again == spec
        assert again.digest == spec.digest
    assert rf.loads(spec.to_yaml()).to_yaml() == spec.to_yaml()


@given(strategies.specs())
def test_copies_are_equal(spec: rf.ResNetSpec) -> None:
    assert pickle.loads(pickle.dumps(spec)) == copy.deepcopy(spec) == spec
    assert hash(copy.deepcopy(spec)) == hash(spec)


# Identity


@given(strategies.trees(), st.randoms(use_true_random=False))
def test_digest_ignores_order_and_name(tree: dict[str, Any], order: random.Random) -> None:
    spec = rf.ResNetSpec(**tree)
    assert rf.ResNetSpec(**shuffled(tree, order)).digest == spec.digest
    assert spec.replace({"name": "other"}).digest == spec.digest


PLAIN = {"shortcut": "none"}
SAME = {
    "bare block": ({"block": "bottleneck"}, {"block": {"kind": "bottleneck", "groups": 1}}),
    "bare shortcut": (
        {"shortcut": "zero_pad"},
        {"shortcut": {"match": "identity", "change": {"kind": "zero_pad", "pad": "end"}}},
    ),
    "plain": ({"shortcut": "none"}, {"shortcut": {"match": "none", "change": "none"}}),
    "stage says what the network says": (
        {"block": "basic"},
        {"stages[*].block": "basic", "block": "d2l"},
    ),
    "blocks one by one": (
        {"stages[0].depth": 2},
        {"stages[0].depth": None, "stages[0].blocks": [{}, {"block": "basic"}]},
    ),
    "a bias that no norm makes needless": (
        {"norm": "none", "stem.bias": True},
        {"norm": "none", "stem.bias": False},
    ),
    "no dropout": ({"head.dropout": 0.0}, {"head.dropout": -0.0}),
    "where a stride of 1 stands": (
        {"stages[*].stride": 1, "block": {"kind": "bottleneck", "stride_on": "conv1"}},
        {"stages[*].stride": 1, "block": {"kind": "bottleneck", "stride_on": "conv2"}},
    ),
    "what a projection takes from its block": (
        {"shortcut": "projection"},
        {"shortcut": {"kind": "projection", "norm": True, "bias": False, "kernel": 1}},
    ),
    "what a d2l block gives its projection": (
        {"block": "d2l", "shortcut": "projection"},
        {"block": "d2l", "shortcut": {"kind": "projection", "norm": False, "bias": True}},
    ),
    "a bare projection": (
        {"shortcut": "conv1x1"},
        {"shortcut": {"match": {"kind": "projection", "norm": False}, "change": "conv1x1"}},
    ),
    "nothing to pad": ({"shortcut.match": "identity"}, {"shortcut.match": "zero_pad"}),
    "nothing to pad inside": (
        {"shortcut.match": "gate"},
        {"shortcut.match": {"kind": "gate", "of": "identity"}},
    ),
    "the kernel that eca takes": (
        {"block.attention": "eca", "stages[*].width": 64},
        {"block.attention": {"kind": "eca", "kernel": 3}, "stages[*].width": 64},
    ),
    "nobody is dropped": ({"stochastic_depth": 0}, {}),
    "a rule that one block cannot show": (
        {"stages": [{"depth": 1, "width": 64}], "stochastic_depth": 0.1},
        {
            "stages": [{"depth": 1, "width": 64}],
            "stochastic_depth": {"rate": 0.1, "rule": "constant"},
        },
    ),
    "half of one channel": (
        {"stages[1].width": 65, "stages[1].shortcut": "zero_pad"},
        {"stages[1].width": 65, "stages[1].shortcut": {"kind": "zero_pad", "pad": "both"}},
    ),
    "the channels that a reduction leaves": (
        {"stages[*].width": 64, "block.attention": {"kind": "se", "reduction": 30}},
        {"stages[*].width": 64, "block.attention": {"kind": "se", "reduction": 32}},
    ),
    "what no shortcut takes": (
        {"block": {"kind": "basic", "order": "full_pre", "shortcut_input": "raw"}} | PLAIN,
        {"block": {"kind": "basic", "order": "full_pre", "shortcut_input": "activated"}} | PLAIN,
    ),
    "no factor below nothing": (
        {"shortcut.match": {"kind": "scaled", "shortcut": 0.0, "residual": 0.0}},
        {"shortcut.match": {"kind": "scaled", "shortcut": -0.0, "residual": -0.0}},
    ),
    "no bias below nothing": (
        {"shortcut.match": {"kind": "gate", "bias_init": 0.0}},
        {"shortcut.match": {"kind": "gate", "bias_init": -0.0}},
    ),
    "the dilation of the stage before": (
        {"stages[2].dilation": 2},
        {"stages[2].dilation": 2, "stages[2].first_dilation": 1},
    ),
    "the dilation that a bottleneck's 1x1 has not": (
        {"block": {"kind": "bottleneck", "stride_on": "conv1"}, "stages[2].dilation": 2},
        {
            "block": {"kind": "bottleneck", "stride_on": "conv1"},
            "stages[2].dilation": 2,
            "stages[2].first_dilation": 2,
        },
    ),
    "what a shortcut takes by itself": (
        {"block": {"kind": "basic", "order": "full_pre"}, "stages[*].shortcut": "projection"},
        {
            "block": {"kind": "basic", "order": "full_pre"},
            "stages[*].shortcut": "projection",
            "stages[0].block": {"kind": "basic", "order": "full_pre", "shortcut_input": "raw"},
        },
    ),
    "a rule that no block meets": (
        {"stages": [{"depth": 2, "width": 64}], "shortcut": "identity"},
        {"stages": [{"depth": 2, "width": 64}], "shortcut": "projection"},
    ),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_the_same_network_has_the_same_digest(one: dict[str, Any], other: dict[str, Any]) -> None:
    spec = rf.load("resnet18")
    assert spec.replace(one).digest == spec.replace(other).digest


@pytest.mark.parametrize(
    "change",
    [
        {"in_channels": 1},
        {"stem.width": 32, "stages[0].shortcut": "projection"},
        {"stem.pool": "none"},
        {"stem.bias": True},
        {"stages[1].depth": 3},
        {"stages[1].stride": 1},
        {"stages[3].width": 256, "stages[3].shortcut": "projection"},
        {"block": "d2l"},
        {"block": {"kind": "bottleneck", "stride_on": "conv1"}},
        {"shortcut": "zero_pad"},
        {"shortcut": {"kind": "zero_pad", "pad": "both"}},
        {"shortcut.match": "projection"},
        {"stages[2].shortcut": "none"},
        {"norm": "group"},
        {"norm.eps": 1e-3},
        {"activation": "silu"},
        {"head": None},
        {"head.num_classes": 10},
        {"head.dropout": 0.5},
        {"init.scheme": "torch"},
        {"init.zero_residual": True},
        {"shortcut": "avg_projection"},
        {"shortcut": "conv1x1"},
        {"shortcut": {"kind": "projection", "kernel": 3}},
        {"shortcut": {"kind": "projection", "norm": False}},
        {"shortcut": {"kind": "projection", "bias": True}},
        {"shortcut": {"kind": "zero_pad", "subsample": "avg_pool"}},
        {"shortcut.match": {"kind": "scaled", "residual": 0.5}},
        {"shortcut.match": "gate"},
        {"shortcut.match": {"kind": "gate", "mode": "shortcut_only"}},
        {"shortcut.match": {"kind": "gate", "bias_init": 0.0}},
        {"shortcut.match": {"kind": "gate", "of": "projection"}},
        {"shortcut.match": "dropout"},
        {"shortcut.match": {"kind": "dropout", "rate": 0.1}},
        {"block.order": "norm_after_add"},
        {"block.order": "full_pre"},
        {"block": {"kind": "basic", "order": "full_pre", "shortcut_input": "raw"}},
        {"block.attention": "se"},
        {"block.attention": {"kind": "se", "reduction": 8}},
        {"block.attention": "eca"},
        {"block.attention": {"kind": "eca", "kernel": 9}},
        {"stochastic_depth": 0.5},
        {"stochastic_depth": {"rate": 0.5, "rule": "constant"}},
        {"stochastic_depth": {"rate": 0.5, "mode": "row"}},
        {"stages[*].shortcut": {"kind": "zero_pad", "pad": "both"}, "stages[1].width": 66},
        {"stages[*].shortcut": {"kind": "zero_pad", "pad": "end"}, "stages[1].width": 66},
        {"stages[3].dilation": 2},
        {"stages[3].first_dilation": 2},
    ],
    ids=str,
)
def test_another_network_has_another_digest(change: dict[str, Any]) -> None:
    spec = rf.load("resnet18")
    assert spec.replace(change).digest != spec.digest


def test_no_two_of_many_networks_have_one_digest() -> None:
    mark = next(m for m in test_another_network_has_another_digest.pytestmark if m.args)
    digests = [rf.load("resnet18").replace(change).digest for change in mark.args[1]]
    assert len(set(digests)) == len(digests)


def test_digest_in_another_process() -> None:
    code = "import resforge as rf; print(rf.load('resnet50').digest)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == rf.load("resnet50").digest


# replace and diff


def test_replace_leaves_the_original_alone() -> None:
    spec = rf.load("resnet18")
    other = spec.replace({"stages[*].shortcut": "zero_pad", "head.num_classes": 10})
    assert spec == rf.load("resnet18")
    assert [stage.shortcut.change.kind for stage in other.stages] == ["zero_pad"] * 4


def test_replace_takes_specs_too() -> None:
    block = BottleneckSpec(groups=32, width_per_group=4)
    assert rf.load("resnet50").replace({"block": block}).digest == rf.load("resnext50_32x4d").digest


def test_another_kind_starts_from_its_own_defaults() -> None:
    spec = rf.load("resnet50").replace({"norm.kind": "group", "block.kind": "basic"})
    assert (spec.norm.groups, spec.block) == (32, rf.load("resnet18").block)


def test_a_sweep_is_no_spec() -> None:
    with pytest.raises(rf.SpecError, match="this file holds a sweep; use `resforge sweep run`"):
        rf.loads("sweep: 1\nbase: resnet18\narms: {A: {}}\n")


def test_plan_at_the_natural_size() -> None:
    assert rf.plan("cifar_resnet20").input_shape == (3, 32, 32)
    assert rf.plan("resnet18").input_shape == (3, 224, 224)


def test_replace_shares_nothing() -> None:
    block = {"kind": "bottleneck", "groups": 1}
    spec = rf.load("resnet18").replace({"stages[*].block": block, "stages[0].block.groups": 2})
    assert [stage.block.groups for stage in spec.stages] == [2, 1, 1, 1]
    assert block == {"kind": "bottleneck", "groups": 1}


@pytest.mark.parametrize(
    ("path", "message", "help_"),
    [
        ("stages[*].shortcu", "has no 'shortcu'", "did you mean 'shortcut'?"),
        ("stages[9].depth", "stages has 4 items", "count from 0 to 3"),
        ("stages.depth", "stages is a list", "write stages[*].depth for every item"),
        ("head[*]", "head is not a list", "leave out '[*]'"),
        ("head[0]", "head is not a list", "leave out the index"),
        ("stages[0].block.groups", "stages[0].block is not set", "set stages[0].block as a whole"),
        ("activation.slope", "which has no parts", "set activation as a whole"),
        ("stages[", "is not a path", "write it like 'stages[*].shortcut'"),
        ("", "is not a path", None),
        ("a b", "is not a path", None),
    ],
)
def test_replace_with_a_wrong_path(path: str, message: str, help_: str | None) -> None:
    with pytest.raises(rf.SpecError) as caught:
        rf.load("resnet18").replace({path: 1})
    assert message in caught.value.message
    assert help_ is None or caught.value.help == help_


@given(strategies.specs(), strategies.specs())
def test_diff_is_what_turns_one_into_the_other(a: rf.ResNetSpec, b: rf.ResNetSpec) -> None:
    assert rf.diff(a, a) == ()
    assert a.replace({change.path: change.after for change in rf.diff(a, b)}) == b


# base


def test_base_merges_mappings_and_replaces_lists() -> None:
    spec = rf.loads(
        "resforge: 1\nbase: resnext50_32x4d\nblock: {width_per_group: 8}\n"
        "stages:\n  - {depth: 1, width: 64}\n"
    )
    assert (spec.block.groups, spec.block.width_per_group) == (32, 8)
    assert len(spec.stages) == 1
    assert spec.head == rf.load("resnet50").head


def test_base_of_another_kind_is_replaced_whole() -> None:
    spec = rf.loads("{resforge: 1, base: resnext50_32x4d, block: basic, head: null}")
    assert spec.block == rf.load("resnet18").block
    assert spec.head is None


def test_base_merges_the_long_form_of_a_short_one() -> None:
    spec = rf.loads("{resforge: 1, base: cifar_resnet20, shortcut: {match: projection}}")
    assert spec.shortcut.match.kind == "projection"
    assert spec.shortcut.change.kind == "zero_pad"


def test_base_that_is_not_in_the_catalogue() -> None:
    with pytest.raises(rf.SpecError) as caught:
        rf.loads("resforge: 1\nbase: resnett50\n")
    assert (caught.value.line, caught.value.path) == (2, "base")
    assert "did you mean 'resnet50'?" in str(caught.value.help)


# JSON Schema


def test_schema_is_draft_7() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert "prefixItems" not in json.dumps(SCHEMA)


def test_schema_accepts_the_catalogue() -> None:
    validator = jsonschema.Draft7Validator(SCHEMA)
    for name in rf.list_specs():
        validator.validate(catalogue.tree(name))


@given(strategies.specs())
def test_schema_accepts_what_we_write(spec: rf.ResNetSpec) -> None:
    validator = jsonschema.Draft7Validator(SCHEMA)
    validator.validate(json.loads(spec.to_json()))
    validator.validate(spec.model_dump(mode="json"))


@pytest.mark.parametrize(
    "change",
    [
        {"stem": {"width": 32}},
        {"stem": {"pool": "none"}},
        {"block": {"expansion": 2}},
        {"block": {}},
        {"norm": {"eps": 1e-3}},
        {"shortcut": {"match": "projection"}},
        {"head": {"num_classes": 5}},
    ],
    ids=str,
)
def test_schema_accepts_part_of_a_base(change: dict[str, Any]) -> None:
    tree = {"resforge": 1, "base": "resnet50", **change}
    rf.ResNetSpec(**tree)
    jsonschema.Draft7Validator(SCHEMA).validate(tree)


def test_the_schema_knows_the_short_forms_ranges() -> None:
    validator = jsonschema.Draft7Validator(SCHEMA)
    tree = {"resforge": 1, "stages": [{"depth": 1, "width": 4}]}
    fits = [validator.is_valid({**tree, "stochastic_depth": rate}) for rate in (-0.1, 0, 0.9, 1)]
    assert fits == [False, True, True, False]


WRONG_VALUES = st.sampled_from(
    [True, None, "50", 50.5, 0, -1, [], {}, "identiy", {"kind": "nothing"}, 10**12, [1], "none"]
)


@given(strategies.trees(), st.data())
def test_what_the_schema_refuses_the_models_refuse(
    tree: dict[str, Any], data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from([*tree, "blok"]))
    broken = {**tree, key: data.draw(WRONG_VALUES)}
    if not jsonschema.Draft7Validator(SCHEMA).is_valid(broken):
        with pytest.raises(rf.SpecError):
            rf.ResNetSpec(**broken)


# Errors; the table of them all is bad_specs.py


def test_the_fault_of_the_contract() -> None:
    text = (
        "resforge: 1\nstages:\n  - {depth: 2, width: 64}\n"
        "  - {depth: 2, width: 128, stride: 2, shortcut: identity}\n"
    )
    with pytest.raises(rf.SpecError) as caught:
        rf.loads(text)
    assert str(caught.value) == (
        "error[shortcut]: 4:49  stages[1].shortcut\n"
        "   4 |   - {depth: 2, width: 128, stride: 2, shortcut: identity}\n"
        "     |                                                 ^ "
        "identity cannot join 64 channels to 128 at stride 2\n"
        "  help: use 'projection' (1x1 convolution, option B) or 'zero_pad' (option A)"
    )


def test_specs_from_python_raise_the_same_family() -> None:
    with pytest.raises(rf.SpecError, match="at least 1"):
        rf.ResNetSpec(resforge=1, stages=[])
    with pytest.raises(rf.SpecError, match="at least 1"):
        rf.ResNetSpec.model_validate({"resforge": 1, "stages": []})


WRONG_TYPES = {
    "load": lambda: rf.load(5),  # type: ignore[arg-type]
    "load of text": lambda: rf.load("resforge: 1\nbase: resnet18\n"),
    "load of nothing": lambda: rf.load(""),
    "load of a long name": lambda: rf.load("n" * 5000),
    "loads": lambda: rf.loads(None),  # type: ignore[arg-type]
    "plan": lambda: rf.plan({}),  # type: ignore[arg-type]
    "plan of an unknown name": lambda: rf.plan("resnet51"),
    "diff": lambda: rf.diff("resnet18", 3),  # type: ignore[arg-type]
    "replace": lambda: rf.load("resnet18").replace(5),  # type: ignore[arg-type]
    "replace a number": lambda: rf.load("resnet18").replace({5: 1}),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("call", WRONG_TYPES.values(), ids=WRONG_TYPES)
def test_wrong_types_end_in_the_one_family(call: Any) -> None:
    with pytest.raises(rf.SpecError):
        call()


def test_public_functions_take_names() -> None:
    assert rf.plan("resnet18").spec == rf.load("resnet18")
    assert rf.diff("resnet18", "resnet18") == ()


def test_a_folder_does_not_hide_a_name(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "resnet18").mkdir()
    monkeypatch.chdir(tmp_path)
    assert rf.load("resnet18").name == "resnet18"


def test_strides_make_the_natural_input_larger() -> None:
    deep = rf.load("cifar_resnet20").replace(
        {"stages": [{"depth": 1, "width": 16, "stride": 2}] * 7}
    )
    assert rf.plan(deep, deep.natural_input_size).features[-1].stride == 128


def test_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        rf.load("resnet18").name = "other"  # type: ignore[misc]


@given(strategies.specs())
def test_runs_are_the_blocks_in_rows(spec: rf.ResNetSpec) -> None:
    for blocks, runs in zip(blocks_of(spec), runs_of(spec), strict=True):
        assert sum(times for _, times in runs) == len(blocks)
        rows = [block.like for block, times in runs for _ in range(times)]
        assert rows == [block.like for block in blocks]
        starts = [block for block, _ in runs]
        assert starts == [block for block in blocks if block.name in {b.name for b in starts}]


@given(strategies.specs())
def test_a_depth_is_as_many_blocks_written_out(spec: rf.ResNetSpec) -> None:
    stages = [
        stage.model_copy(update={"depth": None, "blocks": stage.entries}) for stage in spec.stages
    ]
    assert [*blocks_of(spec.model_copy(update={"stages": tuple(stages)}))] == [*blocks_of(spec)]


@pytest.mark.parametrize(
    ("stage", "path", "text"),
    [
        (
            {"depth": 1, "width": 16385},
            "stages[0].width",
            "a bottleneck block of width 16385 puts out 65540 channels, of at most 65536",
        ),
        (
            {"width": 64, "blocks": [{}, {"width": 30000}]},
            "stages[0].blocks[1].width",
            "puts out 120000 channels",
        ),
        (
            {"depth": 1, "width": 8192, "block": {"kind": "bottleneck", "groups": 9}},
            "stages[0].block.groups",
            "makes 73728 channels",
        ),
        (
            {
                "depth": 1,
                "width": 8192,
                "block": {"kind": "basic", "conv2": {"split_attention": 9}},
            },
            "stages[0].block.conv2.radix",
            "9 maps have 73728 channels",
        ),
        (
            {
                "depth": 1,
                "width": 40000,
                "block": {"kind": "basic", "conv2": {"selective_kernel": [3, 5]}},
            },
            "stages[0].block.conv2.kernels",
            "2 weights of each channel are 80000",
        ),
    ],
    ids=str,
)
def test_widths_that_come_to_too_many_channels(stage: dict[str, Any], path: str, text: str) -> None:
    with pytest.raises(rf.SpecError) as raised:
        rf.ResNetSpec(resforge=1, block="bottleneck", stages=[stage])
    fault = raised.value.faults[0]
    assert fault.path == path
    assert text in fault.message
