"""The difference of two networks in cost."""

from __future__ import annotations

from ..planner.plan import Plan, plan
from ..specs.network import ResNetSpec


def planned_alike(a: ResNetSpec, b: ResNetSpec) -> tuple[Plan, Plan]:
    """Both networks planned for pictures of one size, the larger of the two that they are for.

    Networks of different ``dims`` are planned for the size that each is for. Raises
    :class:`SpecError` as :func:`~resforge.plan` does.
    """
    sizes = a.natural_input_size, b.natural_input_size
    if a.dims == b.dims:
        sizes = (max(sizes),) * 2
    return plan(a, sizes[0]), plan(b, sizes[1])


def cost_lines(before: Plan, after: Plan) -> tuple[str, str]:
    """The change in parameters and in MACs, a line for each.

    >>> import resforge as rf
    >>> for line in cost_lines(rf.plan("resnet18"), rf.plan("resnet34")):
    ...     print(line)
    params: 11,689,512 -> 21,797,672 (+10,108,160, +86.47 %)
    MACs: 1,814,073,344 -> 3,663,761,408 (+1,849,688,064, +101.96 %)
    """
    return (
        f"params: {_change(before.params, after.params)}",
        f"MACs: {_change(before.macs, after.macs)}",
    )


def _change(before: int, after: int) -> str:
    text = f"{before:,} -> {after:,}"
    if before == after:
        return f"{text} (unchanged)"
    # A network without convolutions and linear layers has no MACs.
    share = f", {100 * (after - before) / before:+.2f} %" if before else ""
    return f"{text} ({after - before:+,}{share})"
