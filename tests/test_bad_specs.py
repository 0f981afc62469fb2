"""Any bytes at all end in a spec or in faults that say what, where and how to fix it."""

from __future__ import annotations

import bad_specs
import pytest
import resforge as rf
from bad_specs import HEAD, ONE
from hypothesis import example, given, settings
from hypothesis import strategies as st
from resforge.errors import SHOWN_FAULTS
from resforge.planner.plan import check_size
from resforge.specs import catalogue

TABLE = [
    pytest.param(*row, id=f"{name.lower()}-{row[0][-50:]!r}")
    for name in ("FILES", "YAML_TRAPS", "TYPES_AND_RANGES", "SHAPES", "BRANCHES", "BOMBS", "WORDS")
    for row in getattr(bad_specs, name)
]
CATALOGUE = [catalogue.text(name).encode() for name in rf.list_specs()]


@pytest.mark.parametrize(("text", "code", "place", "path", "message", "help_"), TABLE)
def test_what_is_said(
    text: str, code: str, place: str, path: str, message: str, help_: str | None
) -> None:
    with pytest.raises(rf.SpecError) as caught:
        rf.loads(text)
    (fault,) = caught.value.faults
    at = f"{fault.line}:{fault.column}" if fault.line else ""
    said = (fault.code, at, fault.path, fault.message, fault.help)
    assert said == (code, place, path, message, help_)


def test_every_fault_of_a_file_at_once_and_in_its_order() -> None:
    with pytest.raises(rf.SpecError) as caught:
        rf.loads("resforge: 1\nstages:\n  - {depth: 0, width: '5'}\nblok: 1\nnorm: bach\n")
    assert [fault.path for fault in caught.value.faults] == [
        "stages[0].depth",
        "stages[0].width",
        "blok",
        "norm",
    ]


def test_twenty_are_shown_and_the_rest_counted() -> None:
    with pytest.raises(rf.SpecError) as caught:
        rf.loads(ONE + "stages:\n" + "  - {depth: 0, width: 64}\n" * 60)
    shown = str(caught.value)
    assert shown.count("error[range]") == SHOWN_FAULTS
    assert shown.endswith("\nand 40 more")
    assert len(caught.value.faults) == 60


def test_faults_beyond_those_kept_are_counted_too() -> None:
    blocks = "{blok: 1}, " * 5000
    with pytest.raises(rf.SpecError) as caught:
        rf.loads(ONE + f"stages: [{{width: 8, blocks: [{blocks}]}}]\n")
    assert str(caught.value).endswith("\nand 4980 more")


def test_text_of_the_file_is_escaped_for_the_terminal() -> None:
    for text in ('block: "\x1b[2Jred"', 'block: "a\u202eb"', "blo\u200bck: basic"):
        with pytest.raises(rf.SpecError) as caught:
            rf.loads(HEAD + text + "\n")
        assert all(line.isprintable() for line in str(caught.value).splitlines())


def test_positions_of_keys_that_come_from_a_base_fall_back_to_the_file() -> None:
    with pytest.raises(rf.SpecError) as caught:
        rf.loads("resforge: 1\nbase: resnet18\nshortcut: identity\n")
    assert (caught.value.line, caught.value.path) == (3, "shortcut")
    with pytest.raises(rf.SpecError) as caught:
        rf.loads("resforge: 1\nbase: resnet18\nnorm: {kind: group, groups: 5}\n")
    assert (caught.value.line, caught.value.path) == (3, "norm.groups")


def test_a_byte_order_mark_and_line_ends_of_windows_mean_nothing() -> None:
    plain = rf.loads(CATALOGUE[0])
    for text in (b"\xef\xbb\xbf" + CATALOGUE[0], CATALOGUE[0].replace(b"\n", b"\r\n")):
        assert rf.loads(text).digest == plain.digest


def test_activations_over_the_limit_at_this_input() -> None:
    plan = rf.plan("resnet50", 60_000)
    with pytest.raises(
        rf.SpecError, match="797,400,001,000 activations, of at most 10,000,000,000"
    ):
        check_size(plan)
    check_size(plan, max_activations=10**12)


# Whatever the bytes

#: Far more than other properties draw: an example takes a millisecond.
MANY = settings(max_examples=25 * settings.default.max_examples)


def end(data: bytes | str) -> None:
    """Either a spec that can be planned, or faults that can be shown."""
    try:
        spec = rf.loads(data)
    except rf.SpecError as error:
        assert error.faults
        for fault in error.faults:
            assert fault.code
            assert fault.message
        assert str(error).startswith("error[")
    else:
        assert rf.loads(spec.to_yaml()) == spec


@MANY
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    end(data)


@MANY
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    end(text)


FRAGMENTS = st.sampled_from(
    ["resforge", ": ", "1", "\n", "stages", "[", "]", "{", "}", ", ", "depth", "width", "- ", "  ",
     "block", "basic", "bottleneck", "shortcut", "match", "identity", "none", "null", "'", '"', "#",
     "norm", "group", "head", "base", "resnet18", "blocks", "64", "-1", "1e400", "&", "*", "!", "%"]
)  # fmt: skip


@MANY
@given(st.lists(FRAGMENTS, max_size=40).map("".join))
def test_words_of_the_language_in_any_order(text: str) -> None:
    end(text)


@MANY
@given(st.sampled_from(CATALOGUE), st.data())
def test_one_byte_of_the_catalogue_changed(text: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    byte = bytes([data.draw(st.integers(0, 255))])
    kind = data.draw(st.sampled_from(["replace", "insert", "delete"]))
    changed = {
        "replace": text[:at] + byte + text[at + 1 :],
        "insert": text[:at] + byte + text[at:],
        "delete": text[:at] + text[at + 1 :],
    }
    end(changed[kind])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.sampled_from(list(rf.ResNetSpec.model_fields)), VALUES)
@example("shortcut", {"kind": ["none"]})
@example("stages", [{"blocks": [{"shortcut": {}}], "width": 1}])
def test_any_value_under_any_key_from_python(key: str, value: object) -> None:
    tree = {"resforge": 1, "stages": [{"depth": 1, "width": 4}], key: value}
    try:
        rf.ResNetSpec(**tree)
    except rf.SpecError as error:
        assert str(error).startswith("error[")
