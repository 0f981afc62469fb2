"""Design spaces: free fields, the probability of their values, and limits on every network.

All of it is arithmetic on plans: nothing here imports torch.
"""

from .covering import Absent, Cover
from .crossover import crossover
from .distance import distance
from .edf import EDF, complexity_weights, edf
from .evolution import Evolution
from .figure import draw_costs
from .files import NetworkFolder
from .fit import Fitted, fit
from .listed_files import ListedFolder
from .moves import MOVES, Child, NoChildError, mutate, neighbours
from .names import ChoiceNames
from .nsga2 import NSGA2
from .pareto import pareto_front
from .points import Architecture, Miss
from .random_search import Asked, Measured, RandomSearch
from .records import record_of, table_of
from .saved import load_search, save_search
from .search import search
from .space import Space, load_space
from .spaces import list_spaces
from .survey import Survey, survey

__all__ = [
    "EDF",
    "MOVES",
    "NSGA2",
    "Absent",
    "Architecture",
    "Asked",
    "Child",
    "ChoiceNames",
    "Cover",
    "Evolution",
    "Fitted",
    "ListedFolder",
    "Measured",
    "Miss",
    "NetworkFolder",
    "NoChildError",
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
    "load_search",
    "load_space",
    "mutate",
    "neighbours",
    "pareto_front",
    "record_of",
    "save_search",
    "search",
    "survey",
    "table_of",
]
