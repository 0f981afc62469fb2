"""Networks of a space in a folder; an interrupted call is resumed by the same call."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence, Set
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

from ..errors import StoreError
from ..files import locked, write_whole
from ..specs.plain import as_seed
from .digests import DigestSet
from .draws import TRIES
from .lines import LINES, Lines
from .points import Architecture
from .shards import WHOLE, Shard
from .space import Space

Format = Literal["yaml", "jsonl", "csv"]

_MANIFEST = "space.json"
_FILE = re.compile(r"(\d+)-([0-9a-f]{16})\.yaml")


class NetworkFolder:
    """The first networks of a space's sample, or of a shard of it, each written once.

    ``yaml`` writes a file for each network, ``NUMBER-DIGEST.yaml``, which every command reads;
    ``jsonl`` one file, ``networks.jsonl``, with the costs of each network beside its spec; ``csv``
    a table, ``networks.csv``, with costs and choices. Raises :class:`StoreError` where the folder
    holds networks of another space, seed, format or shard, another process is writing into it, or
    the disk cannot be written. ``workers`` processes draw, as in :meth:`Space.sample`; one writes.
    """

    def __init__(
        self,
        path: Path,
        space: Space,
        seed: int = 0,
        format: Format = "yaml",
        tries: int = TRIES,
        guided: bool = False,
        workers: int = 1,
        shard: Shard = WHOLE,
    ) -> None:
        self.path, self.space, self.format = path, space, format
        seed = as_seed("NetworkFolder", seed)
        self._draws = space.draws(seed, tries, guided, workers).part(shard)
        manifest = {"space": digest_of(space), "seed": seed, "format": format}
        self._lines = LINES[format](space) if format in LINES else None
        with self._locked():
            manifest |= {"networks": "guided"} if guided else {}
            check_manifest(path, {**manifest, **({"shard": str(shard)} if shard.of > 1 else {})})
            self._read_folder()

    def fill(self, count: int) -> Iterator[Architecture]:
        """Write networks until there are ``count``; each is yielded once it is written.

        Networks that were deleted, emptied or cut off are written again first, so that the folder
        holds the first ones of the sample. Ends early where the space is exhausted. Raises as
        :meth:`Space.sample` does, and :class:`StoreError` while another process is writing into the
        folder.
        """
        with self._locked():
            self._read_folder()  # another process may have written since
            yield from self._mend()
            if self.count >= count:
                return
            line = None if self._lines is None else self._lines.line
            for found, text in self._draws.with_texts(self._next, self._digests, line):
                self._write(found, text)
                self.count += 1
                yield found
                if self.count >= count:
                    return

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self.path, "writing networks into")

    def _read_folder(self) -> None:
        #: Number of networks in the folder, and the number of the draw after the last.
        self.count, self._next, self._digests = 0, 0, DigestSet()
        for number, digest in self._existing():
            self.count += self._digests.add(digest)
            self._next = max(self._next, number + 1)

    def _mend(self) -> Iterator[Architecture]:
        """Write the networks of draws before the last that are not there any more.

        Draws that are not there since they repeat an earlier network are made again, too.
        """
        seen, missing, repeated = DigestSet(), list[Architecture](), list[tuple[int, str]]()
        expected = 0
        for number, digest in self._existing():
            for gap in self._draws.shard.numbers(expected, number):
                found = self._draws.nth(gap)
                if seen.add(found.digest):
                    missing.append(found)
            expected = number + 1
            if not seen.add(digest):
                repeated.append((number, digest))
        if not missing:
            return
        if self._lines is not None:
            self._rewrite(self._lines, missing, {number for number, _ in repeated})
        else:
            for found in missing:
                self._write_file(found)
            for number, digest in repeated:
                self._file(number, digest).unlink(missing_ok=True)
        self._read_folder()
        yield from missing

    def _rewrite(self, kept: Lines, missing: Sequence[Architecture], repeated: Set[int]) -> None:
        """Put lines of networks into their places, and leave repeated ones out."""
        lines = {number: line for number, _, line in kept.read(self.path)}
        lines |= {found.number: kept.line(found) for found in missing}
        text = [lines[number] for number in sorted(lines) if number not in repeated]
        write_whole(self.path / kept.file, kept.header + "".join(text))

    def _existing(self) -> Iterator[tuple[int, str]]:
        """Number and digest of each network in the folder, in the order of the numbers."""
        if self._lines is not None:
            yield from ((number, digest) for number, digest, _ in self._lines.read(self.path))
            return
        files = ((_FILE.fullmatch(file.name), file) for file in self.path.iterdir())
        found = ((int(match[1]), match[2]) for match, file in files if match and has_text(file))
        yield from sorted(found)

    def _write(self, found: Architecture, line: str) -> None:
        if self._lines is None:
            self._write_file(found)
        else:
            self._lines.append(self.path, line)

    def _write_file(self, found: Architecture) -> None:
        write_spec(self._file(found.number, found.digest), found, self.space)

    def _file(self, number: int, digest: str) -> Path:
        return self.path / f"{stem_of(number, digest)}.yaml"


def check_manifest(path: Path, expected: dict[str, Any]) -> None:
    """Note in a folder whose networks it holds. Raises :class:`StoreError` where it holds others,
    or cannot be read."""
    manifest = path / _MANIFEST
    try:
        known = json.loads(manifest.read_bytes())
    except FileNotFoundError:
        write_whole(manifest, json.dumps(expected, indent=2) + "\n")
        return
    except (OSError, ValueError) as error:
        raise StoreError(f"{manifest} cannot be read ({error}): choose another --out") from None
    # A folder of draws has no note of a kind, and neither had those of earlier versions.
    names = dict.fromkeys([*expected, "networks", "shard"])
    for name in names:
        if not isinstance(known, dict) or known.get(name) != expected.get(name):
            message = f"{path} holds networks of another {name}: choose another --out"
            if name == "networks":
                message = f"{path} holds networks of another command: choose another --out"
            raise StoreError(message)


def write_spec(file: Path, found: Architecture, space: Space) -> None:
    """Write the spec of a network, labelled with the names of its space and its file."""
    write_whole(file, spec_text(found, space, file.stem))


def spec_text(found: Architecture, space: Space, stem: str) -> str:
    """The YAML of a network, labelled with the name of its space and the ``stem`` of its file."""
    label = f"{space.name or 'network'}-{stem}"[:200]
    return found.spec.model_copy(update={"name": label}).to_yaml()


def stem_of(number: int, digest: str) -> str:
    """What the file of a drawn network is called, without its suffix."""
    return f"{number:06d}-{digest[:16]}"


def has_text(file: Path) -> bool:
    """Whether a file exists and holds a text to its end: it is not empty, cut off, or full of zeros
    as some file systems leave it where the power went out."""
    if not file.is_file() or file.stat().st_size == 0:
        return False
    with file.open("rb") as opened:
        opened.seek(-1, os.SEEK_END)
        return opened.read() == b"\n"


def digest_of(space: Space) -> str:
    """The same for spaces that draw the same networks."""
    canonical = space.model_dump(mode="json", exclude={"name"})
    canonical["base"] = space.template.base.digest
    text = json.dumps(canonical, sort_keys=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
