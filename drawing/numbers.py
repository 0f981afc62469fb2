"""Numbers and shapes as people read them."""

from __future__ import annotations

from ..specs.layer import Shape


def grouped(number: int) -> str:
    """Every digit, in groups of three.

    >>> grouped(25557032)
    '25,557,032'
    """
    return f"{number:,}"


def short(number: int) -> str:
    """Three significant digits and a unit: k, M, G, T, P.

    >>> short(432), short(25557032), short(4089184256), short(999999)
    ('432', '25.6 M', '4.09 G', '1.00 M')
    """
    if number < 1000:
        return str(number)
    power = 1
    # 999.6 k would take four digits: it is 1.00 M.
    while number >= 999.5 * 1000**power and power < 5:
        power += 1
    scaled = number / 1000**power
    digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
    return f"{scaled:.{digits}f} {' kMGTP'[power]}"


def scientific(number: float) -> str:
    """Three significant digits, as a file may hold them.

    >>> scientific(1373932032000), scientific(640000000), scientific(12)
    ('1.37e12', '6.4e8', '12')
    """
    digits, _, power = f"{number:.3g}".partition("e")
    return f"{digits}e{int(power)}" if power else digits


def percent(share: float) -> str:
    """A share of the whole; what is there, or is missing, but too little to show is said to be so.

    >>> percent(0.5), percent(0.0312), percent(0.0002), percent(0.0)
    ('50.0%', '3.1%', '<0.1%', '0')
    >>> percent(0.9996), percent(1.0)
    ('>99.9%', '100.0%')
    """
    if share == 0:
        return "0"
    if 0.9995 <= share < 1:
        return ">99.9%"
    return "<0.1%" if share < 0.0005 else f"{100 * share:.1f}%"


def shape_text(shape: Shape) -> str:
    """Channels, height and width.

    >>> shape_text((512, 28, 28))
    '512x28x28'
    """
    return "x".join(map(str, shape))
