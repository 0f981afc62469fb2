"""Stages that say how many blocks they have, and how wide they are."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Fault
from ..base import MAX_BLOCKS
from ..fields import NetworkFields


def count_blocks(spec: NetworkFields) -> Iterator[Fault]:
    total = 0
    for index, stage in enumerate(spec.stages):
        depth, blocks = stage.depth, stage.blocks
        if depth is None and blocks is None:
            yield Fault("missing", "a stage needs 'depth'", f"stages[{index}]", "write depth: 2")
        elif depth is not None and blocks is not None:
            yield Fault(
                "conflict",
                "'depth' and 'blocks' exclude each other",
                f"stages[{index}]",
                f"leave out depth: {depth}; there are {len(blocks)} blocks",
            )
        if stage.width is None:
            last = index + 1 == len(spec.stages) or spec.stages[index + 1].widen != "linear"
            if last or stage.widen != "linear":
                yield Fault(
                    "missing", "a stage needs 'width'", f"stages[{index}]", "write width: 64"
                )
        total += stage.size
    if total > MAX_BLOCKS:
        yield Fault(
            "limit", f"{total} blocks, of at most {MAX_BLOCKS}", "stages", "use fewer blocks"
        )
