"""On an accelerator: what each setting of a recipe gives, and several small trials at once.

The peer of a setting is the same network trained in float32 as built, on the same device. Each turn
ends when the device has done its work. The floor of a step is the same step without reading its
loss. On the CPU the sizes are small: that shows only that the suite runs.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import resforge as rf
import torch
import torch.nn.functional as F
from resforge.training import Recipe
from resforge.training.step import Stepper
from torch import Tensor

from .reference import constructor, torchvision_models
from .rows import AnyRow, Missing
from .running import forward
from .sweeping import command
from .turns import Work, compare

PACKAGES = ("torchvision",)


class Net(NamedTuple):
    """A network and its batch."""

    name: str
    batch: int
    side: int
    steps: int
    """Steps of a turn, so that one takes about a tenth of a second of a GPU."""


NETWORKS = (Net("resnet50", 128, 224, 2), Net("cifar_resnet20", 128, 32, 5))
SMALL = (Net("digits_resnet8", 4, 8, 1),)
FUSED = {"optimizer": {"kind": "sgd", "fused": True}}
HALF = {"precision": "bfloat16"}
LAST = {"channels_last": True}
SETTINGS: dict[str, dict[str, Any]] = {
    "channels_last": LAST,
    "bfloat16": HALF,
    "fused optimizer": FUSED,
    "bfloat16, channels_last, fused": {**HALF, **LAST, **FUSED},
    "the same, compiled": {**HALF, **LAST, **FUSED, "compile": True},
}
GRAPHS = {**SETTINGS["the same, compiled"], "cuda_graphs": True}
#: Trials of a sweep, and how many share the device.
TRIALS, SHARING = 8, 4


def run(pairs: int, device: torch.device) -> Iterator[AnyRow]:
    for net in NETWORKS if device.type != "cpu" else SMALL:
        yield from _settings(net, pairs, device)
        yield from _floor(net, pairs, device)
        yield _inference(net, pairs, device)
    if device.type != "cpu":
        for net in NETWORKS[:1]:
            yield from _torchvision(net, pairs, device)
        yield _sharing(device)


def _settings(net: Net, pairs: int, device: torch.device) -> Iterator[AnyRow]:
    settings = {**SETTINGS, **({"the same, CUDA graphs": GRAPHS} if device.type == "cuda" else {})}
    plain = _steps(net, device, {})
    for words, setting in settings.items():
        what = f"training step of {net.name}, {words}"
        ours = _steps(net, device, setting)
        yield _each(compare(what, "float32, as built", ours, plain, pairs), net)


def _steps(net: Net, device: torch.device, setting: dict[str, Any]) -> Work:
    """Steps of one turn, as :class:`~resforge.training.Training` does them."""
    stepper = Stepper(_built(net, device).train(), Recipe(batch_size=net.batch, **setting), device)
    x, y = _batch(net, device)

    def work() -> None:
        for _ in range(net.steps):
            stepper.step(x, y, 0.01)

    return _done(work, device)


def _floor(net: Net, pairs: int, device: torch.device) -> Iterator[AnyRow]:
    model, (x, y) = _built(net, device).train(), _batch(net, device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)

    def work() -> None:
        for _ in range(net.steps):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    what, peer = f"training step of {net.name}, as built", "the loss is not read"
    row = compare(what, peer, _steps(net, device, {}), _done(work, device), pairs, floor=True)
    yield _each(row, net)


def _each(row: Any, net: Net) -> AnyRow:
    """The row for one step instead of a turn's."""
    return row._replace(ours_ms=row.ours_ms / net.steps, theirs_ms=row.theirs_ms / net.steps)


def _inference(net: Net, pairs: int, device: torch.device) -> AnyRow:
    model, (x, _) = _built(net, device).eval(), _batch(net, device)
    fast = rf.for_inference(model, dtype=torch.bfloat16)
    ours, theirs = (_done(forward(each, x), device) for each in (fast, model))
    return compare(f"forward {net.name}, for_inference, bfloat16", "as built", ours, theirs, pairs)


def _torchvision(net: Net, pairs: int, device: torch.device) -> Iterator[AnyRow]:
    models, what = torchvision_models(), f"forward {net.name}, as built"
    if models is None:
        yield Missing(what, "torchvision", "torchvision")
        return
    theirs = constructor(models, net.name)().to(device)
    ours = _built(net, device)
    ours.load_state_dict(theirs.state_dict())
    x, _ = _batch(net, device)
    works = [_done(forward(each.eval(), x), device) for each in (ours, theirs)]
    yield compare(what, "torchvision", works[0], works[1], pairs)


def _sharing(device: torch.device) -> AnyRow:
    """Whole commands: several trials at once on the device against one after another."""
    ours, theirs = (partial(_sweep, device, count) for count in (SHARING, 1))
    what = f"a trial, of {TRIALS} in a sweep, --per-gpu {SHARING}"
    row = compare(what, "one after another", ours, theirs, 1)
    return row._replace(ours_ms=row.ours_ms / TRIALS, theirs_ms=row.theirs_ms / TRIALS)


def _sweep(device: torch.device, sharing: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sweep.json"
        recipe = {"steps": 100, "batch_size": 128}
        sweep = {"sweep": 1, "base": "digits_resnet8", "arms": {"A": {"shortcut": "zero_pad"}}}
        file.write_text(json.dumps({**sweep, "seeds": TRIALS, "recipe": recipe}))
        words = ["sweep", "run", str(file), "--out", f"{folder}/out", "--device", device.type]
        command("-m", "resforge", *words, "--per-gpu", str(sharing))


def _built(net: Net, device: torch.device) -> Any:
    return rf.build(net.name, seed=0, device=device)


def _batch(net: Net, device: torch.device) -> tuple[Tensor, Tensor]:
    channels = rf.load(net.name).in_channels
    x = torch.randn(net.batch, channels, net.side, net.side, device=device)
    return x, torch.arange(net.batch, device=device) % 10


def _done(work: Callable[[], object], device: torch.device) -> Work:
    """``work`` until the device has done it."""

    def waited() -> None:
        work()
        if device.type != "cpu":
            torch.accelerator.synchronize(device)

    return waited
