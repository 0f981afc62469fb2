"""hsd1503/resnet1d's names: ``basicblock_list.3.conv1.conv``, and those of its Net1D,
``stage_list.0.block_list.1.conv1.conv``.

Blocks of the first are numbered through all stages. Both hold a norm before the first block that
nothing uses.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...specs.layout import BlockPlan
from ..naming import Form

WORDS = "those of resnet1d"

_BLOCK = "stage_list.{s-1}.block_list.{b}."


def in_a_row(blocks: Iterable[BlockPlan]) -> dict[str, str]:
    """Blocks numbered through all stages."""
    return {
        layer.name: f"layer1.{number}{layer.name.removeprefix(block.name)}"
        for number, block in enumerate(blocks)
        for layer in block.layers
    }


FORMS = (
    Form(
        (
            ("stem.conv1", "first_block_conv.conv"),
            ("stem.norm1", "first_block_bn"),
            ("layer1.{b}.conv{n}", "basicblock_list.{b}.conv{n}.conv"),
            ("layer1.{b}.bn{n}", "basicblock_list.{b}.bn{n+1}"),
            ("norm", "final_bn"),
            ("fc", "dense"),
        ),
        moved=in_a_row,
    ),
    Form(
        (
            ("stem.conv1", "first_conv.conv"),
            ("stem.norm1", "first_bn"),
            ("layer{s}.{b}.conv{n}", _BLOCK + "conv{n}.conv"),
            ("layer{s}.{b}.bn{n}", _BLOCK + "bn{n+1}"),
            ("layer{s}.{b}.se.fc{n}", _BLOCK + "se_fc{n}"),
            ("fc", "dense"),
        ),
    ),
)
