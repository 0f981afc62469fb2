"""Every layer of a network in plain numbers, before anything is built. Never imports torch."""

from ..specs.layout import BlockPlan
from .plan import Feature, Plan, plan

__all__ = ["BlockPlan", "Feature", "Plan", "plan"]
