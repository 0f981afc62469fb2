"""Whether two networks are one: the same outputs from the same weights, drawn at random.

Random weights distinguish two networks only where they reach the difference. So norms are drawn
with both signs, as trained networks have them, and once with factors from a hundredth to thirty;
pictures at several scales, one of them as a file of pixels has it, in batches of one to three. All
of it is compared in float64, where another order of the same sums comes to 1e-12 and a factor of
1.00005 does not hide. Then one step of training is compared, from one random state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import mul
from typing import Any, NamedTuple

import torch
from torch import nn

from ..planner.plan import lay_out
from ..specs.axes import each, largest, size_text
from ..specs.ends import head_map, stride_of
from ..specs.layer import Size
from ..specs.network import ResNetSpec
from .match import as_linear
from .specimen import Specimen
from .tensor_names import TensorNames
from .training_step import compare_training

#: Of the largest output: far above what another order of the same sums comes to in float64 (1e-12
#: in deep networks), far below what a different network does.
TOLERANCE = 1e-9
#: The same for a network that computes in float32, all of it or parts, whatever it is given.
SINGLE = 1e-5
#: Of the largest output in float32: beyond it two networks are not worth a closer look.
_UNLIKE = 1e-2


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
    names: TensorNames = field(default_factory=TensorNames, repr=False, hash=False)
    """The name of each tensor in the module, and the way between the two state dicts; empty where
    there was no module to compare."""

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
        self.single = Specimen.drawn(network, torch.float32)
        self.differs = ""
        """How it differs from the first spec that is the same in evaluation alone, in words."""

    @cached_property
    def double(self) -> Specimen:
        """The same with the same weights in float64."""
        return self.single.at(torch.float64)

    def certify(self, spec: ResNetSpec, names: Mapping[str, str]) -> Certificate | None:
        """The certificate of ``spec``; None for a spec of another network.

        That is one whose output differs at the first size that both take, in any of the views, or
        in training. ``names`` holds the network's name of each tensor of the spec's state dict.
        """
        planned = lay_out(spec).state_dict
        there = self.single.shapes
        # Each once: a tensor that stands for two of ours is not trained as they are.
        if sorted(names.values()) != sorted(there) or any(
            as_linear(there[names[name]], shape) != shape for name, shape in planned.items()
        ):
            return None
        paired = TensorNames({name: names[name] for name in planned}, planned, there)
        sizes = sizes_for(spec)
        if self.single.output(self.single.picture(sizes[0])) is None:
            sizes = (*_SIZES[spec.dims][0], *sizes, *_LARGE[spec.dims])
        pictures = map(self.single.picture, sizes)
        taken = next((each for each in pictures if self.single.output(each) is not None), None)
        if taken is None:
            return None
        self.single.settle(taken)
        ours = self.single.same_weights(spec, paired)
        quick = _Compared.at(self.single, ours, sizes, _UNLIKE, first=True)
        if quick is None:
            return None
        sizes = sizes[sizes.index(quick.same[0]) :]
        for exact, closely, notes in self._precisions(sizes[0]):
            ours = exact.same_weights(spec, paired)
            found = _Compared.at(exact, ours, sizes, closely)
            if found is None or not _alike_in_every_view(exact, ours, min(found.same), closely):
                continue
            trained = compare_training(exact, ours, min(found.same), closely)
            if trained.differs:
                named = spec.name or "a network of the language"
                self.differs = self.differs or f"in evaluation it is {named}, but {trained.differs}"
                continue
            worst = max(quick.difference, found.difference)
            kind = "close" if worst else "bitwise"
            notes += trained.notes
            return Certificate(kind, worst, found.same, found.unlike, notes, names=paired)
        return None

    def _precisions(self, size: Size) -> Iterator[tuple[Specimen, float, tuple[str, ...]]]:
        """The network in the precisions that it takes, how closely another must agree with it, and
        notes on that."""
        picture = self.double.picture(size)
        taken = self.double.output(picture) is not None
        if taken:
            yield self.double, TOLERANCE, ()
        if not taken or self.double.is_rounded(picture):
            yield self.single, SINGLE, ("compared in single precision only",)


class _Compared(NamedTuple):
    """The sizes at which two networks give the same outputs, and those at which they do not."""

    same: tuple[Size, ...]
    unlike: tuple[Size, ...]
    differences: Mapping[Size, float]

    @property
    def difference(self) -> float:
        """The largest at a size at which both give the same."""
        return max(self.differences[size] for size in self.same)

    @classmethod
    def at(
        cls,
        theirs: Specimen,
        ours: nn.Module,
        sizes: Iterable[Size],
        tolerance: float,
        *,
        first: bool = False,
    ) -> _Compared | None:
        """The comparison at the first, or at two of ``sizes`` and at smaller ones; None where the
        first differs."""
        differences: dict[Size, float] = {}
        for size in sizes:
            if len(differences) > 1 and size > min(differences):
                break
            difference = theirs.difference(ours, theirs.picture(size))
            if difference is None:
                continue
            differences[size] = difference
            if next(iter(differences.values())) > tolerance:
                return None
            if first:
                break
        same = tuple(size for size, each in differences.items() if each <= tolerance)
        unlike = tuple(size for size, each in differences.items() if each > tolerance)
        return cls(same, unlike, differences) if same else None


#: Pictures that differ from the usual ones, and what is done to the weights that look at them.
#: Of the views of a row the first counts whose output is finite.
_VIEWS: tuple[tuple[dict[str, Any], ...], ...] = (
    ({"uniform": True, "scales": (1.0, 1e-3, 255.0)},),
    ({"weights": "wide"}, {"weights": "less wide"}),
    ({"weights": "strong norms", "scales": (1e3,)},),
)


def _alike_in_every_view(theirs: Specimen, ours: nn.Module, size: Size, tolerance: float) -> bool:
    for views in _VIEWS:
        for view in views:
            picture = theirs.picture(size)._replace(**view)
            if picture.weights == "strong norms" and not theirs.bare_norms:
                continue
            with theirs.changed(picture.weights):
                difference = theirs.difference(ours, picture)
            if difference is not None:
                if difference > tolerance:
                    return False
                break
    return True


#: Sizes for comparisons by the number of axes: without and with a stem that downsamples. Two are
#: taken, and smaller ones; between them every stage of usual strides has even and odd sides.
_SIZES: dict[int, tuple[tuple[Size, ...], tuple[Size, ...]]] = {
    1: (((32,), (37,)), ((128,), (151,), (512,))),
    2: (
        ((32, 32), (29, 37), (16, 16)),
        ((64, 64), (33, 49), (224, 224)),
    ),
    3: (((8, 16, 16), (9, 11, 13)), ((9, 17, 18), (16, 20, 17))),
}

#: Sizes of networks whose maps must divide by some number, taken last.
_LARGE: dict[int, tuple[Size, ...]] = {1: ((1024,),), 2: ((256, 256),), 3: ((32, 32, 32),)}


def sizes_for(spec: ResNetSpec) -> tuple[Size, ...]:
    """Sizes of the pictures on which networks are compared.

    The first is one that a network with such a stem is made for: small where the stem keeps the
    size. Where the strides would leave a single pixel a side, they are larger. A head for maps of
    one size leaves one.
    """
    stem, last = stride_of(spec)
    sizes = _SIZES[spec.dims][stem != 1]
    if (side := head_map(spec)) is not None:
        return ((side * largest(last),) * spec.dims,)
    least = map(min, *sizes)
    pairs = zip(each(last, spec.dims), least, strict=True)
    times = [min(4, stride // side + 1) for stride, side in pairs]
    return tuple(tuple(map(mul, size, times)) for size in sizes)


def _words(sizes: Iterable[Size]) -> str:
    *most, last = map(size_text, sizes)
    return f"{', '.join(most)} and {last}" if most else last
