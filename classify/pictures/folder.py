"""Folders of pictures, with a folder for each class: ``rose/1.jpg``.

Nothing here imports torch or opens a picture.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import Fault, SpecError

SUFFIXES = (
    ".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp",
)  # fmt: skip
#: Names of the parts of a folder that is split already.
TRAIN, VAL, TEST = ("train", "training"), ("val", "validation", "valid"), ("test",)
_LAYOUT = "each class has a folder with its pictures: rose/1.jpg, tulip/2.jpg"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file and the number of its class; ``name`` is its path within the folder."""

    path: Path
    name: str
    label: int


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """The pictures of a folder, classes and pictures in the order of their names."""

    root: Path
    class_names: tuple[str, ...]
    train: tuple[Picture, ...]
    val: tuple[Picture, ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over classes and names of all pictures, in hex.

        It does not depend on the pixels or the location of the folder.
        """
        digest = hashlib.sha256()
        for part in (self.train, self.val):
            lines = [f"{self.class_names[picture.label]}\0{picture.name}" for picture in part]
            digest.update("\n".join([*lines, "\0"]).encode(errors="surrogateescape"))
        return digest.hexdigest()


def read_folder(
    path: str | os.PathLike[str], val_share: float = 0.2, split: int = 0
) -> PictureFolder:
    """List the training and validation pictures under ``path``.

    Either ``path`` holds ``train/`` and ``val/``, each with class folders, or one set of class
    folders, maybe in ``train/``: then the fraction ``val_share`` of each class is held out, by a
    draw that depends on ``split`` and on each picture's name alone. A ``test/`` beside them is
    ignored. Raises :class:`~resforge.SpecError` for a folder with fewer than two classes, a class
    without pictures, and classes in ``val/`` that ``train/`` lacks.
    """
    root = Path(path)
    if not root.is_dir():
        raise _fault(f"{root} is not a folder", _LAYOUT)
    train, val = (first_folder(root, names) for names in (TRAIN, VAL))
    home = train or root
    classes = list_classes(home)
    if len(classes) == 1:
        inside = home / classes[0]
        deeper = any(path.is_dir() for path in inside.iterdir())
        help = f"is {inside} the folder that holds the classes?" if deeper else _LAYOUT
        raise _fault(f"{home} holds a single class, {classes[0]!r}: two or more are needed", help)
    pictures = list_pictures(home, classes)
    if train is None or val is None:
        return PictureFolder(root, classes, *stratified(pictures, val_share, split))
    return PictureFolder(root, classes, pictures, list_labelled(val, classes))


def list_labelled(root: Path, classes: tuple[str, ...]) -> tuple[Picture, ...]:
    """List the pictures under ``root``, whose class folders are among ``classes``.

    Raises :class:`~resforge.SpecError` for any other class.
    """
    present = list_classes(root)
    if others := [name for name in present if name not in classes]:
        known = ", ".join(classes[:10]) + (", ..." if len(classes) > 10 else "")
        raise _fault(
            f"{root} has a class {others[0]!r}, which is not among the {len(classes)} known",
            f"the known classes are {known}",
        )
    return list_pictures(root, classes, present)


def list_classes(root: Path) -> tuple[str, ...]:
    """List the names of the folders in ``root``. Raises :class:`~resforge.SpecError` for none."""
    try:
        with os.scandir(root) as entries:
            content = sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError as error:
        raise _fault(f"{root} cannot be read ({error.strerror})") from None
    classes = tuple(name for name, is_folder in content if is_folder and not name.startswith("."))
    if not classes:
        loose = "pictures, and " if any(is_picture(name) for name, _ in content) else ""
        raise _fault(f"{root} holds {loose}no class folders", _LAYOUT)
    if unnamed := [name for name in classes if not _is_text(name)]:
        raise _fault(
            f"{root} has a class folder named {unnamed[0]!r}, which is not valid text", "rename it"
        )
    return classes


def list_pictures(
    root: Path, classes: tuple[str, ...], present: tuple[str, ...] | None = None
) -> tuple[Picture, ...]:
    """List the pictures of each class, with those in its subfolders.

    Raises :class:`~resforge.SpecError` for a class without pictures.
    """
    pictures: list[Picture] = []
    for label, name in enumerate(classes):
        if present is not None and name not in present:
            continue
        files = sorted(_files(root / name))
        if not files:
            raise _fault(
                f"class {name!r} has no pictures in {root / name}",
                f"put some there ({' '.join(SUFFIXES)}), or remove the folder",
            )
        pictures += [
            Picture(Path(file), Path(file).relative_to(root).as_posix(), label) for file in files
        ]
    return tuple(pictures)


def find_pictures(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Expand files and folders to picture files, for prediction.

    Raises :class:`~resforge.SpecError` for a missing path, and for a folder without pictures.
    """
    pictures: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(_files(path))
            if not inside:
                raise _fault(
                    f"{path} holds no pictures", f"their names end in {' '.join(SUFFIXES)}"
                )
            pictures += map(Path, inside)
        elif path.is_file():
            pictures.append(path)
        else:
            raise _fault(f"{path}: no such picture or folder")
    return pictures


def stratified(
    pictures: tuple[Picture, ...], val_share: float, split: int
) -> tuple[tuple[Picture, ...], tuple[Picture, ...]]:
    """Split each class into training and validation pictures.

    The fraction ``val_share`` of each class is held out, rounded, and never all of it. The choice
    depends on each picture's own name: pictures that are added later move few others.
    """
    classes: dict[int, list[Picture]] = {}
    for picture in pictures:
        classes.setdefault(picture.label, []).append(picture)
    chosen: set[str] = set()
    for group in classes.values():
        drawn = sorted(group, key=lambda picture: _draw(picture.name, split))
        count = min(round(val_share * len(group)), len(group) - 1)
        chosen.update(picture.name for picture in drawn[:count])
    if not chosen:
        raise _fault(
            f"a fraction of {val_share:g} leaves no picture for validation",
            "add pictures, or hold out a larger fraction",
        )
    train = tuple(picture for picture in pictures if picture.name not in chosen)
    return train, tuple(picture for picture in pictures if picture.name in chosen)


def is_picture(name: str) -> bool:
    """Whether a file name is that of a picture; hidden files are not pictures."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _files(folder: Path) -> Iterator[str]:
    """Paths of the pictures under ``folder``."""
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in filter(is_picture, names):
            file = os.path.join(place, name)
            if os.path.isfile(file):  # not a pipe or a dangling link
                yield file


def first_folder(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def _draw(name: str, split: int) -> bytes:
    return hashlib.sha256(f"split/{split}/{name}".encode(errors="surrogateescape")).digest()


def _is_text(name: str) -> bool:
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in name)


def _fault(message: str, help: str | None = None) -> SpecError:
    return SpecError(Fault("data", message, help=help))
