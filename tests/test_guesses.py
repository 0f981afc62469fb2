"""First guesses from other libraries: the help of each error is the fix, in one step."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import resforge as rf
from resforge.classify.runs.session import RunRequest
from resforge.errors import SpecError
from resforge.specs.elsewhere import KEYS, OPTIONS, VALUES, WHOLE
from resforge.specs.fields import NetworkFields

STAGE = "stages: [{depth: 2, width: 64}]"

GUESSES: list[tuple[str, str]] = [
    ("stages: [3, 4]", "write stages: [{depth: 3, width: 64}, {depth: 4, width: 128, stride: 2}]"),
    ("stages: [{blocks: 2, width: 64}]", "write depth: 2; blocks is a list"),
    ("stages: [{depth: 2, channels: 64}]", "write width: 64"),
    (f"stem: {{kind: deep_base, channels: 64}}\n{STAGE}", "write widths: [64, 64, 64]"),
    (f"stem: {{type: deep_base, channels: 64}}\n{STAGE}", "write {kind: deep_base, widths: ["),
    (f"head: none\n{STAGE}", "write head: null"),
    (f"head: false\n{STAGE}", "write head: null"),
    (f"include_top: false\n{STAGE}", "write head: null"),
    (f"zero_init_residual: true\n{STAGE}", "write init: {zero_residual: true}"),
    ("num_blocks: [2, 3]", "write stages: [{depth: 2, width: 64}, {depth: 3, width: 128, stride"),
    ("layers: [2, 3]", "write stages: [{depth: 2, width: 64}, "),
    (f"block: Residual\n{STAGE}", "write d2l for d2l.ai's Residual"),
    ("model: resnet18", "write base: resnet18"),
    (f"num_classes: 5\n{STAGE}", "'num_classes' belongs inside 'head'"),
    (f"classes: 5\n{STAGE}", "write head: {num_classes: 5}"),
    (f"drop_path_rate: 0.1\n{STAGE}", "write stochastic_depth: 0.1"),
    (f"channels: [64, 128]\n{STAGE}", "each stage has its width"),
    (f"act_layer: silu\n{STAGE}", "write activation: silu"),
    (f"pretrained: true\n{STAGE}", "a spec holds no weights"),
    (f"activation: swish\n{STAGE}", "write silu"),
    (f"activation: lrelu\n{STAGE}", "write leaky_relu"),
    (f"{STAGE}\nblock: {{branch: [{{conv: 3, stride: block}}, {{act: swish}}]}}", "write silu"),
    (f"norm: LayerNorm\n{STAGE}", "write {kind: group, groups: 1}"),
    (f"norm: SyncBN\n{STAGE}", "write batch"),
    (f"shortcut: a\n{STAGE}", "write zero_pad, option A"),
    (f"shortcut: {{change: optionB}}\n{STAGE}", "write projection, option B"),
    (f"shortcut: type_C\n{STAGE}", "write {match: projection, change: projection}, option C"),
    ("base: resnet18\nstages[2].depth: 8", "paths are for --set, replace and sweeps"),
    ("base: resnet18\nstages: [{depth: 3}]", "a list replaces the base's, with nothing from there"),
]


@pytest.mark.parametrize(("text", "help_"), GUESSES, ids=lambda value: value.splitlines()[0][:40])
def test_the_first_help_is_the_fix(text: str, help_: str) -> None:
    with pytest.raises(SpecError) as error:
        rf.loads(f"resforge: 1\n{text}")
    assert (error.value.help or "").startswith(help_)


@pytest.mark.parametrize("number", [1, 3, 4, 5, 6, 7, 8, 9, 12, 15, 17])
def test_what_the_help_says_to_write_is_legal(number: int) -> None:
    """The help, put in the place of what it is about."""
    text, _ = GUESSES[number]
    with pytest.raises(SpecError) as error:
        rf.loads(f"resforge: 1\n{text}")
    fault = error.value.faults[0]
    written = re.sub(r"^write |;.*| for a network.*", "", fault.help or "")
    key = fault.path.rpartition(".")[2].partition("[")[0]
    fixed = re.sub(rf"{key}: (\[[^]]*\]|\{{[^}}]*\}}|\w[\w.]*)", lambda _: written, text, count=1)
    if written.startswith("{"):
        fixed = text.replace("{type: deep_base, channels: 64}", written)
    assert rf.loads(f"resforge: 1\n{fixed}")


@pytest.mark.parametrize("key", ["activation", "norm", "shortcut"])
def test_what_another_word_means_is_legal(key: str) -> None:
    """And no word of ours is taken for another."""
    for (where, word), help_ in VALUES.items():
        if where == key:
            written = re.match(r"write (\{.*?\}|\w+)", help_)
            assert written, help_
            assert rf.loads(f"resforge: 1\n{STAGE}\n{key}: {written[1]}")
            with pytest.raises(SpecError):
                rf.loads(f"resforge: 1\n{STAGE}\n{key}: {word}")


@pytest.mark.parametrize(
    ("path", "help_"),
    [
        ("num_classes", "did you mean 'head.num_classes'?"),
        ("zero_init_residual", "did you mean 'init.zero_residual'?"),
        ("groups", "did you mean 'block.groups'?"),
        ("stages[*].channels", "did you mean 'stages[0].width'?"),
    ],
)
def test_guessed_paths(path: str, help_: str) -> None:
    with pytest.raises(SpecError) as error:
        rf.load("resnext50_32x4d").replace({path: 5})
    assert error.value.help == help_


def test_names_cut_short() -> None:
    with pytest.raises(SpecError, match="resnext50_32x4d"):
        rf.load("resnext50")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--pretrained", "--weights FILE --head fresh"),
        ("--num-classes=5", "the classes are the folders of DATA"),
        ("--early-stopping=3", "--patience 5 ends the run"),
        ("--image_size=64", "--size"),
    ],
)
def test_guessed_options_of_train(option: str, said: str) -> None:
    command = [sys.executable, "-m", "resforge", "train", "resnet18", option]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Did you mean" not in done.stderr


def test_the_tables_name_nothing_that_is_ours() -> None:
    """A name of another library that is a name of ours would never be looked up."""
    fields: Any = NetworkFields.model_fields
    assert not set(WHOLE) & set(fields)
    known = {*RunRequest.__dataclass_fields__}
    assert not {name.replace("-", "_") for name in OPTIONS} & known
    assert all(key not in names for key, names in KEYS.items())
