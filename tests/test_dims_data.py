"""Sweeps on signals and volumes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import resforge as rf
from resforge.ablation import load_sweep, run_sweep

SHAPES = {"signals": (2, 30), "volumes": (1, 6, 8, 8), "single": (30,)}
SWEEP = """
sweep: 1
base:
  resforge: 1
  dims: {dims}
  in_channels: {channels}
  stem: {{kind: conv3x3, width: 4}}
  stages: [{{depth: 1, width: 4}}, {{depth: 1, width: 8, stride: 2}}]
  head: {{num_classes: 3}}
axes: {{shortcut: {{B: {{shortcut: projection}}, A: {{shortcut: zero_pad}}}}}}
seeds: [1]
data: {{kind: npz, path: {name}.npz{data}}}
recipe: {{steps: 4, batch_size: 8, evaluations: 1{recipe}}}
"""


def sweep_file(folder: Path, name: str, dims: int, data: str = "", recipe: str = "") -> Path:
    """A sweep of two shortcuts on random maps of the shape of that name."""
    rng, shape = np.random.default_rng(0), SHAPES[name]
    y = rng.integers(0, 3, 40)
    y[:3] = y[-3:] = range(3)
    x = rng.normal(size=(40, *shape)).astype(np.float32) + y.reshape(-1, *(1,) * len(shape))
    arrays = {"x_train": x[:32], "y_train": y[:32], "x_test": x[32:], "y_test": y[32:]}
    np.savez(folder / f"{name}.npz", **arrays)
    channels = shape[0] if len(shape) > 1 else 1
    path = folder / f"{name}.yaml"
    path.write_text(SWEEP.format(dims=dims, channels=channels, name=name, data=data, recipe=recipe))
    return path


@pytest.mark.parametrize(
    ("name", "dims", "data"),
    [
        ("signals", 1, ", layout: NCL, normalize: channel"),
        ("volumes", 3, ", normalize: channel"),
        ("single", 1, ""),
    ],
)
def test_networks_are_trained(name: str, dims: int, data: str, tmp_path: Path) -> None:
    sweep = load_sweep(sweep_file(tmp_path, name, dims, data))
    shape = SHAPES[name] if len(SHAPES[name]) > 1 else (1, *SHAPES[name])
    assert sweep.data.input_shape == shape
    summary = run_sweep(sweep, tmp_path / "out", engine="inline")
    assert (summary.finished, summary.failed) == (2, 0)


BAD = [
    ("signals", 1, "", "", "the network has dims: 1, the maps of the data 2 axes"),
    ("volumes", 2, "", "", "the network has dims: 2, the maps of the data 3 axes"),
    ("volumes", 3, ", augment: crop_flip", "", "crop_flip is for pictures"),
]


@pytest.mark.parametrize(("name", "dims", "data", "recipe", "message"), BAD)
def test_bad_input(
    name: str, dims: int, data: str, recipe: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(rf.SpecError, match=message) as caught:
        load_sweep(sweep_file(tmp_path, name, dims, data, recipe))
    assert all(fault.help for fault in caught.value.faults)
