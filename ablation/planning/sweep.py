"""The sweep file: its fields, and reading it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

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
from ..declared import Comparisons
from ..published import MAX_TABLES, PublishedTable
from .design import Design
from .match import MatchSpec
from .sample import DRAWN, SampleSpec, SearchSpec, beside, with_drawn_arms

MAX_ARMS = 1_000
MAX_TRIALS = 100_000
MAX_SEED = 2**63 - 1
MAX_BUDGET_TRIALS = 1_000_000_000

#: Changes of a spec, as paths and values: ``{"stages[*].shortcut": "zero_pad"}``.
Changes = dict[str, Any]


def _seed_list(value: Any) -> Any:
    """Expand a count: ``3`` is short for ``[0, 1, 2]``."""
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


class Budget(Spec):
    """Limits of the cost of all trials of a sweep, recorded or not."""

    trials: Annotated[int, Field(ge=1, le=MAX_BUDGET_TRIALS)] | None = None
    """Number of networks times number of seeds."""
    macs: Annotated[float, Field(gt=0.0, le=1e30)] | None = None
    """Multiply-accumulates of training and testing, see ``trial_macs``."""

    @model_validator(mode="after")
    def _require_a_limit(self) -> Budget:
        if self.trials is None and self.macs is None:
            raise PydanticCustomError(
                "budget",
                "a budget has trials, macs or both",
                {"help": "write budget: {trials: 100}"},
            )
        return self


class Sweep(Spec):
    """Contents of a sweep file.

    The arms are given by ``axes`` and their ``design``, by ``arms``, by a ``sample`` of a design
    space or by a ``search`` in one.

    >>> sweep = Sweep(
    ...     sweep=1,
    ...     base="digits_resnet8",
    ...     axes={"shortcut": {"plain": {"shortcut": "none"}, "A": {"shortcut": "zero_pad"}}},
    ...     seeds=3,
    ... )
    >>> list(sweep.axes["shortcut"]), sweep.seeds
    (['plain', 'A'], (0, 1, 2))
    """

    sweep: Version
    """Version of the language."""
    name: Annotated[str, Field(max_length=200)] = ""
    """Title of the sweep."""
    base: Base
    """Spec that every arm starts from: a catalogue name, or a spec written out."""
    axes: dict[str, dict[str, Changes]] | None = None
    """For each axis and each of its labels, the changes of the base."""
    design: Design | None = None
    """Combinations of labels that are arms; by default all of them."""
    arms: dict[str, Changes] | None = None
    """For each arm, the changes of the base."""
    sample: SampleSpec | None = None
    """Instead of ``base`` and ``arms``: a design space, and how many of its networks are arms."""
    search: SearchSpec | None = None
    """Instead of ``base`` and ``arms``: a design space, and how it is searched, batch by batch."""
    match: MatchSpec | None = None
    """Cost of the first arm to which all others are scaled."""
    budget: Budget | None = None
    """Limits of the cost of all trials together."""
    seeds: Seeds = (0, 1, 2)
    """Seeds of weights, batches and dropout: a list, or a count."""
    data: DataSpec = DigitsSpec()
    recipe: RecipeSpec = Recipe()
    timeout: Annotated[float, Field(gt=0.0, le=1e7)] = 600.0
    """Seconds after which a trial is stopped and recorded as timed out."""
    published: Annotated[
        tuple[PublishedTable, ...], Field(strict=False, max_length=MAX_TABLES)
    ] = ()
    """Published results for some of the arms; no trial depends on them."""
    comparisons: Comparisons | None = None
    """Pairs of arms to compare; by default each label of each axis with the axis's first. No trial
    depends on them."""

    @model_validator(mode="before")
    @classmethod
    def _draw_arms(cls, tree: Any) -> Any:
        if not isinstance(tree, dict) or all(tree.get(key) is None for key in DRAWN):
            return tree
        # A sweep dumped by model_dump has its base and arms already.
        return tree if tree.get("base") and tree.get("arms") else with_drawn_arms(tree)

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """JSON Schema of sweep files (draft 7), with the schema of a spec for ``base``.

        The changes of a label are not described, since they depend on the base.
        """
        schema = around_spec(super().model_json_schema(*args, **options))
        schema["required"].remove("base")  # a design space has its own base
        either = [{"required": ["base", "axes"]}, {"required": ["base", "arms"]}]
        either += [{"required": [key]} for key in DRAWN]
        return {**schema, "anyOf": either}

    _document: Document | None = PrivateAttr(default=None)

    @property
    def most_networks(self) -> int:
        """Number of networks of a complete search; 0 for other sweeps."""
        return self.search.n if self.search else 0

    @property
    def document(self) -> Document:
        """Document in which faults are located: the file that was read, or the dumped fields."""
        return self._document or Document(self.model_dump(mode="json"))

    @property
    def text(self) -> str:
        """Text of the file that was read; empty for a sweep made in Python."""
        return self._document.text if self._document else ""


def read_sweep(path: str | os.PathLike[str]) -> Sweep:
    """Sweep of a ``.yaml`` or ``.json`` file, without making its arms, which may be illegal.

    A relative path in the file is relative to the folder of the file. Raises
    :class:`~resforge.SpecError` with the place of every fault.
    """
    path = Path(path)
    document = read_file(path)
    document.tree = beside(document.tree, path.parent)
    sweep = validate(Sweep, document)
    sweep = sweep.model_copy(update={"data": sweep.data.beside(path.parent)})
    sweep._document = document
    return sweep


def check_sweep(call: str, given: object) -> None:
    """Raise :class:`~resforge.SpecError` if the argument of a public function is not a sweep."""
    if not isinstance(given, Sweep):
        raise wrong_type(call, "a Sweep", given, "read a sweep file with load_sweep")
