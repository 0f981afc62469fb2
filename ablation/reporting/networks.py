"""Networks of a sweep for the report: pictures, and differences from the first network."""

from __future__ import annotations

from dataclasses import dataclass

from ...reading.diff import diff
from ...specs.network import ResNetSpec
from ...text.inline import in_words
from ..recipe_paths import changes_text
from ..results.records import Records

#: Most networks with a picture; nobody reads a page of hundreds of pictures.
MAX_PICTURED = 24
_MAX_CHANGES = 12


@dataclass(frozen=True, slots=True)
class Network:
    """One network of a sweep.

    ``svg`` is its picture, escaped for a page, with marks where it differs from the first network.
    """

    arms: tuple[str, ...]
    """Names of all arms with this network."""
    digest: str
    changes: tuple[str, ...]
    """Differences from the first network and from the sweep's recipe, one line for each place."""
    svg: str


def networks(records: Records) -> list[Network]:
    """The first :data:`MAX_PICTURED` networks of a sweep, each once."""
    named: dict[str, list[str]] = {}
    recipes: dict[str, str] = {}
    for arm in records.arms:
        named.setdefault(arm.digest, []).append(arm.name)
        recipes[arm.digest] = changes_text(records.recipe_changes(arm))
    plans = list(records.plans.items())[:MAX_PICTURED]
    if not plans:
        return []
    first = plans[0][1]
    return [
        Network(
            tuple(named[digest]),
            digest.partition("+")[0],
            (*_changes(first.spec, plan.spec), *filter(None, [recipes[digest]])),
            plan.to_svg(first),
        )
        for digest, plan in plans
    ]


def _changes(first: ResNetSpec, spec: ResNetSpec) -> tuple[str, ...]:
    lines = [
        f"{change.path}: {in_words(change.before)} -> {in_words(change.after)}"
        for change in diff(first, spec)
        if change.path != "name"
    ]
    more = len(lines) - _MAX_CHANGES
    return (*lines[:_MAX_CHANGES], f"{more} more") if more > 0 else tuple(lines)
