"""Whether two networks are one: the same outputs from the same weights, drawn at random."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from math import inf, prod
from typing import Any

import torch
from torch import Tensor, nn

from ..builder import build
from ..builder.network import assemble
from ..planner.plan import lay_out
from ..specs.layout import trace_stem
from ..specs.network import ResNetSpec
from ..specs.trace import Trace

#: Of the largest output: what another order of the same sums can come to in float32.
TOLERANCE = 1e-4
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


class Comparison:
    """A network with random weights, and its outputs, to be compared with those of specs.

    The network itself is left as it is: a copy is run, once for each size.
    """

    def __init__(self, stranger: nn.Module) -> None:
        self.theirs = deepcopy(stranger).cpu().float().eval()
        self.given = self.theirs.state_dict()
        self.filled = False
        self.outputs: dict[Size, Tensor | None] = {}

    def certify(self, spec: ResNetSpec, names: Mapping[str, str]) -> Certificate | None:
        """The certificate of ``spec``; None for a spec of another network.

        That is one whose output differs at the first size that both take, or, if it has dropout,
        in training. ``names`` holds the network's name of each tensor of the spec's state dict.
        """
        plan = lay_out(spec, (1, 1))
        wanted = {names[name]: shape for name, shape in plan.state_dict.items()}
        if wanted != {name: tuple(tensor.shape) for name, tensor in self.given.items()}:
            return None
        ours = self._with_their_weights(spec, names)
        worst, same, unlike = 0.0, list[Size](), list[Size]()
        for size in sizes_for(spec):
            difference = self._difference(ours, spec.in_channels, size)
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
        if not same or (_drops(ours) and not self._trains_alike(ours, spec.in_channels, same[0])):
            return None
        return Certificate("close" if worst else "bitwise", worst, tuple(same), tuple(unlike))

    def _with_their_weights(self, spec: ResNetSpec, names: Mapping[str, str]) -> nn.Module:
        """The network of ``spec``, with the random weights that the first one brought."""
        if not self.filled:
            self.filled = True
            filled = build(spec).eval()
            _fill(filled, self.given, names)
            return filled
        ours = made_of(spec, "cpu").eval()
        given = {name: self.given[names[name]] for name in ours.state_dict()}
        ours.load_state_dict(given, assign=True)
        return ours

    def _difference(self, ours: nn.Module, channels: int, size: Size) -> float | None:
        """The largest, over the largest output; None where the stranger takes no such picture."""
        x = torch.randn(2, channels, *size, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            if size not in self.outputs:
                try:
                    self.outputs[size] = _output(self.theirs(x.clone()))
                except Exception:  # one made for a single size may fail at others in any way
                    self.outputs[size] = _FAILED
            wanted = self.outputs[size]
            if wanted is _FAILED:
                return None
            found = ours(x)
        return _distance(wanted, found)

    def _trains_alike(self, ours: nn.Module, channels: int, size: Size) -> bool:
        """Whether both put out the same in training, where they draw the same dropout."""
        x = torch.randn(2, channels, *size, generator=torch.Generator().manual_seed(1))
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            try:
                found = [_seeded(deepcopy(network).train(), x) for network in (self.theirs, ours)]
            except Exception:  # such as a norm over a map of one value
                return False
        return _distance(found[0], found[1]) <= TOLERANCE


_FAILED = torch.empty(0)


def _seeded(network: nn.Module, x: Tensor) -> Tensor | None:
    torch.default_generator.manual_seed(2)
    return _output(network(x.clone()))


def _distance(wanted: Tensor | None, found: Tensor | None) -> float:
    if wanted is None or found is None or wanted.shape != found.shape:
        return inf
    if not torch.isfinite(wanted).all():
        return inf
    if torch.equal(wanted, found):
        return 0.0
    return float((wanted - found).abs().max() / wanted.abs().max())


def _drops(network: nn.Module) -> bool:
    return any(isinstance(m, nn.Dropout | nn.Dropout2d) and m.p for m in network.modules())


def made_of(spec: ResNetSpec, device: str = "meta") -> nn.Module:
    """The modules of ``spec``, whose weights are not filled."""
    with torch.random.fork_rng(devices=[]), torch.device(device):
        return assemble(lay_out(spec, (1, 1)))


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
def _fill(ours: nn.Module, given: Mapping[str, Tensor], names: Mapping[str, str]) -> None:
    """The same random weights for both; norms too, so that no branch is silent."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in ours.state_dict().items():
        constant = tensor.numel() > 1 and bool((tensor == tensor.flatten()[0]).all())
        if tensor.ndim == 1 or constant:
            # What starts at 0 would hide what it multiplies.
            around = name.endswith(("bias", "running_mean")) or tensor.ndim == 4
            low, high = (-0.1, 0.1) if around else (0.5, 1.0)
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
