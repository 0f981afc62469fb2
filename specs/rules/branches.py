"""Branches that ``zero_residual`` starts at 0."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Fault
from ..fields import NetworkFields
from ..layout import BlockPlan
from ..operations import ActSpec


def dead_branches(spec: NetworkFields, blocks: list[BlockPlan]) -> Iterator[Fault]:
    """Branches that ``zero_residual`` cannot start at 0, or not without keeping them there."""
    residual = [block for block in blocks if not block.shortcut.absent]
    bare = [block.name for block in residual if block.residual_end is None]
    if bare:
        yield Fault(
            "init",
            f"zero_residual starts the last norm of each branch at 0, and {bare[0]} has none",
            "init.zero_residual",
            "write zero_residual: false, or use a norm",
        )
    for block in residual:
        if function := _kept_dead_by(block):
            yield Fault(
                "init",
                f"zero_residual would keep the branch of {block.name} at 0: it ends in a "
                f"{function}, which passes no gradient there",
                "init.zero_residual",
                "write zero_residual: false, or another order than relu_before_add",
            )


def _kept_dead_by(block: BlockPlan) -> str | None:
    """The activation after the branch's last layer that passes no gradient at 0."""
    end = block.residual_end and block.residual_end.name
    behind = False
    for module in block.modules.branch:
        if behind and isinstance(module.op, ActSpec) and module.op.name in ("relu", "relu6"):
            return module.op.name
        behind = behind or end in [f"{block.name}.{layer.name}" for layer in module.layers]
    return None
