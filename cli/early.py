"""What takes longest of a command, begun before its words are read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise

_LEVELS = frozenset({"-q", "--quiet", "-v", "--verbose"})


def begun_early(words: Sequence[str]) -> AbstractContextManager[None]:
    """A context in which workers are prepared, where the words are of a sweep that needs them."""
    device = device_of_workers(words)
    if device is None:
        return nullcontext()
    from ..ablation.running.forking import started_early

    return started_early(device)


def device_of_workers(words: Sequence[str]) -> str | None:
    """The device of a new sweep that is to be trained in processes; None for any other command.

    The words are not checked: a wrong guess costs a process that is ended again, or a second.

    >>> device_of_workers(["sweep", "run", "sweep.yaml", "--out", "new"])
    'auto'
    >>> device_of_workers(["sweep", "run", "sweep.yaml", "--out=new", "--engine", "ray"])
    >>> device_of_workers(["sweep", "plan", "sweep.yaml"])
    """
    plain = [word for word in words if word not in _LEVELS]
    if plain[:2] != ["sweep", "run"] or not {"-h", "--help"}.isdisjoint(plain):
        return None
    from ..ablation.results import STORE_NAME

    given = {"--engine": "process", "--device": "auto"}
    for word, following in pairwise([*plain, ""]):
        name, equals, value = word.partition("=")
        given[name] = value if equals else following
    # Where there are results, there may be nothing left to train. What is wrong with a folder, the
    # command says: os.path.exists raises nothing.
    new = "--out" in given and not os.path.exists(os.path.join(given["--out"], STORE_NAME))
    return given["--device"] if new and given["--engine"] == "process" else None
