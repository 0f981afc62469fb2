"""Types of numbers that a network computes in, by name, and what this processor makes of them."""

from __future__ import annotations

from typing import Any

import torch

#: Instructions of x86-64 processors for a type, any of which will do.
_INSTRUCTIONS = {
    torch.bfloat16: ("avx512_bf16", "amx_bf16"),
    torch.float16: ("avx512_fp16", "amx_fp16"),
}


def dtype_named(name: str) -> torch.dtype:
    """The type of a name.

    >>> dtype_named("bfloat16")
    torch.bfloat16
    """
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def is_emulated(dtype: torch.dtype, device: str) -> bool:
    """Whether the processor computes in ``dtype`` by way of float32, which takes longer.

    >>> is_emulated(torch.float32, "cpu")
    False
    """
    # Of torch 2.12 and later.
    has: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    if device != "cpu" or dtype not in _INSTRUCTIONS or has.get("architecture") != "x86_64":
        return False
    return not any(has.get(name) for name in _INSTRUCTIONS[dtype])
