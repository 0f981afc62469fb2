"""The split attention of ResNeSt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..base import MAX_CHANNELS, OddKernel
from ..call import Call, call
from ..composite import CompositeSpec
from ..layer import Module
from ..operation import Problem, Steps, Width, width_at, width_problems
from ..site import Site
from ..trace import Trace
from .act import ActSpec
from .conv import ConvSpec
from .global_pool import GlobalPoolSpec
from .norm import NormOpSpec


class SplitAttentionSpec(CompositeSpec):
    """A convolution into `radix` maps, with norm and activation, which are added with weights that
    sum to 1 in each channel.

    The weights are softmax(W2 act(norm(W1 mean(sum of the maps)))), W1 and W2 biased; one map is
    weighed by a sigmoid. Zhang et al. 2020, ResNeSt (arXiv 2004.08955), section 3.1.
    """

    synonyms: ClassVar[tuple[str, ...]] = ("splat", "split_attn", "resnest", "radix")
    main: ClassVar[str | None] = "radix"
    sign: ClassVar[str | None] = "split"
    legend: ClassVar[str] = "split attention (ResNeSt)"
    legal_dims: ClassVar[tuple[int, ...]] = (2,)
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"least": 2},
        {"radix": 1, "groups": 2, "least": 4},
        {"radix": 2, "kernel": 5, "groups": 2, "reduction": 1, "least": 1},
    )

    kind: Literal["split_attention"] = "split_attention"
    radix: Annotated[int, Field(ge=1, le=64)] = 2
    """Maps among which the weights divide."""
    kernel: OddKernel = 3
    """Side of the window, odd."""
    width: Width | None = None
    """Channels put out. Left out: as for a `conv`."""
    reduction: Annotated[int, Field(ge=1, le=1024)] = 4
    """C channels are reduced to C * radix // reduction between W1 and W2, but not below `least`."""
    least: Annotated[int, Field(ge=1, le=MAX_CHANNELS)] = 32
    """The least number of channels between W1 and W2."""
    bias: bool | None = None
    """Whether the convolution carries a bias. Left out: only in a network of `norm: none`."""

    def hidden(self, channels: int) -> int:
        """The channels between W1 and W2, of so many that come in.

        >>> [SplitAttentionSpec().hidden(channels) for channels in (16, 64, 128)]
        [32, 32, 64]
        """
        return max(channels * self.radix // self.reduction, self.least)

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        width, hidden = width_at(self.width, trace.missing_width, site), self.hidden(trace.channels)
        # More channels than there may be are a problem, and not a ValidationError here.
        hidden, several = (min(each, MAX_CHANNELS) for each in (hidden, width * self.radix))
        conv = ConvSpec(
            kernel=self.kernel,
            width=several,
            stride=self.stride,
            groups=self.groups * self.radix,
            dilation=self.dilation,
            bias=self.bias,
        )
        steps: Steps = (("conv", conv), ("bn", NormOpSpec()), ("act", ActSpec()))
        side = trace.beside(trace.channels)
        self.run(trace, side, f"{name}.path", steps, site)
        trace.dilation = side.dilation
        trace.take(side, channels=width)
        groups = self.groups
        attention: Steps = (
            ("pool", GlobalPoolSpec()),
            ("fc1", ConvSpec(kernel=1, width=hidden, groups=groups, bias=True)),
            ("bn", NormOpSpec()),
            ("act", ActSpec()),
            ("fc2", ConvSpec(kernel=1, width=several, groups=groups, bias=True)),
        )
        self.run(trace, trace.fork("attention"), f"{name}.attention", attention, site)

    def call(self, module: Module) -> Call:
        calls = self.calls(module)
        numbers = {"radix": self.radix, "groups": self.groups}
        return call("SplitAttention", calls["path"], calls["attention"], **numbers)

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        yield from width_problems(self.width, site)
        if (several := module.out_channels * self.radix) > MAX_CHANNELS:
            message = f"{self.radix} maps have {several} channels, of at most {MAX_CHANNELS}"
            yield "radix", message, "use a smaller one, or fewer channels"
            return
        channels = module.in_channels
        if channels % (self.groups * self.radix):
            yield (
                "groups",
                f"{self.groups} groups for each of {self.radix} maps do not divide "
                f"{channels} channels",
                "use fewer groups, or a smaller radix",
            )
            return
        yield from super().problems(module, site)

    def own(self, module: Module) -> dict[str, Any]:
        return {"radix": self.radix}
