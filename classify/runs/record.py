"""What decides a run, and what it came to, in plain values."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, fields
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ...specs.base import Spec
from ...specs.network import ResNetSpec
from ...training.recipe import Recipe
from ..pictures.view import RandomCrop, View


class DataRecord(Spec):
    """The data a run was trained on; ``source`` is what the user called them."""

    source: str
    fingerprint: str
    train: int
    val: int
    val_share: float
    """What was held out of each class, where the data were not split already."""
    split: int


class RunSpec(Spec):
    """All that decides a run's numbers: who resumes a run resumes one of the same."""

    network: ResNetSpec
    classes: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    """Their names, in the order of the network's outputs."""
    data: DataRecord
    view: View | None = None
    """How pictures are shown to the network; None for data that are no pictures in files."""
    random_crop: RandomCrop | None = None
    recipe: Recipe
    epochs: Annotated[int, Field(ge=1)]
    seed: int = 0
    weights: str | None = None
    """SHA-256 of the file of weights that it began with."""
    freeze: str | None = None
    class_weights: Literal["none", "balanced"] = "none"
    mixup: Annotated[float, Field(ge=0.0, le=100.0)] = 0.0

    @model_validator(mode="after")
    def _whole_epochs(self) -> RunSpec:
        if self.recipe.steps % self.epochs:
            raise PydanticCustomError(
                "run",
                "{steps} steps are no whole number for each of {epochs} epochs",
                {"steps": self.recipe.steps, "epochs": self.epochs},
            )
        return self

    @property
    def steps_per_epoch(self) -> int:
        return self.recipe.steps // self.epochs

    def differences(self, other: RunSpec) -> list[str]:
        """What of ``other`` is not as here; where the data lie and what things are called is free.

        >>> from resforge.training.recipe import Recipe
        >>> import resforge as rf
        >>> data = DataRecord(
        ...     source="x", fingerprint="", train=8, val=2, val_share=0.2, split=0
        ... )
        >>> run = RunSpec(
        ...     network=rf.load("digits_resnet8"), classes=("a",), data=data,
        ...     recipe=Recipe(steps=2), epochs=1,
        ... )
        >>> run.differences(run.model_copy(update={"seed": 1}))
        ['seed (0 there, 1 here)']
        """
        mine, theirs = self._identity(), other._identity()
        return [
            _told(name, mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]
        ]

    def _identity(self) -> dict[str, Any]:
        tree = self.model_dump(mode="json")
        data, recipe = tree.pop("data"), tree.pop("recipe")
        return {
            **tree,
            "network": self.network.digest,
            "data": data["fingerprint"],
            **{f"recipe.{name}": value for name, value in recipe.items()},
        }


def _told(name: str, there: Any, here: Any) -> str:
    short = all(isinstance(value, int | float | str | None) for value in (there, here))
    values = f" ({there} there, {here} here)" if short and name not in _DIGESTS else ""
    return f"{name}{values}"


_DIGESTS = ("network", "data", "weights")


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch of a run: a row of ``history.csv``."""

    epoch: int
    """Counted from 1."""
    step: int
    """Optimiser steps done by its end."""
    learning_rate: float
    """At its last step."""
    train_loss: float
    """Mean over its batches, each before its step, with all augmentation and smoothing."""
    val_loss: float
    """Mean cross-entropy over the pictures held out, without smoothing."""
    val_accuracy: float
    """Share of the pictures held out that are told rightly, 0 to 1."""
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def as_row(self) -> tuple[Any, ...]:
        return astuple(self)


#: The columns of ``history.csv``.
COLUMNS = tuple(field.name for field in fields(Epoch))


def best(history: list[Epoch]) -> Epoch:
    """The epoch of the highest accuracy; of equals, that of the lowest loss, then the first."""
    return min(history, key=lambda epoch: (-epoch.val_accuracy, epoch.val_loss, epoch.epoch))
