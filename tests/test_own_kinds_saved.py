"""Networks of registered kinds in files, read where nothing has registered the kind."""

from __future__ import annotations

from pathlib import Path

import own_kinds
import pytest
import resforge as rf
from command_line import Cli
from resforge.builder.registration import unregister
from resforge.classify import RunRequest, load_run, train_run

REASON = "'shift' is not one of"
FIX = "import what registers them"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run and a file of weights of a network with the kind ``shift``."""
    folder = tmp_path_factory.mktemp("own")
    rf.register(own_kinds.ShiftSpec, own_kinds.MapShift)
    try:
        net = rf.load("digits_resnet8").replace({"shortcut.match": "shift"})
        rf.save_weights(rf.build(net), folder / "net.safetensors")
        train_run(
            RunRequest(network=net, data="digits", out=folder / "run", epochs=1, device="cpu")
        )
    finally:
        unregister(own_kinds.ShiftSpec)
    return folder


VERBS = (
    ("predict", __file__),
    ("evaluate", "--data", "digits"),
    ("show",),
    ("export", "--code"),
)


@pytest.mark.parametrize("tokens", VERBS)
def test_a_run_of_unknown_kinds_is_not_called_damaged(
    cli: Cli, saved: Path, tokens: tuple[str, ...]
) -> None:
    verb, *rest = tokens
    done = cli(verb, str(saved / "run"), *rest)
    assert done.code in (3, 4)
    assert REASON in done.err
    assert FIX in done.err
    assert "damaged" not in done.err


@pytest.mark.parametrize("tokens", VERBS[2:])
def test_weights_of_unknown_kinds_are_not_called_foreign(
    cli: Cli, saved: Path, tokens: tuple[str, ...]
) -> None:
    verb, *rest = tokens
    done = cli(verb, str(saved / "net.safetensors"), *rest)
    assert done.code == 3
    assert REASON in done.err
    assert FIX in done.err
    assert "did not write it" not in done.err


def test_load_run_gives_the_reason(saved: Path) -> None:
    for path in (saved / "run", saved / "run/last.safetensors"):
        with pytest.raises(rf.ResforgeError, match=f"cannot be read here: .*{REASON}.*{FIX}"):
            load_run(path)


def test_the_record_of_a_run_may_be_damaged_or_of_unknown_kinds(cli: Cli, saved: Path) -> None:
    """It has no checksum, which would tell the two apart."""
    options = ("--data", "digits", "--out", str(saved / "run"), "--resume")
    done = cli("train", "digits_resnet8", *options)
    assert done.code == 4
    assert f"or of kinds that are unknown here: shortcut.match.kind: {REASON}" in done.err
    assert FIX in done.err
