"""A call that makes a module, in plain values: the builder makes it, the exporter prints it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class ChannelCount(int):
    """A number of channels: the exporter writes it as the argument that carries it."""


class Call(NamedTuple):
    """A class by name, and what its constructor is given.

    Names that begin with ``nn.`` are PyTorch's, all others those of :mod:`resforge.blocks` or of
    a registered module. Values are numbers, text, truth values, None, or calls.

    >>> call("nn.Conv2d", 64, 128, 3, stride=2, bias=False)
    Call(name='nn.Conv2d', args=(64, 128, 3), options={'stride': 2, 'bias': False})
    """

    name: str
    args: tuple[Any, ...]
    options: dict[str, Any]


def call(name: str, *args: Any, **options: Any) -> Call:
    """The call of ``name`` with these arguments."""
    return Call(name, args, options)


def nest(calls: Mapping[str, Call]) -> dict[str, Call]:
    """``calls`` by the first parts of their names.

    >>> nest({"of.0": call("A"), "of.1": call("B"), "dropout": call("C")})["of"].options.keys()
    dict_keys(['0', '1'])
    """
    found: dict[str, Any] = {}
    for name, made in calls.items():
        first, _, rest = name.partition(".")
        if rest:
            found.setdefault(first, {})[rest] = made
        else:
            found[first] = made
    return {
        name: part if isinstance(part, Call) else Call("nn.Sequential", (), nest(part))
        for name, part in found.items()
    }


IDENTITY = call("nn.Identity")
"""What stands where an operation has nothing to do."""
