"""Every key and value of a document knows its place in the text."""

from __future__ import annotations

from resforge.text.document import Document, Mark
from resforge.text.reader import read

NET = """\
resforge: 1
stem: {kind: conv7x7, width: 64}
stages:
  - {depth: 3, width: 64}
  - depth: 4
    "width": 128
empty:
"""


def test_every_key_and_value_has_its_place() -> None:
    document = read(NET, name="net.yaml")
    for path, key, value in [
        ((), (1, 1), (1, 1)),
        (("resforge",), (1, 1), (1, 11)),
        (("stem",), (2, 1), (2, 7)),
        (("stem", "width"), (2, 23), (2, 30)),
        (("stages",), (3, 1), (4, 3)),
        (("stages", 0), (4, 5), (4, 5)),
        (("stages", 0, "width"), (4, 16), (4, 23)),
        (("stages", 1, "width"), (6, 5), (6, 14)),
        (("empty",), (7, 1), (7, 7)),
    ]:
        assert document.key_mark(path) == Mark(*key), path
        assert document.mark(path) == Mark(*value), path


def test_json_has_the_same_places() -> None:
    document = read('{"a": 1,\n "b": [true, {"c": "x"}]}')
    assert document.tree == {"a": 1, "b": [True, {"c": "x"}]}
    assert document.mark(("a",)) == Mark(1, 7)
    assert document.key_mark(("b",)) == Mark(2, 2)
    assert document.mark(("b", 0)) == Mark(2, 8)
    assert document.key_mark(("b", 1, "c")) == Mark(2, 15)
    assert document.raw(("b", 1, "c")) == '"x"'
    assert document.plain(("b", 0))
    assert not document.plain(("b", 1, "c"))


def test_a_path_that_is_not_there_has_the_place_of_its_parent() -> None:
    document = read(NET)
    assert document.mark(("stages", 1, "shortcut", "match")) == document.mark(("stages", 1))
    assert document.key_mark(("head", "kind")) == Mark(1, 1)
    assert document.raw(("head",)) is None
    assert document.hint(("stages", 7, "x")) is None


def test_a_fault_of_a_document() -> None:
    document = read(NET, name="net.yaml")
    fault = document.fault("width", "too wide", ("stages", 1, "width"), help="less", at="key")
    assert str(fault) == (
        "error[width]: net.yaml:6:5  stages[1].width\n"
        '   6 |     "width": 128\n'
        "     |     ^ too wide\n"
        "  help: less"
    )


def test_a_document_without_text_has_no_places() -> None:
    document = Document({"depth": "no"})
    assert document.mark(("depth",)) is None
    assert document.hint(("depth",)) == "write false"
    fault = document.fault("type", "not a number", ("depth",))
    assert (fault.path, fault.file, fault.line) == ("depth", None, None)


def test_the_caret_stands_below_wide_characters() -> None:
    document = read("名前é: 深い\n")
    assert str(document.fault("name", "no", ("名前é",))).splitlines()[1:] == [
        "   1 | 名前é: 深い",
        "     |        ^ no",
    ]


def test_the_caret_of_a_long_line_stays_in_view() -> None:
    document = read("a: [" + "1234, " * 1000 + "x]")
    _, line, caret = str(document.fault("value", "no", ("a", 1000))).splitlines()
    assert line[caret.index("^")] == "x"
    assert len(line) < 110
