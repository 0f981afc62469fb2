"""The sweep file: its fields, and reading it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from ...errors import SpecError, wrong_type
from ...reading.load import validate
from ...reading.start import Base
from ...specs.base import Spec, Version
from ...specs.plain import is_whole
from ...specs.schema import around_spec, named
from ...text.document import Document
from ...text.inline import in_words
from ...text.reader import read_file
from ...training.data import DataSpec
from ...training.data.digits import DigitsSpec
from ...training.recipe import Recipe, RecipeSpec
from ..comparing.looks import MAX_LOOKS, look_schedule
from ..declared import Comparisons
from ..published import MAX_TABLES, PublishedTable
from .design import Design
from .match import MatchSpec
from .sample import DRAWN, SampleSpec, beside, with_drawn_arms
from .searching import SearchSpec

MAX_ARMS = 1_000
MAX_TRIALS = 100_000
MAX_SEED = 2**63 - 1
MAX_BUDGET_TRIALS = 1_000_000_000

#: Changes of a spec, as paths and values: ``{"stages[*].shortcut": "zero_pad"}``.
Changes = dict[str, Any]


_Count = Annotated[int, Field(ge=1, le=MAX_TRIALS)]


def _seed_list(value: Any) -> Any:
    """Expand a count: ``3`` is short for ``[0, 1, 2]``, and ``{first: 3, most: 12}`` begins so."""
    if isinstance(value, Mapping):
        if _looks_of(value):
            return tuple(range(int(value["first"])))
        raise PydanticCustomError(
            "seeds",
            "{given} are no seeds",
            {
                "given": in_words(dict(value)),
                "help": "write {first: 3, most: 12}: the number of seeds that are trained first,"
                f" and the largest number, at most {MAX_TRIALS}",
            },
        )
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= MAX_TRIALS:
            raise PydanticCustomError(
                "seeds",
                "{given} seeds are out of range",
                {"given": value, "limit": MAX_TRIALS, "help": f"use 1 to {MAX_TRIALS}"},
            )
        return tuple(range(value))
    return value


def _looks_of(seeds: Any) -> tuple[int, ...]:
    """Looks of ``{first: 3, most: 12}``; empty for anything else."""
    if not isinstance(seeds, Mapping) or seeds.keys() != {"first", "most"}:
        return ()
    first, most = seeds["first"], seeds["most"]
    if not is_whole(first) or not is_whole(most):
        return ()
    first, most = int(first), int(most)
    return look_schedule(first, most) if 1 <= first <= most <= MAX_TRIALS else ()


class GrowingSeeds(Spec):
    """Seeds that are added until each comparison is settled."""

    first: _Count
    """Number of seeds of the first look."""
    most: _Count
    """Number of seeds of the last look."""


Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Seeds = Annotated[
    tuple[Seed, ...],
    Field(strict=False, min_length=1),
    BeforeValidator(_seed_list, json_schema_input_type=_Count | tuple[Seed, ...] | GrowingSeeds),
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
    """Seeds of weights, batches and dropout: a list, a count, or ``{first: 3, most: 12}``."""
    looks: Annotated[tuple[_Count, ...], Field(strict=False, max_length=MAX_LOOKS)] = ()
    """Numbers of seeds at which the comparisons are judged, until each is settled; ``seeds: {first:
    3, most: 12}`` sets them. Empty where a sweep is judged once, with all its seeds."""
    data: DataSpec = DigitsSpec()
    """Data that every network is trained and tested on."""
    recipe: RecipeSpec = Recipe()
    """How every network is trained: the name of a recipe, or its fields."""
    timeout: Annotated[float, Field(gt=0.0, le=1e7)] = 600.0
    """Seconds after which a trial is stopped and recorded as timed out."""
    diverged: Literal["guess", "drop"] = "guess"
    """Whether a diverged seed counts as guessing in comparisons, or is left out. No trial depends
    on it."""
    threshold: Annotated[float, Field(gt=0.0, lt=100.0)] | None = None
    """Test error in percent: the table shows after how many steps each arm first reached it. No
    trial depends on it."""
    published: Annotated[
        tuple[PublishedTable, ...], Field(strict=False, max_length=MAX_TABLES)
    ] = ()
    """Published results for some of the arms; no trial depends on them."""
    comparisons: Comparisons | None = None
    """Pairs of arms to compare; by default each label of each axis with the axis's first. No trial
    depends on them."""

    @model_validator(mode="before")
    @classmethod
    def _schedule_looks(cls, tree: Any) -> Any:
        looks = _looks_of(tree.get("seeds")) if isinstance(tree, dict) else ()
        return {**tree, "looks": looks} if looks and not tree.get("looks") else tree

    @model_validator(mode="before")
    @classmethod
    def _draw_arms(cls, tree: Any) -> Any:
        if not isinstance(tree, dict) or all(tree.get(key) is None for key in DRAWN):
            return tree
        # A sweep dumped by model_dump has its base and arms already.
        if tree.get("base") and tree.get("arms"):
            return tree
        return with_drawn_arms(tree, {"sample": SampleSpec, "search": SearchSpec})

    @model_validator(mode="after")
    def _take_batch(self) -> Sweep:
        self.fit_batch()
        return self

    def fit_batch(self) -> None:
        """Take the batch size that suits the data, unless the recipe says one."""
        with suppress(SpecError):  # of data that cannot be read, which are refused later
            self.__dict__["recipe"] = self.recipe.with_batch(batch_for(self.data))

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """JSON Schema of sweep files (draft 7), with the schema of a spec for ``base``.

        The changes of a label are not described, since they depend on the base.
        """
        schema = around_spec(super().model_json_schema(*args, **options))
        schema["required"].remove("base")  # a design space has its own base
        either = [{"required": ["base", "axes"]}, {"required": ["base", "arms"]}]
        either += [{"required": [key]} for key in DRAWN]
        said = "Networks that are trained and compared: a base, and what each arm changes."
        return named({**schema, "anyOf": either}, "sweep", said)

    _document: Document | None = PrivateAttr(default=None)

    @property
    def most_networks(self) -> int:
        """Number of networks of a complete search; 0 for other sweeps."""
        return self.search.n if self.search else 0

    @property
    def most_seeds(self) -> int:
        """Number of seeds after the last look; that of the sweep without looks."""
        return max(len(self.seeds), *self.looks, 0)

    @property
    def planned_seeds(self) -> str:
        """The seeds, or the looks, in words.

        >>> arms = {"a": {}}
        >>> Sweep(sweep=1, base="digits_resnet8", arms=arms, seeds=[0, 1, 2, 7]).planned_seeds
        '0-2, 7'
        """
        if self.looks:
            return f"looks at {', '.join(map(str, self.looks))}"
        runs: list[list[int]] = []
        for seed in sorted(self.seeds):
            if runs and seed == runs[-1][-1] + 1:
                runs[-1][1:] = [seed]
            else:
                runs.append([seed])
        return ", ".join("-".join(map(str, run)) for run in runs)

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
    document = read_file(path, "sweep")
    document.tree = beside(document.tree, path.parent)
    sweep = validate(Sweep, document)
    sweep = sweep.model_copy(update={"data": sweep.data.beside(path.parent)})
    sweep.fit_batch()
    sweep._document = document
    return sweep


def batch_for(data: DataSpec) -> int:
    """Images in a batch where the recipe says none: the data's default, or at most a quarter of the
    training images where these are fewer.

    Raises :class:`~resforge.SpecError` for data that cannot be read.
    """
    if data.default_batch <= data.trained:
        return data.default_batch
    return max(2, (1 << (data.trained // 4).bit_length()) // 2)  # a power of two


def check_sweep(call: str, given: object) -> None:
    """Raise :class:`~resforge.SpecError` if the argument of a public function is not a sweep."""
    if not isinstance(given, Sweep):
        raise wrong_type(call, "a Sweep", given, "read a sweep file with load_sweep")
