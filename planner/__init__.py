"""Every layer of a network in plain numbers, before anything is built. Never imports torch."""

from ..specs.layout import BlockPlan
from .catalogue import list_specs
from .plan import Plan, plan
from .totals import Feature

__all__ = ["BlockPlan", "Feature", "Plan", "list_specs", "plan"]
