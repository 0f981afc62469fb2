"""All networks of a space in its order: names that tell the choices, tables, figures."""

from __future__ import annotations

import csv
import io
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
from command_line import Cli
from resforge.generation import (
    ChoiceNames,
    ListedFolder,
    NetworkFolder,
    Space,
    draw_costs,
    load_space,
    table_of,
)
from resforge.generation.names import MAX_LENGTH

SPACE = """\
space: 1
base: cifar_resnet20
free:
  stages[*].depth: {int: [1, 3], each: same}
  stem.width: [8, 16]
  shortcut: [zero_pad, projection]
  block: [basic, {kind: bottleneck, expansion: {choice: [1, 2]}}]
where: {params: {max: 200000}}
"""


@pytest.fixture
def cli(cli: Cli, tmp_path: Path) -> Cli:
    (tmp_path / "space.yaml").write_text(SPACE)
    return cli


@pytest.fixture
def space(tmp_path: Path, cli: Cli) -> Space:
    return load_space(tmp_path / "space.yaml")


def test_all_networks_come_in_the_order_of_the_space(cli: Cli, space: Space) -> None:
    done = cli("generate", "space.yaml", "--all", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    found = list(space.enumerate())
    assert done.code == 0
    assert 0 < len(found) < space.size
    assert [int(row["index"]) for row in rows] == [each.index for each in found]
    for row, each in zip(rows, found, strict=True):
        plan = rf.plan(each.spec)
        assert (row["digest"], int(row["macs"]), int(row["depth"])) == (
            each.digest,
            plan.macs,
            plan.depth,
        )
        assert row["stages[2].depth"] == str(each.spec.stages[2].depth)
        assert row["stem.width"] == str(each.spec.stem.width)
        assert row["shortcut"] == each.spec.shortcut.change.kind
    assert rows[-1]["block"] == "{kind: bottleneck, expansion: 1}"


def test_files_are_named_after_the_choices(cli: Cli, space: Space, tmp_path: Path) -> None:
    done = cli("generate", "space.yaml", "--all", "--out", "nets")
    found = list(space.enumerate())
    assert done.lines == [f"{len(found)} networks in nets"]
    files = {file.name: rf.load(file) for file in (tmp_path / "nets").glob("*.yaml")}
    assert len(files) == len(found)
    assert files["d-2_stem-w-16_projection_basic.yaml"].digest in {each.digest for each in found}
    spec = files["d-1_stem-w-8_zero_pad_bottleneck-expansion-2.yaml"]
    assert [stage.depth for stage in spec.stages] == [1, 1, 1]
    assert (spec.stem.width, spec.shortcut.change.kind) == (8, "zero_pad")
    assert spec.block.expansion == 2


def test_networks_that_repeat_another_are_counted(cli: Cli, tmp_path: Path) -> None:
    free = "free:\n  block: [bottleneck, {kind: bottleneck, expansion: {choice: [2, 4]}}]\n"
    (tmp_path / "same.yaml").write_text(
        f"space: 1\nbase: {{base: cifar_resnet20, shortcut: projection}}\n{free}"
    )
    done = cli("generate", "same.yaml", "--all", "--format", "csv")
    assert len(done.lines) == 1 + 3
    assert "1 of them is the same network as another" in done.err
    assert cli("generate", "same.yaml", "--all", "--out", "nets", "--json").json["repeated"] == 1
    assert "same network" not in cli("generate", "space.yaml", "--all").err


NAMED = [
    ({"stages[*].width": {"int": [8, 9]}}, "w-8-8-8"),
    ({"stages[0].width": {"int": [8, 9]}}, "s0-w-8"),
    ({"norm": ["none", "batch"]}, "norm-none"),
    ({"norm": ["batch", {"kind": "group", "groups": 4}]}, "batch"),
    ({"init.zero_residual": [True, False]}, "init-zero_residual-true"),
    ({"stochastic_depth": [{"rate": {"real": [0.1, 0.2], "step": 0.1}}]}, "rate-0.1"),
]


@pytest.mark.parametrize(("free", "name"), NAMED, ids=[name for _, name in NAMED])
def test_names(free: dict[str, Any], name: str) -> None:
    base = {"base": "cifar_resnet20", "shortcut": "projection"}
    space = Space(space=1, base=base, free=free)
    found = next(space.enumerate())
    assert ChoiceNames(space).name(found) == name


def test_long_names_are_cut_and_stay_different() -> None:
    blocks = [{"kind": "bottleneck", "expansion": 2}, {"kind": "bottleneck", "expansion": 4}]
    free = {
        f"stages[{stage}].{field}": [*options]
        for stage in range(3)
        for field, options in (("block", blocks), ("shortcut", ["projection", "avg_projection"]))
    }
    space = Space(space=1, base="cifar_resnet20", free=free)
    names = ChoiceNames(space)
    given = [names.name(found) for found in space.enumerate()]
    assert len({name.casefold() for name in given}) == len(given) == space.size
    assert max(map(len, given)) == MAX_LENGTH
    again = ChoiceNames(space)
    assert [again.name(found) for found in space.enumerate()] == given


def test_names_of_values_that_read_alike_stay_different() -> None:
    base = {"base": "cifar_resnet20", "block": "bottleneck", "stages": [{"depth": 2, "width": 8}]}
    free = {"stages[0].inner": [[[8, 8], 8], [8, [8, 8]]]}
    space = Space(space=1, base={**base, "shortcut": "projection"}, free=free)
    names = ChoiceNames(space)
    assert [names.name(found) for found in space.enumerate()] == [
        "s0-inner-8-8-8",
        "s0-inner-8-8-8_1",
    ]


@pytest.mark.parametrize("format", ["yaml", "jsonl", "csv"])
def test_a_folder_becomes_whole_again(cli: Cli, tmp_path: Path, format: str) -> None:
    command = ["generate", "space.yaml", "--all", "--format", format, "--out"]
    assert cli(*command, "whole").code == cli(*command, "hurt").code == 0
    whole = {file.name: file.read_bytes() for file in (tmp_path / "whole").iterdir()}
    hurt = tmp_path / "hurt"
    if format == "yaml":
        files = sorted(hurt.glob("*.yaml"))
        files[3].unlink()
        files[5].write_bytes(b"")
        files[6].write_bytes(files[6].read_bytes()[:-20])
    else:
        (lines,) = hurt.glob("networks.*")
        kept = lines.read_bytes().splitlines(keepends=True)
        lines.write_bytes(b"".join([*kept[:3], *kept[4:-1], kept[-1][:-9]]))
    assert cli(*command, "hurt").code == 0
    assert {file.name: file.read_bytes() for file in hurt.iterdir()} == whole


def test_a_folder_holds_one_list(cli: Cli) -> None:
    assert cli("generate", "space.yaml", "--all", "--out", "nets").code == 0
    for command in (["-n", "3"], ["--all", "--format", "csv"]):
        done = cli("generate", "space.yaml", *command, "--out", "nets")
        assert done.code == 4
        assert "holds networks of another" in done.err


def test_one_process_at_a_time_lists_into_a_folder(cli: Cli, space: Space, tmp_path: Path) -> None:
    writer = ListedFolder(tmp_path / "nets", space, "all").fill(space.enumerate())
    next(writer)
    done = cli("generate", "space.yaml", "--all", "--out", "nets")
    assert done.code == 4
    assert "another process is writing networks into it" in done.err


def test_draws_come_as_a_table_that_is_resumed(cli: Cli, space: Space, tmp_path: Path) -> None:
    for count in ("2", "7"):
        command = ["generate", "space.yaml", "-n", count, "--format", "csv", "--out", "nets"]
        assert cli(*command).code == 0
    table = tmp_path / "nets" / "networks.csv"
    wanted = table_of(space, islice(space.sample(), 7))
    assert table.read_text() == wanted
    lines = wanted.splitlines(keepends=True)
    table.write_text("".join(lines[:3] + lines[4:]))
    list(NetworkFolder(tmp_path / "nets", space, format="csv").fill(7))
    assert table.read_text() == wanted
    table.write_text("".join(lines[1:]))
    with pytest.raises(rf.specs.StoreError, match="damaged after byte 0"):
        NetworkFolder(tmp_path / "nets", space, format="csv")


def test_a_figure_has_a_panel_for_each_choice(cli: Cli, space: Space, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    done = cli("generate", "space.yaml", "--all", "--out", "nets", "--figure", "costs.svg")
    assert done.code == 0
    assert "wrote costs.svg" in done.err
    drawn = (tmp_path / "costs.svg").read_text()
    for text in ("stages[*].depth", "stem.width", "zero_pad", "basic", "MACs of one image"):
        assert f">{text}<" in drawn
    with pytest.raises(rf.SpecError, match="no choice in which they differ"):
        draw_costs(tmp_path / "one.svg", space, [space.nth(0)])
    with pytest.raises(rf.SpecError, match="use params or macs"):
        draw_costs(tmp_path / "one.svg", space, [space.nth(0), space.nth(1)], "flops")


@pytest.mark.parametrize(
    ("tokens", "code", "said"),
    [
        (["space.yaml", "--all", "-n", "3"], 2, "exclude each other: leave one out"),
        (["space.yaml", "--format", "yaml"], 2, "--format yaml is for --out only"),
        (["space.yaml", "--all", "--figure", "costs.bmp"], 3, "use costs.svg"),
        (["cifar_resnets", "--all"], 3, "draw some with --count, free less"),
    ],
)
def test_bad_input_ends_before_any_work(
    cli: Cli, tokens: list[str], code: int, said: str, tmp_path: Path
) -> None:
    before = sorted(tmp_path.iterdir())
    done = cli("generate", *tokens)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert sorted(tmp_path.iterdir()) == before


def test_several_networks_are_one_table(cli: Cli) -> None:
    done = cli("show", "resnet18", "net.yaml", "cifar_resnet20")
    rows = [line.split() for line in done.lines]
    assert [row[0] for row in rows] == ["network", "resnet18", "net.yaml", "cifar_resnet20"]
    assert rows[1][1:6] == [
        "3x224x224",
        "2-2-2-2",
        "64-128-256-512",
        "11,689,512",
        "1,814,073,344",
    ]
    assert rows[3][-1] == rf.load("cifar_resnet20").digest[:12]
    found = cli("show", "resnet18", "net.yaml", "--json", "--input", "64").json
    assert [each["source"] for each in found] == ["resnet18", "net.yaml"]
    for each in found:
        plan = rf.plan(rf.load(each["source"]), 64)
        assert (each["macs"], each["params"]) == (plan.macs, plan.params)


def test_several_networks_have_no_picture(cli: Cli) -> None:
    for option in (["--all"], ["--svg", "a.svg"], ["--expand"], ["--measure"]):
        done = cli("show", "resnet18", "net.yaml", *option)
        assert done.code == 2
        assert f"{option[0]} is for one network" in done.err
    assert cli("show", "resnet18", "no_such").code == 3
    assert cli("show", "resnet18", "resnet50", "--max-params", "12000000").code == 3
