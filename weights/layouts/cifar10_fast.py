"""The names of davidcpage/cifar10-fast's ResNet-9s: ``layer1_residual_res1_conv``."""

from __future__ import annotations

from ..naming import Form, Rule

WORDS = "those of cifar10-fast"

_PAIRS = (("conv", "conv"), ("norm", "bn"))
_PLAIN: tuple[Rule, ...] = (
    ("conv1", "prep_conv"),
    ("bn1", "prep_bn"),
    *((f"before1.{ours}1", f"layer1_{theirs}") for ours, theirs in _PAIRS),
)
_WHITENED: tuple[Rule, ...] = (
    ("stem.conv1", "prep_whiten"),
    ("stem.conv2", "prep_conv"),
    ("stem.norm1", "prep_norm"),
    ("stem.conv3", "layer1_conv"),
    ("stem.norm2", "layer1_bn"),
)
_RULES: tuple[Rule, ...] = (
    *((f"before2.{ours}{{n}}", f"layer{{n+1}}_{theirs}") for ours, theirs in _PAIRS),
    *(
        (f"layer{ours}.0.{each}{{n}}", f"layer{theirs}_residual_res{{n}}_{each}")
        for ours, theirs in ((1, 1), (2, 3))
        for each in ("conv", "bn")
    ),
    ("head.linear1", "linear"),
)

FORMS = (Form((*_PLAIN, *_RULES)), Form((*_WHITENED, *_RULES), requires="stem.conv2"))
