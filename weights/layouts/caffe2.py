"""The names of Caffe2's ResNets in MSRA's and Detectron's ``.pkl`` files:
``res2_0_branch2a_bn_s``.

Their norms often scale and shift alone. Most stride in the first 1x1 and take blue, green and red
in this order, neither of which names can show.
"""

from __future__ import annotations

from ..naming import Form, Rule

ARRAYS = "Caffe2's .pkl files"
WORDS = "those of Caffe2"

_BLOCK: tuple[Rule, ...] = tuple(
    (f"layer{{s}}.{{b}}.{ours}", f"res{{s+1}}_{{b}}_{theirs}")
    for conv, branch in (
        *((f"conv{n}", f"branch2{abc}") for n, abc in enumerate("abc", 1)),
        ("downsample.0", "branch1"),
    )
    for ours, theirs in (
        (conv, branch),
        *(
            (conv.replace("conv", "bn").replace("downsample.0", "downsample.1"), f"{branch}_{norm}")
            for norm in ("bn", "gn")
        ),
    )
)

FORMS = tuple(
    Form(
        (
            ("conv1", "conv1"),
            *(("bn1", norm) for norm in ("res_conv1_bn", "conv1_gn")),
            *_BLOCK,
            ("fc", head),
        )
    )
    for head in ("fc1000", "pred")
)
