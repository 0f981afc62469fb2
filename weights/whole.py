"""What holds for a whole network: its norm, its activation, what its convolutions convolve with."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from pydantic import ValidationError
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..specs.activation import Activation, PReLUSpec
from ..specs.convolution import (
    PLAIN,
    ConvolutionSpec,
    ScaledStandardizedSpec,
    StandardizedSpec,
)
from ..specs.norm import BatchNormSpec, GroupNormSpec, NoNormSpec, NormSpec
from ..specs.seen import Seen, SeenConv
from .observed import Observed, activations_tried, unknowable

_ACT = re.compile(r"relu\d*|act")
"""The names of activations."""


def norm_of(layers: Observed) -> NormSpec:
    """The network's norm, that of most of its layers: whatever keeps statistics, or else one number
    for each channel."""
    shown = [tensors for seen in layers.parts.values() for tensors in seen.tensors.values()]
    modules = [m for m in layers.modules.values() if isinstance(m, _BatchNorm | nn.GroupNorm)]
    settings = Counter(
        (isinstance(m, _BatchNorm), m.eps, getattr(m, "momentum", None), _groups(m))
        for m in modules
    )
    values: dict[str, Any] = {}
    for (_, eps, momentum, groups), _ in settings.most_common(1):
        given = {"eps": eps, "momentum": momentum, "groups": groups}
        values = {name: value for name, value in given.items() if value is not None}
    try:
        if any("running_mean" in tensors for tensors in shown):
            return BatchNormSpec(**values)
        if any(len(tensors.get("weight", ())) == 1 for tensors in shown):
            return GroupNormSpec(**values)
    except ValidationError as error:
        raise unknowable("its norms have settings that the language does not allow") from error
    return NoNormSpec()


def _groups(module: nn.Module) -> int | None:
    groups = getattr(module, "num_groups", None)
    return groups if isinstance(groups, int) else None


def convolutions_of(layers: Observed) -> Iterator[ConvolutionSpec]:
    """What the network's convolutions may convolve with, and how they may pad, likeliest first.

    A gain shows; standardised weights show only by the eps of their modules. Modules that pad
    their input themselves have windows that are not padded.
    """
    kinds = list(_kinds_of(layers))
    if any(_is_unpadded(part, conv) for part in layers.parts.values() for conv in part.convs):
        yield from (kind.model_copy(update={"padding": "same"}) for kind in kinds)
    yield from kinds


def _is_unpadded(part: Seen, conv: SeenConv) -> bool:
    padding = part.setting(conv.name, "padding")
    return conv.kernel != 1 and (padding == "same" or set(padding or (1,)) == {0})


def _kinds_of(layers: Observed) -> Iterator[ConvolutionSpec]:
    parts = [(part, name) for part in layers.parts.values() for name in part.tensors]
    eps = [part.setting(name, "eps") for part, name in parts if part.conv(name)]
    gains = [(part, name) for part, name in parts if "gain" in part.tensors[name]]
    given = {} if not eps or eps[0] is None else {"eps": eps[0]}
    for part, name in gains[:1]:
        gamma = part.setting(name, "gamma")
        scale = part.setting(name, "scale")
        if gamma is None and scale is not None:
            gamma = scale * prod(part.tensors[name]["weight"][1:]) ** 0.5
        yield ScaledStandardizedSpec(**given, **({} if gamma is None else {"gamma": gamma}))
    if not gains and given:
        yield StandardizedSpec(**given)
        yield StandardizedSpec(**given, estimate="sample")
    if not gains:
        yield PLAIN


def activations_of(layers: Observed) -> Sequence[Activation]:
    if layers.activations or not layers.is_module:
        return layers.activations or [learned_activation(layers)]
    return activations_tried()


def learned_activation(layers: Observed) -> Activation:
    """The activation as the tensors show it: ``relu`` where none of them is of one."""
    for seen in layers.parts.values():
        for name, tensors in seen.tensors.items():
            if set(tensors) == {"weight"} and _ACT.fullmatch(name):
                return "prelu" if tensors["weight"] != (1,) else PReLUSpec(shared=True)
    return "relu"
