"""The ``search`` of a sweep file: how a space is searched, and when trials are stopped early."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from ...generation import RandomSearch, Space
from ...generation.random_search import Method
from ...generation.search import make_search
from ...specs.base import Spec
from ...training.recipe import Recipe
from ..results.objectives import Objective
from .sample import MAX_SAMPLE, SampleSpec

_Size = Annotated[int, Field(ge=1, le=MAX_SAMPLE)]


class StopSpec(Spec):
    """Successive halving: of the networks that reach a rung, one in ``eta`` is trained further.

    Jamieson and Talwalkar 2016, Non-stochastic Best Arm Identification and Hyperparameter
    Optimization (arXiv 1502.07943); Li et al. 2018, A System for Massively Parallel Hyperparameter
    Tuning (arXiv 1810.05934). Rungs are the first evaluations after ``first`` steps, ``eta`` times
    as many, and so on.

    >>> StopSpec(first=20).rungs(Recipe(steps=120, evaluations=6))
    (20, 60)
    """

    first: Annotated[int, Field(ge=1)]
    """Steps before the first rung."""
    eta: Annotated[int, Field(ge=2, le=100)] = 3
    """One network in `eta` goes on from each rung, for `eta` times as many steps."""

    def rungs(self, recipe: Recipe) -> tuple[int, ...]:
        """Steps after which networks are stopped: evaluations of ``recipe`` before the last."""
        steps, aim = [], self.first
        for evaluated in sorted(recipe.evaluation_steps() - {recipe.steps}):
            if evaluated >= aim:
                steps.append(evaluated)
                while aim <= evaluated:
                    aim *= self.eta
        return tuple(steps)


class Descent(Spec):
    """How a network of a search was made."""

    move: str = ""
    """Name of the change; empty for a network that was drawn."""
    parents: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Arms that it was made from."""


class SearchSpec(SampleSpec):
    """``n`` networks of a space, in batches; the results of a batch decide the next.

    ``method``, ``population`` and ``tournament`` are those of
    :func:`~resforge.generation.search`. All seeds of a batch are trained before the next batch is
    asked for, so that the networks do not depend on timing.

    >>> SearchSpec(space="cifar_resnets", n=60).batch
    10
    >>> SearchSpec(space="cifar_resnets", n=60, objective=["error", "macs"]).method
    'nsga2'
    """

    objective: Annotated[
        tuple[Objective, ...],
        Field(strict=False, min_length=1),
        BeforeValidator(
            lambda value: (value,) if isinstance(value, str) else value,
            json_schema_input_type=Objective | tuple[Objective, ...],
        ),
    ] = ("error",)
    """What is to be low: the validation error, alone or with costs."""
    method: Method = "evolution"
    """By default ``nsga2`` where there are several objectives."""
    population: _Size = 20
    """Number of networks that are kept as parents."""
    tournament: _Size = 5
    """By default 2 with ``nsga2``."""
    batch: _Size = 10
    """Number of networks that are proposed and trained together."""
    stop: StopSpec | None = None
    """Stops networks before the last step that are not among the best."""
    lineage: SkipJsonSchema[dict[str, Descent]] = Field(default_factory=dict)
    """How each network was made, by the name of its arm. A run writes it."""

    @model_validator(mode="before")
    @classmethod
    def _default_method(cls, tree: Any) -> Any:
        if not isinstance(tree, dict):
            return tree
        objective = tree.get("objective")
        if isinstance(objective, list | tuple) and len(objective) > 1:
            tree = {"method": "nsga2", **tree}
        return {"tournament": 2, **tree} if tree.get("method") == "nsga2" else tree

    @model_validator(mode="after")
    def _check_objectives(self) -> SearchSpec:
        objective, listed = self.objective, ", ".join(self.objective)
        message = help_ = ""
        if "error" not in objective:
            message = f"a search trains its networks, and {listed} alone needs no training"
            help_ = f"write objective: [error, {listed}]"
        elif len({*objective}) < len(objective):
            message, help_ = f"{listed} names an objective twice", "name each once"
        elif len(objective) > 1 and self.method == "evolution":
            message = f"evolution has one objective, and {listed} are {len(objective)}"
            help_ = "use method: nsga2, or objective: error"
        if message:
            context = {"message": message, "help": help_, "under": ("objective",)}
            raise PydanticCustomError("search", "{message}", context)
        return self

    @property
    def first_batch(self) -> int:
        return self.batch

    def searcher(self, space: Space) -> RandomSearch:
        """Search algorithm, with the methods ``ask`` and ``tell``."""
        settings = (self.method, self.seed, self.population, self.tournament)
        return make_search(space, *settings, self.guided, self.tries)
