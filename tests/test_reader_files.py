"""Bytes and files: encodings, line ends, formats, and what is no regular file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from resforge.errors import SpecError
from resforge.text.reader import read, read_file

NET = "resforge: 1\nstem: {kind: conv7x7, width: 64}\nstages:\n  - depth: 3\n"


def fault_of(source: bytes | str, name: str | None = None) -> SpecError:
    with pytest.raises(SpecError) as caught:
        read(source, name=name)
    return caught.value


@pytest.mark.parametrize("text", [NET, '{\n "a": [1, 2],\n "b": "x"\n}\n'])
def test_line_ends_and_byte_order_marks_change_nothing(text: str) -> None:
    document = read(text)
    paths = [(key,) for key in document.tree]
    windows = text.replace("\n", "\r\n")
    for other in (
        "\ufeff" + text, b"\xef\xbb\xbf" + text.encode(), windows, windows.encode(),
        text.replace("\n", "\r"), text.encode("utf-16"), b"\xfe\xff" + windows.encode("utf-16-be"),
    ):  # fmt: skip
        again = read(other)
        assert again.tree == document.tree
        assert [again.mark(path) for path in paths] == [document.mark(path) for path in paths]


def test_other_encodings_are_refused_with_the_byte() -> None:
    fault = fault_of("a: 1\nname: é caf\xe9\n".encode("latin-1"), "net.yaml").faults[0]
    assert (fault.code, fault.line, fault.column) == ("encoding", 2, 7)
    assert "byte 0xe9 at offset 11" in fault.message
    assert fault.help == "save the file as UTF-8"
    fault = fault_of("é: 1\n  ".encode() + b"\xff").faults[0]
    assert (fault.line, fault.column) == (2, 3)
    assert "byte 0xff at offset 8 " in fault.message
    assert fault_of("a: 1".encode("utf-32")).faults[0].code == "encoding"
    assert fault_of(b"\xff\xfea").faults[0].code == "encoding"


def test_the_format_follows_from_name_or_first_characters() -> None:
    assert read("{a: 1}").tree == read('{"a":\t1}').tree == {"a": 1}
    assert read('{"a": 1,}', name="a.yaml").tree == {"a": 1}
    assert read('{"a": 1,}', format="yaml").tree == {"a": 1}
    assert fault_of("a: 1", "A.JSON").faults[0].code == "syntax"
    # Read as YAML, this would be the text "1 // x".
    assert fault_of('{"a": 1 // x\n}').help == "remove it, or save the spec as .yaml"


def file_fault(path: str | os.PathLike[str]) -> SpecError:
    with pytest.raises(SpecError) as caught:
        read_file(path)
    assert caught.value.file == os.fspath(path)
    assert not isinstance(caught.value.__cause__, OSError)
    return caught.value


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(NET)
    assert read_file(path).name == str(path)
    assert read_file(str(path)).tree == read(NET).tree


def test_a_missing_file_suggests_the_nearest(tmp_path: Path) -> None:
    for name in ("resnet18.yaml", "notes.txt", "wide.json"):
        (tmp_path / name).write_text("")
    suggested = {
        "resnet81.yaml": "resnet18.yaml", "resnet18": "resnet18.yaml",
        "resnet18.yml": "resnet18.yaml",
        "wide": "wide.json", "notes.txd": None, "completely other": None,
    }  # fmt: skip
    for name, near in suggested.items():
        error = file_fault(tmp_path / name)
        assert error.message == "no such file"
        assert error.help == (f"did you mean {tmp_path / near}?" if near else None)
    assert "no folder" in str(file_fault(tmp_path / "nowhere" / "net.yaml").help)


def test_what_is_not_a_file(tmp_path: Path) -> None:
    assert file_fault(tmp_path).message == "this is a directory"
    os.mkfifo(tmp_path / "pipe.yaml")
    assert file_fault(tmp_path / "pipe.yaml").message == "not a regular file"
    assert file_fault("/dev/zero").message == "not a regular file"
    assert file_fault("a\0b").message == "no file can have this name"
    assert "too long" in file_fault("a" * 5000).message
    (tmp_path / "a.yaml").write_text("")
    assert file_fault(tmp_path / "a.yaml" / "b.yaml").message == "not a directory"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "symbolic links" in file_fault(tmp_path / "loop").message


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("a: 1")

    # The superuser, whom tests often run as, may read everything.
    def denied(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    assert file_fault(path).message == "permission denied"


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(b"#" * 10_000_000)
    assert file_fault(path).message == "10,000,000 bytes are too many for a spec (at most 262,144)"
