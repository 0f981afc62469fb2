"""Ranges whose numbers are drawn from a log-normal distribution."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal, localcontext
from functools import cached_property

from .choices import GRAIN, Range

#: Decimal's functions are rounded correctly, and so give every machine the same weights; those of
#: the C library do not.
_EXACT = Context(prec=30)


class LogNormal(Range):
    """A range whose numbers are as likely as a log-normal distribution of ``median`` is dense
    there; ``sigma`` is the standard deviation of the logarithm.

    >>> widths = LogNormal(16, 16, 4, median=Decimal(32), sigma=Decimal("0.5"))
    >>> [widths.unrank(index) for index in range(4)], widths.weights
    ([16, 32, 48, 64], [4096, 5354, 2569, 1024])
    """

    def __init__(
        self,
        first: int,
        step: int,
        size: int,
        unit: int | None = None,
        *,
        median: Decimal,
        sigma: Decimal,
    ) -> None:
        super().__init__(first, step, size, log=True, unit=unit)
        self.median, self.sigma = median, sigma

    @cached_property
    def weights(self) -> Sequence[int]:
        scale = self.unit or 1
        numbers = range(self.first, self.first + self.size * self.step, self.step)
        with localcontext(_EXACT):
            found = [self._log_density(Decimal(number) / scale) for number in numbers]
            least = min(found)
            return [int((GRAIN * (each - least).exp()).to_integral_value()) for each in found]

    def spreads_beyond(self, most: int) -> bool:
        """Whether some number may be more than ``most`` times as likely as another."""
        scale = self.unit or 1
        with localcontext(_EXACT):
            low = Decimal(self.first) / scale
            high = Decimal(self.first + (self.size - 1) * self.step) / scale
            log_mode = self.median.ln() - self.sigma * self.sigma
            likely = min(max(log_mode, low.ln()), high.ln()).exp()
            least = min(self._log_density(low), self._log_density(high))
            return self._log_density(likely) - least > Decimal(most).ln()

    def _log_density(self, number: Decimal) -> Decimal:
        """The logarithm of the density at a number, but for a constant."""
        log = number.ln()
        deviations = (log - self.median.ln()) / self.sigma
        return -log - deviations * deviations / 2


def middle_of(low: Decimal, high: Decimal) -> tuple[Decimal, Decimal]:
    """The median and the sigma of which both bounds are two standard deviations away."""
    with localcontext(_EXACT):
        return (low * high).sqrt(), (high / low).ln() / 4 or Decimal(1)
