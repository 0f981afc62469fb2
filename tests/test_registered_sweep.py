"""Sweeps of registered kinds: every engine's workers know them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import own_kinds
import pytest
import resforge as rf
from resforge.ablation import read_records, run_sweep
from resforge.builder.registration import unregister

SUPPORT = str(Path(__file__).parent / "support")

DRIVER = """
import sys
sys.path.insert(0, {support!r})
import own_kinds
import resforge as rf
from resforge.ablation import run_sweep
{define}
rf.register({spec}, own_kinds.MapShift)
print(run_sweep(own_kinds.sweep(), {out!r}, 1, engine={engine!r}).statuses)
"""
DEFINE = """
class HereSpec(own_kinds.ShiftSpec):
    pass
"""


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    rf.register(own_kinds.ShiftSpec, own_kinds.MapShift)
    yield
    unregister(own_kinds.ShiftSpec)


def drive(out: Path, spec: str, engine: str) -> subprocess.CompletedProcess[str]:
    """A driver without a file, as an interactive session is."""
    code = DRIVER.format(support=SUPPORT, define=DEFINE, spec=spec, out=str(out), engine=engine)
    paths = os.pathsep.join([SUPPORT, *filter(None, sys.path)])
    env = {**os.environ, "PYTHONPATH": paths, "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


def test_workers_know_registered_kinds_and_give_the_bits_of_this_process(tmp_path: Path) -> None:
    numbers = []
    engines: tuple[Any, ...] = ("process", "inline")
    for engine in engines:
        out = tmp_path / engine
        assert run_sweep(own_kinds.sweep(), out, 1, engine=engine).statuses == {"done": 2}
        numbers.append({t.key: t.outcome.numbers for t in read_records(out).all_trials})
    assert numbers[0] == numbers[1]


def test_a_class_that_no_worker_can_import_is_refused_before_anything_is_trained(
    tmp_path: Path,
) -> None:
    class LocalSpec(own_kinds.ShiftSpec):
        pass

    rf.register(LocalSpec, own_kinds.MapShift)
    with pytest.raises(rf.ResforgeError, match=r"cannot import .*LocalSpec: define it at the top"):
        run_sweep(own_kinds.sweep(), tmp_path / "process", 1)
    inline = run_sweep(own_kinds.sweep(), tmp_path / "inline", engine="inline")
    assert inline.statuses == {"done": 2}


def test_of_an_interactive_session_too(tmp_path: Path) -> None:
    done = drive(tmp_path, "HereSpec", "process")
    assert "cannot import HereSpec" in done.stderr
    done = drive(tmp_path, "own_kinds.ShiftSpec", "process")
    assert done.stdout == "{'done': 2}\n", done.stderr


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
@pytest.mark.parametrize("spec", ["own_kinds.ShiftSpec", "HereSpec"])
def test_actors_of_ray_know_them(tmp_path: Path, spec: str) -> None:
    assert drive(tmp_path, spec, "ray").stdout == "{'done': 2}\n"


def test_a_kind_that_is_not_registered_is_refused_before_anything_is_trained(
    tmp_path: Path,
) -> None:
    unregister(own_kinds.ShiftSpec)
    with pytest.raises(rf.SpecError, match="'shift' is not one of"):
        run_sweep(own_kinds.sweep(), tmp_path, 1)
