"""A small network of every layout, in the code of its project and as a spec."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reference_layouts as foreign
import reference_named as named
import reference_spatial as spatial
from reference_named import Named, PreActivated
from reference_resnet_d import Basic, Bottleneck, ReferenceResNetD
from reference_torchvision import ReferenceResNet
from torch import Tensor, nn

STAGES = [{"depth": 1, "width": 8}, {"depth": 2, "width": 16, "stride": 2}]
SMALL: dict[str, Any] = {
    "resforge": 1,
    "stem": {"kind": "conv7x7", "width": 8},
    "stages": STAGES,
    "head": {"kind": "classifier", "num_classes": 5},
}
DEEP: dict[str, Any] = {"kind": "deep_base", "widths": [32, 32, 64]}
MM: dict[str, Any] = {
    **SMALL,
    "block": "bottleneck",
    "stem": {"kind": "conv7x7", "width": 32},
    "stages": [{"depth": 1, "width": 16}, {"depth": 2, "width": 32, "stride": 2}],
}
MM_DEEP = {**MM, "stem": {"kind": "deep_base", "widths": [16, 16, 32]}}
TIMM: dict[str, Any] = {
    **SMALL,
    "stem": DEEP,
    "stages": [
        {"depth": 1, "width": 64},
        {"depth": 1, "width": 128, "stride": 2},
        {"depth": 1, "width": 256, "stride": 2},
        {"depth": 1, "width": 512, "stride": 2},
    ],
    "shortcut": "avg_projection",
}
D2L: dict[str, Any] = {
    **SMALL,
    "in_channels": 1,
    "stem": {"kind": "conv7x7", "width": 8, "bias": True},
    "block": "d2l",
    "stages": [
        {"depth": 2, "width": 8},
        {"depth": 2, "width": 16, "stride": 2},
        {"depth": 2, "width": 24, "stride": 2},
    ],
}
SE = {"kind": "bottleneck", "attention": "se"}

BOTTLENECK = {**SMALL, "block": "bottleneck"}
CIFAR = {**SMALL, "stem": {"kind": "conv3x3", "width": 8}}
#: Groups of two and four channels, and the stem's stride that a state dict does not show.
REGNET: dict[str, Any] = {
    **CIFAR,
    "stages": [
        {"depth": 1, "width": 8, "block": {"kind": "x", "group_width": 2}},
        {"depth": 2, "width": 16, "stride": 2, "block": {"kind": "x", "group_width": 4}},
    ],
    "shortcut": "projection",
}
WIDE: dict[str, Any] = {
    **CIFAR,
    "stages": [{"depth": 2, "width": 16}, {"depth": 2, "width": 32, "stride": 2}],
    "block": {"kind": "basic", "order": "full_pre"},
    "shortcut": "projection",
}


def regnet(names: named.Names) -> nn.Module:
    """Bottlenecks of full width in groups, after a stem of one 3x3."""
    return Named(names, stem=(3, 1), pool=False, bottleneck=True, expansion=1, groups=(4, 4))


def children(*between: nn.Module, last: int = 10) -> nn.Sequential:
    """The children of a network in a row, up to ``last``."""
    network = ReferenceResNet("basic", (1, 2), num_classes=5, width=8)
    *body, fc = (network.get_submodule(name) for name, _ in network.named_children())
    return nn.Sequential(*[*body, *between, fc][:last])


class Torchreid(ReferenceResNet):
    """The last layer is ``classifier``."""

    def __init__(self) -> None:
        super().__init__("basic", (1, 2), num_classes=5, width=8)
        self.classifier, self.fc = self.fc, nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.classifier(super().forward(x))
        return y


class Detector(nn.Module):
    """A network as the ``bottom_up`` of a ``backbone``."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.backbone = nn.Module()
        self.backbone.bottom_up = network

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.backbone.bottom_up(x)
        return y


