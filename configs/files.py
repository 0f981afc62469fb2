"""Files of other projects, and the files that they name, within one folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

from ..errors import Fault, SpecError
from ..text.assembler import Limits
from ..text.document import Source
from ..text.json_text import read_json
from ..text.reader import read_text
from .node import Node, merged, of_document
from .python_text import read_python
from .yaml_text import read_yaml

#: A configuration with 21,000 classes has that many labels twice.
JSON_LIMITS: Final = Limits(nodes=120_000, key=500)
MAX_BYTES: Final = 4 * 1024 * 1024
MAX_FILES: Final = 50
#: Keys that name other files; what OpenMMLab and detectron2 call them.
BASES: Final = ("_base_", "_BASE_")


class Files:
    """Reads a file, and its bases, all of them within ``folder``; ``alone`` without them."""

    def __init__(self, folder: Path, *, alone: bool = False) -> None:
        self.folder = folder.resolve()
        self.alone = alone
        self.count = 0

    def read(self, path: Path, open_: tuple[Path, ...] = ()) -> Node:
        """The settings of a file, laid over those of its bases. Raises :class:`SpecError`."""
        self.count += 1
        if self.count > MAX_FILES:
            raise SpecError(Fault("size", f"more than {MAX_FILES} files", file=str(path)))
        source = Source(read_text(path, MAX_BYTES), str(path))
        if path.suffix != ".py":
            return self._based(parse(source), path, open_, read_again=None)
        return self._based(
            read_python(source), path, open_, lambda base: read_python(source, base.value)
        )

    def _based(
        self,
        node: Node,
        path: Path,
        open_: tuple[Path, ...],
        read_again: Callable[[Node], Node] | None,
    ) -> Node:
        key = next((key for key in BASES if key in node.value), None)
        if key is None or self.alone:
            return node
        named = node.value[key]
        below: Node | None = None
        for item in named.value if isinstance(named.value, list) else [named]:
            deeper = (*open_, path.resolve())
            base = self.read(self.beside(item, path, deeper), deeper)
            below = base if below is None else merged(below, base)
        if below is None:
            return node
        own = read_again(below) if read_again else node
        rest = {name: value for name, value in own.value.items() if name != key}
        return merged(below, Node(rest, own.source), delete="_delete_")

    def beside(self, item: Node, path: Path, open_: tuple[Path, ...] = ()) -> Path:
        """The file that a value names, relative to the file that it stands in."""
        if not isinstance(item.value, str) or not item.value or "\0" in item.value:
            _refuse(item, "a base is the name of a file", "write a path")
        found = Path(os.path.normpath(path.parent / item.value))
        real = found.resolve()
        if os.path.isabs(item.value) or not real.is_relative_to(self.folder):
            help_ = f"give the folder of all files: --within {_common(found, self.folder)}"
            _refuse(item, f"this leaves the folder {self.folder}", help_)
        if real in open_:
            _refuse(item, "this file is a base of itself", "remove it")
        if not found.is_file():
            _refuse(item, f"no such file: {found}", "put it there, or remove the line")
        return found


def parse(source: Source) -> Node:
    """The settings in a text: JSON, or YAML 1.1. Raises :class:`SpecError`."""
    if source.text.lstrip()[:1] == "{" and not (source.name or "").endswith((".yaml", ".yml")):
        return of_document(read_json(source, JSON_LIMITS))
    return read_yaml(source)


def _common(found: Path, folder: Path) -> str:
    try:
        return os.path.commonpath([found.resolve(), folder])
    except ValueError:
        return str(folder)


def _refuse(node: Node, message: str, help: str) -> NoReturn:
    raise SpecError(node.fault("base", message, (BASES[0],), help))
