"""The numbers of ``nn.Sequential(*list(model.children()))``: ``0``, ``1``, ``4.0.conv1``; with or
without an ``nn.Flatten`` before the last layer.

They count the children of torchvision's networks, which are resforge's, and of timm's with a deep
stem. How many stand before the first stage depends on the stem and on its pool, and how many before
the last layer on what is put between: an ``nn.Flatten``, or dropout.
"""

from __future__ import annotations

from collections.abc import Callable

from ...planner.plan import Plan
from ..naming import Form, Rule

WORDS = "the numbers of children()"

_SHALLOW: tuple[Rule, ...] = (("conv1", "0"), ("bn1", "1"))
# Written out, since beyond these numbers are those of stages and of the last layer.
_DEEP: tuple[Rule, ...] = tuple(
    (f"{layer}{number}", str(3 * number - 3 + offset))
    for number in (1, 2, 3)
    for offset, layer in enumerate(("conv", "bn"))
)
_NESTED: tuple[Rule, ...] = (("bn3", "1"), ("conv{n}", "0.{3n-3}"), ("bn{n}", "0.{3n-2}"))

STEMS = ((_SHALLOW, 4), (_SHALLOW, 3), (_DEEP, 10), (_DEEP, 9), (_NESTED, 4), (_NESTED, 3))
"""Names in a stem, and the number of its children: with a pool, and without."""


def numbered(stem: tuple[Rule, ...], before: int, prefix: str = "") -> tuple[Rule, ...]:
    """The rules of a network without its head, whose stem has ``before`` children."""
    block = f"{{s+{before - 1}}}.{{b}}."
    body = (*stem, *((ours, block + tail) for ours, tail in _BODY))
    return tuple((ours, prefix + theirs) for ours, theirs in body)


_BODY: tuple[Rule, ...] = tuple(
    (f"layer{{s}}.{{b}}.{tail}", tail)
    for tail in ("conv{n}", "bn{n}", "downsample.{n}", "se.fc{n}", "se.conv")
)


def _counting(before: int, between: int) -> Callable[[Plan], bool]:
    def made_for(plan: Plan) -> bool:
        head = [module.name for module in plan.modules.head if module.name != "flatten"]
        return len(plan.modules.stem) == before and head[between : between + 1] in ([], ["fc"])

    return made_for


FORMS = tuple(
    Form(
        (*numbered(stem, before), ("fc", f"{{stages+{before + between}}}")),
        _counting(before, between),
    )
    for between in (1, 2)
    for stem, before in STEMS
)
