"""Widths within branches: one for each block, and one for each convolution."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Fault
from ..fields import NetworkFields
from ..inner import takers_in
from ..resolve import runs_of


def fit_inner(spec: NetworkFields) -> Iterator[Fault]:
    """Widths within branches: a list of one for each block, and of one for each convolution."""
    for index, stage in enumerate(spec.stages):
        own = f"stages[{index}]"
        if isinstance(stage.inner, tuple) and len(stage.inner) != stage.size:
            yield Fault(
                "inner",
                f"inner lists {_count(len(stage.inner), 'width')}, the stage has "
                f"{_count(stage.size, 'block')}",
                f"{own}.inner",
                "write one item for each block, or one width for all; the widths of one block are "
                "a list within the list",
            )
            return
    for index, stage in enumerate(spec.stages):
        if stage.gives_inner:
            yield from _fit_takers(spec, index)


def _fit_takers(spec: NetworkFields, index: int) -> Iterator[Fault]:
    """Widths within branches that no convolution takes, or not as many."""
    stage = spec.stages[index]
    for resolved, _ in runs_of(spec)[index]:
        given = resolved.site.inner
        chains = resolved.block.chains(resolved.site, resolved.shares_entry)
        count = takers_in(op for chain in chains for _, op in chain)
        if not given or count == len(given) or (count and len(given) == 1):
            continue
        position = int(resolved.name.partition(".")[2])
        path = f"stages[{index}].inner"
        if stage.blocks is not None and stage.blocks[position].inner is not None:
            path = f"stages[{index}].blocks[{position}].inner"
        elif isinstance(stage.inner, tuple):
            path += f"[{position}]"
        if count:
            takers = f"1 convolution of {resolved.name} takes"
            if count > 1:
                takers = f"{count} convolutions of {resolved.name} take"
            message = f"{_count(len(given), 'width')}, where {takers} one"
            help_ = f"write {_count(count, 'width')}, or one for all"
        else:
            message = f"no convolution of {resolved.name} takes a width from here"
            help_ = "leave inner out, or write width: inner in its chain"
        yield Fault("inner", message, path, help_)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
