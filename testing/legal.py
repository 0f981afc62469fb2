"""Trees made legal: what a fault names is left out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hypothesis import reject

from ..errors import SpecError
from ..planner.plan import plan
from ..specs import ResNetSpec
from ..specs.paths import parse_path

Tree = dict[str, Any]
Place = tuple[str | int, ...]
MAX_ROUNDS = 30
_KEPT = ("resforge", "dims", "stages", "kind")
"""Keys that are not left out."""


def made_legal(tree: Tree, input_size: int) -> tuple[Tree, ResNetSpec]:
    """``tree`` without the choices that are illegal in it, or where a map of pictures of
    ``input_size`` is too small for them, and the spec that it is.

    What a choice asks of the whole network shows only when that is there: the places that faults
    name are left out, and the rest tried again. A tree without a legal rest is rejected.
    """
    for _ in range(MAX_ROUNDS):
        try:
            spec = ResNetSpec(**tree)
            plan(spec, input_size)
            return tree, spec
        except SpecError as error:
            found = (_places(tree, fault.path) for fault in error.faults)
            # One fault may follow from another, at the same place or around it: innermost first.
            places = {places[-1] for places in found if places}
            apart = [place for place in places if not _around(place, places)]
            if not apart:
                break
            # From behind, so that numbers of items stay those of the faults.
            for place in sorted(apart, key=_order, reverse=True):
                tree = _without(tree, place)
    reject()
    raise AssertionError


def _around(place: Place, places: Collection[Place]) -> bool:
    """Whether another of the places is within it."""
    return any(len(other) > len(place) and other[: len(place)] == place for other in places)


def _order(place: Place) -> tuple[tuple[int, str], ...]:
    return tuple((part, "") if isinstance(part, int) else (-1, part) for part in place)


def _places(tree: Any, path: str) -> list[Place]:
    """The places along a path that may be left out, outermost first."""
    found: list[Place] = []
    place: Place = ()
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


def _without(tree: Any, place: Place) -> Any:
    """A copy of ``tree`` without what stands at ``place``."""
    first, *rest = place
    if isinstance(tree, list):
        changed = [] if not rest else [_without(tree[first], tuple(rest))]  # type: ignore[index]
        return [*tree[:first], *changed, *tree[first + 1 :]]  # type: ignore
    if not rest:
        return {key: value for key, value in tree.items() if key != first}
    return {**tree, first: _without(tree[first], tuple(rest))}
