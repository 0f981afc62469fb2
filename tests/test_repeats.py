"""Blocks that repeat with choices of their own, and log-normal ranges."""

from __future__ import annotations

from collections import Counter
from itertools import islice, product
from math import log
from statistics import NormalDist
from typing import Any

import pytest
import resforge as rf
from resforge.generation import ChoiceNames, Space
from resforge.generation.choices import Choices
from resforge.generation.declared import read_free
from resforge.generation.marks import options_of

ITEM = {"block": {"choice": ["basic", {"kind": "bottleneck", "expansion": {"choice": [1, 2]}}]}}
BASE = {"base": "cifar_resnet20", "shortcut": "projection"}


def space(free: dict[str, Any], base: Any = None, **tree: Any) -> Space:
    return Space(space=1, base=base or BASE, free=free, **tree)


def read(value: Any) -> Choices:
    (part,) = read_free(value, ("path",), 1).parts  # type: ignore[attr-defined]
    return part  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("often", "ratios"),
    [
        ({"int": [1, 3]}, {1: 1, 2: 1, 3: 1}),
        ([3, 1], {1: 1, 3: 1}),
        ({"choice": [1, 3], "weights": [2, 1]}, {1: 2, 3: 1}),
    ],
    ids=str,
)
def test_lengths_have_their_probabilities_and_items_their_own(
    often: Any, ratios: dict[int, int]
) -> None:
    lists = read({"repeat": often, "of": {"choice": ["a", "b"], "weights": [3, 1]}})
    assert lists.size == sum(2**length for length in ratios)
    tickets = Counter(tuple(lists.unrank(lists.pick(t))) for t in range(lists.weight))
    for length, ratio in ratios.items():
        for row in product("ab", repeat=length):
            # In whole tickets, exactly.
            share = ratio * 3 ** row.count("a") * lists.weight
            assert tickets[row] * sum(ratios.values()) * 4**length == share


def test_blocks_and_their_number_are_drawn_together() -> None:
    drawn = space({"stages[*].blocks": {"repeat": {"int": [1, 4]}, "of": ITEM}})
    assert drawn.size == (3 + 9 + 27 + 81) ** 3
    base = rf.load("cifar_resnet20").replace({"shortcut": "projection"})
    for found in islice(drawn.sample(seed=1), 20):
        assert all(stage.depth is None for stage in found.spec.stages)
        assert all(1 <= stage.size <= 4 for stage in found.spec.stages)
        values = drawn.values(found)
        assert [len(row) for row in values.values()] == [stage.size for stage in found.spec.stages]
        assert drawn.find(found.spec).index == drawn.index_of(values) == found.index
        assert base.replace(drawn.changes(found)).digest == found.digest


def test_networks_with_a_depth_are_found() -> None:
    drawn = space({"stages[*].blocks": {"repeat": {"int": [1, 4]}, "of": ITEM}})
    known = rf.load("cifar_resnet20").replace({"shortcut": "projection"})
    found = drawn.find(known)
    assert found.digest == known.digest
    assert drawn.values(found)["stages[2].blocks"] == [{"block": "basic"}] * 3
    with pytest.raises(rf.SpecError, match="is none of the values of"):
        drawn.find(known.replace({"stages[0].depth": 5}))
    with pytest.raises(rf.SpecError, match="is none of the values of"):
        drawn.find(known.replace({"stages[0].block": "d2l"}))


def test_stages_repeat_too() -> None:
    stage = {"depth": {"int": [1, 2]}, "width": {"choice": [16, 32]}, "stride": {"choice": [1, 2]}}
    drawn = space({"stages": {"repeat": {"int": [1, 3]}, "of": stage}})
    assert drawn.size == 8 + 8**2 + 8**3
    found = drawn.nth(3)
    assert drawn.find(found.spec) == drawn.at(found.index)


def test_a_stage_of_blocks_may_have_a_free_depth() -> None:
    base = {**BASE, "stages": [{"blocks": [{"block": "basic"}, {}], "width": 16}]}
    drawn = space({"stages[0].depth": [1, 2]}, base)
    assert [found.depth for found in drawn.enumerate()] == [4, 6]


