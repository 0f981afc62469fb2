"""How a spec becomes a module, and back."""

from .feature_maps import FeatureMaps
from .join import register
from .network import build, spec_of

__all__ = ["FeatureMaps", "build", "register", "spec_of"]
