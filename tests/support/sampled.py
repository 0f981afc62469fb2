"""A part of the catalogue, for tests that do more with a network than plan it."""

from __future__ import annotations

import resforge as rf
from resforge.specs.catalogue import entry


def of_each_family() -> list[str]:
    """The first network of each family from each source, in natural order.

    Those that come first are the shallowest, so each is soon built, drawn or exported.
    """
    found: dict[tuple[str, str], str] = {}
    for name in rf.list_specs():
        found.setdefault((entry(name).family, entry(name).source), name)
    return sorted(found.values(), key=rf.list_specs().index)


SAMPLE = of_each_family()
