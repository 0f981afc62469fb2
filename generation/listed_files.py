"""Networks of a finite list in a folder: all of a space, or those that cover its options."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from ..files import locked, write_whole
from .files import Format, check_manifest, digest_of, has_text, write_spec
from .lines import LINES, Lines
from .names import ChoiceNames
from .points import Architecture
from .space import Space


class ListedFolder:
    """Networks of ``space`` in the order of a list, each written once.

    ``yaml`` writes a file for each network, named after its choices (:class:`ChoiceNames`);
    ``jsonl`` and ``csv`` one file for all, as :class:`~resforge.generation.NetworkFolder` does.
    ``networks`` says which list it is (``all``, or ``pairs`` with its seed). Raises
    :class:`StoreError` where the folder holds other networks, another process is writing into it,
    or the disk cannot be written.
    """

    def __init__(
        self, path: Path, space: Space, networks: str, seed: int = 0, format: Format = "yaml"
    ) -> None:
        self.path, self.space = path, space
        self._lines = LINES[format](space) if format in LINES else None
        with locked(path, "writing networks into"):
            known = {"space": digest_of(space), "seed": seed, "format": format}
            check_manifest(path, {**known, "networks": networks})

    def fill(self, found: Iterable[Architecture]) -> Iterator[Architecture]:
        """Write the networks that are not there yet; each is yielded once it is there.

        An interrupted call is resumed by the same call, with the same list.
        """
        with locked(self.path, "writing networks into"):
            if self._lines is None:
                names = ChoiceNames(self.space)
                for each in found:
                    file = self.path / f"{names.name(each)}.yaml"
                    if not has_text(file):
                        write_spec(file, each, self.space)
                    yield each
            else:
                yield from self._fill_lines(self._lines, found)

    def _fill_lines(self, lines: Lines, found: Iterable[Architecture]) -> Iterator[Architecture]:
        """Keep the first lines that are as they should be, and write the rest again."""
        rest = iter(found)
        for kept, (_, _, line) in enumerate(lines.read(self.path)):
            each = next(rest, None)
            if each is None or line != lines.line(each):
                rest = iter(()) if each is None else chain([each], rest)
                self._cut(lines, kept)
                break
            yield each
        for each in rest:
            lines.append(self.path, lines.line(each))
            yield each

    def _cut(self, lines: Lines, count: int) -> None:
        """Keep the header and the first ``count`` lines."""
        kept = [line for _, _, line in islice(lines.read(self.path), count)]
        write_whole(self.path / lines.file, lines.header + "".join(kept))
