"""Identity of a run, which each of its files carries."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import StoreError, printable

#: Key of the identity in ``run.json``, in ``resume.pt`` and in the metadata of the weights.
KEY = "id"


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity of one run. ``run.json`` decides it; the other files of the run repeat it.

    Two runs with the same settings have different identities. A copy of a whole folder keeps its
    identity, and remains usable.
    """

    text: str
    earlier: bool = False
    """Whether an earlier version started the run: its files may carry no identity."""

    @classmethod
    def new(cls, folder: Path) -> Identity:
        """Make an identity: the name of the run's folder, for people, and 64 random bits.

        >>> Identity.new(Path("runs/my roses")).text[:9]
        'my-roses-'
        """
        name = re.sub(r"[^0-9A-Za-z]+", "-", folder.absolute().name).strip("-")[:32]
        return cls(f"{name or 'run'}-{uuid.uuid4().hex[:16]}")

    @classmethod
    def of(cls, path: Path, head: Mapping[str, Any], settings: Mapping[str, Any]) -> Identity:
        """Identity in ``head``, the content of ``run.json``. Raises ``StoreError`` for a damaged
        one.

        A run of an earlier version has none, and gets one that depends on its ``settings`` alone.
        """
        if KEY not in head:
            content = json.dumps(settings, sort_keys=True).encode()
            return cls(f"earlier-{hashlib.sha256(content).hexdigest()[:16]}", earlier=True)
        text = head[KEY]
        if not isinstance(text, str) or not text:
            raise StoreError(f"{path} is damaged: {KEY}: it is not a name")
        return cls(text)

    def check(self, home: Path, path: Path, given: Any, help: str) -> None:
        """Raise ``StoreError``, which ends in ``help``, unless the file ``path`` carries the
        identity of this run, whose ``run.json`` is ``home``."""
        if given == self.text or (given is None and self.earlier):
            return
        theirs = "carries the name of no run" if given is None else f"is of the run {given}"
        raise StoreError(printable(f"{path} {theirs}, and {home} of the run {self.text}: {help}"))
