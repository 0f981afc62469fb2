"""Blocks and shortcuts that are legal at their places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ...errors import Fault, path_text
from ..base import MAX_CHANNELS
from ..block import BLOCKS
from ..fields import NetworkFields
from ..operation import Problem
from ..paths import Path
from ..resolve import ResolvedBlock, runs_in_turn, runs_of
from ..shortcut import SHORTCUTS
from ..shortcuts import WrapperSpec
from ..site import UNDILATED
from .places import as_written


def shapes_meet(spec: NetworkFields) -> bool:
    """Whether :func:`meet_shapes` finds nothing, without words for what it would find."""
    for index, stage in enumerate(runs_in_turn(spec)):
        for resolved, _ in stage:
            if resolved.fits is None:
                resolved.fits = not any(_misfits(spec, index, resolved, set()))
            if not resolved.fits:
                return False
    return True


def meet_shapes(spec: NetworkFields) -> Iterator[Fault]:
    checked: set[tuple[Path, int]] = set()
    for index, stage in enumerate(runs_of(spec)):
        for resolved, _ in stage:
            if resolved.fits:
                continue
            legal = True
            for say, is_new in _misfits(spec, index, resolved, checked):
                legal = False
                if is_new:
                    yield say()
            resolved.fits = legal


def _misfits(
    spec: NetworkFields, index: int, resolved: ResolvedBlock, checked: set[tuple[Path, int]]
) -> Iterator[tuple[Callable[[], Fault], bool]]:
    """What is wrong with a block at its place, as what says so, and whether it was not said of
    another yet."""
    block, site = resolved.block, resolved.site
    if site.out_channels > MAX_CHANNELS:
        yield partial(_too_wide, spec, index, resolved), True
        return
    # A block of one path and one width has one fault, which the first place that has it names.
    place = resolved.block_path, site.width
    problems = [*block.problems_on(site)]
    for problem in problems:
        yield partial(_illegal_block, resolved, problem), place not in checked
    if problems:
        checked.add(place)
    reason = resolved.shortcut.why_illegal(site.in_channels, site.out_channels, site.stride)
    if reason is not None:
        yield partial(_illegal_shortcut, spec, resolved, reason), True
    if resolved.drop_rate and resolved.shortcut.absent:
        yield partial(_illegal_drop, resolved), True
    if site.dilations != UNDILATED and not block.dilates:
        yield partial(_illegal_dilation, spec, index, resolved), True


def _illegal_block(resolved: ResolvedBlock, problem: Problem) -> Fault:
    field, message, help_ = problem
    path = path_text((*resolved.block_path, field))
    return Fault("block", f"{message} ({resolved.name})", path, help_)


def _too_wide(spec: NetworkFields, index: int, resolved: ResolvedBlock) -> Fault:
    site, position = resolved.site, int(resolved.name.partition(".")[2])
    blocks, path = spec.stages[index].blocks, f"stages[{index}]"
    if blocks is not None and blocks[position].width is not None:
        path = f"{path}.blocks[{position}]"
    most = MAX_CHANNELS * site.width // site.out_channels
    return Fault(
        "block",
        f"a {resolved.block.kind} block of width {site.width} puts out {site.out_channels} "
        f"channels, of at most {MAX_CHANNELS} ({resolved.name})",
        f"{path}.width",
        f"use a width of at most {most}",
    )


def _illegal_shortcut(spec: NetworkFields, resolved: ResolvedBlock, reason: str) -> Fault:
    site = resolved.site
    shapes = (site.in_channels, site.out_channels, site.stride)
    legal = [
        f"'{kind}' ({model.note})"
        for kind, model in SHORTCUTS.items()
        if model.note and model().why_illegal(*shapes) is None  # type: ignore[call-arg]
    ]
    path = as_written(spec, resolved.shortcut_path)
    inherited = "" if path.startswith("stages") else f" ({resolved.name})"
    if isinstance(resolved.shortcut, WrapperSpec):
        path += ".of"
    return Fault("shortcut", reason + inherited, path, f"use {' or '.join(legal)}")


def _illegal_drop(resolved: ResolvedBlock) -> Fault:
    return Fault(
        "stochastic_depth",
        f"{resolved.name} has no shortcut: without its branch nothing would pass",
        "stochastic_depth",
        "give every block a shortcut, or leave stochastic_depth out",
    )


def _illegal_dilation(spec: NetworkFields, stage: int, resolved: ResolvedBlock) -> Fault:
    dilations = resolved.site.dilations
    supple = [repr(kind) for kind, model in BLOCKS.items() if model.dilates and kind != "chain"]
    # Where only the first is dilated, the stage before may have been named for it.
    field = "dilation" if dilations.rest > 1 else "first_dilation"
    path, position = f"stages[{stage}]", int(resolved.name.partition(".")[2])
    if spec.stages[stage].entries[position].dilation:
        path, field = f"{path}.blocks[{position}]", "dilation"
    return Fault(
        "block",
        f"{resolved.block.kind} blocks do not dilate ({resolved.name})",
        f"{path}.{field}",
        f"use {' or '.join(supple)}, or write {field}: 1",
    )
