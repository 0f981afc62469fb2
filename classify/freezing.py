"""Parts of a network that are not trained."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torch import nn

from ..errors import Fault, SpecError

_STAGES = re.compile(r"stages:(\d{1,4})", re.ASCII)
_NORMS = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm)


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
    frozen = [] if part is None else list(_modules(model, part))
    for module in frozen:
        module.requires_grad_(False)
    return frozen


def train_mode(model: nn.Module, frozen: list[nn.Module]) -> None:
    """Set training mode, and evaluation mode in the frozen modules."""
    model.train()
    for module in frozen:
        module.eval()


def _modules(model: nn.Module, part: str) -> Iterator[nn.Module]:
    if part == "norm":
        yield from (module for module in model.modules() if isinstance(module, _NORMS))
        return
    children = dict(model.named_children())
    stages = [name for name in children if re.fullmatch(r"layer\d+", name)]
    match = _STAGES.fullmatch(part)
    if part == "backbone":
        head = getattr(model, "head_names", ["fc"])
        yield from (child for name, child in children.items() if name not in head)
    elif match and 0 <= int(match[1]) <= len(stages):
        # The stem comes before the first stage.
        names, count = [*children], int(match[1])
        end = names.index(stages[count - 1]) + 1 if count else names.index(stages[0])
        yield from (children[name] for name in names[:end])
    else:
        counts = f"stages:0 to stages:{len(stages)}"
        message = f"{part!r} cannot be frozen"
        raise SpecError(Fault("value", message, "freeze", f"use backbone, norm, or {counts}"))
