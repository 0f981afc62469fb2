"""Conditions of one's own on the networks of a space, and draws guided towards rare ones."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest
import resforge as rf
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from resforge.errors import Fault, SpecError
from resforge.generation import Architecture, Miss, NetworkFolder, Space, survey
from resforge.generation.conditions import Condition
from resforge.generation.expressions import Scope
from resforge.planner.figures import figures_of

_BLOCKS = ["basic", {"kind": "bottleneck", "expansion": {"choice": [1, 2, 4]}}]
_FREE: dict[str, Any] = {
    "stages[*].depth": {"int": [1, 3]},
    "stages[*].width": {"int": [16, 48], "step": 16},
    "block": _BLOCKS,
    "shortcut": ["projection"],
}


def _space(*conditions: str, **where: Any) -> Space:
    where = {**where, "conditions": list(conditions)}
    return Space(space=1, base="cifar_resnet20", free=_FREE, where=where)


def _expansion(spec: rf.ResNetSpec) -> int:
    return getattr(spec.block, "expansion", 1)


@pytest.mark.parametrize(
    ("text", "keeps"),
    [
        ("sum(depths) <= 5", lambda a: sum(s.depth for s in a.spec.stages) <= 5),
        ("macs / params < 100", lambda a: a.macs / a.params < 100),
        (
            "widths[-1] >= 2 * widths[0]",
            lambda a: a.spec.stages[2].width >= 2 * a.spec.stages[0].width,
        ),
        (
            "block.kind == 'basic' or block.expansion <= 2",
            lambda a: _expansion(a.spec) <= 2,
        ),
        (
            "not (block.kind == 'bottleneck' and block.expansion == 4)",
            lambda a: _expansion(a.spec) != 4,
        ),
        (
            "all(a <= b for a, b in zip(widths, widths[1:]))",
            lambda a: a.spec.stages[0].width <= a.spec.stages[1].width <= a.spec.stages[2].width,
        ),
        ("16 < stages[1].width <= 48", lambda a: 16 < a.spec.stages[1].width <= 48),
        ("not 16 < stages[1].width <= 32", lambda a: a.spec.stages[1].width in (16, 48)),
        ("depths[0] in [1, 3]", lambda a: a.spec.stages[0].depth != 2),
        (
            "sum(w == 16 for w in widths) < 2",
            lambda a: [s.width for s in a.spec.stages].count(16) < 2,
        ),
        (
            "len(w for w in widths if w == 16) < 2",
            lambda a: [s.width for s in a.spec.stages].count(16) < 2,
        ),
        ("any(d == 3 for d in depths)", lambda a: any(s.depth == 3 for s in a.spec.stages)),
        ("blocks == ['basic', 'basic', 'basic']", lambda a: a.spec.block.kind == "basic"),
        ("params // 1000 % 2 == 0", lambda a: a.params // 1000 % 2 == 0),
        ("-depth > -max(20, depths[0])", lambda a: a.depth < 20),
        ("depth >= 20 and true", lambda a: a.depth >= 20),
    ],
)
def test_conditions_mean_what_python_means(text: str, keeps: Any) -> None:
    every, kept = _space(), _space(text)
    for index in range(0, every.size, 97):
        found = kept.look(index)
        within = every.at(index)
        assert isinstance(found, Architecture) is bool(keeps(within)), within
        if isinstance(found, Miss):
            assert found.missed.keys() == {"conditions[0]"}
            assert found.missed["conditions[0]"] > 0


#: Characters of a message: an expression is shown by its first 60.
_LONGEST = 100


@pytest.mark.parametrize(
    ("text", "says", "helps"),
    [
        ("block.expansion <= 2", "block.expansion is not there", "block.kind == 'basic' or"),
        ("block == 'basic'", "neither a number nor a word", "kind"),
        (
            "stages[0].block.kind == 'basic'",
            "stages[0].block is null",
            "stages[0].block == null or",
        ),
        ("depth", "depth is 8, neither true nor false", "compare"),
        ("block.kind", "neither true nor false", "compare"),
        ("sum(depth) < 3", "not iterable", ""),
        ("param < 3", "there is no 'param'", "'params'"),
        ("sum < 3", "there is no 'sum'", "sum(...)"),
        ("widths[3] > 1", "the list has 3 items", ""),
        ("widths[0.5] > 1", "no whole number", ""),
        ("widths[::0] == widths", "step of 0", ""),
        ("depth[0] > 1", "is no list", ""),
        ("depth in 3", "is no list", ""),
        ("depth / (depths[0] - depths[0]) > 1", "divides by 0", ""),
        ("params = 3", "invalid syntax", "=="),
        ("depth is 3", "not allowed", "=="),
        ("depth > 3 & macs < 2", "not allowed", "and instead of &"),
        ("10 ** 9 > depth", "not allowed", "product"),
        ("'a' * 1000000000 == 'b'", "'a' is no number", ""),
        ("__import__('os').system('x')", "not allowed", "functions are"),
        ("().__class__ == 1", "not allowed", ""),
        ("stem.__class__ == 1", "not allowed", ""),
        ("max(widths, key=len) > 1", "not allowed", "without keywords"),
        ("(lambda: 1)() == 1", "not allowed", ""),
        ("[w for w in widths] == widths", "not allowed", "within sum()"),
        ("macs < 1e999", "not allowed", ""),
        ("f'{depth}' == '8'", "not allowed", ""),
        ("(" * 300, "too many nested", ""),
        ("-" * 200 + "1 > 0", "nested too deeply", "two conditions"),
        ("1 > 0 and " * 200 + "1 > 0", "at most 1000", ""),
        ("block.kind == basic", "there is no 'basic'", "in quotes: 'basic'"),
        ("stages[0].wdth < 3", "stages[0].wdth is not there", "'width'"),
        ("stages[*].width < 64", ": 'stages[*].width < 64'", "all(stage.width <= 64 for"),
        ("depth.real > 3", "depth is 8", ""),
        ("activation.slope < 1", "activation is 'relu'", "activation.kind == 'relu' or"),
        (f"macs * 1.0 * {'9' * 400} < 1", "too large", "smaller"),
        ("", "invalid", ""),
        ("\0", "", ""),
    ],
)
def test_bad_conditions_tell_place_and_remedy(text: str, says: str, helps: str) -> None:
    with pytest.raises(SpecError) as error:
        _space("depth > 1", text)
    (fault,) = error.value.faults
    assert fault.path == "where.conditions[1]"
    assert says in fault.message
    assert fault.help
    assert helps in fault.help
    assert len(fault.message) <= _LONGEST, len(fault.message)


@given(st.text(max_size=30) | st.text("abdeghimnoprstw()[]<>=+-*/%,.'1 0", max_size=40))
@example("a" * 1001)
@example("widths" + "[0]" * 100)
@example("()")
def test_no_text_of_a_condition_gives_a_raw_error(text: str) -> None:
    try:
        _space(text)
    except SpecError as error:
        assert all(fault.path.startswith("where.conditions") for fault in error.faults)


def test_a_word_has_its_kind_as_a_mapping_has() -> None:
    slopes = {"kind": "leaky_relu", "slope": {"choice": [0.1, 0.3]}}
    words = Space(
        space=1,
        base="cifar_resnet20",
        free={"activation": ["relu", "silu", slopes]},
        where={"conditions": ["activation.kind != 'leaky_relu' or activation.slope < 0.2"]},
    )
    kept = [words.values(found)["activation"] for found in words.enumerate()]
    assert kept == ["relu", "silu", {"kind": "leaky_relu", "slope": 0.1}]


@pytest.mark.parametrize("number", ["1e308 * 1e308", "(1e308 * 1e308 - 1e308 * 1e308)"])
@pytest.mark.parametrize("condition", ["{} < 1", "{} == 1", "1 > {}", "{} < {}", "not {} != 2"])
def test_infinite_numbers_are_reported_as_others_are(number: str, condition: str) -> None:
    space = _space(condition.replace("{}", f"depth * {number}"), params={"max": 1e9})
    for guided in (False, True):
        with pytest.raises(SpecError, match="kept by none") as error:
            space.nth(0, tries=20, guided=guided)
        assert "relax where.conditions[0]" in str(error.value)


@given(
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    st.integers(-3, 20),
    st.booleans(),
)
def test_a_miss_is_0_exactly_where_a_comparison_holds(
    sign: str, number: int, negated: bool
) -> None:
    text = f"depth {sign} {number}"
    text = f"not {text}" if negated else text
    spec = rf.load("digits_resnet8")
    figures = figures_of(rf.plan(spec))
    miss = Condition(text).miss(Scope(spec, figures, {}))
    assert (miss == 0) is eval(text, {"depth": figures.depth})
    assert miss >= 0


def test_conditions_and_ranges_are_reported_together() -> None:
    space = _space("sum(depths) >= 8", "widths[0] > widths[1]", params={"max": 1000})
    with pytest.raises(SpecError) as error:
        space.nth(0)
    message = str(error.value)
    assert "at most 1,000 params: kept by none" in message
    assert "sum(depths) >= 8: kept by" in message
    assert "where.params" in message
    found = survey(space, 50)
    assert found.networks == 50
    assert found.within == 0
    with pytest.raises(SpecError) as error:
        space.at(0)
    missed = space.look(0).missed
    assert [fault.path for fault in error.value.faults] == [f"where.{place}" for place in missed]
    assert len(missed) == 3


@pytest.mark.parametrize(
    ("where", "conditions"),
    [
        ({"params": {"min": 1e6}, "macs": {"max": 1e6}}, []),
        ({"params": {"min": 2e5}, "macs": {"max": 2e7}, "depth": [9, 9]}, []),
        ({"params": {"max": 3e4}}, ["sum(depths) > 5", "macs / params < 1"]),
    ],
)
def test_the_remedy_of_limits_that_cannot_be_met_together_helps(
    where: Any, conditions: Any
) -> None:
    with pytest.raises(SpecError) as error:
        _space(*conditions, **where).nth(0, tries=100)
    for step in str(error.value.faults[0].help).split(", ")[0].split(" and "):
        verb, _, rest = step.partition(" where.")
        place, _, figure = rest.partition(" to ")
        if verb == "extend":
            low, high = where[place] if isinstance(where[place], list) else (None, None)
            now = {"min": low, "max": high} if low else dict(where[place])
            number = int(figure.replace(",", ""))
            side = "min" if now.get("min") and number < now["min"] else "max"
            where = {**where, place: {**now, side: number}}
        else:
            number = int(place.removeprefix("conditions[").removesuffix("]"))
            conditions = [*conditions[:number], "true", *conditions[number + 1 :]]
    assert _space(*conditions, **where).nth(0, tries=100)


def test_an_unwritten_condition_changes_no_identity() -> None:
    plain = Space(space=1, base="cifar_resnet20", free=_FREE)
    assert plain == _space()
    assert "conditions" not in plain.model_dump(mode="json")["where"]
    assert plain != _space("depth > 1")


def test_quantities_of_ones_own_are_asked_of_networks_within_all_other_limits() -> None:
    asked: list[Architecture] = []

    def latency(network: Architecture) -> float:
        asked.append(network)
        return network.macs / 1e6

    space = _space("sum(depths) <= 5").constrained("latency <= 20", latency=latency)
    found = [*islice(space.sample(0), 5)]
    assert all(each.macs <= 20e6 for each in found)
    assert all(sum(s.depth or 0 for s in each.spec.stages) <= 5 for each in asked)
    assert space.where.conditions == ("sum(depths) <= 5", "latency <= 20")
    again = space.constrained("depth > 1")
    assert next(iter(again.sample(0))) == found[0]


def test_a_quantity_is_measured_once_for_a_network() -> None:
    asked: list[int] = []

    def latency(network: Architecture) -> float:
        asked.append(network.index)
        return network.macs / 1e6

    space = _space().constrained("1 < latency < 60", "latency != 7 or latency < 9", latency=latency)
    next(space.sample(0))
    assert len(asked) == len(set(asked)) > 0


@pytest.mark.parametrize("value", [np.float32(3), np.array(3.0), torch.tensor(3), 3])
def test_a_measured_number_is_taken_from_any_library(value: Any) -> None:
    assert _space().constrained("speed == 3", speed=lambda network: value).nth(0)


@pytest.mark.parametrize("value", [None, np.ones(3), [1, 2], {"ms": 3}])
def test_a_quantity_that_is_no_number_is_an_error_at_once(value: Any) -> None:
    space = _space().constrained("speed == 3", speed=lambda network: value)
    with pytest.raises(SpecError, match=f"speed is {type(value).__name__}") as error:
        space.nth(0)
    assert error.value.faults[0].help


def test_arithmetic_of_a_quantity_fails_as_its_own() -> None:
    space = _space().constrained("speed > 1", speed=lambda network: 1 / (network.params * 0))
    with pytest.raises(ZeroDivisionError):
        space.nth(0)


def test_the_error_tells_of_quantities_that_nobody_asked_for() -> None:
    space = _space("depth > 99").constrained("speed > 1", speed=lambda network: 0)
    with pytest.raises(SpecError, match="speed > 1: not looked at"):
        space.nth(0, tries=20)
    free = _space().constrained("speed > 1", speed=lambda network: 0)
    with pytest.raises(SpecError, match=r"speed > 1: kept by none\n"):
        free.nth(0, tries=20)


def test_an_error_of_a_quantity_reaches_the_caller() -> None:
    own = SpecError(Fault("latency", "the board does not answer"))

    def latency(network: Architecture) -> float:
        raise own

    space = _space().constrained("latency <= 20", latency=latency)
    with pytest.raises(SpecError) as caught:
        space.nth(0, tries=20)
    assert caught.value is own


@pytest.mark.parametrize(
    ("conditions", "quantities", "says"),
    [
        (["latency < 3"], {}, "there is no 'latency'"),
        (["depth <"], {}, "invalid syntax"),
        ([], {"depth": lambda network: 1}, "depth is a name of every network"),
        ([], {"sum": lambda network: 1}, "cannot name 'sum'"),
        ([], {"a-b": lambda network: 1}, "cannot name 'a-b'"),
        ([], {"speed": 3}, "speed is int, which cannot be called"),
    ],
)
def test_bad_constraints_in_python(conditions: list[str], quantities: Any, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        _space().constrained(*conditions, **quantities)


_RARE = {
    "free": {
        "stages[*].depth": {"int": [1, 30]},
        "stages[*].width": {"int": [16, 256], "step": 8},
        "shortcut": ["projection"],
    },
    "where": {"params": [2.5e5, 2.6e5], "macs": [3.8e7, 4.0e7]},
}


def test_guided_draws_find_what_chance_does_not(tmp_path: Any) -> None:
    space = Space(space=1, base="cifar_resnet20", **_RARE)
    with pytest.raises(SpecError, match="guided"):
        space.nth(0, tries=300)
    first = space.nth(0, seed=3, guided=True)
    assert 2.5e5 <= first.params <= 2.6e5
    assert 3.8e7 <= first.macs <= 4.0e7
    assert space.at(first.index).digest == first.digest
    assert space.nth(0, seed=3, guided=True) == first
    # A folder goes on where it stopped, as the sample does.
    with pytest.raises(SpecError, match="tries"):
        space.nth(0, seed=3, tries=40, guided=True)
    folder = NetworkFolder(tmp_path, space, 3, guided=True)
    assert [found.digest for found in folder.fill(1)] == [first.digest]
    second = next(iter(NetworkFolder(tmp_path, space, 3, guided=True).fill(2)))
    sample = [*islice(space.sample(3, guided=True), 2)]
    assert [first.digest, second.digest] == [found.digest for found in sample]
    with pytest.raises(rf.StoreError, match="another command"):
        NetworkFolder(tmp_path, space, 3)


def test_guided_draws_end_in_a_small_space() -> None:
    space = Space(
        space=1,
        base="cifar_resnet20",
        free={"stages[*].depth": {"int": [1, 2]}},
        where={"depth": [10, 12]},
    )
    every = {found.digest for found in space.enumerate()}
    assert {found.digest for found in space.sample(guided=True)} == every
    none = Space(
        space=1,
        base="cifar_resnet20",
        free={"stages[*].depth": {"int": [1, 2]}},
        where={"depth": [90, 99]},
    )
    with pytest.raises(SpecError, match="none of its 8 points"):
        none.nth(0, guided=True)
