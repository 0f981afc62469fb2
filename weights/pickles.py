"""Checks the pickles of ``torch.save`` before they are unpickled."""

from __future__ import annotations

import os
import pickletools
from collections.abc import Sequence
from typing import IO

from .dry_run import DryRun, TooMuchError
from .errors import WeightsError, refuse

#: Far above any network: a ResNet of 1202 layers has 7,208 tensors.
MAX_TENSORS = 20_000
#: What describes so many tensors takes, as a dry run counts it: 67 for a parameter, and three times
#: as much for the state of its optimizer.
MAX_STEPS = 100 * MAX_TENSORS
#: Entries of a checkpoint that conventionally hold the weights, the most likely first.
ENTRIES = ("state_dict", "model", "model_state_dict", "net", "module", "weights")

_MODULE = "torch.nn.modules."
_ASK = "otherwise ask for a .safetensors file"


def check_pickle(path: str | os.PathLike[str], stream: IO[bytes], size: int) -> None:
    """Follow one pickle of ``stream`` to its end without running it.

    ``size`` is that of the file in bytes. Raises :class:`WeightsError` for a pickle that
    ``torch.load(weights_only=True)`` does not read, for one that describes more than a network
    needs or more than the file holds, and for a broken one.
    """
    run = DryRun(MAX_STEPS, size)
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            run.step(opcode.name, argument)
    except TooMuchError as error:
        raise _too_many(path) from error
    except (ValueError, IndexError, KeyError, OverflowError, MemoryError, EOFError) as error:
        raise damaged(path) from error
    if run.code:
        raise _holds_code(path, run.code, run.texts)
    if run.strange:
        found = f"contains more than tensors ({run.strange}); nothing was run"
        raise refuse(path, found, resave(path, run.texts), "code")


def damaged(path: str | os.PathLike[str]) -> WeightsError:
    """The error of a file that is truncated or damaged."""
    return refuse(path, "is truncated or damaged", "download or copy it again")


def resave(path: str | os.PathLike[str], texts: Sequence[str] = (), module: bool = False) -> str:
    """The remedy for a file that holds more than tensors: the Python that writes only these.

    ``texts`` are the strings in the file, among them the names of its entries.

    >>> print(resave("a.pth", ["state_dict"]).split("; ")[1].partition(", ")[0])
    torch.save(torch.load('a.pth'
    """
    name = os.fspath(path)
    load = f"torch.load({name!r}, map_location='cpu', weights_only=False)"
    entry = next((entry for entry in ENTRIES if entry in texts), None)
    if module:
        tensors = f"{load}.state_dict()"
    elif entry:
        tensors = f"{load}[{entry!r}]"
    else:
        tensors = f"{{k: v for k, v in {load}.items() if torch.is_tensor(v)}}"
    written = f"{os.path.splitext(name)[0]}.tensors.pth"
    line = f"import torch; torch.save({tensors}, {written!r})"
    return f"where its author is trusted, run its code and save the tensors alone: {line}; {_ASK}"


def _too_many(path: str | os.PathLike[str]) -> WeightsError:
    return refuse(
        path,
        f"describes more than {MAX_TENSORS:,} tensors; no residual network has as many",
        "ask its author what it holds",
    )


def _holds_code(
    path: str | os.PathLike[str], code: Sequence[str], texts: Sequence[str]
) -> WeightsError:
    nothing = "not only tensors; nothing was run"
    if any(name.startswith(_MODULE) for name in code):
        whole = next((name for name in code if not name.startswith(_MODULE)), code[0])
        found = f"holds a whole pickled module, which is code ({whole}), {nothing}"
        return refuse(path, found, resave(path, module=True), "code")
    return refuse(path, f"contains code ({code[0]}), {nothing}", resave(path, texts), "code")
