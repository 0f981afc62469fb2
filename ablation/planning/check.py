"""What can be wrong with a sweep before any of its arms is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...errors import Fault
from .design import MAX_PAIRS, choices, count_pairs, fewest
from .sample import conflicts
from .sweep import MAX_ARMS, MAX_TRIALS

if TYPE_CHECKING:
    from .sweep import Sweep

MAX_LABEL = 80


def sweep_faults(sweep: Sweep) -> list[Fault]:
    """Every fault, its path relative to the sweep; the number of trials is counted, not tried."""
    drawn = sweep.sample is not None or sweep.search is not None
    if drawn and sweep.text and (faults := list(conflicts(sweep.document.tree))):
        return faults
    if (sweep.axes is None) == (sweep.arms is None):
        return [
            Fault(
                "sweep",
                "a sweep has either axes or arms",
                "" if sweep.arms is None else "arms",
                "write axes: {shortcut: {A: {shortcut: zero_pad}, ...}}, or name each arm"
                " under arms:",
            )
        ]
    if sweep.design is not None and sweep.arms is not None:
        message = f"design: {sweep.design} combines axes, and these arms are written one by one"
        return [Fault("conflict", message, "design", "leave design out, or write axes")]
    groups: dict[str, dict[str, Any]] = sweep.axes or {}
    under = "axes."
    if sweep.arms is not None:
        groups, under = {"arms": sweep.arms}, ""
    faults = [
        *_empty_faults(groups, under),
        *_label_faults(groups, under),
        *_batch_faults(sweep),
        *_select_faults(sweep),
        *_search_faults(sweep),
        *_seed_faults(sweep),
    ]
    return faults or list(_count_faults(sweep, groups))


def _empty_faults(groups: dict[str, Any], under: str) -> Iterator[Fault]:
    mend = "write at least one, such as A: {shortcut: zero_pad}"
    if not groups:
        yield Fault("sweep", "there is no axis", "axes", mend)
    for axis, labels in groups.items():
        if not labels:
            yield Fault("sweep", "there is no label", under + axis, mend)


def _label_faults(groups: dict[str, Any], under: str) -> Iterator[Fault]:
    for axis, labels in groups.items():
        for label, path in [(axis, under + axis), *((k, f"{under}{axis}.{k}") for k in labels)]:
            if not 1 <= len(label) <= MAX_LABEL or not label.isprintable() or set(label) & {*"/="}:
                yield Fault(
                    "sweep",
                    f"{label[:MAX_LABEL]!r} cannot be a label",
                    path,
                    f"use 1 to {MAX_LABEL} printable characters without '/' and '='",
                )


def _batch_faults(sweep: Sweep) -> Iterator[Fault]:
    given, limit = sweep.recipe.batch_size, sweep.data.trained
    if given > limit:
        yield Fault(
            "range",
            f"batch_size {given} is larger than the training set of {limit} images",
            "recipe.batch_size",
            f"use at most {limit}",
        )


def _select_faults(sweep: Sweep) -> Iterator[Fault]:
    if sweep.recipe.select == "best" and not sweep.data.validation:
        yield Fault(
            "conflict",
            "select: best goes by images that are set aside, and there are none",
            "recipe.select",
            f"write data: {{kind: {sweep.data.kind}, validation: N}}, with the number of images",
        )


def _search_faults(sweep: Sweep) -> Iterator[Fault]:
    search = sweep.search
    if search is None:
        return
    if not sweep.data.validation:
        yield Fault(
            "conflict",
            "a search goes by images that are set aside, and there are none",
            "search",
            f"write data: {{kind: {sweep.data.kind}, validation: N}}, with the number of images",
        )
    for name in ("population", "batch"):
        size = getattr(search, name)
        if search.method == "evolution" and size >= search.n:
            message = f"with {name} {size} all {search.n} networks are drawn, and none evolves"
            help_ = f"use a larger n, a smaller {name}, or method: random"
            yield Fault("conflict", message, f"search.{name}", help_)


def _seed_faults(sweep: Sweep) -> Iterator[Fault]:
    twice = [seed for seed, count in Counter(sweep.seeds).items() if count > 1]
    if twice:
        yield Fault("sweep", f"seed {twice[0]} stands twice", "seeds", "name each seed once")


def _count_faults(sweep: Sweep, groups: dict[str, Any]) -> Iterator[Fault]:
    design = sweep.design or "grid"
    sizes = [len(labels) for labels in groups.values()]
    arms, seeds = max(fewest(design, sizes), sweep.most_networks), len(sweep.seeds)
    under = "axes" if sweep.arms is None else "arms"
    pairs = count_pairs(sizes) if design == "pairwise" else 0
    if pairs <= MAX_PAIRS and arms <= MAX_ARMS:
        arms = max(len(choices(design, sizes)), sweep.most_networks)
    if arms * seeds > MAX_TRIALS:
        yield Fault(
            "range",
            f"{arms:,} arms of {seeds:,} seeds are {arms * seeds:,} trials,"
            f" over the limit of {MAX_TRIALS:,}",
            under,
            "leave out labels or seeds",
        )
    elif arms > MAX_ARMS:
        yield Fault(
            "range",
            f"{arms:,} arms, over the limit of {MAX_ARMS:,}",
            under,
            "leave out labels, or make several sweeps",
        )
    elif pairs > MAX_PAIRS:
        yield Fault(
            "range",
            f"{pairs:,} pairs of labels, over the limit of {MAX_PAIRS:,}",
            under,
            "leave out axes or labels",
        )
