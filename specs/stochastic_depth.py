"""Residual branches that are left out at random while training."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from .base import Rate, Spec


class StochasticDepthSpec(Spec):
    """Huang et al. 2016, Deep Networks with Stochastic Depth (arXiv 1603.09382), section 3.

    A branch that is kept is divided by its chance of being kept, so that nothing is left to do
    in evaluation; the paper multiplies in evaluation instead, which ``scaled`` can say.
    """

    rate: Rate
    """The last block's chance of losing its branch."""
    rule: Literal["linear", "linear_from_zero", "constant"] = "linear"
    """The share of the rate with which block l of L, counted from 1, loses it. ``linear``: l / L
    (equation 4). ``linear_from_zero``: (l - 1) / (L - 1), so that the first never does, as in timm.
    ``constant``: 1."""
    mode: Literal["batch", "row"] = "batch"
    """Whether one draw holds for a mini-batch (the paper) or each image has its own; the names
    are those of torchvision."""

    scaled: Literal["training", "evaluation"] = "training"
    """When a branch is scaled: in `training` one that is kept is divided by its chance of being
    kept, or in `evaluation` each is multiplied by it (the paper, equation 5)."""

    def drop_rate(self, number: int, blocks: int) -> float:
        """The chance of block ``number``, counted from 1, of ``blocks``.

        >>> StochasticDepthSpec(rate=0.5).drop_rate(3, 6)
        0.25
        >>> StochasticDepthSpec(rate=0.5, rule="linear_from_zero").drop_rate(3, 6)
        0.2
        """
        if self.rule == "constant":
            return self.rate
        if self.rule == "linear":
            return self.rate * (number / blocks)
        return self.rate * (number - 1) / max(1, blocks - 1)

    def formula(self, number: str, blocks: int) -> str:
        """The arithmetic of :meth:`drop_rate` as Python, for the block that ``number`` names.

        >>> rule = StochasticDepthSpec(rate=0.5)
        >>> rule.formula("number", 6), rule.formula("3", 6)
        ('0.5 * (number / 6)', '0.5 * (3 / 6)')
        """
        if self.rule == "constant":
            return repr(self.rate)
        if self.rule == "linear":
            return f"{self.rate!r} * ({number} / {blocks})"
        return f"{self.rate!r} * ({number} - 1) / {max(1, blocks - 1)}"


def _expand_rate(value: Any) -> Any:
    """``0.5`` is short for ``{rate: 0.5}``; so is whatever else is no mapping and no null."""
    written = isinstance(value, dict | StochasticDepthSpec) or value is None
    return value if written else {"rate": value}


def shorten_rate(spec: StochasticDepthSpec) -> Any:
    """The shortest way to write ``spec``."""
    tree = spec.model_dump(mode="json", exclude_defaults=True)
    return tree["rate"] if tree.keys() == {"rate"} else tree


StochasticDepth = Annotated[
    StochasticDepthSpec,
    BeforeValidator(_expand_rate, json_schema_input_type=Rate | StochasticDepthSpec),
]
