"""Files of a run as checked values: whatever a file holds, it is read or refused."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from ...errors import SpecError, StoreError, path_text, printable
from ...specs.base import Spec
from ...weights.errors import REGISTER

_LOGGER = logging.getLogger(__name__)
#: Version of run folders and their files.
FORMAT = 1
#: Largest size in bytes of a file with the spec of a run; a thousand classes take 20 kB.
MAX_SPEC = 2**26
Part = TypeVar("Part", bound=Spec)


def read_file(path: Path, limit: int | None = None) -> bytes:
    """Content of a regular file of at most ``limit`` bytes.

    Raises ``FileNotFoundError`` for a missing file, and ``StoreError`` for any other than a
    readable regular file: a pipe would be waited for, and a device never ends.
    """
    check_regular(path)
    try:
        with path.open("rb") as file:
            content = file.read() if limit is None else file.read(limit + 1)
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror})") from None
    _LOGGER.debug("read %s: %d bytes", path.absolute(), len(content))
    if limit is not None and len(content) > limit:
        raise StoreError(f"{path} is damaged: it has more than {limit:,} bytes")
    return content


def check_regular(path: Path) -> None:
    """Raise ``FileNotFoundError`` for a missing file, and ``StoreError`` for any other than a
    regular one."""
    try:
        if path.is_file():
            return
        path.stat()
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise StoreError(f"{path} cannot be read ({reason})") from None
    raise StoreError(f"{path} is damaged: it is not a file")


def parse_mapping(path: Path, text: str | bytes) -> dict[str, Any]:
    """The mapping in a JSON text, of a format that this version reads; or ``StoreError``."""
    try:
        tree = json.loads(text)
    except RecursionError:
        raise _too_deep(path) from None
    except ValueError as error:
        raise StoreError(f"{path} is damaged: {error}") from None
    return check_format(path, tree)


def check_format(path: Path, head: Any) -> dict[str, Any]:
    """Return ``head``; raise ``StoreError`` unless it has the format that this version reads."""
    if not isinstance(head, dict):
        raise StoreError(f"{path} is damaged: it does not hold a mapping")
    version = head.get("format")
    if version != FORMAT:
        newer = isinstance(version, int) and version > FORMAT
        help = "upgrade resforge" if newer else "it is not a run of resforge"
        given = printable(repr(version)[:40])
        raise StoreError(f"{path} has format {given}, and this resforge reads {FORMAT}: {help}")
    return head


def validated(path: Path, model: type[Part], tree: Any, *, intact: bool = False) -> Part:
    """A ``model`` from the plain values in ``tree``; or ``StoreError``.

    ``intact`` is whether a checksum has shown that they are as they were written.
    """
    try:
        return model.model_validate(tree)
    except SpecError as error:  # of the network, perhaps of kinds that nobody registered here
        why = "cannot be read here" if intact else "is damaged, or of kinds that are unknown here"
        raise StoreError(f"{path} {why}: {printable(first_fault(error))}: {REGISTER}") from None
    except ValidationError as error:
        raise StoreError(f"{path} is damaged: {printable(first_fault(error))}") from None
    except RecursionError:
        raise _too_deep(path) from None


def _too_deep(path: Path) -> StoreError:
    return StoreError(f"{path} is damaged: it is nested too deeply")


def fields_in(model: type[Spec], head: Mapping[str, Any]) -> dict[str, Any]:
    """The values in ``head`` that are fields of ``model``."""
    return {name: head[name] for name in model.model_fields if name in head}


def first_fault(error: ValidationError | SpecError) -> str:
    """The first fault that was found, with its path."""
    if isinstance(error, SpecError):
        return f"{error.path}: {error.message}"
    first = error.errors(include_url=False)[0]
    path = (*first["loc"], *first.get("ctx", {}).get("under", ()))
    return f"{path_text(path)}: {first['msg']}"
