"""Networks of TensorFlow's model garden as modules of torch, with their tensors under native names.

``official.vision`` of tf-models-official imports text models, detection and data pipelines. What a
ResNet does not use stands empty here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any
from unittest.mock import MagicMock

import torch
from torch import Tensor, nn

from .bare import bare
from .foreign_net import ForeignNet

_VISION = "official.vision"
_UNUSED = ("nlp.modeling", "vision.ops.spatial_transform_ops")
#: Layers of a block in the order in which a native block has them.
_PARTS = ("conv1", "norm1", "conv2", "norm2", "conv3", "norm3", "squeeze_excitation")
_SHORTCUT = ("shortcut", "shortcut1", "norm0")


class GardenNet(ForeignNet):
    """A network that Keras 2 builds and runs on TensorFlow.

    Maps go in and come out as (N, C, H, W); Keras has (N, H, W, C).
    """

    def __init__(self, config: dict[str, Any]) -> None:
        network = _network(config["task"]["model"])
        leaves = list(_leaves(network))
        super().__init__(network, leaves, map(_held, leaves), config)
        for leaf in leaves:
            self._count(leaf)

    def forward(self, x: Tensor) -> Tensor:
        for leaf, layer in zip(self.leaves, self.held, strict=True):
            state = layer.state_dict()
            state.pop("num_batches_tracked", None)
            leaf.set_weights([_turned(tensor).numpy() for tensor in state.values()])
        self.macs = 0
        y = self.network(x.permute(0, 2, 3, 1).numpy(), training=False)
        if isinstance(y, dict):  # of a backbone
            y = y[max(y)]
        self.macs //= len(x)
        answer = torch.from_numpy(y.numpy())
        return answer.permute(0, 3, 1, 2) if answer.ndim == 4 else answer

    def _count(self, leaf: Any) -> None:
        """Count multiply-accumulates where it runs: for each number put out, the weights that it
        reads."""
        own, shape = leaf.call, leaf.weights[0].shape  # of a kernel: (..., in, out)
        reads = int(shape[:-1].num_elements())

        def call(x: Any) -> Any:
            y = own(x)
            self.macs += int(y.numpy().size) * reads
            return y

        if len(shape) > 1:  # a norm has one number for each channel
            leaf.call = call


def _network(model: dict[str, Any]) -> Any:
    """The network of a file's model, in Keras."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    _prepare()
    keras = import_module("tf_keras")
    keras.backend.set_floatx("float64")
    settings = import_module(f"{_VISION}.configs.image_classification")
    found = settings.ImageClassificationModel()
    found.override(model)
    specs = keras.layers.InputSpec(shape=[None, None, None, (model.get("input_size") or [3])[-1]])
    outer = import_module(f"{_VISION}.modeling.backbones")
    kinds = {"resnet": "resnet", "dilated_resnet": "resnet_deeplab"}
    kind = found.backbone.type
    maker = getattr(import_module(f"{outer.__name__}.{kinds[kind]}"), f"build_{kind}")
    backbone = maker(specs, found.backbone, found.norm_activation)
    if not found.num_classes:
        return backbone
    norm = found.norm_activation
    return import_module(f"{_VISION}.modeling.classification_model").ClassificationModel(
        backbone,
        found.num_classes,
        specs,
        found.dropout_rate,
        add_head_batch_norm=found.add_head_batch_norm,
        norm_momentum=norm.norm_momentum,
        norm_epsilon=norm.norm_epsilon,
    )


def _prepare() -> None:
    """Stand-ins for the packages whose own files import all of the model garden."""
    vision = ("modeling", "modeling.backbones", "configs", "modeling.layers", "ops")
    others = ("vision", "nlp", "core", "modeling.optimization")
    bare("official", *others, *(f"vision.{name}" for name in vision))
    for name in _UNUSED:
        sys.modules.setdefault(f"official.{name}", MagicMock())
    # Classes of the blocks' file derive from these.
    bases: Any = sys.modules["official.nlp.modeling"].layers
    bases.TransformerEncoderBlock = bases.TransformerScaffold = object


def _leaves(network: Any) -> Iterator[Any]:
    """The layers with numbers: the stem, the blocks, a shortcut last in its block, and the head."""
    for layer in network.layers:
        if hasattr(layer, "_conv1"):
            parts = [getattr(layer, f"_{part}", None) for part in (*_PARTS, *_SHORTCUT)]
            for part in filter(None, parts):
                inner = ("_se_reduce", "_se_expand")
                yield from [getattr(part, n) for n in inner] if hasattr(part, inner[0]) else [part]
        elif hasattr(layer, "layers"):
            yield from _leaves(layer)
        elif layer.weights:
            yield layer


def _turned(tensor: Tensor) -> Tensor:
    """A tensor of torch as Keras has it: kernels are (height, width, in, out) there."""
    return tensor.permute(2, 3, 1, 0) if tensor.ndim == 4 else tensor.t()


def _held(leaf: Any) -> nn.Module:
    """A layer of torch for the numbers of one of Keras."""
    shape = tuple(leaf.weights[0].shape)
    if len(shape) == 1:
        return nn.BatchNorm2d(shape[0])
    biased = leaf.use_bias
    if len(shape) == 4:
        return nn.Conv2d(shape[2], shape[3], shape[:2], bias=biased)
    return nn.Linear(*shape, bias=biased)
