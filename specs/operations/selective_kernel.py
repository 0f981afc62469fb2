"""Convolutions of several windows, and a choice among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..axes import largest
from ..base import MAX_CHANNELS, OddKernel
from ..call import Call, call
from ..composite import CompositeSpec
from ..layer import Module
from ..operation import Problem, Steps, Width, width_at, width_problems
from ..site import Site
from ..trace import Trace
from ..windows import rounded
from .act import ActSpec
from .conv import ConvSpec
from .global_pool import GlobalPoolSpec
from .norm import NormOpSpec

Kernels = Annotated[tuple[OddKernel, ...], Field(strict=False, min_length=2, max_length=8)]


class SelectiveKernelSpec(CompositeSpec):
    """Convolutions of several windows, each with norm and activation, whose maps are added with
    weights that sum to 1 in each channel.

    The weights are softmax(W2 act(norm(W1 mean(sum of the maps)))). Li et al. 2019, Selective
    Kernel Networks (arXiv 1903.06586), section 3.1.
    """

    synonyms: ClassVar[tuple[str, ...]] = ("sk", "sknet")
    main: ClassVar[str | None] = "kernels"
    sign: ClassVar[str | None] = "sk"
    legend: ClassVar[str] = "choice among windows (selective kernel)"
    legal_dims: ClassVar[tuple[int, ...]] = (2,)
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"divisor": 2},
        {"kernels": [1, 3, 5], "keep_3x3": False, "divisor": 3, "groups": 2},
        {"split_input": True, "divisor": 4},
    )

    kind: Literal["selective_kernel"] = "selective_kernel"
    kernels: Kernels = (3, 5)
    """Sides of the windows, odd, one for each convolution."""
    keep_3x3: bool = True
    """Whether a window of side k is 3x3 taps at a distance of (k - 1) / 2, as in the paper."""
    split_input: bool = False
    """Whether each convolution takes a part of the channels of its own (timm's `skresnet`s)."""
    width: Width | None = None
    """Channels put out. Left out: as for a `conv`."""
    reduction: Annotated[int, Field(ge=1, le=1024)] = 16
    """C channels are reduced to C / reduction between W1 and W2, rounded by `divisor`."""
    divisor: Annotated[int, Field(ge=1, le=1024)] = 32
    """The reduced channels are the nearest multiple of this number, which is the least."""
    bias: bool | None = None
    """Whether the convolutions carry a bias. Left out: only in a network of `norm: none`."""

    def hidden(self, channels: int) -> int:
        """The channels between W1 and W2, of so many.

        >>> [SelectiveKernelSpec().hidden(channels) for channels in (128, 512, 1024)]
        [32, 32, 64]
        """
        return rounded(channels, self.divisor, self.reduction)

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        width, count = width_at(self.width, trace.missing_width, site), len(self.kernels)
        taken = max(1, trace.channels // count) if self.split_input else trace.channels
        near, sides = largest(self.dilation or trace.dilation), []
        for number, kernel in enumerate(self.kernels):
            taps = self.keep_3x3 and kernel > 1
            conv = ConvSpec(
                kernel=3 if taps else kernel,
                width=width,
                stride=self.stride,
                groups=self.groups,
                dilation=near * (kernel - 1) // 2 if taps else near if kernel > 1 else 1,
                bias=self.bias,
            )
            sides.append(trace.beside(taken, parallel=number > 0))
            steps: Steps = (("conv", conv), ("bn", NormOpSpec()), ("act", ActSpec()))
            self.run(trace, sides[-1], f"{name}.paths.{number}", steps, site)
        trace.dilation = sides[0].dilation
        trace.take(*sides, channels=width)
        # More channels than there may be are a problem, and not a ValidationError here.
        several, hidden = (min(n, MAX_CHANNELS) for n in (width * count, self.hidden(width)))
        choice = ConvSpec(kernel=1, width=several, bias=self.bias)
        attention: Steps = (
            ("pool", GlobalPoolSpec()),
            ("fc1", ConvSpec(kernel=1, width=hidden, bias=self.bias)),
            ("bn", NormOpSpec()),
            ("act", ActSpec()),
            ("fc2", choice),
        )
        self.run(trace, trace.fork("attention"), f"{name}.attention", attention, site)

    def call(self, module: Module) -> Call:
        calls = self.calls(module)
        split = {"split_input": True} if self.split_input else {}
        return call("SelectiveKernel", calls["paths"], calls["attention"], **split)

    def own(self, module: Module) -> dict[str, Any]:
        return self.differing("split_input")

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        yield from width_problems(self.width, site)
        channels, count = module.in_channels, len(self.kernels)
        if (several := module.out_channels * count) > MAX_CHANNELS:
            message = f"{count} weights of each channel are {several}, of at most {MAX_CHANNELS}"
            yield "kernels", message, "use fewer kernels, or fewer channels"
            return
        if self.split_input and channels % count:
            yield (
                "split_input",
                f"{count} kernels do not divide {channels} channels",
                "write split_input: false, or so many kernels as divide them",
            )
            return
        yield from super().problems(module, site)
