"""``resforge generate``: files, lines, sizes, surveys; going on where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
from command_line import Cli
from resforge.generation import NetworkFolder, load_space

SPACE = """\
space: 1
name: small
base: cifar_resnet20
free:
  stages[*].depth: {int: [1, 3]}
  shortcut: [zero_pad, projection]
where: {params: {max: 200000}}
"""


@pytest.fixture
def space(tmp_path: Path) -> str:
    path = tmp_path / "space.yaml"
    path.write_text(SPACE)
    return str(path)


def test_a_file_for_each_network(cli: Cli, space: str, tmp_path: Path) -> None:
    out = tmp_path / "nets"
    done = cli("generate", space, "-n", "5", "--seed", "3", "--out", str(out))
    assert (done.code, done.lines) == (0, [f"5 networks in {out}"])
    files = sorted(out.glob("*.yaml"))
    drawn = {rf.load(file).digest for file in files}
    wanted = [found.digest for found, _ in zip(load_space(space).sample(3), range(5), strict=False)]
    assert drawn == set(wanted)
    assert all(file.stem.endswith(rf.load(file).digest[:16]) for file in files)
    assert cli("check", *map(str, files)).code == 0


@pytest.mark.parametrize("format", ["yaml", "jsonl"])
def test_the_same_command_resumes(cli: Cli, space: str, tmp_path: Path, format: Any) -> None:
    whole = tmp_path / "whole"
    assert cli("generate", space, "-n", "9", "--out", str(whole), "--format", format).code == 0
    parts = tmp_path / "parts"
    for count in ("4", "4", "9"):
        assert (
            cli("generate", space, "-n", count, "--out", str(parts), "--format", format).code == 0
        )
    names = sorted(file.name for file in whole.iterdir())
    assert sorted(file.name for file in parts.iterdir()) == names
    for name in names:
        assert (parts / name).read_bytes() == (whole / name).read_bytes()


def test_a_line_that_was_cut_off_is_written_again(cli: Cli, space: str, tmp_path: Path) -> None:
    cli("generate", space, "-n", "6", "--out", str(tmp_path / "a"), "--format", "jsonl")
    lines = tmp_path / "a" / "networks.jsonl"
    whole = lines.read_bytes()
    lines.write_bytes(whole[:-30])
    cli("generate", space, "-n", "6", "--out", str(tmp_path / "a"), "--format", "jsonl")
    assert lines.read_bytes() == whole


def test_lines_hold_the_spec_and_its_costs(cli: Cli, space: str) -> None:
    done = cli("generate", space, "-n", "4")
    records = [json.loads(line) for line in done.lines]
    assert (done.code, len(records)) == (0, 4)
    for record in records:
        spec = rf.ResNetSpec(**record["spec"])
        plan = rf.plan(spec)
        assert (record["digest"], record["params"]) == (spec.digest, plan.params)
        assert (record["macs"], record["depth"]) == (plan.macs, plan.depth)


def test_another_seed_space_or_format_is_refused(cli: Cli, space: str, tmp_path: Path) -> None:
    out = str(tmp_path / "nets")
    cli("generate", space, "-n", "2", "--out", out)
    for change in (["--seed", "1"], ["--format", "jsonl"]):
        done = cli("generate", space, "-n", "2", "--out", out, *change)
        assert done.code == 4
        assert "choose another --out" in done.err
    assert cli("generate", "cifar_resnets", "-n", "2", "--out", out).code == 4


@pytest.mark.parametrize("format", ["yaml", "jsonl"])
def test_one_process_at_a_time_writes_into_a_folder(
    cli: Cli, space: str, tmp_path: Path, format: Any
) -> None:
    out = tmp_path / "nets"
    writer = NetworkFolder(out, load_space(space), format=format).fill(4)
    next(writer)
    before = sorted(file.name for file in out.iterdir())
    command = ["generate", space, "-n", "6", "--out", str(out), "--format", format]
    done = cli(*command)
    assert done.code == 4
    assert "another process is writing networks into it: wait for it" in done.err
    assert sorted(file.name for file in out.iterdir()) == before
    list(writer)
    assert cli(*command).lines == [f"6 networks in {out}"]


def test_networks_of_another_writer_are_not_written_again(space: str, tmp_path: Path) -> None:
    early, late = (NetworkFolder(tmp_path, load_space(space), format="jsonl") for _ in "ab")
    list(late.fill(3))
    assert min(found.number for found in early.fill(5)) >= 3
    assert len((tmp_path / "networks.jsonl").read_text().splitlines()) == early.count == 5


def test_an_exhausted_space_is_reported(cli: Cli, space: str, tmp_path: Path) -> None:
    done = cli("generate", space, "-n", "500", "--out", str(tmp_path / "nets"), "--json")
    given = json.loads(done.out)["networks"]
    assert done.code == 0
    assert given == len({found.digest for found in load_space(space).enumerate()})
    assert f"the space has no more: {given} networks of 500" in done.err


def test_no_count_is_too_large(cli: Cli, space: str) -> None:
    done = cli("generate", space, "-n", str(10**30))
    assert done.code == 0
    assert len(done.lines) == len({found.digest for found in load_space(space).enumerate()})
    assert cli("generate", "check", space, "--points", str(10**30)).code == 0


def test_size(cli: Cli, space: str) -> None:
    done = cli("generate", "size", space)
    assert done.lines[0] == "54 points"
    assert json.loads(cli("generate", "size", "anynet_x_a", "--json").out)["size"] == 36864**4


def test_check(cli: Cli, space: str) -> None:
    found = json.loads(cli("generate", "check", space, "--json").out)
    assert (found["size"], found["points"], found["networks"]) == (54, 54, 54)
    assert found["within"] == found["distinct"] == len(list(load_space(space).enumerate()))
    assert found["ranges"]["params"][2] <= 200_000
    assert "54 points, of which 54 were looked at" in cli("generate", "check", space).out


def test_a_space_without_networks_exits_with_3(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(SPACE.replace("{max: 200000}", "[1e8, 1e9]"))
    for verb in (["generate"], ["generate", "check"]):
        done = cli(*verb, str(path))
        assert done.code == 3
        assert "the nearest has" in done.err
        assert "space.yaml:7:" in done.err
        assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("tokens", "code"),
    [
        (["generate", "no_such_space"], 3),
        (["generate", "missing.yaml"], 3),
        (["generate", "cifar_resnets", "-n", "0"], 2),
        (["generate", "cifar_resnets", "--format", "xml"], 2),
        (["generate", "check", "cifar_resnets", "--points", "-3"], 2),
        (["generate", "size"], 2),
    ],
)
def test_bad_input_ends_as_agreed(cli: Cli, tokens: list[str], code: int) -> None:
    done = cli(*tokens)
    assert done.code == code
    assert "help:" in done.err


def test_a_network_is_no_space(cli: Cli) -> None:
    done = cli("generate", "resnet18")
    assert done.code == 3
    assert "resnet18 is a network: write a space with base: resnet18" in done.err


def test_a_damaged_folder_is_refused(space: str, tmp_path: Path) -> None:
    folder = NetworkFolder(tmp_path / "nets", load_space(space), format="jsonl")
    list(folder.fill(2))
    (tmp_path / "nets" / "networks.jsonl").write_text("nonsense\n")
    with pytest.raises(rf.specs.StoreError, match="damaged after byte 0"):
        NetworkFolder(tmp_path / "nets", load_space(space), format="jsonl")
    (tmp_path / "nets" / "space.json").write_text("{")
    with pytest.raises(rf.specs.StoreError, match="cannot be read"):
        NetworkFolder(tmp_path / "nets", load_space(space), format="jsonl")


def test_guided_draws_are_told_as_such(cli: Cli, space: str) -> None:
    said = "not with the declared probabilities"
    assert said in cli("generate", space, "-n", "2", "--guided").err
    assert said not in cli("generate", space, "-n", "2").err


@pytest.mark.parametrize("cover", ["options", "pairs"])
def test_nothing_to_cover(cli: Cli, tmp_path: Path, cover: str) -> None:
    free = "free: {shortcut: [projection]}"
    (tmp_path / "one.yaml").write_text(f"space: 1\nbase: cifar_resnet20\n{free}\n")
    for more in ((), ("--out", "covered")):
        done = cli("generate", "one.yaml", "--cover", cover, *more)
        assert done.code == 3
        assert "no field has several values" in done.err
    assert cli("generate", "size", "one.yaml").out.startswith("1 point\n")
