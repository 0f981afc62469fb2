"""timm's names of ResNets: torchvision's, except that a deep stem is ``conv1.0``, ``conv1.1``,
``conv1.3``, ..., ``bn1``.

The last norm of the stem is outside it, as ``bn1``. Attention is ``se``, and an average pool before
a projection is ``downsample.0``, as in resforge. CBAM is ``se.channel`` and ``se.spatial``, a
global context ``se.mlp_scale`` or ``se.mlp_add``. A convolution in place of the stem's pool is
``maxpool.0``.
"""

from __future__ import annotations

from collections.abc import Callable

from ...planner.plan import Plan
from ..naming import Form, Rule, deep, every, shallow
from .torchvision import BLOCK, HEAD, SHALLOW

WORDS = "timm's"

_SE = "layer{s}.{b}.se."
ATTENTION: tuple[Rule, ...] = ((_SE + "fc{n}", _SE + "fc{n}"), (_SE + "conv", _SE + "conv"))
#: Names of a global context by what is done with it.
CONTEXTS: dict[str, tuple[Rule, ...]] = {
    fuse: (
        (_SE + "mask", _SE + "conv_attn"),
        (_SE + "fc{n}", f"{_SE}{part}.fc{{n}}"),
        (_SE + "norm", f"{_SE}{part}.norm"),
    )
    for fuse, part in (("mul", "mlp_scale"), ("add", "mlp_add"))
}
CBAM: tuple[Rule, ...] = (
    (_SE + "fc{n}", _SE + "channel.fc{n}"),
    (_SE + "conv", _SE + "spatial.conv.conv"),
    (_SE + "norm", _SE + "spatial.conv.bn"),
)
STEM: tuple[Rule, ...] = (("maxpool.{n}", "maxpool.{n}"),)
DEEP: tuple[Rule, ...] = (
    *STEM,
    ("conv1", "conv1.0"),
    ("bn1", "conv1.1"),
    ("conv2", "conv1.3"),
    ("bn2", "conv1.4"),
    ("conv3", "conv1.6"),
    ("bn3", "bn1"),
)


def attends(kind: str, fuse: str | None = None) -> Callable[[Plan], bool]:
    """Whether the first block has an attention of a kind, with a way to fuse where it has some."""

    def holds(plan: Plan) -> bool:
        branch = [module.op for block in plan.stages[0] for module in block.modules.branch]
        return any(op.kind == kind and getattr(op, "fuse", None) == fuse for op in branch)

    return holds


def _forms(names: tuple[Rule, ...], when: Callable[[Plan], bool] = every) -> tuple[Form, ...]:
    """The forms of both stems, with the names of an attention."""
    return (
        Form((*SHALLOW, *STEM, *BLOCK, *names, *HEAD), lambda plan: shallow(plan) and when(plan)),
        Form((*DEEP, *BLOCK, *names, *HEAD), lambda plan: deep(plan) and when(plan)),
    )


FORMS = (
    *_forms(ATTENTION),
    *_forms(CBAM, attends("cbam")),
    *(form for fuse, names in CONTEXTS.items() for form in _forms(names, attends("gc", fuse))),
)
