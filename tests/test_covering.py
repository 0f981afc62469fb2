"""Few networks that cover the options of a space, and their exported programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import resforge as rf
import torch
from command_line import Cli
from resforge.generation import Architecture, Space
from resforge.generation.marks import options_of
from written import network_of

BASE = {"base": "cifar_resnet20", "shortcut": "projection"}


def space(free: dict[str, Any], **tree: Any) -> Space:
    return Space(**{"space": 1, "base": BASE, "free": free} | tree)


SPACES = {
    "plain": space({"norm": ["batch", "none"], "activation": ["relu", "silu", "gelu"]}),
    "one field": space({"norm": ["batch", "none"]}),
    "limits": space(
        {
            "stages[*].depth": [1, 2, 3],
            "stem.width": [8, 16, 32],
            "norm": ["batch", {"kind": "group", "groups": 3}, {"kind": "group", "groups": 8}],
        },
        where={"macs": {"max": 2e7}, "depth": {"min": 12}},
    ),
    "rules": space(
        {
            "stem.width": [4, 16, 64],
            "shortcut": ["zero_pad", "projection", "none"],
            "stages[*].width": {"choice": [16, 32], "each": "same"},
        }
    ),
}


def facts(space: Space, network: Architecture) -> list[tuple[str, str]]:
    """The choices of a network by the values in it, without the machinery of covers."""
    return [(place, json.dumps(value)) for place, value in space.values(network).items()]


def sets_of(found: list[tuple[str, str]], strength: int) -> Iterator[frozenset[tuple[str, str]]]:
    for number in range(1, strength + 1):
        yield from map(frozenset, combinations(found, number))


@pytest.mark.parametrize("strength", [1, 2])
@pytest.mark.parametrize("name", SPACES)
def test_all_that_can_stand_together_does(name: str, strength: int) -> None:
    spaces = SPACES[name]
    every = [facts(spaces, network) for network in spaces.enumerate()]
    found = spaces.cover(strength)
    wanted = {one for each in every for one in sets_of(each, strength)}
    covered = {one for each in found.networks for one in sets_of(facts(spaces, each), strength)}
    assert covered == wanted
    assert all(network.macs <= 2e7 for network in found.networks) or name != "limits"
    assert all(absent.proven for absent in found.absent)
    assert len(found.networks) < len(every) / (2 if len(every) > 20 else 1) + 1


def test_what_cannot_be_had_is_listed() -> None:
    found = SPACES["rules"].cover()
    listed = {absent.options: absent for absent in found.absent}
    assert ("stem.width: 64", "shortcut: zero_pad") in listed
    told = str(listed["stem.width: 64", "shortcut: zero_pad"])
    assert "no network among its 2 points: shortcut: zero_pad can widen, never narrow" in told
    limited = SPACES["limits"].cover()
    alone = {absent.options[0] for absent in limited.absent if len(absent.options) == 1}
    assert "norm: {kind: group, groups: 3}" in alone
    # An option that stands nowhere takes its pairs with it.
    assert not [a for a in limited.absent if len(a.options) == 2 and alone & {*a.options}]


def test_options_of_ranges_rows_and_items_within_items() -> None:
    drawn = space(
        {
            "stages[*].width": {"int": [8, 32], "step": 4, "each": "decreasing"},
            "stem.width": {"int": [8, 64]},
            "stages[*].depth": {"int": [1, 2], "each": "same"},
            "block": ["basic", {"kind": "bottleneck", "expansion": {"choice": [1, 2]}}],
        }
    )
    texts = [mark.text for mark in options_of(drawn.template).marks()]
    assert texts.count("stages[0].width: 20") == texts.count("stages[2].width: 32") == 1
    assert {text for text in texts if text.startswith("stem")} == {
        "stem.width: 8",
        "stem.width: 36",
        "stem.width: 64",
    }
    assert {text for text in texts if text.startswith("block")} == {
        "block: basic",
        "block: bottleneck",
        "block.expansion: 1",
        "block.expansion: 2",
    }
    assert "stages[*].depth: 2" in texts
    found = drawn.cover()
    assert not found.absent
    rows = [[stage.width for stage in network.spec.stages] for network in found.networks]
    assert all(row == sorted(row, reverse=True) for row in rows)
    pairs = {(row[0], row[2]) for row in rows}
    assert pairs >= {(32, 8), (32, 20), (32, 32), (20, 8), (20, 20), (8, 8)}
    wide = {(network.spec.stem.width, network.spec.stages[2].width) for network in found.networks}
    assert wide >= {(stem, width) for stem in (8, 36, 64) for width in (8, 20, 32)}


def test_points_with_options_are_counted_and_ordered_by_arithmetic() -> None:
    drawn = space(
        {
            "stages[*].width": {"int": [8, 24], "step": 4, "each": "increasing"},
            "block": ["basic", {"kind": "bottleneck", "expansion": {"choice": [1, 2, 4]}}],
        }
    )
    part = options_of(drawn.template)
    for one, two in combinations(part.marks(), 2):
        wanted = dict([*one.items, *two.items])
        if len(wanted) < len({*one.items, *two.items}):
            continue
        having = [index for index in range(drawn.size) if {*wanted.items()} <= {*part.at(index)}]
        given = [part.index(wanted, number) for number in range(part.size(wanted))]
        assert sorted(given) == having


def test_a_cover_is_small_and_the_same_for_a_seed() -> None:
    free = {f"stages[{stage}].depth": [1, 2, 3] for stage in range(3)} | {"stem.width": [8, 16, 24]}
    drawn = space(free)
    found = drawn.cover(seed=3)
    assert found == drawn.cover(seed=3)
    # 9 is the least for four fields of three options; a cover by chance takes some 25.
    assert 9 <= len(found.networks) <= 13
    assert [network.number for network in found.networks] == list(range(len(found.networks)))
    macs = [network.macs for network in found.networks]
    assert macs == sorted(macs)
    assert sum(macs) / len(macs) <= rf.plan(rf.load("cifar_resnet20")).macs
    assert {drawn.at(network.index).digest for network in found.networks} == {
        network.digest for network in found.networks
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"strength": 3}, "use strength=2"),
        ({"strength": True}, "use strength=2"),
        ({"seed": "x"}, "seed"),
        ({"tries": 0}, "tries"),
    ],
)
def test_bad_settings_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(rf.SpecError, match=said):
        SPACES["plain"].cover(**given)


def test_a_space_with_too_many_pairs_is_refused() -> None:
    drawn = space({"stem.width": [*range(8, 208)], "stages[0].width": [*range(8, 208)]})
    with pytest.raises(rf.SpecError, match="cover each option alone, or free less"):
        drawn.cover()


SPACE = """\
space: 1
base: cifar_resnet20
input_size: 16
free:
  stages[*].depth: {int: [1, 2], each: same}
  stages[*].width: {choice: [8], each: same}
  stem.width: [8]
  shortcut: [zero_pad, projection]
  norm: [batch, none, {kind: group, groups: 3}]
