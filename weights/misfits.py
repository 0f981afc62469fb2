"""Faults for tensors that do not fit, grouped by kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import Fault
from ..specs.paths import nearest
from ..specs.trace import Shape
from .errors import WeightsError
from .layouts import LAYOUTS, recognise

SHOWN = 10
#: Number of names that a misspelt one is compared with; a hostile file can have very many.
_COMPARED = 1_000
#: A block's name: up to its second number.
_GROUP = re.compile(r".*?\d+\D+?\d+(?=\.)")


class Misfit(NamedTuple):
    """A tensor of the model that the file cannot fill as requested."""

    name: str
    kind: Literal["missing", "shape", "type", "head"]
    source: str | None
    """Its name in the file, or None if the file lacks it."""
    text: str
    shape: Shape = ()


def faults_of(
    path: Path,
    misfits: Sequence[Misfit],
    unexpected: Sequence[str],
    table: Mapping[str, str | None],
) -> list[Fault]:
    """One fault for each kind of misfit; none where everything fits."""
    of = {kind: [m for m in misfits if m.kind == kind] for kind in ("missing", "shape", "type")}
    heads = [misfit for misfit in misfits if misfit.kind == "head"]
    faults: list[tuple[str, str, str]] = []
    if of["type"]:
        faults.append(("type", _texts(of["type"]), "convert them to float32 where they are made"))
    if heads:
        faults.append(
            (
                "head",
                f"the head does not fit: {_texts(heads)}",
                "keep the fresh head with head='fresh' (--head fresh), or name the classes to "
                "keep, one row each (--head 0,217,482)",
            )
        )
    if of["shape"]:
        help_ = "load it into its own spec, or take what fits with partial=True (--partial)"
        faults.append(("shape", _texts(of["shape"]), help_))
    if of["missing"]:
        message = f"the file lacks {grouped(misfit.name for misfit in of['missing'])}"
        faults.append(("missing", message, _near(of["missing"], unexpected, table)))
    if unexpected:
        message = f"the model has no place for {grouped(unexpected)}"
        faults.append(("unexpected", message, "take what fits with partial=True (--partial)"))
    return [Fault(code, text, help=help_, file=str(path)) for code, text, help_ in faults]


def grouped(names: Iterable[str]) -> str:
    """Names grouped by block, ten of them shown.

    >>> grouped(["fc.bias", "layer1.0.conv1.weight", "layer1.0.bn1.weight"])
    '3 tensors: fc.bias, layer1.0 (2)'
    """
    names = list(names)
    of_block = {name: match[0] if (match := _GROUP.match(name)) else name for name in names}
    groups = Counter(of_block.values())
    shown = [
        f"{group} ({count})" if count > 1 else group
        for group, count in list(groups.items())[:SHOWN]
    ]
    if len(groups) > SHOWN:
        shown.append(f"and {len(groups) - SHOWN} more")
    total = groups.total()
    return f"{total:,} tensor{'s' if total != 1 else ''}: {', '.join(shown)}"


def shape_text(shape: Shape) -> str:
    """A shape for messages.

    >>> shape_text((64, 3, 7, 7)), shape_text(())
    ('64x3x7x7', 'one number')
    """
    return "x".join(map(str, shape)) if shape else "one number"


def refuse_unknown_names(
    path: Path, names: Collection[str], targets: Collection[str], known: int
) -> None:
    """Refuse a file whose names are mostly unknown.

    Raises :class:`WeightsError` where another prefix would make more names known, and where none is
    known at all.
    """
    first = next(iter(names), "")
    prefix, best = "", known
    for end in (match.end() for match in re.finditer(r"\.", first)):
        candidate = first[:end]
        short = [name.removeprefix(candidate) for name in names if name.startswith(candidate)]
        found = recognise(short, targets).known if 2 * len(short) > len(names) else 0
        if found > best:
            prefix, best = candidate, found
    if prefix:
        text = f"its names begin with {prefix!r}, as a wrapper around the network leaves them"
        help_ = f"pass strip={prefix!r} (--strip {prefix})"
        raise WeightsError(Fault("prefix", text, help=help_, file=str(path)))
    if not known:
        text = f"it has no name that a residual network has; its first is {first!r}"
        help_ = f"known are the names of {', '.join(LAYOUTS)}"
        raise WeightsError(Fault("names", text, help=help_, file=str(path)))


def _texts(misfits: Sequence[Misfit]) -> str:
    texts = [*dict.fromkeys(misfit.text for misfit in misfits)]
    shown = texts[:SHOWN]
    if len(texts) > SHOWN:
        shown.append(f"and {len(texts) - SHOWN} more")
    return "; ".join(shown)


def _near(
    missing: Sequence[Misfit], unexpected: Sequence[str], table: Mapping[str, str | None]
) -> str:
    help_ = "take what fits with partial=True (--partial)"
    for misfit in missing[:SHOWN]:
        wanted = table[misfit.name] or misfit.name
        if near := nearest(wanted, list(unexpected[:_COMPARED])):
            return f"is {near!r} meant for {wanted!r}? Otherwise {help_}"
    return help_
