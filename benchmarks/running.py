"""Running a network: forward and training step, ours against torchvision's of equal weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import resforge as rf
import torch
from torch import Tensor, nn

from .reference import constructor, torchvision_models
from .rows import AnyRow, Missing
from .turns import compare

PACKAGES = ("torchvision",)
NAMES = ("resnet18", "resnet50")


def run(pairs: int) -> Iterator[AnyRow]:
    models = torchvision_models()
    if models is None:
        for name in NAMES:
            yield Missing(f"forward and training step of {name}", "torchvision", "torchvision")
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for name in NAMES:
            ours, theirs = rf.build(name), constructor(models, name)()
            ours.load_state_dict(theirs.state_dict())
            for layout in (torch.contiguous_format, torch.channels_last):
                word = "channels_last" if layout == torch.channels_last else "contiguous"
                x = torch.randn(2, 3, 224, 224).to(memory_format=layout)
                nets = [net.to(memory_format=layout) for net in (ours, theirs)]
                for step in (forward, train):
                    what = f"{step.__name__} {name}, {word}"
                    yield compare(what, "torchvision", *(step(net, x) for net in nets), pairs)
    finally:
        torch.set_num_threads(threads)


def forward(model: nn.Module, x: Tensor) -> Callable[[], object]:
    def work() -> Tensor:
        with torch.inference_mode():
            out: Tensor = model.eval()(x)
            return out

    return work


def train(model: nn.Module, x: Tensor) -> Callable[[], object]:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)

    def work() -> None:
        model.train()
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()

    return work
