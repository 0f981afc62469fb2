"""vissl's trunk of a ResNet, from the modules of its package that need nothing else.

The package asks for libraries of 2021 (apex, fairscale, an older torch). The trunk uses two of its
modules and torchvision; what else they import stands empty here.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

from torch import nn

from ..reference import torchvision_models
from .bare import bare

_TRUNKS = "vissl.models.trunks"
_DEFAULTS = {
    "DEPTH": 50,
    "WIDTH_MULTIPLIER": 1,
    "NORM": "BatchNorm",
    "GROUPNORM_GROUPS": 32,
    "GROUPS": 1,
    "ZERO_INIT_RESIDUAL": False,
    "WIDTH_PER_GROUP": 64,
    "LAYER4_STRIDE": 2,
}


class _Settings(dict[str, Any]):
    """A mapping whose keys are attributes too, as vissl's are."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


def vissl_trunk(config: dict[str, Any]) -> nn.Module:
    """The trunk of a file's settings, which puts out its last map."""
    torchvision_models()
    _prepare()
    model = config["config"]["MODEL"]
    checkpointing = {
        "USE_ACTIVATION_CHECKPOINTING": False,
        "NUM_ACTIVATION_CHECKPOINTING_SPLITS": 1,
    }
    resnets = _Settings(_DEFAULTS | model["TRUNK"]["RESNETS"])
    settings = _Settings(
        INPUT_TYPE=model.get("INPUT_TYPE", "rgb"),
        ACTIVATION_CHECKPOINTING=_Settings(checkpointing),
        TRUNK=_Settings(RESNETS=resnets),
    )
    trunk: nn.Module = import_module(f"{_TRUNKS}.resnext").ResNeXt(settings, "resnet")
    whole = trunk.forward
    # A trunk for lab takes three channels, and reads the first.
    lab = settings.INPUT_TYPE == "lab"
    trunk.forward = lambda x: whole(x.expand(-1, 3, -1, -1) if lab else x, ["res5"])
    return trunk


def _prepare() -> None:
    """Stand-ins for the packages of vissl, whose own files import all of it."""
    bare("vissl", "models", "models.trunks", "utils")
    sys.modules[_TRUNKS].register_model_trunk = lambda name: lambda made: made  # type: ignore[attr-defined]
    collators = "vissl.data.collators.collator_helper"
    for name in ("vissl.config", "vissl.data", "vissl.data.collators", collators):
        sys.modules[name] = ModuleType(name)
    sys.modules["vissl.config"].AttrDict = _Settings  # type: ignore[attr-defined]
    sys.modules[collators].MultiDimensionalTensor = type("Unused", (), {})  # type: ignore[attr-defined]
    sys.modules["vissl.utils.env"] = MagicMock()
    sys.modules["vissl.utils.misc"] = MagicMock(is_apex_available=lambda: False)
