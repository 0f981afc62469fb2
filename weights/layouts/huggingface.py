"""The names of Hugging Face transformers' ResNet and RegNet.

Those of ``ResNetForImageClassification`` and ``RegNetForImageClassification``, and of the models
without a head.
"""

from __future__ import annotations

from collections.abc import Callable

from ...planner.plan import Plan
from ..naming import Form, Rule, shallow

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


FORMS = (
    _body("resnet.", _resnet),
    _body("regnet.", _regnet),
    _body("regnet.", _regnet_y, attends=True),
    _body("", shallow),
)
