"""Pictures and their predictions as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from ...drawing.canvas import BLUE, RULE, write_figure
from ...errors import printable
from ..runs.use import Prediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Largest number of pictures in one figure.
MOST = 24
_ACROSS = 3
_LONGEST = 24


def write_predictions(
    path: Path, predictions: Sequence[Prediction], classes: Sequence[str], top: int = 5
) -> None:
    """Write each picture as the network sees it, with bars for its ``top`` classes.

    Pictures after the first :data:`MOST` are left out.
    """
    shown = predictions[:MOST]
    across = min(_ACROSS, len(shown))
    down = ceil(len(shown) / across)

    def paint(figure: Figure) -> None:
        grid = figure.subplots(down, 2 * across, squeeze=False, width_ratios=[1, 1.1] * across)
        cells = grid.reshape(-1, 2)
        for pair in cells[len(shown) :]:
            for axes in pair:
                axes.set_axis_off()
        for (left, right), prediction in zip(cells, shown, strict=False):
            _picture(left, prediction)
            _bars(right, prediction.top(top), classes)

    write_figure(path, (3.6 * across, 1.9 * down), paint)


def _picture(axes: Axes, prediction: Prediction) -> None:
    pixels = prediction.pixels
    axes.imshow(pixels.repeat(3, axis=2) if pixels.shape[2] == 1 else pixels)
    axes.set_axis_off()
    axes.set_title(shortened(prediction.path.name), fontsize=8)


def _bars(axes: Axes, top: list[tuple[int, float]], classes: Sequence[str]) -> None:
    rows = range(len(top))
    values = [100 * probability for _, probability in top]
    axes.barh(rows, values, color=[BLUE, *[RULE] * (len(top) - 1)], height=0.7)
    for row, value in zip(rows, values, strict=True):
        axes.text(min(value, 100) + 2, row, f"{value:.1f}%", va="center", fontsize=7)
    axes.set_yticks(rows, [shortened(classes[number]) for number, _ in top], fontsize=8)
    axes.set_xlim(0, 130)
    axes.set_ylim(max(len(top), 3) - 0.5, -0.5)  # bars of two classes are as thin as of three
    axes.set_xticks([])
    axes.tick_params(length=0)
    for side in ("bottom", "left"):
        axes.spines[side].set_visible(False)


def shortened(name: str) -> str:
    """``name`` in printable characters, without its middle part where it is too long for a label.

    >>> shortened("a photograph of a very large flower.jpg")
    'a photograp...flower.jpg'
    """
    name, half = printable(name), (_LONGEST - 3) // 2
    return name if len(name) <= _LONGEST else f"{name[: half + 1]}...{name[-half:]}"
