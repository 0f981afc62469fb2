"""The names of the picture encoder of openai/CLIP: torchvision's, with three convolutions in the
stem and ``attnpool`` at the end.

A projection does not number the average pool before it. In a file of the whole model they begin
with ``visual.``, which ``strip`` takes off.
"""

from __future__ import annotations

from ..naming import Form, Rule, deep, without_pools
from .torchvision import BLOCK

WORDS = "those of CLIP"

_POOL: tuple[Rule, ...] = tuple(
    (f"head.attention_pool1{part}", f"attnpool{part}")
    for part in ("", ".k_proj", ".q_proj", ".v_proj", ".c_proj")
)

FORMS = (
    Form(
        (("conv{n}", "conv{n}"), ("bn{n}", "bn{n}"), *BLOCK, *_POOL),
        deep,
        without_pools,
        requires="head.attention_pool1.c_proj",
    ),
)
