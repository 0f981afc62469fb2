"""The command line: every verb with good and with bad input, in this process."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
from resforge.ablation import RunSummary
from resforge.cli import run
from resforge.specs.reader import read_file

NET = """\
resforge: 1
stages:
  - {depth: 2, width: 64}
  - {depth: 2, width: 128, stride: 2, shortcut: projection}
block: basic
"""
BROKEN = NET.replace("shortcut: projection", "shortcut: identity")
# As the README and the design show a fault, to the character.
SHOWN = """\
error[shortcut]: net.yaml:4:49  stages[1].shortcut
   4 |   - {depth: 2, width: 128, stride: 2, shortcut: identity}
     |                                                 ^ identity cannot join 64 channels to 128 \
at stride 2
  help: use 'projection' (1x1 convolution, option B) or 'zero_pad' (option A)
"""
TOP_VERBS = ("list", "new", "check", "show", "diff", "schema", "sweep", "report")


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


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command line in an empty folder that holds ``net.yaml``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RESFORGE_DEBUG", raising=False)
    (tmp_path / "net.yaml").write_text(NET)

    def call(*tokens: str) -> Done:
        code = run(tokens)
        return Done(code, *capsys.readouterr())

    return call


# list


def test_list_prints_names_that_load(cli: Cli) -> None:
    done = cli("list")
    assert (done.code, done.lines, done.err) == (0, rf.list_specs(), "")


def test_list_takes_a_pattern(cli: Cli) -> None:
    assert cli("list", "resnet18*").lines == ["resnet18", "resnet18_d2l"]
    nothing = cli("list", "vgg*")
    assert (nothing.code, nothing.out) == (3, "")
    assert nothing.err.startswith("error[catalogue]: no name matches 'vgg*'\n  help: ")


def test_list_tells_costs(cli: Cli) -> None:
    (entry,) = cli("list", "resnet50", "--json").json
    assert entry["params"] == 25_557_032
    assert entry["digest"] == rf.load("resnet50").digest
    header, row = cli("list", "resnet50", "--long").lines
    assert header.split() == ["name", "depth", "params", "MACs", "input"]
    assert row.split() == ["resnet50", "50", "25,557,032", "4,089,184,256", "3x224x224"]


# new


def test_new_writes_a_file_that_reads_back(cli: Cli, tmp_path: Path) -> None:
    done = cli("new", "resnet50", "--set", "stages[*].depth=1", "--name", "mine")
    assert done.lines[0] == "# yaml-language-server: $schema=resforge.schema.json"
    (tmp_path / "mine.yaml").write_text(done.out)
    assert rf.load("mine.yaml") == rf.load("resnet50").replace(
        {"stages[*].depth": 1, "name": "mine"}
    )
    as_json = cli("new", "resnet50", "--json")
    assert rf.loads(as_json.out) == rf.load("resnet50")


@pytest.mark.parametrize(
    ("change", "path", "value"),
    [
        ("shortcut=zero_pad", "shortcut", "zero_pad"),
        ("head=null", "head", None),
        (
            "block={kind: bottleneck, groups: 2}",
            "block",
            {"kind": "bottleneck", "groups": 2},
        ),
        ("stages=[{depth: 1, width: 32}]", "stages", [{"depth": 1, "width": 32}]),
        ('name="a=b: c"', "name", "a=b: c"),
        ("head.dropout=0.5", "head.dropout", 0.5),
    ],
)
def test_set_reads_values_as_a_file_does(cli: Cli, change: str, path: str, value: Any) -> None:
    done = cli("new", "resnet18", "--set", change)
    assert done.code == 0
    assert rf.loads(done.out) == rf.load("resnet18").replace({path: value})


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ("shortcut", 2, "error[usage]: "),
        ("=3", 3, "error[path]: "),
        ("haed.num_classes=3", 3, "did you mean 'head'?"),
        ("head.num_classes=ten", 3, "head.num_classes"),
        ("head.num_classes=", 3, "head.num_classes"),
        ("stages[9].depth=1", 3, "count from 0 to 3"),
        ("shortcut=identity", 3, "error[shortcut]: "),
        ("name=a: b", 3, "error["),
        ("name=a\nblock: bottleneck", 3, "one value is wanted here"),
        ("block={kind: basic, kind: basic}", 3, "--set:1:21"),
        ("name=*anchor", 3, "--set:1:6"),
    ],
)
def test_set_says_what_is_wrong(cli: Cli, change: str, code: int, said: str) -> None:
    done = cli("new", "resnet18", "--set", change)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


def test_a_fault_in_a_change_is_shown_as_it_was_typed(cli: Cli) -> None:
    done = cli("new", "resnet18", "--set", "stages[*].shortcut={kind: zero_pad")
    first, source, caret, *_ = done.err.splitlines()
    assert first == "error[syntax]: --set:1:20  stages[*].shortcut"
    assert source == "   1 | stages[*].shortcut={kind: zero_pad"
    assert caret.index("^") == source.index("{")


def test_new_needs_a_network_that_is_there(cli: Cli) -> None:
    done = cli("new", "resnet5")
    assert done.code == 3
    assert "did you mean" in done.err


# check


def test_check_tells_a_line_for_each_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("{resforge: 1, base: resnet18}")
    done = cli("check", "net.yaml", "other.yaml")
    assert (done.code, done.err) == (0, "")
    digest = rf.load("resnet18").digest[:12]
    assert done.lines[0].startswith("net.yaml: ok, no name, ")
    assert done.lines[1] == (
        f"other.yaml: ok, resnet18, 11,689,512 params, depth 18, digest {digest}"
    )


def test_a_fault_reads_like_this(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(BROKEN)
    done = cli("check", "net.yaml")
    assert (done.code, done.out, done.err) == (3, "net.yaml: 1 fault\n", SHOWN)


def test_check_tells_every_fault_of_every_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("resforge: 1\nstages: [{depth: x}]\nblok: basic\n")
    done = cli("check", "bad.yaml", "net.yaml", "missing.yaml")
    assert done.code == 3
    assert [line.partition(":")[0] for line in done.lines] == [
        "bad.yaml",
        "net.yaml",
        "missing.yaml",
    ]
    assert done.lines[0] == "bad.yaml: 3 faults"
    assert done.err.count("error[") == 4
    assert "bad.yaml:3:1" in done.err
    assert "missing.yaml: no such file" in done.err


def test_check_gives_faults_as_objects(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BROKEN)
    done = cli("check", "bad.yaml", "net.yaml", "--json")
    assert (done.code, done.err) == (3, "")
    bad, good = done.json
    (fault,) = bad["faults"]
    assert (bad["ok"], fault["code"], fault["line"], fault["column"]) == (False, "shortcut", 4, 49)
    assert fault["path"] == "stages[1].shortcut"
    assert (good["ok"], good["faults"]) == (True, [])
    assert good["digest"] == rf.load("net.yaml").digest


def test_check_holds_a_network_to_a_size(cli: Cli) -> None:
    assert cli("check", "net.yaml", "--max-params", "1000000").code == 0
    done = cli("check", "net.yaml", "--max-params", "1000")
    assert done.code == 3
    assert "error[limit]: net.yaml" in done.err


def test_check_reads_standard_input(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def piped(text: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))

    piped(NET.encode())
    assert cli("check", "-").lines[0].startswith("<stdin>: ok, ")
    piped(BROKEN.encode())
    assert "error[shortcut]: <stdin>:4:49 " in cli("check", "-").err
    piped(b"# " * 1_000_000)
    assert "too many" in cli("show", "-").err


# show


def test_show_adds_up(cli: Cli) -> None:
    done = cli("show", "resnet50")
    assert (done.code, done.err) == (0, "")
    assert done.lines[0] == "resnet50, 3x224x224 -> 1000"
    names = [line.split()[0] for line in done.lines if line]
    assert names[1:9] == ["part", "stem", "layer1", "layer2", "layer3", "layer4", "head", "total"]
    assert "25,557,032" in done.out
    assert "4,089,184,256" in done.out
    assert rf.load("resnet50").digest in done.out


def test_show_all_has_a_line_for_each_layer(cli: Cli) -> None:
    plan = rf.plan(rf.load("net.yaml"), 224)
    lines = cli("show", "net.yaml", "--all").lines
    first = lines.index(next(line for line in lines if line.startswith("layer ")))
    shown = [line.split()[0] for line in lines[first + 1 :][: len(plan.layers)]]
    assert shown == [layer.name for layer in plan.layers]


def test_show_json_holds_the_plan(cli: Cli) -> None:
    found = cli("show", "net.yaml", "--json").json
    plan = rf.plan(rf.load("net.yaml"), 224)
    for key in ("params", "macs", "activations", "depth", "receptive_field"):
        assert found[key] == getattr(plan, key)
    assert found["digest"] == plan.spec.digest
    assert found["output_shape"] == list(plan.output_shape)
    assert [layer["name"] for layer in found["layers"]] == [layer.name for layer in plan.layers]
    assert found["layers"][0]["out_size"] == [112, 112]
    assert found["features"][1]["channels"] == 128


@pytest.mark.parametrize(
    ("source", "tokens", "shape"),
    [
        ("resnet18", [], [3, 224, 224]),
        ("cifar_resnet20", [], [3, 32, 32]),
        ("resnet18", ["--input", "64"], [3, 64, 64]),
        ("resnet18", ["--input", "64x96"], [3, 64, 96]),
        ("resnet18_d2l", ["--input=1x96x64"], [1, 96, 64]),
    ],
)
def test_show_takes_an_input(cli: Cli, source: str, tokens: list[str], shape: list[int]) -> None:
    assert cli("show", source, *tokens, "--json").json["input_shape"] == shape


@pytest.mark.parametrize(
    ("size", "code", "said"),
    [
        ("1x64x64", 3, "use --input 3x64x64, or set in_channels: 1"),
        ("0", 3, "from 1 to"),
        ("999999", 3, "from 1 to"),
        ("4", 3, "too small"),
        ("64x", 2, "write 3x224x224, 224x224 or 224"),
        ("-3", 2, "--input"),
        ("١٢٣", 2, "--input"),
        ("3x3x3x3", 2, "--input"),
        ("9" * 5000, 2, "--input"),
    ],
)
def test_show_refuses_an_input(cli: Cli, size: str, code: int, said: str) -> None:
    done = cli("show", "resnet18", "--input", size)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


def test_show_writes_a_picture(cli: Cli, tmp_path: Path) -> None:
    done = cli("show", "net.yaml", "--svg", "net.svg")
    assert (done.code, done.err) == (0, "wrote net.svg\n")
    assert "total" in done.out
    picture = (tmp_path / "net.svg").read_text()
    assert picture.startswith("<svg")
    alone = cli("show", "net.yaml", "--svg", "-")
    assert (alone.out.strip(), alone.err) == (picture.strip(), "")
    assert cli("show", "net.yaml", "--svg=-").out == alone.out


def test_show_refuses_what_is_too_large(cli: Cli) -> None:
    assert cli("show", "resnet18", "--max-params", "1000").code == 3


# diff


def test_diff_tells_changes_and_costs(cli: Cli) -> None:
    done = cli("diff", "resnet50", "resnext50_32x4d")
    assert done.code == 1
    assert done.lines == [
        "block.groups: 1 -> 32",
        "block.width_per_group: 64 -> 4",
        "params: 25,557,032 -> 25,028,904 (-528,128, -2.07 %)",
        "MACs: 4,089,184,256 -> 4,230,479,872 (+141,295,616, +3.46 %)",
    ]
    assert done.err == "note: they are named resnet50 and resnext50_32x4d\n"


def test_diff_knows_the_same_network(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("{resforge: 1, base: resnet18, name: other}")
    done = cli("diff", "a.yaml", "resnet18")
    assert (done.code, done.out) == (0, "the same network\n")
    assert done.err == "note: they are named other and resnet18\n"


def test_diff_in_json(cli: Cli) -> None:
    done = cli("diff", "resnet18", "plain18", "--json", "--input", "3x64x64")
    assert done.code == 1
    assert done.json["same"] is False
    assert done.json["changes"][0] == {"path": "name", "before": "resnet18", "after": "plain18"}
    assert done.json["a"]["params"] > done.json["b"]["params"]
    assert done.json["a"]["input_shape"] == [3, 64, 64]


def test_diff_puts_wide_values_below_each_other(cli: Cli) -> None:
    lines = cli("diff", "resnet50", "cifar_resnet20").lines
    place = lines.index("stages:")
    assert lines[place + 1].startswith("  - [{depth: 3, width: 64, ")
    assert lines[place + 2].startswith("  + [{depth: 3, width: 16, ")


def test_diff_needs_two_networks(cli: Cli) -> None:
    assert cli("diff", "resnet50").code == 2
    assert cli("diff", "resnet50", "missing.yaml").code == 3


# schema


def test_schema_accepts_what_new_writes(cli: Cli, tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = cli("schema").json
    (tmp_path / "new.yaml").write_text(cli("new", "resnet50", "--set", "head=null").out)
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(read_file(tmp_path / "new.yaml").tree, schema)


# sweep and report

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


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep file that was run into ``out``, two trials of two steps."""
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "sweep.yaml").write_text(SWEEP)
    tokens = ["sweep", "run", str(folder / "sweep.yaml"), "--out", str(folder / "out")]
    assert run([*tokens, "--workers", "1"]) == 0
    return folder


