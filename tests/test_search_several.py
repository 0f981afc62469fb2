"""Search with several objectives: the front against brute force, and NSGA-II against chance."""

from __future__ import annotations

from math import inf, log, nan
from statistics import median
from typing import Any

import numpy as np
import pytest
import resforge as rf
from hypothesis import given
from hypothesis import strategies as st
from resforge.generation import (
    NSGA2,
    Architecture,
    Evolution,
    RandomSearch,
    Space,
    load_space,
    pareto_front,
    search,
)
from resforge.generation.pareto import best_first

POINTS = st.integers(1, 3).flatmap(
    lambda n: st.lists(st.tuples(*[st.integers(0, 6)] * n), max_size=24)
)


def beaten(point: tuple[int, ...], points: list[tuple[int, ...]]) -> bool:
    return any(p != point and all(a <= b for a, b in zip(p, point, strict=True)) for p in points)


@given(POINTS)
def test_the_front_is_what_nothing_dominates(points: list[tuple[int, ...]]) -> None:
    front = pareto_front(points)
    assert set(front) == {i for i, point in enumerate(points) if not beaten(point, points)}
    assert [points[i] for i in front] == sorted(points[i] for i in front)


@given(POINTS)
def test_the_order_peels_front_after_front(points: list[tuple[int, ...]]) -> None:
    order = best_first(points)
    assert sorted(order) == list(range(len(points)))
    left = list(range(len(points)))
    while left:
        here = [points[i] for i in left]
        front = {i for i in left if not beaten(points[i], here)}
        assert set(order[: len(front)]) == front
        order = order[len(front) :]
        left = [i for i in left if i not in front]
    one = [point[:1] for point in points]
    assert [one[i] for i in best_first(one)] == sorted(one)


def test_within_a_front_room_decides() -> None:
    # By hand: of the inner points, gaps to both neighbours over the range of 10 each.
    points = [(0, 10), (1, 7), (2, 6), (6, 5), (10, 0)]
    assert best_first(points) == [0, 4, 3, 2, 1]  # room 8 + 6, 5 + 2 and 2 + 4 tenths


def volume(values: list[tuple[float, ...]]) -> float:
    """Area that two objectives dominate, below the corner (3, 8)."""
    area, low = 0.0, 8.0
    for x, y in sorted(values):
        if x < 3 and y < low:
            area, low = area + (3 - x) * (low - y), y
    return area


def objective(network: Architecture) -> tuple[float, float]:
    far = abs(log(network.depth / 50)) + abs(log(network.receptive_field / 300))
    return far, log(network.macs / 1e6)


def test_nsga2_beats_random_search() -> None:
    space = load_space("cifar_resnets")
    found: dict[Any, list[float]] = {"random": [], "nsga2": []}
    methods: Any = found
    for seed in range(3):
        for method in methods:
            run = list(search(space, objective, 100, method=method, seed=seed, population=15))
            assert len({each.network.digest for each in run}) == 100
            found[method].append(volume([each.values for each in run]))
    assert median(found["nsga2"]) > median(found["random"])


def test_children_come_of_the_front() -> None:
    space = load_space("cifar_resnets")
    searcher = NSGA2(space, population=4)
    drawn = [searcher.ask() for _ in range(4)]
    # The first two are on the front; the others are dominated, and leave for what comes later.
    for network, values in zip(drawn, [(0, 3), (3, 0), (5, 5), (6, 6)], strict=True):
        searcher.tell(network, values)
    for values in [(1, 1), (0.5, 2)]:
        searcher.tell(searcher.ask(), values)
    alive = {asked.network.digest for asked in searcher.history if (asked.values or (9,))[0] < 5}
    assert len(alive) == 4
    parents: set[str] = set()
    for _ in range(30):
        child = searcher.ask()
        assert child.move
        assert 1 <= len(child.parents) <= 2
        assert child.move.startswith("crossover") or len(child.parents) == 1
        parents |= set(child.parents)
    assert parents == alive


def test_the_front_of_a_search_leaves_diverged_networks_out() -> None:
    searcher = RandomSearch(load_space("cifar_resnets"))
    networks = [searcher.ask() for _ in range(5)]
    for network, values in zip(
        networks, [(2, 2), (inf, 0), (1, 3), (nan, 0), np.array([3.0, 3.0])], strict=True
    ):
        searcher.tell(network, values)
    assert [found.network for found in searcher.front] == [networks[2], networks[0]]
    assert [found.values for found in searcher.front] == [(1, 3), (2, 2)]
    searcher.tell(networks[3], (0, 0))  # reported again: the last value holds
    assert [found.network for found in searcher.front] == [networks[3]]
    assert searcher.best is not None
    assert searcher.best.network == networks[3]


def test_the_number_of_objectives_is_always_the_same() -> None:
    space = load_space("cifar_resnets")
    searcher = NSGA2(space)
    searcher.tell(searcher.ask(), (1, 2))
    for wrong in (1.0, (1, 2, 3)):
        with pytest.raises(rf.SpecError, match="and 2 before"):
            searcher.tell(searcher.ask(), wrong)
    with pytest.raises(rf.SpecError, match="one objective") as caught:
        Evolution(space).tell(space.nth(0), (1, 2))
    assert "NSGA2" in (caught.value.help or "")


def test_one_objective_and_small_spaces_work_too() -> None:
    space = Space(space=1, base="cifar_resnet20", free={"stages[*].depth": {"int": [1, 2]}})
    found = search(space, lambda network: network.macs, 9, method="nsga2", population=3)
    assert len({next(found).network.digest for _ in range(8)}) == 8
    with pytest.raises(rf.SpecError, match="all 8 networks"):
        next(found)


def test_points_with_different_numbers_of_values_are_refused() -> None:
    with pytest.raises(rf.SpecError, match="different numbers of values"):
        pareto_front([(1, 2), (1,)])
