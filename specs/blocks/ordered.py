"""Blocks whose norms and activations stand in one of six orders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, reduce
from itertools import product
from operator import or_
from typing import Any, ClassVar, Literal, get_args

from ..attention import AnyAttention, AttentionSpec
from ..axes import axes_text
from ..base import Rate
from ..block import RELU, BlockSpec, Chains, last_of
from ..layer import Layer
from ..norm import BatchNormSpec
from ..operation import AnyOperation, Operation, Problem, Steps, trace_chain
from ..operations import ActSpec, ConvSpec, DropoutSpec, NormOpSpec
from ..order import Order, ShortcutInput, activates_first
from ..seen import Seen
from ..site import Site
from ..trace import Trace
from .convolutions import given_convs, in_place_of, strided

NORM, ACT = NormOpSpec(), ActSpec()
_CONVS = ("conv1", "conv2", "conv3")


class OrderedSpec(BlockSpec):
    """Convolutions with a norm and an activation each, in one of the orders of He et al. 2016.

    A subclass has a field for each of its convolutions, ``conv1``, ``conv2``, ...: an operation in
    its place. What such an operation leaves at its default is as the convolution has it.
    """

    dilates: ClassVar[bool] = True
    hidden: ClassVar[tuple[str, ...]] = (
        "order",
        "shortcut_input",
        "activate_twice",
        "attention_at",
        "stride_by",
        "stride_on",
        "dropout",
    )
    fields_of: ClassVar[Mapping[str, str]] = {"se": "attention", "pool": "stride_by"}

    order: Order = "post"
    """Order of norms and activations: `post`, `norm_after_add`, `relu_before_add`,
    `relu_only_pre`, `full_pre` or `pyramid`."""
    shortcut_input: ShortcutInput = "auto"
    """Input of the shortcut in `relu_only_pre` and `full_pre`: `raw`, `activated` or `auto`."""
    activate_twice: bool = False
    """Whether in these two orders the network's first block begins with norm and activation also
    where the stem has just activated its input, as in some code."""
    attention: AnyAttention | None = None
    """Attention in the residual branch, such as `se`. Left out: none."""
    attention_at: Literal["end", "inner"] = "end"
    """Whether attention stands at the `end` of the branch (Hu et al. 2018), or before its last
    convolution (`inner`: Radosavovic et al. 2020, RegNetY)."""
    stride_by: AnyOperation | None = None
    """Operation that strides instead of the convolution, such as `{pool: avg}` or `blur`. It stands
    after the activation that follows the convolution, in blocks of a stride above 1 only. Left out:
    the convolution strides."""
    bias: bool | None = None
    """Whether the convolutions carry a bias. Left out: only in a network of `norm: none`."""
    dropout: Rate = 0.0
    """Rate of the dropout before the branch's last convolution (Zagoruyko and Komodakis 2016,
    arXiv 1605.07146, section 2.4)."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        """Every order, with what its convolutions are and what weighs its channels."""
        attention = [
            {"attention": tree, **place}
            for tree in seen.operations.get("se", ())
            for place in ({}, {"attention_at": "inner"})
        ]
        biased = any(conv.bias for conv in seen.numbered("conv"))
        bias = {"bias": True} if biased and "bn1" in seen.tensors else {}
        pools = [
            {"stride_by": tree, **place}
            for tree in seen.operations.get("pool", ())
            for place in cls.strides
        ]
        rate = seen.setting("dropout", "p", 0.0)
        rates: list[dict[str, Any]] = [{"dropout": rate}, {}] if rate else [{}]
        for order in get_args(Order):
            inputs: list[dict[str, Any]] = [{}]
            if activates_first(order):
                inputs += [{"shortcut_input": "raw"}, {"shortcut_input": "activated"}]
                inputs += [{**given, "activate_twice": True} for given in inputs]
            parts = (
                cls.shown(seen),
                given_convs(seen),
                inputs,
                attention or [{}],
                rates,
                pools or [{}],
            )
            for rest in product(*parts):
                yield {"order": order} | bias | reduce(or_, rest)

    #: Where it may stride, as fields; the first need not be said.
    strides: ClassVar[tuple[dict[str, Any], ...]] = ({},)

    @classmethod
    def shown(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        """Fields of the kind's own, read from its convolutions."""
        return ({},)

    def convs(self, width: int) -> tuple[ConvSpec, ...]:
        """The convolutions of the branch, at the stage's width."""
        raise NotImplementedError

    def chains(self, site: Site, shared: bool) -> Chains:
        head = self.order == "pyramid" or self._enters_activated(site)
        pooled = self.stride_by is not None and site.stride != 1
        return _chains_at(self, site.width, bool(site.inner), head, shared, pooled)

    def _enters_activated(self, site: Site) -> bool:
        """Whether the block begins with an activation."""
        return self.activates_first and (self.activate_twice or not site.follows_activation)

    def attended(self, width: int) -> int:
        """Channels that attention weighs, where the convolutions are the word's own."""
        return width if self.attention_at == "inner" else self.out_channels(width)

    def closing(self) -> Steps:
        if self.order in ("full_pre", "pyramid"):
            return (("norm", NORM), ("act", ACT))
        return (("act", ACT),) if self.activates_first else ()

    def published(self) -> str:
        if self.order == "post":
            return self.source
        if self.order == "pyramid":
            return "Han et al. 2017 (arXiv 1610.02915), Figure 6d"
        figure = "abcde"[get_args(Order).index(self.order)]
        return f"He et al. 2016 (arXiv 1603.05027), Figure 4{figure}"

    @property
    def arrangement(self) -> str:
        return self.order

    @property
    def activates_first(self) -> bool:
        return activates_first(self.order)

    def shares_entry(self, site: Site) -> bool:
        if not self._enters_activated(site):
            return False
        wanted = self.shortcut_input
        return wanted == "activated" or (wanted == "auto" and not site.keeps_shape)

    @property
    def projection_norm(self) -> bool:
        # Beside a branch that ends in a bare convolution, so does the projection.
        return self.order != "full_pre"

    def projection_bias(self, bare: bool) -> bool:
        return bare if self.bias is None else self.bias

    @property
    def self_validating(self) -> bool:  # type: ignore[override]
        """Whether every operation is the word's own, and none depends on the block's input."""
        reads_input = self.attention is not None and self.attention.reads_input
        return self.stride_by is None and not self._given and not reads_input

    @property
    def _given(self) -> dict[str, Operation]:
        """The operations that stand in place of convolutions."""
        # Read from the dictionary: a network asks for it block by block.
        fields = self.__dict__
        return {name: op for name in _CONVS if (op := fields.get(name)) is not None}

    def inner_convs(self, width: int) -> tuple[ConvSpec, ...]:
        """The convolutions of the branch, where the stage gives the widths of all but the last."""
        *convs, last = self.convs(width)
        return (*(conv.model_copy(update={"width": "inner"}) for conv in convs), last)

    def _standing(self, convs: tuple[ConvSpec, ...]) -> tuple[Operation, ...]:
        """What stands where the ``convs`` of the word do."""
        if self.bias is not None:
            convs = tuple(conv.model_copy(update={"bias": self.bias}) for conv in convs)
        given = self._given
        return tuple(
            in_place_of(conv, given[f"conv{number}"]) if f"conv{number}" in given else conv
            for number, conv in enumerate(convs, start=1)
        )

    @property
    def reads_sums(self) -> bool:  # type: ignore[override]
        # Asked for stage by stage, and most have none.
        fields = self.__dict__
        for name in _CONVS:
            op = fields.get(name)
            if op is not None and op.reads_sums:
                return True
        return False

    def residual_end(self, branch: Sequence[Layer]) -> Layer | None:
        """The last norm, or the convolution after it where the order leaves that bare; None where
        operations that have neither stand in place of all convolutions, or several paths."""
        return last_of(branch)

    def problems_at(self, width: int) -> Iterator[Problem]:
        # Asked for block by block, and most leave all of it at the defaults.
        usual = self.shortcut_input == "auto" and not self.activate_twice
        usual = usual and self.attention_at == "end"
        if usual and self.attention is None and self.stride_by is None:
            return iter(())
        return self._problems_at(width)

    def _problems_at(self, width: int) -> Iterator[Problem]:
        if self.shortcut_input != "auto" and not activates_first(self.order):
            yield (
                "shortcut_input",
                f"{self.order} does not activate before the block divides",
                "leave shortcut_input out, or use order: full_pre or relu_only_pre",
            )
        if self.activate_twice and not activates_first(self.order):
            yield (
                "activate_twice",
                f"{self.order} does not activate before the block divides",
                "leave activate_twice out, or use order: full_pre or relu_only_pre",
            )
        yield from self._stride_problems(width)
        if self.attention_at != "end" and self.attention is None:
            yield "attention_at", "there is no attention", "leave it out, or name the attention"
        if self.attention is not None and self.self_validating:
            channels = max(1, self.attended(width))
            for field, message, help_ in problems_of(self.attention, channels):
                yield f"attention.{field}", message, help_

    def _stride_problems(self, width: int) -> Iterator[Problem]:
        op = self.stride_by
        if op is None:
            return
        stride = getattr(op, "stride", None)
        if stride is None:
            help_ = "use an operation that has one, such as {pool: avg}"
            yield "stride_by", f"{op.kind} has no stride", help_
        elif stride not in ("block", type(op).model_fields["stride"].default):
            message = f"a stride of {axes_text(stride)}, where the block has its own"
            yield "stride_by.stride", message, "leave stride out"
        elif all(
            getattr(conv, "stride", 1) != "block" for conv in self._standing(self.convs(width))
        ):
            message = "no convolution of the block strides, which it could do instead"
            yield "stride_by", message, "leave the stride of the convolutions out, or stride_by"


