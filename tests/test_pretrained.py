"""Folders that hold a network whole, and the doors to the Hub and to timm."""

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
from resforge.export import pretrained, with_timm
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
    with pytest.raises(export.ExportError, match="are of two networks"):
        rf.from_pretrained(tmp_path / "a")


def test_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked of huggingface_hub; nothing here goes online."""
    made = []

    def snapshot_download(name: str, revision: str | None, allow_patterns: list[str]) -> str:
        assert (name, revision) == ("someone/net", "main")
        assert set(allow_patterns) == {"config.json", "model.safetensors"}
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


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What of timm's registry is used, as it answers in timm 1.0.31."""
    known: dict[str, Any] = {}

    class FeatureInfo:
        def __init__(self, info: list[dict[str, Any]], out_indices: Any) -> None:
            self.info, self.out_indices = info, out_indices

        def channels(self) -> list[int]:
            return [self.info[index]["num_chs"] for index in self.out_indices]

    def resolve(name: str, config: Any, overlay: Any) -> Any:
        found = {**with_timm.default_cfgs[name], **(overlay or {})}
        return types.SimpleNamespace(to_dict=lambda: found)

    models = types.SimpleNamespace(
        register_model=lambda make: known.setdefault(make.__name__, make),
        is_model=known.__contains__,
        resolve_pretrained_cfg=resolve,
        FeatureInfo=FeatureInfo,
    )
    monkeypatch.setitem(sys.modules, "timm", types.SimpleNamespace(models=models))
    monkeypatch.setitem(sys.modules, "timm.models", models)
    return types.SimpleNamespace(create_model=lambda name, **kwargs: known[name](**kwargs))


def test_timm_finds_the_catalogue(timm: Any) -> None:
    names = rf.register_with_timm()
    assert names == [f"resforge_{name}" for name in rf.list_specs()]
    assert rf.register_with_timm("resnet18*")[0] == "resforge_resnet18"
    model = timm.create_model("resforge_resnet18d", num_classes=10, in_chans=1, drop_path_rate=0.1)
    changes = {"head.num_classes": 10, "in_channels": 1, "stochastic_depth": 0.1}
    assert rf.spec_of(model) == rf.load("resnet18d").replace(changes)
    assert (model.num_classes, model.num_features) == (10, 512)
    assert model.pretrained_cfg["input_size"] == (3, 224, 224)
    x = torch.randn(2, 3, 32, 32)
    assert timm.create_model("resforge_cifar_resnet20", num_classes=0)(x).shape == (2, 64)
    maps = timm.create_model("resforge_resnet18", features_only=True, out_indices=(2, 4))
    assert maps.feature_info.channels() == [m.shape[1] for m in maps(x)] == [128, 512]
    assert [info["reduction"] for info in maps.feature_info.info] == [2, 4, 8, 16, 32]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pretrained": True}, "comes with no weights"),
        ({"global_pool": "max"}, "global_pool: not for networks of resforge; known: num_classes"),
        ({"num_classes": -1}, "head.num_classes"),
        ({"features_only": True, "out_indices": (0, 1)}, "are not stages"),
    ],
)
def test_what_timm_may_not_ask(timm: Any, options: dict[str, Any], message: str) -> None:
    rf.register_with_timm("resnet18")
    with pytest.raises(rf.ResforgeError, match=message):
        timm.create_model("resforge_resnet18", **options)


def test_without_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm.models", None)
    with pytest.raises(export.ExportError, match=r"timm cannot be imported.*pip install timm"):
        rf.register_with_timm()


def test_the_names_of_the_files() -> None:
    assert pretrained.WEIGHTS == "model.safetensors"  # what the Hub counts and shows
    assert pretrained.CONFIG == "config.json"
