"""What is known of a published network beside its code."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor, nn

Build = Callable[[Path], nn.Module]
"""Makes a network in its own library. The path is the folder of repositories without a package."""
Families = Mapping[str, Mapping[str, "Peer"]]
"""By family, the networks of a source under the source's own names."""


def called(network: nn.Module, x: Tensor) -> Tensor:
    y: Tensor = network(x)
    return y


@dataclass(frozen=True)
class Peer:
    """One published network, and how it is compared."""

    build: Build
    entry: str = ""
    """Its name in the catalogue, where that is not the source's."""
    size: tuple[int, ...] = (64, 64)
    """Pixels of the pictures that both are given."""
    tolerance: float = 0.0
    """Greatest difference, as a fraction of the greatest output; 0: outputs are bitwise equal."""
    why: str = ""
    """The reason for the tolerance, or for an entry that is missing or computes something else."""
    shape: str = ""
    """The reason for an output of another shape, of the same numbers; without one it has ours."""
    layout: str | None = None
    """The layout of its names; recognised where it is left out."""
    call: Callable[[nn.Module, Tensor], Tensor] = called
    """Runs the network."""


@dataclass(frozen=True)
class Repository:
    """Code without a package, as it is on one commit: ``DIR/NAME`` of ``--sources DIR``."""

    url: str
    commit: str


@contextmanager
def on_path(folder: Path) -> Iterator[None]:
    """Python looks into ``folder`` first; what it imports from there is forgotten after it."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
                del sys.modules[name]


def module_of(folder: Path, file: str, **stubs: Any) -> ModuleType:
    """The module in ``folder/file``, which may import its neighbours.

    ``stubs`` are modules that the file imports and that are not needed, by name.
    """
    path = folder / file
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; see --sources")
    spec = importlib.util.spec_from_file_location(f"_peer_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    added = [name for name in stubs if name not in sys.modules]
    sys.modules.update({name: stubs[name] for name in added})
    # Some files look themselves up there.
    sys.modules[spec.name] = module
    try:
        with on_path(path.parent), on_path(folder):
            spec.loader.exec_module(module)
    finally:
        for name in (*added, spec.name):
            sys.modules.pop(name, None)
    return module
