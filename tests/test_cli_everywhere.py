"""What every command has: ``-q`` and ``-v``, and a version in the objects of ``--json``."""

from __future__ import annotations

import inspect
import logging
from pathlib import Path

import pytest
from command_line import SWEEP, Cli
from picture_writer import write_digits
from resforge.cli import run
from resforge.cli.app import VERBS
from resforge.weights import save_weights

TINY = """\
resforge: 1
in_channels: 1
stem: {kind: conv3x3, width: 8}
stages: [{depth: 1, width: 8}]
block: basic
head: {num_classes: 10}
"""
SIZES = ("--epochs", "1", "--size", "8", "--batch-size", "16")

#: A command line of every command with ``--json``, in the order in which they can be run.
OBJECTS: dict[str, tuple[str, ...]] = {
    "show": ("net.yaml",),
    "diff": ("net.yaml", "resnet18"),
    "fit": ("net.yaml", "--params", "1e6"),
    "export": ("net.yaml", "--code"),
    "sweep plan": ("sweep.yaml",),
    "sweep run": ("sweep.yaml", "--out", "out", "--workers", "1"),
    "sweep status": ("out",),
    "report": ("out",),
    "generate": ("cifar_resnets", "-n", "1", "--out", "nets"),
    "generate size": ("cifar_resnets",),
    "generate check": ("cifar_resnets", "--points", "20"),
    "weights check": ("tiny.yaml", "tiny.safetensors"),
    "weights load": ("tiny.yaml", "tiny.safetensors", "--out", "loaded.safetensors"),
    "weights convert": ("tiny.safetensors", "tiny.pth", "--to", "timm"),
    "train": ("tiny.yaml", "--data", "pictures", "--out", "run", *SIZES),
    "evaluate": ("run", "--data", "pictures"),
}
LISTS: dict[str, tuple[str, ...]] = {
    "list": ("plain*",),
    "check": ("net.yaml",),
    "sweep retry": ("out",),
    "predict": ("run", "pictures/0/0000.png"),
}
#: Commands that show progress, tried without it.
QUIET = dict.fromkeys(("sweep run", "train", "evaluate"), ("-q",))
#: Commands that print a file of another format, and the key of its version there.
DOCUMENTS = {"new": (("resnet18",), "resforge"), "schema": ((), "$schema")}


def test_objects_have_a_version_and_lists_stay_lists(cli: Cli, tmp_path: Path) -> None:
    import resforge as rf

    (tmp_path / "sweep.yaml").write_text(SWEEP)
    (tmp_path / "tiny.yaml").write_text(TINY)
    save_weights(rf.build(tmp_path / "tiny.yaml"), tmp_path / "tiny.safetensors")
    write_digits(tmp_path / "pictures", 40)
    for verb, tokens in OBJECTS.items():
        done = cli(*verb.split(), *tokens, "--json", *QUIET.get(verb, ()))
        found = done.json
        assert done.err == "" or verb not in QUIET
        assert next(iter(found.items())) == ("resforge_json", 1), verb
    for verb, tokens in LISTS.items():
        assert isinstance(cli(*verb.split(), *tokens, "--json").json, list), verb
    for verb, (tokens, key) in DOCUMENTS.items():
        found = cli(verb, *tokens, "--json").json
        assert key in found, verb
        assert "resforge_json" not in found, verb
    assert cli("report", "out", "--format", "json").json == cli("report", "out", "--json").json
    expanded = cli("show", "net.yaml", "--expand", "--json")
    assert "resforge_json" not in expanded.json
    assert rf.loads(expanded.out) == rf.loads(cli("show", "net.yaml", "--expand").out)


def test_every_command_with_json_is_tried() -> None:
    with_json = {verb for verb, of, _ in VERBS if "json" in inspect.signature(of).parameters}
    assert with_json == {*OBJECTS, *LISTS, *DOCUMENTS}


