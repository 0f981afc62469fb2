"""What `for_inference` saves, at batch 8 on two threads: against the network, and `fuse`."""

from __future__ import annotations

from collections.abc import Iterator

import resforge as rf
import torch

from .running import forward
from .turns import Row, compare

THREADS, BATCH = 2, 8
# Name, side of the images.
NETWORKS = (("resnet18", 224), ("resnet50", 224), ("cifar_resnet56", 32))
DTYPES = (torch.float32, torch.bfloat16)


def run(pairs: int) -> Iterator[Row]:
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        for name, side in NETWORKS:
            yield from _rows(name, side, pairs)
    finally:
        torch.set_num_threads(threads)


def _rows(name: str, side: int, pairs: int) -> Iterator[Row]:
    """Contiguous float32 pictures are given to all."""
    x = torch.randn(BATCH, 3, side, side)
    model = rf.build(name).eval()
    peers = {"as built, float32": model, "fuse, float32": rf.fuse(model)}
    for dtype in DTYPES:
        word = str(dtype).removeprefix("torch.")
        ours = forward(rf.for_inference(model, dtype), x)
        for peer, network in peers.items():
            what = f"for_inference {name}, {word}, batch {BATCH}"
            yield compare(what, peer, ours, forward(network, x), pairs)
