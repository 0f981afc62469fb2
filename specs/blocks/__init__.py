"""The kinds of blocks, one file for each."""

from __future__ import annotations

from ..block import BLOCKS
from .basic import BasicSpec
from .bottleneck import BottleneckSpec
from .chain import ChainBlockSpec
from .d2l import D2LSpec
from .x import XSpec

BLOCKS.add(BasicSpec, BottleneckSpec, D2LSpec, XSpec, ChainBlockSpec)

__all__ = ["BasicSpec", "BottleneckSpec", "ChainBlockSpec", "D2LSpec", "XSpec"]
