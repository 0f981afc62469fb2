"""Design spaces: free fields, the probability of their values, and limits on every network.

All of it is arithmetic on plans: nothing here imports torch.
"""

from .crossover import crossover
from .distance import distance
from .edf import EDF, complexity_weights, edf
from .figure import draw_costs
from .files import NetworkFolder
from .fit import Fitted, fit
from .listed_files import ListedFolder
from .moves import MOVES, Child, mutate, neighbours
from .names import ChoiceNames
from .points import Architecture, Miss
from .records import record_of, table_of
from .search import Evolution, Measured, RandomSearch, search
from .space import Space, load_space
from .spaces import list_spaces
from .survey import Survey, survey

__all__ = [
    "EDF",
    "MOVES",
    "Architecture",
    "Child",
    "ChoiceNames",
    "Evolution",
    "Fitted",
    "ListedFolder",
    "Measured",
    "Miss",
    "NetworkFolder",
    "RandomSearch",
    "Space",
    "Survey",
    "complexity_weights",
    "crossover",
    "distance",
    "draw_costs",
    "edf",
    "fit",
    "list_spaces",
    "load_space",
    "mutate",
    "neighbours",
    "record_of",
    "search",
    "survey",
    "table_of",
]
