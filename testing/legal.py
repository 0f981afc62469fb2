"""Trees made legal: what a fault names is left out."""

from __future__ import annotations

from typing import Any

from hypothesis import reject

from ..errors import SpecError
from ..planner.plan import plan
from ..specs import ResNetSpec
from ..specs.paths import parse_path

Tree = dict[str, Any]
MAX_ROUNDS = 30
_KEPT = ("resforge", "dims", "stages", "kind")
"""Keys that are not left out."""


def made_legal(tree: Tree, input_size: int) -> tuple[Tree, ResNetSpec]:
    """``tree`` without the choices that are illegal in it, or where a map of pictures of
    ``input_size`` is too small for them, and the spec that it is.

    What a choice asks of the whole network shows only when that is there: the place that the first
    fault names is left out, and the rest tried again. A tree without a legal rest is rejected.
    """
    for _ in range(MAX_ROUNDS):
        try:
            spec = ResNetSpec(**tree)
            plan(spec, input_size)
            return tree, spec
        except SpecError as error:
            places = _places(tree, error.faults[0].path)
            if not places:
                break
            tree = _without(tree, places[-1])
    reject()
    raise AssertionError


def _places(tree: Any, path: str) -> list[tuple[str | int, ...]]:
    """The places along a path that may be left out, outermost first."""
    found: list[tuple[str | int, ...]] = []
    place: tuple[str | int, ...] = ()
    for part in parse_path(path) if path else ():
        if isinstance(part, int) and isinstance(tree, dict) and "layers" in tree:
            tree, place = tree["layers"], (*place, "layers")
        if not _has(tree, part):
            break
        # The only item of a list stays.
        removable = part not in _KEPT if isinstance(tree, dict) else len(tree) > 1
        tree, place = tree[part], (*place, part)
        if removable:
            found.append(place)
    return found


def _has(tree: Any, part: str | int) -> bool:
    if isinstance(part, int):
        return isinstance(tree, list) and part < len(tree)
    return isinstance(tree, dict) and part in tree


def _without(tree: Any, place: tuple[str | int, ...]) -> Any:
    """A copy of ``tree`` without what stands at ``place``."""
    first, *rest = place
    if isinstance(tree, list):
        changed = [] if not rest else [_without(tree[first], tuple(rest))]  # type: ignore[index]
        return [*tree[:first], *changed, *tree[first + 1 :]]  # type: ignore
    if not rest:
        return {key: value for key, value in tree.items() if key != first}
    return {**tree, first: _without(tree[first], tuple(rest))}
