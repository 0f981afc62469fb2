"""Design spaces: their size, their draws, their order, and what they say of mistakes."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections import Counter
from itertools import islice, product
from math import comb
from typing import Any

import pytest
import resforge as rf
from hypothesis import given, settings
from hypothesis import strategies as st
from resforge.generation import Architecture, Miss, Space, list_spaces, load_space
from resforge.generation.choices import Fields, OneOf, Range
from resforge.generation.declared import read_option
from resforge.generation.dice import Dice
from resforge.generation.permutation import Permutation, stride_over
from resforge.generation.rows import Increasing
from resforge.generation.survey import survey

SMALL: dict[str, Any] = {
    "space": 1,
    "base": "cifar_resnet20",
    "free": {
        "stages[*].depth": {"int": [1, 3]},
        "shortcut": ["zero_pad", "projection", "none"],
        "block": ["basic", {"kind": "bottleneck", "expansion": {"choice": [1, 2]}}],
    },
}


def space(**changes: Any) -> Space:
    return Space(**{**SMALL, **changes})


# What may stand in a free field, as a file has it.
numbers = st.builds(
    lambda kind, low, steps, step: {kind: [low, low + steps * step], "step": step},
    st.sampled_from(["int", "log_int"]),
    st.integers(1, 9),
    st.integers(0, 3),
    st.integers(1, 4),
)
declared = st.recursive(
    st.one_of(st.integers(0, 3), st.sampled_from("abc"), numbers),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from("xyz"), inner, max_size=2),
        st.lists(inner, max_size=2),
        st.builds(
            lambda options: {"choice": options},
            st.lists(inner, min_size=1, max_size=3, unique_by=repr),
        ),
        st.builds(
            lambda lengths, item: {"repeat": lengths, "of": item},
            st.sampled_from([[1], [1, 2], [2]]),
            inner,
        ),
    ),
    max_leaves=5,
)


def written_out(value: Any) -> list[Any]:
    """Every value that a declaration stands for, by brute force."""
    if isinstance(value, dict) and "choice" in value:
        return [found for option in value["choice"] for found in written_out(option)]
    if isinstance(value, dict) and "repeat" in value:
        items = written_out(value["of"])
        return [list(row) for often in value["repeat"] for row in product(items, repeat=often)]
    if isinstance(value, dict) and ("int" in value or "log_int" in value):
        low, high = value.get("int") or value["log_int"]
        return list(range(low, high + 1, value["step"]))
    if isinstance(value, dict):
        rows = product(*map(written_out, value.values()))
        return [dict(zip(value, row, strict=True)) for row in rows]
    if isinstance(value, list):
        return [list(row) for row in product(*map(written_out, value))]
    return [value]


@given(declared)
def test_every_value_stands_at_one_index(value: Any) -> None:
    choices = read_option(value, ())
    assert [choices.unrank(index) for index in range(choices.size)] == written_out(value)


@given(declared)
@settings(max_examples=50)
def test_every_value_holds_a_ticket(value: Any) -> None:
    choices = read_option(value, ())
    if choices.weight <= 100_000:
        drawn = [choices.pick(ticket) for ticket in range(choices.weight)]
        assert set(drawn) == set(range(choices.size))


@given(st.integers(1, 6), st.integers(1, 4), st.booleans())
def test_increasing_rows_are_those_that_never_fall(values: int, places: int, log: bool) -> None:
    rows = Increasing(Range(2, 3, values, log), places)
    wanted = [
        list(row)
        for row in product(range(2, 2 + 3 * values, 3), repeat=places)
        if list(row) == sorted(row)
    ]
    assert rows.size == comb(values + places - 1, places)
    assert [rows.unrank(index) for index in range(rows.size)] == wanted


def test_increasing_rows_are_as_likely_as_with_decreasing_rows_rejected() -> None:
    numbers = Range(8, 8, 4, log=True)
    numbers.__dict__["weights"] = [4, 3, 2, 1]
    rows = Increasing(numbers, 3)
    drawn = Counter(tuple(rows.unrank(rows.pick(ticket))) for ticket in range(rows.weight))
    weight = {8: 4, 16: 3, 24: 2, 32: 1}
    kept = [row for row in product(weight, repeat=3) if list(row) == sorted(row)]
    assert drawn == {row: weight[row[0]] * weight[row[1]] * weight[row[2]] for row in kept}


def test_an_options_own_choices_are_counted_where_it_is_taken() -> None:
    assert space().size == 3**3 * 3 * (1 + 2)


def test_the_chance_of_an_option_does_not_grow_with_its_own_choices() -> None:
    either = OneOf([read_option("basic", ()), Fields({"expansion": Range(1, 1, 4)})])
    drawn = Counter(either.pick(ticket) for ticket in range(either.weight))
    assert drawn == {0: 4, 1: 1, 2: 1, 3: 1, 4: 1}


def test_logarithmic_ranges_are_drawn_in_inverse_proportion() -> None:
    widths = Range(16, 8, 7, log=True)
    drawn = Counter(widths.unrank(widths.pick(ticket)) for ticket in range(widths.weight))
    for width, tickets in drawn.items():
        assert tickets * width == pytest.approx(1024 * 64, rel=1 / 1000)


@given(st.integers(1, 300), st.integers(0, 5))
@settings(max_examples=40)
def test_a_permutation_holds_every_number_once(size: int, seed: int) -> None:
    order = Permutation(size, seed)
    assert sorted(order[number] for number in range(size)) == list(range(size))
    stride = stride_over(size)
    assert len({number * stride % size for number in range(size)}) == size


def chi_square(counts: list[int], expected: list[float]) -> float:
    return sum((c - e) ** 2 / e for c, e in zip(counts, expected, strict=True))


def test_draws_follow_the_declared_chances() -> None:
    wide = space(
        free={
            "stages[*].depth": {"int": [1, 8]},
            "stem.width": {"log_int": [8, 64], "step": 8},
            "head.num_classes": {"int": [10, 1000]},
        },
        base={"base": "cifar_resnet20", "shortcut": "projection"},
    )
    draws = list(islice(wide.sample(seed=3), 2000))
    depths = Counter(stage.depth for found in draws for stage in found.spec.stages)
    # The 0.1% points of chi-square with 7 degrees of freedom: 24.3.
    assert chi_square([depths[depth] for depth in range(1, 9)], [6000 / 8] * 8) < 24.3
    widths = Counter(found.spec.stem.out_channels for found in draws)
    values = range(8, 65, 8)
    total = sum(1 / value for value in values)
    expected = [2000 / value / total for value in values]
    assert chi_square([widths[value] for value in values], expected) < 24.3


def test_the_attributes_of_a_drawn_network_are_all_listed() -> None:
    found = next(load_space("cifar_resnets").sample())
    assert {"spec", "params", "macs", "digest", "number"} <= {*dir(found)}


def key(found: Architecture) -> tuple[int, str]:
    return found.number, found.digest


def test_the_same_seed_gives_the_same_sequence_in_another_process() -> None:
    code = (
        "from itertools import islice\n"
        "from resforge.generation import load_space\n"
        "for found in islice(load_space('cifar_resnets').sample(seed=7), 5):\n"
        "    print(found.number, found.digest)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    here = list(islice(load_space("cifar_resnets").sample(seed=7), 5))
    assert done.stdout.split() == [str(part) for found in here for part in key(found)]
    other = list(islice(load_space("cifar_resnets").sample(seed=8), 5))
    assert {found.digest for found in here}.isdisjoint(found.digest for found in other)


def test_a_draw_can_be_had_alone() -> None:
    whole = load_space("cifar_resnets")
    for found in islice(whole.sample(seed=1), 40):
        assert key(whole.nth(found.number, seed=1)) == key(found)
    far = whole.nth(10**6, seed=1)
    assert far == whole.nth(10**6, seed=1)


def test_every_network_is_given_once_and_then_the_sample_ends() -> None:
    # Of the first stage's shortcuts nothing is seen: its one block keeps the shape.
    small = space(
        free={
            "stages[0].shortcut": ["zero_pad", "projection"],
            "stages[2].depth": {"log_int": [1, 5]},
        },
        base={"base": "cifar_resnet20", "stages": [{"depth": 1, "width": 16}] * 3},
    )
    assert small.size == 10
    assert len({found.digest for found in small.sample()}) == len(list(small.sample(seed=5))) == 5


def test_a_sample_of_a_small_space_is_all_that_is_legal_and_within_bounds() -> None:
    small = space(where={"params": {"max": 200_000}})
    listed = {found.digest for found in small.enumerate()}
    drawn = [found.digest for found in small.sample(seed=2)]
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == listed
    assert 0 < len(drawn) < small.size


def test_the_order_is_shared_between_machines_without_talking() -> None:
    small = space()
    whole = [found.index for found in small.enumerate()]
    shares = [[found.index for found in small.enumerate(start, 4)] for start in range(4)]
    assert sorted(index for share in shares for index in share) == whole == sorted(whole)
    assert [found.index for found in islice(small.enumerate(start=100), 3)] == [100, 101, 102]


def test_every_draw_keeps_the_bounds() -> None:
    bounded = load_space("cifar_resnets")
    for found in islice(bounded.sample(seed=4), 50):
        plan = rf.plan(found.spec, 32)
        for quantity in ("params", "macs", "activations", "depth", "receptive_field"):
            assert getattr(found, quantity) == getattr(plan, quantity)
        assert 1e5 <= plan.params <= 2e6
        assert rf.loads(found.spec.to_yaml()).digest == found.digest


def test_derived_fields_follow() -> None:
    doubling = space(
        free={"stages[0].width": {"int": [8, 24], "step": 4}},
        derive={
            "stages[1].width": {"of": "stages[0].width", "times": 2},
            "stages[2].width": {"of": "stages[1].width", "times": 1.3, "plus": 3, "step": 8},
            "stem.width": "stages[0].width",
        },
    )
    widths = [[stage.width for stage in found.spec.stages] for found in doubling.enumerate()]
    assert widths == [[8, 16, 24], [12, 24, 32], [16, 32, 48], [20, 40, 56], [24, 48, 64]]
    assert [found.spec.stem.out_channels for found in doubling.enumerate()] == [8, 12, 16, 20, 24]


def test_derived_fields_follow_star_by_star() -> None:
    paired = space(
        free={"stages[*].depth": {"int": [1, 2]}},
        derive={"stages[*].width": {"of": "stages[*].depth", "times": 16}},
    )
    for found in paired.enumerate():
        assert all(stage.width == 16 * (stage.depth or 0) for stage in found.spec.stages)


def test_stages_may_be_free_as_a_whole() -> None:
    stage = {"depth": {"int": [1, 2]}, "width": 16}
    whole = space(free={"stages": [[stage], [stage, {**stage, "stride": 2}]]})
    assert whole.size == 2 + 4
    assert Counter(len(found.spec.stages) for found in whole.enumerate()) == {1: 2, 2: 4}


@pytest.mark.parametrize("name", list_spaces())
def test_shipped_spaces_give_networks(name: str) -> None:
    shipped = load_space(name)
    drawn = list(islice(shipped.sample(seed=0), 5))
    assert len({found.digest for found in drawn}) == 5


def test_nothing_is_enumerated_that_is_not_asked_for() -> None:
    huge = space(
        base={"base": "cifar_resnet20", "shortcut": "projection"},
        free={"stages[*].width": {"int": [1, 65536]}, "head.num_classes": {"int": [1, 10**4]}},
    )
    assert huge.size == 65536**3 * 10**4
    assert huge.template.tree_at(huge.size - 1)["stages"][0]["width"] == 65536
    assert huge.at(huge.size // 2**20).index == huge.size // 2**20
    assert next(huge.sample(seed=9)).number == 0


BIASES = {"choice": [None, True, False]}
HEAD = "space: 1\nbase: cifar_resnet20\nfree:\n"
FILES = {
    "  stages[*].depth: {int: [9, 1]}": (4, 26, "range from 9 to 1 is empty", "write [1, 9]"),
    "  stages[*].depth: {int: [1, 8], step: 3}": (4, 40, "skip 8", "end at 7 or at 10"),
    "  stages[*].depth: {int: [1, 8], step: 0}": (4, 40, "above 0, not 0", "step: 1"),
    "  stages[*].dept: [1, 2]": (4, 3, "no 'dept'", "did you mean 'depth'"),
    "  shortcut: [zero_pad, projektion]": (4, 24, "'projektion' is not one", "'projection'"),
    "  shortcut: [zero_pad, zero_pad]": (4, 24, "is repeated", "once"),
    "  shortcut: []": (4, 13, "at least one option", "write [a, b]"),
    "  block: [basic, {kind: bottleneck, expansion: {int: [0, 4]}}]": (4, 48, "0 is out", "1"),
    "  stem.width: {log_int: [0, 64]}": (4, 25, "cannot start at 0", "above 0"),
    "  stem.width: {int: [16, 64], stp: 8}": (4, 31, "unknown key 'stp'", "step"),
    "  stem.width: {itn: [16, 64]}": (4, 15, "is not a choice", "did you mean 'int'"),
    "  stem.width: {int: [16, 64], log_int: [1, 2]}": (4, 40, "exclude", "leave out"),
    "  stem.width: 16": (4, 15, "is not a choice", "[a, b]"),
    "  stem.width: {int: [16, 64], each: same}": (4, 37, "has one", "leave it out"),
    "  stages[*].shortcut: {choice: [none], each: increasing}": (4, 46, "only a range", "int"),
    "  stages[*].width: [8, 16]\n  stages[-1].width: [3, 4]": (
        5,
        3,
        "stages[2].width is already set",
        "one of the two",
    ),
    "  stem: [conv3x3]\n  stem.width: [3, 4]": (5, 3, "is already set by stem", "into the options"),
    "  block: [basic, {kind: bottleneck, expansion: [1, 2]}]": (4, 48, "not a list", "{choice:"),
    "  block: [basic, {kind: bottleneck, attention: {kind: se, reduction: {int: [0, 4]}}}]": (
        4,
        70,
        "0 is out of range",
        "at least 1",
    ),
    "  block: {choice: [basic, {branch: [{conv: 3, stride: block}, norm, {dropot: 0.1}]}]}": (
        4,
        69,
        "no operation 'dropot'",
        "'dropout'",
    ),
    "  stages[*].blocks: {repeat: [1, 2], of: {block: {choice: [basic, botleneck]}}}": (
        4,
        50,
        "'botleneck' is not",
        "'bottleneck'",
    ),
    "  stages[*].blocks: {repeat: [1, 2], of: {block: basic, widht: 8}}": (
        4,
        57,
        "unknown key",
        "'width'",
    ),
    "  stages[*].depth: {repeat: [1, 2], of: {block: basic}}": (
        4,
        41,
        "not a list",
        "write it at stages[*].blocks",
    ),
    "  stem.width: [8, 16]\nwhere: {params: {max: 1.5M}}": (
        5,
        23,
        "expected a number",
        "write 1.5e6",
    ),
    "  stem.width: [8, 16]\nwhere: {depth: {min: 1k}}": (5, 22, "expected a number", "write 1e3"),
    "  stem.width: [8, 16]\ninput_size: 1k": (5, 13, "a whole number", "write 1000"),
    "  {}": (4, 3, "at least 1 item", "write free: {shortcut:"),
    "  stem.kind: [conv3x3]": (4, 3, "cannot vary without", "write stem"),
    "  stem.width: {real: [8, 16]}": (4, 15, "needs a step", "step: 0.1"),
    "  stem.width: {int: [1, 900000]}": (4, 21, "900,000 values", "larger step"),
    "  stem.width: {log_int: [1, 50000]}": (4, 25, "50,000 values", "larger step"),
    "  stages[*].width: {int: [1, 9000], each: increasing}": (
        4,
        43,
        "for increasing",
        "larger step",
    ),
    "  stem.width: {int: [8, 16]}\nwhere: {flops: 3}": (5, 9, "unknown key 'flops'", "macs"),
    "  stem.width: {int: [8, 16]}\nwhere: {params: [2, 1]}": (5, 17, "is empty", "write [1, 2]"),
    "  stem.width: {int: [8, 16]}\nwhere: {params: {}}": (5, 17, "neither min nor max", "min:"),
    "  shortcut: [none]\nderive: {stem.width: 64}": (
        5,
        22,
        "expected a path",
        "write stages[0].width",
    ),
    "  stem.width: {int: [8, 16]}\nderive: {norm: stem.widht}": (5, 10, "no 'widht'", "'width'"),
    "  stem.width: {int: [8, 16]}\nderive: {stem.width: shortcut}": (
        5,
        10,
        "is already set by",
        "one of",
    ),
}


@pytest.mark.parametrize("body", FILES)
def test_mistakes_have_a_place_and_a_remedy(body: str, tmp_path: Any) -> None:
    line, column, message, help_ = FILES[body]
    file = tmp_path / "space.yaml"
    file.write_text(HEAD + body + "\n", encoding="utf-8")
    with pytest.raises(rf.SpecError) as caught:
        load_space(file)
    error = caught.value
    assert message in (error.message or "")
    assert help_ in (error.help or "")
    assert (error.line, error.column) == (line, column)


def test_an_unreachable_limit_is_reported_with_the_nearest_point() -> None:
    narrow = space(where={"params": [10_000_000, 20_000_000]})
    most = max(found.params for found in space().enumerate())
    with pytest.raises(rf.SpecError, match=f"the nearest has {most:,}") as caught:
        next(narrow.sample())
    assert caught.value.path == "where.params"
    assert list(narrow.enumerate()) == []


def test_a_space_without_a_legal_network_says_why() -> None:
    with pytest.raises(rf.SpecError, match="identity cannot join") as caught:
        next(space(free={"shortcut": ["identity"], "stages[*].depth": {"int": [1, 2]}}).sample())
    assert "zero_pad" in (caught.value.help or "")


def test_a_point_that_is_no_network_is_what_its_faults_say() -> None:
    """Whether or not somebody has asked for them."""
    found = space(free={"shortcut": ["identity"], "stages[*].depth": {"int": [1, 2]}})
    one, other = found.look(0), found.look(0)
    assert isinstance(one, Miss)
    assert "identity cannot join" in repr(one)
    assert one == other == pickle.loads(pickle.dumps(found.look(0))) == copy.deepcopy(other)
    assert one == Miss(0, one.faults, None, {})
    assert one.faults is one.faults
    assert not hasattr(one, "fault")


def test_all_rejected_points_are_counted_by_their_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where more are rejected than wait to be asked."""
    monkeypatch.setattr("resforge.generation.misses._WAITING", 3)
    free = {"shortcut": ["identity", "none"], "stages[*].depth": {"int": [1, 2]}}
    found = survey(space(free=free, where={"params": {"max": 10}}))
    assert (found.points, found.networks, found.within) == (16, 8, 0)
    assert [count for _, count in found.faults] == [8]


def test_a_search_in_a_large_space_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resforge.generation.draws._SMALL", 0)
    with pytest.raises(rf.SpecError, match="none of 20 of 243 points"):
        next(space(where={"params": {"max": 10}}).sample(tries=20))
    # A stage that keeps its shape shows nothing of the shortcut that would change it.
    kernels = {"kind": "projection", "kernel": {"int": [1, 31], "step": 2}, "bias": BIASES}
    hidden = space(free={"stages[0].shortcut": [kernels]})
    with pytest.raises(rf.SpecError, match="nothing new after 1 networks"):
        list(hidden.sample(tries=20))


def test_dice_are_fair_enough() -> None:
    dice = Dice(0, "test")
    thrown = Counter(dice.below(6) for _ in range(6000))
    assert chi_square([thrown[side] for side in range(6)], [1000.0] * 6) < 20.5


def test_load_space_takes_a_name_or_a_file() -> None:
    for wrong in (3, None, {"space": 1}):
        with pytest.raises(rf.SpecError, match="load_space takes"):
            load_space(wrong)  # type: ignore[arg-type]
    for name in ("regnet_y", "x" * 5000, "a\0b", "nowhere/space.yaml"):
        with pytest.raises(rf.SpecError):
            load_space(name)
