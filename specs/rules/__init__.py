"""The rules that no single field can keep: shapes that must meet, widths that must divide."""

from __future__ import annotations

from functools import lru_cache

from ...errors import Fault
from ..fields import Frame, NetworkFields
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
    holders: list[BlockChoices] = []
    for stage in spec.stages:
        if stage.before or stage.gives_inner:
            return False
        holders.append(stage)
        holders += stage.blocks or ()
    return _is_trusted_frame(spec.frame) and all(map(_trusts_words_of, holders))


@lru_cache(1024)
def _is_trusted_frame(frame: Frame) -> bool:
    spec = frame.spec
    ends = all(word is None or _is_trusted(word) for word in (spec.stem, spec.head))
    return not spec.closing and ends and _trusts_words_of(spec)


def _trusts_words_of(holder: NetworkFields | BlockChoices) -> bool:
    """Whether the block and the shortcuts that a network, a stage or an entry has of its own need
    not be looked at."""
    block, pair = holder.block, holder.shortcut
    if block is not None and not _is_trusted(block):
        return False
    return pair is None or (_is_trusted(pair.match) and _is_trusted(pair.change))


@lru_cache(4096)
def _is_trusted(word: Operation) -> bool:
    return word.self_validating
