"""Formats of other programs, completion, colour and the version on the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


def resforge(*tokens: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.endswith("_COLOR")}
    command = [sys.executable, "-m", "resforge", *tokens]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**plain, **env}
    )


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    text = "resforge: 1\nstages: [{depth: 2, width: 64, strid: 2}]\n"
    (tmp_path / "a,b.yaml").write_text(text)
    (tmp_path / "good.yaml").write_text("resforge: 1\nbase: resnet18\n")
    return tmp_path


def test_annotations_for_github(bad: Path) -> None:
    done = resforge("check", "good.yaml", "a,b.yaml", "--format", "github", folder=bad)
    assert done.returncode == 3
    assert done.stdout == (
        "::error file=a%2Cb.yaml,line=2,col=32,title=key::stages[0].strid: unknown key 'strid'; "
        "did you mean 'stride'?\n"
    )


def test_a_sarif_log(bad: Path) -> None:
    done = resforge("check", "good.yaml", "a,b.yaml", "--format", "sarif", folder=bad)
    assert done.returncode == 3
    log = json.loads(done.stdout)
    (run,) = log["runs"]
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert log["version"] == "2.1.0"
    assert place["region"] == {"startLine": 2, "startColumn": 32}
    assert result["ruleId"] in {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    done = resforge("check", "good.yaml", "--format", "sarif", folder=bad)
    assert (done.returncode, json.loads(done.stdout)["runs"][0]["results"]) == (0, [])


@pytest.mark.parametrize("name", ["github", "sarif"])
def test_two_formats_exclude_each_other(bad: Path, name: str) -> None:
    done = resforge("check", "good.yaml", "--json", "--format", name, folder=bad)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--json and --format {name} exclude each other: leave one out." in done.stderr


def test_colour_is_for_those_who_ask(bad: Path) -> None:
    plain = resforge("check", "a,b.yaml", folder=bad).stderr
    red = resforge("check", "a,b.yaml", folder=bad, FORCE_COLOR="1").stderr
    assert "\x1b[" not in plain
    assert red.startswith("\x1b[1;31merror[key]\x1b[0m: ")
    assert resforge("check", "a,b.yaml", folder=bad, FORCE_COLOR="1", NO_COLOR="1").stderr == plain


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command_and_its_options(shell: str, tmp_path: Path) -> None:
    script = resforge("completion", shell, folder=tmp_path).stdout
    assert all(word in script for word in ("evaluate", "retry", "val-share", "crop_flip"))
    if shell == "bash":
        done = subprocess.run(["bash", "-n"], input=script, text=True, check=False)
        assert done.returncode == 0


def test_a_file_is_shown_again_when_it_is_saved(tmp_path: Path) -> None:
    """A good file, a bad one, a good one; then Ctrl-C."""
    net, svg = tmp_path / "net.yaml", tmp_path / "net.svg"
    net.write_text("resforge: 1\nbase: cifar_resnet20\n")
    command = [sys.executable, "-m", "resforge", "show", "net.yaml", "--watch", "--svg", "net.svg"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True) as shown:
        assert shown.stderr is not None
        assert shown.stdout is not None
        try:
            lines = iter(shown.stderr.readline, "")
            assert any(line.startswith("watching") for line in lines)
            first = svg.read_text()
            net.write_text("resforge: 1\nbase: cifar_resnet21\n")
            assert any(line.startswith("error[") for line in lines)
            assert any(line.startswith("watching") for line in lines)
            net.write_text("resforge: 1\nbase: cifar_resnet32\n")
            assert any(line.startswith("watching") for line in lines)
            shown.send_signal(signal.SIGINT)
            assert shown.wait(30) == 130
        finally:
            shown.kill()
        assert svg.read_text() != first
        assert "cifar_resnet32" in shown.stdout.read()


def test_only_a_file_can_be_watched(tmp_path: Path) -> None:
    done = resforge("show", "resnet18", "--watch", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--watch is for one file" in done.stderr


def test_the_version_in_short(tmp_path: Path) -> None:
    done = [resforge(flag, folder=tmp_path).stdout for flag in ("-V", "--version")]
    assert done[0] == done[1] != ""
