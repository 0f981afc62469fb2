"""Findings in a file, so that a run can be interrupted and resumed."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from resforge import __version__, load
from resforge.files import write_whole
from resforge.specs.catalogue import entries

from .peers import Peer
from .proof import CLOSE, EXACT, Finding
from .sources import SOURCES

DATA = Path(__file__).resolve().parents[2] / "docs" / "published.json"


class Findings:
    """What is known of each published network, by source and name."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.rows: dict[str, dict[str, Any]] = {}
        if file.is_file():
            self.rows = json.loads(file.read_text(encoding="utf-8"))

    def of(self, source: str, name: str) -> dict[str, Any] | None:
        return self.rows.get(f"{source}/{name}")

    def stand(self, source: str, name: str, peer: Peer, *, retry: bool) -> bool:
        """Whether what is known is of the entry as it is now; with ``retry`` only what is exact
        stands."""
        known, entry = self.of(source, name), peer.entry or name
        if known is None or (retry and known["status"] != EXACT):
            return False
        return known.get("digest") == (load(entry).digest if entry in entries() else None)

    def unasked(self, source: str, name: str) -> bool:
        """Whether ``infer_spec`` was not asked about a network that the catalogue has."""
        known = self.of(source, name)
        return known is not None and known["status"] in (EXACT, CLOSE) and "inferred" not in known

    def put(self, source: str, family: str, name: str, found: Finding) -> None:
        self.rows[f"{source}/{name}"] = {
            "family": family,
            **found.as_dict(),
            "date": datetime.now(UTC).date().isoformat(),
            "versions": {"resforge": __version__, **_versions(source)},
        }
        self._write()

    def answer(self, source: str, name: str, inferred: str) -> None:
        """Keep what ``infer_spec`` answered about a network that was compared before."""
        self.rows[f"{source}/{name}"]["inferred"] = inferred
        self._write()

    def _write(self) -> None:
        lines = (f"{json.dumps(key)}: {json.dumps(self.rows[key])}" for key in sorted(self.rows))
        write_whole(self.file, "{\n" + ",\n".join(lines) + "\n}\n")


def _versions(source: str) -> dict[str, str]:
    module = SOURCES[source]
    found = {}
    for package in ("torch", *getattr(module, "PACKAGES", ())):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a folder of code that was put on the path
            found[package] = getattr(sys.modules.get(package), "__version__", "unknown")
    commits = getattr(module, "REPOSITORIES", {})
    return found | {name: repository.commit[:12] for name, repository in commits.items()}
