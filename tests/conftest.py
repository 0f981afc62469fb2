"""Shared by every test: one thread, hypothesis profiles, devices."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pretend
import pytest
import torch
from command_line import Cli, command_line

torch.set_num_threads(1)
if not torch.cuda.is_available():  # PyTorch keeps to one accelerator in a process
    pretend.install()

# The same examples each time, so that a change alone decides whether a run is green; the long
# profile goes on drawing new ones.
hypothesis.settings.register_profile(
    "default", max_examples=40, deadline=None, derandomize=True, database=None
)
hypothesis.settings.register_profile("nightly", max_examples=2000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not torch.cuda.is_available():
        for item in items:
            if "cuda" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="no CUDA device here"))
    if not config.getoption("--slow"):
        skip = pytest.mark.skip(reason="slow: run with --slow")
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(skip)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line, in this process, in a folder that holds nothing but net.yaml."""
    return command_line(tmp_path, monkeypatch, capsys)


@pytest.fixture(
    params=[
        "cpu",
        pytest.param(
            "cuda",
            marks=pytest.mark.cuda,
        ),
        pytest.param(
            "pretend",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here"),
        ),
    ]
)
def device(request: pytest.FixtureRequest) -> Iterator[torch.device]:
    """The CPU, CUDA where there is a GPU, and elsewhere a pretend accelerator.

    What is not run is skipped visibly, with its reason: CUDA where there is no GPU, and on the
    pretend accelerator what it lacks (``pretend.LACKS``).
    """
    if request.param != pretend.NAME:
        yield torch.device(request.param)
        return
    params = request.node.callspec.params
    for name, what in pretend.LACKS.items():
        if name in request.fixturenames or getattr(params.get("convert"), "__name__", "") == name:
            pytest.skip(f"needs a real accelerator: {what}")
    with pretend.present() as device:
        yield device


@pytest.fixture
def autocast_device(device: torch.device) -> torch.device:
    """``device``, for tests of autocast."""
    return device


@pytest.fixture
def compiling_device(device: torch.device) -> torch.device:
    """``device``, for tests of compilers."""
    return device
