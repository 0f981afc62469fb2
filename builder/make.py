"""From the calls of a plan to modules."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from torch import nn

from .. import blocks
from ..errors import BuildError
from ..planner.calls import nested, shortcut_call
from ..specs.call import Call, ChannelCount
from ..specs.layer import Module
from ..specs.layout import BlockModules, BlockPlan, with_drop_path

#: Module classes that calls can name beside PyTorch's, by name; registered ones are added.
MODULES: dict[str, type[nn.Module]] = {
    name: value
    for name in blocks.__all__
    if isinstance(value := getattr(blocks, name), type) and issubclass(value, nn.Module)
}
BUILT_IN_MODULES = frozenset(MODULES)


class _Unfilled:
    """Leaves parameters as memory has them: what a constructor of PyTorch draws would only be
    overwritten, since the plan says where each of them starts."""

    def reset_parameters(self) -> None:
        """Draw nothing."""


class _Conv1d(_Unfilled, nn.Conv1d): ...


class _Conv2d(_Unfilled, nn.Conv2d): ...


class _Conv3d(_Unfilled, nn.Conv3d): ...


class _Linear(_Unfilled, nn.Linear): ...


_UNFILLED: dict[str, tuple[type[nn.Module], type[nn.Module]]] = {
    "nn.Conv1d": (_Conv1d, nn.Conv1d),
    "nn.Conv2d": (_Conv2d, nn.Conv2d),
    "nn.Conv3d": (_Conv3d, nn.Conv3d),
    "nn.Linear": (_Linear, nn.Linear),
}


def make(made: Call) -> nn.Module:
    """The module that a call makes, those among its arguments made first.

    Raises :class:`BuildError` for a class that nobody registered, and for arguments that a
    registered one does not take.
    """
    args = [_value(value) for value in made.args]
    options = {name: _value(value) for name, value in made.options.items()}
    if made.name in _UNFILLED:
        # As torch.nn.utils.skip_init, in 0.35 of its time (90 against 256 us).
        unfilled, plain = _UNFILLED[made.name]
        module = unfilled(*args, **options)
        module.__class__ = plain
        return module
    if made.name in ("nn.Sequential", "ShortcutPath"):
        return class_of(made.name)(OrderedDict(options))
    cls = class_of(made.name)
    if made.name.startswith("nn.") or made.name in BUILT_IN_MODULES:
        return cls(*args, **options)
    try:
        inspect.signature(cls).bind(*args, **options)
    except TypeError as error:
        raise BuildError(
            f"{made.name} cannot be called as its spec says: {error}; correct the kind's 'call',"
            f" or {made.name}.__init__"
        ) from None
    return cls(*args, **options)


def class_of(name: str) -> type[nn.Module]:
    """The module class that a call names."""
    if name.startswith("nn."):
        if not hasattr(nn, name[3:]):
            raise BuildError(f"no module {name!r} in PyTorch; correct the kind's 'call'")
        found: type[nn.Module] = getattr(nn, name[3:])
        return found
    if name not in MODULES:
        raise BuildError(
            f"no module {name!r}: call resforge.register with its class as the second argument"
        )
    return MODULES[name]


def _value(value: Any) -> Any:
    if isinstance(value, Call):
        return make(value)
    return int(value) if isinstance(value, ChannelCount) else value


def chain(modules: Iterable[Module]) -> nn.Sequential:
    """The modules of a chain in a row, under their own names."""
    return nn.Sequential(OrderedDict(steps(modules)))


def steps(modules: Iterable[Module]) -> dict[str, nn.Module]:
    """The modules of a chain by name; those that share the first part of a name stand in one
    sequence under it."""
    return {name: make(made) for name, made in nested(modules).items()}


def make_block(block: BlockPlan) -> nn.Module:
    """The module of a planned block."""
    modules: BlockModules = block.modules
    if block.resolved.drop_rate:
        modules = with_drop_path(modules, block.resolved)
    shortcut = shortcut_call(block)
    return blocks.ResidualBlock(
        steps(modules.branch),
        None if shortcut is None else make(shortcut),
        entry=steps(modules.entry),
        exit=steps(modules.exit),
        fresh=modules.fresh,
    )
