"""How a spec becomes a module, and back."""

from .edits import spec_of
from .feature_maps import FeatureMaps
from .network import build
from .registration import register

__all__ = ["FeatureMaps", "build", "register", "spec_of"]
