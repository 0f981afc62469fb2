"""Shards of a space: together the whole sample, each without the others."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from command_line import Cli
from hypothesis import given
from hypothesis import strategies as st
from resforge.generation import NetworkFolder, Space, load_space
from resforge.generation.shards import Shard


@given(st.integers(1, 70), st.integers(0, 10**19), st.integers(0, 300))
def test_shards_have_each_number_once(of: int, start: int, count: int) -> None:
    parts = [Shard(number, of).numbers(start, start + count) for number in range(of)]
    numbers = [number for part in parts for number in part]
    assert sorted(numbers) == [*range(start, start + count)]
    assert all(number % of == k for k, part in enumerate(parts) for number in part)


def test_shards_hold_the_whole_sample() -> None:
    """Every network of the sample, and beside them only repetitions of an earlier draw."""
    free = {"stages[*].depth": {"int": [1, 3]}, "shortcut": ["none", "projection"]}
    space = Space(space=1, base="cifar_resnet20", free=free)
    whole = {found.number: found for found in islice(space.sample(seed=1), 40)}
    last, drawn = max(whole), {}
    for start in range(7):
        for found in space.sample(seed=1, start=start, step=7):
            if found.number > last:
                break
            drawn[found.number] = found
    assert {number: drawn[number] for number in whole} == whole
    digests = {found.digest for found in whole.values()}
    assert {found.digest for found in drawn.values()} == digests


def test_a_space_of_10_to_the_18_is_shared_by_arithmetic() -> None:
    """No shard waits for the draws of another, and any draw can be made alone."""
    space = load_space("anynet_x_a")
    assert space.size > 10**18
    far = space.draws(seed=0).count - 1
    assert len({k for k in range(64) if far in Shard(k, 64).numbers(far - 63, far + 1)}) == 1
    found = next(space.sample(seed=0, start=63, step=64))
    assert found.number % 64 == 63
    assert found == space.nth(found.number, seed=0)
    assert space.index_of(space.values(found)) == found.index


@pytest.mark.parametrize("format", ["yaml", "jsonl"])
def test_a_folder_of_a_shard_is_resumed(tmp_path: Path, cli: Cli, format: str) -> None:
    def fill(name: str, count: int, shard: str = "2/5") -> Any:
        words = ("-n", str(count), "--shard", shard, "--format", format, "--out", tmp_path / name)
        return cli("generate", "cifar_resnets", *map(str, words))

    assert fill("whole", 6).code == fill("parts", 4).code == 0
    if format == "yaml":
        sorted((tmp_path / "parts").glob("*.yaml"))[1].unlink()
    assert fill("parts", 6).code == 0
    files = [{f.name: f.read_bytes() for f in (tmp_path / d).iterdir()} for d in ("whole", "parts")]
    assert files[0] == files[1]
    other = fill("parts", 6, "3/5")
    assert other.code == 4
    assert "networks of another shard" in other.err
    with pytest.raises(Exception, match="networks of another"):
        NetworkFolder(tmp_path / "parts", load_space("cifar_resnets"), format=format)  # type: ignore[arg-type]


def test_a_shard_of_all_points(cli: Cli) -> None:
    done = cli("generate", "cifar_resnets", "--all", "--shard", "5/4000000", "--format", "csv")
    assert done.code == 0
    indexes = [int(line.split(",")[1]) for line in done.lines[1:]]
    assert indexes
    assert {index % 4_000_000 for index in indexes} == {5}


@pytest.mark.parametrize("wrong", ["3/3", "3", "-1/3", "a/b", "1/2/3", "0/0", f"1/{'9' * 5000}"])
def test_what_is_no_shard(cli: Cli, wrong: str) -> None:
    done = cli("generate", "cifar_resnets", f"--shard={wrong}")
    assert done.code == 2
    assert "write K/N, with K from 0 to N - 1" in done.err
    assert cli("generate", "cifar_resnets", "--cover", "pairs", "--shard", "0/2").code == 2
