"""What the writer writes, the reader reads back unchanged; and it looks as people write it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from resforge.text.reader import read
from resforge.text.writer import to_json, to_yaml

# Every kind of word that YAML, of either version, may take for something else.
TRICKY = [
    "", " ", " a", "a ", "a  b", "no", "off", "Yes", "y", "n", "null", "~", "true", "TRUE", "None",
    "010", "0o17", "0x1F", "1e3", "1e-3", "-.5", ".5", "5.", "+1", "-0", "1_000", "7:30", ".inf",
    "-.inf", ".nan", "nan", "2024-01-01", "2024-01-01T00:00:00Z", "a: b", "a:b", ":", "a:", "#x",
    "a #b", "a#b", "-", "- a", "--- a", "---", "...", "? a", "?", "!a", "&a", "*a", "|", ">", "%a",
    "@a", "`a", "'", '"', "'a'", '"a"', "\\", "a\\nb", "{a}", "[a]", "a,b", "a, b", "<<", "=",
    "\n", "a\nb", "\ta", "a\tb", "\r\n", "\x00", "\x1b[2J", "\x7f", "\x85", "\xa0", "\u2028",
    "\u202e", "\u3000", "\ufeff", "\ufffe", "é", "名前", "😀", "\U000e0001", "7x7", "a" * 2000,
    "x " * 600, "stages[*].shortcut", "10" * 2,
]  # fmt: skip
NUMBERS = [
    0, -1, 10**17, 2**64, 10**98, -(10**98), 0.0, -0.0, 1.0, 1e-05, 1e16, 1e22, 1e-300, 1e308,
    5e-324, 0.1, 1 / 3, 123456789.123456789,
]  # fmt: skip

texts = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.text("ab10e.-+ :#*()/_,é", max_size=6)
    | st.sampled_from(TRICKY)
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**98), 10**98)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.sampled_from(NUMBERS)
)
keys = texts.map(lambda text: text[:100])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=30,
)
trees = st.dictionaries(keys, values, max_size=6)


def exact(value: Any) -> str:
    """Tells 1 from 1.0 and True, and 0.0 from -0.0."""
    return repr(value)


@given(trees)
def test_yaml_reads_back_exactly(tree: dict[str, Any]) -> None:
    assert exact(read(to_yaml(tree)).tree) == exact(tree)
    assert exact(read(to_yaml(tree), format="yaml").tree) == exact(tree)


@given(trees)
def test_json_reads_back_exactly(tree: dict[str, Any]) -> None:
    text = to_json(tree)
    assert exact(read(text).tree) == exact(tree)
    assert exact(read(text, format="json").tree) == exact(tree)
    assert exact(json.loads(text)) == exact(tree)


@given(trees)
def test_json_is_also_yaml(tree: dict[str, Any]) -> None:
    assert exact(read(to_json(tree), format="yaml").tree) == exact(tree)


@given(trees)
def test_what_is_written_is_printable_text(tree: dict[str, Any]) -> None:
    for text in (to_yaml(tree), to_json(tree)):
        assert text.endswith("\n")
        assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("text", TRICKY, ids=ascii)
def test_tricky_text_stays_text(text: str) -> None:
    trees: list[dict[str, Any]] = [{"a": text}, {"a": [text, {"b": text}]}]
    trees += [{text: 1}, {"a": {text: 1}}] if len(text) <= 100 else []
    for tree in trees:
        assert read(to_yaml(tree)).tree == tree
        assert read(to_json(tree)).tree == tree
        # A reader of YAML 1.1 gets the same text.
        assert yaml.safe_load(to_yaml(tree)) == tree


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_numbers_keep_type_and_value(number: float) -> None:
    tree = {"a": number, "b": [number]}
    assert exact(read(to_yaml(tree)).tree) == exact(tree)
    assert exact(read(to_json(tree)).tree) == exact(tree)
    assert exact(yaml.safe_load(to_yaml(tree))) == exact(tree)


RESNET = """\
resforge: 1
name: resnet50
in_channels: 3
stem: {kind: conv7x7, width: 64}
stages:
  - {depth: 3, width: 64, stride: 1}
  - {depth: 4, width: 128, stride: 2, shortcut: {match: identity, change: zero_pad}}
block: {kind: bottleneck, expansion: 4}
shortcut: projection
norm: {kind: batch, eps: 1.0e-5, momentum: 0.1}
head: null
"""


def test_layout_of_a_spec() -> None:
    assert to_yaml(read(RESNET).tree) == RESNET


LONG = """\
short: [64, 64, 128]
empty: {}
nothing: []
stem:
  kind: deep_base
  widths:
    - aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    - bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    - cccccccccccccccccccccccccccccccccccccccc
stages:
  - width: 64
    blocks:
      - {block: basic, shortcut: identity_________________________}
      - {block: basic, shortcut: identity_________________________}
  - - aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    - bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    - cccccccccccccccccccccccccccccccccccccccc
  - []
"on": "no"
"""


def test_layout_of_what_does_not_fit_on_a_line() -> None:
    assert to_yaml(read(LONG).tree) == LONG


@given(trees)
def test_lines_break_where_they_can(tree: dict[str, Any]) -> None:
    for line in to_yaml(tree).splitlines():
        assert len(line) <= 100 or "{" not in line.lstrip("- ")[:1]


def test_an_empty_tree() -> None:
    assert to_yaml({}) == to_json({}) == "{}\n"
    assert read("{}").tree == {}


def test_tuples_are_written_as_lists() -> None:
    assert to_yaml({"widths": (64, 128)}) == "widths: [64, 128]\n"


def nested(levels: int) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for _ in range(levels - 1):
        tree = {"a": tree}
    return tree


def test_as_deep_as_the_reader_goes() -> None:
    assert read(to_yaml(nested(32))).tree == nested(32)
    assert read(to_json(nested(32))).tree == nested(32)


@pytest.mark.parametrize(
    ("value", "error", "says"),
    [
        (float("nan"), ValueError, "not a finite number"),
        (float("-inf"), ValueError, "not a finite number"),
        (10**100, ValueError, "integer"),
        (10**5000, ValueError, "integer"),
        ("\ud800", ValueError, "surrogate"),
        (nested(32), ValueError, "nested deeper than 32"),
        (b"a", TypeError, "a spec cannot hold bytes"),
        ({1, 2}, TypeError, "a spec cannot hold set"),
        ({1: 2}, TypeError, "a key must be text"),
        ({"a" * 101: 2}, ValueError, "a key of 101 characters"),
    ],
    ids=["nan", "inf", "googol", "huge", "surrogate", "deep", "bytes", "set", "key-1", "long-key"],
)
def test_what_no_spec_can_hold_is_refused(value: Any, error: type[Exception], says: str) -> None:
    for write in (to_yaml, to_json):
        with pytest.raises(error, match=says):
            write({"a": value})


CHAINS = """\
branch: [{conv: 3}, act, {parallel: [[act, {conv: 3, stride: block}, norm, act, {conv: 3}, norm],
  [act, {conv: 3, stride: block}, norm, act, {conv: 3}, norm]], join: shake}]
"""


def test_a_chain_that_holds_chains_is_written_on_few_lines() -> None:
    path = ["act", {"conv": 3, "stride": "block"}, "norm", "act", {"conv": 3}, "norm"]
    tree = {"branch": [{"conv": 3}, "act", {"parallel": [path, path], "join": "shake"}]}
    text = to_yaml(tree)
    assert read(text).tree == tree
    assert text == CHAINS
