"""Fresh weights: every parameter from a random stream of its own, keyed by seed and name."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn

from ..planner.plan import Plan
from ..specs.layer import Layer

Fill = Callable[[Tensor, torch.Generator], object]


def initialise(model: nn.Module, plan: Plan, seed: int) -> None:
    """Fill the parameters of ``model`` in place.

    Two networks give the same values, bitwise, to layers of the same name and shape, on every
    device and, up to rounding, in every dtype. (A bias is scaled by its layer's fan-in, as
    PyTorch has it; beside weights of another shape it is the same up to that factor.) PyTorch's
    present number of threads says how many parameters are filled side by side.
    """
    parameters = dict(model.named_parameters())
    jobs = [
        (name, parameters[name], fill)
        for layer in plan.layers
        for name, fill in _fills(layer, plan.spec.init.scheme)
    ]
    # Largest first, so that no thread is left with the largest at the end.
    jobs.sort(key=lambda job: -job[1].numel())

    inference = torch.is_inference_mode_enabled()

    def draw(job: tuple[str, Tensor, Fill]) -> None:
        name, parameter, fill = job
        generator = torch.Generator("cpu").manual_seed(stream_key(seed, name))
        with torch.inference_mode(inference):  # a mode is each thread's own
            _draw(parameter, fill, generator)

    threads = torch.get_num_threads()
    if threads == 1:
        for job in jobs:
            draw(job)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(draw, jobs))
    for layer in plan.layers:
        for tensor, value in layer.starts:
            nn.init.constant_(parameters[f"{layer.name}.{tensor}" if tensor else layer.name], value)
    if plan.spec.init.zero_residual:
        for name in _residual_ends(plan):
            nn.init.zeros_(parameters[name])


def stream_key(seed: int, name: str) -> int:
    """The seed of a parameter's own random stream; the same in every process."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _fills(layer: Layer, scheme: str) -> Iterator[tuple[str, Fill]]:
    """How each tensor of a convolution or linear layer is drawn; norms start as they are made."""
    if layer.kind not in ("conv", "linear", "conv_along_channels"):
        return
    fan_in = math.prod(layer.weight[1:])
    bound = 1 / math.sqrt(fan_in)
    uniform: Fill = lambda t, g: t.uniform_(-bound, bound, generator=g)  # noqa: E731
    weight = uniform
    if layer.kind == "conv" and scheme == "kaiming_normal":
        std = math.sqrt(2 / (layer.out_channels * math.prod(layer.weight[2:])))
        weight = lambda t, g: t.normal_(0, std, generator=g)  # noqa: E731
    yield f"{layer.name}.weight", weight
    if layer.bias:
        yield f"{layer.name}.bias", uniform


@torch.no_grad()
def _draw(parameter: Tensor, fill: Fill, generator: torch.Generator) -> None:
    # Numbers are always drawn in float32, so that they do not depend on the precision wanted.
    if parameter.dtype == torch.float32:
        fill(parameter, generator)
    else:
        drawn = torch.empty(parameter.shape, dtype=torch.float32, device="cpu")
        fill(drawn, generator)
        parameter.copy_(drawn)


def _residual_ends(plan: Plan) -> Iterator[str]:
    """What holds each residual branch off 0; a plain block has no residual branch.

    The weight of its last norm, whose bias starts at 0, or the whole of the convolution after it;
    gain and bias of one that has a gain.
    """
    for stage in plan.stages:
        for block in stage:
            end = block.residual_end
            if not block.shortcut.absent and end is not None:
                yield from end.zeros
