"""Branches that ``zero_residual`` starts at 0."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Fault
from ..activation import fields_of
from ..fields import NetworkFields
from ..layout import BlockPlan
from ..operation import Operation
from ..operations import ActSpec, ShiftSpec


def dead_branches(spec: NetworkFields, blocks: list[BlockPlan]) -> Iterator[Fault]:
    """Branches that ``zero_residual`` cannot start at 0, or not without keeping them there."""
    residual = [block for block in blocks if not block.shortcut.absent]
    without = [block for block in residual if block.residual_end is None]
    if without:
        yield _without_end(without[0])
    for block in residual:
        if reason := _kept_off(block):
            ordered = getattr(block.spec, "order", None) == "relu_before_add"
            other = "another order than relu_before_add" if ordered else "leave that out"
            help_ = f"write zero_residual: false, or {other}"
            yield Fault("init", reason, "init.zero_residual", help_)


def _without_end(block: BlockPlan) -> Fault:
    """The fault of a branch that no single layer holds at 0."""
    within = next((module for module in reversed(block.modules.branch) if module.inner), None)
    message, help_ = f"and {block.name} has none", "write zero_residual: false, or use a norm"
    if within is not None:
        message = f"and that of {block.name} ends in {within.op.kind}, of which no norm holds all"
        help_ = "write zero_residual: false, or put a convolution or a norm behind it"
    return Fault(
        "init",
        f"zero_residual starts the last norm of each branch at 0, {message}",
        "init.zero_residual",
        help_,
    )


def _kept_off(block: BlockPlan) -> str | None:
    """Why the branch does not start at 0 though its last layer does, or stays there: what is
    behind that."""
    end = block.residual_end and block.residual_end.name
    behind = False
    for module in block.modules.branch:
        if behind and (reason := _spoiled_by(module.op)):
            held, function, because = reason
            return (
                f"zero_residual would {held} the branch of {block.name} at 0: it ends in a "
                f"{function}, which {because}"
            )
        behind = behind or end in [f"{block.name}.{layer.name}" for layer in module.layers]
    return None


def _spoiled_by(op: Operation) -> tuple[str, str, str] | None:
    """What an operation does to a branch that is 0, where it is not trained or not 0 then."""
    if isinstance(op, ShiftSpec) and op.start:
        return "not start", op.kind, f"starts at {op.start:g}"
    if isinstance(op, ActSpec):
        function = fields_of(op.function or "none")
        if function.is_dead_at_zero:
            return "keep", function.kind, "passes no gradient there"
        if function.at_zero:
            return "not start", function.kind, f"makes {function.at_zero:.2g} of 0"
    return None
