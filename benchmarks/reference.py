"""torchvision's networks, where torchvision can be imported."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import torch

# Schemas that torchvision's Python side asks for at import, and that its compiled side, built
# against CUDA, does not bring beside a CPU build of torch.
SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@cache
def torchvision_models() -> Any | None:
    """``torchvision.models``, or None where it is not installed or does not fit torch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return import_module("torchvision.models")
        except RuntimeError:
            for name in [name for name in sys.modules if name.startswith("torchvision")]:
                del sys.modules[name]
        except ImportError:
            return None
        torchvision_models.library = torch.library.Library("torchvision", "DEF")  # type: ignore[attr-defined]
        for schema in SCHEMAS:
            torchvision_models.library.define(schema)  # type: ignore[attr-defined]
        try:
            return import_module("torchvision.models")
        except (ImportError, RuntimeError):
            return None


def constructor(models: Any, name: str) -> Callable[[], torch.nn.Module]:
    """torchvision's own way to make the network of a catalogue name, without weights."""
    make: Callable[[], torch.nn.Module] = getattr(models, name)
    return make
