"""Networks drawn by several processes: those of one, and every end that a process can come to."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from itertools import islice
from math import sqrt
from operator import attrgetter
from pathlib import Path
from typing import Literal
from unittest import mock

import pytest
import resforge as rf
from command_line import Cli
from resforge.errors import ResforgeError
from resforge.generation import NetworkFolder, Space, load_space
from resforge.generation.sharing import Sent
from resforge.generation.workers import Shared
from resforge.specs import STEMS, StemSpec

GRID = """\
space: 1
base: cifar_resnet20
free:
  stages[*].depth: {int: [1, 3]}
  shortcut: [zero_pad, projection]
where: {params: {max: 200000}}
"""


def test_the_same_networks_are_drawn() -> None:
    space = load_space("cifar_resnets").constrained("dear >= 1e7", dear=attrgetter("macs"))
    alone = [*islice(space.sample(3), 50)]
    assert [*islice(space.sample(3, workers=2), 50)] == alone


def test_the_same_networks_are_drawn_towards_the_limits() -> None:
    space = load_space("anynet_x_a").constrained("360e6 <= macs", "macs <= 361e6")
    alone = [*islice(space.sample(guided=True), 3)]
    assert [*islice(space.sample(guided=True, workers=2), 3)] == alone


def test_a_folder_is_filled_with_the_same_bytes(tmp_path: Path) -> None:
    space = load_space("regnet_x")
    for name, runs in (("one", ((1, 20),)), ("several", ((1, 5), (2, 20)))):
        for workers, count in runs:
            folder = NetworkFolder(tmp_path / name, space, format="jsonl", workers=workers)
            assert len([*folder.fill(count)]) <= count
    one, several = (tmp_path / name / "networks.jsonl" for name in ("one", "several"))
    assert several.read_bytes() == one.read_bytes()


def test_the_command_prints_the_same(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "grid.yaml").write_text(GRID)
    for arguments in (("cifar_resnets", "-n", "20", "--format", "csv"), ("grid.yaml", "--all")):
        alone = cli("generate", *arguments)
        shared = cli("generate", *arguments, "--workers", "2")
        assert (shared.code, shared.lines) == (alone.code, alone.lines)


def test_a_cover_is_made_by_one_process(cli: Cli) -> None:
    done = cli("generate", "cifar_resnets", "--cover", "pairs", "--workers", "2")
    assert done.code == 2
    assert "leave out --cover" in done.err


def test_results_come_in_order_whatever_their_number() -> None:
    for count in (4, 5):
        found = Shared(partial(partial, map, abs), range(0, -count, -1), workers=2, together=2)
        assert [*found] == [*range(count)]


def test_an_error_is_raised_in_its_place() -> None:
    found = iter(Shared(partial(partial, map, sqrt), range(4, -9, -1), workers=2, together=3))
    assert [next(found) for _ in range(5)] == [2, sqrt(3), sqrt(2), 1, 0]
    with pytest.raises(ValueError, match=r"domain|nonnegative"):
        next(found)


def test_a_process_that_dies_is_reported() -> None:
    with pytest.raises(ResforgeError, match="ended with exit code 3"):
        next(iter(Shared(partial(partial, map, os._exit), range(3, 100), workers=2)))


def test_a_quantity_that_cannot_be_sent_is_refused() -> None:
    space = load_space("cifar_resnets").constrained("own > 0", own=lambda found: found.macs)
    with pytest.raises(rf.SpecError, match="use workers=1"):
        next(space.sample(workers=2))


def test_the_spec_of_a_network_of_another_process_waits_until_it_is_asked_for() -> None:
    points = load_space("regnet_x").points
    found = points.at(5)
    with mock.patch.object(points.template, "spec_at", wraps=points.template.spec_at) as made:
        received = Sent.of(found).received(points)
        assert received.digest == found.digest
        assert not made.called
        assert received.spec == found.spec
    assert received == found == pickle.loads(pickle.dumps(Sent.of(found).received(points)))
    assert repr(received) == repr(found)


@pytest.fixture
def own_stem() -> Iterator[None]:
    class OwnSpec(StemSpec):
        kind: Literal["own"] = "own"

    STEMS.put(OwnSpec)
    yield
    STEMS.drop("own")


@pytest.mark.usefixtures("own_stem")
def test_registered_kinds_are_refused() -> None:
    with pytest.raises(rf.SpecError, match="registered OwnSpec"):
        next(load_space("cifar_resnets").sample(workers=2))


@pytest.mark.parametrize("workers", [0, 1.5, True])
def test_a_wrong_number_of_processes_is_refused(workers: int) -> None:
    space = Space(space=1, base="cifar_resnet20", free={"stages[*].depth": {"int": [1, 9]}})
    for draw in (space.sample, space.enumerate):
        with pytest.raises(rf.SpecError, match="workers"):
            next(iter(draw(workers=workers)))


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals to a group of processes")
def test_ctrl_c_ends_every_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "resforge", "generate", "cifar_resnets", "-n", "1000000"]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True}
    process = subprocess.Popen([*command, "--workers", "2"], text=True, **options)  # type: ignore[call-overload]
    assert process.stdout.readline().startswith("{")
    os.killpg(process.pid, signal.SIGINT)
    # Ends when nobody can write any more: every process has.
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
