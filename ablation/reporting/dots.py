"""Dots: the test error of every seed of an arm, in a cell of the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...drawing.svg import clean

_WIDTH, _HEIGHT, _EDGE = 132, 16, 5


def dot_strips(errors: Sequence[Sequence[float]]) -> list[str]:
    """One SVG for each of some arms, on one scale from their lowest error to their highest.

    ``errors`` are fractions, one for each seed of each arm; the tick is their mean. An arm without
    an error has an empty text.

    >>> dot_strips([[0.5], []])[1]
    ''
    """
    every = [error for arm in errors for error in arm]
    if not every:
        return [""] * len(errors)
    low, high = min(every), max(every)
    span = (high - low) or 1.0

    def place(error: float) -> float:
        return round(_EDGE + (_WIDTH - 2 * _EDGE) * (error - low) / span, 1)

    return [_strip(sorted(arm), place) if arm else "" for arm in errors]


def _strip(errors: Sequence[float], place: Callable[[float], float]) -> str:
    mean = place(sum(errors) / len(errors))
    middle = _HEIGHT / 2
    text = ", ".join(f"{100 * error:.1f}" for error in errors)
    dots = "".join(f'<circle cx="{place(e):g}" cy="{middle:g}" r="3.2"/>' for e in errors)
    return (
        f'<svg class="dots" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
        f' role="img"><title>{clean(f"seeds, in percent: {text}")}</title>'
        f'<path d="M0 {middle:g}H{_WIDTH}"/>{dots}'
        f'<path class="mean" d="M{mean:g} 1V{_HEIGHT - 1}"/></svg>'
    )
