"""Recipes by name or file."""

from __future__ import annotations

from pathlib import Path

from ...reading.load import validate
from ...text.reader import read_file
from ...training.recipe import Recipe
from ...training.recipes import list_recipes


def read_recipe(text: str) -> Recipe:
    """Read the recipe of a name, or of a ``.yaml`` or ``.json`` file.

    Raises :class:`~resforge.SpecError` with the nearest name, or the position in the file.

    >>> read_recipe("he2015_cifar").batch_size
    128
    """
    path = Path(text)
    if text in list_recipes() or not (path.suffix or path.is_file()):
        return Recipe.named(text)
    return validate(Recipe, read_file(path))