@lru_cache(1024)
def problems_of(op: AttentionSpec, channels: int) -> tuple[Problem, ...]:
    """What is wrong with an operation on a map of that many channels."""
    site = Site.of_end(channels, BatchNormSpec(), "relu")
    trace = Trace(channels, (1, 1))
    trace_chain(trace, (("se", op),), site, None, fresh=True)
    return tuple(op.problems(trace.modules[-1], site))


@lru_cache(4096)
def _chains_at(
    block: OrderedSpec, width: int, inner: bool, head: bool, shared: bool, pooled: bool
) -> Chains:
    """The chains of a block at a width; ``inner``: the stage gives the widths within it."""
    convs = block.inner_convs(width) if inner else block.convs(width)
    return _chains(block, convs, head, shared, pooled)


@lru_cache(4096)
def _chains(
    block: OrderedSpec, convs: tuple[ConvSpec, ...], head: bool, shared: bool, pooled: bool
) -> Chains:
    """Blocks of many widths have the same chains: each is made once."""
    order = block.order
    first: Steps = ()
    if head:
        norm: Steps = () if order == "relu_only_pre" else (("bn0", NORM),)
        first = norm if order == "pyramid" else (*norm, ("relu0", ACT))
    *most, last = strided(block._standing(convs), block.stride_by if pooled else None)
    branch: Steps = ()
    for number, (op, pool) in enumerate(most, start=1):
        branch += ((f"conv{number}", op),)
        if not op.ends_activated:
            branch += ((f"bn{number}", NORM), (f"relu{number}", ACT))
        branch += pool
    attention: Steps = () if block.attention is None else (("se", block.attention),)
    if block.attention_at == "inner":
        branch += attention
    if block.dropout:
        branch += (("dropout", DropoutSpec(rate=block.dropout)),)
    number, (op, pool) = len(most) + 1, last
    branch += ((f"conv{number}", op),)
    if order not in ("full_pre", "norm_after_add") and not op.ends_activated:
        branch += ((f"bn{number}", NORM),)
    branch += pool
    if order == "relu_before_add":
        branch += (("relu_branch", ACT),)
    if block.attention_at == "end":
        branch += attention
    exit_: Steps = (("bn_sum", NORM),) if order == "norm_after_add" else ()
    if order in ("post", "norm_after_add"):
        exit_ += RELU
    return Chains(first, branch, exit_) if shared else Chains((), first + branch, exit_)
