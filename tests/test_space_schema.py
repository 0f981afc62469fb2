"""The JSON Schema of space files: it takes every space there is, and refuses none that is one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import jsonschema
import pytest
import resforge as rf
from hypothesis import given
from resforge.generation import Space, list_spaces, spaces
from resforge.generation.declared import KINDS
from resforge.text.reader import read

ROOT = Path(__file__).parents[1]
SCHEMA = Space.model_json_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
SMALL = {"space": 1, "base": "cifar_resnet20", "free": {"stem.width": [16, 32]}}


def written() -> dict[str, dict[str, Any]]:
    """Every shipped space, and every one of the document, with what a part of one leaves out."""
    found = {name: read(spaces.text(name)).tree for name in list_spaces()}
    text = (ROOT / "docs" / "generation.md").read_text(encoding="utf-8")
    for number, body in enumerate(re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S)):
        found[f"generation.md[{number}]"] = {**SMALL, **read(body).tree}
    return found


SPACES = written()


def test_it_is_draft_7() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert len(SPACES) >= 10


@pytest.mark.parametrize("name", sorted(SPACES))
def test_it_takes_every_space_there_is(name: str) -> None:
    VALIDATOR.validate(SPACES[name])


@pytest.mark.parametrize(
    "change",
    [
        {"base": {"stages": [{"depth": 1, "width": 8}], "stem": {"kind": "conv3x3"}}},
        {"base": {"base": "resnet18", "shortcut": "none"}},
        {"where": {"params": [100_000, None], "depth": {"max": 50}}},
        {"derive": {"stages[0].width": {"of": "stem.width", "times": 2, "step": 8}}},
        {"free": {"stages[*].width": {"int": [16, 64], "step": 8, "each": "increasing"}}},
        {"free": {"stem.width": {"log_normal": [16, 64], "step": 8, "median": 32, "sigma": 0.5}}},
        {"free": {"stem.width": {"log_normal": [16, 64]}}},
        {"free": {"stages[*].blocks": {"repeat": {"int": [1, 3]}, "of": {"block": "basic"}}}},
        {
            "free": {
                "stages[0].blocks": {
                    "repeat": {"choice": [1, 3], "weights": [2, 1]},
                    "of": {"block": {"choice": ["basic", "d2l"]}},
                }
            }
        },
        {"free": {"stages[*].blocks": {"repeat": [1, 2], "of": {}, "each": "same"}}},
        {"free": {"norm": ["batch", {"kind": "group", "groups": {"choice": [4, 8]}}]}},
        {"free": {"norm": {"choice": [{"kind": "batch", "eps": {"choice": [1e-5, 1e-3]}}]}}},
    ],
    ids=str,
)
def test_it_takes_the_short_forms(change: dict[str, Any]) -> None:
    tree = {**SMALL, **change}
    Space(**tree)
    VALIDATOR.validate(tree)


@pytest.mark.parametrize(
    "change",
    [
        {"spaec": 1},
        {"space": 2},
        {"base": "resnet5"},
        {"base": {"stages": [{"depth": 1, "with": 8}]}},
        {"where": {"flops": [1, 2]}},
        {"where": {"params": [1, 2, 3]}},
        {"where": {"params": {"least": 3}}},
        {"derive": {"stages[0].width": 64}},
        {"derive": {"stages[0].width": {"times": 2}}},
        {"free": {}},
        {"free": {"stem.width": 16}},
        {"free": {"stem.width": []}},
        {"free": {"stem.width": {"integer": [16, 32]}}},
        {"free": {"stem.width": {"int": [16]}}},
        {"free": {"stem.width": {"int": [16, 32.5]}}},
        {"free": {"stem.width": {"int": [16, 32], "step": 0}}},
        {"free": {"stem.width": {"int": [16, 32], "log_int": [16, 32]}}},
        {"free": {"stem.width": {"log_int": [0, 32]}}},
        {"free": {"stem.width": {"real": [16, 32]}}},
        {"free": {"stem.width": {"log_normal": [0, 32]}}},
        {"free": {"stem.width": {"log_normal": [16, 32], "sigma": 0}}},
        {"free": {"stem.width": {"log_normal": [16, 32], "median": "32"}}},
        {"free": {"stem.width": {"int": [16, 32], "sigma": 1}}},
        {"free": {"stages[0].blocks": {"repeat": {"int": [1, 3]}}}},
        {"free": {"stages[0].blocks": {"repeat": [0, 1], "of": {}}}},
        {"free": {"stages[0].blocks": {"repeat": [], "of": {}}}},
        {"free": {"stages[0].blocks": {"repeat": {"real": [1, 3], "step": 1}, "of": {}}}},
        {"free": {"stages[*].width": {"int": [16, 32], "each": "falling"}}},
        {"free": {"block": ["basic", {"kind": "bottleneck", "expansion": {"choice": []}}]}},
        {"free": {"block": [{"kind": "x", "ratio": {"choice": [1, 2], "each": "same"}}]}},
        {"free": {"stages": {"regnet": {"depth": [12, 13]}}}},
        {"free": {"stem.width": {"regnet": SPACES["regnet_x"]["free"]["stages"]["regnet"]}}},
    ],
    ids=str,
)
def test_it_sees_what_an_editor_should(change: dict[str, Any]) -> None:
    tree = {**SMALL, **change}
    assert not VALIDATOR.is_valid(tree)
    with pytest.raises(rf.SpecError):
        Space(**tree)


WRONG = st.sampled_from([True, None, "50", 50.5, 0, -1, [], {}, "int", 10**12, [1], [1, 2], "none"])
NUMBERS = st.sampled_from([0, 1, 2, 8, 16, 1.5, -1, 10**10, True, "8", None])
RANGES = st.dictionaries(
    st.sampled_from([*KINDS, "step", "each", "of", "sigma"]),
    st.one_of(NUMBERS, st.lists(NUMBERS, max_size=3), st.sampled_from(["same", "own"])),
    min_size=1,
    max_size=3,
)
PATHS = st.sampled_from(["stem.width", "stages[*].depth", "stages", "block", "shortcut"])


@given(st.sampled_from(sorted(SPACES)), st.sampled_from([*Space.model_fields, "spaec"]), WRONG)
def test_what_the_schema_refuses_is_no_space(name: str, key: str, value: Any) -> None:
    tree = {**SPACES[name], key: value}
    if not VALIDATOR.is_valid(tree):
        with pytest.raises(rf.SpecError):
            Space(**tree)


@given(PATHS, st.one_of(RANGES, WRONG, st.lists(RANGES, max_size=2)))
def test_a_choice_that_the_schema_refuses_is_none(path: str, value: Any) -> None:
    tree = {**SMALL, "free": {path: value}}
    if not VALIDATOR.is_valid(tree):
        with pytest.raises(rf.SpecError):
            Space(**tree)
