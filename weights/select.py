"""Chooses, among the mappings in a file, the tensors that are meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..errors import Fault, printable
from .cover import AnyCover, Cover, Covering, Reading, best_prefixes
from .entries import Entry
from .errors import WeightsError, refuse, shortened
from .layouts import LAYOUTS
from .misfits import OWN_NAMES, SHOWN, grouped
from .options import LoadOptions
from .pickles import ENTRIES
from .read import WeightFile


@dataclass(frozen=True)
class Selected:
    """The tensors of one entry of a file, without the prefix of their names."""

    path: Path
    tensors: dict[str, Tensor]
    reading: Reading
    notes: tuple[str, ...] = ()
    """Notes for the user."""


@dataclass(frozen=True)
class _Candidate:
    entry: Entry
    tensors: dict[str, Tensor]
    reading: Reading

    @property
    def rank(self) -> int:
        """How conventional it is to keep the weights there; 0 is the most."""
        if not self.entry.path:
            return 0
        key = self.entry.key
        return 1 + (ENTRIES.index(key) if key in ENTRIES else len(ENTRIES))

    @property
    def is_conventional(self) -> bool:
        return self.rank <= len(ENTRIES)


def select(
    file: WeightFile, options: LoadOptions | None = None, covering: Covering | None = None
) -> Selected:
    """The tensors in ``file`` that cover most of a network.

    Without ``covering`` it may be any residual network. ``options.entry`` chooses the mapping;
    with ``options.strip`` only names count that begin with it. Where several mappings cover equally
    much, the one under the most conventional key is chosen. Raises :class:`WeightsError` where none
    is conventional and their values differ, where the names need a prefix to be removed, and where
    no name is that of a residual network.
    """
    options = options or LoadOptions()
    covering = covering or AnyCover(options.layout)
    candidates = _candidates(file, options, covering)
    best = candidates[0]
    if not options.strip:
        _refuse_prefix(file.path, candidates, covering, best.reading.cover)
    if not best.reading.cover.named:
        first = next(iter(best.tensors))
        whose = f"the layout {options.layout}" if options.layout else "a residual network"
        text = f"it has no name of {whose}; its first is {shortened(first)!r}"
        help_ = f"{OWN_NAMES}; known are the names of {', '.join(LAYOUTS)}"
        raise WeightsError(Fault("names", text, help=help_, file=str(file.path)))
    notes = [*_entry_notes(file.path, candidates), *_other_notes(best, options.strip)]
    notes += best.entry.notes
    return Selected(file.path, best.tensors, best.reading, tuple(map(printable, notes)))


def _candidates(file: WeightFile, options: LoadOptions, covering: Covering) -> list[_Candidate]:
    """The entries, the one to choose first."""
    entries = file.entries if options.entry is None else _named(file, options.entry)
    found = {index: stripped(entry.tensors, options.strip) for index, entry in enumerate(entries)}
    found = {index: tensors for index, tensors in found.items() if tensors}
    if not found:
        first = shortened(next(iter(entries[0].tensors)))
        text = f"has no name that begins with {options.strip!r}"
        raise refuse(file.path, text, f"its first is {first!r}")
    # No entry covers more than it has names that are known.
    known = {index: sum(map(covering.knows, tensors)) for index, tensors in found.items()}
    candidates: list[_Candidate] = []
    best = Cover(0, 0)
    for index in sorted(found, key=lambda index: -known[index]):
        if candidates and known[index] < max(1, best.fitting):
            reading = Reading(Cover(0, min(known[index], 1)), "", candidates[0].reading.form)
        else:
            reading = covering.reading(found[index])
            best = max(best, reading.cover)
        candidates.append(_Candidate(entries[index], found[index], reading))
    return sorted(candidates, key=lambda c: (*(-n for n in c.reading.cover), c.rank))


def _named(file: WeightFile, path: str) -> list[Entry]:
    if found := [entry for entry in file.entries if entry.path == path]:
        return found
    paths = [entry.path for entry in sorted(file.entries, key=lambda e: -len(e.tensors))]
    shown = ", ".join(shortened(path) or "the file itself" for path in paths[:SHOWN])
    raise refuse(file.path, f"has no entry {path!r} with named tensors", f"it has {shown}")


def stripped(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with ``prefix``, under the rest of their names.

    >>> list(stripped({"module.a": torch.zeros(1), "a": torch.ones(1)}, "module."))
    ['a']
    """
    names = (name for name in tensors if name.startswith(prefix))
    return {name.removeprefix(prefix): tensors[name] for name in names}


