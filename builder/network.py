"""From a spec to a module, and back."""

from __future__ import annotations

import os

import torch
from torch import nn

from ..blocks import Classifier, ResNet
from ..specs import BlockPlan, BuildError, Plan, ResforgeError, ResNetSpec, load
from ..specs.plan import check_size, lay_out
from .join import ACTIVATIONS, BLOCKS, STEMS, make_norm, make_shortcut
from .weights import SkipInit, initialise


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
    if not isinstance(spec, ResNetSpec):
        spec = load(spec)
    plan = lay_out(spec, (1, 1))
    check_size(plan, max_params)
    device = torch.device(device) if device is not None else torch.get_default_device()
    with torch.random.fork_rng(devices=[]), device, SkipInit():
        # Only a registered block could draw here, at random of its own; let it be by the seed.
        torch.manual_seed(seed)
        model = assemble(plan)
    model.to(dtype=dtype)
    _compare(model, plan)
    if device.type != "meta":
        initialise(model, plan, seed)
    model.spec = spec
    return model


def spec_of(model: nn.Module) -> ResNetSpec:
    """The spec that ``model`` was built from, also through a compiled or parallel wrapper.

    Raises :class:`ResforgeError` for a module that resforge did not build.

    >>> spec_of(build("cifar_resnet20", device="meta")).name
    'cifar_resnet20'
    """
    inner = model
    while not isinstance(inner, ResNet):
        wrapped = getattr(inner, "_orig_mod", None) or getattr(inner, "module", None)
        if not isinstance(wrapped, nn.Module):
            break
        inner = wrapped
    spec = getattr(inner, "spec", None)
    if not isinstance(spec, ResNetSpec):
        raise ResforgeError(f"{type(model).__name__} was not built by resforge: it has no spec")
    return spec


def assemble(plan: Plan) -> ResNet:
    """The modules of ``plan``, initialised as PyTorch does by default."""
    spec = plan.spec
    norm = make_norm(spec.norm)
    activation = ACTIVATIONS[spec.activation]
    stem = STEMS[type(spec.stem)](spec.stem, spec.in_channels, norm=norm, activation=activation)
    stages = [nn.Sequential(*(_block(block, spec) for block in stage)) for stage in plan.stages]
    head = None
    if spec.head is not None:
        channels = plan.features[-1].channels
        head = Classifier(channels, spec.head.num_classes, spec.head.dropout)
    return ResNet(stem, stages, head)


def _block(block: BlockPlan, spec: ResNetSpec) -> nn.Module:
    shortcut = make_shortcut(
        block.shortcut,
        block,
        norm=make_norm(block.spec.shortcut_norm(spec.norm)),
        bias=block.spec.bias(spec.norm),
    )
    return BLOCKS[type(block.spec)](
        block,
        shortcut=shortcut,
        norm=make_norm(spec.norm),
        activation=ACTIVATIONS[spec.activation],
    )


def _compare(model: nn.Module, plan: Plan) -> None:
    """The promise that counts are exact, kept at every build."""
    built = {name: tuple(tensor.shape) for name, tensor in model.named_parameters()}
    planned = plan.parameters
    if built == planned:
        return
    for name in dict.fromkeys([*planned, *built]):
        if built.get(name) != planned.get(name):
            raise BuildError(
                f"{name}: planned {planned.get(name, 'nothing')}, built "
                f"{built.get(name, 'nothing')}; mend the block's 'lay' or its module"
            )
