"""The request of a run: everything that decides it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from ...specs.network import ResNetSpec
from ...training.pictures.view import RandomCrop
from ...training.recipe import Precision, Recipe
from ..picture_feed import Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Everything that decides a run, as options of ``resforge train``."""

    network: ResNetSpec
    data: str
    """A folder of pictures, or a name that :func:`find_data` accepts."""
    out: str | os.PathLike[str]
    recipe: Recipe | None = None
    """``steps`` is replaced: it follows from ``epochs``."""
    epochs: int = 10
    patience: int | None = None
    """Epochs without a better one after which the run ends; by default it goes on to the last."""
    batch_size: int | None = None
    """Replaces the recipe's, as the fields up to ``precision`` do. By default 32, or a
    quarter of fewer training pictures."""
    optimizer: Literal["sgd", "adam", "adamw"] | None = None
    """One of another kind than the recipe's has the settings that are its own defaults."""
    lr: float | None = None
    weight_decay: float | None = None
    schedule: Literal["cosine", "constant", "step", "one_cycle"] | None = None
    warmup: int | None = None
    """Steps of a linear warm-up."""
    label_smoothing: float | None = None
    precision: Precision | None = None
    """Precision of the forward pass in training; by default the recipe's, or that of the run that
    is resumed, else bfloat16 on CUDA devices that have it and float32 elsewhere."""
    seed: int = 0
    size: int | None = None
    """Height and width of the network's input; by default the size that its stem is made for."""
    resize: Literal["crop", "squash"] = "crop"
    """What the network sees of a picture outside training: the middle square, or all of it,
    squashed to a square."""
    normalize: str = "imagenet"
    """Mean and deviation of each channel: ImageNet's, with ``channel`` those of the training
    pictures, or ``MEAN/STD``, as :func:`read_normalization` reads them."""
    augment: Literal["crop_flip", "crop", "none"] = "crop_flip"
    """A random crop, mirrored half the time; a random crop; or the picture as ``resize`` says."""
    min_area: float = 0.08
    """Smallest area of a random crop, as a fraction of the picture's."""
    val_share: float = 0.2
    """Fraction of each class that is held out for validation, where there is no ``val/``."""
    split: int = 0
    """Seed of the choice of the pictures held out."""
    weights: str | os.PathLike[str] | None = None
    """A file of weights to start from."""
    entry: str | None = None
    """Dotted path of the mapping in ``weights`` to take; by default the one that fits best."""
    strip: str = ""
    """A prefix of the names in ``weights``; only names count that begin with it."""
    head: Literal["loaded", "fresh"] = "loaded"
    """``fresh`` leaves the head out of ``weights``."""
    allow_extra: bool = False
    """Whether ``weights`` may hold tensors that the network has no place for."""
    allow_missing: float | None = None
    """Smallest fraction of the network's tensors that ``weights`` must fill; by default all."""
    allow_other_function: bool = False
    """Whether ``weights`` may be those of a network that computes another function."""
    partial: bool = False
    """Both, with a fraction of 0."""
    freeze: str | None = None
    """Part that is not trained, as :func:`freeze` names it."""
    class_weights: Literal["none", "balanced"] = "none"
    mixup: float = 0.0
    workers: int | None = None
    """Threads that decode pictures; by default one for each core, at most eight."""
    unreadable: Unreadable = "stop"
    device: str = "auto"
    resume: bool = False
    tensorboard: bool = False
    class_indices: bool = False
    """Whether ``class_indices.json`` is written: the class of each output of the network."""

    @property
    def random_crop(self) -> RandomCrop | None:
        """The crop that ``augment`` and ``min_area`` stand for."""
        if self.augment == "none":
            return None
        return RandomCrop(min_area=self.min_area, mirror=self.augment == "crop_flip")
