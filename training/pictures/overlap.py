"""Pictures that are in two classes, or both in training and in validation.

Nothing here imports torch or decodes a picture.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import Fault, SpecError
from .loader import ahead
from .walk import FileId

#: Largest number of pictures whose bytes are compared.
MOST = 20_000
#: Bytes at the middle and at the end of a file that are compared before all others.
_SAMPLE = 512
#: Largest number of pictures that a message names.
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file and the number of its class; ``name`` is its path within the folder."""

    path: Path
    name: str
    label: int
    file: FileId = ()
    """Identity of the real file."""


def refuse_two_classes(pictures: Iterable[Picture]) -> None:
    """Raise :class:`~resforge.SpecError` for a real file that is in two classes."""
    first: dict[FileId, Picture] = {}
    pairs = [
        (picture, one)
        for picture in pictures
        if (one := first.setdefault(picture.file, picture)).label != picture.label
    ]
    if pairs:
        one, other = pairs[0]
        more = f", and {len(pairs) - 1:,} more" if len(pairs) > 1 else ""
        message = f"{one.path} is the same file as {other.path}, in another class{more}"
        help = "remove one of the two; it is a link or a hard link"
        raise SpecError(Fault("data", message, help=help))


def without(
    train: tuple[Picture, ...], val: tuple[Picture, ...], note: Callable[[str], None]
) -> tuple[Picture, ...]:
    """The pictures of ``train`` that are not the same real files as pictures of ``val``."""
    files = {picture.file: picture for picture in val}
    refuse_two_classes([*train, *val])
    kept = tuple(picture for picture in train if picture.file not in files)
    twice = [f"{one.path} = {files[one.file].path}" for one in train if one.file in files]
    if twice:
        note(f"left out of training, since it is the same file in validation: {named(twice)}")
    return kept


def identical(
    train: Sequence[Picture], val: Sequence[Picture], workers: int | None = None
) -> list[tuple[Picture, Picture]]:
    """Pairs of a picture of ``val`` and one of ``train`` with the same bytes.

    Files of equal size are compared in a few bytes, and those that agree in all. At most
    :data:`MOST` files are opened: of more files with common sizes, some are drawn.
    """
    groups = _split([[*_half(train, False), *_half(val, True)]], _sizes)
    groups = _split(_some(groups), lambda pictures: _read(pictures, _sample, workers))
    groups = _split(groups, lambda pictures: _read(pictures, _digest, workers))
    pairs = []
    for group in groups:
        copy = next(picture for picture, held in group if not held)
        pairs += [(picture, copy) for picture, held in group if held]
    return sorted(pairs, key=lambda pair: pair[0].path)


def report_identical(pairs: Sequence[tuple[Picture, Picture]], purpose: str = "validation") -> str:
    """A message on pairs of :func:`identical`, for people; ``purpose`` is that of the first."""
    shown = named([f"{one.path} = {copy.path}" for one, copy in pairs])
    others = sum(one.label != copy.label for one, copy in pairs)
    wrong = f" ({others:,} in another class)" if others else ""
    return (
        f"pictures for {purpose} with the same bytes as training pictures: {shown}{wrong}. Remove"
        " one of each pair: the network has seen them, and the accuracy is too high"
    )


def named(texts: Sequence[str]) -> str:
    """The first of ``texts``, and the number of the others.

    >>> named(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    more = f" and {len(texts) - _SHOWN:,} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


#: A picture, and whether it is for validation.
_Half = tuple[Picture, bool]
_Keys = Callable[[list[Picture]], list[Hashable]]


def _half(pictures: Sequence[Picture], held: bool) -> list[_Half]:
    return [(picture, held) for picture in pictures]


def _split(groups: list[list[_Half]], keys: _Keys) -> list[list[_Half]]:
    """Groups of pictures with equal keys, of which some are for training and some for validation;
    a picture with the key None is left out."""
    halves = [half for group in groups for half in group]
    number = [index for index, group in enumerate(groups) for _ in group]
    equal: dict[tuple[int, Hashable], list[_Half]] = {}
    for half, index, key in zip(
        halves, number, keys([picture for picture, _ in halves]), strict=True
    ):
        if key is not None:
            equal.setdefault((index, key), []).append(half)
    return [group for group in equal.values() if len({held for _, held in group}) == 2]


def _some(groups: list[list[_Half]]) -> list[list[_Half]]:
    """The groups with at most :data:`MOST` pictures in all; of more, a draw by size and name."""
    if sum(map(len, groups)) <= MOST:
        return groups
    room, chosen = MOST, []
    for group in sorted(groups, key=lambda group: _hash(str(group[0][0].file[2]))):
        drawn = sorted(group, key=lambda half: _hash(half[0].name))[:room]
        chosen.append(drawn)
        room -= len(drawn)
    return chosen


def _sizes(pictures: list[Picture]) -> list[Hashable]:
    # Empty files are equal, and no pictures.
    return [picture.file[2] or None if len(picture.file) > 2 else None for picture in pictures]


def _read(
    pictures: list[Picture], key: Callable[[Path], bytes], workers: int | None
) -> list[Hashable]:
    batches = (pictures[start : start + 64] for start in range(0, len(pictures), 64))
    return [found for read in ahead(batches, lambda one: _key(one, key), workers) for found in read]


def _key(picture: Picture, key: Callable[[Path], bytes]) -> bytes | None:
    try:
        return key(picture.path)
    except OSError:
        return None  # its reader reports it


def _sample(path: Path) -> bytes:
    """Bytes at the middle and the end, where files of one format differ most."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(size // 2)
        middle = file.read(_SAMPLE)
        file.seek(max(0, size - _SAMPLE))
        return middle + file.read(_SAMPLE)


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()
