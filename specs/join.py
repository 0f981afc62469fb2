"""How a shortcut and a residual branch meet."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from .base import OneZero, Spec
from .call import Call, ChannelCount, call
from .registry import UnionOf
from .site import Site
from .trace import Trace

Factor = Annotated[float, Field(ge=-16.0, le=16.0), OneZero]


class JoinSpec(Spec):
    """Base of the ways in which S(x) and F(x) become one map."""

    kind: str
    #: The field that the value of the short form is: ``{gate: exclusive}``.
    main: ClassVar[str | None] = None
    #: Fields that change nothing in evaluation, such as initial values.
    unevaluated: ClassVar[frozenset[str]] = frozenset()
    #: What its signs mean, as a line of the picture's legend; empty where they need none.
    legend: ClassVar[str] = ""
    #: What the names of classes of exported blocks begin with.
    adjective: ClassVar[str] = ""

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        """Write down the layers of the join, from the map that the shortcut takes."""

    def call(self, of: Call, site: Site) -> Call:
        """The call that makes the shortcut's module around that of its path."""
        return of

    def canonical(self) -> dict[str, Any] | None:
        """What the join means for the identity of a network; None for the plain sum."""
        return {"join": self.kind, **self.differing()}

    def evaluated(self) -> dict[str, Any] | None:
        """What the join computes in evaluation from given tensors; None for the plain sum."""
        meant = self.canonical() or {}
        return {k: value for k, value in meant.items() if k not in self.unevaluated} or None

    def signs(self) -> tuple[str | None, str | None]:
        """Texts of the signs on the shortcut's arc and at the end of the branch."""
        return None, None


class AddSpec(JoinSpec):
    """S(x) + F(x)."""

    kind: Literal["add"] = "add"

    def canonical(self) -> dict[str, Any] | None:
        return None


class Factors(Spec):
    """Constant factors of a shortcut and of a residual branch."""

    shortcut: Factor = 1.0
    """Factor of the shortcut."""
    residual: Factor = 1.0
    """Factor of the residual branch."""


class ScaledJoinSpec(Factors, JoinSpec):
    """shortcut * S(x) + residual * F(x), with constant factors.

    He et al. 2016 (arXiv 1603.05027), section 3.1.
    """

    adjective: ClassVar[str] = "Scaled"

    kind: Literal["scaled"] = "scaled"

    def call(self, of: Call, site: Site) -> Call:
        return call("Scaled", of, shortcut=self.shortcut, residual=self.residual)

    def canonical(self) -> dict[str, Any] | None:
        return super().canonical() if self.differing() else None

    def signs(self) -> tuple[str | None, str | None]:
        return _times(self.shortcut), _times(self.residual) if self.residual != 1 else None


def _times(factor: float) -> str:
    return f"×{factor:.3g}".replace("-", "−")


class Gating(Spec):
    """A gate on the shortcut, computed from its input."""

    mode: Literal["exclusive", "shortcut_only"] = "exclusive"
    """Whether the branch is multiplied by the gate (`exclusive`) or left as it is
    (`shortcut_only`)."""
    bias_init: Annotated[float, Field(ge=-1000.0, le=1000.0), OneZero] = -6.0
    """Initial value of the gate's bias: the lower, the more open the shortcut. -6 gave the best
    error in the paper."""


class GateJoinSpec(Gating, JoinSpec):
    """(1 - g(x)) S(x) + g(x) F(x), or (1 - g(x)) S(x) + F(x); g = sigmoid(conv1x1(x)), biased.

    He et al. 2016 (arXiv 1603.05027), section 3.1: ``exclusive`` is the gate of Highway Networks
    (Srivastava et al. 2015), ``shortcut_only`` leaves the branch alone. The gate has the block's
    stride, and a value for each channel that the block puts out.
    """

    main: ClassVar[str | None] = "mode"
    legend: ClassVar[str] = "g = sigmoid(conv 1×1)"
    adjective: ClassVar[str] = "Gated"

    unevaluated: ClassVar[frozenset[str]] = frozenset({"bias_init"})

    kind: Literal["gate"] = "gate"

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        starts = (("bias", self.bias_init),)
        trace.conv(f"{name}.gate", site.out_channels, 1, site.stride, bias=True, starts=starts)

    def call(self, of: Call, site: Site) -> Call:
        channels = ChannelCount(site.in_channels), ChannelCount(site.out_channels)
        stride = [site.stride] if site.stride != 1 else []
        dims = {} if site.dims == 2 else {"dims": site.dims}
        options = {"mode": self.mode, "bias_init": self.bias_init, **dims}
        return call("Gate", *channels, *stride, **options, of=of)

    def signs(self) -> tuple[str | None, str | None]:
        return "1−g", "g" if self.mode == "exclusive" else None


JOINS: dict[str, type[JoinSpec]] = {
    "add": AddSpec,
    "scaled": ScaledJoinSpec,
    "gate": GateJoinSpec,
}
"""The joins that a shortcut written out can name."""


def expand_join(value: Any) -> Any:
    """The long form of a join.

    >>> expand_join("add"), expand_join({"gate": "exclusive"})
    ({'kind': 'add'}, {'kind': 'gate', 'mode': 'exclusive'})
    """
    if isinstance(value, str):
        return {"kind": value}
    if isinstance(value, dict) and "kind" not in value:
        kinds = [kind for kind, join in JOINS.items() if join.main and kind in value]
        if len(kinds) == 1:
            rest = {key: item for key, item in value.items() if key != kinds[0]}
            return {"kind": kinds[0], str(JOINS[kinds[0]].main): value[kinds[0]], **rest}
    return value


AnyJoin = Annotated[JoinSpec, UnionOf(lambda: JOINS, expand_join, dict[str, Any])]


def shorten_join(join: JoinSpec) -> Any:
    """The shortest way to write ``join``."""
    fields = join.differing()
    if not fields:
        return join.kind
    if join.main in fields:
        return {join.kind: fields.pop(join.main), **fields}
    return {"kind": join.kind, **fields}
