"""The names of matthias-wright/cifar10-resnet: ``conv.7.conv_res1``, a row but for the last."""

from __future__ import annotations

from ..naming import Form, Rule

WORDS = "those of cifar10-resnet"


def _row() -> tuple[Rule, ...]:
    places = (("stem", 1, 0), ("stem", 2, 3), ("before2", 1, 8), ("before2", 2, 12))
    chains = tuple(
        (f"{chain}.{kind}{number}", f"conv.{place + after}")
        for chain, number, place in places
        for after, kind in enumerate(("conv", "norm"))
    )
    blocks = tuple(
        (f"layer{stage}.0.{ours}{{n}}", f"conv.{place}.conv_res{{n}}{theirs}")
        for stage, place in ((1, 7), (2, 16))
        for ours, theirs in (("conv", ""), ("bn", "_bn"))
    )
    return (*chains, *blocks, ("head.linear1", "fc"))


FORMS = (Form(_row()),)
