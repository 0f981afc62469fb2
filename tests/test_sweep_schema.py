"""The JSON Schema of sweep files: it takes every sweep there is, and refuses none that is one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import jsonschema
import pytest
import resforge as rf
from hypothesis import given
from resforge.ablation import Sweep, expand_sweep
from resforge.text.reader import read, read_file

ROOT = Path(__file__).parents[1]
SCHEMA = Sweep.model_json_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def sweeps() -> dict[str, dict[str, Any]]:
    """Every sweep of the examples and of the documents, by where it stands."""
    found = {path.name: read_file(path).tree for path in (ROOT / "examples").glob("*.yaml")}
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        text = path.read_text(encoding="utf-8")
        for number, body in enumerate(re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S)):
            found[f"{path.name}[{number}]"] = read(body).tree
    return {name: tree for name, tree in found.items() if "sweep" in tree}


SWEEPS = sweeps()


def test_it_is_draft_7() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert "prefixItems" not in json.dumps(SCHEMA)
    assert json.dumps(SCHEMA).count("$schema") == 1


@pytest.mark.parametrize("name", sorted(SWEEPS))
def test_it_takes_every_sweep_there_is(name: str) -> None:
    VALIDATOR.validate(SWEEPS[name])


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": [3, 5]},
        {"recipe": "he2015_cifar"},
        {"recipe": {"base": "he2015_cifar", "steps": 1000, "optimizer": {"lr": 0.05}}},
        {"recipe": {"warmup": 4, "precision": "bfloat16"}},
        {"recipe": {"warmup": "until_error"}},
        {"data": {"kind": "digits", "train": 100, "test": 50}},
        {"match": {"params": "1%"}, "budget": {"trials": 50, "macs": 1e13}},
        {"comparisons": {"axis": "arm", "to": "a"}},
        {"base": {"stages": [{"depth": 1, "width": 8}]}},
        {"base": {"resforge": 1, "base": "digits_resnet8", "shortcut": "none"}},
    ],
    ids=str,
)
def test_it_takes_the_short_forms(change: dict[str, Any]) -> None:
    tree = {"sweep": 1, "base": "digits_resnet8", "arms": {"a": {}}, **change}
    Sweep(**tree)
    VALIDATOR.validate(tree)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 3},
        {"seeds": 0},
        {"base": "resnet5"},
        {"base": {"stages": [{"depth": 1, "with": 8}]}},
        {"recipe": "he2015"},
        {"recipe": {"base": "he2015"}},
        {"recipe": {"warmup_steps": 4}},
        {"data": "cifar10"},
        {"arms": {"a": "none"}},
        {"timeout": "1h"},
        {"comparisons": {"of": "a"}},
    ],
    ids=str,
)
def test_it_sees_what_an_editor_should(change: dict[str, Any]) -> None:
    tree = {"sweep": 1, "base": "digits_resnet8", "arms": {"a": {}}, **change}
    assert not VALIDATOR.is_valid(tree)
    assert not VALIDATOR.is_valid({"sweep": 1, "base": "digits_resnet8"})


WRONG = st.sampled_from([True, None, "50", 50.5, 0, -1, [], {}, "gird", 10**12, [1], "none", "1%"])
KEYS = st.sampled_from([*Sweep.model_fields, "sed"])


@given(st.sampled_from(sorted(SWEEPS)), KEYS, WRONG)
def test_what_the_schema_refuses_is_no_sweep(name: str, key: str, value: Any) -> None:
    tree = {**SWEEPS[name], key: value}
    if not VALIDATOR.is_valid(tree):
        with pytest.raises((rf.SpecError, ValueError)):
            expand_sweep(Sweep(**tree))
