"""What code with fixed choices makes of the tensors of a network."""

from __future__ import annotations

from typing import Any

from ...specs.network import ResNetSpec


def with_fields(spec: ResNetSpec, **fields: dict[str, Any]) -> ResNetSpec:
    """``spec`` with fields set in every word of a kind: ``with_fields(spec, zero_pad={...})``."""
    tree = spec.model_dump(mode="json")
    _set(tree, fields)
    return ResNetSpec(**tree)


def plain(spec: ResNetSpec) -> ResNetSpec:
    """``spec`` with the activation and the batch norms of PyTorch's own networks: relu, and
    batch norms of the usual eps."""
    tree = spec.model_dump(mode="json")
    if tree["activation"] != "none":
        tree["activation"] = "relu"
    if spec.norm.kind == "batch":
        tree["norm"] = {**tree["norm"], "eps": 1e-5}
    return ResNetSpec(**tree)


def _set(tree: Any, fields: dict[str, dict[str, Any]]) -> None:
    if isinstance(tree, dict):
        tree |= fields.get(str(tree.get("kind")), {})
    parts = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for part in parts:
        _set(part, fields)
