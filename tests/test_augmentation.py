"""What is done to batches of training images."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from resforge.training.data.augment import Augment
from resforge.training.data.augmentation import CropFlip
from torch import Tensor, nn

BIG = torch.arange(1, 1 + 3 * 2 * 32 * 32).reshape(3, 2, 32, 32).float()
FLIPS = st.sampled_from(["random", "alternating", "none"])


def augmented(x: Tensor, seed: int = 0, epoch: int = 0, **fields: object) -> Tensor:
    augment = Augment(CropFlip.model_validate(fields), len(x), seed)
    return augment(x, torch.arange(len(x)), epoch)


@given(st.integers(0, 2**40), st.integers(0, 5), FLIPS, st.integers(0, 3))
def test_a_batch_is_shifted_and_mirrored_image_by_image(
    seed: int, pad: int, flip: str, epoch: int
) -> None:
    found = augmented(BIG, seed, epoch, pad=pad, flip=flip)
    for image, out in zip(BIG, found, strict=True):
        padded = nn.functional.pad(image, (pad, pad, pad, pad))
        side = range(2 * pad + 1)
        crops = [padded[:, i : i + 32, j : j + 32] for i in side for j in side]
        if flip != "none":
            crops += [crop.flip(2) for crop in crops]
        assert any(torch.equal(out, crop) for crop in crops)


@pytest.mark.parametrize("flip", ["random", "alternating", "none"])
def test_every_device_gets_the_same(device: torch.device, flip: str) -> None:
    found = augmented(BIG.to(device), flip=flip)
    assert found.device.type == device.type
    assert torch.equal(found.cpu(), augmented(BIG, flip=flip))


def test_every_shift_and_both_sides_come_up() -> None:
    marked = torch.zeros(4000, 1, 9, 9)
    marked[:, :, 4, 4] = 1.0
    marked[:, :, 4, 3] = 0.5  # which side it stands on tells a mirrored image
    found = augmented(marked)
    centres = {tuple(place[2:].tolist()) for place in (found == 1.0).nonzero()}
    assert centres == {(i, j) for i in range(9) for j in range(9)}
    left = (found[..., :-1] == 0.5) & (found[..., 1:] == 1.0)
    inside = (found == 1.0)[..., 1:-1].sum()
    assert 0.4 < left.sum() / inside < 0.6


@given(st.integers(0, 2**40), st.permutations(range(64)))
def test_an_alternating_image_is_mirrored_in_every_other_epoch(seed: int, order: list[int]) -> None:
    x, rows = torch.tensor([[[[0.0, 1.0]]]]).expand(64, 1, 1, 2), torch.tensor(order)
    augment = Augment(CropFlip(pad=0, flip="alternating"), 64, seed)
    # Whatever batch an image comes in, its own epoch's number decides.
    seen = [
        torch.cat([augment(x[:32], half, epoch) for half in rows.split(32)])[rows.argsort(), 0, 0]
        for epoch in range(4)
    ]
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[1], seen[3])
    assert torch.equal(seen[0], 1 - seen[1])
    assert 8 < int(seen[0][:, 0].sum()) < 56  # or a chance of less than 1 in 10^9
