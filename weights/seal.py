"""The seal in the metadata of a file that resforge wrote: the spec, and a SHA-256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from ..specs.network import ResNetSpec

#: Key of the seal in the metadata.
KEY = "resforge"
VERSION = 1


class Sealed(NamedTuple):
    """The contents of a seal."""

    version: int
    spec: str
    sha256: str


def seal(tensors: Mapping[str, Tensor], spec: ResNetSpec) -> str:
    """The text of the seal."""
    text = spec.to_json()
    return json.dumps({"version": VERSION, "spec": text, "sha256": digest(tensors, text)})


def parse(text: str) -> Sealed | None:
    """The seal in the metadata of a file; None for a text that :func:`seal` does not write."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    version, spec, sha256 = (found.get(key) for key in ("version", "spec", "sha256"))
    # A newer version may have other fields.
    if type(version) is not int or (version == VERSION and not isinstance(spec, str)):
        return None
    return Sealed(version, str(spec), str(sha256))


def broken(tensors: Mapping[str, Tensor], sealed: Sealed) -> bool:
    """Whether the tensors or the spec have changed since they were sealed."""
    return digest(tensors, sealed.spec) != sealed.sha256


def digest(tensors: Mapping[str, Tensor], spec: str) -> str:
    """SHA-256 of the spec and of each tensor's name, type, shape and bytes, in order of name."""
    # JSON can hold code points that are no characters.
    total = hashlib.sha256(f"{spec}\0".encode(errors="surrogatepass"))
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        total.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        if tensor.numel():
            total.update(tensor.flatten().view(torch.uint8).numpy().data)
    return total.hexdigest()
