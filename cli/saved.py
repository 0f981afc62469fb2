"""A network that resforge wrote with its weights, where a command asks for a spec."""

from __future__ import annotations

from pathlib import Path

from ..errors import SpecError
from ..reading.not_specs import weights_in
from ..specs import catalogue
from ..specs.network import ResNetSpec

SEALED = ".safetensors"


def weights_of(source: str) -> str | None:
    """The file of weights that ``source`` names: itself, or the best of a run's folder, or that of
    a saved network's; None for anything else."""
    if source in catalogue.entries():
        return None
    if source.endswith(SEALED):
        return source
    found = weights_in(Path(source))
    return None if found is None else str(found)


def spec_in(weights: str) -> ResNetSpec:
    """The spec in a file of weights. Raises :class:`SpecError` where it has none, or is broken."""
    from ..weights.errors import REGISTER, WeightsError, refuse
    from ..weights.functions import check_seal
    from ..weights.read import read

    try:
        file = read(weights)
        check_seal(file, REGISTER)
        if file.spec is None:
            help_ = "give its spec, and the file as --weights"
            raise refuse(weights, "holds weights without a spec: resforge did not write it", help_)
    except WeightsError as error:
        raise SpecError(error.faults) from None
    return file.spec
