"""One comparison of a sweep: its figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..planning.pairing import Shared


@dataclass(frozen=True, slots=True)
class Comparison:
    """Figures of one declared comparison.

    Differences are ``of`` minus ``to``, in percentage points of test error, over the seeds with
    which all its arms have an error; a diverged seed has that of guessing, unless the sweep drops
    it. A figure that cannot be computed is None. ``docs/verdicts.md`` defines each figure.
    """

    contrast: Literal["pair", "main", "interaction"]
    of: str
    to: str
    """Names of the arms, as in the table, or of the means or differences of arms."""
    at: str
    """Labels that both arms have, such as ``depth 8``; may be empty."""
    of_label: str
    to_label: str
    """Labels in which the arms differ, such as ``A`` and ``plain``."""
    same_network: bool
    """Whether both arms are the same network, trained once."""
    seeds: int
    """Number of seeds of the sweep."""
    pending: int
    """Number of seeds with which at least one of the arms has not ended yet."""
    n: int
    """Number of pairs: seeds with an error of every arm."""
    mean: float | None
    deviation: float | None
    """Sample standard deviation (n - 1) of the differences, at least that of rounding."""
    low: float | None
    high: float | None
    """The t interval of the mean with the confidence 1 - ``level``, for this comparison alone."""
    p: float | None
    """p of the paired t test, with floor and guard; 1 below three pairs, None without a pair."""
    p_holm: float | None
    """``p`` corrected for ``family``."""
    exact: float | None
    """p of the joint sign-flip test, corrected for all comparisons; from six pairs on."""
    family: int
    """Number of tests that ``p_holm`` is corrected for: the comparisons of the sweep, without those
    of a network with itself, and the tests on divergence that could have a p of at most 0.05."""
    level: float
    """Level of each judgement: 0.05, or less in a sweep with several looks."""
    settled_at: int | None
    """Number of seeds at which the difference was found; None where it was not found."""
    detectable: float | None
    """Smallest true difference that ``n`` pairs find four times in five."""
    detectable_low: float | None
    detectable_high: float | None
    """The same for the ends of the 95% interval of the true deviation."""
    diverged: tuple[int, int]
    """Number of trials of ``of`` and of ``to`` whose loss stopped being finite."""
    collapsed: tuple[int, int]
    """Number of trials that ended with more than half the test error of guessing."""
    failed: tuple[int, int]
    """Number of trials of ``of`` and of ``to`` that failed, crashed or ran out of time."""
    guess: float | None
    """Test error in percent of a diverged seed; None where the sweep drops it."""
    p_diverged: float | None
    """p of the exact McNemar test on divergence, two-sided; None where no seed tells."""
    p_diverged_holm: float | None
    """The same, corrected for ``family``; None where it could not be at most 0.05."""
    shared: Shared | None
    """Initial tensors that ``of`` shares with ``to``; None for means and differences of arms, and
    where one of the stored specs is no longer legal."""
    mixed: bool = False
    """Whether the arms differ in their networks and in their recipes."""
    verdict: str = ""
    """Difference, evidence and conclusion in words."""

    @property
    def separable(self) -> bool:
        """Whether the mean errors are found to differ."""
        return self.settled_at is not None

    @property
    def separable_in_divergence(self) -> bool:
        """Whether the arms are found to diverge on different numbers of seeds."""
        return self.p_diverged_holm is not None and self.p_diverged_holm <= self.level

    @property
    def confidence(self) -> str:
        """Confidence of the interval, such as ``95%``."""
        return f"{100 * (1 - self.level):g}%"

    def _repr_html_(self) -> str | None:
        # For notebooks, as for the records of a sweep.
        from ..reporting.notebook import comparison_to_html

        return comparison_to_html(self)

    def as_dict(self) -> dict[str, Any]:
        """Fields for JSON, with ``separable``."""
        shared = self.shared and self.shared._asdict()
        return {**asdict(self), "shared": shared, "separable": self.separable}
