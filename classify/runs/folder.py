"""Folder of a run: its files, each written atomically, and its lock."""

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
#: Largest number of differences in a message.
SHOWN = 4


class RunFolder:
    """Folder of one run.

    A run is resumed from the state in ``resume.pt``. It is written last: a process that is killed
    at any time leaves a folder that another process can resume from.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_begun(self) -> bool:
        return (self.path / RUN).is_file()

    def begin(self, spec: RunSpec) -> None:
        """Create the folder and write ``spec``. Raises ``StoreError`` for a folder that holds a
        run, or other files.

        A run without weights or state, which failed before its first epoch, is replaced.
        """
        make_folder(self.path)
        present = {file.name for file in self.path.iterdir() if not file.name.startswith(".")}
        if self.is_begun and present & {BEST, LAST, RESUME}:
            raise StoreError(
                f"{self.path} holds a run already: add --resume to continue it, or choose another"
                " --out"
            )
        others = present - ({RUN, HISTORY, CURVE} if self.is_begun else set())
        if others:
            raise StoreError(
                f"{self.path} holds other files, {min(others)} among them: choose another --out"
            )
        head = {"format": FORMAT, "resforge": __version__, **spec.model_dump(mode="json")}
        write_whole(self.path / RUN, json.dumps(head, indent=2) + "\n")

    def spec(self) -> RunSpec:
        """Read the spec of the run. Raises ``StoreError`` where that is impossible."""
        path = self.path / RUN
        try:
            head = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise StoreError(f"{self.path} holds no run: create one by `resforge train`") from None
        except (OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read ({error})") from None
        if not isinstance(head, dict):
            raise StoreError(f"{path} is damaged: it does not hold a mapping")
        check_format(path, head)
        return read_spec(path, {name: head[name] for name in RunSpec.model_fields if name in head})

    def check(self, spec: RunSpec) -> None:
        """Raise ``StoreError`` unless ``spec`` is that of this run."""
        if others := self.spec().differences(spec):
            raise StoreError(
                f"{self.path} holds another run, which differs in {', '.join(others[:SHOWN])}:"
                " resume it with its own options, or choose another --out"
            )

    def write_state(self, state: dict[str, Any]) -> None:
        """Write the state of training."""
        write_whole(self.path / RESUME, seal({"format": FORMAT, "state": state}))

    def read_state(self) -> dict[str, Any] | None:
        """Read the state of training; None where there is none yet. Raises ``StoreError`` for a
        damaged file."""
        path = self.path / RESUME
        try:
            head = unseal(path.read_bytes())
        except FileNotFoundError:
            return None
        except Exception as error:  # a broken file can raise anything at all
            raise StoreError(
                f"{path} cannot be read ({error}): start a run in another --out, with --weights"
                f" {self.path / LAST}"
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
        """Context with the lock of this folder. Raises ``StoreError`` if another process has it."""
        return locked(self.path, "training into")
