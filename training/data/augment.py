"""What is done to batches of training images, drawn anew for each."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

PAD = 4


def crop_flip(x: Tensor, generator: torch.Generator) -> Tensor:
    """Each image padded by 4 zeros, cropped to its size at random, and mirrored half the time.

    ``x: (N, C, H, W)`` to the same shape, on its device; ``generator`` is the CPU's, so that every
    device gets the same. He et al. 2015 (arXiv 1512.03385), section 4.2.

    >>> crop_flip(torch.ones(2, 3, 8, 8), torch.Generator().manual_seed(0)).shape
    torch.Size([2, 3, 8, 8])
    """
    count, channels, height, width = x.shape
    top, left = torch.randint(2 * PAD + 1, (2, count, 1), generator=generator)
    mirrored = torch.rand(count, 1, generator=generator) < 0.5
    rows = top + torch.arange(height)
    columns = left + torch.arange(width)
    columns = torch.where(mirrored, columns.flip(1), columns)
    image = torch.arange(count)[:, None, None, None]
    plane = torch.arange(channels)[None, :, None, None]
    places = (image, plane, rows[:, None, :, None], columns[:, None, None, :])
    padded = F.pad(x, (PAD, PAD, PAD, PAD))
    return padded[tuple(place.to(x.device) for place in places)]
