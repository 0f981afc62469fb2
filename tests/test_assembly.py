"""Specs put together from values that were validated once: equal to those validated as a whole."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import pytest
import resforge as rf
from hypothesis import given
from pydantic import BaseModel
from resforge.generation import Space, list_spaces, load_space
from resforge.generation.assembly import Assembly
from resforge.generation.parts import Part
from resforge.specs import ResNetSpec
from resforge.specs.canonical import digest
from resforge.specs.operations import ConvSpec
from resforge.specs.stage import StageSpec
from resforge.testing import strategies

BASE = rf.load("cifar_resnet20").model_dump(mode="json", exclude={"name"})
NAMES = [name for name in ResNetSpec.model_fields if name not in ("resforge", "name")]


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, of the same types, and hold the same fields as given."""
    if isinstance(one, BaseModel):
        alike = type(one) is type(other) and one.model_fields_set == other.model_fields_set
        mine, theirs = one.__dict__, other.__dict__
        return alike and [*mine] == [*theirs] and all(same(mine[n], theirs[n]) for n in mine)
    if isinstance(one, tuple | list):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def of_fields(names: list[str]) -> Assembly:
    """An assembly of trees that differ in some fields, all by one mark."""
    return Assembly(BASE, [Part((name,), [0]) for name in names])


