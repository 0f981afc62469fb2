"""Blame: the lines of a sweep file that make an arm illegal."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from ...errors import Fault, SpecError, path_text
from ...specs.network import ResNetSpec
from ...text.document import Document, Path
from ..recipe_paths import is_of_recipe

_SHOWN = 100


class Change(NamedTuple):
    """A path into spec or recipe, its new value, and its place in the sweep file."""

    path: str
    value: Any
    place: Path

    @property
    def of_recipe(self) -> bool:
        """Whether it changes the recipe, and not the network."""
        return is_of_recipe(self.path)


def replaced(base: ResNetSpec, changes: Sequence[Change]) -> ResNetSpec:
    """``base`` with all changes made in their order; later changes override earlier ones."""
    made: dict[str, Any] = {}
    for change in changes:
        # A repeated path moves to the end, after the changes made in between.
        made.pop(change.path, None)
        made[change.path] = change.value
    return base.replace(made)


class Blame:
    """Collects the faults of arms, each fault once for all arms that have it."""

    def __init__(self, base: ResNetSpec, document: Document) -> None:
        self.base = base
        self.document = document
        self._faults: dict[tuple[Path, str], Fault] = {}
        self._more = 0  # illegal arms that are counted only, once enough faults are known
        self._alone: dict[tuple[Path, str], SpecError | None] = {}

    def add(
        self,
        arm: str,
        changes: Sequence[Change],
        error: SpecError,
        make: Callable[[Sequence[Change]], object] | None = None,
    ) -> tuple[Fault, ...]:
        """Locate ``error``, which ``changes`` caused, and return the faults of this arm.

        ``make`` raises such an error from some of the changes; by default it is the spec that
        cannot be made from them.

        A change that is illegal by itself is blamed; where none is, the last change, since only
        the combination is illegal. Returns nothing once enough faults are known.
        """
        if len(self._faults) >= _SHOWN:
            self._more += 1
            return ()
        first = error.faults[0]
        if first.code == "data":  # a legal network that does not fit the data
            changes = [change for change in changes if change.path.startswith(first.path)]
        if not changes:
            return self._note(("base",), error, f"arm {arm}: ")
        blamed: tuple[Fault, ...] = ()
        for change in changes:
            own = self._by_itself(change, first.code, make or self._spec)
            if own is not None:
                blamed += self._note(change.place, own, "")
                if len(self._faults) >= _SHOWN:
                    break
        return blamed or self._note(changes[-1].place, error, f"arm {arm}: ")

    def at(self, arm: str, place: Path, error: SpecError) -> tuple[Fault, ...]:
        """Locate ``error`` of an arm at ``place``, and return the faults of this arm."""
        if len(self._faults) >= _SHOWN:
            self._more += 1
            return ()
        bare = SpecError(dataclasses.replace(fault, path="") for fault in error.faults)
        return self._note(place, bare, f"arm {arm}: ")

    def found(self, arm: str, place: Path, error: SpecError) -> tuple[Fault, ...]:
        """Locate ``error``, which the change at ``place`` caused, and return its faults.

        ``arm`` is named where the change is illegal in that arm alone; it may be empty.
        """
        if len(self._faults) >= _SHOWN:
            self._more += 1
            return ()
        return self._note(place, error, f"arm {arm}: " if arm else "")

    @property
    def error(self) -> SpecError | None:
        """All faults in the order of the file; None where there are none."""
        faults = sorted(self._faults.values(), key=lambda f: (f.line or 0, f.column or 0))
        if not faults:
            return None
        return SpecError(faults[:_SHOWN], more=len(faults[_SHOWN:]) + self._more)

    def _spec(self, changes: Sequence[Change]) -> ResNetSpec:
        return replaced(self.base, changes)

    def _by_itself(
        self, change: Change, code: str, make: Callable[[Sequence[Change]], object]
    ) -> SpecError | None:
        key = (change.place, code)
        if key not in self._alone:
            self._alone[key] = None
            try:
                make([change])
            except SpecError as error:
                self._alone[key] = error
        return self._alone[key]

    def _note(self, place: Path, error: SpecError, prefix: str) -> tuple[Fault, ...]:
        noted = []
        for fault in error.faults[:_SHOWN]:
            # The path into the spec, unless the file's own key shows it already.
            inside = f"{fault.path}: " if fault.path and fault.path != place[-1] else ""
            message = f"{prefix}{inside}{fault.message}"
            # For a path that does not exist, the key is at fault, not its value.
            at: Literal["key", "value"] = "key" if fault.code == "path" else "value"
            located = self.document.fault(fault.code, message, place, help=fault.help, at=at)
            located = dataclasses.replace(located, path=path_text(place))
            noted.append(self._faults.setdefault((place, fault.message), located))
        return tuple(noted)
