"""The names of bearpaw/pytorch-classification's networks for CIFAR, where they are its own.

Its ResNets have torchvision's names, and its wide ResNets those of WideResNet-pytorch.
"""

from __future__ import annotations

from itertools import product

from ..naming import Form, Rule, shallow

WORDS = "those of bearpaw's pytorch-classification"

_LAYER = "layer{s}.{b}."
_BLOCKS = ("stage_{s}.stage_{s}_bottleneck_{b}.", "stage_{s}.{b}.")
_BESIDE = ("shortcut.shortcut_conv", "shortcut.shortcut_bn"), ("downsample.0", "downsample.1")


def _resnext(block: str, beside: tuple[str, str]) -> tuple[Rule, ...]:
    names = ("reduce", "reduce"), ("conv", ""), ("expand", "expand")
    return (
        ("conv1", "conv_1_3x3"),
        ("bn1", "bn_1"),
        *((f"{_LAYER}conv{n}", f"{block}conv_{name}") for n, (name, _) in enumerate(names, 1)),
        *(
            (f"{_LAYER}bn{n}", f"{block}bn_{name}".rstrip("_"))
            for n, (_, name) in enumerate(names, 1)
        ),
        *((f"{_LAYER}downsample.{n}", block + name) for n, name in enumerate(beside)),
        ("fc", "classifier"),
    )


FORMS = (
    Form(
        (
            ("stem.conv1", "conv1"),
            (_LAYER + "conv{n}", _LAYER + "conv{n}"),
            (_LAYER + "bn{n}", _LAYER + "bn{n+1}"),
            (_LAYER + "downsample.{n}", _LAYER + "downsample.{n}"),
            ("norm", "bn"),
            ("fc", "fc"),
        ),
        shallow,
        requires="layer1.0.bn0",
    ),
    # The second names are RobustBench's, after google-research/augmix.
    *(Form(_resnext(block, beside), shallow) for block, beside in product(_BLOCKS, _BESIDE)),
)
