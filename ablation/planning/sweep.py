"""The sweep file: which networks are compared, on what, how often."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from ...errors import wrong_type
from ...reading.load import validate
from ...reading.start import Base
from ...specs.base import Spec, Version
from ...specs.schema import around_spec
from ...text.document import Document
from ...text.reader import read_file
from ...training.data import DataSpec
from ...training.data.digits import DigitsSpec
from ...training.recipe import Recipe, RecipeSpec
from .budget import Budget
from .declared import Comparisons
from .design import Design
from .match import MatchSpec
from .published import MAX_TABLES, PublishedTable
from .sample import DRAWN, SampleSpec, SearchSpec, beside, with_drawn_arms

if TYPE_CHECKING:
    from .arms import Arm, Expansion

MAX_ARMS = 1_000
MAX_TRIALS = 100_000
MAX_SEED = 2**63 - 1

#: Spec paths and the values they are given: ``{"stages[*].shortcut": "zero_pad"}``.
Changes = dict[str, Any]


def _seed_list(value: Any) -> Any:
    """``3`` is short for ``[0, 1, 2]``; a count over the ceiling is left for the check to name."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= MAX_TRIALS:
            raise PydanticCustomError(
                "seeds",
                "{given} seeds are out of range",
                {"given": value, "limit": MAX_TRIALS, "help": f"use 1 to {MAX_TRIALS}"},
            )
        return tuple(range(value))
    return value


Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
_Count = Annotated[int, Field(ge=1, le=MAX_TRIALS)]
Seeds = Annotated[
    tuple[Seed, ...],
    Field(strict=False, min_length=1),
    BeforeValidator(_seed_list, json_schema_input_type=_Count | tuple[Seed, ...]),
]


class Sweep(Spec):
    """What a sweep file says. Either ``axes``, whose ``design`` makes the arms, or ``arms``, or a
    ``sample`` of a design space or a ``search`` in one.

    >>> sweep = Sweep(
    ...     sweep=1,
    ...     base="digits_resnet8",
    ...     axes={"shortcut": {"plain": {"shortcut": "none"}, "A": {"shortcut": "zero_pad"}}},
    ...     seeds=3,
    ... )
    >>> [arm.name for arm in sweep.expanded], sweep.seeds
    (['shortcut=plain', 'shortcut=A'], (0, 1, 2))
    """

    sweep: Version
    """Version of the language."""
    name: Annotated[str, Field(max_length=200)] = ""
    """A title for people."""
    base: Base
    """A catalogue name, or a spec written out: what every arm starts from."""
    axes: dict[str, dict[str, Changes]] | None = None
    """Axis, then label, then what the label changes."""
    design: Design | None = None
    """Which combinations of the axes' labels are arms; every one where it is left out."""
    arms: dict[str, Changes] | None = None
    """Label, then what this arm changes."""
    sample: SampleSpec | None = None
    """Instead of ``base`` and ``arms``: a design space, and how many of its networks are arms."""
    search: SearchSpec | None = None
    """Instead of them: a design space, and how networks of it are looked for, batch by batch."""
    match: MatchSpec | None = None
    """What every arm is scaled to have in common with the first."""
    budget: Budget | None = None
    """What all trials together may cost."""
    seeds: Seeds = (0, 1, 2)
    """Seeds of weights, batches and dropout: a list, or a count."""
    data: DataSpec = DigitsSpec()
    recipe: RecipeSpec = Recipe()
    timeout: Annotated[float, Field(gt=0.0, le=1e7)] = 600.0
    """Seconds after which a trial is stopped and recorded as timed out."""
    published: Annotated[
        tuple[PublishedTable, ...], Field(strict=False, max_length=MAX_TABLES)
    ] = ()
    """What papers print for some of the arms; decides no result and is no part of any."""
    comparisons: Comparisons | None = None
    """What is compared with what; by default each label of each axis with the axis's first. Decides
    no result and is no part of any."""

    @model_validator(mode="before")
    @classmethod
    def _draw_arms(cls, tree: Any) -> Any:
        if not isinstance(tree, dict) or all(tree.get(key) is None for key in DRAWN):
            return tree
        # A sweep that was written out by us has base and arms already.
        return tree if tree.get("base") and tree.get("arms") else with_drawn_arms(tree)

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """The JSON Schema of sweep files (draft 7), with that of a spec for ``base``. What a label
        changes it leaves free: that is a matter of the base."""
        schema = around_spec(super().model_json_schema(*args, **options))
        schema["required"].remove("base")  # a space has its own
        either = [{"required": ["base", "axes"]}, {"required": ["base", "arms"]}]
        either += [{"required": [key]} for key in DRAWN]
        return {**schema, "anyOf": either}

    _document: Document | None = PrivateAttr(default=None)

    def with_arms(self, arms: dict[str, Changes]) -> Sweep:
        """The same sweep with other arms, worked out anew."""
        found = self.model_copy(update={"arms": arms})
        found.__dict__.pop("expansion", None)
        return found

    @property
    def most_networks(self) -> int:
        """How many a search comes to in the end; 0 where nothing is searched."""
        return self.search.n if self.search else 0

    @property
    def document(self) -> Document:
        """The file this came from, or the bare tree: where faults are placed."""
        return self._document or Document(self.model_dump(mode="json"))

    @property
    def text(self) -> str:
        """The text of the file, as it was; empty for a sweep made in Python."""
        return self._document.text if self._document else ""

    @cached_property
    def expansion(self) -> Expansion:
        """The arms with their specs, and those that are illegal.

        Raises :class:`~resforge.SpecError` for what is wrong with the sweep itself.
        """
        from .arms import expand

        return expand(self)

    @property
    def expanded(self) -> tuple[Arm, ...]:
        """The arms with their specs. Raises :class:`~resforge.SpecError` for an illegal one."""
        if self.expansion.error is not None:
            raise self.expansion.error
        return self.expansion.arms


def load_sweep(path: str | os.PathLike[str]) -> Sweep:
    """The sweep a ``.yaml`` or ``.json`` file holds, its arms expanded and checked.

    A relative path in it starts at the file's folder.
    Raises :class:`~resforge.SpecError` with the place of every fault, an arm's among them.
    """
    sweep = read_sweep(path)
    _ = sweep.expanded
    return sweep


def read_sweep(path: str | os.PathLike[str]) -> Sweep:
    """Like :func:`load_sweep`, for those who can use a sweep with illegal arms."""
    path = Path(path)
    document = read_file(path)
    document.tree = beside(document.tree, path.parent)
    sweep = validate(Sweep, document)
    sweep = sweep.model_copy(update={"data": sweep.data.beside(path.parent)})
    sweep._document = document
    return sweep


def check_sweep(call: str, given: object) -> None:
    """Raise :class:`~resforge.SpecError` where a public function was handed no sweep."""
    if not isinstance(given, Sweep):
        raise wrong_type(call, "a Sweep", given, "read a sweep file with load_sweep")
