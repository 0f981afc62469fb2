"""Spec and epochs of a run, in plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, field, fields
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ...planner.plan import failure, lay_out
from ...specs.base import Spec
from ...specs.network import ResNetSpec
from ...training.pictures.view import RandomCrop, View
from ...training.recipe import Recipe
from ...training.states import difference


class DataRecord(Spec):
    """Data of a run; ``source`` is the argument of ``--data``."""

    source: str
    fingerprint: str
    train: int
    val: int
    val_share: Annotated[float, Field(ge=0.0, le=1.0)]
    """Fraction of each class that was held out, where the data were not split already."""
    split: int


class RunSpec(Spec):
    """All settings that determine the results of a run; a run is resumed with an equal spec."""

    network: ResNetSpec
    classes: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    """Names of the classes, in the order of the network's outputs."""
    data: DataRecord
    view: View | None = None
    """Input of the network from a picture; None for data that are not picture files."""
    random_crop: RandomCrop | None = None
    recipe: Recipe
    epochs: Annotated[int, Field(ge=1)]
    """The most epochs of the run, for which its recipe is made."""
    patience: Annotated[int, Field(ge=1)] | None = None
    """Epochs without a better one after which the run ends."""
    seed: int = 0
    weights: str | None = None
    """SHA-256 of the file of initial weights."""
    freeze: str | None = None
    class_weights: Literal["none", "balanced"] = "none"
    mixup: Annotated[float, Field(ge=0.0, le=100.0)] = 0.0

    @model_validator(mode="before")
    @classmethod
    def _of_first_version(cls, tree: Any) -> Any:
        """The optimizers of runs that do not say whether they are fused were not."""
        recipe = tree.get("recipe") if isinstance(tree, dict) else None
        optimizer = recipe.get("optimizer") if isinstance(recipe, dict) else None
        if not isinstance(recipe, dict) or not isinstance(optimizer, dict):
            return tree
        return {**tree, "recipe": {**recipe, "optimizer": {"fused": False, **optimizer}}}

    @model_validator(mode="after")
    def _whole_epochs(self) -> RunSpec:
        if self.recipe.steps % self.epochs:
            raise PydanticCustomError(
                "run",
                "{steps} steps cannot be divided into {epochs} epochs of equal length",
                {"steps": self.recipe.steps, "epochs": self.epochs},
            )
        return self

    @model_validator(mode="after")
    def _parts_fit(self) -> RunSpec:
        """The classes are the network's outputs, and the view is an input that it can take."""
        if len({*self.classes}) != len(self.classes):
            raise _misfit("classes", "two classes have one name")
        view, side = self.view, self.network.natural_input_size
        if view is not None:
            side = view.size
            if view.channels != self.network.in_channels:
                raise _misfit("view", f"the network has {self.network.in_channels} input channels")
        plan = lay_out(self.network, (side, side))
        if view is not None and (fault := failure(plan)):
            raise _misfit("view.size", f"the network cannot run on it: {fault.message}")
        if plan.output_shape != (len(self.classes),):
            raise _misfit("classes", f"the network has outputs of shape {plan.output_shape}")
        return self

    @property
    def steps_per_epoch(self) -> int:
        return self.recipe.steps // self.epochs

    def differences(self, other: RunSpec) -> list[str]:
        """Descriptions of the fields of ``other`` that differ; names and paths are not compared.

        >>> from resforge.training.recipe import Recipe
        >>> import resforge as rf
        >>> data = DataRecord(
        ...     source="x", fingerprint="", train=8, val=2, val_share=0.2, split=0
        ... )
        >>> run = RunSpec(
        ...     network=rf.load("digits_resnet8"), classes=(*"abcdefghij",), data=data,
        ...     recipe=Recipe(steps=2), epochs=1,
        ... )
        >>> run.differences(run.model_copy(update={"seed": 1}))
        ['seed (0 there, 1 here)']
        """
        mine, theirs = self._identity(), other._identity()
        return [difference(name, mine[name], theirs[name]) for name in self._differing(other)]

    def ends_early(self, history: list[Epoch]) -> bool:
        """Whether the run ends after ``history``, before the last of its epochs."""
        if self.patience is None or not 0 < len(history) < self.epochs:
            return False
        found = best(history)
        return len(history) - (found.epoch if found else 0) >= self.patience

    def is_lengthened_by(self, other: RunSpec) -> bool:
        """Whether ``other`` is this run with another end, and the same steps up to it.

        The learning rate of a step depends on the number of all steps, unless it is constant.
        """
        if {*self._differing(other)} - _LENGTH:
            return False
        return self.epochs == other.epochs or (
            self.epochs < other.epochs
            and self.steps_per_epoch == other.steps_per_epoch
            and self.recipe.schedule.kind == "constant"
        )

    def asks_for_more(self, other: RunSpec) -> bool:
        """Whether ``other`` is this run with more epochs, for which its schedule is over."""
        rates = {"recipe.warmup", "recipe.schedule", "recipe.optimizer"}
        more = self.epochs < other.epochs and self.recipe.schedule.kind != "constant"
        return more and not {*self._differing(other)} - _LENGTH - rates

    def _differing(self, other: RunSpec) -> list[str]:
        mine, theirs = self._identity(), other._identity()
        return [name for name in mine if mine[name] != theirs[name]]

    def _identity(self) -> dict[str, Any]:
        tree = self.model_dump(mode="json")
        data, recipe = tree.pop("data"), tree.pop("recipe")
        return {
            **tree,
            "network": self.network.digest,
            "data": data["fingerprint"],
            **{f"recipe.{name}": value for name, value in recipe.items()},
        }


def _misfit(name: str, message: str) -> PydanticCustomError:
    context = {"message": message, "under": (*name.split("."),)}
    return PydanticCustomError("run", "{message}", context)


#: Settings of where a run ends.
_LENGTH = {"epochs", "patience", "recipe.steps"}


@dataclass(frozen=True, slots=True)
class Epoch:
    """Results of one epoch: a row of ``history.csv``."""

    epoch: int
    """Counted from 1."""
    step: int
    """Optimizer steps done at its end."""
    learning_rate: float
    """Learning rate of its last step."""
    train_loss: float
    """Mean loss of its batches, each before its step, with augmentation and smoothing."""
    train_accuracy: float | None = field(default=None, kw_only=True)
    """Mean accuracy of its batches, 0 to 1, each before its step, with augmentation. None with
    mixup, whose pictures have two classes, and in runs of earlier versions."""
    val_loss: float
    """Mean cross-entropy on the validation pictures, without smoothing."""
    val_accuracy: float
    """Fraction of the validation pictures that are classified correctly, 0 to 1."""
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def as_row(self) -> tuple[Any, ...]:
        return astuple(self)


#: Columns of ``history.csv``; the last is the identity of the run, the same in every row.
COLUMNS = (*(column.name for column in fields(Epoch)), "run")


def best(history: Sequence[Epoch]) -> Epoch | None:
    """Epoch with the highest accuracy; among equals, with the lowest loss, then the first.

    Epochs whose validation loss is not finite are left out, since outputs that are no numbers
    count as the first class; None where there is no other.
    """
    return min(
        (epoch for epoch in history if isfinite(epoch.val_loss)),
        key=lambda epoch: (-epoch.val_accuracy, epoch.val_loss, epoch.epoch),
        default=None,
    )
