"""Operations that a file lists, and those of registered kinds, at their places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ...errors import Fault, SpecError, path_text
from ..activation import PReLUSpec, fields_of
from ..block import BlockSpec
from ..ends import before_at, closing_at, head_at, stem_at
from ..fields import NetworkFields
from ..layer import Layer, Module, Size
from ..layout import BlockModules, block_at, layout_of
from ..operation import OPERATIONS, Operation
from ..operations import FlattenSpec
from ..paths import Path, parse_path
from ..resolve import ResolvedBlock, before_stage, runs_of
from ..shortcuts import WrapperSpec
from ..site import Site
from .places import as_written

#: Large enough that no window that is not padded empties a map.
_SIDE = 4096


def check_operations(spec: NetworkFields) -> Iterator[Fault]:
    """Faults of operations that a file lists, and of registered kinds."""
    if not spec.stem.self_validating:
        yield from _problems_of_stem(stem_at(spec, _large(spec)).modules, spec.stem_site)
    checked: set[object] = set()
    resolved: ResolvedBlock | None = None
    channels = spec.stem.channels(spec.stem_site)
    for index, stage in enumerate(runs_of(spec)):
        yield from _check_before(spec, index, channels)
        channels = stage[-1][0].site.out_channels
        for resolved, _ in stage:
            trusted = resolved.block.self_validating and resolved.shortcut.self_validating
            trusted = trusted and not learns_activation(spec) and not resolved.site.inner
            if not trusted and resolved.like not in checked:
                checked.add(resolved.like)
                yield from _check_block(spec, resolved)
    assert resolved is not None
    head = spec.head
    if spec.closing is None and (head is None or head.self_validating):
        return
    channels = resolved.site.out_channels
    closing = closing_at(spec, resolved.block, channels, _large(spec))
    yield from _problems("closing", ("closing",), closing.modules, spec.end_site(channels))
    if head is not None:
        channels, size, *_ = closing.end
        modules = head_at(spec, channels, size).modules
        yield from _problems("head", ("head",), modules, spec.end_site(channels))


def learns_activation(spec: NetworkFields) -> bool:
    """Whether the network's activation has parameters, for which not every operation has a
    place."""
    return isinstance(fields_of(spec.activation), PReLUSpec)


def _check_before(spec: NetworkFields, index: int, channels: int) -> Iterator[Fault]:
    if spec.stages[index].before is not None:
        modules = before_at(spec, index, channels, _large(spec)).modules
        _, site = before_stage(spec, index, channels)
        yield from _problems("stage", ("stages", index, "before"), modules, site)


def _problems_of_stem(modules: Sequence[Module], site: Site) -> Iterator[Fault]:
    """Faults of a stem written out, or of what stands in place of a word's pool."""
    ends = [module for module in modules if module.name.partition(".")[0] == "maxpool"]
    if not ends:
        return _problems("stem", ("stem",), modules, site)
    return _problems("stem", ("stem", "pool"), ends, site, alone=len(ends) == 1)


def _check_block(spec: NetworkFields, resolved: ResolvedBlock) -> Iterator[Fault]:
    shortcut = as_written(spec, resolved.shortcut_path)
    try:
        modules = block_at(*resolved.like, _large(spec)).modules
        faults = list(_problems_of_block(spec, resolved, modules))
        # Where the operations are wrong, so may be the shapes that they end in.
        if not faults:
            layout_of(resolved, _large(spec))
    except SpecError as error:
        faults = [
            fault if fault.code == "block" else replace(fault, path=shortcut)
            for fault in error.faults
        ]
    yield from faults


def _problems_of_block(
    spec: NetworkFields, resolved: ResolvedBlock, modules: BlockModules
) -> Iterator[Fault]:
    """What is wrong with the operations of a block and its shortcut."""
    site, block = resolved.site, resolved.block_path
    for part in ("entry", "branch", "exit"):
        yield from _problems("block", (*block, part), getattr(modules, part), site, resolved.block)
    shortcut, place = resolved.shortcut, as_written(spec, resolved.shortcut_path)
    while isinstance(shortcut, WrapperSpec):
        shortcut, place = shortcut.of, f"{place}.of"
    path = (*parse_path(place), "path")
    yield from _problems("shortcut", path, modules.path, site, shortcut)


def _problems(
    code: str,
    path: Path,
    modules: Iterable[Module],
    site: Site,
    word: Operation | None = None,
    alone: bool = False,
) -> Iterator[Fault]:
    """What is wrong with the operations of the chain at ``path``, which a ``word`` stands for;
    ``alone`` says that the only one is no list's."""
    listed = [module for module in modules if not isinstance(module.op, FlattenSpec)]
    flattened: Module | None = None
    for index, module in enumerate(listed):
        # A registered kind that is an operation itself is named by its own place.
        own = module.op.kind not in OPERATIONS and len(listed) == 1
        place = path if alone else (*path, index)
        if own:
            place = path[:-1] if len(path) > 1 else path
        field = word.field_of(module.name) if isinstance(word, BlockSpec) else None
        if field is not None and getattr(word, field) is None:
            field = None  # the operation is the word's own
        # What a word stands for has no place of its own in the file.
        hidden = word is not None and word.kind != "chain" and field is None and not own
        if hidden or field is not None:
            place = (*path[:-1], *([] if field is None else [field]))
        for name, message, help_ in module.op.problems(module, site):
            if hidden:
                written = ("convolution",) if name == "convolution" else place
                message = f"{message} ({module.name})"
            else:
                written = (*place, name)
            yield Fault(code, message, path_text(written), help_)
        if flattened is not None and any(map(_takes_map, module.layers)):
            yield _after_vector(module.op.kind, flattened, code, place)
        flattened = module if any(map(_leaves_vector, module.layers)) else flattened
    if flattened is not None and code in ("stem", "stage", "closing"):
        yield _after_vector("what follows", flattened, code, path)


def _takes_map(layer: Layer) -> bool:
    """Whether a layer cannot take a vector."""
    vectors = ("linear", "batch_norm", "group_norm")
    return layer.kind not in vectors and (layer.kind != "parameter" or len(layer.weight) > 1)


def _leaves_vector(layer: Layer) -> bool:
    return layer.kind in ("linear", "flatten") and layer.path != "attention"


def _after_vector(what: str, flattened: Module, code: str, place: Path) -> Fault:
    message = f"{what} takes a map, and {flattened.op.kind} leaves a vector"
    return Fault(code, message, path_text(place), f"put it before {flattened.op.kind}")


def _large(spec: NetworkFields) -> Size:
    return (_SIDE,) * spec.dims
