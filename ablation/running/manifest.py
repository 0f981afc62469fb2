"""Manifest of a run: versions, hardware and settings, kept in the store."""

from __future__ import annotations

import os
import platform
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..._version import __version__
from .checkpoint import code_digest
from .device import cores

_LIBRARIES = ("torch", "numpy", "scikit-learn", "ray")


def make_manifest(
    fingerprint: str, engine: str, workers: int, device: str, seeds: str = ""
) -> dict[str, Any]:
    """Versions, hardware and settings of this run in plain values, without importing torch.

    Trials may run on other machines, and record their own environments. ``commit`` is that of the
    current folder, if it is in Git.
    """
    return {
        "resforge": __version__,
        "code": code_digest(),
        "commit": _commit(),
        "python": platform.python_version(),
        **{name: number for name in _LIBRARIES if (number := _version(name))},
        "system": platform.platform(),
        "processor": _processor(),
        "cores": cores(),
        "memory_bytes": _memory(),
        "engine": engine,
        "workers": workers,
        "threads": 1,
        "device": device,
        "data": fingerprint,
        "seeds": seeds,
        "set_aside": {},
    }


def _version(library: str) -> str:
    with suppress(PackageNotFoundError):
        return version(library)
    return ""


def _commit() -> str:
    """The commit, marked as dirty if files have changed since; empty outside Git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return done.stdout.strip()
    return ""


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> int:
    with suppress(ValueError, OSError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 0
