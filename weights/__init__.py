"""Files of weights: read without running code, and planned before anything is copied."""

from __future__ import annotations

from .certify import Certificate
from .convert import convert_weights
from .errors import WeightsError
from .infer import Inferred, infer_spec
from .layouts import LAYOUTS
from .load import load_weights, plan_weights
from .match import TensorPlan, WeightPlan
from .tensor_names import TensorNames
from .write import save_weights

__all__ = [
    "LAYOUTS",
    "Certificate",
    "Inferred",
    "TensorNames",
    "TensorPlan",
    "WeightPlan",
    "WeightsError",
    "convert_weights",
    "infer_spec",
    "load_weights",
    "plan_weights",
    "save_weights",
]
