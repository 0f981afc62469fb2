"""NumPy's numbers, any mapping and any sequence are taken wherever Python's own are."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import OrderedDict, UserDict, UserList
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum, IntEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import resforge as rf
import torch
from hypothesis import given
from hypothesis import strategies as st
from resforge.ablation import Sweep, plan_sweep, run_sweep
from resforge.export.source.network import to_code
from resforge.generation import (
    Evolution,
    NetworkFolder,
    Space,
    crossover,
    edf,
    fit,
    load_space,
    mutate,
    survey,
)
from resforge.specs.catalogue import list_specs
from resforge.specs.operations import ConvSpec
from resforge.specs.plain import is_number, is_whole, plain
from resforge.training import DigitsSpec, Recipe, Training, load_data

TREE: dict[str, Any] = {
    "resforge": 1,
    "stem": ["norm", {"conv": 3, "width": 8, "bias": True}],
    "stages": [{"depth": 2, "width": 8}, {"depth": 1, "width": 16, "stride": 2}],
    "stochastic_depth": 0.25,
    "head": {"num_classes": 5},
}
#: Types would refuse what the functions take.
I64: Any = np.int64
WHOLE = (np.int8, np.uint8, np.int32, np.int64, np.uint64, np.intp)


class OwnMapping(Mapping[str, Any]):
    """A mapping with the least that a mapping needs, as OmegaConf's are no ``dict``."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self._tree = tree

    def __getitem__(self, key: str) -> Any:
        return self._tree[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tree)

    def __len__(self) -> int:
        return len(self._tree)


