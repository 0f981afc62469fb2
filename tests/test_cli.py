"""The verbs that read and write specs, each with good and with bad input."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
from command_line import BROKEN, NET, Cli, Terminal
from resforge.cli import run
from resforge.specs import OPERATIONS
from resforge.text.reader import read_file

# As the README shows a fault, to the character.
SHOWN = """\
error[shortcut]: net.yaml:4:49  stages[1].shortcut
   4 |   - {depth: 2, width: 128, stride: 2, shortcut: identity}
     |                                                 ^ identity cannot join 64 channels to 128 \
at stride 2
  help: use 'projection' (1x1 convolution, option B) or 'zero_pad' (option A)
"""


def test_list_prints_names_that_load(cli: Cli) -> None:
    done = cli("list")
    assert (done.code, done.lines, done.err) == (0, rf.list_specs(), "")


def test_list_takes_a_pattern(cli: Cli) -> None:
    assert cli("list", "resnet101_d*").lines == ["resnet101_deep"]
    found = cli("list", "resnet18*").lines
    assert found[:1] == ["resnet18"]
    assert {"resnet18_d2l", "resnet18d"} < set(found)
    nothing = cli("list", "vgg*")
    assert (nothing.code, nothing.out) == (3, "")
    assert nothing.err.startswith("error[catalogue]: no name matches 'vgg*'\n  help: ")


def test_list_tells_costs(cli: Cli) -> None:
    (entry,) = cli("list", "resnet50", "--json").json
    assert entry["params"] == 25_557_032
    assert entry["digest"] == rf.load("resnet50").digest
    header, row = cli("list", "resnet50", "--long").lines
    assert header.split() == ["name", "family", "source", "depth", "params", "MACs", "input"]
    figures = ["50", "25,557,032", "4,089,184,256", "3x224x224"]
    assert row.split() == ["resnet50", "resnet", "torchvision", *figures]


def test_list_filters_by_family_source_and_parameters(cli: Cli) -> None:
    assert cli("list", "--family", "wide_resnet").lines == ["wide_resnet50_2", "wide_resnet101_2"]
    found = cli("list", "resnet*", "--source", "torchvision", "--params", "20M..30M")
    assert found.lines == ["resnet34", "resnet50"]
    wrong = cli("list", "--family", "wideresnet")
    assert (wrong.code, wrong.out) == (3, "")
    assert "did you mean 'wide_resnet'?" in wrong.err
    no_range = cli("list", "--params", "10M")
    assert no_range.code == 3
    assert "write 10M..30M, ..30M or 10M.." in no_range.err
    nothing = cli("list", "--source", "d2l", "--params", "1G..")
    assert nothing.code == 3
    assert "no name matches '*' of source d2l, of params 1G.." in nothing.err


def test_list_tells_operations(cli: Cli) -> None:
    lines = cli("list", "--operations").lines
    assert len(lines) == 1 + len(OPERATIONS)
    assert lines[1].split(maxsplit=1) == ["conv", "A convolution."]
    assert [row["kind"] for row in cli("list", "*pool", "--operations", "--json").json] == [
        "pool",
        "global_pool",
        "attention_pool",
    ]


def test_list_tells_families(cli: Cli) -> None:
    lines = cli("list", "--families", "--source", "torchvision").lines
    assert lines[0].split() == ["family", "source", "networks", "names"]
    row = ["wide_resnet", "torchvision", "2", "wide_resnet50_2,", "wide_resnet101_2"]
    assert row in [line.split() for line in lines]
    (family,) = cli("list", "--families", "wide_resnet*_2", "--json").json
    names = ["wide_resnet50_2", "wide_resnet101_2"]
    assert family == {"family": "wide_resnet", "source": "torchvision", "names": names}


def test_new_keeps_the_comments_of_the_catalogue(cli: Cli) -> None:
    lines = cli("new", "plain18").lines
    assert lines[2] == "# Figure 3, middle: resnet18 without its shortcuts."
    assert lines[3:5] == ["resforge: 1", "name: plain18"]
    assert "base: resnet18" not in lines
    changed = cli("new", "plain18", "--set", "head.num_classes=10").lines
    assert changed[1] == "# Changed from plain18:"
    assert changed[3] == lines[2]


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
        ("shortcut", 2, "--set shortcut has no value: write --set shortcut=VALUE, such as"),
        ("=3", 3, "error[path]: "),
        ("haed.num_classes=3", 3, "did you mean 'head'?"),
        ("head.num_classes=ten", 3, "head.num_classes"),
        ("head.num_classes=", 3, "head.num_classes"),
        ("stages[9].depth=1", 3, "count from 0 to 3"),
        ("shortcut=identity", 3, "error[shortcut]: "),
        ("name=a: b", 3, "error["),
        ("name=a\nblock: bottleneck", 3, "expected one value"),
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
    assert done.lines[0] == "bad.yaml: 2 faults"
    assert done.err.count("error[") == 3
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
    names = [line.split()[0] for line in done.lines[2:9]]
    assert names == ["part", "stem", "layer1", "layer2", "layer3", "layer4", "head"]
    assert done.lines[-3:] == [
        "25,557,032 params, 4,089,184,256 MACs, 11,114,984 activations",
        "depth 50, receptive field 427x427",
        f"digest {rf.load('resnet50').digest}",
    ]


def test_show_says_stochastic_depth(cli: Cli, tmp_path: Path) -> None:
    text = "resforge: 1\nbase: digits_resnet8\nstochastic_depth: 0.5\n"
    (tmp_path / "dropped.yaml").write_text(text)
    assert cli("show", "dropped.yaml").lines[-2].endswith("25x25, stochastic depth up to 0.5")


def test_show_fits_a_terminal_and_cuts_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    assert run(["show", "resnext50_32x4d"]) == 0
    _, table, totals = screen.getvalue().split("\n\n")
    assert max(map(len, screen.getvalue().splitlines())) <= 80
    assert "1.20 M" in table
    assert "25,028,904 params, 4,230,479,872 MACs" in totals


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
        ("3x3x3x3", 3, "input"),
        ("3x3x3x3x3", 2, "--input"),
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
    assert "digest" in done.out
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
    assert done.err == "note: the names are resnet50 and resnext50_32x4d\n"


def test_diff_knows_the_same_network(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("{resforge: 1, base: resnet18, name: other}")
    done = cli("diff", "a.yaml", "resnet18")
    assert (done.code, done.out) == (0, "the same network\n")
    assert done.err == "note: the names are other and resnet18\n"


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


def test_diff_from_a_network_without_macs(cli: Cli, tmp_path: Path) -> None:
    plain = "stages: [{depth: 1, width: 3, block: {branch: [norm]}}]\n"
    text = f"resforge: 1\nstem: [act]\n{plain}shortcut: identity\nhead: null\n"
    (tmp_path / "a.yaml").write_text(text)
    done = cli("diff", "a.yaml", "resnet18", "--input", "64")
    assert done.code == 1
    assert done.lines[-1] == "MACs: 0 -> 148,557,824 (+148,557,824)"


def test_diff_needs_two_networks(cli: Cli) -> None:
    assert cli("diff", "resnet50").code == 2
    assert cli("diff", "resnet50", "missing.yaml").code == 3


# schema


def test_the_schema_of_sweeps_is_printed(cli: Cli) -> None:
    assert cli("schema", "--sweep").json["$id"] == "urn:resforge:sweep:1"


def test_the_schema_of_spaces_is_printed(cli: Cli) -> None:
    assert cli("schema", "--space").json["$id"] == "urn:resforge:space:1"
    assert cli("schema", "--space", "--sweep").code == 2


def test_schema_accepts_what_new_writes(cli: Cli, tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = cli("schema").json
    (tmp_path / "new.yaml").write_text(cli("new", "resnet50", "--set", "head=null").out)
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(read_file(tmp_path / "new.yaml").tree, schema)


@pytest.mark.parametrize("number", ["2.7", "2.0", "1e3", "0x10", "two"])
def test_a_whole_number_is_written_as_one(cli: Cli, number: str) -> None:
    done = cli("generate", "cifar_resnets", "-n", number)
    assert done.code == 2
    assert f"'{number}' is not a whole number" in done.err
