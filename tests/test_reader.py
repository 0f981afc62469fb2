"""What is refused, with which words and at which place; and what each word of a spec means."""

from __future__ import annotations

from typing import Any

import pytest
from resforge.errors import SpecError
from resforge.text.reader import MAX_BYTES, read

# text | code | line | column | what the error says, message or help
YAML_FAULTS = [
    # nothing there
    ("", "empty", None, None, "no spec in this file"),
    ("# a\n\n # b\n", "empty", None, None, "try `resforge new resnet18 > net.yaml`"),
    ("---\n...\n", "empty", None, None, "no spec"),
    # not a mapping
    ("- a\n", "type", 1, 1, "not a list"),
    ("# a\n  hello\n", "type", 2, 3, "not text"),
    ("50\n", "type", 1, 1, "not a number"),
    ("--- null\n", "type", 1, 5, "not null"),
    ("true", "type", 1, 1, "not a boolean"),
    # colons
    ("depth:18", "type", 1, 1, "put a space after the colon: depth: 18"),
    ("resforge: 1\ndepth:18\n", "syntax", 2, 1, "put a space after the colon: depth: 18"),
    ("a: {depth:18, width: 6}\n", "syntax", 1, 5, "put a space after the colon: depth: 18"),
    ("a: b: c\n", "syntax", 1, 5, "second colon"),
    ("resforge: 1\nwidth\nb: 2\n", "syntax", 2, 1, "write `key: value`"),
    (": 1\n", "syntax", 1, 1, "a key is missing"),
    # indentation
    ("a: 1\n  b: 2\n", "syntax", 2, 3, "bad indentation"),
    ("a:\n    b: 1\n  c: 2\n", "syntax", 3, 3, "bad indentation"),
    ("s:\n  - d: 1\n   w: 2\n", "syntax", 3, 4, "bad indentation"),
    ("  a: 1\nb: 2\n", "syntax", 2, 1, "line it up with the first key"),
    ("a: 1\n- b\n", "syntax", 2, 1, "bad indentation"),
    ("a: - b\n", "syntax", 1, 4, "start it on a new line"),
    ("a:\n - b\n -c: 1\n", "syntax", 3, 2, "bad indentation"),
    ("a:\n- b\n-c\n", "syntax", 3, 1, "put a space after the dash"),
    # tabs
    ("stem:\n\tkind: x\n", "syntax", 2, 1, "indent with spaces"),
    ("a: {b: 1,\n\tc: 2}\n", "syntax", 2, 1, "indent with spaces"),
    ("depth:\t18\n", "syntax", 1, 7, "a space instead of the tab"),
    # brackets and quotes
    ("a: [1, 2\n", "syntax", 1, 4, "this [ is never closed"),
    ("a: {b: 1 c: 2}\n", "syntax", 1, 11, "a comma or }"),
    ("a: [1]]\n", "syntax", 1, 7, "this ] closes nothing"),
    ("a: }\n", "syntax", 1, 4, "this } closes nothing"),
    ("a: {b: 1,, c: 2}\n", "syntax", 1, 10, "a value is missing before ,"),
    ("a: 'b\n\n", "syntax", 1, 4, "this ' is never closed"),
    ("a: 'it's'\n", "syntax", 1, 8, "write '' for a quote"),
    ('a: "x" y\n', "syntax", 1, 8, "does not belong here"),
    ('a: "b\\dc"\n', "syntax", 1, 6, "an escape"),
    ('a: "\\xzz"\n', "syntax", 1, 5, "an escape"),
    ('a: "\\UFFFFFFFF"\n', "syntax", 1, 7, "no such character"),
    ("a: @b\n", "syntax", 1, 4, "text cannot start with @"),
    ("a: |x\n  b\n", "syntax", 1, 5, "start the text below"),
    # duplicates
    ("a: 1\nb: 2\na: 3\n", "duplicate", 3, 1, "'a' is given twice; first at line 1, column 1"),
    ("s: {w: 1, k: 3, 'w': 2}", "duplicate", 1, 17, "first at line 1, column 5"),
    ("s:\n  - a: 1\n    a: 1\n", "duplicate", 3, 5, "first at line 2, column 5"),
    # keys
    ("1: a\n", "key", 1, 1, 'put quotes around it: "1"'),
    ("true: a\n", "key", 1, 1, "not a boolean"),
    ("~: a\n", "key", 1, 1, "not null"),
    (".inf: a\n", "number", 1, 1, "not a finite number"),
    ("[a]: b\n", "key", 1, 1, "not a list"),
    ("{a: b}: c\n", "key", 1, 1, "not a mapping"),
    ("?\n: a\n", "key", 1, 2, "a key is missing"),
    (f"{'k' * 101}: 1\n", "key", 1, 1, "a key of 101 characters"),
    # what YAML has and a spec has not
    ("a: &x 1\n", "anchor", 1, 4, "anchors are not supported"),
    ("a: *x\n", "anchor", 1, 4, "anchors are not supported"),
    ("a: &x [*x]\n", "anchor", 1, 4, "anchors are not supported"),
    ("a: *\n", "anchor", 1, 4, "quotes"),
    ("a:\n  <<: {b: 1}\n", "anchor", 2, 3, "merge keys are not supported"),
    ("a: !!python/object/apply:os.system [ls]\n", "tag", 1, 4, "registered from Python"),
    ("a: !!str 1\n", "tag", 1, 4, "tags are not supported"),
    ("a: !x {b: 1}\n", "tag", 1, 4, "tags are not supported"),
    ("a: !x!y 1\n", "tag", 1, 4, "tags are not supported"),
    ("a: !<\n", "tag", 1, 4, "tags are not supported"),
    ("%TAG ! x:\n---\na: 1\n", "tag", 1, 1, "%TAG"),
    ("%YAML 3.0\n---\na: 1\n", "syntax", 1, 1, "directives"),
    ("%X\na: 1\n", "syntax", 1, 1, "directives"),
    ("a: 1\n---\nb: 2\n", "syntax", 2, 1, "a second document"),
    ("a: 1\n...\nb: 2\n", "syntax", 3, 1, "after the end"),
    # numbers that are none
    ("a: .inf\n", "number", 1, 4, "not a finite number"),
    ("a: [1, -.Inf]\n", "number", 1, 8, "not a finite number"),
    ("a: .NaN\n", "number", 1, 4, "write a finite number"),
    ("a: 1e999\n", "number", 1, 4, "too large for a float"),
    (f"a: {'9' * 10_000}\n", "number", 1, 4, "a number of 10,000 characters"),
    (f"a: 0x{'f' * 10_000}\n", "number", 1, 4, "a number of 10,002 characters"),
    # limits
    ("a: " + "[" * 32, "nesting", 1, 35, "deeper than 32"),
    ("a: [" + "1," * 20_000, "size", 1, 39_999, "more than 20,000"),
    # characters
    ("a: b\x07\n", "encoding", 1, 5, "U+0007"),
    ("a: \x00\n", "encoding", 1, 4, "U+0000"),
    ("a: \ud800\n", "encoding", 1, 4, "U+D800"),
    ('a: "\\ud800"\n', "encoding", 1, 4, "surrogate"),
]  # fmt: skip

