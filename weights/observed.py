"""What a stranger's network shows of itself: names, shapes and, of a module, its layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import nn

from ..errors import Fault
from ..specs.trace import Shape
from .errors import WeightsError
from .layouts import recognise


class Conv(NamedTuple):
    """A convolution; what only a module shows is None of a state dict."""

    name: str
    out_channels: int
    in_channels: int
    """For each group."""
    kernel: int
    bias: bool
    stride: int | None
    dilation: int | None


class Layers:
    """The layers of a network under resforge's names, whatever their own are.

    ``kinds`` are the types of all its modules, also of those without tensors. Raises
    :class:`WeightsError` where the names are of no known layout.
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
        """Whether more than names and shapes is to be seen."""
        return bool(self.modules)

    def conv(self, name: str) -> Conv | None:
        """The square 2d convolution of that name; None where there is none."""
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
        """Whether there is a norm of that name."""
        return self.tensors.get(name, {}).get("weight", (0, 0))[1:] == ()

    def depth(self, stage: int) -> int:
        """How many blocks a stage has, counted from 1."""
        prefix = f"layer{stage}."
        blocks = {int(name.split(".")[1]) for name in self.tensors if name.startswith(prefix)}
        if blocks != set(range(len(blocks))):
            raise unknowable(f"the blocks of its stage {stage} are not numbered from 0")
        return len(blocks)


def unknowable(why: str) -> WeightsError:
    """The error of a network that the language cannot express, or that shows too little."""
    help_ = "write its spec by hand, or keep it as the module it is"
    return WeightsError(Fault("infer", f"no spec for this network: {why}", help=help_))
