"""Parts of a network that are not trained."""

from __future__ import annotations

from torch import nn

from ..blocks.freezing import freezable, parts_text
from ..errors import Fault, SpecError


def freeze(model: nn.Module, part: str | None) -> list[nn.Module]:
    """Freeze the weights of a part of a network built by resforge; the frozen modules.

    ``backbone`` is all but the head, ``stages:N`` the stem and the first N stages, ``norm`` every
    normalisation. :func:`train_mode` keeps the frozen modules in evaluation mode, which keeps
    their running statistics. Raises :class:`~resforge.SpecError` for any other part.

    >>> import resforge as rf
    >>> model = rf.build("cifar_resnet20")
    >>> _ = freeze(model, "backbone")
    >>> [name for name, p in model.named_parameters() if p.requires_grad]
    ['fc.weight', 'fc.bias']
    """
    if part is None:
        return []
    parts = freezable(model)
    if part not in parts:
        message = f"{part!r} cannot be frozen"
        raise SpecError(Fault("value", message, "freeze", f"use {parts_text(model)}"))
    frozen = [model.get_submodule(name) for name in parts[part]]
    for module in frozen:
        module.requires_grad_(False)
    return frozen


def train_mode(model: nn.Module, frozen: list[nn.Module]) -> None:
    """Set training mode, and evaluation mode in the frozen modules."""
    model.train()
    for module in frozen:
        module.eval()
