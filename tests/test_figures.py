"""Figures of runs: names in any script, losses of any size, no warnings."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import torch

pytest.importorskip("matplotlib")

import numpy as np
from resforge.classify.evaluation import Evaluation
from resforge.classify.figures.confusion import write_confusion
from resforge.classify.figures.curve import write_curve
from resforge.classify.figures.predictions import write_predictions
from resforge.classify.runs.record import Epoch
from resforge.classify.runs.use import Prediction

NAMES = ("漢字", "বাংলা", "हिन्दी", "עברית", "🙂", "a\x1b[31m\n", "\udc80", "$x$" + "y" * 300)


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_names_in_any_script_are_drawn_without_warnings(tmp_path: Path, suffix: str) -> None:
    """Warnings are errors in these tests; on a terminal they would stand between the results."""
    count = len(NAMES)
    write_confusion(tmp_path / f"c{suffix}", Evaluation(torch.eye(count), 0.1), NAMES)
    probabilities = torch.full((count,), 1 / count)
    pixels = np.zeros((8, 8, 1), np.uint8)
    rows = [Prediction(Path(name.replace("/", "")), probabilities, pixels) for name in NAMES]
    write_predictions(tmp_path / f"p{suffix}", rows, NAMES)
    if suffix == ".svg":
        for name in "cp":
            text = (tmp_path / f"{name}.svg").read_text()
            ET.fromstring(text)
            assert "漢字" in text  # as text, which the reader's fonts show


@pytest.mark.parametrize("loss", [math.nan, math.inf, 1e308, 0.0])
def test_a_curve_is_drawn_for_losses_of_any_size(tmp_path: Path, loss: float) -> None:
    history = [Epoch(1, 5, 0.1, loss, loss, 0.5, 1.0), Epoch(2, 10, 0.1, 1.0, loss, 0.5, 1.0)]
    for count in (1, 2):
        write_curve(tmp_path / "curve.svg", history[:count])
        ET.parse(tmp_path / "curve.svg")


def test_an_outlier_leaves_the_other_losses_apart(tmp_path: Path) -> None:
    """Its axis is logarithmic, with numbers that the figures' style can write."""
    later = [Epoch(n, 5 * n, 0.1, 1 / n, 1.5 / n, 0.5, 1.0, train_accuracy=0.6) for n in (2, 3, 4)]
    for loss, logarithmic in ((674.0, True), (2.3, False)):
        first = Epoch(1, 5, 0.1, 2.3, loss, 0.1, 1.0)  # as an earlier version wrote it
        for history in ([first, *later], [first]):
            write_curve(tmp_path / "curve.svg", history)
            text = (tmp_path / "curve.svg").read_text()
            assert ("logarithmic" in text) == logarithmic
            assert ">100<" in text or not logarithmic
            assert "$" not in text


def test_a_confusion_matrix_names_its_axes_and_rates(tmp_path: Path) -> None:
    confusion = torch.tensor([[20, 5], [0, 0]])
    write_confusion(tmp_path / "c.svg", Evaluation(confusion, 0.1), ("cat", "dog"))
    text = (tmp_path / "c.svg").read_text()
    for words in ("actual class", "predicted class", "recall", "precision", ">80%<", ">100%<"):
        assert words in text
    assert ">0<" in text
