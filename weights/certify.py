"""Whether two networks are one: the same outputs from the same weights, drawn at random.

Random weights distinguish two networks only where they reach the difference. So norms are drawn
with both signs, as trained networks have them, and once with factors from a hundredth to thirty;
pictures at several scales, one of them as a file of pixels has it, in batches of one to three. All
of it is compared in float64, where another order of the same sums comes to 1e-12 and a factor of
1.00005 does not hide. Then one step of training is compared, from one random state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import torch
from torch import nn

from ..planner.plan import lay_out
from ..specs.layout import trace_stem
from ..specs.network import ResNetSpec
from ..specs.trace import Size, Trace
from .specimen import Picture, Specimen
from .training_step import compare_training

#: Of the largest output: far above what another order of the same sums comes to in float64 (1e-12
#: in deep networks), far below what a different network does.
TOLERANCE = 1e-9
#: The same for a network that computes in float32 whatever it is given.
SINGLE = 1e-5
#: Of the largest output in float32: beyond it two networks are not worth a closer look.
_UNLIKE = 1e-2
_ENOUGH = 2


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
    """What does not show, in words."""
    alternatives: tuple[ResNetSpec, ...] = ()
    """Other networks with these names and shapes, where only those are known; not all of them."""

    def __str__(self) -> str:
        if self.kind == "names":
            text = f"names and shapes agree; assumed: {'; '.join(self.assumed)}"
            named = [spec.name for spec in self.alternatives if spec.name]
            return f"{text}; others with the same: {', '.join(named)}" if named else text
        how = "bit for bit" if self.kind == "bitwise" else f"within {self.difference:.1e}"
        text = f"same outputs {how}, from random weights and pictures of {_words(self.sizes)}"
        if self.unlike:
            text += f"; not at {_words(self.unlike)}"
        return "; ".join([text, *self.assumed])


class Comparison:
    """A network with random weights, and its outputs, to be compared with those of specs.

    The network itself is left as it is: copies are run.
    """

    def __init__(self, network: nn.Module) -> None:
        self.single = Specimen(deepcopy(network).cpu().float().eval(), torch.float32)
        self.double = Specimen(deepcopy(self.single.network).double(), torch.float64)

    def certify(self, spec: ResNetSpec, names: Mapping[str, str]) -> Certificate | None:
        """The certificate of ``spec``; None for a spec of another network.

        That is one whose output differs at the first size that both take, in any of the views, or
        in training. ``names`` holds the network's name of each tensor of the spec's state dict.
        """
        planned = lay_out(spec, (1, 1)).state_dict
        if {names[name]: shape for name, shape in planned.items()} != self.single.shapes:
            return None
        ours = self.single.same_weights(spec, names)
        quick = _Compared.at(self.single, ours, sizes_for(spec), _UNLIKE)
        if quick is None:
            return None
        exact, closely = self.double, TOLERANCE
        notes: tuple[str, ...] = ()
        if exact.output(Picture(spec.in_channels, quick.same[0], exact.dtype)) is None:
            exact, closely, notes = self.single, SINGLE, ("compared in single precision only",)
        ours = exact.same_weights(spec, names)
        found = _Compared.at(exact, ours, quick.same + quick.unlike, closely)
        if found is None or not _alike_in_every_view(exact, ours, min(found.same), closely):
            return None
        trained = compare_training(exact, ours, min(found.same), closely)
        if trained is None:
            return None
        worst = max(quick.differences[size] for size in found.same)
        kind = "close" if worst else "bitwise"
        return Certificate(kind, worst, found.same, found.unlike, notes + trained)


class _Compared(NamedTuple):
    """The sizes at which two networks give the same outputs, and those at which they do not."""

    same: tuple[Size, ...]
    unlike: tuple[Size, ...]
    differences: Mapping[Size, float]

    @classmethod
    def at(
        cls, theirs: Specimen, ours: nn.Module, sizes: Iterable[Size], tolerance: float
    ) -> _Compared | None:
        """The comparison at two of ``sizes``; None where the first differs."""
        differences: dict[Size, float] = {}
        for size in sizes:
            difference = theirs.difference(ours, theirs.picture(size))
            if difference is None:
                continue
            differences[size] = difference
            if next(iter(differences.values())) > tolerance:
                return None
            if len(differences) == _ENOUGH:
                break
        same = tuple(size for size, each in differences.items() if each <= tolerance)
        unlike = tuple(size for size, each in differences.items() if each > tolerance)
        return cls(same, unlike, differences) if same else None


#: Pictures that differ from the usual ones, and what is done to the weights that look at them.
_VIEWS: tuple[dict[str, Any], ...] = (
    {"scale": 1e3, "weights": "strong norms"},
    {"scale": 1e-3},
    {"uniform": True, "batch": 1},
    {"uniform": True, "scale": 255.0, "batch": 3},
    {"weights": "wide"},
)


def _alike_in_every_view(theirs: Specimen, ours: nn.Module, size: Size, tolerance: float) -> bool:
    for view in _VIEWS:
        picture = theirs.picture(size)._replace(**view)
        with theirs.changed(picture.weights):
            difference = theirs.difference(ours, picture)
        if difference is not None and difference > tolerance:
            return False
    return True


def sizes_for(spec: ResNetSpec) -> tuple[Size, ...]:
    """Heights and widths of the pictures on which networks are compared.

    The first is one that a network with such a stem is made for: small where the stem keeps the
    size. Where the strides would leave less than two pixels a side, they are larger.
    """
    trace = Trace(spec.in_channels, (1, 1))
    trace_stem(trace, spec)
    sizes = ((32, 32), (29, 37)) if trace.jump == 1 else ((64, 64), (75, 90), (224, 224))
    stride = trace.jump * prod(stage.stride for stage in spec.stages)
    times = min(4, max(1, -(-2 * stride // sizes[0][0])))
    return tuple((height * times, width * times) for height, width in sizes)


def _words(sizes: Iterable[Size]) -> str:
    return " and ".join(f"{height}x{width}" for height, width in sizes)
