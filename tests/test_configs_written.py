"""Specs as other projects' settings: read again they are the same network, or they are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import resforge as rf
from command_line import Cli
from resforge.configs import FORMATS, as_text, writable
from resforge.configs.files import parse
from resforge.text.document import Source

EACH = ("huggingface", "timm", "pycls", "detectron2", "mmpretrain")
#: Networks, and the projects that have words for them.
NETWORKS = {
    "resnet18": EACH,
    "resnet50": EACH,
    "resnet152": EACH,
    "resnet50_v1": ("huggingface", "detectron2", "mmpretrain"),
    "resnext50_32x4d": ("timm", "pycls", "detectron2", "mmpretrain"),
    "wide_resnet50_2": ("timm", "pycls", "detectron2"),
    "resnet50d": ("timm", "mmpretrain"),
    "resnet50c": ("timm", "mmpretrain"),
    "seresnet50": ("timm", "mmpretrain"),
    "seresnet18_timm": ("timm",),
    "regnetx_400mf": ("huggingface", "timm", "pycls"),
    "regnety_016": ("huggingface", "timm", "pycls"),
    "plain18": ("pycls",),
    "cifar_resnet20": (),
    "gernet_s": ("timm",),
    "resnest50d": ("timm",),
}


def spec_for(name: str, format: str) -> rf.ResNetSpec:
    """The network without a head, for a project of backbones."""
    spec = rf.load(name)
    return spec.replace({"head": None}) if format == "detectron2" else spec


@pytest.mark.parametrize("name", NETWORKS)
def test_settings_are_read_again_as_the_same_network(name: str) -> None:
    for format in EACH:
        spec = spec_for(name, format)
        if format in NETWORKS[name]:
            text = as_text(rf.to_config(spec, format), format)
            root = parse(Source(text, "config"))
            found = rf.from_config(root.plain())
            assert (found.format, found.spec.digest) == (format, spec.digest), format
        else:
            with pytest.raises(rf.SpecError):
                rf.to_config(spec, format)


@pytest.mark.parametrize(
    "changes",
    [
        {"head.num_classes": 7, "in_channels": 1},
        {"head": None},
        {"stages[2].depth": 9},
        {"stages[*].width": 96},
        {"init.zero_residual": True},
        {"activation": "silu"},
        {"norm": {"kind": "batch", "eps": 1e-3, "momentum": 0.01}},
        {"norm": "group"},
        {"stages[3].stride": 1, "stages[3].dilation": 2},
        {"stem": {"kind": "deep_base", "widths": [32, 32, 64]}},
        {"shortcut": "zero_pad"},
        {"head.dropout": 0.2},
        {"stochastic_depth": {"rate": 0.1, "rule": "linear_from_zero", "mode": "row"}},
        {"block.order": "full_pre"},
    ],
)
def test_settings_are_the_network_or_refused(changes: dict[str, object]) -> None:
    spec = rf.load("resnet50").replace(changes)
    said = 0
    for format in EACH:
        try:
            settings = rf.to_config(spec, format)
        except rf.SpecError as error:
            assert all(fault.message for fault in error.faults)
        else:
            assert rf.from_config(settings).spec.digest == spec.digest
            said += 1
    assert said or "shortcut" in changes or "block.order" in changes or "norm" in changes


@pytest.mark.parametrize(
    ("name", "factor"), [("resnet18", 2), ("resnet18", 3), ("resnet50", 3), ("senet154", 4)]
)
def test_words_of_timm_for_narrower_blocks_and_wider_shortcuts(name: str, factor: int) -> None:
    args = {"block_reduce_first": factor, "down_kernel_size": 3, "layers": [1, 2, 1, 1]}
    spec = rf.from_config({"architecture": name, "model_args": args}).spec
    settings = rf.to_config(spec, "timm")["model_args"]
    assert (settings["block_reduce_first"], settings["down_kernel_size"]) == (factor, 3)


def test_what_a_project_cannot_say_is_named() -> None:
    spec = rf.load("resnet50").replace({"shortcut": "zero_pad"})
    with pytest.raises(rf.SpecError) as caught:
        rf.to_config(spec, "huggingface")
    assert [fault.path for fault in caught.value.faults] == ["shortcut"]
    assert "zero_pad" in caught.value.message
    with pytest.raises(rf.SpecError) as caught:  # whose settings have a block for each stage
        rf.to_config("seresnet50", "pycls")
    assert "stages[0].block" in [fault.path for fault in caught.value.faults]
    assert "null" not in caught.value.message
    with pytest.raises(rf.SpecError) as caught:
        rf.to_config("resnet50", "detectron2")
    assert [fault.path for fault in caught.value.faults] == ["head"]
    with pytest.raises(rf.SpecError, match="no format 'vissl'"):
        rf.to_config("resnet50", "vissl")


def test_the_command_line(cli: Cli, tmp_path: Path) -> None:
    done = cli("export", "resnet50", "--config", "huggingface")
    assert done.code == 0
    (tmp_path / "config.json").write_text(done.out)
    assert json.loads(done.out)["model_type"] == "resnet"
    as_json = json.loads(cli("export", "resnet50", "--config", "pycls", "--json").out)
    assert as_json == rf.to_config("resnet50", "pycls")
    new = cli("new", "--from", str(tmp_path / "config.json"), "--name", "resnet50", "--json")
    assert rf.loads(new.out).digest == rf.load("resnet50").digest
    assert "Hugging Face" in new.err
    check = cli("check", str(tmp_path / "config.json"))
    assert check.code == 3
    assert "resforge new --from" in check.err
    assert cli("new", "resnet18", "--from", "config.json").code == 2
    assert cli("new").code == 2
    assert cli("new", "resnet18", "--format", "timm").code == 2
    assert cli("new", "--from", "missing.yaml").code == 3
    assert cli("export", "resnet50", "--config", "other").code == 3
    assert cli("export", "resnet50", "--config", "timm", "--fuse").code == 2


def test_each_format_has_a_name_of_its_own() -> None:
    assert [known.name for known in FORMATS.values()] == list(FORMATS)
    assert set(writable()) == set(EACH)
