"""Training recipes: every setting of a run except network, data and seed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from ..errors import Fault, ResforgeError, SpecError
from ..specs.base import Spec, expand_kind
from ..specs.explain import shown
from ..specs.merge import merge
from . import recipes
from .optimizer import OptimizerSpec, SgdSpec
from .schedule import CosineSchedule, ScheduleSpec
from .warmup import MAX_STEPS, LinearWarmup, WarmupSpec, expand_warmup

_LONG = {"optimizer": expand_kind, "schedule": expand_kind, "warmup": expand_warmup}
Precision = Literal["float32", "bfloat16", "float16"]
#: How networks were trained before a field of this name was added.
_FIRST = {
    "precision": "float32",
    "channels_last": False,
    "select": "last",
    "compile": False,
    "cuda_graphs": False,
}


def _tree_of(name: Any) -> dict[str, Any]:
    """Tree of a named recipe. Raises a validation error for an unknown name."""
    if not isinstance(name, str):
        message = f"expected the name of a recipe, not {shown(name)}"
        raise _wrong_base(message, f"write {recipes.list_recipes()[1]}")
    try:
        return recipes.tree(name)
    except SpecError as error:
        raise _wrong_base(error.message, error.help or "") from None


def _wrong_base(message: str, help: str) -> PydanticCustomError:
    context = {"message": message, "help": help, "under": ("base",)}
    return PydanticCustomError("recipe", "{message}", context)


def _allow_base(schema: dict[str, Any]) -> None:
    """Add the key ``base``, which is resolved before a recipe is validated."""
    description = "A recipe to start from; the other keys replace its own."
    base = {"enum": [*recipes.list_recipes()], "description": description}
    schema["properties"] = {"base": base, **schema["properties"]}


class Recipe(Spec):
    """Settings of the training of a network. Arms of a sweep have the same recipe,
    except for what an arm changes.

    >>> recipe = Recipe(steps=100, schedule="constant", warmup=4)
    >>> [recipe.learning_rate(step) for step in (0, 1, 3, 99)]
    [0.025, 0.05, 0.1, 0.1]
    """

    model_config = ConfigDict(json_schema_extra=_allow_base)

    optimizer: OptimizerSpec = SgdSpec()
    """The optimizer and its learning rate."""
    schedule: ScheduleSpec = CosineSchedule()
    """The learning rate over the run."""
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] = 120
    """Optimizer steps, one batch each."""
    batch_size: Annotated[int, Field(ge=2, le=65_536)] = 128
    """Images in a batch; batch norm needs at least two."""
    warmup: WarmupSpec = LinearWarmup()
    """Start of the schedule; a number is short for a linear warm-up of as many steps."""
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Fraction of the target that is spread evenly over all classes (Szegedy et al. 2016)."""
    evaluations: Annotated[int, Field(ge=1, le=1000)] = 6
    """Number of evaluations on the test images, evenly over the run, one after the last step."""
    select: Literal["last", "best"] = "last"
    """Evaluation whose test error is reported: the last, or ``best``, the first with the lowest
    error on the validation images that the data set aside. Test images are not used for it."""
    precision: Precision = "float32"
    """Precision of the forward pass in training; weights and evaluations are float32 always.
    float16 needs CUDA."""
    channels_last: bool = True
    """Whether pictures and weights have the memory format ``channels_last``, which is faster on
    most machines. Sums are made in another order than without it, and round differently; the
    random masks of dropout of maps are others, since PyTorch draws them in the order of memory.
    Signals and volumes have no such format here."""
    compile: bool = False
    """Whether the forward and backward passes of training are compiled (``torch.compile``). The
    first step takes up to minutes longer. Sums may round differently, and the random masks of
    dropout are others. Evaluations are not compiled."""
    cuda_graphs: bool = False
    """Whether the compiled passes are replayed as CUDA graphs, which saves the time of launching
    their kernels: for small networks on a GPU. Needs CUDA and ``compile``."""

    @model_validator(mode="before")
    @classmethod
    def _from_base(cls, tree: Any) -> Any:
        """Merge the other keys into the recipe named by ``base``, as specs merge."""
        if not isinstance(tree, dict) or "base" not in tree:
            return tree
        recipe = cls(**_tree_of(tree["base"]))
        base = recipe.model_dump(mode="json")
        # Whether these were given, matters: their defaults may depend on the device.
        for name in {"precision", "channels_last"} - recipe.model_fields_set:
            del base[name]
        changes = {key: value for key, value in tree.items() if key != "base"}
        return merge(base, changes, _LONG)

    def with_batch(self, size: int) -> Recipe:
        """This recipe with another batch size, unless it was given one."""
        if "batch_size" in self.model_fields_set or size == self.batch_size:
            return self
        recipe = self.model_copy()
        # Not an update of the copy, which would count as given.
        recipe.__dict__["batch_size"] = size
        return recipe

    @classmethod
    def named(cls, name: str, **changes: Any) -> Recipe:
        """The recipe called ``name``, with changes to its keys.

        Raises :class:`~resforge.SpecError` with the nearest name for an unknown one.

        >>> Recipe.named("he2015_cifar", steps=1000).batch_size
        128
        """
        recipes.tree(name)
        return cls.model_validate({"base": name, **changes})

    @model_validator(mode="after")
    def _graphs_are_compiled(self) -> Recipe:
        if self.cuda_graphs and not self.compile:
            raise PydanticCustomError(
                "recipe",
                "cuda_graphs replays compiled passes, and nothing is compiled",
                {"help": "add compile: true, or leave cuda_graphs out"},
            )
        return self

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
        """Learning rate of a step, counted from 0; ``warm``: whether a warm-up that depends on
        the training error is over."""
        peak = self.optimizer.lr * self.schedule.factor(step / self.steps)
        return peak * self.warmup.scale(step, warm)

    def check_device(self, kind: str) -> None:
        """Raise :class:`~resforge.ResforgeError` if the precision or CUDA graphs need another
        device than ``kind``, such as ``cpu``, ``cuda`` or ``mps``."""
        if self.precision == "float16" and kind != "cuda":
            raise ResforgeError(
                f"precision float16 needs a CUDA device, and this run is on {kind}: use precision"
                " bfloat16, or a machine with such a device"
            )
        if self.cuda_graphs and kind != "cuda":
            raise ResforgeError(
                f"cuda_graphs needs a CUDA device, and this run is on {kind}: leave cuda_graphs"
                " out, or use a machine with such a device"
            )

    def evaluation_steps(self) -> frozenset[int]:
        """Numbers of the steps after which the network is evaluated.

        >>> sorted(Recipe(steps=100, evaluations=4).evaluation_steps())
        [25, 50, 75, 100]
        """
        times = min(self.evaluations, self.steps)
        return frozenset(self.steps * (i + 1) // times for i in range(times))

    def identity(self) -> dict[str, Any]:
        """All settings that determine the results of a run; keys of trials are made from it.

        Fields added after the first version are left out where they are as they were then: keys of
        results recorded before do not change.
        """
        tree = self.model_dump(mode="json")
        warmup = tree.pop("warmup")
        tree["warmup_steps"] = warmup["steps"] if warmup["kind"] == "linear" else warmup
        for name, value in _FIRST.items():
            if tree[name] == value:
                del tree[name]
        if self.optimizer.fused is False:
            del tree["optimizer"]["fused"]
        return tree


def batch_fault(size: int, images: int, path: str = "batch_size") -> Fault | None:
    """Fault of a batch that is larger than a training set of so many images; None for others.

    >>> print(batch_fault(128, images=57))
    error[range]: batch_size: batch_size 128 is larger than the training set of 57 images
      help: use at most 57
    """
    if size <= images:
        return None
    message = f"batch_size {size} is larger than the training set of {images} images"
    return Fault("range", message, path, f"use at most {images}")


#: A recipe in a file, where a name is short for ``{base: name}``.
RecipeSpec = Annotated[
    Recipe,
    BeforeValidator(
        lambda value: {"base": value} if isinstance(value, str) else value,
        json_schema_input_type=Recipe
        | Annotated[str, WithJsonSchema({"enum": [*recipes.list_recipes()]})],
    ),
]
