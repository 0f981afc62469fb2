"""How much of a network the tensors in a file cover, under the names of each layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import islice
from typing import NamedTuple, Protocol

from torch import Tensor

from ..planner.plan import Plan
from ..specs.layer import Shape
from .layouts import LAYOUTS, native_layers, recognise
from .naming import Form

STAGE = "layer"
"""How the native names of a stage's tensors begin."""
#: Levels of a name whose beginning may be a prefix.
_MAX_LEVELS = 8
#: Names that are searched for prefixes; a hostile file can have very many.
_MAX_NAMES = 5_000
#: Prefixes that are tried.
_MAX_TRIED = 50


class Cover(NamedTuple):
    """What tensors cover of a network; the more, the larger."""

    fitting: int
    """Tensors of the network that are found by name and shape."""
    named: int
    """Tensors of the network that are found by name."""


class Reading(NamedTuple):
    """The form of a layout that covers most, and what it covers."""

    cover: Cover
    layout: str
    form: Form


class Covering(Protocol):
    """A network, or all networks, as a measure of the tensors in a file."""

    def reading(self, tensors: Mapping[str, Tensor], prefix: str = "") -> Reading:
        """The form that covers most with the names that begin with ``prefix``, without it."""
        ...

    def knows(self, name: str) -> bool:
        """Whether a form has a tensor of this name."""
        ...

    def in_block(self, name: str) -> bool:
        """Whether a form has a tensor of this name in a block."""
        ...


class _Row(NamedTuple):
    """A tensor of the network in a form."""

    name: str
    shape: Shape
    is_own: bool
    """Whether the form has a name for it, other than resforge's."""
    in_block: bool


class NetworkCover:
    """The tensors of one network, under the names of every layout."""

    def __init__(self, shapes: Mapping[str, Shape], plan: Plan, layout: str | None = None) -> None:
        self.shapes = shapes
        self.tables = [
            (
                name,
                form,
                [
                    _Row(n or ours, shapes[ours], n is not None, ours.startswith(STAGE))
                    for ours, n in table.items()
                ],
            )
            for name, entry in LAYOUTS.items()
            if layout in (None, name)
            for form in entry.forms
            for table in [form.table(shapes, plan)]
        ]

    @cached_property
    def names(self) -> frozenset[str]:
        """All names of all forms."""
        return frozenset(row.name for _, _, table in self.tables for row in table)

    @cached_property
    def names_in_blocks(self) -> frozenset[str]:
        """Those of tensors in blocks."""
        return frozenset(row.name for _, _, table in self.tables for row in table if row.in_block)

    def knows(self, name: str) -> bool:
        """Whether a form gives this name to a tensor of the network."""
        return name in self.names

    def in_block(self, name: str) -> bool:
        """Whether a form gives this name to a tensor of a block."""
        return name in self.names_in_blocks

    def reading(self, tensors: Mapping[str, Tensor], prefix: str = "") -> Reading:
        """As :class:`Covering` says.

        Of forms that cover equally much, the one with most names of its own is chosen, then the
        first.
        """
        shapes = {name: shape_of(tensor) for name, tensor in tensors.items()}
        best, best_own = Reading(Cover(-1, -1), "", Form(())), -1
        for layout, form, table in self.tables:
            found = [row for row in table if prefix + row.name in shapes]
            fitting = sum(shapes[prefix + row.name] == row.shape for row in found)
            cover, own = Cover(fitting, len(found)), sum(row.is_own for row in found)
            if not own and any(row.is_own for row in table):
                cover = Cover(0, 0)  # only resforge's names of layers that the form does not have
            if (cover, own) > (best.cover, best_own):
                best, best_own = Reading(cover, layout, form), own
        return best


class AnyCover:
    """Residual networks in general, of which only the names are known."""

    def __init__(self, layout: str | None = None) -> None:
        self.layout = layout

    def knows(self, name: str) -> bool:
        """Whether a form has a tensor of this name."""
        return any(native_layers(name, self.layout))

    def in_block(self, name: str) -> bool:
        """Whether a form has a tensor of this name in a block."""
        return any(native.startswith(STAGE) for native in native_layers(name, self.layout))

    def reading(self, tensors: Mapping[str, Tensor], prefix: str = "") -> Reading:
        """As :class:`Covering` says, by the numbers of known names."""
        names = (name.removeprefix(prefix) for name in tensors if name.startswith(prefix))
        layout, form, body, known = recognise(names, self.layout)
        return Reading(Cover(body, known), layout, form)


def shape_of(tensor: Tensor) -> Shape | None:
    """The shape of a tensor; None for one that has none, such as a nested tensor."""
    return None if tensor.is_nested else tuple(tensor.shape)


def best_prefixes(tensors: Mapping[str, Tensor], covering: Covering) -> tuple[Cover, list[str]]:
    """The prefixes without which the names cover most, and what they cover."""
    found, best = list[str](), Cover(0, 0)
    for prefix, count in _prefixes(tensors, covering).most_common(_MAX_TRIED):
        if count < best.named:
            break
        cover = covering.reading(tensors, prefix).cover
        if cover > best:
            found, best = [], cover
        if cover == best and cover.named:
            found.append(prefix)
    return best, found


def _prefixes(names: Iterable[str], covering: Covering) -> Counter[str]:
    """Each prefix of a network, with the number of names that are known without it.

    Without the prefix of a block the names may be those of a stem: a network has blocks too.
    """
    counts: Counter[str] = Counter()
    with_blocks: set[str] = set()
    for name in islice(names, _MAX_NAMES):
        parts = name.split(".", _MAX_LEVELS)
        for level in range(1, len(parts)):
            prefix = ".".join(parts[:level]) + "."
            rest = name[len(prefix) :]
            if covering.knows(rest):
                counts[prefix] += 1
                if prefix not in with_blocks and covering.in_block(rest):
                    with_blocks.add(prefix)
    if not with_blocks:  # a file of a stem or of a head alone; names of a block have a number
        with_blocks = {prefix for prefix in counts if not any(map(str.isdigit, prefix.split(".")))}
    return Counter({prefix: counts[prefix] for prefix in counts if prefix in with_blocks})
