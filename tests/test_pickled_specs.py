"""Specs in pickles, and in checkpoints that other programs read."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
import resforge as rf
import torch
from hypothesis import given, settings
from resforge.builder.registration import unregister
from resforge.specs import Operation, call
from resforge.specs.network import spec_of_tree
from resforge.testing import strategies
from torch import nn


@settings(max_examples=30)
@given(strategies.specs())
def test_a_pickled_spec_is_the_spec(spec: rf.ResNetSpec) -> None:
    again = pickle.loads(pickle.dumps(spec))
    assert (again, again.digest) == (spec, spec.digest)


READS = """
{imports}
found = torch.load({path!r}, weights_only=True)
assert found["spec"] == resforge.load("preact_resnet18"), found
"""


@pytest.mark.parametrize(
    "imports",
    ["import torch, resforge", "import resforge, torch; resforge.ResNetSpec"],
    ids=["after torch", "before torch"],
)
def test_a_checkpoint_with_a_spec_is_read_without_code(tmp_path: Path, imports: str) -> None:
    """In another process, in which nothing has been built."""
    path = tmp_path / "a.ckpt"
    torch.save({"spec": rf.load("preact_resnet18")}, path)
    code = READS.format(imports=imports, path=str(path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class WavesSpec(Operation):
    """A kind of a user's own."""

    kind: Literal["waves"] = "waves"

    def call(self, module: object) -> object:  # type: ignore[override]
        return call("Waves")


class Waves(nn.Module):
    """Its module."""


def test_kinds_of_ones_own_are_pickled_by_their_module() -> None:
    rf.register(WavesSpec, Waves)
    try:
        branch = [{"conv": 3, "stride": "block"}, "norm", "waves"]
        spec = rf.load("cifar_resnet20").replace({"block": {"branch": branch}})
        text = pickle.dumps(spec)
        assert pickle.loads(text) == spec
        assert WavesSpec.__module__.encode() in text
    finally:
        unregister(WavesSpec)


def test_a_pickle_of_no_spec_is_refused(tmp_path: Path) -> None:
    class Forged:
        def __reduce__(self) -> tuple[object, ...]:
            return spec_of_tree, ({"resforge": 1, "stages": []},)

    torch.save(Forged(), tmp_path / "forged.ckpt")
    with pytest.raises(Exception, match="stages"):
        torch.load(tmp_path / "forged.ckpt", weights_only=True)
