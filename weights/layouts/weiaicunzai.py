"""The names of weiaicunzai/pytorch-cifar100: ``conv2_x.0.residual_function.0`` and its kin.

Each of its files numbers the layers of a block in a sequence, under a name of its own.
"""

from __future__ import annotations

from ...planner.plan import Plan
from ...specs.network import ResNetSpec
from ..naming import Form, Rule, shallow
from .fixed import plain

WORDS = "those of pytorch-cifar100"


def _post(block: str, branch: str, ours: str = "conv", norms: str = "bn") -> tuple[Rule, ...]:
    """A branch whose norms follow the convolutions, three modules to each."""
    return (
        (f"layer{{s}}.{{b}}.{ours}{{n}}", f"{block}{branch}.{{3n-3}}"),
        (f"layer{{s}}.{{b}}.{norms}{{n}}", f"{block}{branch}.{{3n-2}}"),
        ("layer{s}.{b}.downsample.{n}", f"{block}shortcut.{{n}}"),
    )


def _is_resnet(plan: Plan) -> bool:
    """Whether the first convolution of blocks is not in groups, as that of its ResNeXt is."""
    convs = [layer for layer in plan.stages[0][0].branch if layer.kind == "conv"]
    return shallow(plan) and all(conv.groups == 1 for conv in convs)


def _is_wide(plan: Plan) -> bool:
    """Whether all blocks are the basic ones of its wide networks, which end in a convolution."""
    blocks = {(block.spec.kind, block.spec.arrangement) for row in plan.stages for block in row}
    return shallow(plan) and blocks == {("basic", "full_pre")}


_RESNET, _STAGE, _CONV = "conv{s+1}_x.{b}.", "stage{s}.{b}.", "conv{s+1}.{b}."
_STEM: tuple[Rule, ...] = (("conv1", "conv1.0"), ("bn1", "conv1.1"))
_PRE: tuple[Rule, ...] = (("conv1", "pre.0"), ("bn1", "pre.1"))
_CHAIN = ("branch.conv", "branch.norm")
_FC, _LINEAR = ("fc", "fc"), ("fc", "linear")

FORMS = (
    Form((*_STEM, *_post(_RESNET, "residual_function"), _FC), _is_resnet),
    Form((*_STEM, *_post(_CONV, "split_transforms"), _FC), shallow),
    Form((*_STEM, *_post(_RESNET, "residual", *_CHAIN), _FC), shallow),
    Form(
        (
            *_PRE,
            *_post(_STAGE, "residual", *_CHAIN),
            ("layer{s}.{b}.branch.se1.fc{n}", _STAGE + "excitation.{2n-2}"),
            _LINEAR,
        ),
        shallow,
    ),
    Form(
        (
            *_PRE,
            ("layer{s}.{b}.bn{n}", _STAGE + "residual.{3n}"),
            ("layer{s}.{b}.conv{n}", _STAGE + "residual.{3n-1}"),
            ("layer{s}.{b}.downsample.0", _STAGE + "shortcut"),
            _LINEAR,
        ),
        shallow,
        requires="layer1.0.bn0",
    ),
    Form(
        (
            ("stem.conv1", "init_conv"),
            # Before that of the norms, whose third would have the place of the second of these.
            ("layer{s}.{b}.conv{n}", _CONV + "residual.{4n-2}"),
            ("layer{s}.{b}.bn{n}", _CONV + "residual.{3n}"),
            ("layer{s}.{b}.downsample.{n}", _CONV + "shortcut.{n}"),
            ("norm", "bn"),
            _LINEAR,
        ),
        _is_wide,
        requires="layer1.0.bn0",
    ),
)
FLAT = ("se1.fc1", "se1.fc2")


def implied(spec: ResNetSpec) -> ResNetSpec:
    """``spec`` with the choices of this code: relu and the usual norms."""
    return plain(spec)
