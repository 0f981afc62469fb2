"""What a stage repeats: the residual branch F(x) of a block, and its rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, ClassVar, NamedTuple

from .base import expand_kind, short_tree
from .layer import Layer
from .operation import Operation, Problem, Steps, shorten_chain, shorten_operation
from .operations import ActSpec
from .registry import Kinds, UnionOf
from .site import Site


class Chains(NamedTuple):
    """The chains of a block; the shortcut's path is the fourth."""

    entry: Steps
    """Before branch and shortcut divide."""
    branch: Steps
    """The residual branch F(x), to the join."""
    exit: Steps
    """After the join."""


RELU: Steps = (("relu", ActSpec()),)


def last_of(branch: Sequence[Layer]) -> Layer | None:
    """The last norm or convolution of a branch; None where it is one of several paths."""
    for layer in reversed(branch):
        found = layer.kind == "conv" or layer.kind.endswith("_norm")
        if found and layer.path in ("main", "parallel"):
            return layer if layer.path == "main" else None
    return None


class BlockSpec(Operation):
    """Base of every block kind, built-in or registered.

    A kind says how wide its output is (:meth:`out_channels`) and which operations it consists of
    (:meth:`chains`); the shortcut comes with the network. A kind whose branch is a module of its
    own defines ``trace`` and ``call`` instead, as an operation does: its module computes F(x), and
    an activation follows the sum.
    """

    #: The colour of its boxes in a picture, by a name of ``resforge.drawing.svg.COLOURS``; None:
    #: one of the picture's own choosing.
    colour: ClassVar[str | None] = None
    #: What the classes of exported code are called.
    class_name: ClassVar[str] = "Block"
    #: The branch, in the words of a docstring, and where it was published.
    branch_words: ClassVar[str] = "a branch of its own"
    source: ClassVar[str] = ""
    #: Fields by the names of the modules that they describe, where the names differ.
    fields_of: ClassVar[Mapping[str, str]] = {}
    #: Fields that change neither the names nor the shapes of its layers, in some networks.
    hidden: ClassVar[tuple[str, ...]] = ()
    #: Whether its convolutions follow the stage's dilation.
    dilates: ClassVar[bool] = False

    def out_channels(self, width: int) -> int:
        """Channels of the block's output, from the stage's width."""
        return width

    def width_for(self, out_channels: int) -> int | None:
        """The stage's width, from the channels of the block's output; None where there is none."""
        unit = 5040  # divided by every small factor
        width, rest = divmod(out_channels * unit, max(1, self.out_channels(unit)))
        return width if width and not rest and self.out_channels(width) == out_channels else None

    def chains(self, site: Site, shared: bool) -> Chains:
        """The operations of the block, by the names of their modules.

        ``shared`` says whether the shortcut takes what the branch takes, where the block
        activates its input.
        """
        return Chains((), (("branch", self),), RELU)

    def published(self) -> str:
        """Where the block was published."""
        return self.source

    def closing(self) -> Steps:
        """What follows the last stage, where the network's last block is of this kind."""
        return ()

    @property
    def arrangement(self) -> str:
        """Name of the order of norms and activations; ``post`` is the usual one, and an order
        without a name is empty."""
        return "post"

    @property
    def activates_first(self) -> bool:
        """Whether the block activates its input, before shortcut and branch divide or where they
        do."""
        return False

    @property
    def reads_sums(self) -> bool:  # type: ignore[override]
        """Whether an operation of its own depends on the number of sums before it."""
        return False

    def shares_entry(self, site: Site) -> bool:
        """Whether the shortcut takes the activated input, as the branch does."""
        return False

    @property
    def projection_norm(self) -> bool:
        """Whether a projection beside the branch carries a norm where it says nothing."""
        return True

    def projection_bias(self, bare: bool) -> bool:
        """Whether a projection beside the branch is biased where it says nothing; ``bare``: in a
        network without norms."""
        return bare

    def field_of(self, module: str) -> str | None:
        """The field that says what the module of that name is; None for none of its own."""
        name = self.fields_of.get(module, module)
        return name if name in type(self).model_fields else None

    def residual_end(self, branch: Sequence[Layer]) -> Layer | None:
        """The last norm of the branch, which ``zero_residual`` starts at 0; None for none."""
        norms = [layer for layer in branch if layer.kind.endswith("_norm") and layer.path == "main"]
        return norms[-1] if norms else None

    def problems_on(self, site: Site) -> Iterator[Problem]:
        """What is wrong with this block at its place."""
        return iter(_problems_at(self, site.width))

    def problems_at(self, width: int) -> Iterator[Problem]:
        """What is wrong with this block at this width of its stage."""
        return iter(())


@lru_cache(4096)
def _problems_at(block: BlockSpec, width: int) -> tuple[Problem, ...]:
    """What is wrong with a block at a width: networks have many that are alike."""
    return tuple(block.problems_at(width))


BLOCKS: Kinds[BlockSpec] = Kinds("block", BlockSpec)
"""The kinds of blocks that a file can name. Grown by :func:`resforge.register`, from Python
only."""


def expand_block(value: Any) -> Any:
    """The long form of a block: a bare kind, or chains written out.

    >>> expand_block("basic"), expand_block({"branch": ["norm"]})
    ({'kind': 'basic'}, {'kind': 'chain', 'branch': ['norm']})
    """
    if isinstance(value, dict) and "branch" in value and "kind" not in value:
        return {"kind": "chain", **value}
    return expand_kind(value)


AnyBlock = Annotated[BlockSpec, UnionOf(lambda: BLOCKS, expand_block)]


def shorten_block(block: BlockSpec) -> Any:
    """The shortest way to write ``block``."""
    if block.kind != "chain":
        tree = short_tree(block)
        held = {name: getattr(block, name) for name in tree} if isinstance(tree, dict) else {}
        ops = {name: op for name, op in held.items() if isinstance(op, Operation)}
        return (
            {**tree, **{name: shorten_operation(op) for name, op in ops.items()}} if ops else tree
        )
    names = "entry", "preactivation", "branch", "exit"
    parts = {name: getattr(block, name) for name in names}
    return {
        name: shorten_chain(part)
        for name, part in parts.items()
        if part is not None and (part or name == "exit")
    }
