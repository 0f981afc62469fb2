"""What a network leaves out at random in training, read from the modules that say their rates."""

from __future__ import annotations

from collections import Counter
from math import isclose
from typing import NamedTuple, get_args

from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from ..builder.network import made_of
from ..errors import SpecError
from ..specs.network import ResNetSpec
from ..specs.stochastic_depth import StochasticDepthSpec

#: The classes of torchvision and timm, and resforge's own, by name; and what they call the rate.
_STOCHASTIC_DEPTH = ("StochasticDepth", "DropPath")
_RATES = ("p", "rate", "drop_prob")


class Completed(NamedTuple):
    """A spec with the stochastic depth of a network, and notes on what it cannot say."""

    spec: ResNetSpec
    notes: tuple[str, ...]


def is_dropout(module: nn.Module) -> bool:
    """Whether a module is one of PyTorch's dropouts."""
    return isinstance(module, _DropoutNd)


def drops_values(network: nn.Module) -> bool:
    """Whether a network has a dropout whose rate is not 0."""
    return any(is_dropout(module) and rate_of(module) for module in network.modules())


def rate_of(module: nn.Module) -> float:
    """The rate of a dropout or of stochastic depth; 0 for any other module.

    >>> rate_of(nn.Dropout(0.25)), rate_of(nn.ReLU())
    (0.25, 0.0)
    """
    if is_dropout(module) or type(module).__name__ in _STOCHASTIC_DEPTH:
        for name in _RATES:
            if isinstance(rate := getattr(module, name, None), int | float):
                return float(rate)
    return 0.0


def silence(network: nn.Module) -> None:
    """Set all rates of ``network`` to 0."""
    for module in network.modules():
        if rate_of(module):
            for name in _RATES:
                if hasattr(module, name):
                    setattr(module, name, 0.0)


def completed(network: nn.Module, spec: ResNetSpec) -> Completed:
    """``spec``, which lacks stochastic depth, with that of ``network``."""
    notes = []
    rates = Counter(rate_of(m) for m in network.modules() if is_dropout(m))
    rates -= Counter(rate_of(m) for m in made_of(spec).modules() if is_dropout(m))
    notes += [f"dropout of {rate} is left out" for rate in sorted(rates) if rate]
    dropping = [m for m in network.modules() if rate_of(m) and not is_dropout(m)]
    if dropping:
        found = _stochastic_depth(dropping, spec)
        if found is None:
            shown = ", ".join(f"{rate_of(module):.3g}" for module in dropping[:10])
            notes.append(f"stochastic depth of {shown} is left out")
        else:
            spec = found
            notes.append("stochastic depth is read from its modules, not compared")
    return Completed(spec, tuple(notes))


def _stochastic_depth(dropping: list[nn.Module], spec: ResNetSpec) -> ResNetSpec | None:
    """``spec`` with the rule that gives these rates; None where the language has none."""
    total = sum(len(stage.entries) for stage in spec.stages)
    rates = [rate_of(module) for module in dropping]
    mode, *others = {getattr(module, "mode", "row") for module in dropping}
    if others or not all(getattr(m, "scale_by_keep", True) for m in dropping):
        return None
    for rule in get_args(StochasticDepthSpec.model_fields["rule"].annotation):
        try:
            said = StochasticDepthSpec.model_validate(
                {"rate": max(rates), "rule": rule, "mode": mode}
            )
        except (SpecError, ValueError):
            continue
        planned = [said.drop_rate(number, total) for number in range(1, total + 1)]
        planned = [rate for rate in planned if rate]
        if len(planned) == len(rates) and all(map(_equal, planned, rates)):
            return _with_rule(spec, said)
    return None


def _equal(a: float, b: float) -> bool:
    return isclose(a, b, rel_tol=1e-6)


def _with_rule(spec: ResNetSpec, rule: StochasticDepthSpec) -> ResNetSpec | None:
    try:
        return spec.replace({"stochastic_depth": rule})
    except SpecError:
        return None
