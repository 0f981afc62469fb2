"""Spaces as they are used: order of derived fields, foreign networks, surveys, limits, folders."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from itertools import islice, permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import resforge as rf
from hypothesis import given
from hypothesis import strategies as st
from resforge.generation import (
    Architecture,
    Evolution,
    NetworkFolder,
    RandomSearch,
    Space,
    finding,
    fit,
    load_space,
    record_of,
    survey,
)
from resforge.generation.choices import Constant, OneOf, Range


def space(**tree: Any) -> Space:
    tree = {"base": "cifar_resnet20", "free": {"stages[*].depth": {"int": [1, 3]}}} | tree
    return Space(**{"space": 1, **tree})


CHAIN = {
    "stages[0].width": {"of": "stem.width", "times": 2},
    "stages[1].width": {"of": "stages[0].width", "times": 2},
    "stages[2].width": {"of": "stages[1].width", "times": 2},
}


@pytest.mark.parametrize("order", [*permutations(CHAIN)])
def test_derived_fields_follow_their_sources_in_any_order(order: tuple[str, ...]) -> None:
    drawn = space(derive={path: CHAIN[path] for path in order}).nth(0)
    assert [stage.width for stage in drawn.spec.stages] == [32, 64, 128]


CIRCLES = {
    "itself": {"stages[1].width": {"of": "stages[1].width", "times": 2}},
    "one of its places": {"stages[*].width": {"of": "stages[0].width", "times": 2}},
    "two": {"stages[1].width": "stages[2].width", "stages[-1].width": "stages[1].width"},
    "three": {
        "stem.width": "stages[0].width",
        "stages[0].width": "stages[1].width",
        "stages[1].width": {"of": "stem.width", "plus": 1},
    },
}


@pytest.mark.parametrize("derive", CIRCLES.values(), ids=list(CIRCLES))
def test_values_that_follow_from_themselves_are_refused(derive: dict[str, Any]) -> None:
    with pytest.raises(rf.SpecError) as caught:
        space(derive=derive)
    (fault,) = caught.value.faults
    assert fault.path.removeprefix("derive.") in derive
    assert "computed from itself" in fault.message or "a circle" in fault.message


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    "paths",
    [
        {"stages[*].width": "stem.width", "stages[1].width": {"of": "stem.width", "times": 2}},
        {"stages[1]": "stages[0]", "stages[1].width": {"of": "stem.width", "times": 2}},
        {"stages[2].width": "stem.width", "stages[-1].width": "stages[1].width"},
    ],
)
def test_a_place_is_derived_once(paths: dict[str, Any], turned: bool) -> None:
    derive = dict(reversed(paths.items())) if turned else paths
    with pytest.raises(rf.SpecError) as caught:
        space(free={"shortcut": ["projection"]}, derive=derive)
    (fault,) = caught.value.faults
    assert fault.path.removeprefix("derive.") in paths
    assert "is already set by derive." in fault.message
    assert fault.path not in fault.message
    assert fault.help == "leave one of the two out"


def test_a_survey_counts_different_points() -> None:
    free = {
        "stages[*].depth": {"int": [1, 3]},
        "stem.width": {"log_int": [1, 16]},
        "shortcut": ["projection"],
    }
    drawn = space(free=free)
    found = survey(drawn, 400)
    assert drawn.size == 432
    # Every point of this space is another network.
    assert found[:4] == (400, 400, 400, 400)
    assert survey(drawn, 10_000)[:4] == (432, 432, 432, 432)


def test_a_survey_looks_at_points_as_they_are_drawn() -> None:
    """Not at indexes, of which nine in ten have the unlikely option here."""
    stem = {"choice": [{"int": [1, 100]}, {"int": [101, 1000]}], "weights": [99, 1]}
    # The other fields change no cost.
    others = {"activation": ["relu", "gelu", "silu"], "init.scheme": ["torch", "kaiming_normal"]}
    drawn = space(free={"stem.width": stem, **others, "shortcut": ["projection"]})
    least, most = (found.params for found in (drawn.at(0), drawn.at(drawn.size - 1)))
    found = survey(drawn, 200)
    assert found.points == 200
    assert found.ranges["params"][1] < least + (most - least) / 5


def test_a_survey_ends_where_a_few_points_are_almost_all_draws() -> None:
    likely = {"choice": [1, {"int": [2, 2000]}], "weights": [1_000_000, 1]}
    found = survey(space(free={"stem.width": likely, "shortcut": ["projection"]}), 100)
    assert 1 <= found.points < 100
    assert found.points == found.networks == found.distinct


def test_networks_of_other_spaces_are_refused() -> None:
    ours, theirs = load_space("cifar_resnets"), load_space("anynet_x_a")
    foreign, own = theirs.nth(0), ours.nth(0)
    search = Evolution(ours, population=2)
    for use in (
        lambda: ours.mutate(foreign),
        lambda: [*ours.neighbours(foreign)],
        lambda: ours.crossover(own, foreign),
        lambda: ours.changes(foreign),
        lambda: search.tell(foreign, 0.0),
        lambda: RandomSearch(ours).tell(foreign, 0.0),
    ):
        with pytest.raises(rf.SpecError, match="of this space"):
            use()
    with pytest.raises(rf.SpecError, match="one of its networks"):
        search.tell(rf.load("resnet18"), 0.0)  # type: ignore[arg-type]
    assert search.best is None


def test_an_edited_space_keeps_the_networks_that_it_still_means() -> None:
    wide, other = space(), space(base="cifar_plain20")
    narrow = space(where={"depth": {"max": 10}})
    deep = next(found for found in wide.sample(0) if found.depth > 10)
    assert narrow.own(deep) is deep
    with pytest.raises(rf.SpecError, match="of this space"):
        other.own(deep)


@pytest.mark.parametrize("value", [None, (1, None), "0.3", [], [[0.1]], 1j, True])
def test_a_result_is_a_number_for_each_objective(value: Any) -> None:
    search = RandomSearch(space())
    with pytest.raises(rf.SpecError, match="is one number"):
        search.tell(search.ask(), value)
    search.tell(search.ask(), np.float32(0.5))
    assert search.best is not None
    assert search.best.value == 0.5


def test_draws_are_counted_from_0_to_the_last() -> None:
    drawn = space()
    assert drawn.nth(np.int64(26)).number == 26
    for number in (27, 10**40, -1, 1.0, "1", None):
        with pytest.raises(rf.SpecError):
            drawn.nth(number)  # type: ignore[arg-type]


def test_fit_takes_what_names_a_network() -> None:
    named = fit("resnet18", params=np.int64(5_000_000))
    assert named == fit(rf.load("resnet18"), params=5e6)


def test_enumerating_goes_on_where_networks_are_rare() -> None:
    rare = space(
        free={"stages[*].depth": {"int": [1, 24]}, "shortcut": ["projection"]},
        where={"depth": {"min": 146}},
    )
    assert rare.size == 24**3
    assert [found.index for found in rare.enumerate()] == [rare.size - 1]
    with pytest.raises(rf.SpecError, match="none of 50"):
        next(rare.enumerate(tries=50))


def test_options_with_logarithmic_ranges_stay_small() -> None:
    ranges = [{"log_int": [start, start + 17 + start % 7]} for start in range(16, 3000, 50)]
    large = space(
        base="resnet18",
        free={
            "stages[*].width": {"choice": ranges},
            "stem.width": {"choice": ranges},
            "shortcut": ["projection"],
        },
    )
    assert large.size > 2**40
    assert large.template.choices.weight.bit_length() < 400
    assert large.nth(0).digest != large.nth(1).digest


@given(
    st.lists(
        st.one_of(
            st.builds(Constant, st.integers()),
            st.builds(
                Range, st.integers(1, 90), st.integers(1, 3), st.integers(1, 12), st.booleans()
            ),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_options_are_equally_likely_and_values_as_likely_as_in_their_option(options: Any) -> None:
    either = OneOf(options)
    if either.weight > 300_000:
        return
    found = Counter(map(either.pick, range(either.weight)))
    assert len(found) == either.size
    start = 0
    for option in options:
        alone = Counter(map(option.pick, range(option.weight)))
        for index, count in alone.items():
            wanted = count / option.weight / len(options)
            # Rounding changes no probability by more than a thousandth.
            assert abs(found[start + index] / either.weight - wanted) <= wanted / 1000
        start += option.size


def test_the_limit_of_tickets_is_not_told_as_one_of_networks() -> None:
    def blocks(number: int, of: Any) -> dict[str, Any]:
        return {"stages[*].blocks": {"repeat": [number], "of": of}, "shortcut": ["projection"]}

    many = space(free=blocks(60, {"width": {"log_int": [16, 512]}}))
    assert many.points.choices.weight > 2**3000 > many.size
    assert many.nth(7).params > 0
    narrow = {"width": {"log_int": [16, 17]}, "inner": {"log_int": [16, 17]}}
    with pytest.raises(rf.SpecError, match=r"more than 2\^12000 lottery tickets"):
        space(free=blocks(256, narrow))
    with pytest.raises(rf.SpecError, match=r"the space is larger than 2\^3000"):
        space(free=blocks(256, {"width": {"int": [16, 512]}}))


def test_what_build_refuses_is_no_network() -> None:
    huge = space(free={"stages[*].width": {"int": [20_000, 40_960]}, "shortcut": ["projection"]})
    found = survey(huge, 20)
    assert (found.networks, found.within) == (0, 0)
    with pytest.raises(rf.SpecError, match="parameters, of at most 2,000,000,000"):
        huge.nth(0)


def test_the_error_of_an_empty_space_tells_of_each_limit() -> None:
    conflict = space(where={"params": {"min": 250_000}, "depth": {"max": 8}})
    with pytest.raises(rf.SpecError) as caught:
        next(conflict.sample())
    (fault,) = caught.value.faults
    assert "at least 250,000 params: kept by" in fault.message
    assert "at most 8 depth: kept by 3.7% of the networks" in fault.message
    assert "all of them: kept by none" in fault.message
    assert fault.path == "where.params"
    assert fault.help == (
        "extend where.params to 223,258 and extend where.depth to 12, or free more fields"
    )
    never = space(where={"params": {"min": 1e8}, "macs": {"max": 10}})
    with pytest.raises(rf.SpecError, match="kept by none, the nearest has 269,722") as caught:
        next(never.sample())
    assert caught.value.faults[0].help == (
        "extend where.params to 75,290 and extend where.macs to 12,239,488, or free more fields"
    )


def test_spaces_are_equal_where_they_draw_alike(tmp_path: Path) -> None:
    tree = {"stem.width": {"int": [8, 16]}, "stages[*].depth": {"int": [1, 3]}}
    other = dict(reversed(tree.items()))
    file = tmp_path / "space.json"
    file.write_text(json.dumps({"space": 1, "base": "cifar_resnet20", "free": tree}))
    assert load_space(file) == load_space(file) == space(free=tree)
    assert hash(load_space(file)) == hash(space(free=tree))
    assert space(free=tree) != space(free=other)


def test_indexes_that_floats_would_round_are_text() -> None:
    far = dataclasses.replace(space().nth(0), index=2**53 + 1)
    assert record_of(far)["index"] == "9007199254740993"
    assert record_of(space().nth(0))["index"] == space().nth(0).index


@pytest.mark.parametrize("format", ["yaml", "jsonl"])
@pytest.mark.parametrize("spoil", ["delete", "empty", "cut", "zeros"])
def test_a_folder_becomes_the_first_of_the_sample_again(
    tmp_path: Path, format: Any, spoil: str
) -> None:
    drawn = space(free={"stages[*].depth": {"int": [1, 3]}, "shortcut": ["none", "projection"]})

    def fill(name: str, count: int) -> dict[str, bytes]:
        out = tmp_path / name
        [*NetworkFolder(out, drawn, format=format).fill(count)]
        return {file.name: file.read_bytes() for file in out.iterdir()}

    whole = fill("whole", 12)
    fill("spoiled", 9)
    if format == "yaml":
        file = sorted((tmp_path / "spoiled").glob("*.yaml"))[4]
        text = file.read_bytes()
        left = {"empty": b"", "cut": text[:-20], "zeros": bytes(len(text))}
        file.unlink() if spoil == "delete" else file.write_bytes(left[spoil])
    else:
        file = tmp_path / "spoiled" / "networks.jsonl"
        lines = file.read_bytes().splitlines(keepends=True)
        left = {"delete": lines[:3] + lines[5:], "cut": [*lines[:3], lines[3][:-20]]}
        file.write_bytes(b"".join(left.get(spoil, [])))
    assert fill("spoiled", 12) == whole


NESTED = {
    "stages[*].block": {
        "choice": [
            "basic",
            {
                "kind": "bottleneck",
                "expansion": {"choice": [1, 2]},
                "attention": {"choice": ["se", None]},
            },
        ],
        "each": "same",
    },
    "stages[*].depth": {"choice": [{"int": [1, 3]}, 9]},
    "stages[*].width": {"int": [8, 64], "step": 8, "each": "increasing"},
    "stochastic_depth": [None, {"rate": {"real": [0, 0.5], "step": 0.1}}],
    "norm": ["batch", {"kind": "group", "groups": {"choice": [4, 8]}}],
    "shortcut": ["none", "projection"],
}


@given(st.data())
def test_a_network_is_found_at_a_point_that_is_it(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["nested", "cifar_resnets", "anynet_x_a"]))
    drawn = space(free=NESTED) if name == "nested" else load_space(name)
    index = data.draw(st.integers(0, drawn.size - 1))
    spec = rf.ResNetSpec.unchecked(drawn.template.tree_at(index))
    values = finding.values_at(drawn.template, index)
    again = drawn.index_of(values)
    assert rf.ResNetSpec.unchecked(drawn.template.tree_at(again)).digest == spec.digest
    at = drawn.look(index)
    if isinstance(at, Architecture):
        named = spec.replace({"name": "other"})
        assert drawn.find(named).digest == at.digest
        assert drawn.values(at) == values
    else:
        with pytest.raises(rf.SpecError):
            drawn.find(spec)


def test_why_a_network_is_not_in_a_space() -> None:
    drawn = load_space("cifar_resnets")
    with pytest.raises(rf.SpecError) as caught:
        drawn.find("cifar_plain20")
    assert [fault.path for fault in caught.value.faults] == ["shortcut"]
    with pytest.raises(rf.SpecError) as caught:
        drawn.find("resnet18")
    assert [fault.path for fault in caught.value.faults] == [
        "stages[0].width",
        "stem",
        "stages",
        "head.num_classes",
    ]
    with pytest.raises(rf.SpecError) as caught:
        space(base="cifar_plain20").find("cifar_resnet20")
    assert {fault.path for fault in caught.value.faults} == {"shortcut.match", "shortcut.change"}
    with pytest.raises(rf.SpecError, match="has 269,722 params, and not at most 200,000"):
        space(where={"params": {"max": 2e5}}).find("cifar_resnet20")
    with pytest.raises(rf.SpecError, match="is left out"):
        space().index_of({"stages[0].depth": 1})
    with pytest.raises(rf.SpecError, match="takes a mapping"):
        space().index_of(3)  # type: ignore[arg-type]
    numbers = {f"stages[{stage}].depth": np.int64(2) for stage in range(3)}
    assert space().index_of(numbers) == 13
    with pytest.raises(rf.SpecError, match="is not free"):
        space().index_of({**space().values(space().nth(0)), "stem.width": 8})
    with pytest.raises(rf.SpecError, match="none of the values"):
        space().index_of({**space().values(space().nth(0)), "stages[1].depth": 4})


@pytest.mark.parametrize("name", ["nested", "cifar_resnets"])
def test_domains_are_what_values_come_from(name: str) -> None:
    drawn = space(free=NESTED) if name == "nested" else load_space(name)
    domains = drawn.domains
    for index in range(0, drawn.size, drawn.size // 50):
        values = finding.values_at(drawn.template, index)
        assert values.keys() == domains.keys()
        assert all(value in domains[place] for place, value in values.items())
    assert domains["stages[0].width"] == [*range(8, 65 if name == "nested" else 129, 8)]


def test_a_domain_that_is_too_long_is_refused() -> None:
    blocks = {"repeat": [9], "of": {"width": {"int": [16, 64]}}}
    with pytest.raises(rf.SpecError, match="of at most 100,000 in a list"):
        _ = space(free={"stages[0].blocks": blocks, "shortcut": ["projection"]}).domains


def test_a_search_starts_from_published_networks() -> None:
    drawn = load_space("cifar_resnets")
    search = Evolution(drawn, population=2, tournament=2)
    for name in ("cifar_resnet20", "cifar_resnet32"):
        search.tell(drawn.find(name), 0.0)
    child = search.ask()
    assert child.move
    assert child.digest not in {rf.load("cifar_resnet20").digest, rf.load("cifar_resnet32").digest}


def test_options_are_drawn_by_their_weights() -> None:
    drawn = space(
        free={
            "shortcut": {"choice": ["none", "projection", "zero_pad"], "weights": [0.5, 2, 1.5]},
            "stages[*].depth": {"choice": [1, {"int": [2, 9]}], "weights": [1, 3], "each": "same"},
        }
    )
    weight = drawn.template.choices.weight
    picked = [drawn.template.choices.split(drawn.points.choices.pick(t)) for t in range(weight)]
    shortcuts = Counter(shortcut for shortcut, _ in picked)
    assert [shortcuts[index] * 8 for index in range(3)] == [weight, 4 * weight, 3 * weight]
    assert sum(depth == 0 for _, depth in picked) * 4 == weight


WRONG_WEIGHTS = {
    "too few": ([1], "a weight for each of 2 options"),
    "none": ([0, 1], "a weight is above 0"),
    "a word": ([1, "2"], "expected a number"),
    "far apart": ([1e-9, 1e9], "more than 1,000,000 times"),
}


@pytest.mark.parametrize(("weights", "message"), WRONG_WEIGHTS.values(), ids=list(WRONG_WEIGHTS))
def test_weights_have_place_and_remedy(weights: list[Any], message: str) -> None:
    free = {"shortcut": {"choice": ["none", "projection"], "weights": weights}}
    with pytest.raises(rf.SpecError, match=message) as caught:
        space(free=free)
    assert caught.value.faults[0].path.startswith("free.shortcut.weights")
    assert caught.value.faults[0].help


@pytest.mark.parametrize("log", ["", "log_"])
def test_decreasing_rows_are_increasing_ones_from_their_end(log: str) -> None:
    rows = {f"{log}int": [8, 24], "step": 8}
    up, down = (
        space(free={"stages[*].width": rows | {"each": each}, "shortcut": ["projection"]})
        for each in ("increasing", "decreasing")
    )
    widths = [[stage.width for stage in found.spec.stages] for found in down.enumerate()]
    assert len(widths) == len({*map(tuple, widths)}) == up.size == 10
    assert all(row == sorted(row, reverse=True) for row in widths)
    assert all(down.find(found.spec).digest == found.digest for found in down.enumerate())
    moves = {move.digest for move in down.neighbours(down.nth(0))}
    assert moves <= {found.digest for found in down.enumerate()}


def test_more_tries_find_rarer_networks_and_change_no_other() -> None:
    rare = space(
        free={"stages[*].depth": {"int": [1, 40]}, "shortcut": ["projection"]},
        where={"depth": {"max": 14}},
    )
    few = [*islice(rare.sample(1, tries=60_000), 3)]
    assert [found.digest for found in islice(rare.sample(1, tries=64_000), 3)] == [
        found.digest for found in few
    ]
    with pytest.raises(rf.SpecError, match="none of 10 of 64,000 points"):
        rare.nth(few[0].number, seed=1, tries=10)
