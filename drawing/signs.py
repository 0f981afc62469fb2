"""Bars and signs of a chain: what of its operations is drawn, and where around a block's box."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from ..planner.plan import Plan
from ..specs.axes import sides_text
from ..specs.layer import Layer, Module
from ..specs.layout import BlockPlan
from ..specs.operation import OPERATIONS
from ..specs.shortcut import Line, ShortcutSpec

# Signs with a shape of their own; every other is a short text.
NORM: Final = "norm"
ACTIVATION: Final = "activation"
POOL: Final = "pool"

OTHER_LINES: Final = (
    Line("blue", 2.2, "16 6"),
    Line("amber", 2.2, "8 5 0.1 5 0.1 5"),
    Line("violet", 1.2, "0.1 7"),
    Line("slate", 3.4, "3 8"),
)
"""For shortcuts without a line of their own, in the order in which a network has them."""


class Sign(NamedTuple):
    """A small plate on a wire or in a box."""

    text: str
    """With the numbers of its place: ``p 0.3``."""
    legend: str = ""
    """Its meaning; empty where that goes without saying."""
    short: str = ""
    """The text without numbers, for the legend: ``p``."""


Signs = tuple[Sign, ...]
"""In the order in which data meets them."""
Part = Layer | Sign
"""A bar or a sign."""


class Wiring(NamedTuple):
    """What stands in and around the box of a block."""

    shortcut: str | None = None
    """The kind of shortcut; None for a part that has no place for one."""
    name: str = ""
    """The shortcut as the legend has it: ``projection``, ``gate of zero_pad``."""
    line: Line | None = None
    """How the arc is drawn; None for no arc."""
    arc: Signs = ()
    """On the arc."""
    arcs_differ: bool = False
    """Whether arcs of that name may have other signs."""
    before: Signs = ()
    """Before shortcut and branch divide."""
    entry: Signs = ()
    """From there to the box."""
    box: tuple[Part, ...] = ()
    """Inside the box."""
    end: Signs = ()
    """From the box to the sum."""
    after: Signs = ()
    """After the sum."""
    legend: str = ""
    """A line of the legend on how shortcut and branch are joined."""

    @property
    def on_wire(self) -> Signs:
        """Signs beside the box, from left to right."""
        return self.before + self.entry + self.end + self.after


def wiring(block: BlockPlan, every_sign: bool, lines: Mapping[str, Line] | None = None) -> Wiring:
    """The bars and signs of ``block``; ``lines`` are those of shortcuts that have none of their
    own.

    The activation that ends a ``post`` block goes without saying, unless ``every_sign`` is asked
    for because a block of another order stands beside it.

    >>> import resforge as rf
    >>> spec = rf.load("digits_resnet8").replace({"block.order": "full_pre", "shortcut": "gate"})
    >>> found = wiring(rf.plan(spec, 8).stages[1][0], every_sign=False)
    >>> for signs in (found.before, found.arc, found.end):
    ...     print(found.name, [sign.text for sign in signs])
    gate of zero_pad ['norm', 'activation']
    gate of zero_pad ['1−g']
    gate of zero_pad ['g']
    """
    modules, shortcut = block.modules, block.shortcut
    kind = shortcut.drawn(block.site)
    entry, box, end = _around_box(parts_of(modules.branch))
    after = on_wire(parts_of(modules.exit))
    if not every_sign and [sign.text for sign in after] == [ACTIVATION]:
        after = ()
    line = kind.line or (lines or {}).get(kind.kind, OTHER_LINES[0])
    of_path = [sign for sign in on_wire(parts_of(modules.path)) if sign.text != kind.implied_sign]
    on_arc, on_branch = (() if text is None else (Sign(text),) for text in modules.join.signs())
    return Wiring(
        shortcut.kind,
        _name_of(shortcut, kind),
        None if shortcut.absent else line,
        (*of_path, *on_arc),
        kind.arcs_differ,
        on_wire(parts_of(modules.entry)),
        entry,
        box,
        end + on_branch,
        after,
        modules.join.legend,
    )


def other_lines(blocks: Iterable[BlockPlan]) -> dict[str, Line]:
    """The lines of the shortcuts of ``blocks`` that have none of their own, by kind."""
    drawn = [block.shortcut.drawn(block.site) for block in blocks]
    kinds = dict.fromkeys(kind.kind for kind in drawn if kind.line is None and not kind.absent)
    return {kind: OTHER_LINES[number % len(OTHER_LINES)] for number, kind in enumerate(kinds)}


def parts_of(modules: Iterable[Module]) -> tuple[Part, ...]:
    """The bars and signs of a chain. A norm right after a convolution goes without saying."""
    parts: list[Part] = []
    after_conv = False
    for module in modules:
        for part in _parts_of_module(module):
            if not (after_conv and isinstance(part, Sign) and part.text == NORM):
                parts.append(part)
            after_conv = isinstance(part, Layer) and part.kind == "conv"
    return tuple(parts)


def in_box(parts: Iterable[Part]) -> tuple[Part, ...]:
    """What is drawn in a box: norms and activations between its bars go without saying."""
    silent = (NORM, ACTIVATION)
    return tuple(part for part in parts if isinstance(part, Layer) or part.text not in silent)


def on_wire(parts: Iterable[Part]) -> Signs:
    """What is drawn on a wire, where a layer is a sign too."""
    return tuple(part if isinstance(part, Sign) else _sign_of(part) for part in parts)


def closing_parts(plan: Plan) -> tuple[Part, ...]:
    """What is left to be done between the last stage and the head."""
    return parts_of(plan.modules.closing)


def has_bars(parts: Iterable[Part]) -> bool:
    """Whether layers are among ``parts``, so that they are drawn in a box."""
    return any(isinstance(part, Layer) for part in parts)


def _around_box(parts: Sequence[Part]) -> tuple[Signs, tuple[Part, ...], Signs]:
    """The signs before the first bar, what is in the box, and the signs after the last bar."""
    bars = [index for index, part in enumerate(parts) if isinstance(part, Layer)]
    if not bars:
        return (), (), on_wire(parts)
    first, last = bars[0], bars[-1] + 1
    return on_wire(parts[:first]), in_box(parts[first:last]), on_wire(parts[last:])


def _parts_of_module(module: Module) -> Iterator[Part]:
    """One operation: its sign, or its layers where it has none.

    What weighs the channels from the side is a sign, and so is an operation without a layer.
    """
    op = module.op
    text = op.sign_of(module)
    if text is not None:
        if text:
            yield Sign(text, op.legend or op.kind, op.sign or text)
        return
    main = [layer for layer in module.layers if layer.path != "attention"]
    yield from (layer for layer in main if _shows(layer))
    if main and len(main) < len(module.layers):
        yield Sign("attention", "attention", "attention")
    elif not main and OPERATIONS.get(op.kind) is type(op):
        yield Sign(op.kind, op.legend, op.kind)


def _shows(layer: Layer) -> bool:
    """Whether a layer is drawn: norms are not, nor what pads nothing and leaves nothing out."""
    pads = layer.stride != 1 or layer.in_channels < layer.out_channels
    return pads if layer.kind == "zero_pad" else not layer.kind.endswith("_norm")


def _sign_of(layer: Layer) -> Sign:
    if layer.kind == "conv":
        return Sign(sides_text(layer.kernel, layer.dims, "×"))
    if layer.kind.endswith("_pool"):
        return Sign(POOL, "pool", POOL)
    if layer.kind == "zero_pad":
        return Sign("+0", "zero pad", "+0")
    return Sign(layer.kind.replace("_", " "))


def _name_of(shortcut: ShortcutSpec, drawn: ShortcutSpec) -> str:
    name, line = shortcut.legend or shortcut.kind, drawn.legend or drawn.kind
    return name if drawn.kind == shortcut.kind else f"{name} of {line}"
