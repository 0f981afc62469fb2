"""Checks the instructions of a pickle before it is unpickled."""

from __future__ import annotations

import os
import pickletools
from typing import IO

from .errors import WeightsError, refuse

#: Far above any network: a ResNet of 1202 layers has 7,208 tensors.
MAX_TENSORS = 20_000
#: Number of pickle instructions that describe so many tensors.
MAX_STEPS = 40 * MAX_TENSORS

_TENSORS = {
    "collections.OrderedDict",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch.nn.parameter.Parameter",
    "torch.Size",
    "torch.device",
    "torch.storage.UntypedStorage",
    *(
        f"torch.{kind}Storage"
        for kind in (
            *("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte"),
            *("Bool", "ComplexFloat", "ComplexDouble"),
        )
    ),
}
_MODULE = "torch.nn.modules."


def check_pickle(path: str | os.PathLike[str], stream: IO[bytes]) -> None:
    """Read one pickle of ``stream`` to its end without running it.

    Raises :class:`WeightsError` for a pickle that holds more than tensors, lists and mappings, or
    more of them than a network needs, and for a broken one.
    """
    names: list[str] = []
    texts = ["", ""]
    try:
        for step, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if step > MAX_STEPS:
                raise _too_many(path)
            if opcode.name in ("GLOBAL", "INST"):
                names.append(_full_name(*str(argument).split(" ", 1)))
            elif opcode.name == "STACK_GLOBAL":
                names.append(_full_name(*texts))
            elif isinstance(argument, str):
                texts = [texts[1], argument]
    except (ValueError, IndexError, OverflowError, MemoryError, EOFError) as error:
        raise damaged(path) from error
    if code := [name for name in names if name not in _TENSORS]:
        raise _holds_code(path, code)


def _full_name(module: str, name: str = "") -> str:
    return f"{'builtins' if module == '__builtin__' else module}.{name}"


def damaged(path: str | os.PathLike[str]) -> WeightsError:
    """The error of a file that is truncated or damaged."""
    return refuse(path, "is truncated or damaged", "download or copy it again")


def _too_many(path: str | os.PathLike[str]) -> WeightsError:
    return refuse(
        path,
        f"describes more than {MAX_TENSORS:,} tensors; no residual network has as many",
        "ask its author what it holds",
    )


def _holds_code(path: str | os.PathLike[str], code: list[str]) -> WeightsError:
    nothing = "not only tensors; nothing was run"
    if any(name.startswith(_MODULE) for name in code):
        whole = next((name for name in code if not name.startswith(_MODULE)), code[0])
        return refuse(
            path,
            f"holds a whole pickled module, which is code ({whole}), {nothing}",
            "where its code is trusted, load it there and save model.state_dict(); or ask for a "
            ".safetensors file",
            "code",
        )
    return refuse(
        path, f"contains code ({code[0]}), {nothing}", "ask for a .safetensors file", "code"
    )
