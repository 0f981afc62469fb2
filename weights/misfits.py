"""Faults for tensors that do not fit, grouped by kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import Fault
from ..specs.layer import Shape
from ..specs.paths import nearest
from .errors import shortened

SHOWN = 10
#: Number of names that a misspelt one is compared with; a hostile file can have very many.
_COMPARED = 1_000
#: A block's name: up to its second number.
_GROUP = re.compile(r"\D*+\d++\D++\d++(?=\.)")
#: What a message recommends for a file with less than the model, and for one with more.
ALLOW_MISSING = (
    "keep what it lacks as built with allow_missing, the fraction of the tensors that it must fill "
    "(--allow-missing 0.8)"
)
OWN_NAMES = "rf.infer_spec(module).certificate.names renames a state dict of a module of your own"
ALLOW_EXTRA = "leave them out with allow_extra=True (--allow-extra)"


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
        help_ = f"load it into its own spec, or {ALLOW_MISSING}"
        faults.append(("shape", _texts(of["shape"]), help_))
    if of["missing"]:
        message = f"the file lacks {grouped(misfit.name for misfit in of['missing'])}"
        help_ = _near(of["missing"], unexpected, table)
        # With more beside, they may be the same tensors under other names.
        faults.append(("missing", message, f"{help_}; {OWN_NAMES}" if unexpected else help_))
    if unexpected:
        message = f"the model has no place for {grouped(unexpected)}"
        faults.append(("unexpected", message, ALLOW_EXTRA))
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
        shortened(group) + (f" ({count})" if count > 1 else "")
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
    return shortened("x".join(map(str, shape))) if shape else "one number"


def _texts(misfits: Sequence[Misfit]) -> str:
    texts = [*dict.fromkeys(misfit.text for misfit in misfits)]
    shown = texts[:SHOWN]
    if len(texts) > SHOWN:
        shown.append(f"and {len(texts) - SHOWN} more")
    return "; ".join(shown)


def _near(
    missing: Sequence[Misfit], unexpected: Sequence[str], table: Mapping[str, str | None]
) -> str:
    for misfit in missing[:SHOWN]:
        wanted = table[misfit.name] or misfit.name
        if near := nearest(wanted, list(unexpected[:_COMPARED])):
            return f"is {near!r} meant for {wanted!r}? Otherwise {ALLOW_MISSING}"
    return ALLOW_MISSING
