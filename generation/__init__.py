"""Design spaces: free fields, the probability of their values, and limits on every network.

All of it is arithmetic on plans: nothing here imports torch.
"""

from .crossover import crossover
from .distance import distance
from .edf import EDF, complexity_weights, edf
from .files import NetworkFolder, record_of
from .fit import Fitted, fit
from .moves import MOVES, Child, mutate, neighbours
from .points import Architecture, Miss
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
