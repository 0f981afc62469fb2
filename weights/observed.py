"""Names, shapes and modules of a network that resforge did not build."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import nn

from ..errors import Fault
from ..specs.trace import Shape
from .errors import WeightsError
from .layouts import recognise


class Conv(NamedTuple):
    """A convolution; stride and dilation are None for a state dict, which does not hold them."""

    name: str
    out_channels: int
    in_channels: int
    """Input channels of each group."""
    kernel: int
    bias: bool
    stride: int | None
    dilation: int | None


class Observed:
    """The layers of a network, under resforge's names.

    ``kinds`` holds the types of all modules, including those without tensors. Raises
    :class:`WeightsError` for names of an unknown layout.
    """

    def __init__(self, shapes: Mapping[str, Shape], modules: Mapping[str, nn.Module]) -> None:
        reading = recognise(shapes)
        self.layout, self.form = reading.layout, reading.form
        self.tensors: dict[str, dict[str, Shape]] = {}
        self.modules: dict[str, nn.Module] = {}
        self.kinds = [type(module) for module in modules.values()]
        unknown = []
        for name, shape in shapes.items():
            native = reading.form.native(name)
            if native is None:
                unknown.append(name)
                continue
            layer, _, tensor = native.rpartition(".")
            self.tensors.setdefault(layer, {})[tensor] = shape
            if modules:
                self.modules[layer] = modules[name.rpartition(".")[0]]
            if 0 in shape:
                raise unknowable(f"{name} is empty")
        if unknown:
            raise unknowable(f"it holds {unknown[0]}, a layer that infer_spec does not know")

    @property
    def is_module(self) -> bool:
        """Whether the network is a module, not a state dict."""
        return bool(self.modules)

    def conv(self, name: str) -> Conv | None:
        """The 2d convolution called ``name``, or None.

        Raises :class:`WeightsError` for one that is not square.
        """
        shape = self.tensors.get(name, {}).get("weight", ())
        if len(shape) != 4:
            return None
        module = self.modules.get(name)
        stride = dilation = None
        if isinstance(module, nn.Conv2d):
            stride, dilation = module.stride[0], module.dilation[0]
        if shape[2] != shape[3] or len({stride, *getattr(module, "stride", ())}) > 1:
            raise unknowable(f"{name} is not square")
        bias = "bias" in self.tensors[name]
        return Conv(name, shape[0], shape[1], shape[2], bias, stride, dilation)

    def norm(self, name: str) -> bool:
        """Whether the layer called ``name`` is a norm."""
        return self.tensors.get(name, {}).get("weight", (0, 0))[1:] == ()

    def depth(self, stage: int) -> int:
        """Number of blocks of a stage; stages are counted from 1."""
        prefix = f"layer{stage}."
        blocks = {int(name.split(".")[1]) for name in self.tensors if name.startswith(prefix)}
        if blocks != set(range(len(blocks))):
            raise unknowable(f"the blocks of its stage {stage} are not numbered from 0")
        return len(blocks)


def unknowable(why: str) -> WeightsError:
    """The error for a network that the language cannot express, or that cannot be identified."""
    help_ = "write its spec by hand, or keep it as the module it is"
    return WeightsError(Fault("infer", f"no spec for this network: {why}", help=help_))
