"""A network made ready for inference: norms folded, memory laid out for speed, any precision."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.utils._pytree import tree_map

from ..blocks.frozen import NORMS
from ..builder.network import unwrap
from ..errors import Fault, ResforgeError, SpecError
from .errors import ExportError
from .folding import evaluation_copy, foldable, folded, require_module

_DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
_LAYOUTS = {4: torch.channels_last, 5: torch.channels_last_3d}


class InferenceModel(nn.Module):
    """A network for inference, as :func:`for_inference` makes it.

    ``x: (N, C, ...)`` of any type of real number gives what the network gives, in float32 (float64
    for a network of float64) and contiguous; the precision of the network is its own affair. It
    cannot be put in training mode. ``network`` is the network in evaluation mode, with its norms
    folded.
    """

    def __init__(self, network: nn.Module, dtype: torch.dtype, norms: int | None) -> None:
        super().__init__()
        self.network = network
        self.dtype = dtype
        self.norms = norms
        """Number of norms that were folded; None for a network that cannot be traced."""
        self.training = False

    def forward(self, x: Tensor) -> Any:
        """The outputs of the network for ``x``."""
        given = torch.promote_types(self.dtype, torch.float32)

        def back(out: Any) -> Any:
            if isinstance(out, Tensor) and out.is_floating_point():
                return out.to(given).contiguous()
            return out

        with self._precision(x.device.type):
            return tree_map(back, self.network(x.to(self.dtype)))

    def _precision(self, device: str) -> AbstractContextManager[object]:
        # The weights have the type already; autocast runs in float32 what has no such kernel.
        half = self.dtype in (torch.bfloat16, torch.float16)
        return torch.autocast(device, self.dtype) if half else nullcontext()

    def train(self, mode: bool = True) -> Self:
        """Raises :class:`~resforge.ResforgeError` for training mode."""
        if mode:
            raise ResforgeError(
                "a network for inference cannot be trained, for its norms are folded: train the"
                " network that it was made from, and call rf.for_inference again"
            )
        return super().train(mode)

    def extra_repr(self) -> str:
        name = str(self.dtype).removeprefix("torch.")
        return f"dtype={name}, folded={'not traced' if self.norms is None else self.norms}"


def for_inference(model: nn.Module, dtype: torch.dtype | None = None) -> InferenceModel:
    """A copy of ``model`` that is faster in evaluation, and has the same outputs but for rounding.

    Batch norms are folded into the convolutions before them, as :func:`~resforge.fuse` folds them
    where it can; standardised weights are computed once; the weights of convolutions have the
    memory format ``channels_last``, for three dimensions ``channels_last_3d``. Any module will do:
    in one that ``torch.fx`` cannot trace, no norm is folded. The copy takes and returns ordinary
    tensors, see :class:`InferenceModel`; inside, weights and maps have ``dtype``, by default that
    of ``model``. Norms that are not folded keep weights and statistics of at least float32.

    ``model`` stays as it is, in its own mode. Save the weights of ``model``: the state dict of the
    copy has other names, and the folded norms are not in it.

    Raises :class:`~resforge.SpecError` for what is no module, and for a ``dtype`` that is not
    float32, bfloat16, float16 or float64, :class:`~resforge.ResforgeError` for one that the device
    of ``model`` cannot compute in, and :class:`ExportError` for a module that cannot be copied.

    >>> import resforge as rf
    >>> model = rf.build("resnet18").eval()
    >>> fast = for_inference(model)
    >>> x = torch.randn(2, 3, 64, 64)
    >>> torch.allclose(fast(x), model(x), atol=1e-5)
    True
    >>> for_inference(model, dtype=torch.bfloat16)(x).dtype
    torch.float32
    """
    require_module(model, "for_inference")
    inner = unwrap(model)
    if isinstance(inner, InferenceModel):
        inner = inner.network
    dtype = _checked(inner, dtype)
    try:
        norms: int | None = len(foldable(inner))
        network = folded(inner)
    except ExportError:
        norms, network = None, evaluation_copy(inner)
    network.requires_grad_(False)
    for module in network.modules():
        _convert(module, dtype)
    return InferenceModel(network, dtype, norms)


def _convert(module: nn.Module, dtype: torch.dtype) -> None:
    """Give the module's own tensors their type and memory format."""
    # As autocast, whose norms may be given float32.
    norm = isinstance(module, (*NORMS, nn.LayerNorm))
    kind = torch.promote_types(dtype, torch.float32) if norm else dtype
    for tensors in (module._parameters, module._buffers):
        for tensor in tensors.values():
            if tensor is not None and tensor.is_floating_point():
                layout = _LAYOUTS.get(tensor.ndim) if isinstance(module, _ConvNd) else None
                tensor.data = tensor.data.to(kind, memory_format=layout or torch.preserve_format)


def _checked(model: nn.Module, dtype: torch.dtype | None) -> torch.dtype:
    """``dtype``, or that of ``model``, if its device can compute in it."""
    weight = next((p for p in model.parameters() if p.is_floating_point()), torch.empty(0))
    dtype = weight.dtype if dtype is None else dtype
    if dtype not in _DTYPES:
        message = f"expected a type of floating-point numbers, not {dtype!r}"
        use = f"use {', '.join(map(str, _DTYPES[:-1]))} or {_DTYPES[-1]}"
        raise SpecError(Fault("value", message, "for_inference(..., dtype)", use))
    one = torch.ones(1, 1, 1, 1, device=weight.device)
    try:
        F.conv2d(one.to(dtype), one.to(dtype))
    except (RuntimeError, TypeError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ResforgeError(
            f"{weight.device} cannot compute in {dtype} ({reason}): use dtype=torch.float32"
        ) from None
    return dtype
