"""A network under examination: a copy with random weights, and what it gives for pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import inf, prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..builder.network import made_of
from ..specs.network import ResNetSpec
from ..specs.trace import Size


class Picture(NamedTuple):
    """Random pictures, the same whenever they are drawn."""

    channels: int
    size: Size
    dtype: torch.dtype
    batch: int = 2
    scale: float = 1.0
    uniform: bool = False
    """Whether values lie between 0 and ``scale``, as those of files do; else they are normal."""
    weights: str = ""
    """How the weights are changed that look at it; see :meth:`Specimen.changed`."""

    def drawn(self) -> Tensor:
        """The pictures: (batch, channels, height, width)."""
        generator = torch.Generator().manual_seed(1)
        draw = torch.rand if self.uniform else torch.randn
        x = draw(self.batch, self.channels, *self.size, generator=generator)
        return (x * self.scale).to(self.dtype)


class Specimen:
    """A copy of a network in one precision, whose weights are drawn anew, and its outputs."""

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        self.network = network
        self.dtype = dtype
        self.given = network.state_dict()
        self.shapes = {name: tuple(tensor.shape) for name, tensor in self.given.items()}
        self.outputs: dict[Picture, Tensor | None] = {}
        _fill(self.given)

    def same_weights(self, spec: ResNetSpec, names: Mapping[str, str]) -> nn.Module:
        """The network of ``spec``, whose tensors are this one's."""
        ours = made_of(spec, "cpu").to(self.dtype).eval()
        ours.load_state_dict({n: self.given[names[n]] for n in ours.state_dict()}, assign=True)
        return ours

    def picture(self, size: Size) -> Picture:
        """Pictures of ``size`` that the network takes: its first convolution gives the channels."""
        channels = next(shape[1] for shape in self.shapes.values() if len(shape) == 4)
        return Picture(channels, size, self.dtype)

    @contextmanager
    def changed(self, how: str) -> Iterator[None]:
        """With other weights, in this network and in those with the same.

        ``strong norms`` strengthens norms that keep no statistics, which hide how bright a picture
        is. ``wide`` multiplies every number by one from a hundredth to thirty.
        """
        tensors = self._bare_norms() if how == "strong norms" else self.given if how else {}
        before = {name: tensor.clone() for name, tensor in tensors.items()}
        generator = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for tensor in tensors.values():
                if how == "wide" and tensor.is_floating_point():
                    drawn = torch.rand(tensor.shape, generator=generator)
                    tensor.mul_(10.0 ** (3.5 * drawn - 2.0))
                elif how == "strong norms":
                    tensor.mul_(64.0)
        try:
            yield
        finally:
            with torch.no_grad():
                for name, tensor in tensors.items():
                    tensor.copy_(before[name])

    def _bare_norms(self) -> dict[str, Tensor]:
        counted = {name.removesuffix("running_var") for name in self.given}
        return {
            name: tensor
            for name, tensor in self.given.items()
            if tensor.ndim == 1 and name.removesuffix("weight") not in {name, *counted}
        }

    def output(self, picture: Picture) -> Tensor | None:
        """The output for one picture; None where the network takes no such picture."""
        if picture not in self.outputs:
            try:
                with torch.no_grad():
                    self.outputs[picture] = output_of(self.network(picture.drawn()))
            except Exception:  # one made for a single size or precision may fail in any way
                self.outputs[picture] = None
        return self.outputs[picture]

    def difference(self, ours: nn.Module, picture: Picture) -> float | None:
        """The largest difference to the network ``ours``, over the largest output.

        None where this network takes no such picture, or its output is not finite.
        """
        wanted = self.output(picture)
        if wanted is None or not torch.isfinite(wanted).all():
            return None
        with torch.no_grad():
            return distance(wanted, output_of(ours(picture.drawn())))


def distance(wanted: Tensor | None, found: Tensor | None) -> float:
    """The largest difference of two outputs, over the largest; infinite where shapes differ."""
    if wanted is None or found is None or wanted.shape != found.shape:
        return inf
    if torch.equal(wanted, found):
        return 0.0
    largest = float(wanted.abs().max())
    difference = float((wanted - found).abs().max())
    # Not finite on one side only is a difference too; so is anything beside zeros.
    return difference / largest if largest and difference == difference else inf


@torch.no_grad()
def _fill(given: Mapping[str, Tensor]) -> None:
    """Random weights of both signs, so that no branch is silent and no sign goes unseen."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in given.items():
        if not tensor.is_floating_point():
            continue
        drawn = torch.rand(tensor.shape, generator=generator) + 0.5
        if name.endswith("running_var"):
            tensor.copy_(drawn)
        elif tensor.ndim > 1 and prod(tensor.shape[1:]) > 1:
            values = torch.randn(tensor.shape, generator=generator)
            tensor.copy_(values * (2.0 / prod(tensor.shape[1:])) ** 0.5)
        else:
            signs = torch.randint(0, 2, tensor.shape, generator=generator) * 2 - 1
            around = name.endswith(("bias", "running_mean"))
            tensor.copy_(drawn * signs * (0.2 if around else 1.0))


def output_of(found: Any) -> Tensor | None:
    """The scores, or the last map, among what a network returns."""
    for name in ("logits", "last_hidden_state", "out"):
        if isinstance(found, dict) and name in found:
            found = found[name]
        found = getattr(found, name, found)
    if isinstance(found, tuple | list) and found:
        found = found[-1]
    return found if isinstance(found, Tensor) else None
