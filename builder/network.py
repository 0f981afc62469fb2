"""From a spec to a module, and back."""

from __future__ import annotations

import operator
import os
from collections import OrderedDict
from contextlib import nullcontext
from typing import Any

import torch
from torch import nn

from ..blocks import Classifier, ResidualBlock, ResNet, StochasticDepth
from ..errors import wrong_type
from ..reading.load import as_spec
from ..specs import BlockPlan, BuildError, Plan, ResforgeError, ResNetSpec
from ..specs.order import activates_first
from ..specs.plan import check_size, lay_out
from .join import ACTIVATIONS, BLOCKS, BUILT_IN, STEMS, make_norm, make_shortcut
from .weights import SkipInit, initialise, stream_key

Parts = dict[str, Any]
"""What makes the norms and the activations of a network, by the arguments blocks have."""


def build(
    spec: ResNetSpec | str | os.PathLike[str],
    seed: int = 0,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    *,
    max_params: int | None = None,
) -> ResNet:
    """The network that ``spec`` describes (or that a catalogue name or a file holds).

    A pure function of spec and seed: the caller's random state is neither read nor changed, and
    layers of the same name and shape get the same values in every network built from one seed.
    On ``device="meta"`` nothing is filled. ``x: (N, in_channels, H, W)`` gives
    ``(N, num_classes)``, or the last feature map where the spec has no head.

    Raises :class:`SpecError` for a wrong spec and for one of more than ``max_params`` parameters
    (2e9 unless given), and :class:`BuildError` where a registered block does not hold the
    parameters it planned.

    >>> model = build("cifar_resnet20", seed=0)
    >>> sum(p.numel() for p in model.parameters())
    269722
    """
    plan = lay_out(as_spec(spec, "build"), (1, 1))
    check_size(plan, max_params)
    seed = _as_seed(seed)
    device = torch.device(device) if device is not None else torch.get_default_device()
    # Made and filled on the CPU, so that the values do not depend on where they go.
    home = device if device.type == "meta" else torch.device("cpu")
    with torch.random.fork_rng(devices=[]), home:
        # Only a registered block could draw here, at random of its own; let it be by the seed.
        # (torch.manual_seed would seed the caller's GPUs too.)
        torch.default_generator.manual_seed(stream_key(seed, "modules"))
        model = assemble(plan)
    _compare(model, plan)
    if home.type != "meta":
        initialise(model, plan, seed)
    model.to(device, dtype)
    model.spec = plan.spec
    return model


def _as_seed(seed: int) -> int:
    try:
        if isinstance(seed, bool):
            raise TypeError
        return operator.index(seed)
    except TypeError:
        raise wrong_type("build", "a whole number as seed", seed) from None


def spec_of(model: nn.Module) -> ResNetSpec:
    """The spec that ``model`` was built from, also through a compiled or parallel wrapper.

    Raises :class:`ResforgeError` for a module that resforge did not build.

    >>> spec_of(build("cifar_resnet20", device="meta")).name
    'cifar_resnet20'
    """
    inner = unwrap(model)
    spec = getattr(inner, "spec", None)
    if not isinstance(spec, ResNetSpec):
        raise ResforgeError(f"{type(model).__name__} was not built by resforge: it has no spec")
    return spec


def unwrap(model: nn.Module) -> nn.Module:
    """The network inside of a compiled or parallel wrapper, or of several."""
    inner = model
    while not isinstance(inner, ResNet):
        wrapped = getattr(inner, "_orig_mod", None) or getattr(inner, "module", None)
        if not isinstance(wrapped, nn.Module):
            break
        inner = wrapped
    return inner


def assemble(plan: Plan) -> ResNet:
    """The modules of ``plan``; what :func:`initialise` will draw is left as it comes."""
    spec = plan.spec
    parts: Parts = {"norm": make_norm(spec.norm), "activation": ACTIVATIONS[spec.activation]}
    with SkipInit():
        stem = STEMS[type(spec.stem)](spec.stem, spec.in_channels, **parts)
        head = None
        if spec.head is not None:
            channels = plan.features[-1].channels
            head = Classifier(channels, spec.head.num_classes, spec.head.dropout)
    stages = [
        nn.Sequential(*(_block(block, spec, parts) for block in stage)) for stage in plan.stages
    ]
    return ResNet(stem, stages, head, _closing(plan, parts))


def _closing(plan: Plan, parts: Parts) -> nn.Sequential | None:
    """The norm and the activation that a pre-activated last block leaves to be done."""
    last = plan.stages[-1][-1]
    if not activates_first(last.spec.arrangement):
        return None
    layers: dict[str, nn.Module] = {}
    if plan.closing:
        layers["norm"] = parts["norm"](last.out_channels)
    layers["act"] = parts["activation"]()
    return nn.Sequential(OrderedDict(layers))


def _block(block: BlockPlan, spec: ResNetSpec, parts: Parts) -> nn.Module:
    make = BLOCKS.get(type(block.spec))
    if make is None:
        raise BuildError(f"{type(block.spec).__name__} is not registered; call resforge.register")
    built_in = type(block.spec) in BUILT_IN
    shortcut = None
    if block.shortcut.kind != "none":
        with SkipInit():
            shortcut = make_shortcut(block.shortcut, block, spec.norm)
    # A registered block may hold what only its own constructor initialises.
    with SkipInit() if built_in else nullcontext():
        module = make(block, shortcut=shortcut, **parts)
    if block.what.drop_rate:
        _drop(module, block, spec)
    return module


def _drop(module: nn.Module, block: BlockPlan, spec: ResNetSpec) -> None:
    """Let a block lose its residual branch at random."""
    assert spec.stochastic_depth is not None
    if not isinstance(module, ResidualBlock):
        raise BuildError(
            f"{block.name}: stochastic_depth needs a blocks.ResidualBlock, "
            f"{type(module).__name__} is none"
        )
    module.drop_path = StochasticDepth(block.what.drop_rate, spec.stochastic_depth.mode)


def _compare(model: nn.Module, plan: Plan) -> None:
    """The promise that the plan is exact, kept at every build."""
    built = {name: tuple(tensor.shape) for name, tensor in model.named_parameters()}
    planned = plan.parameters
    if built != planned:
        for name in dict.fromkeys([*planned, *built]):
            if built.get(name) != planned.get(name):
                raise _differ(name, planned.get(name, "nothing"), built.get(name, "nothing"))
    modules = dict(model.named_modules())
    for layer in plan.layers:
        if layer.kind == "conv":
            conv = modules[layer.name]
            wanted = {
                "stride": (layer.stride,) * 2,
                "padding": (layer.kernel // 2 * layer.dilation,) * 2,
                "dilation": (layer.dilation,) * 2,
            }
            for field, value in wanted.items():
                if getattr(conv, field, value) != value:
                    raise _differ(f"{layer.name}.{field}", value, getattr(conv, field))


def _differ(name: str, planned: object, built: object) -> BuildError:
    mend = "mend the block's 'lay' or its module"
    return BuildError(f"{name}: planned {planned}, built {built}; {mend}")
