"""Running the command line in this process, for several tests."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from resforge.cli import run

NET = """\
resforge: 1
stages:
  - {depth: 2, width: 64}
  - {depth: 2, width: 128, stride: 2, shortcut: projection}
block: basic
"""
BROKEN = NET.replace("shortcut: projection", "shortcut: identity")


#: Two arms of one trial each, of two steps.
SWEEP = """\
sweep: 1
base: digits_resnet8
axes:
  shortcut:
    plain: {shortcut: none}
    A: {shortcut: zero_pad}
seeds: 1
recipe: {steps: 2, batch_size: 16}
"""


class Terminal(io.StringIO):
    """A screen to write on."""

    def isatty(self) -> bool:
        return True


class Done:
    """How a command line ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = int(code), out, err
        assert "Traceback" not in err

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Done]


def command_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Cli:
    """Runs a command line in ``folder``, which holds nothing but ``net.yaml``."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("RESFORGE_DEBUG", raising=False)
    (folder / "net.yaml").write_text(NET)

    def call(*tokens: str) -> Done:
        code = run(tokens)
        return Done(code, *capsys.readouterr())

    return call
