"""Design spaces: what may vary, how often it is drawn, and what every network must keep.

By arithmetic alone: nothing here imports torch.
"""

from .draw import Architecture, Miss
from .fit import Fitted, fit
from .space import Space, load_space
from .spaces import list_spaces

__all__ = ["Architecture", "Fitted", "Miss", "Space", "fit", "list_spaces", "load_space"]
