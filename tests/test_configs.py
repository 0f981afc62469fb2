"""Definitions of other projects: what they mean, what is assumed, what is refused and where."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
from resforge.configs import FORMATS, recognise
from resforge.configs.yaml_text import read_yaml
from resforge.text.document import Source

H1: dict[str, Any] = {"model_type": "resnet", "num_labels": 10}


def counts(config: Any, size: int = 224, **options: Any) -> tuple[int, int, tuple[int, ...]]:
    """Parameters, MACs and the shape put out."""
    plan = rf.plan(rf.from_config(config, **options).spec, size)
    return plan.params, plan.macs, plan.output_shape


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (H1, (23_528_522, 4_087_156_736, (10,))),
        (
            {"model_type": "rt_detr", "backbone_config": {"model_type": "rt_detr_resnet"}},
            (23_527_264, 4_326_776_832, (2048, 7, 7)),
        ),
    ],
    ids=["H1", "H2"],
)
def test_huggingface(config: Any, expected: Any) -> None:
    assert counts(config) == expected


def test_a_file_without_classes_has_two() -> None:
    assert rf.from_config({"model_type": "resnet"}).spec.head.num_classes == 2  # type: ignore[union-attr]
    labels = {"id2label": {str(index): f"class {index}" for index in range(7)}}
    assert rf.from_config({"model_type": "resnet"} | labels).spec.head.num_classes == 7  # type: ignore[union-attr]


def test_the_stride_of_a_bottleneck_is_on_its_3x3_unless_the_file_says_so() -> None:
    spec = rf.from_config(H1 | {"downsample_in_bottleneck": True}).spec
    assert spec.block.stride_on == "conv1"  # type: ignore[union-attr]
    assert rf.plan(spec).params == rf.plan(rf.from_config(H1).spec).params
    assert rf.plan(spec).macs < rf.plan(rf.from_config(H1).spec).macs


def test_regnets_attend_unless_the_file_says_x() -> None:
    attends, not_ = (
        rf.from_config({"model_type": "regnet"} | more).spec for more in ({}, {"layer_type": "x"})
    )
    assert attends.block.attention is not None  # type: ignore[union-attr]
    assert not_.block.attention is None  # type: ignore[union-attr]


def test_what_is_assumed_and_what_is_not_read() -> None:
    found = rf.from_config({"model_type": "resnet", "layer_type": "bottleneck", "dtype": "float32"})
    assert ("embedding_size", 64) in found.assumed
    assert all(path != "layer_type" for path, _ in found.assumed)
    assert found.ignored == ("dtype",)
    assert rf.loads(found.to_yaml()) == found.spec
    assert "embedding_size: 64" in found.to_yaml()


def test_every_fault_has_its_place_in_their_file(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(
        json.dumps({"model_type": "resnet", "depths": "x", "hidden_act": "no"}, indent=1)
    )
    with pytest.raises(rf.SpecError) as caught:
        rf.from_config(file)
    places = [(fault.path, fault.line, fault.column) for fault in caught.value.faults]
    assert places == [("depths", 3, 12), ("hidden_act", 4, 16)]


@pytest.mark.parametrize("kind", ["vit", "bert", "detr"])
def test_files_of_other_networks_are_refused(kind: str) -> None:
    with pytest.raises(rf.SpecError, match=kind):
        rf.from_config({"model_type": kind, "hidden_size": 768})


def test_no_other_network_is_suggested() -> None:
    """A vision transformer is no misspelt BiT."""
    with pytest.raises(rf.SpecError) as caught:
        rf.from_config({"model_type": "vit"})
    assert caught.value.help == "known: resnet, rt_detr_resnet, regnet, bit"


def test_null_in_place_of_a_mapping_is_its_absence() -> None:
    found = rf.from_config({"architecture": "resnet18", "model_args": None})
    assert found.spec.digest == rf.from_config({"architecture": "resnet18"}).spec.digest
    with pytest.raises(rf.SpecError, match="not null"):
        rf.from_config({"model": {"backbone": {"type": "ResNet", "depth": 50, "norm_cfg": None}}})


def test_detectors_of_paddle_are_not_taken_for_networks_of_timm() -> None:
    with pytest.raises(rf.SpecError, match="no project"):
        rf.from_config({"architecture": "FasterRCNN", "ResNet": {"depth": 50}})


def test_faults_show_the_items_of_a_short_list() -> None:
    with pytest.raises(rf.SpecError, match=r"1 to 65,536, not \[3, -4\]"):
        rf.from_config({"model_type": "resnet", "depths": [3, -4]})


@pytest.mark.parametrize("format", sorted(FORMATS))
@pytest.mark.parametrize("value", [None, {}, [], 3, "x"])
def test_no_format_fails_on_values_of_another_kind(format: str, value: Any) -> None:
    """Every key that a format reads, taken away or of another kind, is a fault or understood."""
    keys = ("model", "MODEL", "config", "task", "Arch", "network_def", "model_type", "architecture")
    for root in (dict.fromkeys(keys, value), {}, {"config": {"MODEL": {"TRUNK": value}}}):
        with contextlib.suppress(rf.SpecError):
            rf.from_config(root, format)


def test_files_of_no_project_and_specs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(rf.SpecError, match="no project"):
        rf.from_config({"stages": 3})
    with pytest.raises(rf.SpecError, match="a spec already"):
        rf.from_config({"resforge": 1, "model_type": "resnet"})
    with pytest.raises(rf.SpecError, match="did you mean 'huggingface'"):
        rf.from_config(H1, "hugingface")
    with pytest.raises(rf.SpecError, match="no such file"):
        rf.from_config(tmp_path / "missing.yaml")


def test_yaml_of_version_1_1() -> None:
    text = "a: &x {depth: 50, on: yes, mode: 010}\nb:\n  <<: *x\n  depth: 1_000\nc: !!str 5\n"
    assert read_yaml(Source(text)).plain() == {
        "a": {"depth": 50, "on": True, "mode": 8},
        "b": {"depth": 1000, "on": True, "mode": 8},
        "c": "5",
    }


BOMB = "a: &y0 [1]\n" + "\n".join(
    f"b{i}: &y{i} [{','.join([f'*y{i - 1}'] * 9)}]" for i in range(1, 10)
)


@pytest.mark.parametrize(
    "text",
    [
        "a: *nothing",
        "a: 1\na: 2",
        "[1, 2]",
        BOMB,
        "[" * 5000,
        "a: 'x",
        "a: 1\n---\nb: 2",
    ],
)
def test_yaml_that_is_refused(text: str) -> None:
    with pytest.raises(rf.SpecError) as caught:
        read_yaml(Source(text, "theirs.yaml"))
    assert caught.value.file == "theirs.yaml"


def test_check_says_what_the_file_is(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(H1))
    found = recognise(file)
    assert found is not None
    assert found.name == "huggingface"
    assert recognise(tmp_path / "other.json") is None


def test_blocks_of_hugging_face_have_relu_within_whatever_the_activation() -> None:
    """transformers hands ``hidden_act`` to the stem and to the end of each block, no further."""
    first = H1 | {"downsample_in_bottleneck": True}
    spec = rf.from_config(first | {"hidden_act": "silu"}).spec
    block = rf.plan(spec).stages[1][0].modules
    within = [module.op.function for module in block.branch if module.op.kind == "act"]
    assert (within, [module.op.function for module in block.exit]) == (["relu"] * 2, ["silu"])
    assert rf.plan(spec).macs == rf.plan(rf.from_config(first).spec).macs
    with pytest.raises(rf.SpecError):
        rf.to_config(rf.load("resnet50").replace({"activation": "silu"}), "huggingface")


def test_tags_that_ask_for_code_are_not_run(tmp_path: Path) -> None:
    call = f"!!python/object/apply:os.mkdir [{tmp_path / 'ran'}]"
    file = tmp_path / "net.yaml"
    file.write_text(f"MODEL: {{RESNETS: {{DEPTH: 50}}}}\nSIZES: {call}\n")
    assert "SIZES" in rf.from_config(file).ignored
    file.write_text(f"MODEL:\n  RESNETS:\n    DEPTH: {call}\n")
    with pytest.raises(rf.SpecError, match="not run") as caught:
        rf.from_config(file)
    assert caught.value.line == 3
    assert not (tmp_path / "ran").exists()