def test_sweep_run_does_only_what_is_missing(cli: Cli, swept: Path) -> None:
    done = cli("sweep", "run", str(swept / "sweep.yaml"), "--out", str(swept / "out"))
    assert done.code == 0
    assert [line.split()[0] for line in done.lines] == ["shortcut", "plain", "A"]
    assert "2 of 2 trials recorded" in done.err
    assert "0 of them now" in done.err
    assert not {"report.html", "results.csv"} - {file.name for file in (swept / "out").iterdir()}


def test_sweep_run_in_json(cli: Cli, swept: Path) -> None:
    done = cli("sweep", "run", str(swept / "sweep.yaml"), "--out", str(swept / "out"), "--json")
    assert [row["labels"] for row in done.json] == [{"shortcut": "plain"}, {"shortcut": "A"}]


def test_report_writes_again_what_was_lost(cli: Cli, swept: Path) -> None:
    (swept / "out" / "report.html").unlink()
    done = cli("report", str(swept / "out"))
    assert done.code == 0
    assert [line.split()[0] for line in done.lines] == ["shortcut", "plain", "A"]
    assert (swept / "out" / "report.html").is_file()
    assert cli("report", str(swept / "out"), "--json").json[0]["done"] == 1


def test_report_needs_a_store(cli: Cli) -> None:
    done = cli("report", "missing")
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith("error[store]: ")


