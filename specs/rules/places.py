"""Where in a file the parts of a spec are named."""

from __future__ import annotations

from ...errors import path_text
from ..fields import NetworkFields
from ..paths import Path
from ..shortcuts import shorten_shortcut


def as_written(spec: NetworkFields, path: Path) -> str:
    """Drops ``match`` or ``change`` where the shortcut has a short form, as a user wrote it."""
    owner = spec
    for part in path[:-2]:
        owner = owner[part] if isinstance(part, int) else getattr(owner, part)  # type: ignore
    short = shorten_shortcut(owner.shortcut)
    is_pair = isinstance(short, dict) and "match" in short
    return path_text(path if is_pair else path[:-1])
