"""``resforge fit``: a network at a budget, and what is no budget."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import resforge as rf
from command_line import Cli
from resforge.generation import fit


def test_the_spec_that_is_printed_is_the_one_of_fit(cli: Cli, tmp_path: Path) -> None:
    done = cli("fit", "resnet18", "--params", "5e6", "--name", "small")
    assert done.code == 0
    (tmp_path / "small.yaml").write_text("\n".join(done.lines))
    small = rf.load(tmp_path / "small.yaml")
    assert small.name == "small"
    assert small.digest == fit("resnet18", params=5e6).spec.digest
    assert "5,000,257 params for 5,000,000 (+0.01%)" in done.err


def test_as_json_at_a_size_and_by_depth(cli: Cli) -> None:
    options = ("--macs", "1e8", "--input", "3x64x64", "--by", "depth", "--json")
    found = json.loads("\n".join(cli("fit", "resnet18", *options).lines))
    wanted = fit("resnet18", macs=1e8, input_size=64, by="depth")
    assert (found["cost"], found["depth"]) == (wanted.cost, wanted.depth)
    assert rf.load(found["spec"]).digest == wanted.spec.digest


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((), 2, "Give one budget"),
        (("--params", "1e6", "--step", "99999999"), 3, "step is at most 65,536"),
        (("--params", "5e6", "--macs", "1e9"), 2, "Give one budget"),
        (("--params", "many"), 2, "'many' is not a number above 0: write 5000000, 5e6 or 5M"),
        (("--macs", "-1"), 2, "'-1' is not a number above 0"),
        (("--params", "nan"), 2, "'nan' is not a number above 0"),
        (
            ("--params", "1e18"),
            3,
            "params is at most 1,000,000,000,000,000, and 1e+18 is too large",
        ),
        (("--params", "5e6", "--input", "1x64x64"), 3, "channels"),
        (("--params", "5e6", "--step", "0"), 2, "step"),
    ],
)
def test_wrong_budgets(cli: Cli, options: tuple[str, ...], code: int, said: str) -> None:
    done = cli("fit", "resnet18", *options)
    assert done.code == code
    assert said in done.err


@pytest.mark.parametrize(
    ("budget", "said"),
    [("11689512", "(exactly)"), ("11689513", "(<0.01%)"), ("11e6", "%): 0.9")],
)
def test_how_far_the_result_is(cli: Cli, budget: str, said: str) -> None:
    done = cli("fit", "resnet18", "--params", budget)
    assert said in done.err
    assert "-0.00%" not in done.err
