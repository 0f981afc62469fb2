"""Help, usage, exit codes, and what the command line does outside this process."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import resforge as rf
from command_line import NET, Cli, Terminal
from resforge.cli import run
from resforge.cli.output import console

TOP_VERBS = ("list", "new", "check", "show", "diff", "schema", "sweep", "report", "train")


def test_help_lists_every_verb(cli: Cli) -> None:
    done = cli("--help")
    assert done.code == 0
    for verb in TOP_VERBS:
        assert f"\n  {verb}: " in done.out
    assert cli().out == done.out


@pytest.mark.parametrize(
    "verb", [("list",), ("new",), ("check",), ("show",), ("diff",), ("schema",), ("sweep", "run")]
)
def test_each_verb_explains_itself_with_an_example(cli: Cli, verb: tuple[str, ...]) -> None:
    done = cli(*verb, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.lines[0].startswith(f"Usage: resforge {' '.join(verb)}")
    assert f"Examples:\n  resforge {' '.join(verb)}" in done.out


def test_version(cli: Cli) -> None:
    assert cli("--version").out == f"{rf.__version__}\n"


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (["shwo", "x"], 'Did you mean "show"?'),
        (["show", "x", "--inptu", "3"], "Did you mean --input?"),
        (["show"], "SOURCE is missing"),
        (["evaluate", "run"], "--data DATA is missing"),
        (["new", "resnet18", "b", "c"], "'b' and 1 more: the command takes no more arguments"),
        (["new", "resnet18", "-o", "x.yaml"], "> FILE"),
        (["export", "resnet18", "--out=x"], "> FILE"),
        (["predict", "--run", "x", "a.png"], "resforge predict RUN PICTURE"),
        (["generate", "cifar_resnets", "--num", "3"], "--count"),
        (["show", "a", "b", "--all"], "--all"),
        (["check"], "FILE"),
        (["check", "net.yaml", "--max-params", "many"], "--max-params"),
        (["sweep", "rnu"], 'Did you mean "run"?'),
        (["sweep", "run", "net.yaml"], "--out"),
        (["sweep", "run", "net.yaml", "--out", "x", "--workers", "0"], "--workers"),
    ],
)
def test_usage_errors_name_a_remedy(cli: Cli, tokens: list[str], said: str) -> None:
    done = cli(*tokens)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error[usage]: ")
    assert said in done.err
    assert "--help`" in done.err


# how it ends


def test_a_full_disk_is_reported(cli: Cli, tmp_path: Path) -> None:
    done = cli("show", "net.yaml", "--svg", "no/such/folder.svg")
    assert done.code == 4
    assert done.err == "error[disk]: no/such/folder.svg: No such file or directory\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (BrokenPipeError(), 130, ""),
        (rf.specs.StoreError("the store is damaged"), 4, "error[store]: the store is damaged\n"),
        (rf.ResforgeError("install it"), 3, "error: install it\n"),
        (OSError(28, "No space left on device"), 4, "error[disk]: No space left on device\n"),
        (RuntimeError("odd"), 70, "error[bug]: RuntimeError: odd\n"),
    ],
)
def test_each_way_of_ending_has_its_code(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("resforge.cli.author.tell_document", fail)
    # Standard output is given away where a real one is broken; the tests' own is kept.
    monkeypatch.setattr("resforge.cli.exits._silence_stdout", lambda: None)
    done = cli("schema")
    assert (done.code, done.err.splitlines(True)[:1]) == (code, said.splitlines(True))


def test_a_bug_shows_where_on_request(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr("resforge.cli.author.tell_document", fail)
    assert "RESFORGE_DEBUG=1" in cli("schema").err
    monkeypatch.setenv("RESFORGE_DEBUG", "1")
    assert run(["schema"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_names_cannot_drive_the_terminal(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(NET + 'name: "\\e[2J[bold]:smile:"\n')
    for verb in ("check", "show"):
        done = cli(verb, "net.yaml")
        assert done.code == 0
        assert "\\x1b[2J[bold]:smile:" in done.out
    odd = cli("check", "\x1b[2J.yaml")
    assert "\x1b" not in odd.out + odd.err


# beyond this process


def test_colour_is_for_terminals_without_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    assert console(Terminal()).color_system is not None
    assert console(io.StringIO()).color_system is None
    assert console(io.StringIO()).width > 1000
    monkeypatch.setenv("NO_COLOR", "1")
    assert console(Terminal()).color_system is None


def test_torch_stays_asleep(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(NET)
    code = (
        "import sys\n"
        "from resforge.cli import run\n"
        "for line in sys.stdin.read().splitlines():\n"
        "    run(line.split())\n"
        "    if 'torch' in sys.modules: sys.exit(f'{line}: torch is awake')\n"
        "import rich.console\n"
    )
    lines = (
        "--help",
        "list --long",
        "new resnet50 --set shortcut=zero_pad",
        "check net.yaml missing.yaml",
        "show net.yaml --all --svg net.svg",
        "diff net.yaml resnet50",
        "schema",
        "report missing",
        "weights convert --help",
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_the_module_runs_and_a_closed_pipe_is_no_drama(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as broken:
        done = subprocess.run(
            [sys.executable, "-m", "resforge", "show", "resnet152", "--json"],
            stdout=broken,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (130, b"")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-"])
def test_a_closed_descriptor_is_no_fault_of_ours(closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m resforge check - {closed}"],
        input=b"resforge: 1\nbase: resnet18\n",
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert b"error[bug]" not in done.stderr
    assert done.returncode == (3 if closed == "<&-" else 0)


def test_the_signal_of_batch_systems_ends_like_ctrl_c() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "resforge", "check", "-"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        for _ in range(600):
            if handles(process.pid, signal.SIGTERM):
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        assert process.stderr.read() == "interrupted\n"
    assert process.returncode == 130


def test_a_command_that_is_interrupted_while_it_is_imported_says_no_more() -> None:
    script = """
import sys

class Interrupting:
    def find_spec(self, name, *_):
        if name == "resforge.cli.app":
            raise KeyboardInterrupt

from resforge.cli import main
sys.meta_path.insert(0, Interrupting())
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


@pytest.mark.parametrize("sent", ["signal.SIGINT", "signal.SIGTERM", "None"])
def test_an_interrupt_that_a_library_has_another_word_for_is_one(sent: str) -> None:
    # As pydantic does, where it is making a validator.
    script = f"""
import signal, sys
from resforge.cli import app, main

def wrapped(tokens):
    try:
        if {sent}:
            signal.raise_signal({sent})
    except KeyboardInterrupt:
        pass
    raise RuntimeError("Error building a validator: KeyboardInterrupt")

app.program = wrapped
sys.argv = ["resforge", "list"]
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    if sent == "None":
        assert done.returncode == 70
        assert "error[bug]: RuntimeError: Error building" in done.stderr
    else:
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def handles(pid: int, number: signal.Signals) -> bool:
    """Whether a process has set a handler of its own."""
    (line,) = re.findall(r"SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text())
    return bool(int(line, 16) >> (number - 1) & 1)
