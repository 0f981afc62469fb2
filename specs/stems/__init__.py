"""The kinds of stems, one file for each."""

from __future__ import annotations

from ..stem import STEMS
from .chain import ChainStemSpec
from .conv3x3 import Conv3x3StemSpec
from .conv7x7 import Conv7x7StemSpec
from .deep_base import DeepBaseStemSpec
from .patchify import PatchifyStemSpec

STEMS.add(Conv7x7StemSpec, DeepBaseStemSpec, Conv3x3StemSpec, PatchifyStemSpec, ChainStemSpec)

__all__ = [
    "ChainStemSpec",
    "Conv3x3StemSpec",
    "Conv7x7StemSpec",
    "DeepBaseStemSpec",
    "PatchifyStemSpec",
]
