"""The comparisons of a sweep, judged from its records."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..contrasts import Contrast
from ..planning.pairing import Shared, shared
from ..results.outcome import Outcome, Status
from ..results.records import Records, read_records
from .comparison import Comparison
from .judge import Figures, judge_contrasts
from .labels import sides_of
from .learning import can_be_small, discordance_p, guessing, has_collapsed, percent_errors
from .looks import look_level
from .power import detectable, deviation_range
from .sentences import state_comparison

_UNFINISHED: frozenset[Status] = frozenset({"stopped", "failed", "crashed", "timed_out"})


def compare_pairs(source: Records | str | os.PathLike[str]) -> tuple[Comparison, ...]:
    """Comparisons that a sweep declares, in their order, as :func:`~resforge.ablation.judge` does.

    ``source`` is a sweep's records, or the folder that it was run into. The same records give the
    same numbers. A diverged seed counts as guessing, unless the sweep has ``diverged: drop``. Of a
    sweep with looks a comparison is separable that was so at any complete look. Needs scipy.
    """
    records = source if isinstance(source, Records) else read_records(source)
    compared = _Compared(records)
    return tuple(compared.comparison(index) for index in range(len(compared.contrasts)))


class _Compared:
    """All comparisons of a sweep, which are judged together."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.contrasts = records.contrasts
        self.seeds: list[int] = records.sweep["seeds"]
        self.level = look_level(records.looks)
        self.arms = {arm.name: arm for arm in records.arms}
        self.guess = guessing(records.num_classes) if records.guesses else None
        self.ended = {
            name: {trial.seed: trial.outcome for trial in trials}
            for name, trials in records.trials.items()
        }
        self.digests = {arm.name: arm.digest for arm in records.arms}
        self.members = [
            index
            for index, contrast in enumerate(self.contrasts)
            # Differences of a network with itself are no evidence.
            if not contrast.cancels(self.digests)
        ]
        self.diverged = {index: self._divergence(self.contrasts[index]) for index in self.members}
        self.figures, self.divergence_ps, self.family = self._judged()
        self.settled = self._settled()

    def comparison(self, index: int) -> Comparison:
        contrast, figures = self.contrasts[index], self.figures.get(index)
        ended = self._ended(contrast)
        both = set.intersection(*(set(outcomes) for outcomes in ended))
        deviation, pairs = (figures.deviation, figures.pairs) if figures else (None, 0)
        sees = detectable(deviation, pairs, self.family, self.level)
        low, high = deviation_range(pairs) if sees is not None else (1.0, 1.0)
        some = figures is not None and pairs > 0
        comparison = Comparison(
            contrast=contrast.kind,
            **sides_of(contrast, self.arms)._asdict(),
            same_network=figures is None,
            seeds=len(self.seeds),
            pending=len(self.seeds) - len(both),
            n=pairs,
            mean=figures.difference if figures else None,
            deviation=deviation,
            low=figures.low if figures else None,
            high=figures.high if figures else None,
            p=figures.p if figures and some else None,
            p_holm=figures.p_holm if figures and some else None,
            exact=figures.exact if figures else None,
            family=self.family,
            level=self.level,
            settled_at=self.settled.get(index),
            detectable=sees,
            detectable_low=sees and sees * low,
            detectable_high=sees and sees * high,
            diverged=self._counts(contrast, lambda o: o.status == "diverged"),
            collapsed=self._counts(contrast, lambda o: has_collapsed(o, self.records.num_classes)),
            failed=self._counts(contrast, lambda o: o.status in _UNFINISHED),
            guess=None if self.guess is None else 100.0 * self.guess,
            p_diverged=discordance_p(*self.diverged.get(index, (0, 0))),
            p_diverged_holm=self.divergence_ps.get(index),
            shared=self._shared(contrast),
            mixed=contrast.mixes(self.digests),
        )
        return replace(comparison, verdict=state_comparison(comparison))

    def _judged(
        self, seeds: Sequence[int] | None = None
    ) -> tuple[dict[int, Figures], dict[int, float], int]:
        """Figures by index, corrected p of divergence by index, and the size of the family."""
        errors = {
            name: {
                seed: error
                for seed, error in percent_errors(outcomes.items(), self.guess).items()
                if seeds is None or seed in seeds
            }
            for name, outcomes in self.ended.items()
        }
        weights = [self.contrasts[index].weights for index in self.members]
        counts = {index: self._divergence(self.contrasts[index], seeds) for index in self.members}
        tested = [index for index, count in counts.items() if can_be_small(*count)]
        others = [discordance_p(*counts[index]) or 1.0 for index in tested]
        figures, corrected = judge_contrasts(
            errors, weights, self.records.tested_images, self.level, others
        )
        return (
            dict(zip(self.members, figures, strict=True)),
            dict(zip(tested, corrected, strict=True)),
            len(self.members) + len(tested),
        )

    def _settled(self) -> dict[int, int]:
        """Number of seeds at which each comparison was first found, of complete looks."""
        settled: dict[int, int] = {}
        looks = [look for look in self.records.looks if look <= len(self.seeds)]
        for look in looks:
            if self._complete(self.seeds[:look]):
                for index, figures in self._judged(self.seeds[:look])[0].items():
                    if figures.p_holm <= self.level:
                        settled.setdefault(index, look)
        if not self.records.looks:
            for index, figures in self.figures.items():
                if figures.p_holm <= self.level:
                    settled[index] = figures.pairs
        return settled

    def _complete(self, seeds: Sequence[int]) -> bool:
        return all(seed in outcomes for outcomes in self.ended.values() for seed in seeds)

    def _ended(self, contrast: Contrast) -> list[dict[int, Outcome]]:
        return [self.ended[name] for name in contrast.weights]

    def _divergence(
        self, contrast: Contrast, seeds: Sequence[int] | None = None
    ) -> tuple[int, int]:
        """Numbers of seeds on which one arm of a pair diverged and the other is done."""
        if contrast.kind != "pair":
            return 0, 0
        of, to = self._ended(contrast)
        both = [seed for seed in of if seed in to and (seeds is None or seed in seeds)]
        ends = [(of[seed].status, to[seed].status) for seed in both]
        return ends.count(("diverged", "done")), ends.count(("done", "diverged"))

    def _counts(self, contrast: Contrast, happened: Any) -> tuple[int, int]:
        of, to = (
            sum(happened(outcome) for name in side for outcome in self.ended[name].values())
            for side in (contrast.of, contrast.to)
        )
        return of, to

    def _shared(self, contrast: Contrast) -> Shared | None:
        plans = self.records.plans
        of, to = (self.arms[side[0]].digest for side in (contrast.of, contrast.to))
        if contrast.kind != "pair" or of not in plans or to not in plans:
            return None
        return shared(plans[of], plans[to])
