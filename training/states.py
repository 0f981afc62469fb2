"""Whether the state of one training fits another, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import printable

if TYPE_CHECKING:
    from torch import nn

#: Settings whose values are digests, which say nothing to a reader.
_DIGESTS = ("network", "data", "weights")


def misfit(model: nn.Module, tensors: Any) -> str | None:
    """The first difference of ``tensors`` from the state dict of ``model`` in names, shapes and
    types; None for none."""
    expected = {name: _form(tensor) for name, tensor in model.state_dict().items()}
    if not hasattr(tensors, "items"):
        return "it does not hold named tensors"
    given = {name: _form(tensor) for name, tensor in tensors.items()}
    for name in [*expected, *given]:
        if expected.get(name) != given.get(name):
            there, here = given.get(name, "missing"), expected.get(name, "not in the network")
            return printable(f"{name} is {there}, and in the network {here}")
    return None


def _form(tensor: Any) -> str:
    """Shape and type of a tensor."""
    if not (hasattr(tensor, "shape") and hasattr(tensor, "dtype")):
        return type(tensor).__name__
    return f"{tuple(tensor.shape)} of {str(tensor.dtype).removeprefix('torch.')}"


def difference(name: str, there: Any, here: Any) -> str:
    """Name of a setting that differs, with its two values where they are short.

    >>> difference("seed", 0, 1), difference("data", "ab", "cd")
    ('seed (0 there, 1 here)', 'data')
    """
    short = all(isinstance(value, int | float | str | None) for value in (there, here))
    values = f" ({there} there, {here} here)" if short and name not in _DIGESTS else ""
    return f"{name}{values}"


def reason(why: object) -> str:
    """Why a state does not fit, in one line: a text, or an exception that using it raised.

    >>> reason(KeyError("model"))
    "KeyError: 'model'"
    """
    name = f"{type(why).__name__}: " if isinstance(why, LookupError | TypeError) else ""
    return printable(name + str(why).partition("\n")[0])
