"""How a spec becomes a module, and back."""

from .build import build, spec_of
from .join import register

__all__ = ["build", "register", "spec_of"]
