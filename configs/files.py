"""Files of other projects, and the files that they name, within one folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NoReturn

from ..errors import Fault, SpecError
from ..text.assembler import Limits
from ..text.document import Source
from ..text.json_text import read_json
from ..text.reader import read_text
from . import hydra
from .node import Node, merged, of_document
from .python_text import read_python
from .yaml_text import read_yaml

#: A configuration with 21,000 classes has that many labels twice.
JSON_LIMITS: Final = Limits(nodes=120_000, key=500)
MAX_BYTES: Final = 4 * 1024 * 1024
#: YAML and Python are read at a tenth of the speed of JSON.
MAX_SLOW: Final = 256 * 1024
MAX_FILES: Final = 50
#: Keys that name the files below a file: OpenMMLab's and detectron2's.
BASES: Final = ("_base_", "_BASE_")
#: OpenMMLab's key of a mapping that replaces that of the base.
DELETE: Final = "_delete_"


class Files:
    """Reads a file, and its bases, all of them within ``folder``; ``alone`` without them."""

    def __init__(self, folder: Path, *, alone: bool = False) -> None:
        self.folder = folder.resolve()
        self.alone = alone
        self.count = 0

    def read(self, path: Path, above: tuple[Path, ...] = ()) -> Node:
        """The settings of a file, laid over those of its bases. Raises :class:`SpecError`.

        ``above`` are the files that name this one.
        """
        self.count += 1
        if self.count > MAX_FILES:
            raise SpecError(Fault("size", f"more than {MAX_FILES} files", file=str(path)))
        source = Source(read_text(path, MAX_BYTES), str(path))
        python = path.suffix == ".py"
        above = (*above, path.resolve())

        def load(name: str, place: Node) -> Node:
            return self.read(self._beside(place, name, path, above), above)

        bases = None if self.alone else load
        if python:
            _check_length(source)
        node = read_python(source, load=bases) if python else parse(source)
        key = next((key for key in BASES if key in node.value), None)
        if self.alone:
            return node
        if key is None:
            return self._composed(node, path, above)
        below = self._below(node.value[key], path, above)
        if below is None:
            return node
        own = read_python(source, below.value) if python else node
        rest = {name: value for name, value in own.value.items() if name != key}
        return merged(below, Node(rest, own.source), delete=DELETE)

    def _below(self, named: Node, path: Path, above: tuple[Path, ...]) -> Node | None:
        """The settings of the bases that a value names."""
        below: Node | None = None
        for item in named.value if isinstance(named.value, list) else [named]:
            base = self.read(self._beside(item, item.value, path, above), above)
            below = base if below is None else merged(below, base)
        return below

    def _composed(self, node: Node, path: Path, above: tuple[Path, ...]) -> Node:
        """The settings of a file with those of Hydra's defaults."""
        defaults = node.child(hydra.KEY)
        if defaults is None or not isinstance(defaults.value, list):
            return node
        layers: list[Node] = []
        for part in hydra.parts_of(defaults):
            if part is None:
                layers.append(node)
                continue
            start = self.folder / "x" if part.path.startswith("/") else path
            try:
                file = self._beside(part.node, part.path.lstrip("/"), start, above)
            except SpecError:
                if part.optional:
                    continue
                raise
            layers.append(hydra.packaged(self.read(file, above), part))
        return hydra.composed(layers, node)

    def _beside(self, item: Node, name: object, path: Path, above: tuple[Path, ...]) -> Path:
        """The file of a name, relative to the file that it stands in."""
        if not isinstance(name, str) or not name or "\0" in name:
            _refuse(item, "a base is the name of a file", "write a path")
        if "::" in name:
            message = f"{name} is a file of a package, and no package is read"
            _refuse(item, message, "copy that file into the folder, and name its place")
        found = Path(os.path.normpath(path.parent / name))
        real = found.resolve()
        if os.path.isabs(name) or not real.is_relative_to(self.folder):
            common = _common(real, self.folder)
            help_ = f"give the folder of all files: --within {common}"
            if common == os.path.dirname(common):
                help_ = "copy that file into the folder"
            _refuse(item, f"{name} leaves the folder {self.folder}", help_)
        if real in above:
            _refuse(item, f"{name} is a base of itself", "remove it")
        if not real.is_file():
            _refuse(
                item, f"no such file: {found}", "put it there: the settings are not whole without"
            )
        return found


def parse(source: Source) -> Node:
    """The settings in a text: JSON, or YAML 1.1. Raises :class:`SpecError`."""
    if source.text.lstrip()[:1] == "{" and not (source.name or "").endswith((".yaml", ".yml")):
        return of_document(read_json(source, JSON_LIMITS))
    _check_length(source)
    return read_yaml(source)


def _check_length(source: Source) -> None:
    if len(source.text) > MAX_SLOW:
        message = f"{len(source.text):,} characters are too many (at most {MAX_SLOW:,})"
        help_ = "keep the settings of the network, and leave out the rest"
        raise SpecError(Fault("size", message, help=help_, file=source.name))


def _common(real: Path, folder: Path) -> str:
    try:
        return os.path.commonpath([real, folder])
    except ValueError:
        return str(folder)


def _refuse(node: Node, message: str, help: str) -> NoReturn:
    raise SpecError(node.fault("base", message, (), help))