JSON_FAULTS = [
    ("", "empty", None, None, "no spec"),
    (" \n", "empty", None, None, "no spec"),
    ("[]", "type", 1, 1, "not a list"),
    ("3", "type", 1, 1, "not a number"),
    ('{"a": 1,}', "syntax", 1, 8, "remove the comma"),
    ('{"a": [1,\n]}', "syntax", 1, 9, "remove the comma"),
    ('{"a": 1 // x\n}', "syntax", 1, 9, "JSON has no comments"),
    ('/* x */ {"a": 1}', "syntax", 1, 1, "save the spec as .yaml"),
    ('{"a": 1, # x\n "b": 2}', "syntax", 1, 10, "JSON has no comments"),
    ('{"a": 1 "b": 2}', "syntax", 1, 9, "a comma is missing"),
    ('{"a" 1}', "syntax", 1, 6, "a colon is missing"),
    ("{a: 1}", "syntax", 1, 2, "double quotes"),
    ("{\"a\": 'b'}", "syntax", 1, 7, "double quotes"),
    ('{"a": True}', "syntax", 1, 7, "write true"),
    ('{"a": None}', "syntax", 1, 7, "write null"),
    ('{"a": 010}', "syntax", 1, 7, "write 10"),
    ('{"a": .5}', "syntax", 1, 7, "write 0.5"),
    ('{"a": relu}', "syntax", 1, 7, "double quotes"),
    ('{"a": @}', "syntax", 1, 7, "a value is expected"),
    ('{"a": }', "syntax", 1, 7, "a value is missing"),
    ('{"a": "b\n"}', "syntax", 1, 7, "never closed"),
    ('{"a": "b\tc"}', "syntax", 1, 9, "tab"),
    ('{"a": "b\\xc"}', "syntax", 1, 9, "escape"),
    ('{\n "a": [1', "syntax", 2, 7, "this [ is never closed"),
    ('{"a": 1]', "syntax", 1, 8, "does not close the {"),
    ('{"a": 1}}', "syntax", 1, 9, "after the end"),
    ("}", "syntax", 1, 1, "closes nothing"),
    ('{"a": 1, "b": {"c": 1,\n"c": 1}}', "duplicate", 2, 1, "first at line 1, column 16"),
    ('{"a": NaN}', "number", 1, 7, "not a finite number"),
    ('{"a": [-Infinity]}', "number", 1, 8, "not a finite number"),
    ('{"a": 1e999}', "number", 1, 7, "too large"),
    ('{"a": ' + "9" * 10_000 + "}", "number", 1, 7, "10,000 characters"),
    ('{"a": ' + "[" * 100_000, "nesting", 1, 38, "deeper than 32"),
    ('{"a": "\\ud800"}', "encoding", 1, 7, "surrogate"),
    ('{"a": "\ud800"}', "encoding", 1, 7, "surrogate"),
]  # fmt: skip


