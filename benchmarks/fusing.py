"""What folding norms into convolutions saves: a fused network against the one it was made from."""

from __future__ import annotations

from collections.abc import Iterator

import resforge as rf
import torch

from .running import forward
from .turns import Row, compare

# Name, batch, side of the images.
NETWORKS = (("resnet18", 2, 224), ("resnet50", 2, 224), ("cifar_resnet56", 32, 32))


def run(pairs: int) -> Iterator[Row]:
    """Every network and layout, forward only."""
    for name, batch, side in NETWORKS:
        model = rf.build(name).eval()
        fused = rf.fuse(model)
        for layout in (torch.contiguous_format, torch.channels_last):
            word = "channels_last" if layout == torch.channels_last else "contiguous"
            x = torch.randn(batch, 3, side, side).to(memory_format=layout)
            ours, theirs = (net.to(memory_format=layout) for net in (fused, model))
            what = f"forward {name}, fused, {word}"
            yield compare(what, "as built", forward(ours, x), forward(theirs, x), pairs)
