"""States of training as bytes with a checksum."""

from __future__ import annotations

import hashlib
import io
from typing import Any

_MAGIC = b"resforge checkpoint 1\n"
_DIGEST = hashlib.sha256().digest_size


def seal(tree: dict[str, Any]) -> bytes:
    """Serialise ``tree``, of tensors and plain values, with its SHA-256 in front."""
    import torch

    buffer = io.BytesIO()
    torch.save(tree, buffer)
    body = buffer.getvalue()
    return _MAGIC + hashlib.sha256(body).digest() + body


def unseal(data: bytes) -> dict[str, Any]:
    """The tree of :func:`seal`, on the CPU. Raises ``ValueError`` for damaged bytes.

    >>> unseal(seal({"step": 3}))
    {'step': 3}
    """
    import torch

    digest, body = data[len(_MAGIC) :][:_DIGEST], data[len(_MAGIC) + _DIGEST :]
    if not data.startswith(_MAGIC) or hashlib.sha256(body).digest() != digest:
        raise ValueError("its bytes are not those that were written")
    tree: dict[str, Any] = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    return tree
