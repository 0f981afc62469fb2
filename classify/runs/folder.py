"""Folder of a run: its files, each written atomically, and its lock."""

from __future__ import annotations

import csv
import io
import json
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

from ..._version import __version__
from ...errors import StoreError
from ...files import locked, make_folder, write_whole
from ...reading.not_specs import BEST, LAST, RUN
from ...training.sealed import seal, unseal
from ...training.states import reason
from .identity import KEY, Identity
from .reading import FORMAT, MAX_SPEC, check_format, fields_in, parse_mapping, read_file, validated
from .record import COLUMNS, Epoch, RunSpec
from .weights import Checkpoint, CheckpointHead, read_checkpoint, read_head

HISTORY, CURVE = "history.csv", "curve.svg"
CLASS_INDICES = "class_indices.json"
RESUME = "resume.pt"
#: Largest number of differences in a message.
SHOWN = 4


def _head_of(path: Path) -> CheckpointHead:
    try:
        return read_head(path)
    except StoreError as error:
        raise StoreError(f"{error}: put it back, or remove it to continue without it") from None


class RunFolder:
    """Folder of one run.

    A run is resumed from the state in ``resume.pt``. It is written last: a process that is killed
    at any time leaves a folder that another process can resume from. Each file carries the identity
    of the run, and a file of another run is refused.
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
        others = present - ({RUN, HISTORY, CURVE, CLASS_INDICES} if self.is_begun else set())
        if others:
            raise StoreError(
                f"{self.path} holds other files, {min(others)} among them: choose another --out"
            )
        head = {"format": FORMAT, "resforge": __version__, KEY: Identity.new(self.path).text}
        self._write_spec(head, spec)

    def lengthen(self, spec: RunSpec) -> bool:
        """Write ``spec``, which :meth:`check` accepted, where it ends the run elsewhere; whether
        it does."""
        if not self.spec().differences(spec):
            return False
        self._write_spec(self._head(), spec)
        return True

    def _write_spec(self, head: dict[str, Any], spec: RunSpec) -> None:
        text = json.dumps({**head, **spec.model_dump(mode="json")}, indent=2) + "\n"
        write_whole(self.path / RUN, text)

    def write_class_indices(self, classes: tuple[str, ...]) -> None:
        """Write the class of each output of the network, as many scripts read it."""
        tree = {str(number): name for number, name in enumerate(classes)}
        write_whole(self.path / CLASS_INDICES, json.dumps(tree, indent=4) + "\n")

    def spec(self) -> RunSpec:
        """Read the spec of the run. Raises ``StoreError`` where that is impossible."""
        return validated(self.path / RUN, RunSpec, fields_in(RunSpec, self._head()))

    @cached_property
    def identity(self) -> Identity:
        """Identity of the run. Raises ``StoreError`` where it cannot be read."""
        head = self._head()
        return Identity.of(self.path / RUN, head, fields_in(RunSpec, head))

    def _head(self) -> dict[str, Any]:
        path = self.path / RUN
        try:
            return parse_mapping(path, read_file(path, MAX_SPEC))
        except FileNotFoundError:
            raise StoreError(f"{self.path} holds no run: create one by `resforge train`") from None

    def check(self, spec: RunSpec) -> None:
        """Raise ``StoreError`` unless the files of this folder are those of one run of ``spec``,
        or of a run that it lengthens."""
        mine = self.spec()
        others = mine.differences(spec)
        # The identity of a run of an earlier version is made of its settings.
        if others and (self.identity.earlier or not mine.is_lengthened_by(spec)):
            raise StoreError(
                self._longer(mine) if mine.asks_for_more(spec) else self._other(others)
            )
        for path in (self.path / name for name in (HISTORY, BEST, LAST, RESUME)):
            if path.is_dir():
                raise StoreError(f"{path} is a folder, and a run has a file there: move it away")
        for path in (self.path / name for name in (BEST, LAST)):
            if path.exists():
                self._check_weights(path.name, _head_of(path))

    def _other(self, others: list[str]) -> str:
        return (
            f"{self.path} holds another run, which differs in {', '.join(others[:SHOWN])}:"
            " resume it with its own options, or choose another --out"
        )

    def _longer(self, mine: RunSpec) -> str:
        return (
            f"{self.path} holds a run of {mine.epochs} epochs, whose {mine.recipe.schedule.kind}"
            f" schedule ends with them: start another run from its weights, with --weights"
            f" {self.path / LAST}, another --out, and --epochs and --lr of its own"
        )

    def read_weights(self, name: str) -> Checkpoint:
        """Read ``best.safetensors`` or ``last.safetensors``. Raises ``StoreError`` for a file that
        is missing, damaged, or of another run."""
        try:
            checkpoint = read_checkpoint(self.path / name)
        except FileNotFoundError:
            raise StoreError(self._without(name)) from None
        self._check_weights(name, checkpoint.head)
        return checkpoint

    def _check_weights(self, name: str, head: CheckpointHead) -> None:
        path, home = self.path / name, self.path / RUN
        help = f"put the {name} of this run back, or give the file alone: resforge predict {path}"
        spec = self.spec()
        others = spec.differences(head.run)
        self.identity.check(home, path, head.id, help)
        if others and not head.run.is_lengthened_by(spec):
            raise StoreError(f"{path} differs from {home} in {', '.join(others[:SHOWN])}: {help}")

    def _without(self, name: str) -> str:
        other = next((self.path / file for file in (BEST, LAST) if (self.path / file).exists()), "")
        if other:
            why = " (a run has none while its validation loss is not finite)" * (name == BEST)
            return f"{self.path} has no {name}{why}: put it back, or give {other} alone"
        return f"{self.path} has not finished an epoch yet: continue it with --resume"

    def write_state(self, state: dict[str, Any]) -> None:
        """Write the state of training."""
        tree = {"format": FORMAT, KEY: self.identity.text, "state": state}
        write_whole(self.path / RESUME, seal(tree))

    def read_state(self) -> dict[str, Any] | None:
        """Read the state of training; None where there is none yet. Raises ``StoreError`` for a
        damaged file, and for one of another run."""
        path = self.path / RESUME
        try:
            content = read_file(path)
        except FileNotFoundError:
            return None
        try:
            head = unseal(content)
        except Exception as error:  # a broken file can raise anything at all
            raise self.unusable_state(error) from None
        head = check_format(path, head)
        help = f"put the {RESUME} of this run back, or {self._begin_again}"
        self.identity.check(self.path / RUN, path, head.get(KEY), help)
        if not isinstance(head.get("state"), dict):
            raise self.unusable_state("it holds no state")
        state: dict[str, Any] = head["state"]
        return state

    def unusable_state(self, why: object) -> StoreError:
        """The error for a state that cannot be read or does not fit the run."""
        text = f"{self.path / RESUME} cannot be used ({reason(why)}): {self._begin_again}"
        return StoreError(text)

    @property
    def _begin_again(self) -> str:
        return f"start a run in another --out, with --weights {self.path / LAST}"

    def write_history(self, history: list[Epoch]) -> None:
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerows([COLUMNS, *((*epoch.as_row(), self.identity.text) for epoch in history)])
        write_whole(self.path / HISTORY, text.getvalue())

    def locked(self) -> AbstractContextManager[None]:
        """Context with the lock of this folder. Raises ``StoreError`` if another process has it."""
        return locked(self.path, "training into")
