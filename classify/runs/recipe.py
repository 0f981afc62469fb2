"""The recipe that a user names."""

from __future__ import annotations

from pathlib import Path

from ...reading.load import validate
from ...text.reader import read_file
from ...training.recipe import Recipe
from ...training.recipes import list_recipes


def read_recipe(called: str) -> Recipe:
    """The recipe of a name, or of a ``.yaml`` or ``.json`` file that holds one as sweeps do.

    Raises :class:`~resforge.SpecError` with the nearest name, or the place in the file.

    >>> read_recipe("he2015_cifar").batch_size
    128
    """
    path = Path(called)
    if called in list_recipes() or not (path.suffix or path.is_file()):
        return Recipe.named(called)
    return validate(Recipe, read_file(path))
