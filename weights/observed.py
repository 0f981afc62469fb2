"""Names, shapes and modules of a network that resforge did not build."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from torch import Tensor, nn

from ..builder.make import MODULES
from ..builder.shown import is_plain
from ..errors import Fault
from ..specs.activation import Activation
from ..specs.layer import Shape
from ..specs.layout import BlockPlan
from ..specs.operations.act import ARGUMENTS, CLASSES, ActSpec
from ..specs.seen import Seen
from .errors import WeightsError
from .layouts import recognise
from .naming import layers_of
from .specimen import Specimen

_CHAIN = re.compile(r"(stem|before\d+|closing|head)\.[a-z_0-9]*\d(\.|$)")
_BLOCK = re.compile(r"layer\d+\.\d+(?=\.|$)")


class Observed:
    """The layers of a network, under resforge's names.

    A name of no rule stands for itself. ``parts`` holds the layers of each block by its name,
    and ``seen`` all others; ``names`` one tensor of each layer as the network names it, and
    ``foreign`` each tensor;
    ``activations`` those of its modules, the most frequent first; ``is_own`` says whether some of
    them are resforge's; ``blocks`` holds the modules that have the names of blocks; ``specimen`` is
    the network with random weights, where there is one. Raises
    :class:`WeightsError` for a tensor without elements and for a convolution that is not square.
    """

    def __init__(
        self,
        tensors: Mapping[str, Tensor],
        modules: Mapping[str, nn.Module] | None = None,
        specimen: Specimen | None = None,
    ) -> None:
        modules = modules or {}
        self.specimen = specimen
        self.is_module = bool(modules)
        self.shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        reading = recognise(self.shapes)
        self.form = reading.form
        self.is_own = not set(MODULES.values()).isdisjoint(map(type, modules.values()))
        self.activations = _activations(modules.values())
        self.blocks = {name: module for name, module in modules.items() if _BLOCK.fullmatch(name)}
        self.modules: dict[str, nn.Module] = {}
        self.names: dict[str, str] = {}
        self.foreign: dict[str, str] = {}
        shapes: dict[str, dict[str, Shape]] = {}
        constants: dict[str, float] = {}
        for name, tensor in tensors.items():
            if not tensor.numel():
                raise unknowable(f"{name} is empty")
            native = _written_out(name, self.shapes) or reading.form.native(name) or name
            layer, _, leaf = native.rpartition(".")
            self.names.setdefault(layer, name)
            self.foreign[native] = name
            shapes.setdefault(layer, {})[leaf] = self.shapes[name]
            if modules:
                self.modules[layer] = modules[name.rpartition(".")[0]]
                value = _constant(tensor)
                constants |= {} if value is None else {native: value}
        settings = {
            name: settings_of(module) for name, module in {**modules, **self.modules}.items()
        }
        longest = max((len(shape) for shape in self.shapes.values()), default=0)
        self.dims = longest - 2 if longest in (3, 4, 5) else 2
        if self.dims == 2:
            for name, leaves in shapes.items():
                _check_square(name, leaves.get("weight", ()), settings.get(name, {}))
        self.parts = _parts(Seen(shapes, settings, constants, self.dims))
        self.seen = self.parts[""]

    @property
    def first_conv(self) -> Shape:
        """The shape of the weight of its first convolution."""
        for shapes in self.seen.tensors.values():
            if len(shape := shapes.get("weight", ())) == self.dims + 2:
                return shape
        raise unknowable("it has no convolution")

    def prefer(self, activation: Activation) -> None:
        """Let an activation be the likeliest."""
        found = self.activations or activations_tried()
        self.activations = (activation, *(each for each in found if each != activation))

    def running(self, block: str) -> nn.Module | None:
        """The module of a block with random weights; None where no module is the block alone."""
        theirs = [name for ours, name in self.foreign.items() if ours.startswith(f"{block}.")]
        if self.specimen is None or not theirs:
            return None
        first, last = min(theirs).split("."), max(theirs).split(".")
        same = [a for a, b in zip(first, last, strict=False) if a == b]
        prefix = ".".join(first[: len(same)])
        beside = [name for name in self.shapes if name.startswith(f"{prefix}.")]
        alone = prefix and len(beside) == len(theirs)
        return self.specimen.network.get_submodule(prefix) if alone else None

    def moved(self, planned: BlockPlan) -> Mapping[str, str]:
        """The layers of a block that are numbered differently there, by their names within it."""
        moved = self.form.moved([planned]) if self.form.moved else {}
        start = f"{planned.name}."
        return {a.removeprefix(start): b.removeprefix(start) for a, b in moved.items()}

    def fill(self, made: nn.Module, planned: BlockPlan) -> bool:
        """Whether a block has been given the random weights that the network's own has."""
        moved, state = self.moved(planned), made.state_dict()
        given = self.specimen.given if self.specimen is not None else {}
        for name, tensor in state.items():
            layer, _, leaf = name.rpartition(".")
            native = f"{planned.name}.{moved.get(layer, layer)}.{leaf}"
            theirs = given.get(self.foreign.get(native, ""))
            if theirs is None or theirs.numel() != tensor.numel():
                return False
            state[name] = theirs.view(tensor.shape)
        made.load_state_dict(state, assign=True)
        made.eval()
        return True

    def depth(self, stage: int) -> int:
        """Number of blocks of a stage; stages are counted from 1."""
        prefix = f"layer{stage}."
        numbers = {name.removeprefix(prefix) for name in self.parts if name.startswith(prefix)}
        if numbers != {str(number) for number in range(len(numbers))}:
            raise unknowable(f"the blocks of its stage {stage} are not numbered from 0")
        return len(numbers)


