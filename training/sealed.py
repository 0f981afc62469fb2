"""States of training as bytes that tell when they were damaged."""

from __future__ import annotations

import hashlib
import io
from typing import Any

_MAGIC = b"resforge checkpoint 1\n"
_DIGEST = hashlib.sha256().digest_size


def seal(tree: dict[str, Any]) -> bytes:
    """``tree``, tensors and plain values, as bytes with their SHA-256 before them."""
    import torch

    buffer = io.BytesIO()
    torch.save(tree, buffer)
    body = buffer.getvalue()
    return _MAGIC + hashlib.sha256(body).digest() + body


def unseal(data: bytes) -> dict[str, Any]:
    """What :func:`seal` was given, on the CPU. Raises ``ValueError``, or what reading raises.

    >>> unseal(seal({"step": 3}))
    {'step': 3}
    """
    import torch

    digest, body = data[len(_MAGIC) :][:_DIGEST], data[len(_MAGIC) + _DIGEST :]
    if not data.startswith(_MAGIC) or hashlib.sha256(body).digest() != digest:
        raise ValueError("its bytes are not those that were written")
    found: dict[str, Any] = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    return found
