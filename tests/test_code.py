"""A network as one readable file: the same names, outputs and gradients, and a text to be read."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
import torch
from hypothesis import given, settings
from resforge.export import to_code
from resforge.testing import strategies
from sampled import SAMPLE
from written import check, check_layout, network_of

SMALL = strategies.specs(max_stages=3, max_depth=4, max_width=4)


@given(SMALL)
def test_the_file_is_the_network(spec: rf.ResNetSpec) -> None:
    check(spec)


PRE = {"kind": "basic", "order": "full_pre"}
#: What few draws reach.
RARE: dict[str, dict[str, Any]] = {
    "zeros on either side, an odd number": {"shortcut": {"kind": "zero_pad", "pad": "both"}},
    "averages, cut by the border": {"shortcut": {"kind": "zero_pad", "subsample": "avg_pool"}},
    "averages and a convolution": {"shortcut": "avg_projection"},
    "factors": {"shortcut": {"kind": "scaled", "shortcut": 0.3, "residual": 0.7}},
    "a gate": {"shortcut": {"kind": "gate", "bias_init": 0.0}},
    "a gate of a projection": {
        "shortcut": {"kind": "gate", "mode": "shortcut_only", "of": {"kind": "projection"}}
    },
    "dropout of two kinds": {
        "shortcut": {
            "match": {"kind": "dropout", "of": "projection"},
            "change": {"kind": "dropout", "of": "zero_pad", "rate": 0.3},
        }
    },
    "other norms": {"norm": {"kind": "batch", "eps": 0.01, "momentum": 0.3}},
    "few groups": {"norm": {"kind": "group", "groups": 1, "eps": 0.01}},
    "an activation before anything": {"block": PRE, "norm": "none", "activation": "elu"},
    "activated where shared": {"block": {**PRE, "shortcut_input": "activated"}},
    "raw where it changes": {"block": {**PRE, "shortcut_input": "raw"}},
    "an activation with its own gradient": {"block": PRE, "activation": "selu"},
    "a sum after an activation": {"block": {"kind": "basic", "order": "relu_before_add"}},
    "a norm after the sum": {"block": {"kind": "bottleneck", "order": "norm_after_add"}},
    "blocks that start as shortcuts": {"block": PRE, "init": {"zero_residual": True}},
    "the same without norms": {"norm": "none", "init": {"zero_residual": True}},
    "weights of channels": {
        "block": {"kind": "basic", "attention": {"kind": "se", "reduction": 2}}
    },
    "neighbouring channels": {"block": {"kind": "bottleneck", "attention": "eca", "expansion": 40}},
    "a stride at first": {"block": {"kind": "bottleneck", "stride_on": "conv1", "groups": 2}},
    "branches left out": {"stochastic_depth": 0.8},
    "branches of images": {"stochastic_depth": {"rate": 0.5, "rule": "constant", "mode": "row"}},
    "a dropout before the head": {"head": {"num_classes": 3, "dropout": 0.5}},
    "with attention and without": {
        "stages[0].blocks": [{"block": {"kind": "basic", "attention": "se"}}, {"block": "basic"}],
        "block": {"kind": "basic", "attention": "eca"},
        "stem.width": 16,
        "stages[0].width": 16,
    },
    "raw and activated": {
        "stages[0].blocks": [
            {"block": PRE},
            {"block": {**PRE, "shortcut_input": "raw"}, "shortcut": {"match": "projection"}},
            {"block": {**PRE, "shortcut_input": "activated"}, "shortcut": {"match": "projection"}},
        ],
    },
    "kinds beside each other": {
        "stages[0].blocks": [
            {"block": {"kind": "bottleneck", "stride_on": "conv1"}},
            {"block": {"kind": "bottleneck", "attention": "eca"}, "shortcut": "none"},
            {"block": PRE, "shortcut": {"match": "zero_pad", "change": "projection"}},
        ],
    },
}


@pytest.mark.parametrize("words", RARE)
def test_every_word_is_written(words: str) -> None:
    base = rf.ResNetSpec(
        resforge=1,
        stem={"kind": "conv3x3", "width": 4},
        stages=[
            {"depth": 2, "width": 4},
            {"depth": 3, "width": 9, "stride": 2},
            {"depth": 2, "width": 12, "stride": 3, "dilation": 2},
        ],
        block={"kind": "basic"},
        head={"num_classes": 5},
    )
    changes = dict(RARE[words])
    if "stages[0].blocks" in changes:
        changes["stages[0].depth"] = None
    check(base.replace(changes))


@pytest.mark.parametrize("name", SAMPLE)
def test_the_catalogue_in_files(name: str) -> None:
    text = to_code(name)
    with torch.device("meta"):
        written = network_of(text)
    built = rf.build(name, device="meta")
    shapes = {key: tensor.shape for key, tensor in written.state_dict().items()}
    assert shapes == {key: tensor.shape for key, tensor in built.state_dict().items()}


@given(SMALL)
def test_the_docstring_holds_the_spec_and_its_digest(spec: rf.ResNetSpec) -> None:
    docstring = ast.get_docstring(ast.parse(to_code(spec)), clean=False)
    assert docstring is not None
    assert spec.digest in docstring
    yaml = "\n".join(re.findall(r"^    (.*)$", docstring, re.MULTILINE))
    assert rf.loads(yaml) == spec


@pytest.mark.parametrize("name", ['"""', "a\\", '"', "é\u202e", "x" * 200])
def test_any_name_stands_in_the_docstring(name: str) -> None:
    spec = rf.load("digits_resnet8").replace({"name": name})
    test_the_docstring_holds_the_spec_and_its_digest.hypothesis.inner_test(spec)


