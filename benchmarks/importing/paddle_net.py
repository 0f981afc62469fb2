"""PaddleClas' networks as modules of torch, with their tensors under native names."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from .bare import bare
from .foreign_net import ForeignNet

_BACKBONES = "paddleclas.ppcls.arch.backbone"


class PaddleNet(ForeignNet):
    """A network that Paddle builds and runs.

    Both have the layers of a block in the same order, the shortcut's last.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        network = _network(config["Arch"])
        leaves = [layer for layer in network.sublayers() if not layer.sublayers()]
        leaves = [leaf for leaf in leaves if leaf.parameters()]
        super().__init__(network, leaves, map(_held, leaves), config)
        for leaf in leaves:
            leaf.register_forward_post_hook(self._count)

    def forward(self, x: Tensor) -> Tensor:
        paddle = import_module("paddle")
        for leaf, layer in zip(self.leaves, self.held, strict=True):
            for own, tensor in layer.state_dict().items():
                turned = tensor.T if isinstance(layer, nn.Linear) and tensor.ndim == 2 else tensor
                if own != "num_batches_tracked":
                    getattr(leaf, _OWN.get(own, own)).set_value(turned.numpy())
        self.macs = 0
        with paddle.no_grad():
            y = self.network(paddle.to_tensor(x.numpy()))
        self.macs //= len(x)
        return torch.from_numpy(y.numpy())

    def _count(self, leaf: Any, _: Any, y: Any) -> None:
        """Multiply-accumulates: for each number put out, the weights that it reads."""
        shape = leaf.weight.shape
        if len(shape) == 4:
            self.macs += y.size * shape[1] * shape[2] * shape[3]
        elif len(shape) == 2:
            self.macs += y.size * shape[0]


def _network(arch: dict[str, Any]) -> Any:
    """The network of a file's architecture, in Paddle."""
    bare("paddleclas", "ppcls", "ppcls.arch", "ppcls.arch.backbone")
    import_module("paddleclas.ppcls.utils.logger").init_logger()
    build = getattr(import_module(f"{_BACKBONES}.{arch['place']}"), arch["name"])
    import_module("paddle").set_default_dtype("float64")
    with import_module("paddle").utils.unique_name.guard():  # as in a process of its own
        network = build(class_num=arch.get("class_num", 1000))
    network.to(dtype="float64")  # norms are of float32 whatever the default is
    network.eval()
    return network


_OWN = {"running_mean": "_mean", "running_var": "_variance"}


def _held(leaf: Any) -> nn.Module:
    """A layer of torch for the numbers of one of Paddle."""
    shape = leaf.weight.shape
    if len(shape) == 4:
        out, each, *kernel = shape
        return nn.Conv2d(each, out, kernel, bias=leaf.bias is not None)
    return nn.Linear(*shape) if len(shape) == 2 else nn.BatchNorm2d(shape[0])
