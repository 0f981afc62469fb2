"""Norms folded into the convolutions before them, for inference."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..blocks import SameConv2d, ScaledStandardizedConv2d, StandardizedConv2d
from ..blocks.frozen import FROZEN
from ..blocks.same_conv import (
    SameConv1d,
    SameConv3d,
    SamePadded,
    SameScaledStandardizedConv2d,
    SameStandardizedConv2d,
)
from ..builder.edits import checked_spec, made_like, spec_of
from ..builder.network import unwrap
from ..builder.shown import Shown, replaced_in, shown_by
from ..errors import wrong_type
from ..specs.network import ResNetSpec
from .errors import ExportError


class Pair(NamedTuple):
    """A convolution and the batch norm that takes its output, by their names in the state dict."""

    conv: str
    norm: str


# Classes themselves: one that derives from them may do more.
_STANDARDIZED = (
    StandardizedConv2d,
    ScaledStandardizedConv2d,
    SameStandardizedConv2d,
    SameScaledStandardizedConv2d,
)
_SAME = (SameConv1d, SameConv2d, SameConv3d)
_CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, *_SAME, *_STANDARDIZED)
_NORMS = (
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
    *(frozen for norm, frozen in FROZEN.items() if issubclass(norm, _BatchNorm)),
)


class _Tracer(fx.Tracer):
    """Keeps calls of torch's own modules whole, and norms and convolutions made of them."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        whole = isinstance(module, _BatchNorm | _ConvNd)
        return whole or super().is_leaf_module(module, name)


def foldable(model: nn.Module) -> list[Pair]:
    """The norms of ``model`` that can be folded away, and into which convolutions.

    Those whose input is a convolution's output, where nobody else takes that: read from the data
    flow of ``model``, so a norm before its convolution or after the sum is not among them. Neither
    are norms without running statistics, modules with hooks, with a ``forward`` of their own or
    under two names, and classes that derive from PyTorch's outside of resforge, whose forward may
    do more. Raises :class:`ExportError` for a module that ``torch.fx`` cannot trace.

    >>> import resforge as rf
    >>> [pair.norm for pair in foldable(rf.build("resnet18"))][:3]
    ['bn1', 'layer1.0.bn1', 'layer1.0.bn2']
    """
    require_module(model, "foldable")
    return _foldings(model).pairs


class _Foldings(NamedTuple):
    """What can be folded in a module."""

    pairs: list[Pair]
    standardized: list[str]
    """The convolutions whose standardised weights can be computed once."""


def _foldings(model: nn.Module) -> _Foldings:
    if "forward" in vars(model):
        # torch.fx traces that of the class, which is not what runs.
        raise ExportError(f"torch.fx cannot trace a {type(model).__name__} with its own forward")
    try:
        graph = _Tracer().trace(evaluation_copy(model))
    except Exception as error:
        # Whatever a foreign module's forward raises on being traced.
        raise ExportError(f"torch.fx cannot trace {type(model).__name__}: {error}") from error
    plain_modules = _plain_modules(model, graph)
    calls = [node for node in graph.nodes if node.op == "call_module"]
    uses = Counter(node.target for node in calls)
    pairs = []
    for node in calls:
        before = node.args[0] if node.args else None
        if (
            isinstance(before, fx.Node)
            and before.op == "call_module"
            and _is_norm(plain_modules.get(str(node.target)))
            and type(plain_modules.get(str(before.target))) in _CONVS
            and len(before.users) == uses[node.target] == uses[before.target] == 1
        ):
            pairs.append(Pair(str(before.target), str(node.target)))
    standardized = [name for name, each in plain_modules.items() if type(each) in _STANDARDIZED]
    return _Foldings(pairs, standardized)


def _plain_modules(model: nn.Module, graph: fx.Graph) -> dict[str, nn.Module]:
    """The modules of ``model`` that have one name, no hooks, the methods of their class, and
    tensors that nobody else reads."""
    named = list(model.named_modules(remove_duplicate=False))
    names = Counter(module for _, module in named)
    read = {str(node.target).rpartition(".")[0] for node in graph.nodes if node.op == "get_attr"}
    return {
        name: module
        for name, module in named
        if names[module] == 1
        and name not in read
        and not module._forward_hooks
        and not module._forward_pre_hooks
        and not replaced_in(module)
    }


