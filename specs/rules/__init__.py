"""The rules that no single field can keep: shapes that must meet, widths that must divide."""

from __future__ import annotations

from functools import lru_cache

from ...errors import Fault
from ..fields import NetworkFields
from ..norm import GroupedNorm
from ..operation import Operation
from ..stage import BlockChoices
from .axes import count_axes
from .counts import count_blocks
from .inner import fit_inner
from .operations import check_operations, learns_activation
from .shapes import meet_shapes
from .widths import divide_widths, standardize_several


def broken_rules(spec: NetworkFields) -> list[Fault]:
    """Every rule that ``spec`` breaks, one fault for each place in the spec."""
    # Later rules need a network that the earlier ones found legal.
    rules = [count_axes, count_blocks, fit_inner, meet_shapes]
    trusted = _all_trusted(spec) and not learns_activation(spec)
    if not trusted:
        rules.append(check_operations)
    if not trusted or isinstance(spec.norm, GroupedNorm) or spec.init.zero_residual:
        rules.append(divide_widths)
    if spec.convolution.kind != "plain":
        rules.append(standardize_several)
    for rule in rules:
        faults: dict[tuple[str, str], Fault] = {}
        for fault in rule(spec):
            faults.setdefault((fault.code, fault.path), fault)
        if faults:
            return list(faults.values())
    return []


def _all_trusted(spec: NetworkFields) -> bool:
    """Whether the network consists of words alone whose operations need not be looked at."""
    holders: list[NetworkFields | BlockChoices] = [spec]
    for stage in spec.stages:
        if stage.before or stage.gives_inner:
            return False
        holders.append(stage)
        holders += stage.blocks or ()
    words: list[Operation | None] = [spec.stem, spec.head]
    for holder in holders:
        words.append(holder.block)
        if (pair := holder.shortcut) is not None:
            words += (pair.match, pair.change)
    return not spec.closing and all(word is None or _is_trusted(word) for word in words)


@lru_cache(4096)
def _is_trusted(word: Operation) -> bool:
    return word.self_validating
