"""Numbers that may differ by axis: sides of windows, strides, paddings, dilations.

Where all axes have the same number it is that number, else a tuple with one for each axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

Axes = int | tuple[int, ...]
"""One number for all axes, or one for each where they differ."""

SIDES: Final = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""What the sides of a map are called, by its number of axes."""


def each(value: Axes, dims: int) -> tuple[int, ...]:
    """``value`` for each of ``dims`` axes.

    >>> each(3, 2), each((1, 3, 3), 3)
    ((3, 3), (1, 3, 3))
    """
    return (value,) * dims if isinstance(value, int) else value


def listed(value: Axes) -> tuple[int, ...]:
    """The numbers that ``value`` consists of: one where the axes have the same.

    >>> listed(3), listed((1, 3, 3))
    ((3,), (1, 3, 3))
    """
    return each(value, 1)


def merged(values: Iterable[int]) -> Axes:
    """The numbers of the axes as one where they are equal.

    >>> merged((3, 3)), merged((1, 3, 3))
    (3, (1, 3, 3))
    """
    found = tuple(values)
    return found[0] if len(set(found)) == 1 else found


def uniform(value: Axes) -> Axes:
    """One number in place of equal ones.

    >>> uniform(2), uniform((2, 2)), uniform((1, 2))
    (2, 2, (1, 2))
    """
    return value if isinstance(value, int) else merged(value)


def on_axes(function: Callable[..., int], *values: Axes) -> Axes:
    """``function`` of the numbers of each axis.

    >>> on_axes(lambda kernel, dilation: kernel // 2 * dilation, (1, 3, 5), 2)
    (0, 2, 4)
    """
    if tuple in map(type, values):
        dims = next(len(value) for value in values if isinstance(value, tuple))
        return merged(map(function, *(each(value, dims) for value in values)))
    return function(*values)


def largest(value: Axes) -> int:
    """The largest of the numbers.

    >>> largest(3), largest((1, 7, 7))
    (3, 7)
    """
    return value if isinstance(value, int) else max(value)


def sides_text(value: Axes, dims: int, sign: str = "x") -> str:
    """The sides of a window as text.

    >>> sides_text(3, 2), sides_text((1, 3, 3), 3), sides_text(7, 1)
    ('3x3', '1x3x3', '7')
    """
    return sign.join(map(str, each(value, dims)))


def size_text(size: tuple[int, ...]) -> str:
    """The sides of a map as text.

    >>> size_text((16, 7, 7))
    '16x7x7'
    """
    return sides_text(size, len(size))


def number_text(value: Axes) -> str:
    """A number as text, or one for each axis.

    >>> number_text(2), number_text((1, 2, 2))
    ('2', '1x2x2')
    """
    return sides_text(value, 1)


def axes_text(value: Axes) -> str:
    """Numbers by axis as a file writes them.

    >>> axes_text(2), axes_text((1, 2, 2))
    ('2', '[1, 2, 2]')
    """
    return str(value) if isinstance(value, int) else str(list(value))
