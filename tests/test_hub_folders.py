"""Folders as transformers' ``save_pretrained`` writes them are the same networks, weights included.

Skipped where transformers is not installed.
"""

from __future__ import annotations

import contextlib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
import torch

# transformers imports torchvision, which beside a CPU build of torch needs preparation.
with contextlib.suppress(ImportError):  # benchmarks are no part of the wheel
    import_module("resforge.benchmarks.reference").torchvision_models()
transformers = pytest.importorskip("transformers")

_SMALL = {"depths": [2, 1], "hidden_sizes": [64, 128]}
_BASIC = _SMALL | {"layer_type": "basic"}
_SAME = {"global_padding": "SAME", "embedding_dynamic_padding": True, "layer_type": "bottleneck"}


@pytest.mark.parametrize(
    ("kind", "model", "options"),
    [
        ("ResNet", "ResNetForImageClassification", _SMALL),
        ("ResNet", "ResNetForImageClassification", _BASIC | {"num_labels": 7}),
        ("ResNet", "ResNetModel", _SMALL | {"downsample_in_bottleneck": True}),
        ("RegNet", "RegNetForImageClassification", _SMALL | {"groups_width": 16}),
        ("RegNet", "RegNetModel", _SMALL | {"groups_width": 16, "layer_type": "x"}),
        ("Bit", "BitForImageClassification", _SMALL | {"num_groups": 8}),
        ("Bit", "BitForImageClassification", _SMALL | _SAME | {"num_groups": 8}),
        ("Bit", "BitModel", _SMALL | {"num_groups": 8}),
        ("RTDetrResNet", "RTDetrResNetBackbone", _SMALL),
        ("RTDetrResNet", "RTDetrResNetBackbone", _BASIC),
    ],
)
def test_a_folder_is_the_network_that_was_saved(
    kind: str, model: str, options: dict[str, Any], tmp_path: Path
) -> None:
    theirs = _filled(getattr(transformers, f"{kind}Config")(**options), model)
    theirs.save_pretrained(tmp_path)
    ours = rf.from_pretrained(tmp_path)
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        y = theirs(x)
        answer = y.get("logits", y.get("last_hidden_state"))
        assert torch.equal(ours(x), y.feature_maps[-1] if answer is None else answer)


def test_a_backbone_of_bit_leaves_out_its_last_norm(tmp_path: Path) -> None:
    theirs = _filled(transformers.BitConfig(**_SMALL, num_groups=8), "BitBackbone")
    theirs.save_pretrained(tmp_path)
    with pytest.raises(rf.WeightsError, match="allow_extra=True"):
        rf.from_pretrained(tmp_path)
    ours = rf.from_pretrained(tmp_path, allow_extra=True)
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(ours(x), theirs(x).feature_maps[-1])


def _filled(config: Any, model: str) -> Any:
    """A model whose norms are not the identity."""
    theirs = getattr(transformers, model)(config).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in [*theirs.parameters(), *theirs.buffers()]:
            if tensor.ndim == 1:
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return theirs
