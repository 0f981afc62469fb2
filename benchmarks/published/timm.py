"""timm's networks."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

from torch import nn

from ..reference import torchvision_models
from .peers import Families, Peer

PACKAGES = ("timm",)
#: As a fraction of the greatest output: what another order of the same sums comes to in float32.
ROUNDING = 1e-6
_CONTEXT = "the weighted mean of its attention is a matrix product there, a sum of products here"
_BILINEAR = "its matrices are as large as the map there, with zeros, and sums of products here"

_ALL = "all positions attend to each other there, and only the mean here, which alone is put out"
_CLIP = {
    "resnet50_clip": 224,
    "resnet101_clip": 224,
    "resnet50x4_clip": 288,
    "resnet50x16_clip": 384,
    "resnet50x64_clip": 448,
}


def _network(name: str, _: Path) -> nn.Module:
    torchvision_models()  # whose import beside a CPU build of torch needs preparation
    network: nn.Module = import_module("timm").create_model(name)
    return network


def _same(names: str, **more: str) -> dict[str, Peer]:
    """Networks under timm's names; ``more`` are those with another name in the catalogue."""
    known = {name: Peer(partial(_network, name)) for name in names.split()}
    return known | {name: Peer(partial(_network, name), entry) for name, entry in more.items()}


def _close(why: str, names: str) -> dict[str, Peer]:
    """Networks whose outputs are equal but for rounding."""
    return {name: replace(peer, tolerance=ROUNDING, why=why) for name, peer in _same(names).items()}


FAMILIES: Families = {
    "timm resnet": _same(
        """
        resnet10t resnet14t resnet18 resnet18d resnet26 resnet26d resnet26t resnet34 resnet34d
        resnet50 resnet50_gn resnet50c resnet50d resnet50s resnet50t resnet101 resnet101c resnet101d
        resnet101s resnet152 resnet152c resnet152d resnet152s resnet200 resnet200d
        wide_resnet50_2 wide_resnet101_2
        resnext50_32x4d resnext50d_32x4d resnext101_32x4d resnext101_32x8d resnext101_32x16d
        resnext101_32x32d resnext101_64x4d
        seresnet50 seresnet50t seresnet101 seresnet152 seresnet152d seresnet200d seresnet269d
        seresnext26d_32x4d seresnext26t_32x4d seresnext50_32x4d seresnext101_32x4d
        seresnext101_32x8d seresnext101_64x4d seresnext101d_32x8d senet154
        ecaresnet26t ecaresnet50d ecaresnet50t ecaresnet101d ecaresnet200d ecaresnet269d
        ecaresnet50d_pruned ecaresnet101d_pruned ecaresnetlight ecaresnext26t_32x4d
        ecaresnext50t_32x4d
        resnetaa34d resnetaa50 resnetaa50d resnetaa101d seresnetaa50d seresnextaa101d_32x8d
        seresnextaa201d_32x8d
        resnetblur18 resnetblur50 resnetblur50d resnetblur101d
        resnetrs50 resnetrs101 resnetrs152 resnetrs200 resnetrs270 resnetrs350 resnetrs420
        test_resnet
        """,
        seresnet18="seresnet18_timm",
        seresnet34="seresnet34_timm",
    ),
    "timm regnet": _same(
        """
        regnetx_002 regnetx_004 regnetx_004_tv regnetx_006 regnetx_008 regnetx_016 regnetx_032
        regnetx_040 regnetx_064 regnetx_080 regnetx_120 regnetx_160 regnetx_320
        regnety_002 regnety_004 regnety_006 regnety_008 regnety_008_tv regnety_016 regnety_032
        regnety_040 regnety_040_sgn regnety_064 regnety_080 regnety_080_tv regnety_120 regnety_160
        regnety_320 regnety_640 regnety_1280 regnety_2560
        regnetv_040 regnetv_064 regnetz_005 regnetz_040 regnetz_040_h
        """
    ),
    "timm byobnet": _same(
        """
        resnet32ts resnet33ts resnet50_mlp resnet51q resnet61q resnext26ts
        seresnet33ts seresnext26ts eca_resnet33ts eca_resnext26ts
        resnet50_clip_gap resnet101_clip_gap resnet50x4_clip_gap resnet50x16_clip_gap
        resnet50x64_clip_gap
        regnetz_b16 regnetz_b16_evos regnetz_c16 regnetz_c16_evos regnetz_d8 regnetz_d8_evos
        regnetz_d32 regnetz_e8
        gernet_s gernet_m gernet_l
        """
    )
    | _close(_CONTEXT, "gcresnet33ts gcresnet50t gcresnext26ts gcresnext50ts")
    | {
        name: Peer(partial(_network, name), size=(side, side), tolerance=ROUNDING, why=_ALL)
        for name, side in _CLIP.items()
    }
    | {
        "bat_resnext26ts": Peer(
            partial(_network, "bat_resnext26ts"), size=(256, 256), tolerance=1e-5, why=_BILINEAR
        )
    },
    "timm resnetv2": _close(
        "the last layer is a 1x1 convolution there and linear here, which adds up in another order",
        """
        resnetv2_18 resnetv2_18d resnetv2_34 resnetv2_34d resnetv2_50 resnetv2_50d resnetv2_50t
        resnetv2_101 resnetv2_101d resnetv2_152 resnetv2_152d
        resnetv2_50d_gn resnetv2_50d_evos resnetv2_50d_frn
        resnetv2_50x1_bit resnetv2_50x3_bit resnetv2_101x1_bit resnetv2_101x3_bit
        resnetv2_152x2_bit resnetv2_152x4_bit
        """,
    ),
    "timm senet": _same(
        """
        legacy_seresnet18 legacy_seresnet34 legacy_seresnet50 legacy_seresnet101 legacy_seresnet152
        legacy_seresnext26_32x4d legacy_seresnext50_32x4d legacy_seresnext101_32x4d legacy_senet154
        """
    ),
    "timm sknet": _same("skresnet18 skresnet34 skresnet50 skresnet50d skresnext50_32x4d"),
    "timm res2net": _same(
        """
        res2net50_14w_8s res2net50_26w_4s res2net50_26w_6s res2net50_26w_8s res2net50_48w_2s
        res2net50d res2net101_26w_4s res2net101d res2next50
        """
    ),
    "timm resnest": _same(
        """
        resnest14d resnest26d resnest50d resnest50d_1s4x24d resnest50d_4s2x40d resnest101e
        resnest200e resnest269e
        """
    ),
    "timm nfnet": _same(
        """
        nf_resnet26 nf_resnet50 nf_resnet101 nf_seresnet26 nf_seresnet50 nf_seresnet101
        nf_ecaresnet26 nf_ecaresnet50 nf_ecaresnet101
        nfnet_l0 eca_nfnet_l0 eca_nfnet_l1 eca_nfnet_l2 eca_nfnet_l3
        nfnet_f0 nfnet_f1 nfnet_f2 nfnet_f3 nfnet_f4 nfnet_f5 nfnet_f6 nfnet_f7
        dm_nfnet_f0 dm_nfnet_f1 dm_nfnet_f2 dm_nfnet_f3 dm_nfnet_f4 dm_nfnet_f5 dm_nfnet_f6
        nf_regnet_b0 nf_regnet_b1 nf_regnet_b2 nf_regnet_b3 nf_regnet_b4 nf_regnet_b5
        test_nfnet
        """
    ),
}
