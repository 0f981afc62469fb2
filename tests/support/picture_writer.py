"""Folders of pictures to train on, for several tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits  # type: ignore[import-untyped]


def write_digits(folder: Path, count: int = 200, classes: int = 10) -> Path:
    """Scikit-learn's digits as PNG files of 8x8, a folder for each of the first ``classes``."""
    digits = load_digits()
    for number in range(count):
        label = int(digits.target[number])
        if label < classes:
            home = folder / str(label)
            home.mkdir(parents=True, exist_ok=True)
            grey = np.round(digits.images[number] * 255 / 16).astype(np.uint8)
            Image.fromarray(grey).save(home / f"{number:04}.png")
    return folder


def write_picture(path: Path, pixels: np.ndarray, **options: object) -> Path:
    """Pixels ``(H, W)`` or ``(H, W, 3)`` as the file that the suffix of ``path`` says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def gradient(width: int, height: int) -> np.ndarray:
    """A picture without edges, each side and colour of its own: ``(height, width, 3)``."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([x, y, (510 - x - y) / 2], axis=2).round().astype(np.uint8)
