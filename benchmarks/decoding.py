"""Feeding a network with pictures: resforge's reader against the plain way, on JPEGs of 500x375.

The plain way is PIL's open, the whole picture decoded, cropped and scaled, floats normalised one by
one as torchvision's transforms do, on a ``DataLoader`` of as many worker processes as resforge has
threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import ceil
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import resforge as rf
import torch
from PIL import Image
from resforge.classify.feed import Rows
from resforge.classify.picture_feed import PictureFeed
from resforge.training.pictures.decode import Choose, Crop, decode
from resforge.training.pictures.folder import Picture, PictureFolder
from resforge.training.pictures.view import RandomCrop, View
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from .rows import AnyRow, Figure, Row
from .running import train
from .turns import compare, figure_of, milliseconds

PACKAGES = ("pillow", "scikit-learn")
COUNT, BATCH, SIZE = 128, 8, 224
VIEW, CROP = View(size=SIZE, crop=0.875), RandomCrop()
#: Width and height: as ImageNet's are, and as phones take them.
SIZES = ((500, 375), (3000, 2250))


def run(pairs: int) -> Iterator[AnyRow]:
    for width, height in SIZES:
        with TemporaryDirectory() as folder:
            count = COUNT if width < 1000 else COUNT // 8
            pictures = write_pictures(Path(folder), width, height, count)
            rows = list(_rows(pictures, f"{count} of {width}x{height}", pairs))
            yield from rows
            rate = 1e3 * count / rows[-1].ours_ms
            yield Figure(f"read by 2 workers, {width}x{height}", rate, "pictures a second")
    yield trained(pairs)


def trained(pairs: int) -> Figure:
    """What has to be fed: the training of a ResNet-18 on two threads, in its fastest format."""
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        model = rf.build("resnet18").to(memory_format=torch.channels_last)
        x = torch.randn(BATCH, 3, SIZE, SIZE).to(memory_format=torch.channels_last)
        step = train(model, x)
        step()
        rates = [1e3 * BATCH / milliseconds(step) for _ in range(pairs)]
    finally:
        torch.set_num_threads(threads)
    return figure_of("trained by resnet18, 2 threads", rates, "pictures a second")


def _rows(pictures: list[tuple[int, Picture]], what: str, pairs: int) -> Iterator[Row]:
    yield compare(
        f"{what}, parts at random",
        "all decoded, cropped, scaled",
        lambda: [decode(picture.path, SIZE, 3, drawn(n)) for n, picture in pictures],
        lambda: [plain_crop(picture.path, n) for n, picture in pictures],
        pairs,
    )
    yield compare(
        f"{what}, the middle",
        "all decoded, scaled, cropped",
        lambda: [decode(picture.path, SIZE, 3, VIEW.choose) for _, picture in pictures],
        lambda: [plain_view(picture.path) for _, picture in pictures],
        pairs,
    )
    for name, choose in (("parts at random", drawn), ("the middle", lambda _: VIEW.choose)):
        yield compare(
            f"{what}, {name}",
            "PIL's decoding and scaling alone",
            partial(each, pictures, choose, partial(decode, size=SIZE, channels=3)),
            partial(each, pictures, choose, decoded),
            pairs,
            floor=True,
        )
    for workers in (0, 2):
        yield compare(
            f"{what}, batches, {workers} workers",
            "DataLoader",
            ours(pictures, workers),
            theirs(pictures, workers),
            pairs,
        )


def write_pictures(folder: Path, width: int, height: int, count: int) -> list[tuple[int, Picture]]:
    """Parts of the two photographs that scikit-learn comes with, as JPEGs of a size."""
    from sklearn.datasets import load_sample_images

    chance = Random(0)
    photographs = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    pictures: list[tuple[int, Picture]] = []
    for number in range(count):
        photograph = photographs[number % 2]
        left, top = chance.random() * 140, chance.random() * 52
        part = photograph.resize((width, height), box=(left, top, left + 500, top + 375))
        path = folder / f"{number}.jpg"
        part.save(path, quality=90)
        pictures.append((number, Picture(path, path.name, number % 2)))
    return pictures


def each(
    pictures: list[tuple[int, Picture]],
    choose: Callable[[int], Choose],
    read: Callable[..., object],
) -> None:
    for number, picture in pictures:
        read(picture.path, choose=choose(number))


def decoded(path: Path, choose: Choose) -> None:
    """The pixels of a JPEG at the least of its scales that has those of a part, and the part at its
    size."""
    with Image.open(path) as image:
        left, top, right, bottom = choose(*image.size).box
        scale, width = SIZE / min(right - left, bottom - top), image.width
        image.draft("RGB", (ceil(scale * width), ceil(scale * image.height)))
        of = image.width / width
        box = (of * left, of * top, of * right, of * bottom)
        image.resize((SIZE, SIZE), Image.Resampling.BILINEAR, box)


def drawn(number: int) -> Callable[[int, int], Crop]:
    return lambda width, height: CROP.choose(width, height, Random(number))


def plain_crop(path: Path, number: int) -> Image.Image:
    with Image.open(path) as image:
        whole = image.convert("RGB")
    box, mirrored = drawn(number)(*whole.size)
    part = whole.crop(tuple(map(round, box))).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else part


def plain_view(path: Path) -> Image.Image:
    with Image.open(path) as image:
        whole = image.convert("RGB")
    scale = SIZE / VIEW.crop / min(whole.size)
    small = whole.resize(
        tuple(round(scale * side) for side in whole.size), Image.Resampling.BILINEAR
    )
    left, top = ((side - SIZE) // 2 for side in small.size)
    return normalised(small.crop((left, top, left + SIZE, top + SIZE)))


def normalised(image: Image.Image) -> Tensor:
    """torchvision's ``to_tensor`` and ``normalize``, without torchvision."""
    x = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().div(255)
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (VIEW.mean, VIEW.std))
    return x.sub_(mean).div_(std)


def ours(pictures: list[tuple[int, Picture]], workers: int) -> Callable[[], object]:
    folder = PictureFolder(Path(), ("a", "b"), tuple(p for _, p in pictures), ())
    feed = PictureFeed(folder, VIEW, CROP, workers=workers)
    numbers = list(range(len(pictures)))
    rows = [Rows(0, start, numbers[start : start + BATCH]) for start in numbers[::BATCH]]
    return lambda: [x.shape for x, _ in feed.training(rows)]


class Plain(Dataset[Any]):
    """What most people write."""

    def __init__(self, pictures: list[tuple[int, Picture]]) -> None:
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        _, picture = self.pictures[number]
        return normalised(plain_crop(picture.path, number)), picture.label


def theirs(pictures: list[tuple[int, Picture]], workers: int) -> Callable[[], object]:
    loader = DataLoader(Plain(pictures), BATCH, num_workers=workers, persistent_workers=workers > 0)
    return lambda: [x.shape for x, _ in loader]
