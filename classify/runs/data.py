"""From what a user calls their data to what a run is fed."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import Fault, SpecError
from ...training.data import DATA
from ...training.data.source import DataSource
from ..pictures.folder import PictureFolder, read_folder

#: Data sets that are called by name; those with files as NAME:FOLDER.
NAMED = ("digits", "cifar10", "cifar100", "mnist", "fashion_mnist", "npz")


def find_data(
    called: str, channels: int, val_share: float = 0.2, split: int = 0
) -> PictureFolder | DataSource:
    """The data that a user calls ``digits``, ``cifar10:FOLDER`` or a folder of pictures.

    A folder of such a name is ``./digits``. ``val_share`` of what is to be trained on is held out.
    Raises :class:`~resforge.SpecError` for none.
    """
    name, _, path = called.partition(":")
    if name not in NAMED:
        return read_folder(Path(called).expanduser(), val_share, split)
    if name != "digits" and not path:
        where = "FILE" if name == "npz" else "FOLDER"
        message = f"{name} needs the {where.lower()} that holds it"
        raise SpecError(Fault("data", message, help=f"write --data {name}:{where}"))
    tree = {"kind": name, "path": os.path.expanduser(path)} if path else {"kind": name}
    source = DATA.validate_python(tree)
    changes: dict[str, int] = {"split": split}
    if "channels" in type(source).model_fields:
        changes["channels"] = 3 if channels == 3 else 1
    changes["validation"] = round(val_share * source.trained)
    return source.model_copy(update=changes)
