"""Which line of a sweep file is to blame for an arm that is no legal network."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from ...errors import Fault, SpecError, path_text
from ...specs.network import ResNetSpec
from ...text.document import Document, Path

_SHOWN = 100


class Change(NamedTuple):
    """A spec path, its value, and where in the sweep file it stands."""

    path: str
    value: Any
    place: Path


def replaced(base: ResNetSpec, changes: Sequence[Change]) -> ResNetSpec:
    """``base`` with all changes made, in their order: a later one goes over an earlier one."""
    made: dict[str, Any] = {}
    for change in changes:
        # Said again, it is made again, after all that came between.
        made.pop(change.path, None)
        made[change.path] = change.value
    return base.replace(made)


class Blame:
    """Gathers what is wrong with arms, each thing once however many arms it is in."""

    def __init__(self, base: ResNetSpec, document: Document) -> None:
        self.base = base
        self.document = document
        self._wrong: dict[tuple[Path, str], Fault] = {}
        self._more = 0  # arms that were wrong too, once enough had been found
        self._alone: dict[Path, SpecError | None] = {}

    def add(self, arm: str, changes: Sequence[Change], error: SpecError) -> tuple[Fault, ...]:
        """``error`` came of making ``changes``: blame those that are wrong by themselves, or else
        the last, since they are wrong together.

        The faults of this arm with their places; none where enough others had been found.
        """
        if len(self._wrong) >= _SHOWN:
            self._more += 1
            return ()
        first = error.faults[0]
        if first.code == "data":  # legal by itself, but not for these images
            changes = [change for change in changes if change.path.startswith(first.path)]
        if not changes:
            return self._note(("base",), error, f"arm {arm}: ")
        found: tuple[Fault, ...] = ()
        for change in changes:
            own = self._by_itself(change)
            if own is not None:
                found += self._note(change.place, own, "")
                if len(self._wrong) >= _SHOWN:
                    break
        return found or self._note(changes[-1].place, error, f"arm {arm}: ")

    def at(self, arm: str, place: Path, error: SpecError) -> tuple[Fault, ...]:
        """``error`` of an arm came of what stands at ``place``."""
        if len(self._wrong) >= _SHOWN:
            self._more += 1
            return ()
        bare = SpecError(dataclasses.replace(fault, path="") for fault in error.faults)
        return self._note(place, bare, f"arm {arm}: ")

    @property
    def error(self) -> SpecError | None:
        """All that was found, in the file's order; None where nothing was."""
        found = sorted(self._wrong.values(), key=lambda f: (f.line or 0, f.column or 0))
        if not found:
            return None
        return SpecError(found[:_SHOWN], more=len(found[_SHOWN:]) + self._more)

    def _by_itself(self, change: Change) -> SpecError | None:
        if change.place not in self._alone:
            self._alone[change.place] = None
            try:
                replaced(self.base, [change])
            except SpecError as error:
                self._alone[change.place] = error
        return self._alone[change.place]

    def _note(self, place: Path, error: SpecError, prefix: str) -> tuple[Fault, ...]:
        noted = []
        for fault in error.faults[:_SHOWN]:
            # The path into the spec, unless it is what stands in the file anyway.
            inside = f"{fault.path}: " if fault.path and fault.path != place[-1] else ""
            told = f"{prefix}{inside}{fault.message}"
            # A path that leads nowhere is itself the fault, not what it is given.
            at: Literal["key", "value"] = "key" if fault.code == "path" else "value"
            found = self.document.fault(fault.code, told, place, help=fault.help, at=at)
            found = dataclasses.replace(found, path=path_text(place))
            noted.append(self._wrong.setdefault((place, fault.message), found))
        return tuple(noted)
