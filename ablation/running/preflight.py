"""Preflight: whether a node of a cluster can run the trials of a sweep, before it gets any."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..._version import __version__
from ...errors import ResforgeError, SpecError
from ...training.data import DATA, fingerprint_of
from .checkpoint import FOLDER, code_digest
from .kinds import Kind
from .task import resolve

if TYPE_CHECKING:
    # Workers have no use for what plans are made of.
    from ..planning.plan import SweepPlan

_SHOWN = 12  # characters of a digest


@dataclass(frozen=True)
class Expected:
    """What every node must have: the code of the driver, and the data of the plan."""

    version: str
    code: str
    data: str
    """The data spec as JSON, with absolute paths."""
    fingerprint: str
    folder: str
    """The folder of results, in which trials write their checkpoints."""


class Checked(NamedTuple):
    """Result of a check; both texts are empty for a node that has everything."""

    fault: str = ""
    """Why no trial can run there."""
    note: str = ""
    """What trials there do without."""


def expected_of(plan: SweepPlan, folder: Path) -> Expected:
    """What ``plan`` needs on each node."""
    return Expected(
        version=__version__,
        code=code_digest(),
        data=plan.sweep.data.beside(Path.cwd()).model_dump_json(),
        fingerprint=plan.fingerprint,
        folder=str(folder.absolute()),
    )


def check_node(
    expected: Expected, function: str, kinds: tuple[Kind, ...] = (), device: str = "cpu"
) -> Checked:
    """Check the machine that this is called on.

    ``function``, the trial's, and registered ``kinds`` must be importable there; where a trial
    needs an accelerator, ``device`` must hold a tensor.
    """
    # Torch is imported first, as in a trial: after scikit-learn it has crashed workers of Ray.
    fault = _code(expected) or _parts(function, device) or _data(expected)
    folder = Path(expected.folder, FOLDER)
    if fault or (folder.is_dir() and os.access(folder, os.W_OK)):
        return Checked(fault)
    return Checked(note=f"{expected.folder} cannot be written there: trials have no checkpoints")


def _code(expected: Expected) -> str:
    here, wanted = (__version__, code_digest()), (expected.version, expected.code)
    if here == wanted:
        return ""
    there, this = (f"resforge {version} ({code[:_SHOWN]})" for version, code in (here, wanted))
    return f"its code is {there}, that of this run {this}: install the same there"


def _data(expected: Expected) -> str:
    try:
        found = fingerprint_of(DATA.validate_json(expected.data))
    except SpecError as error:
        return f"its data cannot be read ({error.message}): put the data there, or on a shared disk"
    except (ResforgeError, OSError) as error:
        return f"its data cannot be read ({error})"
    if found == expected.fingerprint:
        return ""
    there, this = found[:_SHOWN], expected.fingerprint[:_SHOWN]
    return f"its data have the fingerprint {there}, those of this run {this}: copy the same there"


def _parts(function: str, device: str) -> str:
    try:
        resolve(function)
        if device != "cpu":
            import torch

            torch.zeros(1, device=device)
    except Exception as error:  # imports and drivers can raise any exception
        return f"no trial can start there ({type(error).__name__}: {error})"
    return ""
