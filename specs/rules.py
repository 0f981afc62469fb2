"""The rules that no single field can keep: shapes that must meet, widths that must divide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import gcd

from ..errors import Fault, SpecError, path_text
from .base import MAX_BLOCKS
from .block import BLOCKS
from .fields import NetworkFields
from .layout import BlockPlan, trace_block, trace_end, trace_stem
from .operation import OPERATIONS, Operation
from .operations import ActSpec, FlattenSpec
from .paths import Path
from .resolve import ResolvedBlock, runs_of
from .shortcut import SHORTCUTS
from .shortcuts import WrapperSpec, shorten_shortcut
from .site import UNDILATED, Site
from .stage import BlockEntrySpec
from .trace import Module, Trace

#: Large enough that no window that is not padded empties a map.
_SIZE = (4096, 4096)


def broken_rules(spec: NetworkFields) -> list[Fault]:
    """Every rule that ``spec`` breaks, one fault for each place in the spec."""
    # Later rules need a network that the earlier ones found legal.
    for rule in (_count_blocks, _meet_shapes, _check_operations, _divide_widths):
        faults: dict[tuple[str, str], Fault] = {}
        for fault in rule(spec):
            faults.setdefault((fault.code, fault.path), fault)
        if faults:
            return list(faults.values())
    return []


def _count_blocks(spec: NetworkFields) -> Iterator[Fault]:
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


def _meet_shapes(spec: NetworkFields) -> Iterator[Fault]:
    for index, stage in enumerate(runs_of(spec)):
        for resolved, _ in stage:
            for field, message, help_ in resolved.block.problems_at(resolved.site.width):
                path = path_text((*resolved.block_path, field))
                yield Fault("block", f"{message} ({resolved.name})", path, help_)
            yield from _illegal_shortcut(spec, resolved)
            yield from _illegal_drop(resolved)
            yield from _illegal_dilation(index, resolved)


def _illegal_shortcut(spec: NetworkFields, resolved: ResolvedBlock) -> Iterator[Fault]:
    site = resolved.site
    shapes = (site.in_channels, site.out_channels, site.stride)
    reason = resolved.shortcut.why_illegal(*shapes)
    if reason is None:
        return
    legal = [
        f"'{kind}' ({model.note})"
        for kind, model in SHORTCUTS.items()
        if model.note and model().why_illegal(*shapes) is None  # type: ignore[call-arg]
    ]
    path = _as_written(spec, resolved.shortcut_path)
    inherited = "" if path.startswith("stages") else f" ({resolved.name})"
    if isinstance(resolved.shortcut, WrapperSpec):
        path += ".of"
    yield Fault("shortcut", reason + inherited, path, f"use {' or '.join(legal)}")


def _illegal_drop(resolved: ResolvedBlock) -> Iterator[Fault]:
    if resolved.drop_rate and resolved.shortcut.absent:
        yield Fault(
            "stochastic_depth",
            f"{resolved.name} has no shortcut: without its branch nothing would pass",
            "stochastic_depth",
            "give every block a shortcut, or leave stochastic_depth out",
        )


def _illegal_dilation(stage: int, resolved: ResolvedBlock) -> Iterator[Fault]:
    dilations = resolved.site.dilations
    if resolved.block.dilates or dilations == UNDILATED:
        return
    supple = [repr(kind) for kind, model in BLOCKS.items() if model.dilates and kind != "chain"]
    # Where only the first is dilated, the stage before may have been named for it.
    field = "dilation" if dilations.rest > 1 else "first_dilation"
    yield Fault(
        "block",
        f"{resolved.block.kind} blocks do not dilate ({resolved.name})",
        f"stages[{stage}].{field}",
        f"use {' or '.join(supple)}, or write {field}: 1",
    )


def _as_written(spec: NetworkFields, path: Path) -> str:
    """Drops ``match`` or ``change`` where the shortcut has a short form, as a user wrote it."""
    owner = spec
    for part in path[:-2]:
        owner = owner[part] if isinstance(part, int) else getattr(owner, part)  # type: ignore
    short = shorten_shortcut(owner.shortcut)
    is_pair = isinstance(short, dict) and "match" in short
    return path_text(path if is_pair else path[:-1])


def _check_operations(spec: NetworkFields) -> Iterator[Fault]:
    """Faults of operations that a file lists, and of registered kinds."""
    if _all_trusted(spec):
        return
    if not spec.stem.self_validating:
        trace = Trace(spec.in_channels, _SIZE)
        trace_stem(trace, spec)
        yield from _problems("stem", ("stem",), trace.modules, spec.stem_site)
    checked: set[object] = set()
    resolved: ResolvedBlock | None = None
    for stage in runs_of(spec):
        for resolved, _ in stage:
            trusted = resolved.block.self_validating and resolved.shortcut.self_validating
            if not trusted and resolved.like not in checked:
                checked.add(resolved.like)
                yield from _check_block(spec, resolved)
    assert resolved is not None
    head = spec.head
    if spec.closing is None and (head is None or head.self_validating):
        return
    trace = Trace(resolved.site.out_channels, _SIZE)
    _, cut = trace_end(trace, spec, resolved.block)
    site = Site.of_end(trace.channels, spec.norm, spec.activation)
    yield from _problems("closing", ("closing",), trace.modules[:cut], site)
    if head is not None:
        yield from _problems("head", ("head",), trace.modules[cut:], site)


def _all_trusted(spec: NetworkFields) -> bool:
    """Whether the network consists of words alone whose operations need not be looked at."""
    holders: list[NetworkFields | BlockEntrySpec] = [spec, *spec.stages]
    for stage in spec.stages:
        holders += stage.blocks or ()
    words: list[Operation | None] = [spec.stem, spec.head]
    words += [holder.block for holder in holders]
    pairs = [holder.shortcut for holder in holders if holder.shortcut is not None]
    words += [word for pair in pairs for word in (pair.match, pair.change)]
    return spec.closing is None and all(word is None or word.self_validating for word in words)


def _check_block(spec: NetworkFields, resolved: ResolvedBlock) -> Iterator[Fault]:
    trace = Trace(resolved.site.in_channels, _SIZE)
    try:
        _, modules = trace_block(trace, resolved)
    except SpecError as error:
        for fault in error.faults:
            path = _as_written(spec, resolved.shortcut_path)
            yield (
                fault
                if fault.code == "block"
                else Fault(fault.code, fault.message, path, fault.help)
            )
        return
    site, block = resolved.site, resolved.block_path
    for part in ("entry", "branch", "exit"):
        yield from _problems("block", (*block, part), getattr(modules, part), site)
    shortcut = _as_written(spec, resolved.shortcut_path)
    for fault in _problems("shortcut", ("path",), modules.path, site):
        yield Fault(fault.code, fault.message, f"{shortcut}.{fault.path}", fault.help)


def _problems(code: str, path: Path, modules: Iterable[Module], site: Site) -> Iterator[Fault]:
    listed = [module for module in modules if not isinstance(module.op, FlattenSpec)]
    for index, module in enumerate(listed):
        # A registered kind that is an operation itself is named by its own place.
        own = module.op.kind not in OPERATIONS and len(listed) == 1
        place = path[:-1] if own and len(path) > 1 else path if own else (*path, index)
        for field, message, help_ in module.op.problems(module, site):
            yield Fault(code, message, path_text((*place, field)), help_)


def _divide_widths(spec: NetworkFields) -> Iterator[Fault]:
    norm = spec.norm
    if _all_trusted(spec) and norm.kind != "group" and not spec.init.zero_residual:
        return
    trace = Trace(spec.in_channels, (1, 1))
    trace_stem(trace, spec)
    blocks: list[BlockPlan] = []
    for stage in runs_of(spec):
        for resolved, _ in stage:
            start = len(trace.layers)
            cuts, modules = trace_block(trace, resolved)
            layers = tuple(trace.layers[start:])
            blocks.append(BlockPlan(resolved, layers, cuts, 1, modules))
    trace.prefix = ""
    trace_end(trace, spec, resolved.block)
    if spec.init.zero_residual:
        yield from _dead_branches(spec, blocks)
    if norm.kind == "group":
        found = {layer for layer in trace.layers if layer.kind == "group_norm"}
        widths = sorted({layer.out_channels for layer in found if layer.groups == norm.groups})
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


def _dead_branches(spec: NetworkFields, blocks: list[BlockPlan]) -> Iterator[Fault]:
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
        if behind and isinstance(module.op, ActSpec) and module.op.function in ("relu", "relu6"):
            return module.op.function
        behind = behind or end in [f"{block.name}.{layer.name}" for layer in module.layers]
    return None


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
                path_text(block.resolved.block_path),
                f"use a divisor of {common}",
            )
