"""How a spec becomes a module, and back."""

from .join import register
from .network import build, spec_of

__all__ = ["build", "register", "spec_of"]