@pytest.mark.parametrize("option", ["-q", "--quiet"])
def test_quiet_leaves_data_and_errors(cli: Cli, tmp_path: Path, option: str) -> None:
    (tmp_path / "bad.yaml").write_text("resforge: 1\nstages: [3, 4]\n")
    assert "params" in cli("fit", "net.yaml", "--params", "1e6").err
    for tokens in (
        ("fit", "net.yaml", "--params", "1e6"),
        ("show", "net.yaml", "--svg", "net.svg"),
        ("weights", "load", "net.yaml", "no.pth", "--out", "x"),
    ):
        loud, before, after = cli(*tokens), cli(option, *tokens), cli(*tokens, option)
        errors = loud.err if loud.code else ""
        assert (before.code, before.out, before.err) == (loud.code, loud.out, errors)
        assert (after.code, after.out, after.err) == (loud.code, loud.out, errors)
    assert cli("check", "bad.yaml", option).err == cli("check", "bad.yaml").err != ""
    assert cli("fit", "net.yaml", "--params", "1e6").err != ""


def test_verbose_says_versions_files_and_times(cli: Cli, tmp_path: Path) -> None:
    done = cli("diff", "net.yaml", "resnet18", "-v")
    first, *files, last = done.err.splitlines()
    assert first.startswith("[0.0")
    assert "resforge 0" in first
    assert "torch 2" in first
    assert str(tmp_path / "net.yaml") in files[0]
    assert files[1].endswith("read resnet18 from the catalogue")
    assert last.endswith("s] exit code 1")
    assert done.out == cli("diff", "net.yaml", "resnet18").out
    # Nothing is left behind in the process.
    assert not logging.getLogger("resforge").handlers
    assert "s] " not in cli("diff", "net.yaml", "resnet18").err


def test_verbose_shows_where_an_unexpected_error_happened(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr("resforge.cli.author.tell_document", fail)
    assert "-v" in cli("schema").err
    assert run(["schema", "--verbose"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_only_one_of_quiet_and_verbose(cli: Cli) -> None:
    done = cli("list", "-q", "-v")
    assert (done.code, done.out) == (2, "")
    assert "Give one of --quiet and --verbose." in done.err


@pytest.mark.parametrize(
    ("tokens", "verb"),
    [
        (("show", "resnet18", "--watch"), "show"),
        (("-v", "generate", "cifar_resnets", "--format", "yaml"), "generate"),
        (("new",), "new"),
        (("list", "-q", "-v"), "list"),
    ],
)
def test_a_usage_error_names_the_help_of_its_command(
    cli: Cli, tokens: tuple[str, ...], verb: str
) -> None:
    done = cli(*tokens)
    assert done.code == 2
    assert f"`resforge {verb} --help` shows the options" in done.err


def test_they_are_in_every_help_and_in_the_completion(cli: Cli) -> None:
    for tokens in ((), ("show", "--help"), ("weights", "check", "--help"), ("sweep",)):
        assert "--quiet, -q" in cli(*tokens).out
    assert "--quiet" in cli("completion", "bash").out


def test_what_follows_two_dashes_is_no_option(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "-net.yaml").write_text((tmp_path / "net.yaml").read_text())
    assert cli("show", "--", "-net.yaml").out == cli("show", "net.yaml").out


@pytest.mark.parametrize(
    ("verb", "text", "help_"),
    [
        ("generate", "space: 1\nbase: resnet18\nwhere: {conditions: [3]}", "sum(depths) <= 20"),
        (
            "sweep plan",
            "sweep: 1\nbase: resnet18\naxes: {shortcut: [zero_pad, projection]}",
            "write labels, each with its changes: {A: {shortcut: zero_pad}, ...}",
        ),
        ("sweep plan", "sweep: 1\nsearch: {}", "write space: cifar_resnets"),
        ("sweep plan", "sweep: 1\nsearch: {space: cifar_resnets}", "write n: 20"),
    ],
)
def test_bad_conditions_and_searches_lead_to_the_fix(
    cli: Cli, tmp_path: Path, verb: str, text: str, help_: str
) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    done = cli(*verb.split(), "bad.yaml")
    assert done.code == 3
    assert help_ in done.err