def fault_of(source: bytes | str, name: str | None = None) -> SpecError:
    with pytest.raises(SpecError) as caught:
        read(source, name=name)
    return caught.value


@pytest.mark.parametrize(
    ("name", "text", "code", "line", "column", "says"),
    [("net.yaml", *row) for row in YAML_FAULTS] + [("net.json", *row) for row in JSON_FAULTS],
    ids=lambda value: ascii(value)[:30] if isinstance(value, str) else "",
)
def test_a_fault_says_what_and_where(
    name: str, text: str, code: str, line: int | None, column: int | None, says: str
) -> None:
    error = fault_of(text, name)
    fault = error.faults[0]
    assert (fault.file, fault.code, fault.line, fault.column) == (name, code, line, column)
    assert says in f"{fault.message}\n{fault.help}"
    assert str(error).startswith(f"error[{code}]: {name}")
    if line:
        assert fault.source is not None
        assert "^ " + fault.message in str(error)


# What a word means, and what is said to someone who wanted something else there.
WORDS: list[tuple[str, Any, str | None]] = [
    ("true", True, None), ("False", False, None), ("null", None, None), ("~", None, None),
    ("", None, None), ("10", 10, None), ("+10", 10, None), ("-0", 0, None), ("0o17", 15, None),
    ("0x1F", 31, None), ("1e-3", 0.001, None), ("1e3", 1000.0, None), ("1.", 1.0, None),
    (".5", 0.5, None), ("-.5E+1", -5.0, None), ("0.0", 0.0, None),
    ("no", "no", "write false"), ("off", "off", "write false"), ("No", "No", "write false"),
    ("yes", "yes", "write true"), ("on", "on", "write true"), ("y", "y", "write true"),
    ("010", "010", "write 10"), ("-007", "-007", "write -7"), ("08", "08", "write 8"),
    ("1_000", "1_000", "write 1000"), ("1,000", "1,000", "write 1000"),
    ("7:30", "7:30", "plain number"), ("2024-01-01", "2024-01-01", "date"),
    ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z", "date"), ("nan", "nan", "finite"),
    ("inf", "inf", "finite"), ("None", "None", "write null"), ("none", "none", None),
    ("depth:18", "depth:18", "depth: 18"), ("bottleneck", "bottleneck", None),
    ('"50"', "50", "remove the quotes"), ("'true'", "true", "remove the quotes"),
    ('"no"', "no", "write false"), ('""', "", None), ('"resnet"', "resnet", None),
    ("<<", "<<", None), ("=", "=", None), ("0b1", "0b1", None), ("0X1F", "0X1F", None),
]  # fmt: skip


@pytest.mark.parametrize(("word", "value", "hint"), WORDS, ids=[repr(row[0]) for row in WORDS])
def test_a_word_means_one_thing(word: str, value: Any, hint: str | None) -> None:
    document = read(f"a: {word}\n")
    assert repr(document.tree) == repr({"a": value})
    assert document.raw(("a",)) == word
    assert document.plain(("a",)) == (word[:1] not in ("'", '"'))
    said = document.hint(("a",))
    assert said == hint or (hint is not None and said is not None and hint in said)


def test_faults_are_reported_together() -> None:
    error = fault_of("a: &x 1\na: !t 2\nb: .nan\n1: 2\nc: [\n")
    codes = ["anchor", "duplicate", "tag", "number", "key", "syntax"]
    assert [f.code for f in error.faults] == codes
    assert [f.path for f in error.faults] == ["a", "a", "a", "b", "", ""]


def test_of_many_faults_twenty_are_shown() -> None:
    error = fault_of("a: 1\n" * 101)
    assert (len(error.faults), error.more) == (20, 80)
    assert str(error).endswith("and 80 more")


def test_joined_surrogates_are_one_character() -> None:
    text = '{"a": "\\ud83d\\ude00"}'
    assert read(text, format="json").tree == {"a": "\U0001f600"}
    assert read(text, format="yaml").tree == {"a": "\U0001f600"}


def test_limits_are_inclusive() -> None:
    assert read("a: " + "[" * 31 + "]" * 31).tree
    assert read(f"{'k' * 100}: 1").tree
    assert len(read("a: [" + "1," * 19_997 + "]").tree["a"]) == 19_997
    assert read("a: 1".ljust(MAX_BYTES)).tree
    assert "262,145 bytes" in fault_of("#" * (MAX_BYTES + 1)).message
    assert "at most 262,144" in fault_of(b"\xc3\xa9" * MAX_BYTES).message