@given(SMALL)
def test_nothing_is_written_that_is_not_used(spec: rf.ResNetSpec) -> None:
    """Every class is made, every module called, every name and argument read."""
    text = to_code(spec)
    kinds = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    # What a class sets, a class that it is the base of may read.
    read = {name for kind in kinds for name in attributes(kind)[1]}
    for kind in kinds:
        assert kind.name == "ResNet" or re.search(rf"\b{kind.name}\(", text.replace("class ", "@"))
        if not kind.name.startswith("First"):
            made, _ = attributes(kind)
            assert made <= read, made - read
        for function in (node for node in kind.body if isinstance(node, ast.FunctionDef)):
            inside = ast.unparse(ast.Module(function.body, []))
            for argument in function.args.args[1:]:
                assert re.search(rf"\b{argument.arg}\b", inside), argument.arg


def attributes(kind: ast.ClassDef) -> tuple[set[str], set[str]]:
    """The attributes of ``self`` that a class sets, and those that it reads."""
    found = [node for node in ast.walk(kind) if isinstance(node, ast.Attribute)]
    own = [node for node in found if isinstance(node.value, ast.Name) and node.value.id == "self"]
    made = {node.attr for node in own if isinstance(node.ctx, ast.Store)}
    return made, {node.attr for node in own if isinstance(node.ctx, ast.Load)}


def several() -> list[rf.ResNetSpec]:
    """Networks of the catalogue, and those that hypothesis draws: small ones and larger."""
    drawn: list[rf.ResNetSpec] = []

    @settings(max_examples=60, database=None, derandomize=True)
    @given(strategies.specs(max_depth=5, max_width=64))
    def collect(spec: rf.ResNetSpec) -> None:
        drawn.append(spec)

    collect()
    return [rf.load(name) for name in SAMPLE] + drawn


@pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is not installed")
def test_the_text_is_laid_out_as_ruff_would(tmp_path: Path) -> None:
    check_layout([to_code(spec) for spec in several()], tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")
def test_the_text_is_typed(tmp_path: Path) -> None:
    for number, spec in enumerate(several()):
        (tmp_path / f"net{number}.py").write_text(to_code(spec), encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout


def classes(text: str) -> list[str]:
    return [node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]


@pytest.mark.parametrize(
    ("name", "changes", "wanted"),
    [
        ("resnet18", {}, ["BasicBlock"]),
        ("resnet50", {"shortcut": "none"}, ["PlainBottleneck"]),
        ("resnet18", {"stages[2].shortcut": "zero_pad"}, ["ZeroPad", "BasicBlock", "BasicBlock2"]),
        ("seresnet50", {}, ["SqueezeExcitation", "SEBottleneck"]),
        ("resnet18_d2l", {}, ["Residual"]),
        ("preact_resnet50", {}, ["PreActBottleneck", "FirstPreActBottleneck"]),
        ("cifar_resnet20", {"shortcut": "gate"}, ["ZeroPad", "Gate", "GatedBasicBlock"]),
        ("cifar_resnet20", {"stochastic_depth": 0.5}, ["ZeroPad", "StochasticDepth", "BasicBlock"]),
    ],
)
def test_a_network_has_the_classes_it_needs(name: str, changes: Any, wanted: list[str]) -> None:
    assert set(classes(to_code(rf.load(name).replace(changes)))) == {*wanted, "ResNet"}


def test_repeated_blocks_are_loops() -> None:
    text = to_code(rf.load("resnet152").replace({"stochastic_depth": 0.2}))
    assert "*(Bottleneck(256, 64, 256) for _ in range(3))" not in text
    loop = "Bottleneck(1024, 256, 1024, drop_rate=0.2 * (number / 50))"
    assert re.search(rf"{re.escape(loop)}\s+for number in range\(13, 48\)", text)
    assert "*(Bottleneck(512, 128, 512) for _ in range(7))" in to_code("resnet152")


def test_the_children_are_torchvisions() -> None:
    """The map is flattened in ``forward``, and no child does it."""
    model = network_of(to_code("resnet18"))
    stem, stages = ["conv1", "bn1", "relu", "maxpool"], ["layer1", "layer2", "layer3", "layer4"]
    assert [name for name, _ in model.named_children()] == [*stem, *stages, "avgpool", "fc"]
    maps = torch.nn.Sequential(*list(model.children())[:-2])(torch.randn(2, 3, 64, 64))
    assert maps.shape == (2, 512, 2, 2)
