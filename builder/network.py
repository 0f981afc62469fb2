"""From a spec to a module, and back."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from ..blocks import ResNet
from ..blocks.same_conv import SamePadded
from ..errors import BuildError
from ..planner.plan import Plan, check_size, lay_out
from ..reading.load import SpecLike, as_spec
from ..specs.axes import each
from ..specs.layer import Layer
from ..specs.network import ResNetSpec
from ..specs.plain import as_seed
from .make import chain, make_block, steps
from .weights import initialise, stream_key


def build(
    spec: SpecLike,
    seed: int = 0,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    *,
    max_params: int | None = None,
    checkpoint: bool = False,
) -> ResNet:
    """The network that ``spec`` describes (or that a catalogue name, a file or a mapping holds).

    A pure function of spec and seed: the caller's random state is neither read nor changed, and
    layers of the same name and shape get the same values in every network built from one seed.
    On ``device="meta"`` nothing is filled. ``x: (N, in_channels, H, W)`` gives
    ``(N, num_classes)``, or the last feature map where the spec has no head. With ``checkpoint``
    training keeps only what enters each block and computes the rest again for the gradients, as
    after ``model.set_grad_checkpointing()``.

    Raises :class:`SpecError` for a wrong spec and for one of more than ``max_params`` parameters
    (2e9 unless given), and :class:`BuildError` where a registered module does not hold the
    parameters that its spec planned.

    >>> model = build("cifar_resnet20", seed=0)
    >>> sum(p.numel() for p in model.parameters())
    269722
    """
    plan = lay_out(as_spec(spec, "build"))
    check_size(plan, max_params)
    seed = as_seed("build", seed)
    device = torch.device(device) if device is not None else torch.get_default_device()
    # Made and filled on the CPU, so that the values do not depend on where they go.
    home = device if device.type == "meta" else torch.device("cpu")
    with torch.random.fork_rng(devices=[]), home:
        # Only a registered module could draw here, at random of its own; let it be by the seed.
        # (torch.manual_seed would seed the caller's GPUs too.)
        torch.default_generator.manual_seed(stream_key(seed, "modules"))
        model = assemble(plan)
    _compare(model, plan)
    if home.type != "meta":
        initialise(model, plan, seed)
    model.to(device, dtype)
    model.set_grad_checkpointing(checkpoint)
    model.spec = plan.spec
    return model


def unwrap(model: nn.Module) -> nn.Module:
    """The network inside of a compiled, parallel or averaging wrapper, or of several."""
    inner = model
    while not isinstance(inner, ResNet):
        wrapped = getattr(inner, "_orig_mod", None)
        if isinstance(inner, _WRAPPERS):
            wrapped = inner.module
        if not isinstance(wrapped, nn.Module):
            break
        inner = wrapped
    return inner


_WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel, AveragedModel)
"""Modules that hold a network as ``module``; others may call a part of their own so."""


def made_of(spec: ResNetSpec, device: str = "meta") -> ResNet:
    """The network of ``spec``, whose weights are not filled."""
    with torch.random.fork_rng(devices=[]), torch.device(device):
        made = assemble(lay_out(spec))
    made.spec = spec
    return made


def assemble(plan: Plan) -> ResNet:
    """The modules of ``plan``; what :func:`initialise` will fill is left as it comes."""
    ends = plan.modules
    stages = [nn.Sequential(*(make_block(block) for block in stage)) for stage in plan.stages]
    head = None if plan.spec.head is None else chain(ends.head)
    closing = chain(ends.closing) if ends.closing else None
    before = {
        number: steps(modules)[f"before{number}"]
        for number, modules in enumerate(plan.before, start=1)
        if modules
    }
    return ResNet(chain(ends.stem), stages, head, closing, before, feature_info(plan))


def feature_info(plan: Plan) -> list[dict[str, Any]]:
    """timm's description of the maps of stem and stages: channels, strides, and the modules."""
    return [
        {"num_chs": feature.channels, "reduction": feature.stride, "module": feature.name}
        for feature in (plan.stem_map, *plan.features)
    ]


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
        if layer.kind == "parameter":
            continue
        if layer.name not in modules:
            raise _differ(layer.name, layer.kind, "nothing")
        if layer.kind == "conv":
            _compare_conv(modules[layer.name], layer)


def _compare_conv(conv: nn.Module, layer: Layer) -> None:
    for field in ("stride", "padding", "dilation", "groups"):
        planned: Any = getattr(layer, field)
        if isinstance(planned, int | tuple) and field != "groups":
            planned = each(planned, layer.dims)
        built = getattr(conv, field, planned)
        if field == "padding" and isinstance(conv, SamePadded):
            built = "same"
        if built != planned:
            raise _differ(f"{layer.name}.{field}", planned, built)


def _differ(name: str, planned: object, built: object) -> BuildError:
    help_ = "correct the kind's 'trace', or its module"
    return BuildError(f"{name}: planned {planned}, built {built}; {help_}")