CASES: dict[str, tuple[str, Callable[[], nn.Module], dict[str, Any]]] = {
    "torchvision": (
        "torchvision",
        lambda: ReferenceResNet("basic", (1, 2), num_classes=5, width=8),
        SMALL,
    ),
    "deep_base": (
        "deep_base",
        lambda: ReferenceResNet("basic", (1, 2), num_classes=5, width=8, deep_base=True),
        {**SMALL, "stem": {"kind": "deep_base", "widths": [8, 8, 16]}},
    ),
    "timm deep": (
        "timm",
        lambda: ReferenceResNetD(
            Basic, (1, 1, 1, 1), stem_widths=(32, 32, 64), avg_down=True, num_classes=5
        ),
        TIMM,
    ),
    "timm se": (
        "timm",
        lambda: ReferenceResNetD(
            Bottleneck, (1, 1, 1, 1), stem_widths=(32, 32, 64), attention="se", num_classes=5
        ),
        {**TIMM, "block": SE, "shortcut": "projection"},
    ),
    "huggingface": (
        "huggingface",
        lambda: foreign.huggingface((1, 2), bottleneck=False),
        SMALL,
    ),
    "huggingface bottleneck": (
        "huggingface",
        lambda: foreign.huggingface((1, 2), bottleneck=True),
        {**SMALL, "block": "bottleneck"},
    ),
    "mmpretrain": ("mmpretrain", lambda: foreign.mmpretrain((1, 2)), MM),
    "mmpretrain v1c": ("mmpretrain", lambda: foreign.mmpretrain((1, 2), deep=True), MM_DEEP),
    "mmpretrain v1d": (
        "mmpretrain",
        lambda: foreign.mmpretrain((1, 2), deep=True, avg_down=True),
        {**MM_DEEP, "shortcut": "avg_projection"},
    ),
    "mmpretrain se": (
        "mmpretrain",
        lambda: foreign.mmpretrain((1, 2), se=True),
        {**MM, "block": SE},
    ),
    "d2l book": ("d2l", foreign.d2l_book, D2L),
    "d2l class": ("d2l", foreign.d2l_class, D2L),
    "d2l resnet18": (
        "d2l",
        foreign.d2l_resnet18,
        {**D2L, "stem": {"kind": "conv3x3", "width": 8, "bias": True}},
    ),
    "pytorch_cifar": (
        "pytorch_cifar",
        foreign.Cifar,
        CIFAR,
    ),
    "children": ("children", lambda: children(nn.Flatten()), SMALL),
    "fastai": ("fastai", lambda: nn.Sequential(children(last=6)), {**SMALL, "head": None}),
    "torchreid": ("torchreid", Torchreid, SMALL),
    "detectron2": (
        "detectron2",
        lambda: Named(named.DETECTRON2, bottleneck=True),
        BOTTLENECK,
    ),
    "detectron2 detector": (
        "detectron2",
        lambda: Detector(Named(named.DETECTRON2)),
        SMALL,
    ),
    "pytorchcv": ("pytorchcv", lambda: Named(named.PYTORCHCV, bottleneck=True), BOTTLENECK),
    "pytorchcv small": (
        "pytorchcv",
        lambda: Named(named.PYTORCHCV_SMALL, stem=(3, 1), pool=False),
        CIFAR,
    ),
    "pytorchcv pre-activated": (
        "pytorchcv",
        lambda: PreActivated(named.PYTORCHCV_PREACTIVATED),
        WIDE,
    ),
    "weiaicunzai": (
        "weiaicunzai",
        lambda: Named(named.WEIAICUNZAI, stem=(3, 1), pool=False, bottleneck=True),
        {**CIFAR, "block": "bottleneck"},
    ),
    "wide_resnet": ("wide_resnet", lambda: PreActivated(named.WIDE_RESNET), WIDE),
    "mmpretrain regnet": ("mmpretrain", lambda: regnet(named.MMPRETRAIN), REGNET),
    "pycls": ("pycls", lambda: regnet(named.PYCLS), REGNET),
    "torchvision_regnet": (
        "torchvision_regnet",
        lambda: regnet(named.TORCHVISION_REGNET),
        REGNET,
    ),
    "timm_regnet": ("timm_regnet", lambda: regnet(named.TIMM_REGNET), REGNET),
    "timm_byobnet": ("timm_byobnet", lambda: Named(named.BYOBNET, bottleneck=True), BOTTLENECK),
    **spatial.CASES,
}
