"""Picture files under a folder: each real file once, through links of every kind.

Nothing here imports torch or opens a picture.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ...errors import Fault, SpecError

SUFFIXES = (
    ".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp",
)  # fmt: skip

#: Two paths with equal identities are one folder (device, number) or one file (with its size in
#: bytes and its time, since some network drives give two files one number).
FileId = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The pictures under one folder."""

    files: dict[str, FileId]
    """Each real file under one of its paths, in the order of the paths."""
    repeated: list[str]
    """Paths that lead to a file or folder once more."""
    dangling: list[str]
    """Links with the name of a picture that lead to no file."""


def walk_pictures(folder: str | os.PathLike[str]) -> Found:
    """Find the pictures under ``folder`` and its subfolders; hidden ones are left out.

    Links are followed. Each real folder is entered once, and no folder above ``folder``, so that
    loops of links end. Each real file is listed once, under a path without links where it has one;
    hard links of a file are that file. Raises :class:`~resforge.SpecError` for a folder that cannot
    be read.
    """
    walk = _Walk(os.fspath(folder))
    return walk.found()


def is_picture(name: str) -> bool:
    """Whether a file name is that of a picture; hidden files are not pictures."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


class _Walk:
    def __init__(self, folder: str) -> None:
        self.entered: set[FileId | None] = {_identity(parent) for parent in _parents(folder)}
        self.files: list[tuple[str, FileId]] = []
        self.linked_files: list[tuple[str, FileId]] = []
        self.linked_folders: list[str] = []
        self.repeated: list[str] = []
        self.dangling: list[str] = []
        self._enter(folder)
        # After all real folders, so that a file is listed under a path without links.
        while self.linked_folders:
            self.linked_folders.sort(reverse=True)
            self._enter(self.linked_folders.pop())

    def found(self) -> Found:
        paths: dict[FileId, str] = {}
        for path, identity in [*self.files, *sorted(self.linked_files)]:
            if paths.setdefault(identity, path) != path:
                self.repeated.append(path)
        files = {path: identity for identity, path in paths.items()}
        return Found(
            {path: files[path] for path in sorted(files)},
            sorted(self.repeated),
            sorted(self.dangling),
        )

    def _enter(self, folder: str) -> None:
        """Add the pictures under ``folder``, and the links to be followed."""
        start = len(self.files)
        inside = [folder]
        while inside:
            place = inside.pop()
            identity = _identity(place)
            if identity in self.entered:
                self.repeated.append(place)
                continue
            self.entered.add(identity)
            for entry in entries_of(place):
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    inside.append(entry.path)
                else:
                    self._add(entry)
        self.files[start:] = sorted(self.files[start:])

    def _add(self, entry: os.DirEntry[str]) -> None:
        """Add a file, or a link to a file or folder."""
        is_link = entry.is_symlink()
        if not (is_link or is_picture(entry.name)):
            return
        identity = _identity(entry.path)
        if identity is not None and len(identity) == 2:
            self.linked_folders.append(entry.path)
        elif not is_picture(entry.name):
            return
        elif identity is None:
            self.dangling += [entry.path] if is_link else []  # a pipe is no picture either
        else:
            (self.linked_files if is_link else self.files).append((entry.path, identity))


def entries_of(folder: str | os.PathLike[str]) -> list[os.DirEntry[str]]:
    """The entries of a folder. Raises :class:`~resforge.SpecError` where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        message = f"{os.fspath(folder)} cannot be read ({error.strerror})"
        help = "make the folder readable, or move it away"
        if isinstance(error, FileNotFoundError):
            help = "name a folder that exists"
        raise SpecError(Fault("data", message, help=help)) from None


def _identity(path: str | os.PathLike[str]) -> FileId | None:
    """Identity of a folder or a file, through links; None for anything else, and for nothing."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    if stat.S_ISDIR(found.st_mode):
        return found.st_dev, found.st_ino
    if stat.S_ISREG(found.st_mode):
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
    return None


def _parents(folder: str) -> set[Path]:
    """The folders above ``folder``, as it is written and as it is."""
    return {*Path(os.path.abspath(folder)).parents, *Path(os.path.realpath(folder)).parents}
