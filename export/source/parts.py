"""The parts of a file: each once, and after those that it uses."""

from __future__ import annotations

from typing import Any

from ...errors import BuildError
from .modules import known, part_named, part_of


class Parts:
    """The parts that a file needs, each once and after those that it uses."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.imports: set[str] = set()
        self._seen: dict[Any, str] = {}

    def add_class(self, name: str) -> str:
        """Add the module class that a call names, with all that it uses; its name."""
        return self.add(part_named(name))

    def add(self, what: Any) -> str:
        """Add a class, a function or a value, with all that it uses; its name."""
        what = known(what)
        if what in self._seen:
            return self._seen[what]
        part = part_of(what)
        self._seen[what] = part.name
        for needed in part.needs:
            self.add(needed)
        if part.name in self.texts:
            raise BuildError(f"two things are called {part.name!r}, and one file cannot hold both")
        self.texts[part.name] = part.text
        self.imports |= part.imports
        return part.name
