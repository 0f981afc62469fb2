"""Augmentation of batches of training images, on their device."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..streams import stream
from .augmentation import AnyAugmentation, CropFlip


class Augment:
    """Augmentation for one run over ``count`` training images.

    Shifts and mirroring have random streams of their own, keyed by ``seed`` and drawn on the CPU:
    every network and every device gets the same.

    >>> augment = Augment(CropFlip(flip="alternating"), count=10, seed=0)
    >>> augment(torch.ones(2, 3, 8, 8), rows=torch.tensor([4, 7]), epoch=0).shape
    torch.Size([2, 3, 8, 8])
    """

    def __init__(self, spec: AnyAugmentation, count: int, seed: int) -> None:
        self.spec = spec
        self.generator = stream(seed, "augmentation")
        self.first = torch.rand(count, generator=stream(seed, "first side")) < 0.5
        """Whether each image is mirrored in the first epoch, with ``flip="alternating"``."""

    def __call__(self, x: Tensor, rows: Tensor, epoch: int) -> Tensor:
        """Augment ``x: (N, C, H, W)``; the shape stays. ``rows: (N,)``, on the CPU, holds the
        numbers of the images in the data set, and ``epoch`` counts from 0."""
        if not isinstance(self.spec, CropFlip):
            return x
        count, pad = len(x), self.spec.pad
        top, left = torch.randint(2 * pad + 1, (2, count), generator=self.generator)
        if self.spec.flip == "random":
            mirrored = torch.rand(count, generator=self.generator) < 0.5
        elif self.spec.flip == "alternating":
            mirrored = self.first[rows] ^ bool(epoch % 2)
        else:
            mirrored = torch.zeros(count, dtype=torch.bool)
        return shifted(x, pad, top, left, mirrored)


def shifted(x: Tensor, pad: int, top: Tensor, left: Tensor, mirrored: Tensor) -> Tensor:
    """Pad each image of ``x: (N, C, H, W)`` by zeros, crop it to its old size at ``top`` and
    ``left``, and mirror it where ``mirrored``; these three are ``(N,)``, on the CPU."""
    count, channels, height, width = x.shape
    rows = top[:, None] + torch.arange(height)
    columns = left[:, None] + torch.arange(width)
    columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    image = torch.arange(count)[:, None, None, None]
    plane = torch.arange(channels)[None, :, None, None]
    places = (image, plane, rows[:, None, :, None], columns[:, None, None, :])
    padded = F.pad(x, (pad, pad, pad, pad))
    return padded[tuple(place.to(x.device) for place in places)]
