"""Figures in one style, written atomically."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Fault, ResforgeError, SpecError
from ..files import write_whole
from .plots import plotting

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, SOFT, RULE = "#1f2933", "#52606d", "#d9dee3"
#: Distinct also for readers with colour vision deficiency (Okabe and Ito 2008).
BLUE, ORANGE = "#0072b2", "#d55e00"
FORMATS = (".svg", ".png", ".pdf")
_STYLE: Any = {
    "svg.hashsalt": "resforge",
    "svg.fonttype": "none",  # the reader's fonts have letters that matplotlib's lacks
    "text.parse_math": False,  # a dollar in a class name is a dollar
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "grid.color": RULE,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "grid.linewidth": 0.5,
}


def check_format(path: Path) -> None:
    """Raise :class:`~resforge.SpecError` unless ``path`` ends in one of :data:`FORMATS`, and
    :class:`~resforge.ResforgeError` where matplotlib is missing."""
    if path.suffix.lower() not in FORMATS:
        message = f"{path} does not end in {', '.join(FORMATS)}"
        raise SpecError(Fault("value", message, help=f"use {path.stem or 'figure'}.svg"))
    _require_matplotlib()


def write_figure(path: Path, size: tuple[float, float], paint: Callable[[Figure], None]) -> None:
    """Write a figure of ``size`` inches that ``paint`` draws; equal figures have equal bytes.

    Raises ``StoreError`` where the file cannot be written, and the errors of :func:`check_format`.
    """
    check_format(path)
    from matplotlib.figure import Figure

    kind = path.suffix.lower()[1:]
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    content = io.BytesIO()
    with plotting(_STYLE):
        warnings.simplefilter("ignore", RuntimeWarning)  # of losses near the largest number
        figure = Figure(figsize=size, layout="constrained")
        paint(figure)
        figure.savefig(content, format=kind, dpi=160, metadata=dates.get(kind))
    write_whole(path, content.getvalue())


def _require_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise ResforgeError(
            "figures need matplotlib, which is not installed: pip install 'resforge[images]'"
        ) from error
