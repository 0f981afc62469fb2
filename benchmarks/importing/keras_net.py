"""keras-hub's ResNetBackbone as a module of torch, with its tensors under native names."""

from __future__ import annotations

import os
import re
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

_LAYER = re.compile(r"(?:stack(\d+)_block(\d+)_)?(.+)_(conv|bn)$")


class KerasNet(nn.Module):
    """A backbone that Keras builds and runs on torch.

    Its numbers are held by layers of torch in float64, and copied into Keras' before it runs. Maps
    go in and come out as (N, C, H, W); Keras has (N, H, W, C).
    """

    #: Keras computes norms in float32 on torch, whatever it is given.
    rounding = 1e-3

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        os.environ["KERAS_BACKEND"] = "torch"
        settings = import_module("keras").config
        settings.set_image_data_format("channels_last")
        settings.set_floatx("float64")
        network = import_module("keras_hub").models.ResNetBackbone(**config)
        self.__dict__["network"] = network  # no child: its tensors are those of the layers here
        block = config["block_type"]
        #: First stage whose shortcut has a pool before the convolution; one without effect counts.
        self.pooled = {"basic_block_vd": 1, "bottleneck_block_vd": 0}.get(block, 99)
        self.chain = bool(config.get("use_pre_activation"))
        self.held = nn.ModuleDict(
            {each.name: _held(each) for each in network.layers if each.weights}
        ).double()

    def state_dict(self, *_: Any, **__: Any) -> Any:
        return {
            f"{self._native(name)}.{own}": tensor
            for name, layer in self.held.items()
            for own, tensor in layer.state_dict().items()
        }

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H, W) for x: (N, 3, H, W)."""
        for name, layer in self.held.items():
            state = layer.state_dict()
            state.pop("num_batches_tracked", None)
            rows = [t.permute(2, 3, 1, 0) if t.ndim == 4 else t for t in state.values()]
            self.network.get_layer(name).set_weights([row.numpy() for row in rows])
        with torch.no_grad():
            y: Tensor = self.network(x.permute(0, 2, 3, 1), training=False)
        return y.permute(0, 3, 1, 2)

    def _native(self, name: str) -> str:
        """The native name of a layer: ``stack0_block1_2_conv`` is ``layer1.1.conv2``."""
        if name == "post_bn":
            return "norm"
        match = _LAYER.fullmatch(name)
        assert match is not None
        stage, block, number, kind = match.groups()
        if stage is None:
            kinds = {"conv": "stem.conv", "bn": "stem.norm"} if self.chain else {}
            return f"{kinds.get(kind, kind)}{number.removeprefix('conv')}"
        whole = f"layer{int(stage) + 1}.{block}"
        if number == "0":
            return f"{whole}.downsample.{(int(stage) >= self.pooled) + (kind == 'bn')}"
        return f"{whole}.{kind}{0 if number == 'pre_activation' else number}"


def _held(layer: Any) -> nn.Module:
    """A layer of torch for the numbers of one of Keras."""
    shape = tuple(layer.weights[0].shape)
    if len(shape) == 4:
        return nn.Conv2d(shape[2], shape[3], shape[:2], bias=False)
    return nn.BatchNorm2d(shape[0])
