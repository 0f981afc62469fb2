"""The kinds of heads, one file for each."""

from __future__ import annotations

from ..head import HEADS
from .chain import ChainHeadSpec
from .classifier import ClassifierSpec

HEADS.add(ClassifierSpec, ChainHeadSpec)

__all__ = ["ChainHeadSpec", "ClassifierSpec"]
