"""``python -m benchmarks.verdicts [--sweeps N]`` writes the tables of ``docs/verdicts.md``.

Each table is between ``<!-- NAME -->`` and ``<!-- end -->``. The same number of sweeps gives the
same tables.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from resforge.ablation.comparing.looks import look_level, look_schedule
from resforge.ablation.comparing.power import detectable
from resforge.ablation.comparing.simulate import (
    NULLS,
    UNEQUAL_SKEW,
    false_rate,
    false_rate_of_looks,
    power,
    seeds_used,
)

PAGE = Path(__file__).parents[1] / "docs" / "verdicts.md"
SEEDS = (3, 4, 5, 6, 8)
FAMILIES = (1, 6, 15)
MORE_SEEDS = (*SEEDS, 20)
SIZES = (3, 4, 5, 6, 8, 10)
ENDS = ((3, 12), (3, 6), (3, 40))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verdicts", description=__doc__)
    parser.add_argument("--sweeps", type=int, default=20_000, help="simulated sweeps of a cell")
    sweeps = parser.parse_args().sweeps
    tables = {
        "false rates": false_rates(sweeps),
        "unequal skew": unequal_skew(sweeps),
        "power": found(sweeps),
        "smallest": smallest(),
        "looks": looks(sweeps // 4),
    }
    text = PAGE.read_text(encoding="utf-8")
    for name, table in tables.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = place.sub(lambda match, table=table: f"{match[1]}{table}{match[2]}", text)
    PAGE.write_text(text, encoding="utf-8")


def false_rates(sweeps: int) -> str:
    rows = [[null, *("/".join(_each(null, seeds, sweeps)) for seeds in SEEDS)] for null in NULLS]
    columns = [[row[i].split("/") for row in rows] for i in range(1, len(SEEDS) + 1)]
    worst = ["/".join(max(cells, key=float) for cells in zip(*c, strict=True)) for c in columns]
    # All sign patterns of each sweep are tried, which takes longer.
    exact = [_worst_exact(seeds, sweeps // 4) for seeds in SEEDS]
    last = [["**worst**", *worst], ["worst of sign flips", *exact]]
    return _table(["errors of each arm", *(f"{n} seeds" for n in SEEDS)], [*rows, *last])


def unequal_skew(sweeps: int) -> str:
    rows = [
        [null, *(_percent(false_rate(null, 1, n, sweeps)) for n in MORE_SEEDS)]
        for null in UNEQUAL_SKEW
    ]
    return _table(["errors of the two arms", *(f"{n} seeds" for n in MORE_SEEDS)], rows)


def _each(null: str, seeds: int, sweeps: int) -> Iterable[str]:
    return (_percent(false_rate(null, m, seeds, sweeps)) for m in FAMILIES)


def _worst_exact(seeds: int, sweeps: int) -> str:
    rates = (max(false_rate(null, m, seeds, sweeps, True) for null in NULLS) for m in FAMILIES)
    return "/".join(map(_percent, rates))


def found(sweeps: int) -> str:
    rows = [
        [f"{effect} SD", *(_percent(power(effect, 6, n, sweeps)) for n in SEEDS)]
        for effect in (2, 3, 5, 10, 50)
    ]
    return _table(["difference", *(f"{n} seeds" for n in SEEDS)], rows)


def smallest() -> str:
    families = (1, 3, 6, 15)
    rows = [
        [str(n), *(f"{detectable(1.0, n, family) or 0:.2f}" for family in families)] for n in SIZES
    ]
    return _table(["seeds", *(f"m = {family}" for family in families)], rows)


def looks(sweeps: int) -> str:
    rows = []
    for first, most in ENDS:
        looked = look_schedule(first, most)
        rates = [
            max(false_rate_of_looks(null, m, looked, sweeps) for null in NULLS) for m in FAMILIES
        ]
        small, large = (seeds_used(effect, 1, looked, sweeps) for effect in (2.0, 50.0))
        rows.append(
            [
                ", ".join(map(str, looked)),
                f"{look_level(looked):g}",
                "/".join(map(_percent, rates)),
                f"{_percent(small[0])}, {small[1]:.1f}",
                f"{_percent(large[0])}, {large[1]:.1f}",
            ]
        )
    heads = ["looks", "level", "worst false rate, %", "2 SD: found %, seeds", "50 SD"]
    return _table(heads, rows)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    sides = [":---", *["---:"] * (len(heads) - 1)]
    return "".join(f"| {' | '.join(row)} |\n" for row in (heads, sides, *rows))


if __name__ == "__main__":
    main()
