"""What a module shows of itself: its class, its settings, and the shapes of its tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from ..blocks import Identity, ShortcutPath
from ..blocks.checkpointing import CheckpointedSequential
from ..blocks.frozen import FROZEN
from ..blocks.layers import NamedSequential

#: Classes that compute the same: frozen norms, and sequences and identities of other names.
_SAME: dict[type[nn.Module], type[nn.Module]] = {
    **{frozen: norm for norm, frozen in FROZEN.items()},
    NamedSequential: nn.Sequential,
    CheckpointedSequential: nn.Sequential,
    ShortcutPath: nn.Sequential,
    Identity: nn.Identity,
}
#: Names under which a wrapper around one part of a network holds it.
_WRAPPED = frozenset({"_orig_mod", "_checkpoint_wrapped_module"})


class Shown(NamedTuple):
    """What a module shows of itself."""

    kind: type[nn.Module]
    """Its class, or the usual one of those that compute the same."""
    settings: Mapping[str, Any]
    """Its plain attributes, by name."""
    tensors: Mapping[str, tuple[int, ...]]
    """Shapes of its own parameters and buffers."""
    replaced: str
    """A method that the module has of its own, in place of its class's; empty for none."""

    def synchronises(self, other: Shown) -> bool:
        """Whether it is a batch norm over the batches of several processes, and ``other`` one of
        this process."""
        return self.kind is nn.SyncBatchNorm and issubclass(other.kind, _BatchNorm)

    @property
    def idle(self) -> bool:
        """Whether the module gives what it takes."""
        return self.kind is nn.Identity


def shown_by(network: nn.Module) -> dict[str, Shown]:
    """What every module of ``network`` shows, by name; wrappers around single parts are left out.

    A module that stands in two places is shown in both.
    """
    return {
        plain_name(name): show(module)
        for name, module in network.named_modules(remove_duplicate=False)
        if _WRAPPED.isdisjoint(module._modules)
    }


def plain_name(name: str) -> str:
    """The name of a module or tensor without those of wrappers around single parts.

    >>> plain_name("layer1._orig_mod.0.conv1.weight")
    'layer1.0.conv1.weight'
    """
    return ".".join(part for part in name.split(".") if part not in _WRAPPED)


def show(module: nn.Module) -> Shown:
    """What ``module`` shows of itself."""
    own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    kind = type(module)
    return Shown(
        _SAME.get(kind, kind),
        dict(_settings(module)),
        {name: tuple(tensor.shape) for name, tensor in own},
        replaced_in(module),
    )


def replaced_in(module: nn.Module) -> str:
    """A method that the module has of its own, in place of its class's; empty for none."""
    kind = type(module)
    return next((name for name in vars(module) if callable(getattr(kind, name, None))), "")


def _settings(module: nn.Module) -> Iterator[tuple[str, Any]]:
    for name, value in vars(module).items():
        # What begins with an underscore follows from the others.
        if not name.startswith("_") and is_plain(value):
            yield name, _usual(value)
    if isinstance(module, _ConvNd) and module.padding == "same":
        sides = zip(module.dilation, module.kernel_size, strict=True)
        spreads = [dilation * (kernel - 1) for dilation, kernel in sides]
        odd = any(spread % 2 for spread in spreads)
        yield "padding", "same" if odd else _usual([spread // 2 for spread in spreads])


def is_plain(value: Any) -> bool:
    """Whether a module's attribute is a setting: a number, a text, nothing, or several."""
    if isinstance(value, tuple | list):
        return all(map(is_plain, value))
    return value is None or isinstance(value, bool | int | float | str | torch.dtype)


def _usual(value: Any) -> Any:
    """One value for the ways in which PyTorch takes the same: 3 for (3, 3)."""
    if isinstance(value, tuple | list):
        parts = tuple(map(_usual, value))
        return parts[0] if parts and len(set(parts)) == 1 else parts
    return value
