"""Where norms and activations stand in a block, under the names of He et al. 2016's Figure 4."""

from __future__ import annotations

from typing import Literal

Order = Literal["post", "norm_after_add", "relu_before_add", "relu_only_pre", "full_pre", "pyramid"]
"""The five orders of He et al. 2016, Identity Mappings (arXiv 1603.05027), Figure 4 a to e, and
that of Han et al. 2017, PyramidNet (arXiv 1610.02915), Figure 6d.

With S the shortcut, N a norm, R an activation and W a convolution, a basic block is

- ``post``: R(S(x) + N W R N W(x)), the original
- ``norm_after_add``: R(N(S(x) + W R N W(x)))
- ``relu_before_add``: S(x) + R N W R N W(x)
- ``relu_only_pre``: S(x) + N W R N W R(x)
- ``full_pre``: S(x) + W R N W R N(x)
- ``pyramid``: S(x) + N W R N W N(x)
"""

ShortcutInput = Literal["auto", "raw", "activated"]
"""What the shortcut of a pre-activated block takes: x itself, or what its branch takes too.

The paper does not say; ``auto`` is the authors' released code (KaimingHe/resnet-1k-layers): x
where the shape is kept, the activated map where it changes.
"""


def activates_first(order: Order) -> bool:
    """Whether a block activates its input before shortcut and branch divide, or where they do.

    Such networks need one activation more (He et al. 2016, appendix): "the first right after
    conv1", for which the stem's own stands, so the first block has none; and one after the last.
    """
    return order in ("relu_only_pre", "full_pre")
