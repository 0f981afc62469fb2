"""What is done to batches of training images, on their device, drawn anew for each."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..streams import stream
from .augmentation import CropFlip, NoAugmentation


class Augment:
    """The augmentation of one run over ``count`` training images.

    Shifts and sides have random streams of their own, keyed by ``seed`` and drawn on the CPU, so
    that every network and every device gets the same.

    >>> augment = Augment(CropFlip(flip="alternating"), count=10, seed=0)
    >>> augment(torch.ones(2, 3, 8, 8), rows=torch.tensor([4, 7]), epoch=0).shape
    torch.Size([2, 3, 8, 8])
    """

    def __init__(self, spec: NoAugmentation | CropFlip, count: int, seed: int) -> None:
        self.spec = spec
        self.chance = stream(seed, "augmentation")
        self.first = torch.rand(count, generator=stream(seed, "first side")) < 0.5
        """Of each image, whether it is mirrored in the first epoch, where sides alternate."""

    def __call__(self, x: Tensor, rows: Tensor, epoch: int) -> Tensor:
        """``x: (N, C, H, W)`` to the same shape; ``rows: (N,)``, on the CPU, says which images
        they are, and ``epoch`` counts from 0."""
        if isinstance(self.spec, NoAugmentation):
            return x
        count, pad = len(x), self.spec.pad
        top, left = torch.randint(2 * pad + 1, (2, count), generator=self.chance)
        if self.spec.flip == "random":
            mirrored = torch.rand(count, generator=self.chance) < 0.5
        elif self.spec.flip == "alternating":
            mirrored = self.first[rows] ^ bool(epoch % 2)
        else:
            mirrored = torch.zeros(count, dtype=torch.bool)
        return shifted(x, pad, top, left, mirrored)


def shifted(x: Tensor, pad: int, top: Tensor, left: Tensor, mirrored: Tensor) -> Tensor:
    """Each image of ``x: (N, C, H, W)`` padded by zeros, cropped to its size at ``top`` and
    ``left`` and then mirrored, or not: all ``(N,)``, on the CPU."""
    count, channels, height, width = x.shape
    rows = top[:, None] + torch.arange(height)
    columns = left[:, None] + torch.arange(width)
    columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    image = torch.arange(count)[:, None, None, None]
    plane = torch.arange(channels)[None, :, None, None]
    places = (image, plane, rows[:, None, :, None], columns[:, None, None, :])
    padded = F.pad(x, (pad, pad, pad, pad))
    return padded[tuple(place.to(x.device) for place in places)]
