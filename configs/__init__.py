"""Other projects' definitions of networks: read as specs, and written. Never imports torch."""

from .formats import FORMATS
from .imported import Imported, from_config, recognise
from .keys import Assumed

__all__ = ["FORMATS", "Assumed", "Imported", "from_config", "recognise"]
