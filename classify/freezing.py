"""Parts of a network that keep the weights they were given."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torch import nn

from ..errors import Fault, SpecError

_STAGES = re.compile(r"stages:(\d{1,4})", re.ASCII)
_NORMS = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm)


def freeze(model: nn.Module, what: str | None) -> list[nn.Module]:
    """Let parts of a network built by resforge keep their weights, and name those parts.

    ``backbone`` is all but the head, ``stages:N`` the stem and the first N stages, ``norm`` every
    normalisation. Their running statistics stay too: the parts are to be in evaluation mode while
    the rest is trained. Raises :class:`~resforge.SpecError` for anything else.

    >>> import resforge as rf
    >>> model = rf.build("cifar_resnet20")
    >>> _ = freeze(model, "backbone")
    >>> [name for name, p in model.named_parameters() if p.requires_grad]
    ['fc.weight', 'fc.bias']
    """
    frozen = [] if what is None else list(_parts(model, what))
    for part in frozen:
        part.requires_grad_(False)
    return frozen


def train_mode(model: nn.Module, frozen: list[nn.Module]) -> None:
    """Training mode for all but what is frozen."""
    model.train()
    for part in frozen:
        part.eval()


def _parts(model: nn.Module, what: str) -> Iterator[nn.Module]:
    if what == "norm":
        yield from (module for module in model.modules() if isinstance(module, _NORMS))
        return
    children = dict(model.named_children())
    stages = [name for name in children if re.fullmatch(r"layer\d+", name)]
    match = _STAGES.fullmatch(what)
    if what == "backbone":
        yield from (child for name, child in children.items() if name != "fc")
    elif match and 0 <= int(match[1]) <= len(stages):
        # The stem comes before the first stage.
        names, count = [*children], int(match[1])
        end = names.index(stages[count - 1]) + 1 if count else names.index(stages[0])
        yield from (children[name] for name in names[:end])
    else:
        most = f"stages:0 to stages:{len(stages)}"
        message = f"{what!r} cannot be frozen"
        raise SpecError(Fault("value", message, "freeze", f"use backbone, norm, or {most}"))
