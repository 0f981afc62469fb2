"""``resforge export``: what it writes, what it says, and how it refuses."""

from __future__ import annotations

from pathlib import Path

import resforge as rf
from command_line import BROKEN, Cli
from resforge.export import to_code


def test_code_goes_to_standard_output(cli: Cli) -> None:
    done = cli("export", "net.yaml", "--code")
    assert (done.code, done.out, done.err) == (0, to_code("net.yaml"), "")
    as_json = cli("export", "net.yaml", "--code", "--json").json
    spec = rf.load("net.yaml")
    assert as_json == {
        "resforge_json": 1,
        "name": "",
        "digest": spec.digest,
        "code": done.out,
    }


def test_one_format_is_asked_for(cli: Cli) -> None:
    done = cli("export", "net.yaml")
    assert done.code == 2
    assert "Give one of --code" in done.err
    assert "given: none" in done.err


def test_a_wrong_spec_is_refused(cli: Cli) -> None:
    Path("net.yaml").write_text(BROKEN)
    done = cli("export", "net.yaml", "--code")
    assert (done.code, done.out) == (3, "")
    assert "error[shortcut]: net.yaml:4" in done.err
