"""Shared by every test: one thread, hypothesis profiles, devices."""

from __future__ import annotations

import os

import hypothesis
import pytest
import torch

torch.set_num_threads(1)

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
    if not config.getoption("--slow"):
        skip = pytest.mark.skip(reason="slow: run with --slow")
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(skip)


@pytest.fixture(
    params=[
        "cpu",
        pytest.param(
            "cuda",
            marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
        ),
    ]
)
def device(request: pytest.FixtureRequest) -> torch.device:
    """Each device the machine has; CUDA cases are skipped visibly where there is none."""
    return torch.device(request.param)
