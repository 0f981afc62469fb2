"""Attention through few channels: what squeeze-and-excitation and its kin share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..activation import Activation, Function, PReLUSpec, fields_of
from ..attention import AttentionSpec
from ..base import Channels
from ..call import call
from ..layer import Module
from ..operation import Operation, Problem
from ..seen import Seen
from ..site import Choices, Site
from ..windows import rounded
from .act import CLASSES, act_call

_WIDTHS = ("reduction", "divisor", "width", "of")
_FUNCTIONS = {name.removeprefix("nn."): function for function, name in CLASSES.items()}


class ReducingSpec(AttentionSpec):
    """Base of attention with two 1x1 convolutions, ``fc1`` to fewer channels and ``fc2`` back."""

    main: ClassVar[str | None] = "reduction"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"reduction": 1},
        {"reduction": 2},
        {"reduction": 4, "divisor": 3},
    )

    reduction: Annotated[int, Field(ge=1, le=1024)] = 16
    """C channels are reduced to C // reduction between W1 and W2."""
    divisor: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Rounds C / reduction to the nearest multiple of this number, which is the least (timm's `se`
    has 8). Left out: C // reduction."""
    of: Literal["map", "input"] = "map"
    """Whose channels C are reduced: those of the map that is weighed, or of the block's input
    (RegNetY)."""
    width: Channels | None = None
    """Channels between W1 and W2, in place of a reduction."""
    activation: Function = "relu"
    """The activation between W1 and W2; `network`: the network's own."""
    bias: bool = True
    """Whether W1 and W2 are biased."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        narrow = seen.conv("fc1")
        if narrow is None:
            return
        channels, reduced = narrow.in_channels, narrow.out_channels
        rest: dict[str, Any] = {} if narrow.bias else {"bias": False}
        function = _FUNCTIONS.get(seen.setting("act", "class", ""), "relu")
        rest |= {} if function == "relu" else {"activation": function}
        # Other reductions leave as many channels; the usual one is the likelier. A divisor of the
        # reduced channels is the last resort: it leaves them of any number below 24 times as many.
        nearest = channels // reduced
        exact = nearest and channels // nearest == reduced
        usual = channels // 16 == reduced
        yield rest | ({} if usual else {"reduction": nearest} if exact else {"divisor": reduced})
        # RegNetY's: nothing of the attention shows the channels of the block's input.
        yield rest | {"reduction": 4, "of": "input"}

    @property
    def reads_input(self) -> bool:
        return self.of == "input"

    def settle(self, choices: Choices) -> Operation:
        return _with(self, choices.activation) if self.activation == "network" else self

    def reduced(self, channels: int) -> int:
        """The channels between W1 and W2, of so many.

        >>> from resforge.specs import SqueezeExcitationSpec
        >>> SqueezeExcitationSpec().reduced(64), SqueezeExcitationSpec(divisor=8).reduced(64)
        (4, 8)
        """
        if self.width is not None:
            return self.width
        if self.divisor is None:
            return channels // self.reduction
        return rounded(channels, self.divisor, self.reduction)

    def reduced_at(self, channels: int, site: Site) -> int:
        """The channels between W1 and W2 where the map has ``channels``."""
        return self.reduced(site.in_channels if self.of == "input" else channels)

    def options(self, module: Module, *others: str) -> dict[str, Any]:
        """The options of its module: those that differ from a default, of its own and
        ``others``."""
        options = self.differing("reduction", "divisor", "bias", *others)
        if self.width is not None or self.of == "input":
            options = {**self.differing("bias", *others), "width": hidden(module)}
        if self.activation != "relu":
            options["activation"] = act_call(self.activation, in_place=True)
        return options

    def canonical(self, module: Module) -> dict[str, Any] | None:
        rest = self.differing(*(name for name in type(self).model_fields if name not in _WIDTHS))
        rest.pop("kind", None)
        return {"op": self.kind, "channels": hidden(module), **rest}

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        if self.width is not None and (given := self.differing("reduction", "divisor", "of")):
            name = next(iter(given))
            yield name, f"a width of {self.width} needs no {name}", f"leave out {name}, or width"
        learns = self.activation != "network" and isinstance(fields_of(self.activation), PReLUSpec)
        if learns:
            message = "the network's prelu has parameters, and attention no place for them"
            yield "activation", message, "name another, such as relu"
        whose = site.in_channels if self.of == "input" else module.in_channels
        if not self.reduced(whose):
            yield (
                "reduction",
                f"a reduction of {self.reduction} leaves none of {whose} channels",
                f"use a reduction of at most {whose}",
            )


class GatedSpec(ReducingSpec):
    """Base of attention that multiplies the map by a gate between 0 and 1."""

    gate: Literal["sigmoid", "hardsigmoid"] = "sigmoid"
    """The function that makes a factor between 0 and 1 of each weight."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        hard = seen.setting("gate", "class") == "Hardsigmoid"
        for fields in super().proposals(seen):
            yield fields | ({"gate": "hardsigmoid"} if hard else {})

    def options(self, module: Module, *others: str) -> dict[str, Any]:
        options = super().options(module, *others)
        if self.gate != "sigmoid":
            options["gate"] = call("nn.Hardsigmoid")
        return options


def hidden(module: Module) -> int:
    """The channels between W1 and W2 of a module that is laid out."""
    return next(layer.out_channels for layer in module.layers if layer.name.endswith("fc1"))


@lru_cache(256)
def _with(op: ReducingSpec, function: Activation) -> ReducingSpec:
    """``op`` with another activation."""
    return op.model_copy(update={"activation": function})
