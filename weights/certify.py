"""Whether two networks are one: the same outputs from the same weights, drawn at random.

Random weights tell two networks apart only where they reach what differs. So norms are drawn with
both signs, as trained networks have them; pictures at three scales, so that a clamp or a
threshold shows; and all of it is compared in float64, where another order of the same sums comes
to 1e-12 and a factor of 1.00005 does not hide. Then in training, with one random state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from math import inf, prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..builder.edits import made_of
from ..planner.plan import lay_out
from ..specs.layout import trace_stem
from ..specs.network import ResNetSpec
from ..specs.trace import Trace
from .randomness import drops_values, silence

#: Of the largest output: far above what another order of the same sums comes to in float64 (1e-12
#: in deep networks), far below what a different network does.
TOLERANCE = 1e-9
#: The same for a network that computes in float32 whatever it is given.
SINGLE = 1e-5
#: The same in training: norms over few values magnify rounding.
TRAINING = 1e-6
#: Of the largest output in float32: beyond it two networks are not worth a closer look.
_UNLIKE = 1e-2
_ENOUGH = 2
#: Factors of the random pictures, beside 1; tried at one size.
_SCALES = (1e3, 1e-3)

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

    def __init__(self, stranger: nn.Module) -> None:
        self.single = _Stranger(deepcopy(stranger).cpu().float().eval(), torch.float32)
        self.double = _Stranger(deepcopy(self.single.network).double(), torch.float64)

    def certify(self, spec: ResNetSpec, names: Mapping[str, str]) -> Certificate | None:
        """The certificate of ``spec``; None for a spec of another network.

        That is one whose output differs at the first size that both take, at any scale of the
        pictures, or in training. ``names`` holds the network's name of each tensor of the spec's
        state dict.
        """
        plan = lay_out(spec, (1, 1))
        wanted = {names[name]: shape for name, shape in plan.state_dict.items()}
        if wanted != self.single.shapes:
            return None
        ours = self.single.same_weights(spec, names)
        quick = _Compared.at(self.single, ours, sizes_for(spec), _UNLIKE)
        if quick is None:
            return None
        exact, closely = self.double, TOLERANCE
        ours64 = exact.same_weights(spec, names)
        if exact.output(_picture(exact, spec, quick.same[0])) is None:
            exact, closely, ours64 = self.single, SINGLE, ours
        found = _Compared.at(exact, ours64, quick.same + quick.unlike, closely)
        if found is None or not _alike_at_every_scale(exact, ours64, spec, found.same, closely):
            return None
        notes = _compare_training(exact, ours64, spec, found.same[0])
        if notes is None:
            return None
        worst = max(quick.differences[size] for size in found.same)
        kind = "close" if worst else "bitwise"
        return Certificate(kind, worst, found.same, found.unlike, notes)


class _Stranger:
    """A copy of the network in one precision, and what it puts out."""

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        self.network = network
        self.dtype = dtype
        self.given = network.state_dict()
        self.shapes = {name: tuple(tensor.shape) for name, tensor in self.given.items()}
        self.outputs: dict[Any, Tensor | None] = {}
        _fill(self.given)
        counted = {name.removesuffix("running_var") for name in self.given}
        self.norms = [
            tensor
            for name, tensor in self.given.items()
            if tensor.ndim == 1 and name.removesuffix("weight") not in {name, *counted}
        ]
        """Weights of norms that keep no statistics."""

    def same_weights(self, spec: ResNetSpec, names: Mapping[str, str]) -> nn.Module:
        """The network of ``spec``, whose tensors are this one's."""
        ours = made_of(spec, "cpu").to(self.dtype).eval()
        ours.load_state_dict({n: self.given[names[n]] for n in ours.state_dict()}, assign=True)
        return ours

    def output(self, picture: _Picture) -> Tensor | None:
        """What it puts out for one picture; None where it takes no such picture."""
        if picture not in self.outputs:
            try:
                with torch.no_grad():
                    self.outputs[picture] = _output(self.network(picture.drawn()))
            except Exception:  # one made for a single size or precision may fail in any way
                self.outputs[picture] = None
        return self.outputs[picture]

    @contextmanager
    def brighter(self, scale: float) -> Iterator[None]:
        """With norms that put out more: those without statistics hide how bright a picture is."""
        factor = max(1.0, min(scale, 64.0))
        with torch.no_grad():
            for tensor in self.norms:
                tensor.mul_(factor)
        yield
        with torch.no_grad():
            for tensor in self.norms:
                tensor.div_(factor)

    def difference(self, ours: nn.Module, picture: _Picture) -> float | None:
        """The largest to the network ``ours``, over the largest output; None where this one takes
        no such picture, or puts out what is not finite."""
        wanted = self.output(picture)
        if wanted is None or not torch.isfinite(wanted).all():
            return None
        with torch.no_grad():
            return _distance(wanted, _output(ours(picture.drawn())))


