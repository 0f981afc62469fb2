"""Searches that are saved, copied, and told from elsewhere; and where their networks come from."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
import resforge as rf
from resforge.generation import (
    NSGA2,
    Architecture,
    Evolution,
    RandomSearch,
    Space,
    load_search,
    load_space,
    save_search,
)

SPACE = load_space("cifar_resnets")
METHODS: dict[str, Callable[[], RandomSearch]] = {
    "random": lambda: RandomSearch(SPACE, 3),
    "evolution": lambda: Evolution(SPACE, 3, population=6, tournament=3),
    "nsga2": lambda: NSGA2(SPACE, 3, population=6),
}


def value(search: RandomSearch, network: Architecture) -> Any:
    macs = network.macs if network.params % 7 else float("nan")
    return (abs(network.depth - 40), macs) if search.method == "nsga2" else macs


def advance(search: RandomSearch, count: int, behind: int = 3) -> list[Architecture]:
    """Ask for ``count`` networks; results come late and in another order."""
    waiting = [each.network for each in search.history if each.values is None]
    asked, order = [], Random(0)
    for _ in range(count):
        asked.append(search.ask())
        waiting.append(asked[-1])
        if len(waiting) > behind:
            late = waiting.pop(order.randrange(len(waiting)))
            search.tell(late, value(search, late))
    return asked


def in_file(search: RandomSearch, folder: Path) -> RandomSearch:
    save_search(search, folder / "search.json")
    return load_search(folder / "search.json")


def pickled(search: RandomSearch, folder: Path) -> RandomSearch:
    found: RandomSearch = pickle.loads(pickle.dumps(search))
    return found


def copied(search: RandomSearch, folder: Path) -> RandomSearch:
    return copy.deepcopy(search)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("by", [in_file, pickled, copied])
@pytest.mark.parametrize("after", [0, 4, 17])
def test_resumed_it_asks_for_the_same_networks(
    method: str, by: Callable[..., RandomSearch], after: int, tmp_path: Path
) -> None:
    whole = METHODS[method]()
    advance(whole, after)
    resumed = by(whole, tmp_path)
    assert type(resumed) is type(whole)
    assert (resumed.history, resumed.tells) == (whole.history, whole.tells)
    rest = advance(whole, 15)
    assert advance(resumed, 15) == rest
    assert (resumed.front, resumed.best) == (whole.front, whole.best)


def test_a_saved_search_goes_on_where_networks_were_reported_twice(tmp_path: Path) -> None:
    search = METHODS["nsga2"]()
    advance(search, 12)
    for asked in search.history[:5]:
        search.tell(asked.network, (0, asked.network.params))
    resumed = in_file(search, tmp_path)
    assert advance(resumed, 10) == advance(search, 10)


def test_a_network_reported_twice_is_in_the_population_once() -> None:
    search = Evolution(SPACE, population=3, tournament=50)
    good, bad, other = (search.ask() for _ in range(3))
    for network, number in ((good, 1.0), (bad, 5.0), (other, 6.0), (good, 9.0)):
        search.tell(network, number)
    assert search.best is not None
    assert search.best.network == bad
    assert search.ask().parents == (bad.digest,)


@pytest.mark.parametrize("method", METHODS)
def test_results_of_another_machine_are_taken(method: str) -> None:
    here, there = METHODS[method](), METHODS[method]()
    advance(there, 12, behind=0)
    for found in reversed(there.tells):
        here.tell(found.network, found.values)
    assert here.front == there.front
    known = {found.network.digest for found in there.tells}
    assert not known & {here.ask().digest for _ in range(10)}


def test_every_network_knows_where_it_came_from() -> None:
    search = METHODS["evolution"]()
    advance(search, 40, behind=0)
    by_digest = {asked.network.digest: asked.network for asked in search.history}
    assert len(by_digest) == 40
    children = [network for network in by_digest.values() if network.parents]
    assert len(children) == 34
    for child in children:
        (parent,) = (by_digest[digest] for digest in child.parents)
        beside = {found.digest: found.move for found in SPACE.neighbours(parent)}
        assert beside[child.digest] == child.move
    line = search.lineage(children[-1])
    assert line[-1].network == children[-1]
    assert not line[0].network.parents
    assert all(
        later.network.parents == (earlier.network.digest,)
        for earlier, later in itertools.pairwise(line)
    )
    with pytest.raises(rf.SpecError, match="neither asked for nor reported"):
        search.lineage(SPACE.nth(10_000))


def test_a_search_of_rare_networks_begins_guided_and_goes_on_so(tmp_path: Path) -> None:
    narrow = SPACE.model_dump(mode="json") | {"where": {"params": [4.9e5, 5.1e5]}}
    rare = Space(**narrow).constrained("near <= 1", near=lambda network: network.params / 5.1e5)
    search = Evolution(rare, 1, population=4, tournament=2, guided=True)
    first = [search.ask() for _ in range(3)]
    assert first == list(islice(rare.sample(1, guided=True), 3))
    for network in first:
        search.tell(network, network.macs)
    save_search(search, tmp_path / "search.json")
    with pytest.raises(rf.SpecError, match="no 'near'"):
        load_search(tmp_path / "search.json")
    resumed = load_search(tmp_path / "search.json", rare)
    assert [resumed.ask() for _ in range(3)] == [search.ask() for _ in range(3)]


def test_a_search_may_go_on_in_an_edited_space(tmp_path: Path) -> None:
    search = METHODS["evolution"]()
    advance(search, 8)
    save_search(search, tmp_path / "search.json")
    tree = SPACE.model_dump(mode="json")
    wider = Space(**tree | {"where": {"params": {"max": 4e6}}})
    assert load_search(tmp_path / "search.json", wider).history == search.history
    other = Space(**tree | {"base": "resnet18"})
    with pytest.raises(rf.SpecError, match="of this space") as caught:
        load_search(tmp_path / "search.json", other)
    assert caught.value.file == str(tmp_path / "search.json")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda tree: None, "it holds no mapping"),
        (lambda tree: tree | {"search": 2}, "2"),
        (lambda tree: tree | {"method": "annealing"}, "annealing"),
        (lambda tree: tree | {"drown": 1}, "unknown key"),
        (lambda tree: tree | {"rolled": -1}, "out of range"),
        (lambda tree: tree | {"space": {}}, "space"),
        (lambda tree: tree | {"results": [{"network": 99, "values": [1]}]}, "no network"),
        (lambda tree: tree | {"results": [{"network": 0, "values": []}]}, "values"),
        (
            lambda tree: (
                tree
                | {"results": [{"network": 0, "values": [1]}, {"network": 1, "values": [1, 2]}]}
            ),
            "results[1].values",
        ),
        (
            lambda tree: tree | {"history": [tree["history"][0] | {"index": "x"}]},
            "history[0].index:",
        ),
        (lambda tree: tree | {"history": [tree["history"][0] | {"index": 5}]}, "of this space"),
        (lambda tree: tree | {"history": [tree["history"][0] | {"index": "9" * 30}]}, "space"),
        (lambda tree: tree | {"history": [tree["history"][0] | {"digest": "x"}]}, "digest"),
    ],
)
def test_another_file_is_refused(damage: Any, message: str, tmp_path: Path) -> None:
    search, file = METHODS["evolution"](), tmp_path / "search.json"
    advance(search, 3, behind=1)
    save_search(search, file)
    file.write_text(json.dumps(damage(json.loads(file.read_text()))))
    with pytest.raises(rf.SpecError) as caught:
        load_search(file)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)


def test_what_cannot_be_saved_or_read_is_refused(tmp_path: Path) -> None:
    class Own(RandomSearch):
        pass

    with pytest.raises(rf.ResforgeError, match="one of the searches"):
        save_search(Own(SPACE), tmp_path / "search.json")
    with pytest.raises(rf.SpecError, match="no such file"):
        load_search(tmp_path / "search.json")
    with pytest.raises(rf.SpecError, match="takes a space, not str"):
        load_search(tmp_path / "search.json", "cifar_resnets")  # type: ignore[arg-type]
    (tmp_path / "search.json").write_bytes(b"\xff\x00")
    with pytest.raises(rf.SpecError, match="no saved search"):
        load_search(tmp_path / "search.json")