def test_a_wrong_sweep_file_trains_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace("zero_pad", "zero_pda"))
    done = cli("sweep", "run", "sweep.yaml", "--out", "out")
    assert (done.code, done.out) == (3, "")
    assert "sweep.yaml:6:" in done.err
    assert "zero_pad" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("statuses", "interrupted", "code"),
    [
        ({"done": 2}, False, 0),
        ({"done": 1, "diverged": 1}, False, 0),
        ({"done": 1, "crashed": 1}, False, 1),
        ({"done": 1}, True, 130),
    ],
)
def test_sweep_run_tells_how_trials_ended(
    cli: Cli,
    swept: Path,
    monkeypatch: pytest.MonkeyPatch,
    statuses: dict[str, int],
    interrupted: bool,
    code: int,
) -> None:
    summary = RunSummary(swept / "out", 2, 2, 0, statuses, interrupted, 1.0)
    monkeypatch.setattr("resforge.ablation.run_sweep", lambda *_, **__: summary)
    done = cli("sweep", "run", str(swept / "sweep.yaml"), "--out", str(swept / "out"))
    assert done.code == code
    assert bool(done.out) is not interrupted


# help and usage


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
        (["show"], "SOURCE"),
        (["show", "a", "b"], "b"),
        (["check"], "FILE"),
        (["check", "net.yaml", "--max-params", "many"], "--max-params"),
        (["sweep", "rnu"], 'Did you mean "run"?'),
        (["sweep", "run", "net.yaml"], "--out"),
        (["sweep", "run", "net.yaml", "--out", "x", "--workers", "0"], "--workers"),
    ],
)
def test_usage_errors_name_the_mend(cli: Cli, tokens: list[str], said: str) -> None:
    done = cli(*tokens)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error[usage]: ")
    assert said in done.err
    assert "--help`" in done.err


# how it ends


def test_a_full_disk_is_told(cli: Cli, tmp_path: Path) -> None:
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

    monkeypatch.setattr("resforge.cli.author.tell_json", fail)
    # Standard output is given away where a real one is broken; the tests' own is kept.
    monkeypatch.setattr("resforge.cli.exits._silence_stdout", lambda: None)
    done = cli("schema")
    assert (done.code, done.err.splitlines(True)[:1]) == (code, said.splitlines(True))


def test_a_bug_shows_where_on_request(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr("resforge.cli.author.tell_json", fail)
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
    from resforge.cli.output import console

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

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
