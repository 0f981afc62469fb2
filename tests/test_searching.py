"""Draws whose points are looked at together: the same networks, errors and calls as one by one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from operator import attrgetter
from typing import Any

import pytest
import resforge as rf
from hypothesis import given
from hypothesis import strategies as st
from resforge.generation import Architecture, Miss, Space, load_space
from resforge.generation.points import TOGETHER, Points
from resforge.generation.spaces import list_spaces
from resforge.planner import figures
from resforge.planner.totals import Totals, totals_of
from resforge.specs import ResNetSpec
from resforge.specs.layer import Size


@given(name=st.sampled_from(list_spaces()), seed=st.integers(0, 2**32), guided=st.booleans())
def test_a_draw_gives_what_it_gives_alone(name: str, seed: int, guided: bool) -> None:
    space = load_space(name)
    for found in islice(space.sample(seed, guided=guided), 2 * TOGETHER + 3):
        assert space.nth(found.number, seed, guided=guided) == found


@given(seed=st.integers(0, 2**32), tries=st.integers(1, 3))
def test_a_draw_that_finds_nothing_says_so_in_its_turn(seed: int, tries: int) -> None:
    space = load_space("cifar_resnets").constrained("params % 2 == 0")
    found, error = until_error(space.sample(seed, tries=tries))
    following = found[-1].number + 1 if found else 0
    for number in range(following, following + 100):
        try:
            repeated = space.nth(number, seed, tries=tries)
        except rf.SpecError as alone:
            assert str(error) == str(alone)
            return
        assert repeated.digest in {each.digest for each in found}


@pytest.mark.parametrize("seed", range(6))
def test_draws_of_a_large_space_do_not_depend_on_each_other(seed: int) -> None:
    """A network that several of them find is that of the first."""
    free = {"stages[*].depth": {"log_int": [1, 26]}}
    where = {"conditions": ["sum(depths) % 3 == 0"]}
    space = Space(space=1, base="cifar_resnet20", free=free, where=where)
    assert space.size > 16_384
    found = [*islice(space.sample(seed), 150)]
    alone = [space.nth(number, seed) for number in range(found[-1].number + 1)]
    assert len(alone) > len(found)
    firsts = {each.digest: each for each in reversed(alone)}.values()
    assert found == sorted(firsts, key=attrgetter("number"))


def test_a_kind_of_ones_own_that_fails_does_so_in_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    def counted(spec: ResNetSpec, size: Size) -> Totals:
        if spec.stages[1].width == 72:
            raise ZeroDivisionError
        return totals_of(spec, size)

    # As the code of a kind would: that is called within.
    monkeypatch.setattr(figures, "totals_of", counted)
    free = {"stages[*].width": {"int": [64, 104]}}
    base = rf.load("cifar_resnet20").replace({"shortcut": "projection"})
    space = Space(space=1, base=base, free=free)
    drawn, listed = list[Architecture](), list[Architecture]()
    with pytest.raises(ZeroDivisionError):
        drawn.extend(space.sample(2))
    assert [each.number for each in drawn] == [*range(32)]
    with pytest.raises(ZeroDivisionError):
        space.nth(32, seed=2)
    with pytest.raises(ZeroDivisionError):
        listed.extend(space.enumerate(start=20))
    assert [each.index for each in listed] == [*range(20, 8 * 41)]


def until_error(draws: Iterator[Architecture]) -> tuple[list[Architecture], rf.SpecError]:
    """The networks before an error, and it."""
    found: list[Architecture] = []
    try:
        for each in islice(draws, 5000):
            found.append(each)
    except rf.SpecError as error:
        return found, error
    raise AssertionError("5,000 draws found a network")


def test_a_quantity_of_ones_own_is_measured_in_turn() -> None:
    """It may take long, or depend on what was measured before."""
    measured: list[str] = []

    def slow(found: Architecture) -> int:
        measured.append(found.digest)
        return 1

    space = load_space("regnet_x").constrained("slow > 0", slow=slow)
    for draw in (space.sample(), space.enumerate()):
        measured.clear()
        found = [*islice(draw, 3)]
        assert measured == [each.digest for each in found]


def looks_of(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many points are looked at together, from now on."""
    looks: list[int] = []
    look_each = Points.look_each

    def noted(self: Points, asked: Any) -> list[Architecture | Miss | Exception]:
        looks.append(len(asked))
        return look_each(self, asked)

    monkeypatch.setattr(Points, "look_each", noted)
    return looks


def test_the_first_of_rare_networks_waits_for_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    space = load_space("anynet_x_a").constrained("360e6 <= macs", "macs <= 380e6")
    looks = looks_of(monkeypatch)
    first = space.nth(0)
    alone = len(looks)
    looks.clear()
    assert next(space.sample()) == first
    assert looks == [1] * alone


def test_common_networks_are_searched_together(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = looks_of(monkeypatch)
    assert len([*islice(load_space("regnet_x").sample(), 100)]) == 100
    assert max(looks) == TOGETHER
    looks.clear()
    assert len([*islice(load_space("cifar_resnets").enumerate(), 100)]) == 100
    assert max(looks) == TOGETHER


def test_a_small_space_is_searched_in_the_order_of_its_draws(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A draw ends where one before it has been."""
    looks = looks_of(monkeypatch)
    space = Space(space=1, base="cifar_resnet20", free={"stages[*].depth": {"int": [1, 3]}})
    assert len([*space.sample()]) == 27
    assert looks == [1] * 27