def test_steps_add_and_remove_the_last_block() -> None:
    drawn = space({"stages[0].blocks": {"repeat": [1, 2, 4], "of": ITEM}})
    place = "stages[0].blocks"
    two = drawn.at(drawn.index_of({place: [{"block": "basic"}, {"block": "basic"}]}))
    moves: dict[str, list[Any]] = {}
    for beside in drawn.neighbours(two):
        moves.setdefault(beside.move, []).append(drawn.values(beside)[place])
    assert moves["deeper"] == [[{"block": "basic"}] * 4]
    assert moves["shallower"] == [[{"block": "basic"}]]
    assert all(len(row) == 2 for row in moves["other block"])
    children = {
        len(drawn.values(drawn.crossover(two, other, seed))[place])
        for other in drawn.neighbours(drawn.at(drawn.size - 1))
        for seed in range(3)
    }
    assert children <= {1, 2, 4}
    assert len(children) > 1


def test_options_of_repeated_blocks() -> None:
    drawn = space({"stages[0].blocks": {"repeat": {"int": [1, 4]}, "of": ITEM}})
    part = options_of(drawn.template)
    marks = [*part.marks()]
    assert [mark.text for mark in marks if "length" in mark.text] == [
        "stages[0].blocks length: 1",
        "stages[0].blocks length: 2",
        "stages[0].blocks length: 4",
    ]
    for one, two in product(marks, marks):
        wanted = dict([*one.items, *two.items])
        if len(wanted) < len({*one.items, *two.items}):
            continue
        having = [i for i in range(drawn.size) if {*wanted.items()} <= {*part.at(i)}]
        given = [part.index(wanted, number) for number in range(part.size(wanted))]
        assert sorted(given) == having
    found = drawn.cover()
    assert not found.absent
    rows = [drawn.values(network)["stages[0].blocks"] for network in found.networks]
    kinds = {tuple(item["block"] if item["block"] == "basic" else "other" for item in row[:2])
             for row in rows if len(row) > 1}  # fmt: skip
    assert kinds >= {*product(("basic", "other"), repeat=2)}


def test_names_of_repeated_blocks_tell_them() -> None:
    drawn = space({"stages[0].blocks": {"repeat": {"int": [1, 2]}, "of": ITEM}})
    names = ChoiceNames(drawn)
    given = [names.name(found) for found in drawn.enumerate()]
    assert given[:4] == ["basic", "bottleneck-expansion-1", "bottleneck-expansion-2", "2basic"]
    assert given[4:6] == ["basic.bottleneck-expansion-1", "basic.bottleneck-expansion-2"]
    assert len({*given}) == drawn.size


LOG_NORMAL = {"log_normal": [16, 128], "step": 16, "median": 48, "sigma": 0.6}


def test_log_normal_numbers_have_the_probabilities_of_the_density() -> None:
    numbers: Any = read(LOG_NORMAL)
    values = [numbers.unrank(index) for index in range(numbers.size)]
    assert values == [*range(16, 129, 16)]
    normal = NormalDist(log(48), 0.6)
    density = [normal.pdf(log(value)) / value for value in values]
    for weight, wanted in zip(numbers.weights, density, strict=True):
        assert weight / numbers.weight == pytest.approx(wanted / sum(density), rel=1e-3)
    tickets = Counter(numbers.pick(ticket) for ticket in range(numbers.weight))
    assert [tickets[index] for index in range(numbers.size)] == [*numbers.weights]


def test_log_normal_weights_are_the_same_on_every_machine() -> None:
    weights = read(LOG_NORMAL).weights  # type: ignore[attr-defined]
    assert weights == [5830, 12402, 10388, 6945, 4338, 2665, 1643, 1024]


def test_log_normal_defaults_lie_in_the_middle() -> None:
    numbers: Any = read({"log_normal": [8, 2048], "step": 8})
    assert float(numbers.median) == pytest.approx(128)
    assert float(numbers.sigma) == pytest.approx(log(256) / 4)
    assert numbers.weights[0] / numbers.weights[-1] == pytest.approx(256, rel=1e-3)
    halves = read({"log_normal": [1.5, 3], "step": 0.5})
    assert [halves.unrank(index) for index in range(halves.size)] == [1.5, 2.0, 2.5, 3.0]
    assert read({"log_normal": [4, 4]}).size == 1


