"""What somebody tries first in Python: printing, listing names, opening what was saved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import resforge as rf
import torch
from resforge import classify, training
from resforge.classify.runs.folder import RunFolder
from torch import nn


def test_print_shows_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """One table: printed, by `rf.show`, and by the command."""
    plan = rf.plan("resnet18", 224)
    rf.show("resnet18")
    assert capsys.readouterr().out == f"{plan}\n"
    command = [sys.executable, "-m", "resforge", "show", "resnet18"]
    assert subprocess.run(command, capture_output=True, text=True).stdout == f"{plan}\n"
    assert "layer4  basic x2, 256 -> 512, /2" in str(plan)
    rf.show(plan)
    rf.show({"resforge": 1, "base": "resnet18"}, 224)
    assert capsys.readouterr().out == f"{plan}\n{plan}\n"
    rf.show(plan, 64, every_layer=True)
    shown = capsys.readouterr().out
    assert "3x64x64 -> 1000" in shown
    assert "layer1.0.conv1" in shown
    assert len(repr(plan)) > 1000  # the fields, as before


def test_a_printed_spec_is_its_yaml() -> None:
    spec = rf.load("resnet18")
    assert rf.loads(str(spec)) == spec
    assert f"{spec}\n" == spec.to_yaml()


def test_a_module_is_shown_by_its_spec() -> None:
    with pytest.raises(rf.SpecError, match="not ResNet") as caught:
        rf.show(rf.build("digits_resnet8", device="meta"))  # type: ignore[arg-type]
    assert caught.value.help == "give it resforge.spec_of(model)"


@pytest.mark.parametrize("module", [rf, training, classify], ids=lambda m: m.__name__)
def test_dir_lists_what_there_is(module: ModuleType) -> None:
    public = {name for name in dir(module) if not name.startswith("__")}
    folders = {name for name in public if isinstance(getattr(module, name), ModuleType)}
    assert public - folders == set(module.__all__) - {"__version__"}
    assert all(getattr(module, name).__name__ == f"resforge.{name}" for name in folders)
    if module is rf:
        packages = {path.parent.name for path in Path(rf.__file__).parent.glob("*/__init__.py")}
        assert folders >= packages - {"tests", "cli"}


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a saved network, files of weights, and what marks a run."""
    monkeypatch.chdir(tmp_path)
    model = rf.build("digits_resnet8")
    rf.save_pretrained(model, "saved")
    rf.save_weights(model, "some.safetensors")
    torch.save(model.state_dict(), "some.pth")
    Path("run").mkdir()
    Path("run/run.json").write_text("{}")
    assert RunFolder(Path("run")).is_begun
    rf.save_weights(model, "run/best.safetensors")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("run", "resforge.load_run('run').model"),
        ("run/best.safetensors", "resforge.load_run('run/best.safetensors').model"),
        ("saved", "resforge.from_pretrained('saved')"),
        ("saved/model.safetensors", "resforge.from_pretrained('saved')"),
        ("some.safetensors", "resforge.load_weights(model, 'some.safetensors')"),
        ("some.pth", "resforge.load_weights(model, 'some.pth')"),
    ],
)
def test_what_holds_weights_says_what_to_call(saved: Path, name: str, call: str) -> None:
    for function in (rf.load, rf.build, rf.plan, rf.show):
        for given in (name, Path(name)):
            with pytest.raises(rf.SpecError) as caught:
                function(given)  # type: ignore[operator]
            assert call in (caught.value.help or "")
    if name != "saved":
        with pytest.raises(rf.ResforgeError) as refused:
            rf.from_pretrained(name)
        assert call in str(refused.value)


@pytest.mark.parametrize("part", ["stages:0", "stages:2", "backbone", "norm"])
def test_frozen_parts_stay_as_they_are(part: str) -> None:
    torch.manual_seed(0)
    model = rf.build("cifar_resnet20")
    names = list(model.state_dict())
    assert rf.freeze(model, part) is model
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert list(before) == names
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    model.train()(torch.randn(4, 3, 16, 16)).square().sum().backward()
    optimizer.step()
    after = model.state_dict()
    moved = {name for name in names if not torch.equal(before[name], after[name])}
    frozen = {
        "stages:0": ("conv1", "bn1"),
        "stages:2": ("conv1", "bn1", "layer1", "layer2"),
        "backbone": ("conv1", "bn1", "layer1", "layer2", "layer3"),
    }
    norms = {
        f"{name}.{own}"
        for name, module in model.named_modules()
        if isinstance(module, nn.BatchNorm2d)
        for own in module.state_dict()
    }
    kept = norms if part == "norm" else {n for n in names if n.split(".")[0] in frozen[part]}
    assert moved == set(names) - kept
    assert rf.spec_of(model) == rf.load("cifar_resnet20")


def test_unknown_parts_to_freeze() -> None:
    with pytest.raises(ValueError, match=r"'stages:9' cannot be frozen; use backbone, norm, or "):
        rf.freeze(rf.build("cifar_resnet20"), "stages:9")
    maps = rf.freeze(rf.FeatureMaps(rf.build("cifar_resnet20")), "stages:1")
    assert not any(p.requires_grad for p in maps.layer1.parameters())
