"""Other projects' definitions of networks: read as specs, and written. Never imports torch."""

from .formats import FORMATS
from .imported import Imported, from_config, recognise
from .keys import Assumed
from .written import as_text, to_config, writable

__all__ = [
    "FORMATS",
    "Assumed",
    "Imported",
    "as_text",
    "from_config",
    "recognise",
    "to_config",
    "writable",
]