"""


@pytest.fixture
def cli(cli: Cli, tmp_path: Path) -> Cli:
    (tmp_path / "space.yaml").write_text(SPACE)
    return cli


def test_a_cover_on_the_command_line(cli: Cli) -> None:
    done = cli("generate", "space.yaml", "--cover", "pairs")
    records = [json.loads(line) for line in done.lines]
    assert {record["values"]["norm"] for record in records} == {"batch", "none"}
    assert f"18 options and pairs of options in {len(records)} networks" in done.err
    assert "absent: norm: {kind: group, groups: 3}: no network among its 4 points" in done.err
    few = cli("generate", "space.yaml", "--cover", "options", "--out", "nets", "--json")
    (absent,) = few.json["absent"]
    assert absent["options"] == ["norm: {kind: group, groups: 3}"]
    assert (few.json["networks"], few.json["covered"], absent["proven"]) == (2, 6, True)
    assert cli("generate", "space.yaml", "--cover", "pairs", "--out", "nets").code == 4


@pytest.mark.parametrize("way", [["--cover", "pairs"], ["--all"]])
def test_a_space_without_networks_says_why(cli: Cli, tmp_path: Path, way: list[str]) -> None:
    (tmp_path / "space.yaml").write_text(f"{SPACE}where: {{params: {{min: 1e8}}}}\n")
    for out in ([], ["--out", "nets"]):
        done = cli("generate", "space.yaml", *way, *out)
        assert (done.code, done.out) == (3, "")
        assert "the nearest has" in done.err
        assert "space.yaml:10:" in done.err


def beside(place: Path, ending: str) -> Path:
    return place.with_name(place.name + ending)


def run_program(place: Path, form: str, images: torch.Tensor) -> Any:
    if form == "torch-export":
        return torch.export.load(beside(place, ".pt2")).module()(images)
    if form == "onnx":
        runtime = pytest.importorskip("onnxruntime")
        session = runtime.InferenceSession(beside(place, ".onnx"))
        return torch.from_numpy(session.run(["logits"], {"images": images.numpy()})[0])
    from safetensors.torch import load_file

    model = network_of(beside(place, ".py").read_text())
    model.load_state_dict(load_file(beside(place, ".safetensors")))
    return model.eval()(images)


@pytest.mark.parametrize("form", ["onnx", "torch-export", "code"])
def test_exported_programs_give_the_expected_outputs(cli: Cli, tmp_path: Path, form: str) -> None:
    if form == "onnx":
        pytest.importorskip("onnxscript")
    done = cli("generate", "space.yaml", "-n", "1", "--out", "nets", "--export", form)
    assert done.code == 0
    assert "1 of 1 networks exported" in done.err
    (file,) = (tmp_path / "nets").glob("*.yaml")
    case = np.load(file.with_suffix(".npz"), allow_pickle=False)
    assert case["images"].shape == (2, 3, 16, 16)
    model = rf.build(rf.load(file), seed=0).eval()
    with torch.no_grad():
        images = torch.from_numpy(case["images"])
        assert torch.equal(model(images), torch.from_numpy(case["logits"]))
        # onnxruntime folds norms and sums in an order of its own.
        found = run_program(file.with_suffix(""), form, images)
        torch.testing.assert_close(found, model(images), rtol=1e-4, atol=1e-5)


def test_what_was_not_exported_yet_is(cli: Cli, tmp_path: Path) -> None:
    command = ["generate", "space.yaml", "--cover", "options", "--out", "nets", "--export", "code"]
    assert cli(*command).code == 0
    files = {file: file.read_bytes() for file in (tmp_path / "nets").iterdir()}
    assert len(files) == 2 * len([".yaml", ".py", ".safetensors", ".npz"]) + 2
    gone = sorted(file for file in files if file.suffix == ".npz")[0]
    gone.unlink()
    stamps = {file: file.stat().st_mtime_ns for file in files if file != gone}
    assert "2 of 2 networks exported" in cli(*command).err
    # The library that writes weights keeps no order in the notes beside them.
    again = {file: file.read_bytes() for file in files if file.suffix != ".safetensors"}
    assert again == {file: files[file] for file in again}
    kept = {file for file, stamp in stamps.items() if file.stat().st_mtime_ns == stamp}
    assert {file.stem for file in stamps if file not in kept} - {".lock"} == {gone.stem}


def test_a_network_that_cannot_be_exported_keeps_no_other_back(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from resforge.export import ExportError, cases

    def fail(model: Any, path: Path, **options: Any) -> None:
        if "norm-none" in path.name:
            raise ExportError("no such operator")

    monkeypatch.setattr(cases, "to_torch_export", fail)
    command = ["generate", "space.yaml", "--cover", "options", "--out", "nets", "--export"]
    done = cli(*command, "torch-export")
    assert done.code == 1
    assert "no such operator" in done.err
    assert "1 of 2 networks exported" in done.err


def test_what_cannot_be_exported_is_refused_before_any_work(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from resforge.export import onnx_file

    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None)
    done = cli("generate", "space.yaml", "--cover", "pairs", "--out", "nets", "--export", "onnx")
    assert done.code == 3
    assert "pip install 'resforge[onnx]'" in done.err
    for tokens in (["--export", "code"], ["--export", "code", "--out", "nets", "--format", "csv"]):
        done = cli("generate", "space.yaml", *tokens)
        assert done.code == 2
        assert "--export is for --out with a file per network only" in done.err
    assert not (tmp_path / "nets").exists()
    done = cli("generate", "space.yaml", "--cover", "pairs", "--all")
    assert done.code == 2
    assert "--all and --cover exclude each other" in done.err
