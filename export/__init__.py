"""A network for those who do not have resforge."""

from __future__ import annotations

from .exporting import Certificate, ExportError
from .folding import Pair, foldable, fuse
from .onnx_file import to_onnx
from .programs import to_torch_export, to_torchscript
from .source import to_code

__all__ = [
    "Certificate",
    "ExportError",
    "Pair",
    "foldable",
    "fuse",
    "to_code",
    "to_onnx",
    "to_torch_export",
    "to_torchscript",
]
