"""The rules that no single field can keep: shapes that must meet, widths that must divide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from ...errors import Fault
from ..by_axis import is_plain
from ..fields import Frame, NetworkFields
from ..norm import GroupedNorm
from ..stage import BlockChoices, StageFrame, StageSpec
from .axes import count_axes
from .counts import count_blocks
from .inner import fit_inner
from .operations import check_operations, learns_activation
from .shapes import meet_shapes, shapes_meet
from .widths import divide_widths, standardize_several


def broken_rules(spec: NetworkFields) -> list[Fault]:
    """Every rule that ``spec`` breaks, one fault for each place in the spec."""
    # Later rules need a network that the earlier ones found legal.
    for rule in rules_for(spec).listed:
        faults: dict[tuple[str, str], Fault] = {}
        for fault in rule(spec):
            faults.setdefault((fault.code, fault.path), fault)
        if faults:
            return list(faults.values())
    return []


_Rule = Callable[[NetworkFields], Iterator[Fault]]
#: The rules, in their order.
_RULES: Final[tuple[_Rule, ...]] = (
    count_axes,
    count_blocks,
    fit_inner,
    meet_shapes,
    check_operations,
    divide_widths,
    standardize_several,
)


#: Those that read no more of a network than its outline says.
_OF_OUTLINES: Final = frozenset({count_blocks, meet_shapes})


class Rules(NamedTuple):
    """Rules in their order."""

    listed: tuple[_Rule, ...]
    of_outlines: bool
    """Whether they read no more than an :class:`~resforge.specs.outline.Outline` says."""

    def kept_by(self, spec: NetworkFields) -> bool:
        """Whether a network breaks none of them: in less time than it takes to say which."""
        for rule in self.listed:
            kept = shapes_meet(spec) if rule is meet_shapes else next(rule(spec), None) is None
            if not kept:
                return False
        return True


def rules_for(spec: NetworkFields) -> Rules:
    """The rules that a network may break, whatever its depths and widths."""
    of_stages = [_rules_of_stage(stage.frame, spec.dims) for stage in spec.stages]
    return _in_order(_rules_of_frame(spec.frame).union(*of_stages))


@lru_cache(1024)
def _in_order(rules: frozenset[_Rule]) -> Rules:
    listed = tuple([rule for rule in _RULES if rule in rules])
    return Rules(listed, rules <= _OF_OUTLINES)


@lru_cache(1024)
def _rules_of_frame(frame: Frame) -> frozenset[_Rule]:
    """The rules that a network may break, whatever its stages."""
    spec, rules = frame.spec, {count_blocks, meet_shapes}
    if not is_plain(spec, spec.dims):
        rules.add(count_axes)
    if not _trusts_ends_of(spec) or learns_activation(spec):
        rules |= {check_operations, divide_widths}
    if isinstance(spec.norm, GroupedNorm) or spec.init.zero_residual:
        rules.add(divide_widths)
    if spec.convolution.kind != "plain":
        rules.add(standardize_several)
    return frozenset(rules)


@lru_cache(4096)
def _rules_of_stage(stage: StageFrame, dims: int) -> frozenset[_Rule]:
    """The rules that a stage may break in a network of ``dims`` axes, besides those that any
    may."""
    spec, rules = stage.spec, set[_Rule]()
    if not is_plain(spec, dims):
        rules.add(count_axes)
    if spec.gives_inner:
        rules.add(fit_inner)
    if not _is_trusted(spec):
        rules |= {check_operations, divide_widths}
    return frozenset(rules)


def _trusts_ends_of(spec: NetworkFields) -> bool:
    """Whether what stands around the stages is words whose operations need not be looked at."""
    ends = all(word is None or word.self_validating for word in (spec.stem, spec.head))
    return not spec.closing and ends and _trusts_words_of(spec)


def _is_trusted(stage: StageSpec) -> bool:
    """The same of a stage."""
    if stage.before or stage.gives_inner:
        return False
    return all(map(_trusts_words_of, (stage, *(stage.blocks or ()))))


def _trusts_words_of(holder: NetworkFields | BlockChoices) -> bool:
    """The same of the block and the shortcuts that a network, a stage or an entry has of its
    own."""
    block, pair = holder.block, holder.shortcut
    if block is not None and not block.self_validating:
        return False
    return pair is None or (pair.match.self_validating and pair.change.self_validating)