def _written_out(name: str, beside: Collection[str]) -> str | None:
    """The name of a layer of a chain that is written out, in a network whose blocks have
    resforge's names; None for another layer."""
    if _CHAIN.match(name) and any(map(_BLOCK.match, beside)):
        return name
    return None


def activations_tried() -> tuple[Activation, ...]:
    """The activations of a network that shows none."""
    return "relu", "silu", "gelu", "leaky_relu", "elu", "tanh"


def depths_of(names: Collection[str]) -> tuple[int, ...]:
    """The number of blocks of each stage, as far as a layout reads it from the names."""
    native = recognise(names).form.known(layers_of(names))
    blocks = {match[0] for layer in native if (match := _BLOCK.match(layer))}
    stages = Counter(block.partition(".")[0] for block in blocks)
    return tuple(stages[f"layer{number}"] for number in range(1, len(stages) + 1))


def _activations(modules: Iterable[nn.Module]) -> tuple[Activation, ...]:
    """The activations among ``modules``, the most frequent first."""
    kinds = {getattr(nn, name[3:]): kind for kind, name in CLASSES.items()}
    found = [_activation_of(m, kinds[type(m)]) for m in modules if type(m) in kinds]
    return tuple(each for each, _ in Counter(found).most_common() if each is not None)


def _activation_of(module: nn.Module, kind: str) -> Activation | None:
    """The activation of a module of PyTorch's; None where it has settings that are not legal."""
    names = ARGUMENTS.get(kind, {})
    fields = {field: getattr(module, name) for field, name in names.items()}
    if isinstance(module, nn.PReLU):
        fields["shared"] = module.num_parameters == 1
    try:
        return ActSpec.model_validate({"function": {"kind": kind, **fields}}).function
    except ValidationError:
        return None


def _parts(seen: Seen) -> dict[str, Seen]:
    """What shows of each block, by its name, and of all that is no block, under an empty one."""
    found: dict[str, tuple[dict[str, Any], ...]] = {"": ({}, {}, {})}
    for which, mapping in enumerate((seen.tensors, seen.settings, seen.constants)):
        for name, value in mapping.items():
            match = _BLOCK.match(name)
            part = match[0] if match else ""
            own = name[len(part) + 1 :] if part else name
            found.setdefault(part, ({}, {}, {}))[which][own] = value
    return {
        name: Seen(part[0], part[1], part[2], seen.dims)
        for name, part in found.items()
        if part[0] or not name
    }


def _constant(tensor: Tensor) -> float | None:
    """The one value of all elements; None where they differ, and for weights of layers."""
    if tensor.is_meta or not tensor.is_floating_point() or sum(n > 1 for n in tensor.shape) > 1:
        return None
    first = tensor.flatten()[0]
    return float(first) if bool((tensor == first).all()) else None


def settings_of(module: nn.Module) -> dict[str, Any]:
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
