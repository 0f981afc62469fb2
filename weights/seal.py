"""The seal in the metadata of a file that resforge wrote: the spec, and a SHA-256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import torch
from torch import Tensor

from ..errors import SpecError
from ..reading.load import loads
from ..specs.network import ResNetSpec

#: Key of the seal in the metadata.
KEY = "resforge"
VERSION = 1


def seal(tensors: Mapping[str, Tensor], spec: ResNetSpec) -> str:
    """The text of the seal."""
    text = spec.to_json()
    return json.dumps({"version": VERSION, "spec": text, "sha256": digest(tensors, text)})


def broken(tensors: Mapping[str, Tensor], sealed: str) -> bool:
    """Whether the tensors or the spec have changed since they were sealed."""
    try:
        known = json.loads(sealed)
        return bool(digest(tensors, known["spec"]) != known["sha256"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return True


def version_of(sealed: str) -> int:
    """The version of the seal; 0 where it cannot be read."""
    try:
        return int(json.loads(sealed)["version"])
    except (ValueError, TypeError, KeyError):
        return 0


def spec_in(sealed: str) -> ResNetSpec | None:
    """The spec in a seal; None for one that this version of resforge cannot read."""
    try:
        return loads(json.loads(sealed)["spec"])
    except SpecError:
        return None


def digest(tensors: Mapping[str, Tensor], spec: str) -> str:
    """SHA-256 of the spec and of each tensor's name, type, shape and bytes, in order of name."""
    total = hashlib.sha256(f"{spec}\0".encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        total.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        if tensor.numel():
            total.update(tensor.flatten().view(torch.uint8).numpy().data)
    return total.hexdigest()
