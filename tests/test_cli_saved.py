"""A run, or a file of weights of resforge, in the place of a spec on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import resforge as rf
from command_line import Cli
from resforge.cli.options import parse_count

SMALL = """\
resforge: 1
in_channels: 1
stem: {kind: conv3x3, width: 8}
stages: [{depth: 1, width: 8}]
block: basic
head: {num_classes: 3}
"""


@pytest.fixture
def run(tmp_path: Path) -> str:
    """The folder of a run, as far as commands that look for its network read it."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text("{}")
    rf.save_weights(rf.build(rf.loads(SMALL)), folder / "best.safetensors")
    return str(folder)


def test_the_network_of_a_run_is_read_from_its_weights(cli: Cli, run: str) -> None:
    digest = rf.loads(SMALL).digest
    for source in (run, f"{run}/best.safetensors"):
        assert digest in cli("show", source).out
        assert digest[:12] in cli("check", source).out
        assert cli("diff", source, run).code == 0
        assert "class" in cli("export", source, "--code").out


def test_the_weights_of_a_run_are_exported_with_it(cli: Cli, run: str, tmp_path: Path) -> None:
    done = cli("export", run, "--torch-export", str(tmp_path / "net.pt2"))
    assert done.code == 0, done.err
    assert f"weights of {run}/best.safetensors" in done.err


def test_training_does_not_guess_whether_the_weights_of_a_run_are_meant(
    cli: Cli, run: str, tmp_path: Path
) -> None:
    done = cli("train", run, "--data", "digits", "--out", str(tmp_path / "other"))
    assert done.code == 3
    assert f"--weights {run}/best.safetensors" in done.err
    assert "resforge new" in done.err


def test_weights_without_a_network_are_one_fault_of_their_own(cli: Cli, tmp_path: Path) -> None:
    broken, whole = tmp_path / "broken.safetensors", tmp_path / "net.yaml"
    broken.write_bytes(b"no weights")
    whole.write_text(SMALL)
    done = cli("check", str(broken), str(whole))
    assert done.code == 3
    assert "broken.safetensors: 1 fault" in done.out + done.err
    assert "net.yaml: ok" in done.out


def test_a_name_of_the_catalogue_is_no_folder(
    cli: Cli, run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(run).rename(tmp_path / "resnet18")
    monkeypatch.chdir(tmp_path)
    assert "11,689,512" in cli("show", "resnet18").out
    assert rf.loads(SMALL).digest in cli("show", "./resnet18").out


@pytest.mark.parametrize(
    "text", ["", "10x", "-5", "0", "1.5", "1e-3", "0.1k5", "1e99M", "٣", "nan"]
)
def test_what_is_no_count_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 5000000, 5e6 or 5M"):
        parse_count(text)
