"""Whether two networks with the same weights are the same in training."""

from __future__ import annotations

import pickle
import random
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..specs.layer import Size
from .randomness import WithoutDropout, dropouts_of, drops_values, left_out, silence
from .specimen import Specimen, distance, output_of

#: Of the largest output, gradient or statistic: norms over few values magnify rounding.
TOLERANCE = 1e-6


class Trained(NamedTuple):
    """What a comparison of training shows."""

    notes: tuple[str, ...] = ()
    differs: str = ""
    """How the first network differs, in words; empty where it does not."""


_DRAWS = "in training it draws random numbers in code that infer_spec cannot compare"
_DIFFERS = "in training it puts out something else"


class _Step(NamedTuple):
    """What one step of training gives."""

    output: Tensor | None
    gradient: Tensor | None
    """That of the pictures."""
    statistics: tuple[Tensor, ...]
    """The running statistics after it."""
    drawn: Tensor
    """The state of PyTorch's random numbers after the network has been run."""
    drew_elsewhere: bool
    """Whether it drew random numbers of Python or NumPy."""


def compare_training(theirs: Specimen, ours: nn.Module, size: Size, tolerance: float) -> Trained:
    """Whether two networks differ in training.

    Both run one step from one random state: outputs, gradients and running statistics must be the
    same, and as many random numbers must be drawn. Dropout is left out, and then, where ``ours``
    has it too, compared. That of no module of ``theirs`` is noted. Frozen norms are frozen in both.
    """
    x = theirs.picture(size)._replace(scales=(1.0, 1.0)).drawn()
    tolerance = max(TOLERANCE, tolerance)
    frozen = any("FrozenBatchNorm" in type(m).__name__ for m in theirs.network.modules())
    notes = ("norms are frozen",) if frozen else ()
    seen = WithoutDropout()
    try:
        with seen:
            wanted = _step(theirs.network, x, frozen, dropping=False)
    except Exception as error:  # such as a norm over a map of one value
        return Trained((*notes, f"training is not compared: {type(error).__name__}"))
    with WithoutDropout():
        found = _step(ours, x, frozen, dropping=False)
    if wanted.drew_elsewhere or not torch.equal(wanted.drawn, found.drawn):
        return Trained(differs=_DRAWS)
    if not _alike(wanted, found, tolerance):
        return Trained(differs=_DIFFERS)
    own = dropouts_of(ours) - dropouts_of(theirs.network)
    if left := sorted(seen.rates - own):
        return Trained(differs=_DIFFERS) if own else Trained((*notes, *map(left_out, left)))
    if drops_values(ours):
        pair = [_step(each, x, frozen, dropping=True) for each in (theirs.network, ours)]
        if not _alike(pair[0], pair[1], tolerance):
            return Trained(differs=_DIFFERS)
    return Trained(notes)


def _step(network: nn.Module, x: Tensor, frozen: bool, *, dropping: bool) -> _Step:
    # Weights are read alone, statistics are changed.
    network = deepcopy(network, {id(weight): weight for weight in network.parameters()}).train()
    x = x.clone().requires_grad_()
    if frozen:
        for module in network.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
    if not dropping:
        silence(network)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.default_generator.manual_seed(2)
        before = _elsewhere()
        output = output_of(network(x * 1.0))
        drawn, drew_elsewhere = torch.default_generator.get_state(), _elsewhere() != before
        if output is not None:
            # Weighed at random: the plain sum after a norm has no gradient.
            weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(4))
            (output * weights.to(output.dtype)).sum().backward()  # type: ignore[no-untyped-call]
    kept = [t for name, t in network.named_buffers() if name.endswith(("_mean", "_var"))]
    statistics = tuple(sorted(kept, key=lambda t: (t.shape, float(t.sum()))))
    output = None if output is None else output.detach()
    return _Step(output, x.grad, statistics, drawn, drew_elsewhere)


def _elsewhere() -> bytes:
    """The state of the random numbers of Python and NumPy."""
    return pickle.dumps((random.getstate(), np.random.get_state()))


def _alike(a: _Step, b: _Step, tolerance: float) -> bool:
    pairs = [(a.output, b.output), *zip(a.statistics, b.statistics, strict=True)]
    if a.gradient is not None or b.gradient is not None:
        pairs.append((a.gradient, b.gradient))
    return all(distance(*pair) <= tolerance for pair in pairs)
