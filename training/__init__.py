"""Data sets, recipes, the training loop and prediction.

>>> import resforge as rf
>>> from resforge.training import DigitsSpec, Recipe, load_data, train
>>> model = rf.build("digits_resnet8", seed=0)
>>> result = train(model, load_data(DigitsSpec()), Recipe(steps=2, batch_size=32), seed=0)
>>> result.steps, result.diverged
(2, False)

Names are loaded on first use: recipes and data specs can be read without importing torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..first_use import on_first_use

if TYPE_CHECKING:
    from .data import DataSpec as DataSpec
    from .data.cifar import Cifar10Spec as Cifar10Spec
    from .data.cifar import Cifar100Spec as Cifar100Spec
    from .data.digits import DigitsSpec as DigitsSpec
    from .data.folder import FolderSpec as FolderSpec
    from .data.mnist import FashionMnistSpec as FashionMnistSpec
    from .data.mnist import MnistSpec as MnistSpec
    from .data.npz import NpzSpec as NpzSpec
    from .data.stored import store_dataset as store_dataset
    from .data.tensors import Data as Data
    from .data.tensors import load_data as load_data
    from .loop import Training as Training
    from .loop import train as train
    from .prediction import error_rate as error_rate
    from .prediction import predict as predict
    from .recipe import Recipe as Recipe
    from .result import TestPoint as TestPoint
    from .result import TrainResult as TrainResult

_HOME = {
    "Cifar100Spec": "data.cifar",
    "Cifar10Spec": "data.cifar",
    "Data": "data.tensors",
    "DataSpec": "data",
    "DigitsSpec": "data.digits",
    "FashionMnistSpec": "data.mnist",
    "FolderSpec": "data.folder",
    "MnistSpec": "data.mnist",
    "NpzSpec": "data.npz",
    "Recipe": "recipe",
    "TestPoint": "result",
    "TrainResult": "result",
    "Training": "loop",
    "error_rate": "prediction",
    "load_data": "data.tensors",
    "predict": "prediction",
    "store_dataset": "data.stored",
    "train": "loop",
}

__all__ = sorted(_HOME)

__getattr__, __dir__ = on_first_use(__name__, _HOME)
