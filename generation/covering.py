"""Few small networks in which every option of a space, or every two of its options, stand.

A greedy covering array of strength one or two, after Cohen et al. 1997, The AETG System (IEEE
Trans. Software Eng. 23), with constraints that nobody wrote down: whether a point is a network
within the limits is known from its plan alone. So points are looked at, and options that no point
has together are told apart from those that were not found together. (The design ``pairwise`` of
sweeps is for flat axes whose every combination is an arm.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

from ..errors import Fault, SpecError
from ..specs.plain import as_count, as_seed, is_whole
from .dice import Dice
from .marks import LENGTH, Factor, Mark, options_of
from .permutation import Permutation
from .points import Architecture, Miss, Points

#: Points that are looked at for options that stand together in none yet, unless asked otherwise.
TRIES = 300
MAX_TARGETS = 20_000
#: Points among which the best is chosen.
_CANDIDATES = 6

#: One or two options, by their numbers in ascending order.
_Target = tuple[int, ...]


class Absent(NamedTuple):
    """Options that stand together in no network of the cover."""

    options: tuple[str, ...]
    """One option or two, each with its field: ``block: basic``."""
    proven: bool
    """Whether every point with these options was looked at; else none of some was a network within
    the limits."""
    looked: int
    """Number of points with these options that were looked at."""
    reason: str
    """Why most of these points are none."""

    def __str__(self) -> str:
        points = "one point" if self.looked == 1 else f"{self.looked:,} points"
        points = f"its {points}" if self.proven else points
        found = "no network among" if self.proven else "none found among"
        return f"{' and '.join(self.options)}: {found} {points}: {self.reason}"


class Cover(NamedTuple):
    """Networks that cover the options of a space."""

    networks: tuple[Architecture, ...]
    """The networks, the smallest (by MACs) first; ``number`` counts them."""
    covered: int
    """Number of options, or of options and pairs of them, that stand in a network."""
    absent: tuple[Absent, ...]
    """Options that stand in none, and pairs of the others that stand together in none."""


def cover(points: Points, strength: int = 2, seed: int = 0, tries: int = TRIES) -> Cover:
    """Networks in which every option (``strength`` 1), or every pair (2), of a space stands; see
    :meth:`Space.cover`."""
    if not is_whole(strength) or strength not in (1, 2):
        message = f"strength is 1 or 2, not {strength!r}"
        raise SpecError(Fault("range", message, "strength", "use strength=2 for pairs of options"))
    work = _Covering(points, int(strength), as_seed("cover", seed), as_count("tries", tries))
    work.run()
    return work.result()


class _Covering:
    """The networks so far, and the options that are still to be covered."""

    def __init__(self, points: Points, strength: int, seed: int, tries: int) -> None:
        self._points, self._tries, self._seed = points, tries, seed
        self._part = options_of(points.template)
        self._marks = [*self._part.marks()]
        self._numbers = {
            (mark.factor, mark.number): number for number, mark in enumerate(self._marks)
        }
        #: Options by their factor.
        self._factors: dict[Factor, list[int]] = {}
        for number, mark in enumerate(self._marks):
            self._factors.setdefault(mark.factor, []).append(number)
        self._dice = Dice("cover", seed)
        #: Pairs that were searched for in vain.
        self._apart: set[_Target] = set()
        self._open = self._targets(strength)
        self._all = set(self._open)
        #: The open pairs of each option, by the other one; the option itself where it is open.
        self._beside: list[set[int]] = [set() for _ in self._marks]
        for target in self._open:
            self._beside[target[0]].add(target[-1])
            self._beside[target[-1]].add(target[0])
        self._found: list[Architecture] = []
        self._absent: list[Absent] = []

    def _targets(self, strength: int) -> dict[_Target, None]:
        count = len(self._marks)
        number = count + (count * (count - 1) // 2 if strength == 2 else 0)
        if number > MAX_TARGETS:
            help_ = "cover each option alone, or free less" if strength == 2 else "free less"
            message = f"the space has {count:,} options, about {number:,} to cover"
            message += f"; at most {MAX_TARGETS:,} are"
            raise SpecError(Fault("limit", message, "free", help_))
        found: dict[_Target, None] = {}
        if strength == 2:
            for pair in combinations(range(count), 2):
                one, two = (self._marks[number] for number in pair)
                if one.factor == two.factor or _within(one, two) or _within(two, one):
                    continue
                if self._compatible(one, two):
                    found[pair] = None
        # Options come first: one that stands nowhere takes its pairs with it.
        return {(number,): None for number in range(count)} | found

    def _compatible(self, one: Mark, two: Mark) -> bool:
        """Whether two options can stand in one point: not where they lie within different items of
        a choice, or break the order of a row."""
        if one.factor[0] != two.factor[0]:
            return True
        wanted = dict([*one.items, *two.items])
        clash = len(wanted) < len({*one.items, *two.items})
        return not clash and self._part.fits(one.factor, wanted)

    def run(self) -> None:
        """Cover everything that can be, then leave out and shrink what is not needed."""
        while self._open:
            target = next(iter(self._open))
            best = self._best(target) or self._search(target)
            if best is not None:
                self._found.append(best)
                for covered in self._covered(best.index):
                    self._close(covered)
        self._thin_out()
        self._shrink()

    def result(self) -> Cover:
        """The networks with their numbers."""
        ordered = sorted(self._found, key=lambda found: (found.macs, found.params, found.index))
        networks = tuple(replace(found, number=number) for number, found in enumerate(ordered))
        covered = {target for found in ordered for target in self._covered(found.index)}
        return Cover(networks, len(covered), tuple(self._absent))

    def _close(self, target: _Target) -> None:
        if target in self._open:
            del self._open[target]
            self._beside[target[0]].discard(target[-1])
            self._beside[target[-1]].discard(target[0])

    def _covered(self, index: int) -> Iterator[_Target]:
        """The targets that stand in the point at ``index``."""
        items = self._part.at(index)
        there = sorted(self._numbers[item] for item in items if item in self._numbers)
        yield from ((number,) for number in there)
        yield from (pair for pair in combinations(there, 2) if pair in self._all)

    def _best(self, target: _Target) -> Architecture | None:
        """Of a few points that cover ``target`` and as much else as they can, the one that covers
        most, and of these the smallest; None where none is a network within the limits."""
        best: tuple[tuple[int, int], Architecture] | None = None
        for attempt in range(_CANDIDATES):
            # Those of every other attempt are small, where they cover nothing more by being large.
            wanted = self._filled(target, greedy=attempt % 3 < 2)
            found = self._points.look(self._part.index(wanted, 0))
            if isinstance(found, Architecture):
                gain = sum(covered in self._open for covered in self._covered(found.index))
                if best is None or (-gain, found.macs) < best[0]:
                    best = (-gain, found.macs), found
        return None if best is None else best[1]

    def _filled(self, target: _Target, greedy: bool) -> dict[Factor, int]:
        """An option for each factor: those of ``target``, and of the others, in random order, the
        one that covers most open pairs with those chosen; else a small or any one."""
        wanted = dict(item for number in target for item in self._marks[number].items)
        chosen = {self._numbers[item] for item in wanted.items() if item in self._numbers}
        waiting = [*self._dice.shuffled([*self._factors])]
        if not greedy:  # items that come first would make lists long
            waiting.sort(key=lambda factor: factor[-1] != LENGTH)
        while waiting:
            later = []
            for factor in waiting:
                mark = self._marks[self._factors[factor][0]]
                if factor in wanted or any(wanted.get(f, n) != n for f, n in mark.needs):
                    continue  # chosen, or within an option that is not
                if any(f not in wanted and f in self._factors for f, _ in mark.needs):
                    later.append(factor)
                    continue
                number = self._pick(factor, wanted, chosen, greedy)
                if number is not None:
                    wanted[factor] = self._marks[number].number
                    chosen.add(number)
            if len(later) == len(waiting):
                break
            waiting = later
        return wanted

    def _pick(
        self, factor: Factor, wanted: dict[Factor, int], chosen: set[int], greedy: bool
    ) -> int | None:
        """The option of a factor that fits to those chosen; None where none does."""
        fit = [
            number
            for number in self._dice.shuffled(self._factors[factor])
            if not any((min(number, c), max(number, c)) in self._apart for c in chosen)
            and self._part.fits(factor, {**wanted, factor: self._marks[number].number})
        ]

        def gain(number: int) -> tuple[int, int, int]:
            mark = self._marks[number]
            covered = len(self._beside[number] & chosen) if greedy else 0
            small = -mark.number if mark.ordered else 0
            return covered, small, len(self._beside[number]) if greedy else 0

        return max(fit, key=gain, default=None)

    def _search(self, target: _Target) -> Architecture | None:
        """The first network within the limits among random points that have the options of
        ``target``; where there is none, it is absent."""
        wanted = dict(item for number in target for item in self._marks[number].items)
        size = self._part.size(wanted)
        order = Permutation(size, self._seed)
        reasons = Counter[str]()
        looked = min(size, self._tries)
        for number in range(looked):
            found = self._points.look(self._part.index(wanted, order[number]))
            if isinstance(found, Architecture):
                return found
            reasons[_reason(found, self._points)] += 1
        names = tuple(self._marks[number].text for number in target)
        reason = reasons.most_common(1)[0][0]
        self._absent.append(Absent(names, looked == size, looked, reason))
        self._close(target)
        if len(target) == 2:
            self._apart.add(target)
        else:
            self._leave_out(*target)
        return None

    def _leave_out(self, option: int) -> None:
        """Give up the pairs of an option that stands nowhere."""
        for other in [*self._beside[option]]:
            self._close((min(option, other), max(option, other)))
        self._apart |= {
            (min(option, other), max(option, other)) for other in range(len(self._marks))
        }

    def _thin_out(self) -> None:
        """Leave out networks all of whose options stand together elsewhere, large ones first."""
        counts = Counter(t for found in self._found for t in self._covered(found.index))
        for found in sorted(self._found, key=lambda found: -found.macs):
            covered = [*self._covered(found.index)]
            if all(counts[target] > 1 for target in covered):
                counts.subtract(covered)
                self._found.remove(found)

    def _shrink(self) -> None:
        """Change options of networks that others have, too, where that makes them smaller."""
        counts = Counter(t for found in self._found for t in self._covered(found.index))
        for place, found in enumerate(self._found):
            for factor, options in self._factors.items():
                found = self._shrunk(found, factor, options, counts)
            self._found[place] = found

    def _shrunk(
        self, found: Architecture, factor: Factor, options: Sequence[int], counts: Counter[_Target]
    ) -> Architecture:
        """``found`` with another option of a factor, where it is smaller and covers all it must."""
        now = dict(self._part.at(found.index))
        if factor not in now:
            return found
        covered = {*self._covered(found.index)}
        best = found
        for number in options:
            changed = self._changed(now, factor, self._marks[number].number)
            if changed == now or not self._part.fits(factor, changed):
                continue
            other = self._points.look(self._part.index(changed, 0))
            if not isinstance(other, Architecture) or other.macs >= best.macs:
                continue
            lost = covered - {*self._covered(other.index)}
            if all(counts[target] > 1 for target in lost):
                best = other
        if best is not found:
            counts.subtract(covered)
            counts.update(self._covered(best.index))
        return best

    def _changed(self, now: dict[Factor, int], factor: Factor, number: int) -> dict[Factor, int]:
        """Options with another one for a factor, without those that it leaves no place for."""
        changed = {factor: number}
        for other, option in now.items():
            kept = {**changed, other: option}
            if other != factor and (other[0] != factor[0] or self._part.fits(other, kept)):
                changed = kept
        return changed


def _within(one: Mark, other: Mark) -> bool:
    """Whether ``one`` is an option of what lies within ``other``, and so stands nowhere without."""
    return (other.factor, other.number) in one.needs


def _reason(miss: Miss, points: Points) -> str:
    if miss.faults:
        fault = miss.faults[0]
        return f"{fault.path}: {fault.message}" if fault.path else fault.message
    return points.worst(miss).broken
