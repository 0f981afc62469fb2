"""Damaged files of weights: every command ends in 0, 3 or 4, whatever the file holds."""

from __future__ import annotations

import contextlib
import io
import os
import random
import stat
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import resforge as rf
import torch
from damages import KINDS, damaged, sound
from hypothesis import given, settings
from hypothesis import strategies as st
from resforge.cli import run
from weight_files import SPEC, holds, saved, state

ENDINGS = {0, 3, 4}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the network, and a data set of 12 pictures."""
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "small.yaml").write_text(SPEC.to_yaml())
    pictures = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    labels = np.arange(12) % 3
    np.savez(
        folder / "data.npz",
        x_train=pictures,
        y_train=labels,
        x_test=pictures,
        y_test=labels,
    )
    return folder


def commands(folder: Path, file: str) -> dict[str, tuple[str, ...]]:
    """Each way to use a file of weights from the command line."""
    spec, out = f"{folder}/small.yaml", f"{folder}/out"
    data = f"npz:{folder}/data.npz"
    train = ("train", spec, "--data", data, "--epochs", "1", "--batch-size", "6", "--out")
    return {
        "check": ("weights", "check", spec, file, "--all"),
        "check --json": ("weights", "check", spec, file, "--partial", "--json"),
        "check --strip": ("weights", "check", spec, file, "--strip", "module."),
        "load": ("weights", "load", spec, file, "--out", f"{out}.safetensors", "--head", "fresh"),
        "convert": ("weights", "convert", file, f"{out}.safetensors"),
        "convert --spec": ("weights", "convert", file, f"{out}.safetensors", "--spec", spec),
        "export": ("export", spec, "--torchscript", f"{out}.pt", "--weights", file, "--input", "8"),
        "train": (*train, f"{out}-{random.getrandbits(64):x}", "--weights", file),
    }


def ending(tokens: tuple[str, ...]) -> tuple[int, str]:
    """The exit code of a command line, and its messages."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = int(run(tokens))
    text = out.getvalue() + err.getvalue()
    # What is shown is safe to print on a terminal.
    assert text.replace("\n", "").isprintable(), text
    assert "Traceback" not in text
    return code, text


def endings(folder: Path, content: bytes, name: str = "theirs.pth") -> Counter[tuple[str, int]]:
    """How each command ends on this file; a file that is loaded is whole."""
    file = folder / name
    file.write_bytes(content)
    found: Counter[tuple[str, int]] = Counter()
    for title, tokens in commands(folder, str(file)).items():
        code, text = ending(tokens)
        # Weights that are finite and huge are weights: with them training may diverge.
        diverged = title == "train" and code == 1 and "the loss is not finite" in text
        assert code in ENDINGS or diverged, f"{title}: {text}"
        found[title, code] += 1
    return found


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "x.", "layer1.0", "layer1.0.", "layer1.0.."])
def test_names_that_no_layer_has(name: str, folder: Path) -> None:
    endings(folder, saved({**state(), name: torch.zeros(4)}))


@pytest.mark.filterwarnings("ignore")  # of torch, on making odd tensors
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(KINDS))
@settings(max_examples=settings().max_examples // 2)
def test_every_command_on_damaged_files(seed: int, kind: str, folder: Path) -> None:
    endings(folder, damaged(kind, random.Random(seed)))


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_on_a_sound_file(kind: str, folder: Path) -> None:
    """Else the test above would say nothing."""
    codes = dict([*endings(folder, sound(kind))])
    assert codes.pop("check --strip") == 3
    assert codes.pop("convert") == (0 if kind == "sealed" else 3)  # the others say no network
    assert set(codes.values()) == {0}
    model = rf.build(SPEC)
    rf.load_weights(model, folder / "out.safetensors")
    assert holds(model, state())


@pytest.mark.skipif(os.name != "posix", reason="files of POSIX")
@pytest.mark.parametrize("place", ["folder", "missing", "closed", "pipe", "device", "loop"])
def test_what_is_no_file(place: str, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.pth"
    if place == "folder":
        file.mkdir()
    elif place == "closed":
        file.write_bytes(sound("zip"))
        file.chmod(0)
        if os.access(file, os.R_OK):
            pytest.skip("this user may read every file")
    elif place == "pipe":
        os.mkfifo(file)
    elif place == "device":
        file.symlink_to("/dev/zero")
    elif place == "loop":
        file.symlink_to(file)
    for title, tokens in commands(folder, str(file)).items():
        code, text = ending(tokens)
        assert code in ENDINGS - {0}, f"{title}: {text}"
    if place == "closed":
        file.chmod(stat.S_IRWXU)


def test_an_output_that_cannot_be_written(folder: Path) -> None:
    file = folder / "sound.pth"
    file.write_bytes(sound("zip"))
    spec, out = f"{folder}/small.yaml", str(folder / "none" / "x.safetensors")
    for tokens in (
        ("weights", "load", spec, str(file), "--out", out),
        ("weights", "convert", str(file), out, "--spec", spec),
    ):
        assert ending(tokens)[0] == 4
