"""No command writes over a file that it reads."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import resforge as rf
from command_line import Cli
from resforge.ablation.results import STORE_NAME
from resforge.cli.options import keep_inputs

EXPORTS = ("--onnx", "--torch-export", "--torchscript")


@pytest.fixture
def saved() -> str:
    """A network that resforge wrote with its weights."""
    rf.save_weights(rf.build("digits_resnet8"), "saved.safetensors")
    return "saved.safetensors"


@pytest.mark.parametrize(
    "words",
    [
        *(f"export net.yaml {form} net.yaml" for form in EXPORTS),
        *(f"export saved.safetensors {form} saved.safetensors" for form in EXPORTS),
        "export digits_resnet8 --weights saved.safetensors --onnx saved.safetensors",
        "export digits_resnet8 --weights saved.safetensors --torchscript ./saved.safetensors",
        "show net.yaml --svg net.yaml",
        "show saved.safetensors --svg saved.safetensors",
        "weights load digits_resnet8 saved.safetensors --out saved.safetensors",
        "weights load saved.safetensors other.safetensors --out saved.safetensors",
        "weights convert saved.safetensors saved.safetensors --to timm",
        "weights convert other.safetensors saved.safetensors --spec saved.safetensors",
        f"report . --out {STORE_NAME}",
    ],
)
def test_what_is_read_is_not_written(cli: Cli, saved: str, words: str) -> None:
    Path("other.safetensors").write_bytes(Path(saved).read_bytes())
    Path(STORE_NAME).write_bytes(b"results")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    done = cli(*words.split())
    assert (done.code, done.out) == (4, "")
    assert "is read by this command, which would overwrite it: name another file" in done.err
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_links_are_followed(cli: Cli, link: Callable[[str, str], None]) -> None:
    link("net.yaml", "link.yaml")
    for words in ("link.yaml --svg net.yaml", "net.yaml --svg link.yaml"):
        assert cli("show", *words.split()).code == 4
    keep_inputs("new.svg", "net.yaml", "link.yaml", None)
    keep_inputs("net.svg", "a\0b")
    keep_inputs("/dev/null", "/dev/null")
