"""Folders of pictures, with a folder for each class: ``rose/1.jpg``.

Nothing here imports torch or opens a picture.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import Fault, SpecError
from .overlap import Picture, named, refuse_two_classes, without
from .walk import SUFFIXES, Found, entries_of, is_picture, walk_pictures

Note = Callable[[str], None]
#: Names of the parts of a folder that is split already.
TRAIN, VAL, TEST = ("train", "training"), ("val", "validation", "valid"), ("test",)
_LAYOUT = "each class has a folder with its pictures: rose/1.jpg, tulip/2.jpg"


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


def _silent(text: str) -> None:
    pass


def read_folder(
    path: str | os.PathLike[str],
    val_share: float = 0.2,
    split: int = 0,
    note: Note = _silent,
    held: Sequence[tuple[str, ...]] = (VAL,),
) -> PictureFolder:
    """List the training and validation pictures under ``path``.

    Either ``path`` holds ``train/`` and ``val/``, each with class folders, or one set of class
    folders, maybe in ``train/``: then the fraction ``val_share`` of each class is held out, by a
    draw that depends on ``split`` and on each picture's name alone. A ``test/`` beside them is
    ignored. ``held`` has other names for the folder of pictures that are held out, of which the
    first one that is there counts. Each real file is used once: of links and hard links to one
    file, all but one are left out, and a file that is in ``train/`` and in ``val/`` is used for
    validation alone. ``note`` is called with a message on what is left out, and on class names that
    differ in case alone.

    Raises :class:`~resforge.SpecError` for a folder with fewer than two classes, a class without
    pictures, a real file in two classes, classes in ``val/`` that ``train/`` lacks, and a folder
    that cannot be read.
    """
    root = Path(path)
    if not root.is_dir():
        raise _fault(f"{root} is not a folder", _LAYOUT)
    train = first_folder(root, TRAIN)
    val = next(filter(None, (first_folder(root, names) for names in held)), None)
    home = train or root
    classes = list_classes(home)
    if len(classes) == 1:
        inside = home / classes[0]
        deeper = any(os.path.isdir(entry.path) for entry in entries_of(inside))
        help = f"is {inside} the folder that holds the classes?" if deeper else _LAYOUT
        raise _fault(f"{home} holds a single class, {classes[0]!r}: two or more are needed", help)
    _note_alike(home, classes, note)
    pictures = list_pictures(home, classes, note=note)
    if train is None or val is None:
        parts = stratified(pictures, val_share, split)
        _note_unvalidated(classes, parts[1], note)
        return PictureFolder(root, classes, *parts)
    apart = list_labelled(val, classes, note)
    kept = without(pictures, apart, note)
    if emptied := {picture.label for picture in pictures} - {picture.label for picture in kept}:
        raise _fault(
            f"all pictures of class {classes[min(emptied)]!r} in {home} are the same files as"
            f" pictures in {val}",
            "put copies of other pictures into one of the two folders",
        )
    _note_unvalidated(classes, apart, note)
    return PictureFolder(root, classes, kept, apart)


def _note_unvalidated(classes: tuple[str, ...], val: Sequence[Picture], note: Note) -> None:
    """Say which classes have no validation picture: the accuracy leaves them out."""
    held = {picture.label for picture in val}
    others = [name for label, name in enumerate(classes) if label not in held]
    if held and others:
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        names = ", ".join(map(repr, others[:5])) + more
        note(f"no validation picture is of class {names}: the validation accuracy leaves it out")


def list_labelled(
    root: Path, classes: tuple[str, ...], note: Note = _silent
) -> tuple[Picture, ...]:
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
    return list_pictures(root, classes, present, note)


def list_classes(root: Path) -> tuple[str, ...]:
    """List the names of the folders in ``root``. Raises :class:`~resforge.SpecError` for none."""
    # Not entry.is_dir(), which raises an error for a link to itself.
    content = sorted((entry.name, os.path.isdir(entry.path)) for entry in entries_of(root))
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
    root: Path,
    classes: tuple[str, ...],
    present: tuple[str, ...] | None = None,
    note: Note = _silent,
) -> tuple[Picture, ...]:
    """List the pictures of each class, with those in its subfolders; each real file once.

    Raises :class:`~resforge.SpecError` for a class without pictures, and a file in two classes.
    """
    pictures: list[Picture] = []
    walks: list[Found] = []
    for label, name in enumerate(classes):
        if present is not None and name not in present:
            continue
        walks.append(found := walk_pictures(root / name))
        if not found.files:
            raise _fault(
                f"class {name!r} has no pictures in {root / name}",
                f"put some there ({' '.join(SUFFIXES)}), or remove the folder",
            )
        pictures += [
            Picture(Path(path), Path(path).relative_to(root).as_posix(), label, file)
            for path, file in found.files.items()
        ]
    refuse_two_classes(pictures)
    _note_links(walks, note)
    return tuple(pictures)


def _note_links(walks: Iterable[Found], note: Note) -> None:
    walks = [*walks]
    if repeated := [path for found in walks for path in found.repeated]:
        note(f"left out, since each picture is used once: {named(repeated)}")
    if dangling := [path for found in walks for path in found.dangling]:
        note(f"left out, since the link leads to no file: {named(dangling)}")


def _note_alike(root: Path, classes: Iterable[str], note: Note) -> None:
    alike: dict[str, str] = {}
    for name in classes:
        key = unicodedata.normalize("NFC", name).casefold()
        if (other := alike.setdefault(key, name)) != name:
            note(
                f"{root} has two classes, {other!r} and {name!r}, whose names hardly differ: if"
                " they are one class, put their pictures into one folder"
            )


def find_pictures(paths: Iterable[str | os.PathLike[str]], note: Note = _silent) -> list[Path]:
    """Expand files and folders to picture files, for prediction.

    Each real file of a folder is listed once; ``note`` is called with a message on other links.
    Raises :class:`~resforge.SpecError` for a missing path, and for a folder without pictures.
    """
    pictures: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found = walk_pictures(path)
            _note_links([found], note)
            if not found.files:
                raise _fault(
                    f"{path} holds no pictures", f"their names end in {' '.join(SUFFIXES)}"
                )
            pictures += map(Path, found.files)
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
            f"a fraction of {val_share:g} holds no picture out",
            "add pictures, or hold out a larger fraction",
        )
    train = tuple(picture for picture in pictures if picture.name not in chosen)
    return train, tuple(picture for picture in pictures if picture.name in chosen)


def first_folder(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def _draw(name: str, split: int) -> bytes:
    return hashlib.sha256(f"split/{split}/{name}".encode(errors="surrogateescape")).digest()


def _is_text(name: str) -> bool:
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in name)


def _fault(message: str, help: str | None = None) -> SpecError:
    return SpecError(Fault("data", message, help=help))
