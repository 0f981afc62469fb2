"""Seeds of the random streams of a run, without torch."""

from __future__ import annotations

import hashlib


def stream_seed(seed: int, purpose: str) -> int:
    """Seed of the random stream for one purpose; no two purposes share a stream."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "little", signed=True)
