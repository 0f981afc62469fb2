"""A network for those who do not have resforge."""

from __future__ import annotations

from .cases import export_case, has_case, require_form
from .errors import ExportError
from .exporting import Certificate
from .folding import Pair, foldable, fuse
from .onnx_file import to_onnx
from .pretrained import from_pretrained, push_to_hub, save_pretrained
from .programs import to_torch_export, to_torchscript
from .source import to_code
from .with_timm import register_with_timm

__all__ = [
    "Certificate",
    "ExportError",
    "Pair",
    "export_case",
    "foldable",
    "from_pretrained",
    "fuse",
    "has_case",
    "push_to_hub",
    "register_with_timm",
    "require_form",
    "save_pretrained",
    "to_code",
    "to_onnx",
    "to_torch_export",
    "to_torchscript",
]
