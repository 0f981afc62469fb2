"""Measured costs of the networks of a sweep, in a file beside the store.

They depend on the machine, unlike the results of trials, and any store can get them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ...errors import StoreError, printable
from ...files import write_whole
from ...training.cost import Cost

MEASURED_NAME = "measured.json"


def read_measured(folder: str | os.PathLike[str]) -> dict[str, Cost]:
    """Cost of each arm that was measured, by its digest; empty where none was.

    Raises ``StoreError`` for a file that is not as it was written.
    """
    path = Path(folder) / MEASURED_NAME
    if not path.exists():
        return {}
    try:
        tree = json.loads(path.read_bytes())
        costs = tree["costs"]
        if tree["sha256"] != _digest(costs):
            raise ValueError("it is not as it was written")
        return _adapter().validate_python(costs)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        reason = printable(str(error).partition("\n")[0])
        raise StoreError(
            f"{printable(str(path))}: damaged ({reason}): remove it, and measure again with"
            " `resforge sweep run --measure`"
        ) from error


def write_measured(folder: str | os.PathLike[str], costs: Mapping[str, Cost]) -> None:
    """Write the file atomically. Raises ``StoreError`` where it cannot be written."""
    tree = {digest: asdict(cost) for digest, cost in costs.items()}
    plain = json.loads(json.dumps(tree))
    text = json.dumps({"sha256": _digest(plain), "costs": plain}, indent=1)
    write_whole(Path(folder) / MEASURED_NAME, text)


def _digest(costs: Any) -> str:
    return sha256(json.dumps(costs, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[dict[str, Cost]]:
    return TypeAdapter(dict[str, Cost])