class OwnSequence(Sequence[Any]):
    """A sequence with the least that a sequence needs."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)


#: As above.
own: Any = OwnSequence
MAPPINGS: tuple[Callable[[dict[str, Any]], Any], ...] = (
    dict,
    OrderedDict,
    UserDict,
    MappingProxyType,
    OwnMapping,
)
SEQUENCES: tuple[Callable[[list[Any]], Any], ...] = (list, tuple, UserList, OwnSequence)


def disguised(
    value: Any, mapping: Callable[..., Any], sequence: Callable[..., Any], whole: type = np.int64
) -> Any:
    """``value`` with every container and number of another type."""
    if isinstance(value, dict):
        return mapping(
            {key: disguised(item, mapping, sequence, whole) for key, item in value.items()}
        )
    if isinstance(value, list):
        return sequence([disguised(item, mapping, sequence, whole) for item in value])
    if isinstance(value, bool):
        return np.bool_(value)
    if isinstance(value, int):
        return whole(value) if value <= np.iinfo(whole).max else I64(value)
    return np.float64(value) if isinstance(value, float) else value


@given(
    name=st.sampled_from(list_specs()),
    mapping=st.sampled_from(MAPPINGS),
    sequence=st.sampled_from(SEQUENCES),
    whole=st.sampled_from(WHOLE),
)
def test_a_spec_is_the_same_of_whatever_types_its_tree_is(
    name: str, mapping: Any, sequence: Any, whole: type
) -> None:
    spec = rf.load(name)
    for tree in (spec.to_tree(), spec.model_dump(mode="json")):
        strange = disguised(tree, mapping, sequence, whole)
        for found in (
            rf.ResNetSpec(**strange),
            rf.ResNetSpec.model_validate(strange),
            rf.load(strange),
        ):
            assert found == spec
            assert found.digest == spec.digest
            assert found.to_yaml() == spec.to_yaml()
            assert pickle.loads(pickle.dumps(found)) == spec


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_every_function_that_takes_a_name_takes_a_mapping(mapping: Any) -> None:
    tree, spec = disguised(TREE, mapping, tuple), rf.ResNetSpec(**TREE)
    assert rf.load(tree) == spec
    assert rf.plan(tree, I64(32)) == rf.plan(spec, 32)
    assert rf.plan(tree, own([I64(32), 48])) == rf.plan(spec, (32, 48))
    assert rf.build(tree, device="meta").spec == spec
    assert rf.diff(tree, spec) == ()
    assert to_code(tree) == to_code(spec)


def test_replace() -> None:
    spec = rf.load("resnet18")
    changed = spec.replace(
        MappingProxyType(
            {
                "stages[0].depth": I64(3),
                "stages[1]": OwnMapping({"depth": I64(1), "width": 128, "stride": 2}),
                "stem": ("norm", OwnMapping({"conv": I64(3), "width": 64})),
                "stochastic_depth": np.float32(0.5),
            }
        )
    )
    assert [stage.depth for stage in changed.stages] == [3, 1, 2, 2]
    assert type(changed.stages[0].depth) is int
    assert changed.stochastic_depth is not None


def name_of(value: Any) -> str:
    """The name of a case, the same in every process."""
    return value if isinstance(value, str) else type(value).__name__


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.True_, "expected a whole number, not true"),
        (True, "expected a whole number, not true"),
        (np.float64(3.0), "expected a whole number, not 3.0"),
        (I64(-3), "-3 is out of range"),
        (np.array(3), "expected a whole number, not an array"),
        (np.array([3]), "expected a whole number, not an array"),
        (torch.tensor(3), "expected a whole number, not a tensor"),
        (np.float64("nan"), "expected a whole number, not nan"),
        (OwnMapping({"a": 1}), "expected a whole number, not a mapping"),
        (OwnSequence([1]), "expected a whole number, not a list"),
        (np.str_("3"), "expected a whole number, not '3'"),
    ],
    ids=name_of,
)
def test_what_is_no_whole_number(value: Any, message: str) -> None:
    with pytest.raises(rf.SpecError) as caught:
        rf.load("resnet18").replace({"stages[0].depth": value})
    assert (caught.value.message, caught.value.path) == (message, "stages[0].depth")


def test_an_array_says_how_it_becomes_plain() -> None:
    with pytest.raises(rf.SpecError) as caught:
        rf.load("resnet18").replace({"stages[0].depth": np.array(3)})
    assert caught.value.help == "arrays and tensors are not read: call their .tolist()"


@pytest.mark.parametrize("part", [3, object(), np.array([1]), OwnSequence([1])], ids=name_of)
def test_a_stage_that_is_no_mapping(part: Any) -> None:
    with pytest.raises(rf.SpecError) as caught:
        rf.ResNetSpec(**{**TREE, "stages": [part]})
    # A list of depths is one fault, with the whole list to write.
    assert caught.value.path == ("stages" if isinstance(part, int) else "stages[0]")
    assert caught.value.message.startswith("expected a mapping")
    assert "{" not in caught.value.message


def test_hostile_trees_end_in_faults() -> None:
    loop: dict[str, Any] = dict(TREE)
    loop["head"] = loop
    deep: Any = 1
    for _ in range(100_000):
        deep = {"of": deep}
    trees: list[Any] = [loop, {**TREE, "shortcut": deep}, {1: 2}, {**TREE, "stages": [{1: 2}]}]
    for tree in trees:
        with pytest.raises(rf.SpecError):
            rf.load(tree)
    while isinstance(deep, dict):  # or its own end would recurse
        deep = deep["of"]


def test_plain_values_are_new_and_specs_stay() -> None:
    spec, inner = rf.load("resnet18"), {"depth": 2}
    found = plain({"a": inner, "spec": spec, "bytes": b"12", "range": range(2)})
    inner["depth"] = 3
    assert found == {"a": {"depth": 2}, "spec": spec, "bytes": b"12", "range": [0, 1]}
    assert found["spec"] is spec


def test_enumerations_are_their_values() -> None:
    class Depth(IntEnum):
        TWO = 2

    class Kind(str, Enum):  # noqa: UP042 - whose str() is not its value
        BASIC = "basic"

    found = plain({Kind.BASIC: Kind.BASIC, "depth": Depth.TWO})
    assert found == {"basic": "basic", "depth": 2}
    assert [type(value) for value in (*found, *found.values())] == [str, str, str, int]


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_numbers(kind: Any) -> None:
    assert is_whole(kind(3))
    assert is_number(kind(3))
    assert not any(map(is_whole, (True, np.True_, 3.0, np.float64(3), "3", np.array(3))))
    assert not any(map(is_number, (True, np.True_, "3", np.array(3.0), 1j)))


SEEDED: dict[str, Callable[[Any], Any]] = {
    "build": lambda seed: rf.build(TREE, seed=seed).get_parameter("fc.weight").tolist(),
    "mutate": lambda seed: mutate(rf.load("resnet18"), seed=seed).spec,
    "crossover": lambda seed: crossover(rf.load("resnet18"), rf.load("resnet34"), seed).spec,
    "space.nth": lambda seed: load_space("cifar_resnets").nth(seed, seed).index,
    "space.sample": lambda seed: next(load_space("cifar_resnets").sample(seed)).index,
    "space.mutate": lambda seed: _mutated(load_space("cifar_resnets"), seed),
    "survey": lambda seed: survey(load_space("cifar_resnets"), points=9, seed=seed).as_dict(),
    "search": lambda seed: Evolution(load_space("cifar_resnets"), seed, seed, seed).ask().index,
    "edf": lambda seed: edf([0.1, 0.3], resamples=seed, seed=seed),
    "training": lambda seed: _first_loss(seed),
}


def _mutated(space: Space, seed: int) -> int:
    return space.mutate(space.nth(0), seed).index


def _first_loss(seed: int) -> float:
    model = rf.build("digits_resnet8", seed=0)
    return Training(model, load_data(DigitsSpec()), Recipe(steps=1, batch_size=8), seed).advance()


@pytest.mark.parametrize("call", SEEDED.values(), ids=SEEDED)
def test_a_seed_is_a_whole_number(call: Callable[[Any], Any]) -> None:
    assert call(I64(7)) == call(7)
    for wrong in (True, 7.0, "7", np.float64(7)):
        with pytest.raises(rf.SpecError, match=r"whole number|no index"):
            call(wrong)


def test_spaces() -> None:
    declared = {
        "space": 1,
        "base": TREE,
        "free": {"stages[*].depth": {"int": [1, 3]}, "head.dropout": [0.0, 0.25]},
        "where": {"params": [0, 500_000]},
    }
    usual, strange = Space(**declared), Space(**disguised(declared, OwnMapping, tuple))
    assert strange.model_dump() == usual.model_dump()
    assert strange.size == usual.size
    chosen = dict.fromkeys(usual.fields, 1)
    index = usual.index(chosen)
    assert strange.index({path: I64(1) for path in chosen}) == index
    assert strange.at(I64(index)) == usual.at(index)
    assert [found.index for found in strange.enumerate(I64(1), I64(2))] == [
        found.index for found in usual.enumerate(1, 2)
    ]


def test_fit() -> None:
    spec = rf.load("resnet18")
    assert fit(spec, params=I64(5_000_000), step=I64(8)) == fit(spec, params=5_000_000, step=8)


def test_a_folder_of_networks_is_gone_on_with(tmp_path: Path) -> None:
    space = load_space("cifar_resnets")
    for seed, count in ((I64(3), 1), (3, 2)):
        assert len([*NetworkFolder(tmp_path, space, seed=seed).fill(count)]) == 1


SWEEP: dict[str, Any] = {
    "sweep": 1,
    "base": "digits_resnet8",
    "axes": {"width": {"8": {"stages[0].width": 8}, "12": {"stages[0].width": 12}}},
    "seeds": [3, 5],
    "recipe": {"steps": 2, "batch_size": 8, "warmup": 1, "evaluations": 1},
    "comparisons": {"axis": "width", "to": "8"},
    "timeout": 60,
}


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_sweep_has_the_same_trials(mapping: Any) -> None:
    usual, strange = Sweep(**SWEEP), Sweep(**disguised(SWEEP, mapping, tuple))
    assert strange == usual
    assert strange.model_dump_json() == usual.model_dump_json()
    assert [t.key for t in plan_sweep(strange).trials] == [t.key for t in plan_sweep(usual).trials]
    assert Sweep(**{**SWEEP, "seeds": I64(2)}).seeds == (0, 1)


def test_a_sweep_runs(tmp_path: Path) -> None:
    sweep = Sweep(**disguised(SWEEP, OwnMapping, tuple))
    summary = run_sweep(sweep, tmp_path, workers=I64(1), engine="inline", device="cpu")
    assert summary.statuses == {"done": 4}


@pytest.mark.parametrize("workers", [0, True, 1.0, np.float64(1)])
def test_workers_are_a_count(workers: Any, tmp_path: Path) -> None:
    with pytest.raises(rf.ResforgeError, match="workers is"):
        run_sweep(Sweep(sweep=1, base="digits_resnet8", arms={"a": {}}), tmp_path, workers)


def test_a_registered_kind_and_every_part_of_a_spec() -> None:
    assert ConvSpec(kernel=I64(3), width=I64(8)) == ConvSpec(kernel=3, width=8)


def test_rows_of_a_head(tmp_path: Path) -> None:
    rf.save_weights(rf.build("resnet18", seed=1), tmp_path / "w.safetensors")
    model = rf.build(rf.load("resnet18").replace({"head.num_classes": I64(2)}))
    for rows in ([I64(3), I64(7)], (3, 7), own([3, 7])):
        rf.load_weights(model, tmp_path / "w.safetensors", head=rows)
        kept = rf.build("resnet18", seed=1).get_parameter("fc.weight")[[3, 7]]
        assert torch.equal(model.get_parameter("fc.weight"), kept)


def test_feature_maps() -> None:
    maps = rf.FeatureMaps(rf.build("resnet18", device="meta"), OwnSequence([I64(1), 3]))
    assert maps.names == ["layer1", "layer3"]


def test_numpy_is_not_imported_for_specs() -> None:
    code = (
        "import sys, resforge as rf; rf.ResNetSpec(resforge=1, base='resnet18');"
        " print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
