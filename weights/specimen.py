"""A network under examination: a copy with random weights, and what it gives for pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from math import inf, prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ..builder.network import made_of
from ..specs.layer import Size
from ..specs.network import ResNetSpec
from .tensor_names import TensorNames

_HALVINGS = 4
_ORDINARY = 1e3
"""The largest output beyond which weights are made smaller, until it is at most :data:`_SMALL`."""
_SMALL = 10.0

#: By how the weights are changed, the least and the greatest factor as powers of two.
_FACTORS = {"strong norms": (6, 6), "wide": (-7, 5), "less wide": (-2, 1)}


class Picture(NamedTuple):
    """Random pictures, the same whenever they are drawn."""

    channels: int
    size: Size
    dtype: torch.dtype
    scales: tuple[float, ...] = (1.0,)
    """One for each picture of the batch."""
    uniform: bool = False
    """Whether values lie between 0 and the scale, as those of files do; else they are normal."""
    weights: str = ""
    """How the weights are changed that look at it; see :meth:`Specimen.changed`."""

    def drawn(self) -> Tensor:
        """The pictures: (batch, channels, height, width)."""
        generator = torch.Generator().manual_seed(1)
        draw = torch.rand if self.uniform else torch.randn
        x = draw(len(self.scales), self.channels, *self.size, generator=generator)
        for picture, scale in zip(x, self.scales, strict=True):
            picture.mul_(scale)
        return x.to(self.dtype)


class _Precisions(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The precisions of what is computed within it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: set[torch.dtype] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        if isinstance(made, Tensor) and made.is_floating_point():
            self.found.add(made.dtype)
        return made


class Specimen:
    """A copy of a network with random weights, in one precision, and its outputs."""

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        self.network = network.to(dtype).eval().requires_grad_(False)
        self.dtype = dtype
        self.given = network.state_dict()
        self.shapes = {name: tuple(tensor.shape) for name, tensor in self.given.items()}
        self.outputs: dict[Picture, Tensor | None] = {}
        self.settled = False
        self.rounded: dict[Picture, bool] = {}

    @classmethod
    def drawn(cls, network: nn.Module, dtype: torch.dtype) -> Specimen:
        """A copy of ``network`` whose weights are drawn anew."""
        with torch.no_grad():  # else TorchScript's copy of a weight is the output of a function
            specimen = cls(deepcopy(network).cpu(), dtype)
        _fill(specimen.given)
        return specimen

    def at(self, dtype: torch.dtype) -> Specimen:
        """A copy in another precision, with the same weights."""
        # The values are copied once, where they change their precision.
        shells = {
            id(weight): nn.Parameter(weight.detach(), requires_grad=False)
            for weight in self.network.parameters()
        }
        with torch.no_grad():
            return Specimen(deepcopy(self.network, shells), dtype)

    def same_weights(self, spec: ResNetSpec, names: TensorNames) -> nn.Module:
        """The network of ``spec``, whose tensors are this one's."""
        ours = made_of(spec, "cpu").eval().requires_grad_(False)
        ours.load_state_dict(names.to_ours(self.given), assign=True)
        return ours.to(self.dtype)

    def settle(self, picture: Picture) -> None:
        """Make the weights smaller, once, where the output for a picture is not of ordinary size.

        Norms do not normalise with statistics that are drawn: what hundreds of blocks add up grows,
        and gates that are sigmoids of large numbers then magnify rounding. Weights stay as large as
        they may be: without shortcuts they would soon hide what the first blocks compute.
        """
        first = self.output(picture)
        if self.settled or first is None or self._at_most(_ORDINARY, picture):
            return
        self.settled = True
        halved = 0.0
        while not self._at_most(_SMALL, picture) and halved < _HALVINGS:
            halved += 1
            self._halve(1)
        if not self._at_most(_SMALL, picture):  # as where weights are standardised
            self._halve(-halved if torch.isfinite(first).all() else 0)
            return
        step = 0.5
        for _ in range(3):
            self._halve(-step)
            if not self._at_most(_SMALL, picture):
                self._halve(step)
            step /= 2

    def _at_most(self, largest: float, picture: Picture) -> bool:
        found = self.output(picture)
        return found is not None and bool((found.abs() <= largest).all())

    def _halve(self, times: float) -> None:
        self.outputs.clear()
        for tensor in self.given.values():
            if tensor.ndim > 1:
                tensor.mul_(0.5**times)

    def picture(self, size: Size) -> Picture:
        """Pictures of ``size`` that the network takes: its first convolution gives the channels."""
        longest = max(map(len, self.shapes.values()))
        channels = next(shape[1] for shape in self.shapes.values() if len(shape) == longest)
        return Picture(channels, size, self.dtype)

    @property
    def bare_norms(self) -> dict[str, Tensor]:
        """The weights of norms that keep no statistics."""
        counted = {name.removesuffix("running_var") for name in self.given}
        return {
            name: tensor
            for name, tensor in self.given.items()
            if tensor.ndim == 1 and name.removesuffix("weight") not in {name, *counted}
        }

    @contextmanager
    def changed(self, how: str) -> Iterator[None]:
        """With other weights, in this network and in those with the same.

        ``strong norms`` strengthens norms that keep no statistics, which hide how bright a picture
        is. ``wide`` multiplies the numbers of every channel by one from a hundredth to thirty,
        ``less wide`` by one from a quarter to two.
        """
        tensors = self.bare_norms if how == "strong norms" else self.given if how else {}
        generator = torch.Generator().manual_seed(3)
        least, most = _FACTORS.get(how, (0, 0))
        factors: dict[str, Tensor] = {}
        for name, tensor in tensors.items():
            if tensor.is_floating_point():
                sides = (*tensor.shape[:1], *(1 for _ in tensor.shape[1:]))
                # Powers of two, so that dividing by them gives back the very same numbers.
                drawn = torch.randint(least, most + 1, sides, generator=generator)
                factors[name] = 2.0**drawn
        with torch.no_grad():
            for name, factor in factors.items():
                tensors[name].mul_(factor)
        try:
            yield
        finally:
            with torch.no_grad():
                for name, factor in factors.items():
                    tensors[name].div_(factor)

    def output(self, picture: Picture) -> Tensor | None:
        """The output for one picture; None where the network takes no such picture."""
        if picture not in self.outputs:
            try:
                with torch.no_grad():
                    self.outputs[picture] = output_of(self.network(picture.drawn()))
            except Exception:  # one made for a single size or precision may fail in any way
                self.outputs[picture] = None
        return self.outputs[picture]

    def is_rounded(self, picture: Picture) -> bool:
        """Whether some of what the network computes is less precise than what it is given.

        >>> half = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten())
        >>> Specimen.drawn(half, torch.float64).is_rounded(Picture(1, (2, 2), torch.float64))
        False
        """
        if picture not in self.rounded:
            x = picture.drawn()
            with torch.no_grad(), _Precisions() as seen:
                self.network(x)
            bits = torch.finfo(self.dtype).bits
            self.rounded[picture] = any(torch.finfo(each).bits < bits for each in seen.found)
        return self.rounded[picture]

    def difference(self, ours: nn.Module, picture: Picture) -> float | None:
        """The largest difference to the network ``ours`` for one of the pictures, over the largest
        output for it.

        None where this network takes no such picture, or none of its outputs is finite.
        """
        wanted = self.output(picture)
        if wanted is None:
            return None
        with torch.no_grad():
            found = output_of(ours(picture.drawn()))
        if found is None or found.shape != wanted.shape or len(wanted) != len(picture.scales):
            return distance(wanted, found) if torch.isfinite(wanted).all() else None
        pairs = zip(wanted, found, strict=True)
        distances = [distance(*pair) for pair in pairs if torch.isfinite(pair[0]).all()]
        return max(distances, default=None)


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
        if tensor.ndim > 1 and prod(tensor.shape[1:]) > 1:
            largest = (6.0 / prod(tensor.shape[1:])) ** 0.5
            tensor.uniform_(-largest, largest, generator=generator)
            continue
        drawn = torch.rand(tensor.shape, generator=generator) + 0.5
        if name.endswith("running_var"):
            tensor.copy_(drawn)
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
