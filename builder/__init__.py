"""How a spec becomes a module, and back."""

from .feature_maps import FeatureMaps
from .network import build, spec_of
from .registration import register

__all__ = ["FeatureMaps", "build", "register", "spec_of"]
