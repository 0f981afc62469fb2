"""A run's folder: its files, each written whole, and who may write them."""

from __future__ import annotations

import csv
import io
import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ..._version import __version__
from ...errors import StoreError
from ...files import locked, make_folder, write_whole
from ...training.sealed import seal, unseal
from .record import COLUMNS, Epoch, RunSpec
from .weights import FORMAT, check_format, read_spec

RUN, HISTORY, CURVE = "run.json", "history.csv", "curve.svg"
BEST, LAST, RESUME = "best.safetensors", "last.safetensors", "resume.pt"
#: Differences that are told.
SHOWN = 4


class RunFolder:
    """The folder of one run.

    ``resume.pt`` decides where a run goes on; every other file can be made from it or again. It is
    written last, so that a process that is killed anywhere leaves what another can go on with.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_begun(self) -> bool:
        return (self.path / RUN).is_file()

    def begin(self, spec: RunSpec) -> None:
        """Make the folder. Raises ``StoreError`` for one that holds a run, or other files.

        A run of which nothing was kept, because it was refused, say, is begun anew.
        """
        make_folder(self.path)
        held = {file.name for file in self.path.iterdir() if not file.name.startswith(".")}
        if self.is_begun and held & {BEST, LAST, RESUME}:
            raise StoreError(
                f"{self.path} holds a run already: add --resume to go on with it, or choose"
                " another --out"
            )
        others = held - ({RUN, HISTORY, CURVE} if self.is_begun else set())
        if others:
            raise StoreError(
                f"{self.path} holds other files, {min(others)} among them: choose another --out"
            )
        head = {"format": FORMAT, "resforge": __version__, **spec.model_dump(mode="json")}
        write_whole(self.path / RUN, json.dumps(head, indent=2) + "\n")

    def spec(self) -> RunSpec:
        """What decides the run. Raises ``StoreError`` where there is none that can be read."""
        path = self.path / RUN
        try:
            head = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise StoreError(f"{self.path} holds no run: `resforge train` makes one") from None
        except (OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read ({error})") from None
        if not isinstance(head, dict):
            raise StoreError(f"{path} is damaged: it holds no mapping")
        check_format(path, head)
        return read_spec(path, {name: head[name] for name in RunSpec.model_fields if name in head})

    def check(self, spec: RunSpec) -> None:
        """Raise ``StoreError`` unless ``spec`` is what decides this run."""
        if others := self.spec().differences(spec):
            raise StoreError(
                f"{self.path} holds another run, which differs in {', '.join(others[:SHOWN])}:"
                " resume it as it was begun, or choose another --out"
            )

    def keep(self, state: dict[str, Any]) -> None:
        """Write where the run is."""
        write_whole(self.path / RESUME, seal({"format": FORMAT, "state": state}))

    def kept(self) -> dict[str, Any] | None:
        """Where the run was left; None at its start. Raises ``StoreError`` for a damaged file."""
        path = self.path / RESUME
        try:
            head = unseal(path.read_bytes())
        except FileNotFoundError:
            return None
        except Exception as error:  # a broken file can raise anything at all
            raise StoreError(
                f"{path} cannot be read ({error}): begin again under another --out, with"
                f" --weights {self.path / LAST}"
            ) from None
        check_format(path, head)
        state: dict[str, Any] = head["state"]
        return state

    def write_history(self, history: list[Epoch]) -> None:
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerows([COLUMNS, *(epoch.as_row() for epoch in history)])
        write_whole(self.path / HISTORY, text.getvalue())

    def locked(self) -> AbstractContextManager[None]:
        """Nobody else trains into this folder inside. Raises ``StoreError`` where another does."""
        return locked(self.path, "training into")
