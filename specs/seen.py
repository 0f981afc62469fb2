"""What shows of one part of a network that somebody else may have made.

Every kind proposes fields for what shows (``proposals``); :func:`resforge.infer_spec` writes each
proposal down as a plan does and keeps those whose names and shapes are the ones that show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .axes import Axes, merged

Shape = tuple[int, ...]


class SeenConv(NamedTuple):
    """A convolution; stride and dilation are None where only names and shapes show."""

    name: str
    out_channels: int
    in_channels: int
    """For each group."""
    kernel: Axes
    """0 for what stands in for one."""
    bias: bool
    stride: Axes | None
    dilation: Axes | None


@dataclass(frozen=True)
class Seen:
    """Layers by their names within the part, and the shapes of their tensors."""

    tensors: Mapping[str, Mapping[str, Shape]]
    """Shapes by the layer's name and the tensor's."""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The plain attributes of each module by its name, its class under ``class``; empty for a
    state dict."""
    constants: Mapping[str, float] = field(default_factory=dict)
    """Values of the tensors that hold a single one, by their full names within the part."""
    dims: int = 2
    """Number of axes of the maps."""
    operations: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """By name, operations that have the layers which show there, as trees; likeliest first."""
    stand_ins: Mapping[str, SeenConv] = field(default_factory=dict)
    """By name, the convolution in whose place an operation stands: its channels, no side."""

    def only(self, name: str) -> Seen:
        """What shows of ``name`` and under it."""
        parts = _only(self.tensors, name), _only(self.settings, name), _only(self.constants, name)
        return Seen(*parts, self.dims)

    def below(self, name: str) -> Seen:
        """What shows under ``name``, which itself has the empty name."""
        parts = _below(self.tensors, name), _below(self.settings, name), self._values(name)
        return Seen(*parts, self.dims)

    def _values(self, name: str) -> dict[str, float]:
        start = f"{name}."
        return {
            key.removeprefix(start): value
            for key, value in self.constants.items()
            if key.startswith(start)
        }

    def without(self, name: str) -> Seen:
        """What shows outside of ``name``."""
        layers = {
            key: shapes
            for key, shapes in self.tensors.items()
            if key != name and not key.startswith(f"{name}.")
        }
        return Seen(layers, self.settings, self.constants, self.dims)

    def conv(self, name: str) -> SeenConv | None:
        """The convolution of that name; None where there is none."""
        shapes = self.tensors.get(name, {})
        shape = shapes.get("weight", ())
        if len(shape) != self.dims + 2:
            return None
        settings = self.settings.get(name, {})
        strides, dilations = settings.get("stride"), settings.get("dilation")
        return SeenConv(
            name,
            shape[0],
            shape[1],
            merged(shape[2:]),
            "bias" in shapes,
            merged(strides) if isinstance(strides, tuple) else None,
            merged(dilations) if isinstance(dilations, tuple) else None,
        )

    @property
    def convs(self) -> tuple[SeenConv, ...]:
        """Every convolution, in order."""
        return tuple(conv for name in self.tensors if (conv := self.conv(name)) is not None)

    def numbered(self, prefix: str) -> tuple[SeenConv, ...]:
        """The convolutions that are named ``prefix`` and a number from 1, and what stands in for
        them."""
        convs: list[SeenConv] = []
        while True:
            name = f"{prefix}{len(convs) + 1}"
            conv = self.conv(name) or self.stand_ins.get(name)
            if conv is None:
                return tuple(convs)
            convs.append(conv)

    def setting(self, name: str, attribute: str, default: Any = None) -> Any:
        """A plain attribute of the module of that name; ``default`` where it does not show."""
        return self.settings.get(name, {}).get(attribute, default)

    @property
    def empty(self) -> bool:
        """Whether no layer shows."""
        return not self.tensors

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for parts of which the same shows."""
        return (
            tuple((name, tuple(shapes.items())) for name, shapes in self.tensors.items()),
            tuple((name, tuple(values.items())) for name, values in self.settings.items()),
            tuple(self.constants.items()),
        )


def _only(parts: Mapping[str, Any], name: str) -> dict[str, Any]:
    start = f"{name}."
    return {key: value for key, value in parts.items() if key == name or key.startswith(start)}


def _below(parts: Mapping[str, Any], name: str) -> dict[str, Any]:
    start = f"{name}."
    return {
        key.removeprefix(start) if key != name else "": value
        for key, value in parts.items()
        if key == name or key.startswith(start)
    }