def _is_norm(module: nn.Module | None) -> bool:
    """Whether a module is a batch norm of PyTorch or of resforge, with running statistics."""
    return type(module) in _NORMS and getattr(module, "running_var", None) is not None


def require_module(model: object, call: str) -> None:
    """Raise :class:`~resforge.SpecError` where the function ``call`` was given no module."""
    if not isinstance(model, nn.Module):
        raise wrong_type(call, "a module", model, "build the network first: rf.build(...)")


def evaluation_copy(model: nn.Module) -> nn.Module:
    """A copy of ``model`` in evaluation mode. Raises :class:`ExportError` where there is none."""
    try:
        return copy.deepcopy(model).eval()
    except Exception as error:  # a foreign module may hold anything
        raise ExportError(f"{type(model).__name__} cannot be copied: {error}") from error


def fuse(model: nn.Module) -> nn.Module:
    """A copy of ``model`` for inference, its batch norms folded into the convolutions before them.

    ``model`` itself stays as it is. In the copy, which is in evaluation mode, each convolution
    of :func:`foldable` has the norm's factor in its weight and the rest in its bias; the norm's
    place is taken by an identity. So the state dict has the names of the convolutions as before,
    a bias for each that lacked one, and nothing of the norms that were folded: ``bn0``,
    ``bn_sum`` and ``norm`` of the pre-activated orders, and group norms, remain. Standardised
    weights are computed once, and their convolutions become plain ones. The outputs are those of
    ``model`` in evaluation but for rounding. Raises :class:`ExportError` for a module that
    ``torch.fx`` cannot trace, :class:`~resforge.SpecError` for what is no module, and
    :class:`ResforgeError` for a network that resforge built and that was edited since.

    >>> import resforge as rf
    >>> fused = fuse(rf.build("resnet18"))
    >>> sorted(name for name in fused.state_dict() if name.startswith("layer1.0"))
    ['layer1.0.conv1.bias', 'layer1.0.conv1.weight', 'layer1.0.conv2.bias', 'layer1.0.conv2.weight']
    """
    require_module(model, "fuse")
    fused = folded(unwrap(model))
    if isinstance(getattr(fused, "spec", None), ResNetSpec):
        fused.spec = spec_of(model)  # type: ignore[assignment]
    return fused


def folded(model: nn.Module) -> nn.Module:
    """What :func:`fuse` returns, of a network that may have been edited since it was built."""
    fused, found = evaluation_copy(model), _foldings(model)
    fused.folded = True  # type: ignore[assignment]
    for name in found.standardized:
        fused.set_submodule(name, plain(fused.get_submodule(name)))  # type: ignore[arg-type]
    for pair in found.pairs:
        conv, norm = fused.get_submodule(pair.conv), fused.get_submodule(pair.norm)
        assert isinstance(conv, _ConvNd)
        assert isinstance(norm, _BatchNorm)
        fused.set_submodule(pair.conv, fuse_conv_bn_eval(conv, norm))
        fused.set_submodule(pair.norm, nn.Identity().eval())
    return fused


@torch.no_grad()
def plain(conv: StandardizedConv2d | ScaledStandardizedConv2d) -> nn.Conv2d:
    """A convolution with the weight that ``conv`` convolves with.

    >>> conv = StandardizedConv2d(4, 8, 3)
    >>> x = torch.randn(1, 4, 5, 5)
    >>> torch.equal(plain(conv)(x), conv(x))
    True
    """
    shape = conv.stride, conv.padding, conv.dilation, conv.groups, conv.bias is not None
    kind = SameConv2d if isinstance(conv, SamePadded) else nn.Conv2d
    made = kind(conv.in_channels, conv.out_channels, conv.kernel_size, *shape)  # type: ignore[arg-type]
    made.weight = nn.Parameter(conv.convolved())
    made.bias = conv.bias
    return made.train(conv.training)


def unedited_spec(model: nn.Module) -> ResNetSpec:
    """The spec of ``model``, which :func:`fuse` may have folded.

    Raises :class:`ResforgeError` for a module that resforge did not build, and for one that was
    edited otherwise.
    """
    if not getattr(model, "folded", False):
        return spec_of(model)
    return checked_spec(model, _folded, "fold a network as it was built")


def _folded(model: nn.Module, spec: ResNetSpec) -> Mapping[str, Shown]:
    return shown_by(fuse(made_like(model, spec)))
