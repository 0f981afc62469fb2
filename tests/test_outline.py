"""Networks whose specs are not made: what is found out about one is that of its spec."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from itertools import islice
from typing import Any, cast

import pytest
import resforge as rf
from hypothesis import given
from hypothesis import strategies as st
from resforge.generation import Architecture, Space, list_spaces, load_space
from resforge.generation.choices import Choices, Constant, OneOf, Point, Product, Range, Same
from resforge.generation.rows import Decreasing, Increasing
from resforge.planner.figures import figures_at
from resforge.specs import ResNetSpec
from resforge.specs.canonical import canonical, digest
from resforge.specs.outline import Outline, StageOutline
from resforge.specs.resolve import runs_of
from resforge.specs.rules import broken_rules, rules_for
from resforge.testing import strategies


def outlined(spec: ResNetSpec) -> ResNetSpec:
    """What stands in for a spec."""
    return cast(ResNetSpec, Outline.of(spec))


@given(spec=strategies.specs())
def test_an_outline_stands_in_for_its_spec(spec: ResNetSpec) -> None:
    size = (spec.natural_input_size,) * spec.dims
    outline = outlined(spec)
    assert rules_for(outline) == rules_for(spec)
    assert runs_of(outline) == runs_of(spec.model_copy())
    assert figures_at(outline, size) == figures_at(spec, size)
    assert digest(outline, size) == spec.digest
    assert canonical(outline) == canonical(spec)
    assert Outline.of(spec).spec() == spec


def test_an_outline_has_the_fields_of_a_spec_alone() -> None:
    spec = rf.load("resnet18")
    outline = Outline.of(spec)
    assert outline.head == spec.head
    assert [stage.stride for stage in outline.stages] == [1, 2, 2, 2]
    for part in (outline, outline.stages[0]):  # what else a base says is not of these stages
        for name in ("digest", "to_tree", "model_fields_set", "natural_input_size"):
            with pytest.raises(AttributeError, match=name):
                getattr(part, name)


def test_a_spec_takes_over_the_runs_of_its_outline() -> None:
    outline = Outline.of(rf.load("resnet18"))
    runs = runs_of(cast(ResNetSpec, outline))
    assert runs_of(outline.spec()) is runs


@given(tree=strategies.trees(), depth=st.integers(1, 40), width=st.integers(1, 99))
def test_an_outline_of_other_sizes_is_legal_where_its_spec_is(
    tree: dict[str, Any], depth: int, width: int
) -> None:
    base = ResNetSpec.unchecked(tree)
    stages = [*map(StageOutline.of, base.stages)]
    stages[-1] = stages[-1].sized(None if base.stages[-1].blocks else depth, width)
    outline = Outline(base, stages)
    spec, stand_in = outline.spec(), cast(ResNetSpec, outline)
    assert (spec.stages[-1].depth, spec.stages[-1].width) == stages[-1][3:]
    rules = rules_for(stand_in)
    assert rules == rules_for(spec)
    legal = rules.kept_by(spec)
    assert legal == (not broken_rules(spec))
    if rules.of_outlines:
        assert rules.kept_by(stand_in) == legal
    if legal:
        assert runs_of(stand_in) == runs_of(spec)
        assert digest(stand_in) == digest(spec)


@pytest.mark.parametrize("name", list_spaces())
def test_draws_make_no_specs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(Outline, "spec", lambda outline: made.append(outline))
    assert all(found.params for found in islice(load_space(name).sample(seed=3), 20))
    assert not made


def test_the_spec_of_a_drawn_network_is_made_once() -> None:
    found = load_space("anynet_x_a").nth(0)
    assert "spec" not in vars(found)
    assert found.spec is found.spec
    assert not vars(found)["_ways"]  # what it is made of is let go
    assert found.spec.digest == found.digest


@pytest.mark.parametrize(
    "turn", [copy.copy, copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))]
)
def test_a_drawn_network_is_a_plain_value(turn: Any) -> None:
    space = load_space("anynet_x_a")
    found, known = space.nth(5), space.nth(5)
    assert turn(found) == known
    assert hash(turn(found)) == hash(known)
    assert repr(turn(found)) == repr(known)
    assert dataclasses.replace(turn(found), number=7).spec == known.spec


def leaves() -> st.SearchStrategy[Choices]:
    """Choices of one value."""
    ranges = st.builds(
        Range, st.integers(1, 5), st.integers(1, 3), st.integers(1, 6), st.booleans()
    )
    words = st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True)
    named = words.flatmap(
        lambda some: st.builds(
            OneOf,
            st.just([Constant(word) for word in some]),
            st.none() | st.lists(st.integers(1, 4), min_size=len(some), max_size=len(some)),
        )
    )
    return st.recursive(
        ranges | named,
        lambda inner: (
            st.builds(OneOf, st.lists(inner, min_size=1, max_size=3))
            | st.builds(Product, st.lists(inner, min_size=1, max_size=3))
        ),
        max_leaves=4,
    )


@st.composite
def lists(draw: st.DrawFn, places: int) -> Choices:
    """Choices of a list with a value for each of so many places."""
    kind = draw(st.sampled_from([Product, Same, Increasing, Decreasing]))
    if kind is Product:
        return Product([draw(leaves())] * places)
    if kind is Same:
        return Same(draw(leaves()), places)
    size, log = draw(st.integers(1, 6)), draw(st.booleans())
    return cast(Choices, kind(Range(1, 1, size, log), places))


@given(data=st.data())
def test_marks_tell_the_values_of_places_apart(data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    fields = [data.draw(lists(count)) for count in places]
    point, product = Point(fields, places), Product(fields)
    assert (point.size, point.weight) == (product.size, product.weight)
    some = st.integers(0, point.weight - 1)
    seen: list[dict[int, Any]] = [{} for _ in range(sum(places))]
    for ticket in data.draw(st.lists(some, min_size=1, max_size=20)):
        index = point.pick(ticket)
        assert index == product.pick(ticket)
        digits = [
            choices.pick(digit)
            for choices, digit in zip(fields, _split(ticket, fields), strict=True)
        ]
        assert index == point.join(digits)
        marks = point.marks(index)
        assert marks == Point(fields, places).marks(index)
        values = [value for row in point.unrank(index) for value in row]
        assert len(marks) == len(values) == len(seen)
        for mark, value, known in zip(marks, values, seen, strict=True):
            assert known.setdefault(mark, value) == value


def _split(ticket: int, fields: list[Choices]) -> list[int]:
    """The part of a ticket that each field has, the last one varying fastest."""
    parts = []
    for choices in reversed(fields):
        ticket, part = divmod(ticket, choices.weight)
        parts.append(part)
    return parts[::-1]


@given(spec=strategies.specs(), factors=st.lists(st.integers(1, 7), min_size=1, max_size=3))
def test_points_are_what_is_found_of_their_specs(spec: ResNetSpec, factors: list[int]) -> None:
    widths = [factor * (spec.stages[0].width or 1) % 4096 + 1 for factor in factors]
    base = spec.model_dump(mode="json")
    space = Space(space=1, base=base, free={"stages[0].width": [*dict.fromkeys(widths)]})
    for index in range(space.size):
        found = space.look(index)
        whole = ResNetSpec.unchecked(space.template.tree_at(index))
        if isinstance(found, Architecture):
            size = (space.pictures,) * spec.dims
            assert found.digest == whole.digest
            assert found.spec == whole
            assert figures_at(whole, size) == (
                found.params,
                found.macs,
                found.activations,
                found.depth,
                found.receptive_field,
            )
        elif found.figures is None and (faults := broken_rules(whole)):
            assert [fault.message for fault in found.faults] == [f.message for f in faults]
