"""A folder of pictures, one folder for each class: ``rose/1.jpg``.

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
#: What the two halves of a folder that is split already may be called.
TRAIN, VAL, TEST = ("train", "training"), ("val", "validation", "valid"), ("test",)
_LAYOUT = "each class has a folder with its pictures: rose/1.jpg, tulip/2.jpg"


@dataclass(frozen=True, slots=True)
class Picture:
    """A file and the number of its class; ``name`` is its path within the folder."""

    path: Path
    name: str
    label: int


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """The pictures of a folder: classes in the order of their names, pictures in that of theirs."""

    root: Path
    class_names: tuple[str, ...]
    train: tuple[Picture, ...]
    val: tuple[Picture, ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over classes and names of all pictures, in hex.

        A picture that was mended is the same one, and the folder may have moved.
        """
        digest = hashlib.sha256()
        for part in (self.train, self.val):
            lines = [f"{self.class_names[picture.label]}\0{picture.name}" for picture in part]
            digest.update("\n".join([*lines, "\0"]).encode(errors="surrogateescape"))
        return digest.hexdigest()


def read_folder(
    path: str | os.PathLike[str], val_share: float = 0.2, split: int = 0
) -> PictureFolder:
    """The pictures under ``path``, to train on and to validate with.

    Either ``path`` holds ``train/`` and ``val/``, each with class folders, or one set of class
    folders, maybe in ``train/``: then ``val_share`` of each class is held out, by a draw that hangs
    on ``split`` and on each picture's name alone. A ``test/`` beside them is let be. Raises
    :class:`~resforge.SpecError` for a folder of no class or one, a class without pictures, and
    classes in ``val/`` that ``train/`` lacks.
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
        mend = f"is {inside} the folder that holds the classes?" if deeper else _LAYOUT
        raise _fault(
            f"{home} holds one class alone, {classes[0]!r}: there is nothing to tell", mend
        )
    pictures = list_pictures(home, classes)
    if train is None or val is None:
        return PictureFolder(root, classes, *stratified(pictures, val_share, split))
    return PictureFolder(root, classes, pictures, list_labelled(val, classes))


def list_labelled(root: Path, classes: tuple[str, ...]) -> tuple[Picture, ...]:
    """The pictures under ``root``, whose folders are all of ``classes``; some may be missing.

    Raises :class:`~resforge.SpecError` for any other.
    """
    found = list_classes(root)
    if others := [name for name in found if name not in classes]:
        known = ", ".join(classes[:10]) + (", ..." if len(classes) > 10 else "")
        raise _fault(
            f"{root} has a class {others[0]!r} that is not among the {len(classes)} known",
            f"they are {known}",
        )
    return list_pictures(root, classes, found)


def list_classes(root: Path) -> tuple[str, ...]:
    """The folders in ``root``, by name. Raises :class:`~resforge.SpecError` for none."""
    try:
        with os.scandir(root) as entries:
            found = sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError as error:
        raise _fault(f"{root} cannot be read ({error.strerror})") from None
    classes = tuple(name for name, is_folder in found if is_folder and not name.startswith("."))
    if not classes:
        loose = any(is_picture(name) for name, _ in found)
        what = "pictures, and no class folders" if loose else "no class folders"
        raise _fault(f"{root} holds {what}", _LAYOUT)
    if unnamed := [name for name in classes if not _is_text(name)]:
        raise _fault(
            f"{root} has a class folder named {unnamed[0]!r}, which is no text", "rename it"
        )
    return classes


def list_pictures(
    root: Path, classes: tuple[str, ...], present: tuple[str, ...] | None = None
) -> tuple[Picture, ...]:
    """The pictures of each class, those in folders within it among them.

    Raises :class:`~resforge.SpecError` for a class without any.
    """
    found: list[Picture] = []
    for label, name in enumerate(classes):
        if present is not None and name not in present:
            continue
        files = sorted(_files(root / name))
        if not files:
            raise _fault(
                f"class {name!r} has no pictures in {root / name}",
                f"put some there ({' '.join(SUFFIXES)}), or remove the folder",
            )
        found += [
            Picture(Path(file), Path(file).relative_to(root).as_posix(), label) for file in files
        ]
    return tuple(found)


def find_pictures(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Files as they are, and every picture in folders; for prediction.

    Raises :class:`~resforge.SpecError` for what is not there, and for a folder without pictures.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(_files(path))
            if not inside:
                raise _fault(
                    f"{path} holds no pictures", f"their names end in {' '.join(SUFFIXES)}"
                )
            found += map(Path, inside)
        elif path.is_file():
            found.append(path)
        else:
            raise _fault(f"{path}: no such picture or folder")
    return found


def stratified(
    pictures: tuple[Picture, ...], val_share: float, split: int
) -> tuple[tuple[Picture, ...], tuple[Picture, ...]]:
    """Each class parted in two, ``val_share`` of it (rounded, and never all of it) in the second.

    Who goes where hangs on each picture's own name: pictures that come later move few others.
    """
    classes: dict[int, list[Picture]] = {}
    for picture in pictures:
        classes.setdefault(picture.label, []).append(picture)
    held: set[str] = set()
    for group in classes.values():
        drawn = sorted(group, key=lambda picture: _draw(picture.name, split))
        count = min(round(val_share * len(group)), len(group) - 1)
        held.update(picture.name for picture in drawn[:count])
    if not held:
        raise _fault(
            f"a share of {val_share:g} leaves no picture to validate with",
            "add pictures, or hold out more of them",
        )
    train = tuple(picture for picture in pictures if picture.name not in held)
    return train, tuple(picture for picture in pictures if picture.name in held)


def is_picture(name: str) -> bool:
    """Whether a file of this name is taken for a picture; hidden ones are not."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _files(folder: Path) -> Iterator[str]:
    """The paths of the pictures under ``folder``."""
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in filter(is_picture, names):
            file = os.path.join(place, name)
            if os.path.isfile(file):  # no pipes, no dangling links
                yield file


def first_folder(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def _draw(name: str, split: int) -> bytes:
    return hashlib.sha256(f"split/{split}/{name}".encode(errors="surrogateescape")).digest()


def _is_text(name: str) -> bool:
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in name)


def _fault(message: str, help: str | None = None) -> SpecError:
    return SpecError(Fault("data", message, help=help))
