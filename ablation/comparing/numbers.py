"""Numbers of comparisons as text."""

from __future__ import annotations

from collections.abc import Sequence

from .rule import LEVEL


def signed(points: float) -> str:
    """A difference with its sign and two decimals; zero has no sign.

    >>> signed(0.213), signed(-0.001)
    ('+0.21', '0.00')
    """
    text = f"{points:+.2f}"
    return text[1:] if text[1:] == "0.00" else text


def p_figure(p: float, level: float = LEVEL) -> str:
    """``p`` with two digits, or with more where two would round it to the other side of ``level``.

    >>> p_figure(0.0784), p_figure(1.0), p_figure(0.0002), p_figure(410 / 8192)
    ('0.078', '1', '<0.001', '0.05005')
    """
    if p < 0.001:
        return "<0.001"
    texts = (f"{p:.{digits}g}" for digits in range(2, 17))
    return next((text for text in texts if (float(text) <= level) == (p <= level)), f"{p!r}")


def p_equals(p: float, level: float = LEVEL) -> str:
    """``p`` in a sentence: ``p = 0.078`` or ``p < 0.001``."""
    figure = p_figure(p, level)
    return f"p < {figure[1:]}" if figure.startswith("<") else f"p = {figure}"


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    >>> counted(1, "pair"), counted(3, "pair")
    ('1 pair', '3 pairs')
    """
    return f"{count} {noun}{'s' * (count != 1)}"


def listed(names: Sequence[str]) -> str:
    """Names joined with commas and "and".

    >>> listed(["A", "B", "C"])
    'A, B and C'
    """
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" and {names[-1]}"
