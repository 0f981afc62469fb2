"""Which small signs stand on a block's wires and on the arc of its shortcut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from ..planner.plan import BlockPlan, Plan
from ..specs.order import activates_first
from ..specs.shortcut import Around, DropoutShortcutSpec, GateSpec, ScaledSpec
from ..specs.trace import Layer

Signs = tuple[str, ...]
"""In the order in which data meets them."""

# Signs with a shape of their own; every other is a short text.
NORM: Final = "norm"
ACTIVATION: Final = "activation"
POOL: Final = "pool"


class Wiring(NamedTuple):
    """What stands around the box of a block."""

    shortcut: str | None = None
    """The kind of shortcut; None for a part that has no place for one."""
    line: str = "none"
    """The kind whose line the arc is: the shortcut itself, or the one that it is made of."""
    arc: Signs = ()
    before: Signs = ()
    """Before shortcut and branch divide."""
    entry: Signs = ()
    """From there to the box."""
    end: Signs = ()
    """From the box to the sum."""
    after: Signs = ()
    """After the sum."""

    @property
    def on_wire(self) -> Signs:
        return self.before + self.entry + self.end + self.after


def wiring(block: BlockPlan, activation: str, every_sign: bool) -> Wiring:
    """The signs of ``block``.

    The activation that ends a ``post`` block goes without saying, unless ``every_sign`` is asked
    for because a block of another order stands beside it.

    >>> import resforge as rf
    >>> spec = rf.load("digits_resnet8").replace({"block.order": "full_pre", "shortcut": "gate"})
    >>> found = wiring(rf.plan(spec, 8).stages[1][0], "relu", every_sign=False)
    >>> found.before, found.line, found.arc, found.end
    (('norm', 'activation'), 'zero_pad', ('1−g',), ('g',))
    """
    what, order = block.what, block.spec.arrangement
    activated: Signs = () if activation == "none" else (ACTIVATION,)
    entry = _norms(block.entry) + (activated if what.entry_activates else ())
    end = activated if order == "relu_before_add" else ()
    if any(layer.path == "attention" for layer in block.branch):
        attention = getattr(block.spec, "attention", None)
        end += (getattr(attention, "kind", "attention"),)
    after = _norms(block.exit)
    if order == "norm_after_add" or (order == "post" and every_sign):
        after += activated
    on_arc, on_branch = _factors(block)
    return Wiring(
        block.shortcut.kind,
        _line(block),
        _computed(block) + on_arc,
        entry if what.shares_entry else (),
        () if what.shares_entry else entry,
        end + on_branch,
        after,
    )


def closing_signs(plan: Plan) -> Signs:
    """What pre-activated blocks leave to be done between the last stage and the head."""
    activates = activates_first(plan.stages[-1][-1].spec.arrangement)
    activated = activates and plan.spec.activation != "none"
    return _norms(plan.closing) + ((ACTIVATION,) if activated else ())


def _norms(layers: Sequence[Layer]) -> Signs:
    return (NORM,) * len(layers)


def _line(block: BlockPlan) -> str:
    if not isinstance(block.shortcut, Around):
        return block.shortcut.kind
    inner = block.shortcut.of
    # Nothing is padded where the shape is kept.
    return "identity" if inner.kind == "zero_pad" and block.what.keeps_shape else inner.kind


def _computed(block: BlockPlan) -> Signs:
    """The pool and the convolution on the way of the shortcut; a gate's stands beside it."""
    on_way = [layer for layer in block.bypass if not layer.name.endswith(".gate")]
    texts = {"avg_pool": POOL, "conv": "{0}×{0}"}
    return tuple(texts[layer.kind].format(layer.kernel) for layer in on_way if layer.kind in texts)


def _factors(block: BlockPlan) -> tuple[Signs, Signs]:
    """What shortcut and branch are multiplied by, or how often a value is dropped."""
    match block.shortcut:
        case ScaledSpec(shortcut=factor, residual=other):
            return (_times(factor),), (_times(other),) if other != 1 else ()
        case GateSpec(mode=mode):
            return ("1−g",), ("g",) if mode == "exclusive" else ()
        case DropoutShortcutSpec(rate=rate):
            return (f"p {rate:.3g}",), ()
    return (), ()


def _times(factor: float) -> str:
    return f"×{factor:.3g}".replace("-", "−")