@given(first=strategies.trees(), second=strategies.trees())
def test_a_spec_put_together_is_the_one_validated_as_a_whole(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    assembly = of_fields(NAMES)
    for mark, written in enumerate((first, second, first)):
        tree = {**BASE, **{key: written[key] for key in NAMES if key in written}}
        found, whole = assembly.learned([mark], tree).spec(), ResNetSpec.unchecked(tree)
        assert same(found, whole)
        assert found == whole
        assert found.digest == whole.digest
        assert found.to_yaml() == whole.to_yaml()


@pytest.mark.parametrize("name", list_spaces())
def test_the_specs_of_a_space_are_those_of_its_trees(name: str) -> None:
    template = load_space(name).template
    step = template.choices.size // 50 + 1
    for index in islice(range(0, template.choices.size, step), 50):
        assert same(template.spec_at(index), ResNetSpec.unchecked(template.tree_at(index)))


STAGE = {"depth": 1, "width": 8, "block": {"kind": "bottleneck"}}
SPACES: dict[str, dict[str, Any]] = {
    "derived star by star": {
        "free": {"stages[*].depth": {"int": [1, 3]}},
        "derive": {"stages[*].width": {"of": "stages[*].depth", "times": 8}},
    },
    "derived from what is not free": {
        "free": {"in_channels": [1, 3]},
        "derive": {"stages[0].width": {"of": "stem.width", "times": 2}},
    },
    "derived from a derived one": {
        "free": {"stages[0].width": {"int": [8, 16], "step": 8}},
        "derive": {
            "stages[2].width": {"of": "stages[1].width", "times": 2},
            "stages[1].width": {"of": "stages[-3].width", "times": 2},
            "stem.width": "stages[0].width",
        },
    },
    "derived from within an option": {
        "free": {"block": [{"kind": "bottleneck", "expansion": {"int": [1, 4]}}]},
        "derive": {"stages[*].depth": "block.expansion"},
    },
    "derived as a whole": {
        "free": {"stages[0].block": [{"kind": "bottleneck", "expansion": n} for n in (1, 2)]},
        "derive": {
            "stages[1].block": "stages[0].block",
            "stages[2].depth": "stages[1].block.expansion",
        },
    },
    "whole stages": {
        "free": {"stages[0]": [STAGE, {**STAGE, "depth": 2}], "stages[1].width": [8, 24]},
        "derive": {"stages[2].depth": "stages[0].depth", "stem.width": "stages[1].width"},
    },
    "all stages": {
        "free": {"stages": [[STAGE], [STAGE, {**STAGE, "width": 24}]]},
        "derive": {"stem.width": "stages[-1].width"},
    },
    "sizes that are null": {
        "free": {
            "stages": [
                [{"blocks": [{}], "depth": None, "width": 8}],
                [{"depth": 1, "width": None, "widen": "linear"}, {**STAGE, "widen": "linear"}],
            ]
        },
    },
    "blocks one by one": {
        "free": {
            "stages[0].blocks": {"repeat": {"int": [1, 2]}, "of": {"choice": [{}, {"width": 24}]}},
            "stages[1].depth": {"int": [1, 2]},
        },
    },
    "rows": {
        "free": {
            "stages[*].depth": {"int": [1, 2], "each": "decreasing"},
            "stages[*].width": {"int": [8, 24], "step": 8, "each": "increasing"},
            "stages[*].stride": {"choice": [1, [1, 2]], "each": "same"},
        },
    },
}


@pytest.mark.parametrize("tree", SPACES.values(), ids=SPACES)
def test_what_depends_on_a_choice_follows_it(tree: dict[str, Any]) -> None:
    template = Space(space=1, base="cifar_resnet20", **tree).template
    step = template.choices.size // 100 + 1
    for index in [*range(0, template.choices.size, step)] * 2:  # met first, and known
        assert same(template.spec_at(index), ResNetSpec.unchecked(template.tree_at(index)))


def test_only_so_many_values_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resforge.generation.assembly.MOST_OF_ONE", 3)
    template = load_space("cifar_resnets").template
    for index in range(0, template.choices.size, template.choices.size // 50):
        assert same(template.spec_at(index), ResNetSpec.unchecked(template.tree_at(index)))
        assert all(len(part.known) <= 3 for part in template._assembly._parts)


def test_options_that_python_holds_for_equal_stay_apart() -> None:
    assembly = of_fields(["in_channels", "stages"])
    stages = [{"depth": 1, "width": 8}]
    assert assembly.learned([0], {**BASE, "in_channels": 1, "stages": stages}).in_channels == 1
    for mark, wrong in enumerate((True, 1.0, "1"), start=1):
        with pytest.raises(rf.SpecError, match="in_channels"):
            assembly.learned([mark], {**BASE, "in_channels": wrong, "stages": stages})
        with pytest.raises(rf.SpecError, match=r"stages\[0\].depth"):
            assembly.learned([-mark], {**BASE, "stages": [{"depth": wrong, "width": 8}]})


def test_values_that_no_text_holds_are_validated_with_the_whole() -> None:
    tree = {**BASE, "block": rf.load("resnet50").block}
    assert same(of_fields(["block"]).learned([0], tree).spec(), ResNetSpec.unchecked(tree))


@pytest.mark.parametrize(
    "stages",
    [[], [{"depth": 1, "width": 8}] * 65, {}, [3], [{"depth": 1, "size": 8}], [{"depth": {1: 2}}]],
)
def test_faults_are_those_of_the_whole_tree(stages: Any) -> None:
    tree = {**BASE, "stages": stages}
    with pytest.raises(rf.SpecError) as whole:
        ResNetSpec.unchecked(tree)
    with pytest.raises(rf.SpecError) as found:
        of_fields(["stages"]).learned([0], tree)
    assert found.value.faults == whole.value.faults


def test_neither_a_stage_nor_a_network_has_a_rule_between_its_fields() -> None:
    # One would not be looked at where fields are validated one by one.
    assert not StageSpec.__pydantic_decorators__.model_validators
    assert list(ResNetSpec.__pydantic_decorators__.model_validators) == ["_keep_the_rules"]


@given(spec=strategies.specs())
def test_a_digest_is_the_same_read_from_layouts_of_any_size(spec: ResNetSpec) -> None:
    for side in (1, 7, spec.natural_input_size):
        assert digest(spec, (side,) * spec.dims) == spec.digest


def test_a_class_that_derives_from_a_sizeless_one_says_so_again() -> None:
    from resforge.specs.operation import is_sizeless

    class OwnConv(ConvSpec):
        pass

    assert is_sizeless(ConvSpec)
    assert not is_sizeless(OwnConv)


def test_a_kind_that_is_registered_again_is_validated_again() -> None:
    space = Space(space=1, base="cifar_resnet20", free={"block": ["basic", "bottleneck"]})
    template = space.template
    before = template.spec_at(0)
    template._assembly._validator = None  # as after a registration
    assert same(template.spec_at(0), before)
    assert template.spec_at(0).block is not before.block


def test_a_space_that_has_drawn_can_be_pickled_and_copied() -> None:
    space = load_space("cifar_resnets")
    found = space.nth(0)
    for again in (pickle.loads(pickle.dumps(space)), copy.deepcopy(space)):
        assert again.nth(0) == found


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Some threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    with ThreadPoolExecutor(4) as pool:
        yield pool
    sys.setswitchinterval(before)


def test_threads_share_a_space(threads: ThreadPoolExecutor) -> None:
    indexes = range(7, 20 * 10**9, 10**9)
    found = [load_space("anynet_x_d").look(index) for index in indexes]
    for _ in range(20):
        assert [*threads.map(load_space("anynet_x_d").look, indexes)] == found


def test_values_of_neighbouring_stages_that_python_holds_for_equal_stay_apart() -> None:
    assembly, block = of_fields(["stages"]), {"kind": "bottleneck"}
    stages = [{"depth": 1, "width": 8, "stride": 1, "block": block} for _ in range(3)]
    assert same(
        assembly.learned([0], {**BASE, "stages": stages}).spec(),
        ResNetSpec.unchecked({**BASE, "stages": stages}),
    )
    for mark, wrong in enumerate((True, 1.0), start=1):
        with pytest.raises(rf.SpecError, match=r"stages\[1\]\.stride"):
            assembly.learned(
                [mark], {**BASE, "stages": [stages[0], {**stages[1], "stride": wrong}]}
            )
