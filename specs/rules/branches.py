"""Branches that ``zero_residual`` starts at 0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ...errors import Fault
from ..activation import fields_of
from ..fields import NetworkFields
from ..layer import Module
from ..layout import BlockPlan
from ..operations import ActSpec, ParallelSpec, ShiftSpec
from ..operations.parallel import paths_of


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


class _Spoiled(NamedTuple):
    """What an operation does to a branch that is 0."""

    starts: bool
    """Whether it leaves 0, but passes no gradient."""
    function: str
    because: str


def _kept_off(block: BlockPlan) -> str | None:
    """Why the branch does not start at 0 though its last layer does, or stays there: what is
    behind that."""
    end = block.residual_end and block.residual_end.name
    branch = block.modules.branch
    names = [[f"{block.name}.{layer.name}" for layer in module.layers] for module in branch]
    at = next((index for index, within in enumerate(names) if end in within), len(branch))
    if spoiled := _first_of(branch[at + 1 :]):
        held = "keep" if spoiled.starts else "not start"
        return (
            f"zero_residual would {held} the branch of {block.name} at 0: it ends in a "
            f"{spoiled.function}, which {spoiled.because}"
        )
    return None


def _first_of(modules: Iterable[Module]) -> _Spoiled | None:
    return next(filter(None, map(_spoiled_by, modules)), None)


def _spoiled_by(module: Module) -> _Spoiled | None:
    op = module.op
    if isinstance(op, ShiftSpec) and op.start:
        return _Spoiled(False, op.kind, f"starts at {op.start:g}")
    if isinstance(op, ActSpec):
        function = fields_of(op.function or "none")
        if function.is_dead_at_zero:
            return _Spoiled(True, function.kind, "passes no gradient there")
        if function.at_zero:
            return _Spoiled(False, function.kind, f"makes {function.at_zero:.2g} of 0")
    if isinstance(op, ParallelSpec):
        found = [_first_of(path) for path in paths_of(module)]
        others = [each for each in found if each is not None and not each.starts]
        # A gradient that passes along one path is enough.
        return others[0] if others else found[0] if all(found) else None
    return None
