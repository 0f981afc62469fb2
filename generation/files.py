"""Networks of a space in a folder; an interrupted call is resumed by the same call."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence, Set
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

from ..errors import StoreError
from ..files import locked, write_whole
from ..specs.plain import as_seed
from .digests import DigestSet
from .draws import TRIES, Draws
from .points import Architecture
from .space import Space

Format = Literal["yaml", "jsonl"]

_EXACT = 2**53
_MANIFEST = "space.json"
_LINES = "networks.jsonl"
_FILE = re.compile(r"(\d+)-([0-9a-f]{16})\.yaml")


def record_of(found: Architecture, space: Space | None = None) -> dict[str, Any]:
    """A network as the values of one line of JSON, with its choices as ``values`` where its
    ``space`` is given.

    Programs that read numbers as floats would round an ``index`` beyond 2^53: that is a text.
    """
    return {
        "number": found.number,
        "index": found.index if found.index <= _EXACT else str(found.index),
        "digest": found.digest,
        "params": found.params,
        "macs": found.macs,
        "activations": found.activations,
        "depth": found.depth,
        "receptive_field": found.receptive_field,
        **({"values": space.values(found)} if space else {}),
        "spec": found.spec.to_tree(),
    }


class NetworkFolder:
    """The first networks of a space's sample, each written once.

    ``yaml`` writes a file for each network, ``NUMBER-DIGEST.yaml``, which every command reads;
    ``jsonl`` one file, ``networks.jsonl``, with the costs of each network beside its spec. Raises
    :class:`StoreError` where the folder holds networks of another space, seed or format, another
    process is writing into it, or the disk cannot be written.
    """

    def __init__(
        self,
        path: Path,
        space: Space,
        seed: int = 0,
        format: Format = "yaml",
        tries: int = TRIES,
    ) -> None:
        self.path, self.space, self.format = path, space, format
        seed = as_seed("NetworkFolder", seed)
        self._draws = Draws(space.points, seed, tries)
        with self._locked():
            self._check_manifest({"space": _digest(space), "seed": seed, "format": format})
            self._read_folder()

    def fill(self, count: int) -> Iterator[Architecture]:
        """Write networks until there are ``count``; each is yielded once it is written.

        Networks that were deleted or emptied since are written again first, so that the folder
        holds the first ones of the sample. Ends early where the space is exhausted. Raises as
        :meth:`Space.sample` does, and :class:`StoreError` while another process is writing into the
        folder.
        """
        with self._locked():
            self._read_folder()  # another process may have written since
            yield from self._mend()
            if self.count >= count:
                return
            write = self._write_line if self.format == "jsonl" else self._write_file
            for found in self._draws.starting_at(self._next, self._digests):
                write(found)
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
            for gap in range(expected, number):
                found = self._draws.nth(gap)
                if seen.add(found.digest):
                    missing.append(found)
            expected = number + 1
            if not seen.add(digest):
                repeated.append((number, digest))
        if not missing:
            return
        if self.format == "jsonl":
            self._rewrite(missing, {number for number, _ in repeated})
        else:
            for found in missing:
                self._write_file(found)
            for number, digest in repeated:
                self._file(number, digest).unlink(missing_ok=True)
        self._read_folder()
        yield from missing

    def _rewrite(self, missing: Sequence[Architecture], repeated: Set[int]) -> None:
        """Put lines of networks into their places, and leave repeated ones out."""
        lines = {
            json.loads(line)["number"]: line
            for line in (self.path / _LINES).read_text(encoding="utf-8").splitlines(keepends=True)
        }
        lines |= {found.number: self._line(found) for found in missing}
        kept = [lines[number] for number in sorted(lines) if number not in repeated]
        write_whole(self.path / _LINES, "".join(kept))

    def _check_manifest(self, expected: dict[str, Any]) -> None:
        manifest = self.path / _MANIFEST
        try:
            known = json.loads(manifest.read_bytes())
        except FileNotFoundError:
            write_whole(manifest, json.dumps(expected, indent=2) + "\n")
            return
        except (OSError, ValueError) as error:
            raise StoreError(f"{manifest} cannot be read ({error}): choose another --out") from None
        for name, value in expected.items():
            if not isinstance(known, dict) or known.get(name) != value:
                message = f"{self.path} holds networks of another {name}: choose another --out"
                raise StoreError(message)

    def _existing(self) -> Iterator[tuple[int, str]]:
        """Number and digest of each network in the folder, in the order of the numbers."""
        if self.format == "yaml":
            files = ((_FILE.fullmatch(file.name), file) for file in self.path.iterdir())
            found = ((int(match[1]), match[2]) for match, file in files if match and _has(file))
            yield from sorted(found)
            return
        lines = self.path / _LINES
        if not lines.exists():
            return
        end = 0
        with lines.open("rb+") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break  # an interrupted write
                try:
                    record = json.loads(line)
                    yield int(record["number"]), str(record["digest"])
                except (ValueError, KeyError, TypeError):
                    message = f"{lines} is damaged after byte {end:,}: choose another --out"
                    raise StoreError(message) from None
                end += len(line)
            file.truncate(end)

    def _write_file(self, found: Architecture) -> None:
        file = self._file(found.number, found.digest)
        label = f"{self.space.name or 'network'}-{file.stem}"[:200]
        spec = found.spec.model_copy(update={"name": label})
        write_whole(file, spec.to_yaml())

    def _line(self, found: Architecture) -> str:
        return json.dumps(record_of(found, self.space), separators=(",", ":")) + "\n"

    def _file(self, number: int, digest: str) -> Path:
        return self.path / f"{number:06d}-{digest[:16]}.yaml"

    def _write_line(self, found: Architecture) -> None:
        line = self._line(found)
        try:
            with (self.path / _LINES).open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            message = f"{self.path / _LINES} cannot be written ({error.strerror}): free space"
            raise StoreError(f"{message}, then run the same command") from error


def _has(file: Path) -> bool:
    """Whether a file holds anything."""
    return file.stat().st_size > 0


def _digest(space: Space) -> str:
    """The same for spaces that draw the same networks."""
    canonical = space.model_dump(mode="json", exclude={"name"})
    canonical["base"] = space.template.base.digest
    text = json.dumps(canonical, sort_keys=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
