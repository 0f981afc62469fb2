"""Names, shapes and modules of a network that resforge did not build."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ..builder.make import MODULES
from ..builder.shown import is_plain
from ..errors import Fault
from ..specs.seen import Seen
from ..specs.trace import Shape
from .errors import WeightsError
from .layouts import recognise

_BLOCK = re.compile(r"layer\d+\.\d+(?=\.|$)")


class Observed:
    """The layers of a network, under resforge's names.

    A name of no rule stands for itself. ``parts`` holds the layers of each block by its name,
    and ``seen`` all others; ``names`` one tensor of each layer as the network names it;
    ``types`` the classes of all modules; ``is_own`` says whether some are resforge's; ``blocks``
    holds the modules that have the names of blocks. Raises :class:`WeightsError` for a tensor
    without elements and for a convolution that is not square.
    """

    def __init__(
        self, tensors: Mapping[str, Tensor], modules: Mapping[str, nn.Module] | None = None
    ) -> None:
        modules = modules or {}
        self.is_module = bool(modules)
        self.shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        reading = recognise(self.shapes)
        self.form = reading.form
        self.types = [type(module) for module in modules.values()]
        self.is_own = not set(MODULES.values()).isdisjoint(self.types)
        self.blocks = {name: module for name, module in modules.items() if _BLOCK.fullmatch(name)}
        self.modules: dict[str, nn.Module] = {}
        self.names: dict[str, str] = {}
        shapes: dict[str, dict[str, Shape]] = {}
        constants: dict[str, float] = {}
        for name, tensor in tensors.items():
            if not tensor.numel():
                raise unknowable(f"{name} is empty")
            native = reading.form.native(name) or name
            layer, _, leaf = native.rpartition(".")
            self.names.setdefault(layer, name)
            shapes.setdefault(layer, {})[leaf] = self.shapes[name]
            if modules:
                self.modules[layer] = modules[name.rpartition(".")[0]]
                value = _constant(tensor)
                constants |= {} if value is None else {native: value}
        settings = {name: _settings(module) for name, module in {**modules, **self.modules}.items()}
        for name, leaves in shapes.items():
            _check_square(name, leaves.get("weight", ()), settings.get(name, {}))
        self.parts = _parts(Seen(shapes, settings, constants))
        self.seen = self.parts[""]

    @property
    def first_conv(self) -> Shape:
        """The shape of the weight of its first convolution."""
        for shapes in self.seen.tensors.values():
            if len(shape := shapes.get("weight", ())) == 4:
                return shape
        raise unknowable("it has no convolution")

    def depth(self, stage: int) -> int:
        """Number of blocks of a stage; stages are counted from 1."""
        prefix = f"layer{stage}."
        numbers = {name.removeprefix(prefix) for name in self.parts if name.startswith(prefix)}
        if numbers != {str(number) for number in range(len(numbers))}:
            raise unknowable(f"the blocks of its stage {stage} are not numbered from 0")
        return len(numbers)


def _parts(seen: Seen) -> dict[str, Seen]:
    """What shows of each block, by its name, and of all that is no block, under an empty one."""
    found: dict[str, tuple[dict[str, Any], ...]] = {"": ({}, {}, {})}
    for which, mapping in enumerate((seen.tensors, seen.settings, seen.constants)):
        for name, value in mapping.items():
            match = _BLOCK.match(name)
            part = match[0] if match else ""
            own = name[len(part) + 1 :] if part else name
            found.setdefault(part, ({}, {}, {}))[which][own] = value
    return {name: Seen(*part) for name, part in found.items() if part[0] or not name}


def _constant(tensor: Tensor) -> float | None:
    """The one value of all elements; None where they differ, and for weights of layers."""
    if tensor.is_meta or not tensor.is_floating_point() or sum(n > 1 for n in tensor.shape) > 1:
        return None
    first = tensor.flatten()[0]
    return float(first) if bool((tensor == first).all()) else None


def _settings(module: nn.Module) -> dict[str, Any]:
    """The plain attributes of a module, and its class."""
    own = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in vars(module).items()
        if is_plain(value) and value is not None
    }
    return {**own, "class": type(module).__name__}


def _check_square(name: str, shape: Shape, settings: Mapping[str, Any]) -> None:
    strides = settings.get("stride")
    uneven = isinstance(strides, tuple) and len(set(strides)) > 1
    if len(shape) == 4 and (shape[2] != shape[3] or uneven):
        raise unknowable(f"{name} is not square")


def printed(network: nn.Module) -> Counter[tuple[str, str, str]]:
    """The name, class and printed settings of each module."""
    return Counter(
        (name, type(module).__name__, module.extra_repr())
        for name, module in network.named_modules()
    )


def unknowable(why: str) -> WeightsError:
    """The error for a network that the language cannot express, or that cannot be identified."""
    help_ = "write its spec by hand, or keep it as the module it is"
    return WeightsError(Fault("infer", f"no spec for this network: {why}", help=help_))
