"""Any bytes at all end in a document or a `SpecError`, in time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from resforge.errors import SpecError
from resforge.text.reader import read

NET = "resforge: 1\nstem: {kind: conv7x7, width: 64}\nstages:\n  - depth: 3\n"

VALID = [NET, '{"a": [1, 2.5e3, {"b": "x\\n"}], "c": null}', "a: |\n  text\nb: 'it''s'\n"]


def survives(source: bytes | str, **options: Any) -> None:
    try:
        said = str(type(read(source, **options).tree))
    except SpecError as error:
        said = str(error)
    # What people are shown is safe to print, whatever was in the file.
    assert said.replace("\n", "").isprintable()


@settings(max_examples=8 * settings().max_examples)
@given(st.binary(max_size=200), st.sampled_from(["yaml", "json", None]))
@example(b"\xff\xfe", None)
@example(b"\xef\xbb\xbf", "json")
def test_any_bytes(source: bytes, format: str | None) -> None:
    survives(source, format=format)


@settings(max_examples=8 * settings().max_examples)
@given(st.text(st.characters(categories=None), max_size=200), st.sampled_from(["yaml", "json"]))
def test_any_text(source: str, format: str) -> None:
    survives(source, format=format)


@settings(max_examples=12 * settings().max_examples)
@given(st.text("ab1.- \n\t:,[]{}?&*!|>'\"%#@`<=\\/0x_~é\ufeff\x85", max_size=60))
def test_any_text_of_the_characters_that_yaml_minds(source: str) -> None:
    survives(source, format="yaml")
    survives(source, format="json")


@settings(max_examples=8 * settings().max_examples)
@given(st.sampled_from(VALID), st.integers(0, 200), st.integers(0, 255))
def test_one_byte_changed(text: str, place: int, byte: int) -> None:
    source = bytearray(text.encode())
    source[place % len(source)] = byte
    survives(bytes(source))


@given(st.dictionaries(st.text("ab", min_size=1), st.integers() | st.text(), max_size=3))
def test_json_is_read_as_the_standard_library_reads_it(tree: dict[str, Any]) -> None:
    text = json.dumps({"a": tree})
    assert read(text).tree == json.loads(text)


def test_hostile_texts_end_in_time_and_memory() -> None:
    pytest.importorskip("resource")
    script = Path(__file__).parent / "support" / "hostile.py"
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr[-2000:]
    results = json.loads(run.stdout)
    # Each ends within a second on a quiet machine, which is measured, not tested; this bound
    # only tells an end from none on a busy one.
    endless = {name: said for name, said in results.items() if said[0] > 10}
    assert not endless
    assert len(results) > 70


def test_reading_leaves_torch_out() -> None:
    code = "import sys, resforge.specs; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
