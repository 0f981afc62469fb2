"""The identity of a network: one way to say each thing, and only what differs from a default."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, Final, TypeVar

from .block import BlockSpec
from .ends import before_at, closing_at, head_of, stem_at
from .fields import Frame, NetworkFields
from .join import JoinSpec
from .layer import Size
from .layout import BlockModules, block_at, course_at, known_at
from .operation import is_sizeless, meanings
from .resolve import ResolvedBlock, runs_of
from .shortcut import ShortcutSpec
from .site import Site
from .sums import Counted, Course, Form
from .windows import strided

T = TypeVar("T")
_CHAINS: Final = ("entry", "branch", "path", "exit")
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def digest(spec: NetworkFields, size: Size | None = None) -> str:
    """SHA-256 of :func:`canonical`, its blocks a line each.

    ``size`` is that of the pictures for which the network was planned, if it was: what is laid out
    already is read again. It changes no digest.
    """
    rates = _rates(spec)
    lines = [_ENCODER.encode({**_ends(spec), "rates": rates}) if rates else _ends_text(*_end(spec))]
    for stage in _stages(spec, size or spec.point, _text_at, _ENCODER.encode):
        lines += ["stage", *stage]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def canonical(spec: NetworkFields) -> dict[str, Any]:
    """What the identity of a network covers: the operations of every chain, resolved, and of each
    of their fields only what differs from its default.

    So a word and the chain that it stands for are one network, and a field that is added to the
    language later changes no identity. Names are left out.
    """
    tree = {**_ends(spec), "stages": _stages(spec, spec.point, _meaning_at, dict)}
    rates = _rates(spec)
    return {**tree, "rates": rates} if rates else tree


def _ends(spec: NetworkFields) -> dict[str, Any]:
    """All but the blocks."""
    return _ends_of(*_end(spec))


def _end(spec: NetworkFields) -> tuple[Frame, BlockSpec, int]:
    """What the meaning of all but the blocks depends on: the last block, and the channels that it
    puts out, too."""
    last = runs_of(spec)[-1][-1][0]
    return spec.frame, last.block, last.site.out_channels


def _ends_of(frame: Frame, last: BlockSpec, channels: int) -> dict[str, Any]:
    spec = frame.spec
    stem = stem_at(spec, spec.point)
    tree: dict[str, Any] = {"in_channels": spec.in_channels, "stem": meanings(stem.modules)}
    if spec.dims != 2:
        tree["dims"] = spec.dims
    closing = closing_at(spec, last, channels, spec.point)
    if after := meanings(closing.modules):
        tree["closing"] = after
    if spec.head is not None:
        tree["head"] = meanings(head_of(frame, closing.end.channels, spec.point).modules)
    if start := spec.init.differing():
        tree["init"] = start
    return tree


@lru_cache(4096)
def _ends_text(frame: Frame, last: BlockSpec, channels: int) -> str:
    """All but the blocks, as text."""
    return _ENCODER.encode(_ends_of(frame, last, channels))


def _stages(
    spec: NetworkFields,
    size: Size,
    of: Callable[[ResolvedBlock, Size], T],
    of_chain: Callable[[dict[str, Any]], T],
) -> list[list[T]]:
    """The blocks of each stage, after the chain before them where there is one."""
    stem = stem_at(spec, size).end
    stages, channels, size = [], stem.channels, stem.size
    for index, run in enumerate(runs_of(spec)):
        parts: list[T] = []
        if spec.stages[index].frame.begins:
            before = before_at(spec, index, channels, size)
            size = before.end.size
            chain = meanings(before_at(spec, index, channels, spec.point).modules)
            parts += [of_chain({"before": chain})] if chain else []
        for resolved, times in run:
            parts += [of(resolved, size)] * times
            if resolved.site.stride != 1:
                size = strided(size, resolved.site.stride)
        stages.append(parts)
        channels = resolved.site.out_channels
    return stages


def _text_at(resolved: ResolvedBlock, size: Size) -> str:
    """The text of a block on a map of ``size``."""
    known = known_at(resolved, size)
    if not known.text:
        course, counted = known.course, known.counted
        if course is None:
            known.text = block_text(*resolved.like, size)
        else:
            counted = course.count(resolved.site)[0].counted if counted is None else counted
            known.text, known.counted = _text_of(course, tuple(counted)), None
    return known.text


def _meaning_at(resolved: ResolvedBlock, size: Size) -> dict[str, Any]:
    return canonical_block(*resolved.like, size)


def _rates(spec: NetworkFields) -> dict[str, Any] | None:
    """The chance of each block to lose its branch, and how it is drawn; None for none."""
    rule = spec.frame.spec.stochastic_depth
    if rule is None:
        return None
    total = sum(stage.size for stage in spec.stages)
    rates = [rule.drop_rate(number, total) for number in range(1, total + 1)]
    return {"drop": rates, **rule.differing("mode", "scaled")} if any(rates) else None


@lru_cache(1024)
def canonical_block(
    block: BlockSpec, shortcut: ShortcutSpec, site: Site, size: Size | None = None
) -> dict[str, Any]:
    """What a block means for the identity of a network; read from its layout at ``size``, where
    that says the same as the one at a single position."""
    laid = block_at(block, shortcut, site, size or site.point)
    if size is not None and not _means_the_same_everywhere(laid.modules):
        laid = block_at(block, shortcut, site, site.point)
    parts = [meanings(chain) for chain in laid.modules[:4]]
    return _block_tree(parts, _join_of(shortcut, laid.modules.join))


def _block_tree(parts: Sequence[T], join: T | None) -> dict[str, T]:
    """What entry, branch, path and exit mean, and the join, by their names; without those that mean
    nothing."""
    tree = {name: part for name, part in zip(_CHAINS, parts, strict=True) if part}
    return tree if join is None else {**tree, "join": join}


def _join_of(shortcut: ShortcutSpec, join: JoinSpec) -> Any:
    return {"join": "none"} if shortcut.absent else join.canonical()


def _means_the_same_everywhere(modules: BlockModules) -> bool:
    return all(is_sizeless(module.op.__class__) for chain in modules[:4] for module in chain)


@lru_cache(1024)
def block_text(
    block: BlockSpec, shortcut: ShortcutSpec, site: Site, size: Size | None = None
) -> str:
    """What a block means for the identity of a network, as text; see :func:`canonical_block`."""
    course = course_at(block, shortcut, site, size or site.point)
    if course is None:
        return _ENCODER.encode(canonical_block(block, shortcut, site, size))
    return _text_of(course, tuple(course.count(site)[0].counted))


@lru_cache(4096)
def _text_of(course: Course, counted: tuple[Counted, ...]) -> str:
    pattern, order = _pattern(course)
    texts = [_form_text(*each) for each in counted]
    return pattern % tuple([texts[number] for number in order])


@lru_cache(1024)
def _pattern(course: Course) -> tuple[str, list[int]]:
    """The text of the blocks of a course, with gaps for the operations that depend on their
    channels, and which of these stands in each gap."""
    places, parts = count(), list[str]()
    order: dict[str, list[int]] = {}
    for name, part in zip(_CHAINS, course.parts, strict=True):
        parts.append(_listed([_gap(form) for form in part.meant]))
        order[name] = [next(places) for form in part.meant if form.open]
    meant = _join_of(course.shortcut, course.shortcut.joined())
    tree = _block_tree(parts, None if meant is None else _ENCODER.encode(meant).replace("%", "%%"))
    text = "{" + ",".join([f'"{name}":{tree[name]}' for name in sorted(tree)]) + "}"
    return text, [number for name in sorted(order) for number in order[name]]


def _gap(form: Form) -> str:
    if form.open:
        return "%s"
    return _form_text(form, 1, 1).replace("%", "%%")


def _listed(texts: list[str]) -> str:
    """The text of a list of those texts that say something; empty where none does."""
    said = ",".join([text for text in texts if text])
    return f"[{said}]" if said else ""


@lru_cache(16_384)
def _form_text(form: Form, out_channels: int, groups: int) -> str:
    """What an operation means, as text; empty where it does nothing."""
    return ",".join(map(_ENCODER.encode, meanings([form.of(out_channels, groups)])))
