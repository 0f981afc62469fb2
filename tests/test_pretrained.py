"""Folders that hold a network whole, and the door to the Hub."""

from __future__ import annotations

import json
import shutil
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
import torch
from hypothesis import given, settings
from resforge import export
from resforge.export import pretrained
from resforge.testing import strategies
from torch import nn


@settings(max_examples=15)
@given(strategies.specs(max_depth=2, max_width=4))
def test_a_folder_holds_the_network(
    tmp_path_factory: pytest.TempPathFactory, spec: rf.ResNetSpec
) -> None:
    folder = tmp_path_factory.mktemp("net") / "deep" / "down"
    model = rf.build(spec, seed=3)
    rf.save_pretrained(model, folder)
    again = rf.from_pretrained(folder)
    assert rf.spec_of(again) == spec
    assert not again.training
    ours, theirs = again.state_dict(), model.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    names: dict[str, Any] = {"__name__": "model"}
    exec((folder / "model.py").read_text(encoding="utf-8"), names)
    names["ResNet"]().load_state_dict(theirs)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert spec.to_yaml() in card
    assert f"| parameters | {rf.plan(spec, 99).params:,} |" in card


def test_a_folder_keeps_the_precision(tmp_path: Path) -> None:
    rf.save_pretrained(rf.build("digits_resnet8", dtype=torch.float64), tmp_path)
    assert rf.from_pretrained(tmp_path).fc.weight.dtype == torch.float64


def test_a_folder_is_written_over(tmp_path: Path) -> None:
    for name in ("digits_resnet8", "cifar_resnet20"):
        rf.save_pretrained(rf.build(name), tmp_path)
        assert rf.spec_of(rf.from_pretrained(tmp_path)).name == name
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["README.md", "config.json", "model.py", "model.safetensors", "network.svg"]
    )


def test_what_is_no_longer_its_spec_is_not_saved(tmp_path: Path) -> None:
    fused = rf.fuse(rf.build("digits_resnet8"))
    with pytest.raises(rf.ResforgeError, match="save the network as it was built"):
        rf.save_pretrained(fused, tmp_path / "net")
    with pytest.raises(rf.ResforgeError, match="was not built by resforge"):
        rf.save_pretrained(nn.Linear(1, 1), tmp_path / "net")
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(rf.StoreError, match="cannot be made"):
        rf.save_pretrained(rf.build("digits_resnet8"), tmp_path / "file" / "net")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"config.json": None}, export.ExportError, r"config\.json cannot be read"),
        ({"config.json": b"{"}, export.ExportError, "is not what save_pretrained wrote"),
        ({"config.json": b"[]"}, export.ExportError, "is not what save_pretrained wrote"),
        ({"config.json": b"\xff"}, export.ExportError, "is not what save_pretrained wrote"),
        ({"config.json": b'{"spec": {"resforge": 2}}'}, rf.SpecError, "resforge"),
        ({"model.safetensors": None}, rf.WeightsError, "cannot be read"),
        ({"model.safetensors": b"nothing"}, rf.WeightsError, "model.safetensors"),
    ],
)
def test_folders_that_were_harmed(
    tmp_path: Path, changes: dict[str, bytes | None], error: type[Exception], message: str
) -> None:
    rf.save_pretrained(rf.build("digits_resnet8"), tmp_path)
    for name, content in changes.items():
        (tmp_path / name).unlink()
        if content is not None:
            (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=message):
        rf.from_pretrained(tmp_path)


@pytest.mark.parametrize("field", ["dtype", "digest"])
def test_a_config_that_was_edited(tmp_path: Path, field: str) -> None:
    rf.save_pretrained(rf.build("digits_resnet8"), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, field: "nn"}))
    with pytest.raises(export.ExportError, match="is not what save_pretrained wrote"):
        rf.from_pretrained(tmp_path)


def test_the_files_of_two_networks(tmp_path: Path) -> None:
    same = rf.load("digits_resnet8").replace({"activation": "silu"})
    rf.save_pretrained(rf.build("digits_resnet8"), tmp_path / "a")
    rf.save_pretrained(rf.build(same), tmp_path / "b")
    shutil.copy(tmp_path / "b" / "config.json", tmp_path / "a")
    with pytest.raises(export.ExportError, match="does not say that it is of the network"):
        rf.from_pretrained(tmp_path / "a")


def test_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked of huggingface_hub; nothing here goes online."""
    made = []

    def snapshot_download(name: str, revision: str | None, allow_patterns: list[str]) -> str:
        assert (name, revision) == ("someone/net", "main")
        assert set(allow_patterns) == {"config.json", "model.safetensors", "pytorch_model.bin"}
        return str(tmp_path)

    hub = types.SimpleNamespace(
        snapshot_download=snapshot_download,
        create_repo=lambda name, exist_ok: made.append(name),
        upload_folder=lambda repo_id, folder_path: f"https://hub/{repo_id}",
    )
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    model = rf.build("digits_resnet8", seed=9)
    assert export.push_to_hub(model, "someone/net", tmp_path) == "https://hub/someone/net"
    assert made == ["someone/net"]
    again = rf.from_pretrained("someone/net", revision="main")
    assert torch.equal(again.conv1.weight, model.conv1.weight)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(export.ExportError, match=r"no folder here.*pip install huggingface_hub"):
        rf.from_pretrained("someone/net")


def test_the_names_of_the_files() -> None:
    assert pretrained.WEIGHTS == "model.safetensors"  # what the Hub counts and shows
    assert pretrained.CONFIG == "config.json"


def test_folders_of_other_projects(tmp_path: Path) -> None:
    spec = rf.load("resnet18").replace({"stages[*].width": 8, "head.num_classes": 3})
    ours = rf.build(spec, seed=1).eval()
    for name in ("timm", "huggingface"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(rf.to_config(spec, name)))
        with pytest.raises(rf.ResforgeError, match="holds no weights"):
            rf.from_pretrained(folder)
        rf.convert_weights(ours.state_dict(), folder / "weights.pth", to=name, spec=spec)
        (folder / "weights.pth").rename(folder / "pytorch_model.bin")
        theirs = rf.from_pretrained(folder)
        x = torch.randn(2, 3, 64, 64)
        assert torch.equal(ours(x), theirs(x))
        assert not theirs.training


def test_tensors_that_the_network_has_no_place_for_are_left_out_on_request(tmp_path: Path) -> None:
    spec = rf.load("resnet18").replace({"stages[*].width": 8, "head.num_classes": 3})
    ours = rf.build(spec, seed=1).eval()
    rf.convert_weights(ours.state_dict(), tmp_path / "weights.pth", to="huggingface", spec=spec)
    state = torch.load(tmp_path / "weights.pth", weights_only=True)
    torch.save(state | {"extra.norm.weight": torch.ones(8)}, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text(json.dumps(rf.to_config(spec, "huggingface")))
    with pytest.raises(rf.WeightsError, match=r"(?s)extra\.norm.*allow_extra=True"):
        rf.from_pretrained(tmp_path)
    theirs = rf.from_pretrained(tmp_path, allow_extra=True)
    x = torch.randn(2, 3, 64, 64)
    assert torch.equal(ours(x), theirs(x))
