"""The rules that no single field can keep: shapes that must meet, widths that must divide."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from typing import TYPE_CHECKING

from ..errors import Fault, path_text
from .base import MAX_BLOCKS
from .block import BLOCKS, UNDILATED
from .paths import Path
from .plan import BlockPlan, lay_out
from .shortcut import SHORTCUTS, Around, shorten_shortcut

if TYPE_CHECKING:
    from .network import ResNetSpec, ResolvedBlock
    from .stage import BlockEntrySpec


def broken_rules(spec: ResNetSpec) -> list[Fault]:
    """Every rule that ``spec`` breaks, one fault for each place in the spec."""
    # Later rules need a network that the earlier ones found sound.
    for rule in (_count_blocks, _meet_shapes, _divide_widths):
        faults: dict[tuple[str, str], Fault] = {}
        for fault in rule(spec):
            faults.setdefault((fault.code, fault.path), fault)
        if faults:
            return list(faults.values())
    return []


def _count_blocks(spec: ResNetSpec) -> Iterator[Fault]:
    total = 0
    for index, stage in enumerate(spec.stages):
        path = f"stages[{index}]"
        if stage.depth is None and stage.blocks is None:
            yield Fault("missing", "a stage needs 'depth'", path, "write depth: 2")
        elif stage.depth is not None and stage.blocks is not None:
            yield Fault(
                "conflict",
                "'depth' and 'blocks' exclude each other",
                path,
                f"leave out depth: {stage.depth}; there are {len(stage.blocks)} blocks",
            )
        total += len(stage.entries)
    if total > MAX_BLOCKS:
        yield Fault(
            "limit", f"{total} blocks, of at most {MAX_BLOCKS}", "stages", "use fewer blocks"
        )


def _meet_shapes(spec: ResNetSpec) -> Iterator[Fault]:
    for index, stage in enumerate(spec.runs()):
        for what, _ in stage:
            for field, message, help_ in what.block.problems(what.width):
                path = path_text((*what.block_path, field))
                yield Fault("block", f"{message} ({what.name})", path, help_)
            yield from _illegal_shortcut(spec, what)
            yield from _illegal_drop(what)
            yield from _illegal_dilation(index, what)


def _illegal_shortcut(spec: ResNetSpec, what: ResolvedBlock) -> Iterator[Fault]:
    shapes = (what.in_channels, what.out_channels, what.stride)
    reason = what.shortcut.why_illegal(*shapes)
    if reason is None:
        return
    legal = [
        f"'{kind.model_fields['kind'].default}' ({kind.note})"
        for kind in SHORTCUTS
        if kind.note and kind().why_illegal(*shapes) is None
    ]
    path = _as_written(spec, what.shortcut_path)
    inherited = "" if path.startswith("stages") else f" ({what.name})"
    if isinstance(what.shortcut, Around):
        path += ".of"
    yield Fault("shortcut", reason + inherited, path, f"use {' or '.join(legal)}")


def _illegal_drop(what: ResolvedBlock) -> Iterator[Fault]:
    if what.drop_rate and what.shortcut.kind == "none":
        yield Fault(
            "stochastic_depth",
            f"{what.name} has no shortcut: without its branch nothing would pass",
            "stochastic_depth",
            "give every block a shortcut, or leave stochastic_depth out",
        )


def _illegal_dilation(stage: int, what: ResolvedBlock) -> Iterator[Fault]:
    if what.block.dilates or what.dilations == UNDILATED:
        return
    supple = [repr(kind) for kind, block in BLOCKS.items() if block.dilates]
    # Where only the first is dilated, the stage before may have been named for it.
    field = "dilation" if what.dilations.rest > 1 else "first_dilation"
    yield Fault(
        "block",
        f"{what.block.kind} blocks do not dilate ({what.name})",
        f"stages[{stage}].{field}",
        f"use {' or '.join(supple)}, or write {field}: 1",
    )


def _as_written(spec: ResNetSpec, path: Path) -> str:
    """Drops ``match`` or ``change`` where the shortcut has a short form, as a user wrote it."""
    owner = spec
    for part in path[:-2]:
        owner = owner[part] if isinstance(part, int) else getattr(owner, part)  # type: ignore
    short = shorten_shortcut(owner.shortcut)
    is_pair = isinstance(short, dict) and "match" in short
    return path_text(path if is_pair else path[:-1])


def _divide_widths(spec: ResNetSpec) -> Iterator[Fault]:
    norm = spec.norm
    holders: list[ResNetSpec | BlockEntrySpec] = [
        spec,
        *spec.stages,
        *(entry for stage in spec.stages for entry in stage.blocks or ()),
    ]
    sound = all(holder.block is None or holder.block.sound for holder in holders)
    if sound and norm.kind != "group" and not spec.init.zero_residual:
        return
    laid = lay_out(spec, (1, 1))
    blocks = [block for stage in laid.stages for block in stage]
    if spec.init.zero_residual:
        yield from _dead_branches(spec, blocks)
    layers = laid.layers
    if norm.kind == "group":
        widths = sorted({layer.out_channels for layer in layers if layer.kind == "group_norm"})
        wrong = [width for width in widths if width % norm.groups]
        if wrong:
            common = gcd(*widths)
            divisors = [str(n) for n in range(1, min(common, 4096) + 1) if common % n == 0]
            yield Fault(
                "norm",
                f"{norm.groups} groups do not divide {wrong[0]} channels",
                "norm.groups",
                f"use a divisor of every width: {', '.join(divisors)}",
            )
    for block in blocks:
        yield from _uneven_groups(block)


def _dead_branches(spec: ResNetSpec, blocks: list[BlockPlan]) -> Iterator[Fault]:
    """Branches that ``zero_residual`` cannot start at 0, or not without keeping them there."""
    residual = [block for block in blocks if block.shortcut.kind != "none"]
    bare = [block.name for block in residual if block.residual_end is None]
    if bare:
        yield Fault(
            "init",
            f"zero_residual starts the last norm of each branch at 0, and {bare[0]} has none",
            "init.zero_residual",
            "write zero_residual: false, or use a norm",
        )
    behind = [block.name for block in residual if block.spec.arrangement == "relu_before_add"]
    if behind and spec.activation in ("relu", "relu6"):
        yield Fault(
            "init",
            f"zero_residual would keep the branch of {behind[0]} at 0: it ends in a "
            f"{spec.activation}, which passes no gradient there",
            "init.zero_residual",
            "write zero_residual: false, or another order than relu_before_add",
        )


def _uneven_groups(block: BlockPlan) -> Iterator[Fault]:
    """Only a registered kind can plan them: the widths of a bottleneck are made of its groups."""
    for layer in block.layers:
        if layer.kind != "conv" or layer.groups == 1:
            continue
        common = gcd(layer.in_channels, layer.out_channels)
        if common % layer.groups:
            yield Fault(
                "block",
                f"{layer.groups} groups do not divide {layer.in_channels} and "
                f"{layer.out_channels} channels ({layer.name})",
                path_text(block.what.block_path),
                f"use a divisor of {common}",
            )
