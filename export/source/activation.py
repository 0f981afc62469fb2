"""A network's activation, as text."""

from __future__ import annotations

from ...blocks import make_activation
from ...builder.join import ACTIVATIONS


class ActivationText:
    """What makes the activation, and what calls it; the modules write their own names."""

    def __init__(self, kind: str) -> None:
        make = ACTIVATIONS[kind]
        #: The attribute under which a class holds it; empty where nothing is to be done.
        self.attribute = {"none": "", "relu": "relu"}.get(kind, "act")
        self.in_place = f"nn.{make_activation(make)!r}".replace("'", '"')
        #: What leaves its input as it is.
        self.fresh = f"nn.{make_activation(make, in_place=False)!r}".replace("'", '"')

    @property
    def differs(self) -> bool:
        return self.in_place != self.fresh

    def of(self, expression: str) -> str:
        """The activation of an expression."""
        return f"self.{self.attribute}({expression})" if self.attribute else expression
