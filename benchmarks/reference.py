"""torchvision's networks, where torchvision can be imported."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch


def torchvision_models() -> Any | None:
    """``torchvision.models``, or None.

    Its wheel from the registry is built against CUDA and, beside a CPU build of torch, registers
    its operators only after two of their schemas are declared.
    """
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in (
        "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    ):
        library.define(schema)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import torchvision.models as models
    except (ImportError, RuntimeError, OSError):
        return None
    # The schemas must live as long as the module.
    models._resforge_schemas = library
    return models


def constructor(models: Any, name: str) -> Callable[[], torch.nn.Module]:
    """torchvision's own way to make the network of a catalogue name, without weights."""
    make: Callable[[], torch.nn.Module] = getattr(models, name)
    return make