def _refuse_prefix(
    path: Path, candidates: Sequence[_Candidate], covering: Covering, plain: Cover
) -> None:
    """Raise :class:`WeightsError` where more would be covered without a prefix of the names."""
    most, found = plain, list[str]()
    for candidate in candidates:
        if len(candidate.tensors) <= most.named:
            continue
        cover, prefixes = best_prefixes(candidate.tensors, covering)
        if cover > most:
            most, found = cover, prefixes
    if not found:
        return
    shown = " or ".join(repr(shortened(prefix)) for prefix in found[:SHOWN])
    text = f"its names begin with {shown}, as a wrapper around the network leaves them"
    if len(found) > 1:
        text = f"it holds {len(found)} networks, whose names begin with {shown}"
    help_ = f"pass strip={found[0]!r} (--strip {found[0]})"
    raise WeightsError(Fault("prefix", text, help=help_, file=str(path)))


def _entry_notes(path: Path, candidates: Sequence[_Candidate]) -> list[str]:
    """Which entry is chosen, and which others there are. Raises :class:`WeightsError` where the
    choice would be a guess."""
    best, *rest = candidates
    equal = [c for c in rest if c.reading.cover == best.reading.cover]
    unlike = [c for c in equal if not _same(best, c)]
    if unlike and (not best.is_conventional or any(c.rank == best.rank for c in unlike)):
        names = [_title(c) for c in [best, *unlike]][:SHOWN]
        text = f"its entries {', '.join(names)} fit equally well, and their values differ"
        help_ = f"choose one: entry={best.entry.path!r} (--entry {best.entry.path})"
        raise WeightsError(Fault("entry", text, help=help_, file=str(path)))
    note = f"the tensors come from its entry {_title(best)}" if best.entry.path else ""
    if unlike:
        chosen = note or "the tensors are those outside of its entries"
        shown = ", ".join(_title(c) for c in unlike[:SHOWN])
        return [f"{chosen}; {shown} would fit too, with other values: --entry chooses"]
    others = [shortened(c.entry.path) for c in rest if c.reading.cover.named][:SHOWN]
    if others:
        note += f"{'; ' if note else ''}not read: {', '.join(others)}"
    return [note] if note else []


def _title(candidate: _Candidate) -> str:
    path = candidate.entry.path
    return repr(shortened(path)) if path else "the file itself"


def _same(one: _Candidate, other: _Candidate) -> bool:
    """Whether two entries have the same values, as far as both have them."""
    shared = one.tensors.keys() & other.tensors.keys()
    return all(_equal(one.tensors[name], other.tensors[name]) for name in shared)


def _equal(one: Tensor, other: Tensor) -> bool:
    try:
        # A view can claim far more values than there are.
        if one.numel() > one.untyped_storage().nbytes():
            return False
        return one.shape == other.shape and torch.equal(one, other)
    except (RuntimeError, TypeError, NotImplementedError):  # of a kind that cannot be compared
        return False


def _other_notes(best: _Candidate, strip: str) -> list[str]:
    notes = []
    if others := best.entry.others:
        names = [shortened(name) for name in others[:SHOWN]]
        notes.append(f"ignored, since not tensors: {', '.join(names)}")
    left = [name for name in best.entry.tensors if not name.startswith(strip)]
    if left:
        notes.append(f"not read, since without the prefix: {grouped(left)}")
    return notes
