"""When and on what a suite was run."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

import torch
from resforge import __version__
from resforge.training.cost import device_name


class Circumstances(NamedTuple):
    """What the figures of a suite depend on, besides the code."""

    date: str
    device: str
    cores: int
    load: float
    """Processes that ran or waited, over the minute before the suite: with more than ``cores``
    less one, other work was measured too."""
    versions: dict[str, str]
    pairs: int
    seconds: float


def circumstances(
    device: torch.device, packages: Sequence[str], pairs: int, load: float, seconds: float
) -> Circumstances:
    """Those of a suite that has just ended."""
    found = {"resforge": __version__, "Python": platform.python_version()}
    found |= {name: _version(name) for name in ("torch", *packages)}
    return Circumstances(
        datetime.now(UTC).date().isoformat(),
        device_name(device),
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        round(load, 1),
        found,
        pairs,
        round(seconds, 1),
    )


def load() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
