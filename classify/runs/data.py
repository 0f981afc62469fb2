"""Data sets by name, and folders of pictures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ...errors import Fault, SpecError
from ...training.data import DATA
from ...training.data.source import DataSource
from ...training.pictures.folder import PictureFolder, read_folder

#: Data sets with a name; those with files are written NAME:FOLDER.
NAMED = ("digits", "cifar10", "cifar100", "mnist", "fashion_mnist", "npz")


def find_data(
    text: str,
    channels: int,
    val_share: float = 0.2,
    split: int = 0,
    note: Callable[[str], None] = lambda text: None,
) -> PictureFolder | DataSource:
    """The data set for ``digits``, ``cifar10:FOLDER`` and so on, or for a folder of pictures.

    A folder with the name of a data set is written ``./digits``. The fraction ``val_share`` of the
    training pictures is held out. ``note`` is called with messages on links in a folder. Raises
    :class:`~resforge.SpecError` for unusable data.
    """
    if not text.strip():
        help_ = f"give a folder of pictures, or one of {', '.join(NAMED)}"
        raise SpecError(Fault("data", "the data set has no name", help=help_))
    name, _, path = text.partition(":")
    if name not in NAMED:
        return read_folder(Path(text).expanduser(), val_share, split, note)
    if name != "digits" and not path:
        where = "FILE" if name == "npz" else "FOLDER"
        message = f"{name} needs the {where.lower()} of the data set"
        raise SpecError(Fault("data", message, help=f"write --data {name}:{where}"))
    tree = {"kind": name, "path": os.path.expanduser(path)} if path else {"kind": name}
    source = DATA.validate_python(tree)
    changes: dict[str, int] = {"split": split}
    if "channels" in type(source).model_fields:
        changes["channels"] = 3 if channels == 3 else 1
    changes["validation"] = round(val_share * source.trained)
    return source.model_copy(update=changes)
