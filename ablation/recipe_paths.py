"""Paths of a sweep file that change the recipe: ``recipe.optimizer.lr`` beside ``shortcut``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..text.inline import in_words


def is_of_recipe(path: str) -> bool:
    """Whether a path is that of the recipe, or of a part of it; all others are of the network.

    >>> is_of_recipe("recipe.warmup"), is_of_recipe("stages[*].depth")
    (True, False)
    """
    return path == "recipe" or path.startswith("recipe.")


def written_changes(tree: Mapping[str, Any], labels: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Changes of the recipe that the sweep ``tree`` writes for the arm of ``labels``.

    >>> tree = {"arms": {"slow": {"recipe.optimizer.lr": 0.01, "shortcut": "none"}}}
    >>> written_changes(tree, [("arm", "slow")])
    {'recipe.optimizer.lr': 0.01}
    """
    written: dict[str, Any] = {}
    for axis, label in labels:
        axes = tree.get("axes")
        group = axes.get(axis, {}) if axes else tree.get("arms") or {}
        for path, value in (group.get(label) or {}).items():
            if is_of_recipe(path):
                written.pop(path, None)  # a later change of a path overrides an earlier one
                written[path] = value
    return written


def changes_text(changes: Mapping[str, Any]) -> str:
    """Changes on one line.

    >>> changes_text({"recipe.optimizer": "adam", "recipe.warmup": 10})
    'recipe.optimizer: adam, recipe.warmup: 10'
    """
    return ", ".join(f"{path}: {in_words(value)}" for path, value in changes.items())
