"""The names of Hugging Face transformers' ResNet and RegNet.

Those of ``ResNetForImageClassification`` and ``RegNetForImageClassification``, of the models
without a head, and of ``RTDetrResNetBackbone``.
"""

from __future__ import annotations

from collections.abc import Callable

from ...planner.plan import Plan
from ..naming import Form, Rule, deep, shallow

WORDS = "those of Hugging Face transformers"


def _resnet(plan: Plan) -> bool:
    return shallow(plan) and plan.spec.block.kind != "x"


def _regnet(plan: Plan) -> bool:
    return shallow(plan) and plan.spec.block.kind == "x" and not _attends(plan)


def _regnet_y(plan: Plan) -> bool:
    return shallow(plan) and plan.spec.block.kind == "x" and _attends(plan)


def _attends(plan: Plan) -> bool:
    return getattr(plan.spec.block, "attention", None) is not None


#: Places of a block's convolutions in RegNetY, whose attention is the layer before the last.
_REGNET_Y = {1: 0, 2: 1, 3: 3}


def _body(prefix: str, made_for: Callable[[Plan], bool], *, attends: bool = False) -> Form:
    block = prefix + "encoder.stages.{s-1}.layers.{b}."
    convolutions: tuple[Rule, ...] = tuple(
        (f"layer{{s}}.{{b}}.{ours}{n}", f"{block}layer.{place}.{theirs}")
        for n, place in (_REGNET_Y.items() if attends else {"{n}": "{n-1}"}.items())
        for ours, theirs in (("conv", "convolution"), ("bn", "normalization"))
    )
    attention: tuple[Rule, ...] = tuple(
        (f"layer{{s}}.{{b}}.se.fc{n}", f"{block}layer.2.attention.{2 * n - 2}") for n in (1, 2)
    )
    return Form(
        (
            ("conv1", f"{prefix}embedder.embedder.convolution"),
            ("bn1", f"{prefix}embedder.embedder.normalization"),
            *convolutions,
            *(attention if attends else ()),
            ("layer{s}.{b}.downsample.0", f"{block}shortcut.convolution"),
            ("layer{s}.{b}.downsample.1", f"{block}shortcut.normalization"),
            ("fc", "classifier.1"),
        ),
        made_for,
    )


def _rt_detr(projects: int) -> Form:
    """RT-DETR's ResNet: a deep stem, and pools before projections that stride. The projection of
    the first block does not, and begins at ``downsample.PROJECTS``."""

    def made_for(plan: Plan) -> bool:
        own = f"layer1.0.downsample.{projects}"
        return deep(plan) and plan.spec.stages[0].step == 1 and own in convs_of(plan)

    block = "encoder.stages.{s-1}.layers.{b}."
    first = "encoder.stages.0.layers.0.shortcut."
    kinds = (("conv", "convolution"), ("bn", "normalization"))
    return Form(
        (
            *((f"{ours}{{n}}", f"embedder.embedder.{{n-1}}.{theirs}") for ours, theirs in kinds),
            *(
                (f"layer{{s}}.{{b}}.{ours}{{n}}", f"{block}layer.{{n-1}}.{theirs}")
                for ours, theirs in kinds
            ),
            *((f"layer1.0.downsample.{projects + n}", first + kinds[n][1]) for n in (0, 1)),
            *(
                (f"layer{{s}}.{{b}}.downsample.{1 + n}", f"{block}shortcut.1.{kinds[n][1]}")
                for n in (0, 1)
            ),
        ),
        made_for,
    )


def convs_of(plan: Plan) -> set[str]:
    """The names of the convolutions of a network."""
    return {layer.name for layer in plan.layers if layer.kind == "conv"}


FORMS = (
    _body("resnet.", _resnet),
    _body("regnet.", _regnet),
    _body("regnet.", _regnet_y, attends=True),
    _body("", shallow),
    _rt_detr(0),
    _rt_detr(1),
)
