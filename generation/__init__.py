"""Design spaces: what may vary, how often it is drawn, and what every network must keep.

By arithmetic alone: nothing here imports torch.
"""

from .crossover import crossover
from .distance import distance
from .draw import Architecture, Miss
from .edf import EDF, complexity_weights, edf
from .files import NetworkFolder, record_of
from .fit import Fitted, fit
from .moves import MOVES, Child, mutate, neighbours
from .search import Evolution, Measured, RandomSearch, search
from .space import Space, load_space
from .spaces import list_spaces
from .survey import Survey, survey

__all__ = [
    "EDF",
    "MOVES",
    "Architecture",
    "Child",
    "Evolution",
    "Fitted",
    "Measured",
    "Miss",
    "NetworkFolder",
    "RandomSearch",
    "Space",
    "Survey",
    "complexity_weights",
    "crossover",
    "distance",
    "edf",
    "fit",
    "list_spaces",
    "load_space",
    "mutate",
    "neighbours",
    "record_of",
    "search",
    "survey",
]
