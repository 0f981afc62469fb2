"""Faults of a sweep as a whole, and of networks that do not fit its data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...errors import Fault, SpecError
from ...planner.plan import Plan, check_size
from ...text.inline import in_words
from ...training.recipe import batch_fault
from .design import MAX_PAIRS, choices, count_pairs, fewest
from .sample import conflicts
from .sweep import MAX_ARMS, MAX_TRIALS, Sweep

MAX_LABEL = 80


def sweep_faults(sweep: Sweep) -> list[Fault]:
    """Faults of a sweep before its arms are made, with paths relative to the sweep.

    The number of trials is computed without making the arms.
    """
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
    help_ = "write at least one, such as A: {shortcut: zero_pad}"
    if not groups:
        yield Fault("sweep", "there is no axis", "axes", help_)
    for axis, labels in groups.items():
        if not labels:
            yield Fault("sweep", "there is no label", under + axis, help_)


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
    fault = batch_fault(sweep.recipe.batch_size, sweep.data.trained, "recipe.batch_size")
    if fault:
        yield fault


def _select_faults(sweep: Sweep) -> Iterator[Fault]:
    if sweep.recipe.select == "best" and not sweep.data.validation:
        yield Fault(
            "conflict",
            "select: best needs validation images, and there are none",
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
            "a search needs validation images, and there are none",
            "search",
            f"write data: {{kind: {sweep.data.kind}, validation: N}}, with the number of images",
        )
    for name in ("population", "batch"):
        size = getattr(search, name)
        if search.method != "random" and size >= search.n:
            message = (
                f"with {name} {size} all {search.n} networks are drawn at random, and none evolves"
            )
            help_ = f"use a larger n, a smaller {name}, or method: random"
            yield Fault("conflict", message, f"search.{name}", help_)
    if search.stop is not None and not search.stop.rungs(sweep.recipe):
        steps = sorted(sweep.recipe.evaluation_steps())
        yield Fault(
            "conflict",
            f"no network is stopped: the recipe evaluates after {in_words(steps)} steps, and never"
            f" from step {search.stop.first} on before the last",
            "search.stop.first",
            "use a smaller number, or more evaluations in the recipe",
        )


def _seed_faults(sweep: Sweep) -> Iterator[Fault]:
    twice = [seed for seed, count in Counter(sweep.seeds).items() if count > 1]
    if twice:
        yield Fault("sweep", f"seed {twice[0]} is listed twice", "seeds", "list each seed once")
    looks, seeds = sweep.looks, sweep.seeds
    if looks and (seeds != tuple(range(len(seeds))) or len(seeds) not in looks):
        message = f"the looks {', '.join(map(str, looks))} do not begin with the seeds"
        help_ = f"write seeds: {{first: {looks[0]}, most: {looks[-1]}}} and no looks"
        yield Fault("conflict", message, "looks", help_)
    elif looks != tuple(sorted({*looks})):
        yield Fault("sweep", "looks must increase", "looks", "write seeds: {first: 3, most: 12}")
    elif looks and sweep.search is not None:
        message = "a search compares nothing, and has no looks"
        yield Fault("conflict", message, "seeds", "write the number of seeds")


def _count_faults(sweep: Sweep, groups: dict[str, Any]) -> Iterator[Fault]:
    design = sweep.design or "grid"
    sizes = [len(labels) for labels in groups.values()]
    arms, seeds = max(fewest(design, sizes), sweep.most_networks), sweep.most_seeds
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


def check_limits(network: Plan) -> None:
    """Raise :class:`~resforge.SpecError` for a network that :func:`resforge.build` would refuse."""
    try:
        check_size(network)
    except SpecError as error:
        # A sweep has no option that raises the limits, since its workers build with the defaults.
        help_ = "use a smaller network, or leave the arm out"
        raise SpecError(replace(fault, help=help_) for fault in error.faults) from None
