"""What a network leaves out at random in training, read from the modules that say their rates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import isclose
from typing import Any, NamedTuple, get_args

import torch
from torch import nn
from torch.nn.modules.dropout import _DropoutNd
from torch.overrides import TorchFunctionMode

from ..builder.network import made_of
from ..errors import SpecError
from ..specs.network import ResNetSpec
from ..specs.stochastic_depth import StochasticDepthSpec

_FUNCTIONS = frozenset(
    getattr(nn.functional, name)
    for name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout")
) | {torch.dropout}

#: The classes of torchvision and timm, and resforge's own, by name; and what they call the rate.
_STOCHASTIC_DEPTH = ("StochasticDepth", "DropPath")
_LEFT_OUT = " is left out"
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


def dropouts_of(network: nn.Module) -> Counter[float]:
    """The rates of the dropouts among a network's modules, each with their number."""
    found = (rate_of(module) for module in network.modules() if is_dropout(module))
    return Counter(rate for rate in found if rate)


def left_out(rate: float) -> str:
    """The note on a dropout that the spec does not say."""
    return f"dropout of {rate}{_LEFT_OUT}"


def is_left_out(note: str) -> bool:
    """Whether a note says that a dropout is left out."""
    return note.startswith("dropout of ") and note.endswith(_LEFT_OUT)


class WithoutDropout(TorchFunctionMode):
    """Within it functions of PyTorch leave nothing out; ``rates`` are those that were asked for.

    >>> import torch
    >>> with WithoutDropout() as mode:
    ...     nn.functional.dropout(torch.ones(2), 0.5, training=True), mode.rates
    (tensor([1., 1.]), Counter({0.5: 1}))
    """

    def __init__(self) -> None:
        super().__init__()
        self.rates: Counter[float] = Counter()

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        if func not in _FUNCTIONS:
            return func(*args, **(kwargs or {}))
        given = dict(zip(("input", "p", "training"), args, strict=False)) | (kwargs or {})
        rate = given.get("p", 0.5)
        if rate and given.get("training", given.get("train", True)):
            self.rates[rate] += 1
        return given["input"]


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
    """``spec`` with the stochastic depth of ``network``.

    ``spec`` has stochastic depth only where that scales in evaluation, which is compared.
    """
    notes = list[str]()
    bare = spec.replace({"stochastic_depth": None})
    own = made_of(bare)
    notes += map(left_out, sorted(dropouts_of(network) - dropouts_of(own)))
    dropping = _not_of(own, [m for m in network.modules() if _drops_paths(m)])
    known = spec.stochastic_depth
    found = _stochastic_depth(dropping, bare, known.scaled if known else "training")
    if found is not None:
        spec = found
        notes.append("stochastic depth is read from its modules, not compared")
    elif known is not None:
        notes.append(f"stochastic depth of {known.rate} in training, which no module shows")
    elif dropping:
        shown = ", ".join(f"{rate_of(module):.3g}" for module in dropping[:10])
        notes.append(f"stochastic depth of {shown} is left out")
    return Completed(spec, tuple(notes))


def _drops_paths(module: nn.Module) -> bool:
    return rate_of(module) > 0 and not is_dropout(module)


def _not_of(own: nn.Module, dropping: list[nn.Module]) -> list[nn.Module]:
    """The modules beyond those of the spec's own operations, which have their rates already."""
    rates = Counter(rate_of(module) for module in own.modules() if _drops_paths(module))
    beyond = []
    for module in dropping:
        if rates[rate_of(module)]:
            rates[rate_of(module)] -= 1
        else:
            beyond.append(module)
    return beyond


def _stochastic_depth(
    dropping: list[nn.Module], spec: ResNetSpec, scaled: str
) -> ResNetSpec | None:
    """``spec`` with the rule that gives these rates; None where the language has none."""
    if not dropping:
        return None
    total = sum(len(stage.entries) for stage in spec.stages)
    rates = [rate_of(module) for module in dropping]
    shown = {getattr(module, "scaled", "training") for module in dropping}
    mode, *others = {getattr(module, "mode", "row") for module in dropping}
    if others or shown != {scaled} or not all(getattr(m, "scale_by_keep", True) for m in dropping):
        return None
    for rule in get_args(StochasticDepthSpec.model_fields["rule"].annotation):
        try:
            said = StochasticDepthSpec.model_validate(
                {"rate": max(rates), "rule": rule, "mode": mode, "scaled": scaled}
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
