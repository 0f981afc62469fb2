"""The rules that no single field can keep: shapes that must meet, widths that must divide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

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
    for rule in _rules_for(spec.frame, *[stage.frame for stage in spec.stages]):
        faults: dict[tuple[str, str], Fault] = {}
        for fault in rule(spec):
            faults.setdefault((fault.code, fault.path), fault)
        if faults:
            return list(faults.values())
    return []


def is_legal(spec: NetworkFields) -> bool:
    """Whether ``spec`` breaks no rule: in less time than it takes to say which."""
    rules = _rules_for(spec.frame, *[stage.frame for stage in spec.stages])
    return all(
        shapes_meet(spec) if rule is meet_shapes else next(rule(spec), None) is None
        for rule in rules
    )


@lru_cache(4096)
def _rules_for(frame: Frame, *stages: StageFrame) -> tuple[Callable[..., Iterator[Fault]], ...]:
    """The rules that a network may break of which all is known but depths and widths."""
    spec, of_stages = frame.spec, [stage.spec for stage in stages]
    dims = spec.dims
    rules: list[Callable[..., Iterator[Fault]]] = [count_blocks, meet_shapes]
    if not (is_plain(spec, dims) and all(is_plain(stage, dims) for stage in of_stages)):
        rules.insert(0, count_axes)
    if any(stage.gives_inner for stage in of_stages):
        rules.insert(-1, fit_inner)
    trusted = _trusts_ends_of(spec) and all(map(_is_trusted, of_stages))
    trusted = trusted and not learns_activation(spec)
    if not trusted:
        rules.append(check_operations)
    if not trusted or isinstance(spec.norm, GroupedNorm) or spec.init.zero_residual:
        rules.append(divide_widths)
    if spec.convolution.kind != "plain":
        rules.append(standardize_several)
    return tuple(rules)


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
