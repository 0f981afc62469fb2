"""The settings under which matplotlib draws for us."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# A name can be in any script, and longer than there is room: both are seen in the figure, and the
# viewer of an SVG has the fonts that are missing here.
_SEEN = (
    r"Glyph \d+ .* missing from",
    r"Matplotlib currently does not support .* natively",
    "constrained_layout not applied",
)


@contextmanager
def plotting(style: Any) -> Iterator[None]:
    """Context with matplotlib's settings in ``style``, and its harmless warnings kept back."""
    import matplotlib

    with matplotlib.rc_context(style), warnings.catch_warnings():
        for message in _SEEN:
            warnings.filterwarnings("ignore", message, UserWarning)
        yield
