"""Reads bytes, a string or a file, in YAML or JSON, into a `Document`."""

from __future__ import annotations

import logging
import os
import re
import stat
from dataclasses import replace
from difflib import get_close_matches
from itertools import islice
from typing import Literal, NoReturn

from ..errors import Fault, SpecError
from .document import Document, Source
from .json_text import read_json
from .yaml_text import read_yaml

MAX_BYTES = 256 * 1024
SUFFIXES = (".yaml", ".yml", ".json")

_LOGGER = logging.getLogger(__name__)
_JSON = re.compile(r'\s*\{\s*["}]')


def read(
    source: bytes | str, *, name: str | None = None, format: Literal["yaml", "json"] | None = None
) -> Document:
    """The document in a text. Raises no error but `SpecError`, whatever the bytes.

    Without ``format``, the suffix of ``name`` decides; else text is JSON if it starts with a brace
    and a double quote, and YAML if not.

    >>> read("depth: 18 # blocks").tree
    {'depth': 18}
    >>> read(b'{"depth": 18}').tree
    {'depth': 18}
    """
    decoded = Source(_decode(source, name), name)
    suffix = os.path.splitext(name or "")[1].lower()
    if format is None and suffix in SUFFIXES:
        format = "json" if suffix == ".json" else "yaml"
    if format is None:
        format = "json" if _JSON.match(decoded.text) else "yaml"
    return read_json(decoded) if format == "json" else read_yaml(decoded)


def read_file(path: str | os.PathLike[str], holds: str = "spec") -> Document:
    """The document in a file, which ``holds`` a spec, a space or a sweep. Raises `SpecError`, also
    for a file that does not exist."""
    path = os.fspath(path)
    data = _bytes(path, MAX_BYTES)
    try:
        return read(data, name=path)
    except SpecError as error:
        if holds == "spec":
            raise
        raise SpecError([_about(fault, holds) for fault in error.faults], error.more) from None


def _about(fault: Fault, holds: str) -> Fault:
    """A fault of a text that is no mapping, which is said of a spec, as it is of another file."""
    if fault.code != "empty" and (fault.code, fault.path) != ("type", ""):
        return fault
    message = fault.message.replace("spec", holds, 1)
    return replace(fault, message=message, help=f"start with `{holds}: 1`")


def read_text(path: str | os.PathLike[str], most: int = MAX_BYTES) -> str:
    """The text of a file of at most so many bytes. Raises `SpecError`."""
    path = os.fspath(path)
    return _decode(_bytes(path, most), path, most)


def _bytes(path: str, most: int) -> bytes:
    data = None
    try:
        # Checked before opening, because opening a pipe can block for ever.
        status = os.stat(path)
        if stat.S_ISREG(status.st_mode):
            with open(path, "rb") as file:
                # One byte more than allowed: the file may have grown since its size was read.
                data = file.read(most + 1)
    except FileNotFoundError:
        _refuse(path, "no such file", _nearest(path))
    except OSError as error:
        _refuse(path, (error.strerror or "cannot be read").lower())
    except ValueError:
        _refuse(path, "no file can have this name")
    if data is None:
        folder = stat.S_ISDIR(status.st_mode)
        _refuse(path, "this is a directory" if folder else "not a regular file")
    _LOGGER.debug("read %s: %d bytes", os.path.abspath(path), len(data))
    if len(data) > most:
        _too_large(max(len(data), status.st_size), path, most)
    return data


def _decode(source: bytes | str, name: str | None, most: int = MAX_BYTES) -> str:
    if isinstance(source, str):
        size = len(source.encode("utf-8", "surrogatepass"))
        if size > most:
            _too_large(size, name, most)
        return source.removeprefix("\ufeff")
    if len(source) > most:
        _too_large(len(source), name, most)
    # UTF-16 is what Windows PowerShell writes when output is redirected to a file.
    utf16 = source[:2] in (b"\xff\xfe", b"\xfe\xff") and source[2:4] != b"\0\0"
    try:
        return source.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        codec = "utf-16" if utf16 else "utf-8-sig"
        before = len(source[: error.start].decode(codec, "replace"))
        shown = Source(source.decode(codec, "replace"), name)
        message = f"byte 0x{source[error.start]:02x} at offset {error.start} is not UTF-8 text"
        raise SpecError(
            shown.fault("encoding", message, before, help="save the file as UTF-8")
        ) from None


def _nearest(path: str) -> str | None:
    """Help that names a similar file in the same folder, or None."""
    folder, name = os.path.split(path)
    try:
        with os.scandir(folder or ".") as entries:
            names = [entry.name for entry in islice(entries, 1000)]
    except OSError:
        return f"there is no folder {folder}"
    names = [other for other in names if other.lower().endswith(SUFFIXES)]
    exact = [name + suffix for suffix in SUFFIXES if name + suffix in names]
    near = exact or get_close_matches(name[:255], names, n=1)
    return f"did you mean {os.path.join(folder, near[0])}?" if near else None


def _too_large(size: int, name: str | None, most: int) -> NoReturn:
    message = f"{size:,} bytes are too many for a spec (at most {most:,})"
    raise SpecError(Fault("size", message, file=name))


def _refuse(path: str, message: str, help: str | None = None) -> NoReturn:
    raise SpecError(Fault("file", message, help=help, file=path)) from None
