"""A network for those who do not have resforge.

Names are loaded on first use: :func:`to_code` writes a network without importing torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..first_use import on_first_use

if TYPE_CHECKING:
    from .cases import export_case as export_case
    from .cases import has_case as has_case
    from .cases import require_form as require_form
    from .errors import ExportError as ExportError
    from .exporting import Certificate as Certificate
    from .folding import Pair as Pair
    from .folding import foldable as foldable
    from .folding import fuse as fuse
    from .inference import InferenceModel as InferenceModel
    from .inference import for_inference as for_inference
    from .onnx_file import to_onnx as to_onnx
    from .pretrained import from_pretrained as from_pretrained
    from .pretrained import push_to_hub as push_to_hub
    from .pretrained import save_pretrained as save_pretrained
    from .programs import to_torch_export as to_torch_export
    from .programs import to_torchscript as to_torchscript
    from .source import to_code as to_code
    from .with_timm import register_with_timm as register_with_timm

_HOME = {
    "Certificate": "exporting",
    "ExportError": "errors",
    "InferenceModel": "inference",
    "Pair": "folding",
    "export_case": "cases",
    "foldable": "folding",
    "for_inference": "inference",
    "from_pretrained": "pretrained",
    "fuse": "folding",
    "has_case": "cases",
    "push_to_hub": "pretrained",
    "register_with_timm": "with_timm",
    "require_form": "cases",
    "save_pretrained": "pretrained",
    "to_code": "source",
    "to_onnx": "onnx_file",
    "to_torch_export": "programs",
    "to_torchscript": "programs",
}

# Written out, as the reference reads it without running it.
__all__ = [
    "Certificate",
    "ExportError",
    "InferenceModel",
    "Pair",
    "export_case",
    "foldable",
    "for_inference",
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

__getattr__, __dir__ = on_first_use(__name__, _HOME)