def test_log_normal_rows_and_points() -> None:
    drawn = space(
        {
            "stages[*].width": {**LOG_NORMAL, "each": "increasing"},
            "stem.width": {"log_normal": [8, 32], "step": 8},
        }
    )
    found = drawn.nth(2)
    widths = [stage.width for stage in found.spec.stages]
    assert widths == sorted(widths)
    assert drawn.find(found.spec).index == found.index
    rows = read_free({"log_normal": [8, 24], "step": 8, "each": "increasing"}, ("path",), 2)
    one, two, three = read({"log_normal": [8, 24], "step": 8}).weights  # type: ignore[attr-defined]
    wanted = {
        (8, 8): one * one,
        (8, 16): one * two,
        (8, 24): one * three,
        (16, 16): two * two,
        (16, 24): two * three,
        (24, 24): three * three,
    }
    assert rows.weight == sum(wanted.values())
    step = rows.weight // 1000
    tickets = Counter(rows.pick(ticket) for ticket in range(0, rows.weight, step))
    for index, count in tickets.items():
        assert abs(count - wanted[tuple(rows.unrank(index))] / step) < 2  # type: ignore[index]


BAD = [
    ({"repeat": {"int": [1, 3]}}, "'of' is missing", ""),
    ({"repeat": 3, "of": {}}, "write {int: [1, 4]} or [1, 2, 4]", ".repeat"),
    ({"repeat": {"int": [0, 3]}, "of": {}}, "from 1 to 256", ".repeat"),
    ({"repeat": {"int": [1, 300]}, "of": {}}, "from 1 to 256", ".repeat"),
    ({"repeat": {"real": [1, 2], "step": 0.5}, "of": {}}, "whole numbers", ".repeat"),
    ({"repeat": [1, "b"], "of": {}}, "whole numbers", ".repeat"),
    ({"repeat": [True, 2], "of": {}}, "whole numbers", ".repeat"),
    ({"repeat": {"choice": [{"int": [1, 2]}]}, "of": {}}, "whole numbers", ".repeat"),
    ({"repeat": {"int": [3, 1]}, "of": {}}, "is empty", ".repeat.int"),
    ({"repeat": [1, 2], "of": {}, "step": 2}, "allowed here: repeat, of", ".step"),
    (
        {"repeat": [1, 2], "of": {"block": {"choice": []}}},
        "at least one option",
        ".of.block.choice",
    ),
    ({"repeat": [1, 2], "of": {"block": ["basic"]}}, "write {choice: [ ... ]}", ".of.block"),
    ({"repeat": [1, 2], "of": {"blok": "basic"}}, "did you mean 'block'", ".of.blok"),
    ({"repeat": [1, 2], "of": 3}, "", ".of"),
    ({"log_normal": [0, 3]}, "start above 0", ".log_normal"),
    ({"log_normal": [8, 4]}, "write [4, 8]", ".log_normal"),
    ({"log_normal": 3}, "expected two bounds", ".log_normal"),
    ({"log_normal": [1, 9], "step": 3}, "end at 7 or at 10", ".step"),
    ({"log_normal": [1.5, 3]}, "needs a step", ""),
    ({"log_normal": [1, 9], "mean": 2}, "allowed here: log_normal, step, median, sigma", ".mean"),
    ({"log_normal": [1, 9], "median": "x"}, "expected a number", ".median"),
    ({"log_normal": [1, 9], "median": 0}, "median is at least 0.001", ".median"),
    ({"log_normal": [1, 9], "sigma": 0}, "sigma is at least 0.001", ".sigma"),
    ({"log_normal": [1, 9], "sigma": 0.001}, "widen sigma", ".log_normal"),
    ({"log_normal": [1, 9], "sigma": float("nan")}, "", ".sigma"),
    ({"log_normal": [1, 9], "median": 10**400}, "", ".median"),
    ({"int": [1, 9], "sigma": 2}, "allowed here: int, step", ".sigma"),
]


@pytest.mark.parametrize(("value", "said", "inside"), BAD, ids=[str(bad[0])[:60] for bad in BAD])
def test_bad_declarations_have_a_place_and_a_remedy(value: Any, said: str, inside: str) -> None:
    path = "stages[0].blocks" if "repeat" in value else "stem.width"
    with pytest.raises(rf.SpecError) as caught:
        space({path: value})
    fault = caught.value.faults[0]
    assert said in f"{fault.message}; {fault.help}"
    assert fault.path == f"free.{path}{inside}"
    assert fault.help


def test_the_number_of_blocks_is_free_once() -> None:
    blocks = {"repeat": [1, 2], "of": {}}
    with pytest.raises(rf.SpecError) as caught:
        space({"stages[*].blocks": blocks, "stages[1].depth": [1, 2]})
    (fault,) = caught.value.faults
    assert fault.path == "free.stages[*].blocks"
    assert "leave out stages[1].depth" in (fault.help or "")
