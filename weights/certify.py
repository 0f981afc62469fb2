"""Whether two networks are one: the same outputs from the same weights, drawn at random."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from math import inf
from typing import Any

import torch
from torch import Tensor, nn

from ..builder import build
from ..specs.network import ResNetSpec

#: Of the largest output: what another order of the same sums can come to in float32.
TOLERANCE = 1e-4
#: Of random pictures: the first is one that a network with such a stem is made for.
_SIZES = {"conv3x3": ((32, 32), (29, 37))}
_SIZES_OF_OTHERS = ((64, 64), (75, 90), (224, 224))
_ENOUGH = 2

Size = tuple[int, int]


@dataclass(frozen=True)
class Certificate:
    """What is known of a spec that was inferred.

    ``kind`` is ``bitwise`` where both networks put out the same bits in evaluation, ``close``
    where they differ by at most :data:`TOLERANCE` of the largest output, and ``names`` where
    there was only a state dict: then nothing was run, and ``assumed`` says what names and shapes
    do not tell.
    """

    kind: str
    difference: float = 0.0
    """The largest, over the largest output."""
    sizes: tuple[Size, ...] = ()
    """Heights and widths of the random pictures."""
    unlike: tuple[Size, ...] = ()
    """Those at which it differs: its pool, say, is made for one size."""
    assumed: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.kind == "names":
            return f"names and shapes agree; assumed: {'; '.join(self.assumed)}"
        how = "bit for bit" if self.kind == "bitwise" else f"within {self.difference:.1e}"
        text = f"same outputs {how}, from random weights and pictures of {_words(self.sizes)}"
        if self.unlike:
            text += f"; not at {_words(self.unlike)}"
        return "; ".join([text, *self.assumed])


def certify(spec: ResNetSpec, stranger: nn.Module, names: Mapping[str, str]) -> Certificate | None:
    """Run both; None where they differ at the size they are made for, or none passes.

    ``names`` are the stranger's for ours. The stranger itself is left as it is: a copy is run.
    """
    ours, theirs = build(spec).eval(), deepcopy(stranger).cpu().float().eval()
    given = theirs.state_dict()
    wanted = {names[name]: tensor.shape for name, tensor in ours.state_dict().items()}
    if wanted != {name: tensor.shape for name, tensor in given.items()}:
        return None
    _fill(ours, given, names)
    worst, same, unlike = 0.0, list[Size](), list[Size]()
    for size in _SIZES.get(spec.stem.kind, _SIZES_OF_OTHERS):
        difference = _difference(ours, theirs, spec.in_channels, size)
        if difference is None:
            continue
        if difference > TOLERANCE:
            unlike.append(size)
            if not same:
                return None
        else:
            worst = max(worst, difference)
            same.append(size)
        if len(same) + len(unlike) == _ENOUGH:
            break
    if not same:
        return None
    return Certificate("close" if worst else "bitwise", worst, tuple(same), tuple(unlike))


def _difference(ours: nn.Module, theirs: nn.Module, channels: int, size: Size) -> float | None:
    """The largest, over the largest output; None where the stranger takes no such picture."""
    x = torch.randn(2, channels, *size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        try:
            wanted = _output(theirs(x.clone()))
        except Exception:  # a stranger may be made for one size, and fail at others in any way
            return None
        found = ours(x)
    if wanted is None or wanted.shape != found.shape or not torch.isfinite(wanted).all():
        return inf
    if torch.equal(wanted, found):
        return 0.0
    return float((wanted - found).abs().max() / wanted.abs().max())


def _words(sizes: Iterable[Size]) -> str:
    return " and ".join(f"{height}x{width}" for height, width in sizes)


@torch.no_grad()
def _fill(ours: nn.Module, given: Mapping[str, Tensor], names: Mapping[str, str]) -> None:
    """The same random weights for both; norms too, so that no branch is silent."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in ours.state_dict().items():
        if tensor.ndim == 1:
            low, high = (-0.1, 0.1) if name.endswith(("bias", "running_mean")) else (0.5, 1.0)
            tensor.uniform_(low, high, generator=generator)
        given[names[name]].copy_(tensor)


def _output(found: Any) -> Tensor | None:
    """The scores, or the last map, among what a network returns."""
    for name in ("logits", "last_hidden_state", "out"):
        if isinstance(found, dict) and name in found:
            found = found[name]
        found = getattr(found, name, found)
    if isinstance(found, tuple | list) and found:
        found = found[-1]
    return found if isinstance(found, Tensor) else None
