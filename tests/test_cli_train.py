"""``resforge train``, ``predict`` and ``evaluate``."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import resforge as rf
import torch
from command_line import Cli, Terminal
from picture_writer import write_digits
from resforge.classify import load_run, predict_pictures
from resforge.classify.evaluation import Evaluation
from resforge.classify.progress import progress_on
from resforge.classify.runs.folder import RunFolder
from resforge.classify.runs.record import Epoch
from resforge.classify.runs.session import RunRequest
from resforge.classify.runs.view import _OF_PICTURES
from resforge.cli.train import TrainOptions
from resforge.export import to_code
from resforge.training.pictures.view import RandomCrop, View
from safetensors.torch import load_file, save_file

NET = """\
resforge: 1
name: tiny
in_channels: 1
stem: {kind: conv3x3, width: 8}
stages: [{depth: 1, width: 8}, {depth: 1, width: 16, stride: 2}]
block: basic
head: {num_classes: 10}
"""
SHORT = ("--epochs", "2", "--batch-size", "16")


@pytest.fixture
def cli(cli: Cli, tmp_path: Path) -> Cli:
    (tmp_path / "net.yaml").write_text(NET)
    write_digits(tmp_path / "pictures", 100)
    return cli


@pytest.fixture
def trained(cli: Cli) -> Cli:
    done = cli("train", "net.yaml", "--data", "pictures", "--out", "run", "--size", "8", *SHORT)
    assert done.code == 0, done.err
    return cli


def test_training_prints_epochs_and_the_best(trained: Cli, tmp_path: Path) -> None:
    done = trained(
        "train", "net.yaml", "--data", "pictures", "--out", "r2", "--size", "8", *SHORT, "--json"
    )
    assert done.code == 0
    assert done.json["finished"]
    assert [epoch["epoch"] for epoch in done.json["history"]] == [1, 2]
    lines = done.err.splitlines()
    assert lines[0].split()[:3] == ["epoch", "train", "loss"]
    assert [line.split()[0] for line in lines[1:3]] == ["1", "2"]
    assert (tmp_path / "run" / "curve.svg").read_text().startswith("<?xml")


def test_a_validation_loss_that_is_never_finite(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = Evaluation(torch.eye(10, dtype=torch.int64), float("nan"))
    monkeypatch.setattr("resforge.classify.fit.evaluate", lambda *_: unknown)
    options = ("net.yaml", "--data", "pictures", "--out", "run", "--size", "8", *SHORT)
    done = cli("train", *options)
    assert (done.code, done.out) == (1, "")
    assert "the validation loss is not finite after any epoch" in done.err
    assert "next:" not in done.err
    again = cli("train", *options, "--resume", "--json")
    assert (again.code, again.json["finished"], again.json["best"]) == (1, True, None)


def test_pictures_are_predicted(trained: Cli, tmp_path: Path) -> None:
    one = trained("predict", "run", "pictures/0/0000.png", "--top", "3", "--json").json
    assert one[0]["picture"] == "pictures/0/0000.png"
    probabilities = [entry["probability"] for entry in one[0]["top"]]
    assert len(probabilities) == 3
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) < 1 + 1e-6
    over = "pictures/0/0000.png"
    assert trained("predict", "run", "pictures", "--figure", over).code == 4
    every = trained("predict", "run", "pictures", "--figure", "found.png")
    assert len(every.lines) == 101
    assert (tmp_path / "found.png").read_bytes().startswith(b"\x89PNG")
    alone = trained("predict", "run/best.safetensors", "pictures/0/0000.png", "--top", "3")
    assert alone.lines[1].split()[:2] == ["pictures/0/0000.png", one[0]["top"][0]["class"]]


def test_the_type_that_a_network_computes_in(trained: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(*more: str) -> list[float]:
        done = trained("predict", "run", "pictures/0", "--top", "1", "--json", *more)
        return [row["top"][0]["probability"] for row in done.json]

    exact, half = found(), found("--dtype", "bfloat16")
    assert half != exact == found("--dtype", "float32")
    assert half == pytest.approx(exact, abs=0.1)
    done = trained("evaluate", "run", "--data", "pictures", "--dtype", "bfloat16", "--json")
    exact_loss = trained("evaluate", "run", "--data", "pictures", "--json").json["loss"]
    assert done.json["loss"] != exact_loss
    assert done.json["loss"] == pytest.approx(exact_loss, rel=0.1)
    assert trained("predict", "run", "pictures/0", "--dtype", "int8").code == 2
    note = "this processor has no instructions for bfloat16: float32 is faster on it"
    for able in (False, True):
        found_here = {"architecture": "x86_64", "avx512_bf16": able}
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=found_here: found)
        done = trained("predict", "run", "pictures/0", "--dtype", "bfloat16")
        assert (note in done.err) is not able
        assert note not in trained("predict", "run", "pictures/0").err


def test_values_beyond_float16(trained: Cli, tmp_path: Path) -> None:
    path = tmp_path / "run" / "best.safetensors"
    run = load_run(path)
    with torch.no_grad():
        run.model.fc.weight.fill_(6e4)
    with pytest.raises(rf.ResforgeError, match=r"not finite in float16.*use bfloat16"):
        list(predict_pictures(run, [tmp_path / "pictures/0/0000.png"], dtype=torch.float16))


def test_unreadable_pictures_are_reported_and_the_others_predicted(
    trained: Cli, tmp_path: Path
) -> None:
    (tmp_path / "pictures" / "0" / "broken.png").write_bytes(b"")
    done = trained("predict", "run", "pictures/0")
    assert done.code == 1
    assert "broken.png: it is not a picture" in done.err
    assert len(done.lines) > 5


def test_a_run_is_evaluated_on_pictures_held_out(trained: Cli, tmp_path: Path) -> None:
    done = trained("evaluate", "run", "--data", "pictures", "--confusion", "c.svg", "--json")
    history = json.loads(trained("train", *again(), "--resume", "--json").out)["best"]
    assert done.json["accuracy"] == history["val_accuracy"]
    assert done.json["pictures"] == sum(map(sum, done.json["confusion"])) < 30
    assert "held out" in done.err
    assert (tmp_path / "c.svg").exists()
    whole = trained("evaluate", "run", "--data", "pictures", "--part", "all")
    assert "of 100 correct" in whole.out
    table = [line.split() for line in whole.lines[1:11]]
    assert [row[0] for row in table] == [*"0123456789"]
    assert sum(int(row[1]) for row in table) == 100


def again() -> tuple[str, ...]:
    return ("net.yaml", "--data", "pictures", "--out", "run", "--size", "8", *SHORT)


def test_options_are_the_fields_of_a_request() -> None:
    """The same names and defaults; the network is SOURCE, and ``split`` has no option."""
    options, request = (
        {field.name: field.default for field in dataclasses.fields(of)}
        for of in (TrainOptions, RunRequest)
    )
    assert options == {name: request[name] for name in request if name not in ("network", "split")}


@pytest.mark.parametrize(
    ("tokens", "code", "message"),
    [
        (("--data", "none", "--out", "r"), 3, "none is not a folder"),
        (("--data", "cifar10", "--out", "r"), 3, "write --data cifar10:FOLDER"),
        (("--data", "pictures", "--out", "r", "--batch-size", "500"), 3, "use --batch-size 80"),
        (("--data", "pictures", "--out", "r", "--batch-size", "1"), 3, "batch_size"),
        (("--data", "pictures", "--out", "r", "--recipe", "he2015"), 3, "he2015_cifar"),
        (("--data", "pictures", "--out", "r", "--freeze", "head"), 3, "stages:0 to stages:2"),
        (("--data", "pictures", "--out", "r", "--device", "cuda:99"), 3, "use cpu"),
        (("--data", "pictures", "--out", "r", "--weights", "no.pt"), 3, "no.pt"),
        (("--data", "pictures", "--out", "pictures"), 4, "choose another --out"),
        (("--data", "pictures", "--out", "net.yaml/r"), 4, "choose another --out"),
        (("--data", "pictures", "--out", "run"), 4, "add --resume"),
        (("--data", "pictures", "--out", "r", "--resume"), 4, "holds no run"),
        (("--data", "pictures", "--out", "run", "--resume"), 4, "batch_size (16 there, 32 here)"),
        (("--data", "pictures", "--out", "run", "--resume", "--batch-size", "16", "--epochs", "3"),
         4, "start another run from its weights, with --weights run/last.safetensors"),
        (("--data", "pictures", "--out", "r", "--optimizer", "rmsprop"), 2, "adamw"),
        (("--data", "pictures", "--out", "r", "--schedule", "linear"), 2, "one_cycle"),
        (("--data", "pictures", "--out", "r", "--patience", "0"), 2, "--patience"),
        (("--data", "pictures", "--out", "r", "--warmup", "-1"), 2, "--warmup"),
        (("--data", "pictures", "--out", "r", "--warmup", "99"), 3, "use at most"),
        (("--data", "pictures", "--out", "r", "--weight-decay", "-1"), 3, "weight_decay"),
        (("--data", "pictures", "--out", "r", "--resize", "pad"), 2, "squash"),
        (("--data", "pictures", "--out", "r", "--normalize", "vgg"), 3, "MEAN/STD"),
        (("--data", "pictures",), 2, "--out"),
    ],
)  # fmt: skip
def test_invalid_requests_are_refused(
    trained: Cli, tmp_path: Path, tokens: tuple[str, ...], code: int, message: str
) -> None:
    before = {file.name: file.read_bytes() for file in (tmp_path / "run").iterdir()}
    done = trained("train", "net.yaml", "--size", "8", *tokens)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert {file.name: file.read_bytes() for file in (tmp_path / "run").iterdir()} == before


def test_options_of_the_recipe_and_of_the_end(cli: Cli, tmp_path: Path) -> None:
    options = ("train", "net.yaml", "--data", "pictures", "--size", "8", "--out", "run")
    options += ("--optimizer", "adam", "--lr", "0.002", "--schedule", "constant", "--resize")
    options += ("squash", "--normalize", "0.5/0.5", "--class-indices", "--json")
    done = cli(*options, "--epochs", "1")
    assert done.code == 0, done.err
    assert {epoch["learning_rate"] for epoch in done.json["history"]} == {0.002}
    assert 0 <= done.json["history"][0]["train_accuracy"] <= 1
    assert (tmp_path / "run" / "class_indices.json").exists()
    longer = cli(*options, "--epochs", "40", "--patience", "1", "--resume")
    assert longer.code == 0, longer.err
    assert longer.json["stopped_early"]
    assert "now has 40 epochs, or 1 without a better one; its constant schedule" in longer.err
    assert "ended early after epoch" in longer.err


def test_a_run_of_a_newer_resforge_is_refused(trained: Cli, tmp_path: Path) -> None:
    path = tmp_path / "run" / "run.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    for tokens in (
        ("predict", "run", "pictures/0/0000.png"),
        ("evaluate", "run", "--data", "pictures"),
        ("train", *again(), "--resume"),
    ):
        done = trained(*tokens)
        assert (done.code, done.out) == (4, "")
        assert "upgrade resforge" in done.err


def test_a_damaged_run_is_refused(trained: Cli, tmp_path: Path) -> None:
    best = tmp_path / "run" / "best.safetensors"
    whole = best.read_bytes()
    other = whole.replace(rb"\"classes\": [\"0\"", rb"\"classes\": [\"7\"")
    assert other != whole
    best.write_bytes(other)
    done = trained("predict", "run", "pictures/0/0000.png")
    assert done.code == 4
    assert "the checksum of its metadata differs" in done.err
    content = bytearray(whole)
    content[-1] ^= 1
    best.write_bytes(content)
    done = trained("predict", "run", "pictures/0/0000.png")
    assert done.code == 4
    assert "damaged" in done.err
    best.write_bytes(b"")
    assert trained("predict", "run", "pictures/0/0000.png").code == 4
    done = trained("train", *again(), "--resume")
    assert done.code == 4
    assert "remove it to continue without it" in done.err
    best.write_bytes(whole)
    (tmp_path / "run" / "resume.pt").write_bytes(b"")
    done = trained("train", *again(), "--resume")
    assert done.code == 4
    assert "--weights run/last.safetensors" in done.err


def test_unknown_classes_are_refused(trained: Cli, tmp_path: Path) -> None:
    (tmp_path / "pictures" / "9").rename(tmp_path / "pictures" / "nine")
    done = trained("evaluate", "run", "--data", "pictures")
    assert (done.code, done.out) == (3, "")
    assert "a class 'nine', which is not among the 10 known" in done.err


def test_one_process_at_a_time_trains_into_a_folder(trained: Cli, tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run").locked():
        done = trained("train", *again(), "--resume")
    assert done.code == 4
    assert "another process is training into it" in done.err


def test_what_a_killed_run_left_is_removed_by_the_next_command(
    trained: Cli, tmp_path: Path
) -> None:
    left = tmp_path / "run" / f".resforge-{'0' * 32}.tmp"
    left.write_bytes(b"half")
    assert trained("predict", "run", "pictures/0").code == 0
    assert left.exists()  # it only reads
    assert trained("train", *again(), "--resume").code == 0
    assert not left.exists()


def test_a_terminal_gets_a_bar_above_the_same_lines() -> None:
    stream = Terminal()
    bar = progress_on(stream)
    bar.start(total=20, done=0)
    bar.step(7, 0.5)
    bar.epoch(Epoch(1, 10, 0.1, 0.5, 0.4, 0.9, 1.0), best=True)
    bar.note("left out: [bold]a.png")
    bar.close()
    message = stream.getvalue()
    assert "90.00%" in message
    assert "[bold]a.png" in message
    assert "7/20" in message
    assert "loss 0.500" in message


def test_ctrl_c_writes_the_state_and_reports_how_to_resume(cli: Cli, tmp_path: Path) -> None:
    words = ["train", *again()]
    words[words.index("--epochs") + 1] = "400"
    process = subprocess.Popen(
        [sys.executable, "-m", "resforge", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    with process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("    2 "):
                break
        process.send_signal(signal.SIGINT)
        message = process.stderr.read()
    assert process.returncode == 130
    assert "the same command with --resume continues it" in message
    state = RunFolder(tmp_path / "run").read_state()
    assert state is not None
    assert state["step"] >= 10


def test_a_run_is_exported_with_its_weights(trained: Cli, tmp_path: Path) -> None:
    done = trained("export", "run/best.safetensors", "--torch-export", "net.pt2", "--input", "8")
    assert done.code == 0, done.err
    x = torch.randn(2, 1, 8, 8)
    net = rf.build(rf.load("net.yaml"))
    rf.load_weights(net, "run/best.safetensors")
    found = torch.export.load("net.pt2").module()(x)
    assert torch.allclose(found, net.eval()(x), atol=1e-5)
    code = trained("export", "run/best.safetensors", "--code")
    assert code.out == to_code("net.yaml")
    save_file({"a": torch.zeros(2)}, "other.safetensors")
    done = trained("export", "other.safetensors", "--code")
    assert (done.code, done.out) == (3, "")
    assert "give its spec, and the file as --weights" in done.err


def test_a_variant_starts_from_the_parts_that_fit(cli: Cli, tmp_path: Path) -> None:
    rf.save_weights(rf.build("net.yaml", seed=5), "theirs.safetensors")
    se = rf.load("net.yaml").replace({"block.attention": {"kind": "se", "reduction": 4}})
    (tmp_path / "se.yaml").write_text(se.to_yaml())
    asked = ("train", "se.yaml", "--data", "pictures", "--out", "run", "--size", "8", *SHORT)
    asked += ("--weights", "theirs.safetensors", "--freeze", "backbone")
    refused = cli(*asked)
    assert refused.code == 3
    assert "--allow-missing" in refused.err
    assert cli(*asked, "--allow-missing", "0.99").code == 3
    done = cli(*asked, "--partial")
    assert done.code == 0, done.err
    assert "of the parameters come from the file, whose names are torchvision's" in done.err
    before, after = load_file("theirs.safetensors"), load_file("run/last.safetensors")
    assert torch.equal(before["layer1.0.conv1.weight"], after["layer1.0.conv1.weight"])
    assert "layer1.0.se.fc1.weight" in after


def test_a_head_written_out_fits_the_classes_or_is_refused(cli: Cli, tmp_path: Path) -> None:
    for count in (10, 7):
        chain = NET.replace(
            "head: {num_classes: 10}", f"head: [{{global_pool: avg}}, {{linear: {count}}}]"
        )
        (tmp_path / f"{count}.yaml").write_text(chain)
    asked = ("--data", "pictures", "--size", "8", *SHORT)
    done = cli("train", "10.yaml", *asked, "--out", "run")
    assert done.code == 0, done.err
    assert cli("predict", "run", "pictures/0").code == 0
    refused = cli("train", "7.yaml", *asked, "--out", "other")
    assert refused.code == 3
    assert "the network has 7 classes, the data has 10 classes" in refused.err
    assert "write head: [..., {linear: 10}]" in refused.err


def test_images_too_small_for_the_network_are_refused(cli: Cli, tmp_path: Path) -> None:
    wide = NET.replace("{kind: conv3x3, width: 8}", "[{conv: 11, width: 8, padding: 0}, norm, act]")
    (tmp_path / "wide.yaml").write_text(wide)
    for tokens in (("--data", "digits"), ("--data", "pictures", "--size", "8")):
        done = cli("train", "wide.yaml", *tokens, "--out", "run", *SHORT)
        assert (done.code, done.out) == (3, "")
        assert "too small" in done.err
    assert not (tmp_path / "run").exists()


def test_a_refused_run_leaves_its_folder_free(cli: Cli, tmp_path: Path) -> None:
    asked = ("train", "net.yaml", "--data", "pictures", "--out", "run", "--size", "8")
    assert cli(*asked, "--batch-size", "500").code == 3
    assert cli(*asked, *SHORT).code == 0
    assert cli(*asked, *SHORT).code == 4


OPTIONS = [
    ("--size", "8"),
    ("--resize", "squash"),
    ("--normalize", "channel"),
    ("--augment", "none"),
    ("--min-area", "0.5"),
    ("--unreadable", "skip"),
]


@pytest.mark.parametrize("option", OPTIONS)
def test_options_of_picture_files_are_refused_for_data_in_memory(
    cli: Cli, tmp_path: Path, option: tuple[str, str]
) -> None:
    """They would change nothing."""
    done = cli("train", "net.yaml", "--data", "digits", "--out", "run", *option, *SHORT)
    assert done.code == 3
    assert f"{option[0]}: for picture files, and digits has images in memory" in done.err
    assert not (tmp_path / "run").exists()


def test_every_field_that_a_view_has_is_one_of_picture_files() -> None:
    known = {option.removeprefix("--").replace("-", "_") for option, _ in OPTIONS}
    assert known == set(_OF_PICTURES)
    assert {"size", "resize"} <= {*View.model_fields} & known
    assert {"min_area"} == {*RandomCrop.model_fields} & known


def test_what_comes_next_fits_the_data(cli: Cli) -> None:
    done = cli("train", "net.yaml", "--data", "digits", "--out", "run", *SHORT)
    assert "next: resforge evaluate run --data digits" in done.err
    assert cli("evaluate", "run", "--data", "digits").code == 0


def test_a_size_beyond_the_largest(cli: Cli) -> None:
    done = cli("train", "net.yaml", "--data", "pictures", "--out", "run", "--size", "5000")
    assert done.code == 3
    assert "size is 5000, of at most 4096 pixels" in done.err


def test_classes_without_validation_pictures_are_named(cli: Cli, tmp_path: Path) -> None:
    for picture in sorted((tmp_path / "pictures" / "3").iterdir())[1:]:
        picture.unlink()
    done = cli("train", "net.yaml", "--data", "pictures", "--out", "run", "--size", "8", *SHORT)
    assert done.code == 0
    assert "no validation picture is of class '3': the validation accuracy leaves" in done.err


def test_a_data_set_without_a_name(cli: Cli) -> None:
    """The folder at hand is not taken for it."""
    done = cli("train", "net.yaml", "--data", "", "--out", "run")
    assert done.code == 3
    assert "the data set has no name" in done.err
