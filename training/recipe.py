"""A training recipe: everything that decides a run except network, data and seed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from ..errors import ResforgeError, SpecError
from ..specs.base import Spec, expand_kind
from ..specs.explain import shown
from ..specs.merge import merge
from . import recipes
from .optimizer import OptimizerSpec, SgdSpec
from .schedule import CosineSchedule, ScheduleSpec
from .warmup import MAX_STEPS, LinearWarmup, WarmupSpec, expand_warmup

_LONG = {"optimizer": expand_kind, "schedule": expand_kind, "warmup": expand_warmup}
Precision = Literal["float32", "bfloat16", "float16"]


def _tree_of(name: Any) -> dict[str, Any]:
    """A recipe's tree; a name that is none is told as a fault of the file."""
    if not isinstance(name, str):
        message = f"expected a recipe's name, not {shown(name)}"
        raise _wrong_base(message, f"write {recipes.list_recipes()[1]}")
    try:
        return recipes.tree(name)
    except SpecError as error:
        raise _wrong_base(error.message, error.help or "") from None


def _wrong_base(message: str, mend: str) -> PydanticCustomError:
    context = {"message": message, "help": mend, "under": ("base",)}
    return PydanticCustomError("recipe", "{message}", context)


def _allow_base(schema: dict[str, Any]) -> None:
    """Add the key ``base``, which is settled before a recipe is validated."""
    told = "A recipe to start from; the keys given replace its."
    base = {"enum": [*recipes.list_recipes()], "description": told}
    schema["properties"] = {"base": base, **schema["properties"]}


class Recipe(Spec):
    """How a network is trained; frozen, so that every arm of a sweep gets the same.

    >>> recipe = Recipe(steps=100, schedule="constant", warmup=4)
    >>> [recipe.learning_rate(step) for step in (0, 1, 3, 99)]
    [0.025, 0.05, 0.1, 0.1]
    """

    model_config = ConfigDict(json_schema_extra=_allow_base)

    optimizer: OptimizerSpec = SgdSpec()
    schedule: ScheduleSpec = CosineSchedule()
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] = 120
    """Optimiser steps, one batch each."""
    batch_size: Annotated[int, Field(ge=2, le=65_536)] = 128
    """Images in a batch; at least two, since batch norm needs them."""
    warmup: WarmupSpec = LinearWarmup()
    """How the learning rate comes to what the schedule says; a number is a linear one's steps."""
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of the target spread evenly over all classes (Szegedy et al. 2016)."""
    evaluations: Annotated[int, Field(ge=1, le=1000)] = 6
    """How often the test error is looked at, evenly over the run, the last step among them."""
    select: Literal["last", "best"] = "last"
    """Which of these steps is tested: ``best`` is the first with the lowest error on the images
    that the data sets aside. Test images have no say."""
    precision: Precision = "float32"
    """Of the forward pass; weights and test errors are float32 in any. float16 needs CUDA."""
    channels_last: bool = False
    """Whether images and weights lie in memory channel by channel or pixel by pixel: the same
    sums, in an order that may be faster and round otherwise."""

    @model_validator(mode="before")
    @classmethod
    def _from_base(cls, tree: Any) -> Any:
        """The recipe of that name with the other keys laid over it: mappings merge, as in specs."""
        if not isinstance(tree, dict) or "base" not in tree:
            return tree
        base = cls(**_tree_of(tree["base"])).model_dump(mode="json")
        changes = {key: value for key, value in tree.items() if key != "base"}
        return merge(base, changes, _LONG)

    @classmethod
    def named(cls, name: str, **changes: Any) -> Recipe:
        """The recipe of a name, with changes: ``base`` and the other keys of a file.

        Raises :class:`~resforge.SpecError` with the nearest name where there is none.

        >>> Recipe.named("he2015_cifar", steps=1000).batch_size
        128
        """
        recipes.tree(name)
        return cls.model_validate({"base": name, **changes})

    @model_validator(mode="after")
    def _warmup_fits(self) -> Recipe:
        steps = self.warmup.steps if isinstance(self.warmup, LinearWarmup) else 0
        if steps >= self.steps:
            raise PydanticCustomError(
                "recipe",
                "a warm-up of {given} steps does not end before step {steps}, the last",
                {"given": steps, "steps": self.steps, "help": f"use at most {self.steps - 1}"},
            )
        return self

    def learning_rate(self, step: int, warm: bool = True) -> float:
        """The learning rate of a step, counted from 0; ``warm``: whether a warm-up that waits for
        the training error is over."""
        peak = self.optimizer.lr * self.schedule.factor(step / self.steps)
        return peak * self.warmup.scale(step, warm)

    def check_device(self, kind: str) -> None:
        """Raise :class:`~resforge.ResforgeError` where training cannot be on a ``cpu`` or ``cuda``
        device."""
        if self.precision == "float16" and kind != "cuda":
            raise ResforgeError(
                f"precision float16 needs a CUDA device, and this training is on {kind}: use"
                " precision bfloat16, or a machine with such a device"
            )

    def evaluation_steps(self) -> frozenset[int]:
        """The numbers of steps done when the test error is looked at.

        >>> sorted(Recipe(steps=100, evaluations=4).evaluation_steps())
        [25, 50, 75, 100]
        """
        times = min(self.evaluations, self.steps)
        return frozenset(self.steps * (i + 1) // times for i in range(times))

    def identity(self) -> dict[str, Any]:
        """What decides a run's numbers, in plain values; trials are keyed by it.

        What the language learned later counts only where it is used, so that results recorded
        before then stand.
        """
        tree = self.model_dump(mode="json")
        warmup = tree.pop("warmup")
        tree["warmup_steps"] = warmup["steps"] if warmup["kind"] == "linear" else warmup
        for name in ("precision", "channels_last", "select"):
            if tree[name] == type(self).model_fields[name].default:
                del tree[name]
        return tree


#: As a file says it: a name is short for ``{base: name}``.
RecipeSpec = Annotated[
    Recipe,
    BeforeValidator(
        lambda value: {"base": value} if isinstance(value, str) else value,
        json_schema_input_type=Recipe
        | Annotated[str, WithJsonSchema({"enum": [*recipes.list_recipes()]})],
    ),
]
