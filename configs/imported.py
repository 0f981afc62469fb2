"""From another project's file to a spec, and what was assumed on the way."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from ..errors import Fault, SpecError, printable, wrong_type
from ..specs.network import ResNetSpec
from ..specs.paths import nearest
from .files import Files
from .format import Format
from .formats import FORMATS
from .keys import Assumed, Record
from .node import Node, of_plain

#: The file of a folder that a library wrote with a network's weights.
CONFIG: Final = "config.json"
#: Keys that were not read, of which a comment names the first.
SHOWN: Final = 12


@dataclass(frozen=True)
class Imported:
    """A spec that was read from another project's file."""

    spec: ResNetSpec
    format: str
    """The format's name, as ``format=`` takes it."""
    assumed: tuple[Assumed, ...]
    """The project's defaults that were used, because the file does not say these keys."""
    ignored: tuple[str, ...]
    """The keys of the file that were not read: they say nothing about the architecture."""
    notes: tuple[str, ...]
    """What the file cannot tell, and what is left out."""
    source: str = ""
    """The file; empty for a mapping."""

    @property
    def comment(self) -> str:
        """Source, assumptions and notes, as lines of comments."""
        place = f"{Path(self.source).name}, " if self.source else ""
        lines = [f"From {place}the format of {FORMATS[self.format].project}."]
        if self.assumed:
            lines.append("Not in the file, so the project's defaults:")
            lines += _listed([str(each) for each in self.assumed])
        lines += [f"Note: {note}." for note in self.notes]
        if self.ignored:
            lines += ["Not read:", *_listed([*self.ignored[:SHOWN], *self._rest()])]
        return "".join(f"# {printable(line)}\n" for line in lines)

    def _rest(self) -> list[str]:
        more = len(self.ignored) - SHOWN
        return [f"and {more} more"] if more > 0 else []

    def to_yaml(self) -> str:
        """The spec as YAML, with its source and what was assumed as comments."""
        return self.comment + self.spec.to_yaml()


def from_config(
    source: str | os.PathLike[str] | Mapping[str, Any],
    format: str | None = None,
    *,
    within: str | os.PathLike[str] | None = None,
) -> Imported:
    """The network that another project's file describes.

    ``source`` is a file, a folder with a ``config.json``, or a mapping of what a file holds.
    ``format`` is one of :data:`FORMATS`; left out, it is recognised by keys that only its files
    have. Files that the file names, such as ``_base_``, are read where they lie ``within`` a
    folder, by default the file's own. Nothing in a file is run. Raises :class:`SpecError` with the
    place in the file of what no spec can say.

    >>> found = from_config({"model_type": "resnet", "layer_type": "basic", "depths": [2, 2, 2, 2],
    ...     "hidden_sizes": [64, 128, 256, 512], "num_labels": 1000})
    >>> import resforge as rf
    >>> found.spec.digest == rf.load("resnet18").digest
    True
    >>> print(*found.assumed[:2], sep="; ")
    embedding_size: 64; downsample_in_first_stage: false
    """
    root, name = _root(source, within)
    chosen = _format(root, format, name)
    record = Record(root, chosen.project)
    try:
        tree = chosen.read(record)
        if not record.faults:
            spec = ResNetSpec(**{"resforge": 1, **tree, "name": _name(name, root)})
    except SpecError as error:
        record.faults += [_as_theirs(fault, name, chosen) for fault in error.faults]
    if record.faults:
        raise SpecError(_in_order(record.faults))
    return Imported(
        spec,
        chosen.name,
        tuple(record.assumed),
        tuple(record.ignored()),
        tuple(record.notes),
        name,
    )


def recognise(source: str | os.PathLike[str]) -> Format | None:
    """The format of a file of another project; None where it is of none, or cannot be read."""
    for alone in (False, True):
        try:
            root, _ = _root(source, None, alone=alone)
        except SpecError:
            continue
        return _recognised(root)
    return None


def _recognised(root: Node) -> Format | None:
    if "resforge" in root.value:
        return None
    return next((known for known in FORMATS.values() if known.holds(root)), None)


def _root(source: Any, within: Any, *, alone: bool = False) -> tuple[Node, str]:
    if isinstance(source, Mapping):
        return of_plain(source), ""
    if not isinstance(source, str | os.PathLike):
        raise wrong_type("from_config", "a file, a folder or a mapping", source)
    path = Path(source)
    if path.is_dir():
        path = path / CONFIG
    folder = Path(within) if within is not None else path.parent
    return Files(folder, alone=alone).read(path), str(path)


def _format(root: Node, name: str | None, file: str) -> Format:
    if name is not None:
        if name in FORMATS:
            return FORMATS[name]
        close = nearest(name, list(FORMATS))
        help_ = f"did you mean {close!r}?" if close else f"known: {', '.join(FORMATS)}"
        raise SpecError(Fault("format", f"no format {name!r}", help=help_))
    if "resforge" in root.value:
        raise SpecError(root.fault("format", "this file is a spec already", ("resforge",)))
    found = _recognised(root)
    if found is None:
        help_ = f"give its format, one of {', '.join(FORMATS)}"
        message = "this is the file of no project that is known here"
        raise SpecError(root.fault("format", message, (), help_))
    return found


def _name(file: str, root: Node) -> str:
    """A label: the file's name, or that of its folder."""
    path = Path(file)
    return (path.resolve().parent.name if path.name == CONFIG else path.stem)[:100]


def _as_theirs(fault: Fault, file: str, chosen: Format) -> Fault:
    """A fault of the spec that was made, as one of the file."""
    message = f"read as {chosen.project}'s, its {fault.path or 'network'}: {fault.message}"
    return dataclasses.replace(fault, message=message, path="", file=file or None, help=fault.help)


def _in_order(faults: list[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: (fault.file or "", fault.line or 0, fault.column or 0))


def _listed(parts: list[str]) -> list[str]:
    """``parts`` on lines of at most 96 characters."""
    return wrap(", ".join(parts), 94, initial_indent="  ", subsequent_indent="  ")