class _Picture(NamedTuple):
    """Two random pictures."""

    channels: int
    size: Size
    dtype: torch.dtype
    scale: float = 1.0

    def drawn(self) -> Tensor:
        generator = torch.Generator().manual_seed(1)
        x = torch.randn(2, self.channels, *self.size, generator=generator)
        return (x * self.scale).to(self.dtype)


def _picture(of: _Stranger, spec: ResNetSpec, size: Size, scale: float = 1.0) -> _Picture:
    return _Picture(spec.in_channels, size, of.dtype, scale)


class _Compared(NamedTuple):
    """The sizes at which two networks put out the same, and those at which they do not."""

    same: tuple[Size, ...]
    unlike: tuple[Size, ...]
    differences: Mapping[Size, float]

    @classmethod
    def at(
        cls, theirs: _Stranger, ours: nn.Module, sizes: Iterable[Size], tolerance: float
    ) -> _Compared | None:
        """The comparison at two of ``sizes``; None where the first differs."""
        differences: dict[Size, float] = {}
        channels = next(t for t in ours.parameters() if t.ndim == 4).shape[1]
        for size in sizes:
            difference = theirs.difference(ours, _Picture(channels, size, theirs.dtype))
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


def _alike_at_every_scale(
    theirs: _Stranger, ours: nn.Module, spec: ResNetSpec, sizes: Iterable[Size], tolerance: float
) -> bool:
    """Whether both put out the same for pictures a thousand times as bright, and as dark."""
    size = min(sizes)
    for scale in _SCALES:
        with theirs.brighter(scale):
            difference = theirs.difference(ours, _picture(theirs, spec, size, scale))
        if difference is not None and difference > tolerance:
            return False
    return True


def _compare_training(
    theirs: _Stranger, ours: nn.Module, spec: ResNetSpec, size: Size
) -> tuple[str, ...] | None:
    """What to know of training; None where the two differ in it.

    Both run one step of training from one random state: outputs and running statistics must be
    the same. Dropout is left out, and then, where ``ours`` has it too, compared.
    """
    x = _picture(theirs, spec, size).drawn()
    tolerance = max(TRAINING, SINGLE if theirs.dtype == torch.float32 else 0.0)
    try:
        wanted = _step(theirs.network, x, dropping=False)
    except Exception as error:  # such as a norm over a map of one value
        return (f"training is not compared: {type(error).__name__}",)
    if not _alike(wanted, _step(ours, x, dropping=False), tolerance):
        return None
    if drops_values(ours):
        pair = [_step(network, x, dropping=True) for network in (theirs.network, ours)]
        if not _alike(pair[0], pair[1], tolerance):
            return None
    return ()


class _Step(NamedTuple):
    """What a network puts out in training, and the statistics that it keeps."""

    output: Tensor | None
    statistics: tuple[Tensor, ...]


def _step(network: nn.Module, x: Tensor, *, dropping: bool) -> _Step:
    network = deepcopy(network).train()
    if not dropping:
        silence(network)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.default_generator.manual_seed(2)
        output = _output(network(x.clone()))
    kept = [t for name, t in network.named_buffers() if name.endswith(("_mean", "_var"))]
    return _Step(output, tuple(sorted(kept, key=lambda t: (t.shape, float(t.sum())))))


def _alike(a: _Step, b: _Step, tolerance: float) -> bool:
    pairs = [(a.output, b.output), *zip(a.statistics, b.statistics, strict=True)]
    return all(_distance(*pair) <= tolerance for pair in pairs)


def _distance(wanted: Tensor | None, found: Tensor | None) -> float:
    if wanted is None or found is None or wanted.shape != found.shape:
        return inf
    if torch.equal(wanted, found):
        return 0.0
    largest = float(wanted.abs().max())
    difference = float((wanted - found).abs().max())
    # Not finite on one side only is a difference too; so is anything beside zeros.
    return difference / largest if largest and difference == difference else inf


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


def _output(found: Any) -> Tensor | None:
    """The scores, or the last map, among what a network returns."""
    for name in ("logits", "last_hidden_state", "out"):
        if isinstance(found, dict) and name in found:
            found = found[name]
        found = getattr(found, name, found)
    if isinstance(found, tuple | list) and found:
        found = found[-1]
    return found if isinstance(found, Tensor) else None
