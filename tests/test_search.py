"""Search by chance and by evolution: distinct, within bounds, the same for a seed, and no worse."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, log, nan
from statistics import median
from typing import Any

import pytest
import resforge as rf
from resforge.generation import (
    NSGA2,
    Architecture,
    Evolution,
    Measured,
    NoChildError,
    RandomSearch,
    Space,
    load_space,
    search,
)


def objective(network: Architecture) -> float:
    wanted = ((network.params, 5e5), (network.macs, 4e7), (network.depth, 50))
    return sum(abs(log(found / target)) for found, target in wanted)


def digests(found: list[Measured]) -> list[str]:
    return [measured.network.digest for measured in found]


@pytest.mark.parametrize("method", ["random", "evolution"])
def test_asked_networks_are_new_legal_and_the_same_for_a_seed(method: Any) -> None:
    space = load_space("cifar_resnets")
    options: dict[str, Any] = {"method": method, "population": 10, "tournament": 3}
    found = list(search(space, objective, 40, seed=1, **options))
    assert len(set(digests(found))) == 40
    assert all(1e5 <= measured.network.params <= 2e6 for measured in found)
    assert found == list(search(space, objective, 40, seed=1, **options))
    assert digests(found) != digests(list(search(space, objective, 40, seed=2, **options)))


def test_evolution_beats_random_search() -> None:
    space = load_space("cifar_resnets")
    best: dict[str, list[float]] = {"random": [], "evolution": []}
    for seed in range(3):
        searchers = {
            "random": RandomSearch(space, seed),
            "evolution": Evolution(space, seed, 15, 5),
        }
        for method, searcher in searchers.items():
            for _ in range(100):
                network = searcher.ask()
                searcher.tell(network, objective(network))
            assert searcher.best is not None
            best[method].append(searcher.best.value)
    assert median(best["evolution"]) < median(best["random"])


def test_children_come_of_the_best_and_the_oldest_die() -> None:
    space = load_space("cifar_resnets")
    searcher = Evolution(space, seed=0, population=5, tournament=500)
    first = [searcher.ask() for _ in range(5)]
    for value, network in enumerate(first):
        searcher.tell(network, float(value))
    beside = {found.digest for found in space.neighbours(first[0])}
    assert searcher.ask().digest in beside
    # The best is told first, and so dies first: then the next best has the children.
    searcher.tell(searcher.ask(), 9.0)
    assert searcher.ask().digest in {found.digest for found in space.neighbours(first[1])}
    assert searcher.best == Measured(first[0], 0.0)


def test_results_may_come_late_and_from_elsewhere() -> None:
    space = load_space("cifar_resnets")
    searcher = Evolution(space, seed=0, population=4, tournament=2)
    waiting = [searcher.ask() for _ in range(10)]
    assert len({network.digest for network in waiting}) == 10
    for network in reversed(waiting):
        searcher.tell(network, objective(network))
    other = Evolution(space, seed=0, population=4, tournament=2)
    for network in waiting:
        other.tell(network, objective(network))
    known = {network.digest for network in waiting}
    assert {other.ask().digest for _ in range(10)}.isdisjoint(known)


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_a_diverged_network_is_worst(value: float) -> None:
    searcher = RandomSearch(load_space("cifar_resnets"))
    searcher.tell(searcher.ask(), value)
    assert searcher.best is None
    searcher.tell(searcher.ask(), 1e9)
    assert searcher.best is not None
    assert searcher.best.value == 1e9


def test_an_exhausted_space_is_an_error() -> None:
    space = Space(space=1, base="cifar_resnet20", free={"stages[*].depth": {"int": [1, 2]}})
    found = search(space, objective, 9, population=3, tournament=2)
    assert len({next(found).network.digest for _ in range(8)}) == 8
    with pytest.raises(rf.SpecError, match="all 8 networks"):
        next(found)


@pytest.mark.parametrize("method", [Evolution, NSGA2])
def test_only_a_missing_child_makes_a_search_try_other_parents(
    method: type[Evolution] | type[NSGA2], monkeypatch: pytest.MonkeyPatch
) -> None:
    space = load_space("cifar_resnets")
    found = method(space, population=2, tournament=1)
    for _ in range(2):
        network = found.ask()
        found.tell(network, objective(network))
    with monkeypatch.context() as patch:
        fault = rf.Fault("x", "none")
        patch.setattr(Space, "mutate", _raising(NoChildError(fault)))
        assert not found.ask().parents  # drawn, as there is no child
        patch.setattr(Space, "mutate", _raising(rf.SpecError(fault)))
        with pytest.raises(rf.SpecError, match="none"):
            found.ask()
    alone = Space(space=1, base="cifar_resnet20", free={"stages[0].depth": {"int": [1, 1]}})
    with pytest.raises(NoChildError):
        alone.mutate(alone.nth(0))


def _raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def test_wrong_settings_are_refused() -> None:
    space = load_space("cifar_resnets")
    with pytest.raises(rf.SpecError, match="population is a whole number of at least 1, not 0"):
        Evolution(space, population=0)
    with pytest.raises(rf.SpecError, match="no method 'annealing'"):
        next(search(space, objective, 1, method="annealing"))  # type: ignore[arg-type]
    with pytest.raises(rf.SpecError, match="takes a space, not str"):
        search("cifar_resnets", objective, 1)  # type: ignore[arg-type]
    with pytest.raises(rf.SpecError, match=r"count is a whole number of at least 0, not 1\.5"):
        search(space, objective, 1.5)  # type: ignore[arg-type]
    with pytest.raises(rf.SpecError, match="a function of a network as objective, not int"):
        search(space, 3, 1)  # type: ignore[arg-type]


def test_points_can_be_chosen_field_by_field() -> None:
    space = Space(
        space=1,
        base="cifar_resnet20",
        free={"stages[*].depth": {"int": [1, 2]}, "shortcut": ["zero_pad", "projection"]},
    )
    assert space.fields == {"stages[*].depth": 8, "shortcut": 2}
    chosen = space.at(space.index({"shortcut": 1, "stages[*].depth": 5})).spec
    assert [stage.depth for stage in chosen.stages] == [2, 1, 2]
    assert chosen.shortcut.change.kind == "projection"
    for wrong, said in (
        ({"shortcut": 1}, r"stages\[\*\].depth is left out"),
        ({"shortcut": 2, "stages[*].depth": 0}, "2 values here, and 2 was"),
        ({"shortcut": 1, "stages[*].depth": 0, "block": 0}, "block has 0 values here"),
        (3, "takes a mapping"),
    ):
        with pytest.raises(rf.SpecError, match=said):
            space.index(wrong)  # type: ignore[arg-type]
