"""Records of a made-up sweep, and a page taken apart, for the tests of reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import product

from resforge.ablation import Outcome, PublishedTable, Records, Sweep, expand_sweep
from resforge.ablation.results.planned import ArmRecord
from resforge.ablation.results.records import TrialRecord

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def done(error: float, losses: tuple[float, ...] = (2.0, 0.5)) -> Outcome:
    curve = tuple((step + 1, loss) for step, loss in enumerate(losses))
    return Outcome("done", curve, ((1, 0.9, 2.3), (2, error, 0.1)), steps=2, seconds=1.5)


def make_records(
    outcomes: dict[tuple[str, str], list[Outcome]],
    title: str = "",
    text: str = "",
    published: Sequence[PublishedTable] = (),
) -> Records:
    """Records of a sweep over depth and shortcut, an outcome for each seed."""
    sweep = Sweep(
        sweep=1, name=title, base="digits_resnet8", arms={"a": {}}, seeds=3, published=published
    )
    arms, trials = [], {}
    for (depth, shortcut), ends in outcomes.items():
        name = f"depth={depth}/shortcut={shortcut}"
        labels = (("depth", depth), ("shortcut", shortcut))
        arms.append(ArmRecord(name, labels, name, params=1000, macs=2000, depth=8))
        trials[name] = tuple(
            TrialRecord(f"{name}{seed}", seed, outcome, NOW) for seed, outcome in enumerate(ends)
        )
    finished = sum(map(len, trials.values()))
    tree = sweep.model_dump(mode="json")
    return Records(tree, text, "f" * 64, tuple(arms), trials, 3 * len(arms), finished)


def planned_records(sweep: Sweep, outcomes: dict[str, list[Outcome]]) -> Records:
    """Records of a sweep as it is planned; ``outcomes`` by the label of its last axis."""
    arms = tuple(
        ArmRecord(
            *(arm.name, arm.labels, arm.digest, arm.params, arm.macs, arm.depth),
            spec=arm.spec.model_dump_json(),
        )
        for arm in expand_sweep(sweep)
    )
    trials = {
        arm.name: tuple(
            TrialRecord(f"{arm.name}{seed}", seed, outcome, NOW)
            for seed, outcome in zip(sweep.seeds, outcomes[arm.labels[-1][1]], strict=False)
        )
        for arm in arms
    }
    finished = sum(map(len, trials.values()))
    tree = sweep.model_dump(mode="json")
    return Records(tree, "", "f" * 64, arms, trials, len(arms) * len(sweep.seeds), finished)


def grid(error: Callable[[str, str], float]) -> dict[tuple[str, str], list[Outcome]]:
    cells = product(("8", "56"), ("plain", "A", "B"))
    return {cell: [done(error(*cell) + seed / 1000) for seed in range(3)] for cell in cells}


def paper(depth: str, shortcut: str) -> float:
    return 0.65 if (depth, shortcut) == ("56", "plain") else 0.03


class Page(HTMLParser):
    """Tags, attributes, text and rows of tables of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.rows: list[tuple[str, ...]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "tr":
            self.rows.append(())
        elif tag in ("td", "th"):
            self.rows[-1] += ("",)

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.tags[-1:] in (["td"], ["th"]) and data.strip():
            *cells, last = self.rows[-1]
            self.rows[-1] = (*cells, last + data)
