"""The kinds that a strategy is asked for: in every network, and alone in their family."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..errors import Fault, SpecError, wrong_type
from ..specs import ACTIVATIONS, BLOCKS, HEADS, OPERATIONS, SHORTCUTS, STEMS, Operation, ResNetSpec
from ..specs.attention import attention_kinds
from ..specs.by_axis import parts_of
from ..specs.near import near_kinds
from ..specs.paths import nearest
from ..specs.resolve import runs_of
from ..specs.shortcuts import WrapperSpec

NORMS = ("batch", "group", "evonorm_b0", "evonorm_s0", "filter_response", "none")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The kinds of each family that are drawn; all of them where none is named.

    >>> Wanted.of({"block": ["bottleneck"]}).block
    ('bottleneck',)
    """

    stem: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    match: tuple[str, ...] = ()
    change: tuple[str, ...] = ()
    norm: tuple[str, ...] = ()
    activation: tuple[str, ...] = ()
    attention: tuple[str, ...] = ()
    operation: tuple[str, ...] = ()
    head: tuple[str, ...] = ()

    @classmethod
    def of(cls, kinds: Mapping[str, Iterable[str]] | None) -> Wanted:
        """From what a user writes. Raises :class:`SpecError` for a family or a kind that is not."""
        if kinds is None:
            return ANY
        if not isinstance(kinds, Mapping):
            raise wrong_type("kinds", "a mapping of families to kinds", kinds)
        named = {family: _named(family, kinds[family]) for family in kinds}
        # Asked for wherever it is legal.
        for kind in named.pop("shortcut", ()):
            for side in ("match", "change") if kind in _FAMILIES["change"]() else ("match",):
                named[side] = (*named.get(side, ()), kind)
        return cls(**named)

    @property
    def without_shortcut(self) -> bool:
        """Whether blocks without a shortcut may be all that there is."""
        return any(SHORTCUTS[kind].absent for kind in (*self.match, *self.change))

    def kept(self, family: str, kinds: Mapping[str, Any]) -> tuple[str, ...]:
        """The kinds of a family that are drawn, in the order of its registry."""
        asked = getattr(self, family)
        return tuple(kind for kind in kinds if kind in asked or not asked)

    def held_by(self, spec: ResNetSpec) -> bool:
        """Whether a network has one of the kinds of each family that is asked for, and, of blocks,
        no other."""
        if self is ANY or self == ANY:
            return True
        found = _kinds_in(spec)
        asked = {field.name: set(getattr(self, field.name)) for field in fields(self)}
        blocks = asked["block"]
        return all(not kinds or kinds & found[family] for family, kinds in asked.items()) and (
            not blocks or found["block"] <= blocks
        )


ANY = Wanted()


def _kinds_in(spec: ResNetSpec) -> dict[str, set[str]]:
    """The kinds that stand in a network, of each family."""
    blocks = [block for stage in runs_of(spec) for block, _ in stage]
    sides = {"match": set[str](), "change": set[str]()}
    for block in blocks:
        words = {part.kind for _, part in parts_of(block.shortcut) if isinstance(part, Operation)}
        sides["change" if block.shortcut_path[-1] == "change" else "match"] |= words
    parts = [part for _, part in parts_of(spec)]
    operations = {part.kind for part in parts if isinstance(part, Operation)}
    activation = spec.activation
    return {
        "stem": {spec.stem.kind},
        "block": {block.block.kind for block in blocks},
        **sides,
        "norm": {spec.norm.kind},
        "activation": {activation if isinstance(activation, str) else activation.kind},
        "attention": operations & set(attention_kinds()),
        "operation": operations,
        "head": set() if spec.head is None else {spec.head.kind},
    }


_FAMILIES: dict[str, Callable[[], Mapping[str, Any]]] = {
    "stem": lambda: STEMS,
    "block": lambda: BLOCKS,
    "shortcut": lambda: SHORTCUTS,
    "match": lambda: SHORTCUTS,
    "change": lambda: {
        kind: model
        for kind, model in SHORTCUTS.items()
        if issubclass(model, WrapperSpec) or not model(**model.samples[0]).why_illegal(1, 2, 2)
    },
    "norm": lambda: dict.fromkeys(NORMS),
    "activation": lambda: dict.fromkeys(ACTIVATIONS),
    "attention": attention_kinds,
    "operation": lambda: {
        kind: model
        for kind, model in OPERATIONS.items()
        if model(**model.samples[0]).map_size is None
    },
    "head": lambda: HEADS,
}


def _named(family: str, kinds: Any) -> tuple[str, ...]:
    if family not in _FAMILIES:
        allowed = ", ".join(_FAMILIES)
        message = f"{family!r} is not one of {allowed}"
        raise SpecError(Fault("value", message, "kinds", f"families of kinds are {allowed}"))
    known, path = _FAMILIES[family](), f"kinds.{family}"
    if isinstance(kinds, str) or not isinstance(kinds, Iterable):
        raise SpecError(Fault("type", f"expected a list of kinds, not {kinds!r}", path, "[basic]"))
    named = tuple(kinds)
    if not named:
        raise SpecError(Fault("range", "no kind is named", path, f"leave {family} out for all"))
    for kind in named:
        if kind not in known:
            message = f"{kind!r} is not one of {', '.join(known)}"
            close = next(iter(_near(kind, known)), None)
            raise SpecError(Fault("value", message, path, close and f"did you mean {close!r}?"))
    return named


def _near(kind: object, known: Mapping[str, Any]) -> list[str]:
    if all(hasattr(model, "synonyms") for model in known.values()):
        return near_kinds(kind, known)
    close = nearest(kind, list(known))
    return [] if close is None else [close]
