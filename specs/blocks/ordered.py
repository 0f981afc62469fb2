"""Blocks whose norms and activations stand in one of five orders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, reduce
from itertools import product
from operator import or_
from typing import Any, ClassVar, get_args

from ..attention import AnyAttention, AttentionSpec, attention_kinds
from ..base import Rate
from ..block import RELU, BlockSpec, Chains
from ..norm import BatchNormSpec
from ..operation import Problem, Steps, trace_chain
from ..operations import ActSpec, ConvSpec, DropoutSpec, NormOpSpec
from ..order import Order, ShortcutInput, activates_first
from ..seen import Seen
from ..site import Site
from ..trace import Layer, Trace

NORM, ACT = NormOpSpec(), ActSpec()


class OrderedSpec(BlockSpec):
    """Convolutions with a norm and an activation each, in one of the orders of He et al. 2016."""

    dilates: ClassVar[bool] = True
    hidden: ClassVar[tuple[str, ...]] = ("order", "shortcut_input", "dropout")
    self_validating: ClassVar[bool] = True

    order: Order = "post"
    """Order of norms and activations: `post`, `norm_after_add`, `relu_before_add`,
    `relu_only_pre` or `full_pre`."""
    shortcut_input: ShortcutInput = "auto"
    """Input of the shortcut in `relu_only_pre` and `full_pre`: `raw`, `activated` or `auto`."""
    attention: AnyAttention | None = None
    """Attention at the end of the residual branch, such as `se`. Left out: none."""
    dropout: Rate = 0.0
    """Rate of the dropout before the branch's last convolution (Zagoruyko and Komodakis 2016,
    arXiv 1605.07146, section 2.4)."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        """Every order, with what its convolutions are and what weighs its channels."""
        weighing = seen.below("se")
        attention: list[dict[str, Any]] = [{}]
        if not weighing.empty:
            attention = [
                {"attention": {"kind": kind, **fields}}
                for kind, model in attention_kinds().items()
                for fields in model.proposals(weighing)
            ]
        rate = seen.setting("dropout", "p", 0.0)
        rates: list[dict[str, Any]] = [{"dropout": rate}, {}] if rate else [{}]
        for order in get_args(Order):
            inputs: list[dict[str, Any]] = [{}]
            if activates_first(order):
                inputs += [{"shortcut_input": "raw"}, {"shortcut_input": "activated"}]
            for rest in product(cls.shown(seen), inputs, attention, rates):
                yield {"order": order} | reduce(or_, rest)

    @classmethod
    def shown(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        """Fields of the kind's own, read from its convolutions."""
        return ({},)

    def convs(self, width: int) -> tuple[ConvSpec, ...]:
        """The convolutions of the branch, at the stage's width."""
        raise NotImplementedError

    def chains(self, site: Site, shared: bool) -> Chains:
        head = self.activates_first and not site.follows_activation
        return _chains(self, self.width_for_steps(site), head, shared)

    def width_for_steps(self, site: Site) -> int:
        """The stage's width, where the operations depend on it, or else 0."""
        return 0

    def closing(self) -> Steps:
        if not self.activates_first:
            return ()
        return (("norm", NORM), ("act", ACT)) if self.order == "full_pre" else (("act", ACT),)

    def published(self) -> str:
        if self.order == "post":
            return self.source
        figure = "abcde"[get_args(Order).index(self.order)]
        return f"He et al. 2016 (arXiv 1603.05027), Figure 4{figure}"

    @property
    def arrangement(self) -> str:
        return self.order

    @property
    def activates_first(self) -> bool:
        return activates_first(self.order)

    def shares_entry(self, site: Site) -> bool:
        if not self.activates_first or site.follows_activation:
            return False
        wanted = self.shortcut_input
        return wanted == "activated" or (wanted == "auto" and not site.keeps_shape)

    @property
    def projection_norm(self) -> bool:
        # Beside a branch that ends in a bare convolution, so does the projection.
        return self.order != "full_pre"

    def residual_end(self, branch: Sequence[Layer]) -> Layer | None:
        """The last norm, or the convolution after it where the order leaves that bare."""
        return [layer for layer in branch if layer.path == "main"][-1]

    def problems_at(self, width: int) -> Iterator[Problem]:
        if self.shortcut_input != "auto" and not activates_first(self.order):
            yield (
                "shortcut_input",
                f"{self.order} does not activate before the block divides",
                "leave shortcut_input out, or use order: full_pre or relu_only_pre",
            )
        if self.attention is not None:
            channels = self.out_channels(width)
            for field, message, help_ in problems_of(self.attention, channels):
                yield f"attention.{field}", message, help_


def problems_of(op: AttentionSpec, channels: int) -> Iterator[Problem]:
    """What is wrong with an operation on a map of that many channels."""
    site = Site.of_end(channels, BatchNormSpec(), "relu")
    trace = Trace(channels, (1, 1))
    trace_chain(trace, (("se", op),), site, None, fresh=True)
    return op.problems(trace.modules[-1], site)


@lru_cache(4096)
def _chains(block: OrderedSpec, width: int, head: bool, shared: bool) -> Chains:
    order = block.order
    convs = block.convs(width)
    first: Steps = ()
    if head:
        first = (("bn0", NORM), ("relu0", ACT)) if order == "full_pre" else (("relu0", ACT),)
    branch: Steps = ()
    for number, conv in enumerate(convs, start=1):
        last = number == len(convs)
        if last and block.dropout:
            branch += (("dropout", DropoutSpec(rate=block.dropout)),)
        branch += ((f"conv{number}", conv),)
        if not last or order not in ("full_pre", "norm_after_add"):
            branch += ((f"bn{number}", NORM),)
        if not last:
            branch += ((f"relu{number}", ACT),)
    if order == "relu_before_add":
        branch += (("relu_branch", ACT),)
    if block.attention is not None:
        branch += (("se", block.attention),)
    exit_: Steps = (("bn_sum", NORM),) if order == "norm_after_add" else ()
    if order in ("post", "norm_after_add"):
        exit_ += RELU
    return Chains(first, branch, exit_) if shared else Chains((), first + branch, exit_)
