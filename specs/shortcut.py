"""What joins a block's input to its output.

A shortcut is a chain, the path from the block's input, and a join with the residual branch. The
options of He et al. 2015 (arXiv 1512.03385), section 3.3: A is ``zero_pad``, B is ``projection``,
C is ``{match: projection, change: projection}``; D is ``avg_projection``, of ResNet-D (He et al.
2018, arXiv 1812.01187).
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, NamedTuple

from .axes import Axes
from .base import expand_kind, short_tree
from .join import AddSpec, JoinSpec, shorten_join
from .operation import Operation, Steps, shorten_chain
from .registry import Kinds, UnionOf
from .site import Site


class Line(NamedTuple):
    """How the arc of a kind is drawn: apart from the others also without its colour."""

    colour: str
    """A name of :data:`resforge.drawing.svg.COLOURS`."""
    width: float
    dash: str = "none"


ADD = AddSpec()


class ShortcutSpec(Operation):
    """Base of every kind of shortcut, built-in or registered.

    A kind says the operations from the block's input to the sum (:meth:`steps`), and how the sum
    is made (:meth:`joined`). A kind with a module of its own defines ``trace`` and ``call``
    as an operation does.
    """

    #: What a bare kind means for blocks that keep the shape; None: the kind itself.
    bare_match: ClassVar[str | None] = "identity"
    #: How a help line recommends the kind; None: it does not.
    note: ClassVar[str | None] = None
    #: How the arc is drawn; None: with a line of the picture's own choosing.
    line: ClassVar[Line | None] = None
    #: The sign that the line stands for, and which is not repeated on the arc.
    implied_sign: ClassVar[str] = ""
    #: Whether the arcs of one network may have different signs, so that the legend shows none.
    arcs_differ: ClassVar[bool] = False
    #: What S(x) is, in the words of a docstring.
    words: ClassVar[str] = "a path of its own"
    #: Whether the block has no shortcut at all.
    absent: ClassVar[bool] = False

    def why_illegal(self, in_channels: int, out_channels: int, stride: Axes) -> str | None:
        """Why this shortcut cannot join these shapes; None where it can."""
        return None

    def steps(self, site: Site) -> Steps:
        """The path of the shortcut: operations by their names below the shortcut's own; an empty
        name is the shortcut itself."""
        return (("", self),)

    def joined(self) -> JoinSpec:
        """How the path meets the residual branch."""
        return ADD

    def drawn(self, site: Site) -> ShortcutSpec:
        """The kind whose line the arc has: this one, or the one inside of it."""
        return self

    def drawn_inside(self, site: Site) -> ShortcutSpec:
        """The kind whose line the arc has where this one stands inside of another."""
        return self

    def options_text(self) -> str | None:
        """The options of the shortcut, as tables have them; None: those that differ from their
        defaults, by name."""
        return None


SHORTCUTS: Kinds[ShortcutSpec] = Kinds("shortcut", ShortcutSpec)
"""The kinds of shortcuts that a file can name. Grown by :func:`resforge.register`, from Python
only."""

OPTIONS: dict[str, Any] = {
    "A": "zero_pad",
    "B": "projection",
    "C": {"match": "projection", "change": "projection"},
    "D": "avg_projection",
}
"""The option letters of He et al. 2015, and the D of ResNet-D."""


def expand_inner(value: Any) -> Any:
    """The long form of one shortcut: a bare kind, or a path written out."""
    if isinstance(value, dict) and "path" in value and "kind" not in value:
        return {"kind": "chain", **value}
    return expand_kind(value)


AnyShortcut = Annotated[ShortcutSpec, UnionOf(lambda: SHORTCUTS, expand_inner)]


def expand_shortcut(value: Any) -> Any:
    """The pair that a bare kind, one kind with its fields, or an option letter is short for.

    >>> expand_shortcut("zero_pad") == expand_shortcut("A")
    True
    >>> expand_shortcut("none")
    {'match': {'kind': 'none'}, 'change': {'kind': 'none'}}
    """
    if isinstance(value, str):
        value = OPTIONS.get(value, value)
    long = expand_inner(value)
    if isinstance(long, ShortcutSpec):
        long = long.model_dump()
    if not isinstance(long, dict) or "kind" not in long:
        return long
    kind = long["kind"]
    known = isinstance(kind, str) and kind in SHORTCUTS
    match = SHORTCUTS[kind].bare_match if known else "identity"
    return {"match": {"kind": match} if match else long, "change": long}


def shorten_inner(spec: ShortcutSpec) -> Any:
    """The shortest way to write one shortcut."""
    if spec.kind != "chain":
        tree = short_tree(spec)
        inner = getattr(spec, "of", None)
        if isinstance(tree, dict) and "of" in tree and inner is not None:
            tree["of"] = shorten_inner(inner)
        return tree
    path: Any = getattr(spec, "path")  # noqa: B009 - the field of one kind
    join = spec.joined()
    written: dict[str, Any] = {"path": shorten_chain(path)}
    if join.kind != "add":
        written["join"] = shorten_join(join)
    return written
