"""YAML of ultralytics: rows of ``backbone``. It is recognised, and refused by name."""

from __future__ import annotations

from typing import Final

from ..format import Format, Tree
from ..keys import ANY, Key, Keys, Record
from ..node import Node


def holds(root: Node) -> bool:
    """Whether a file has rows of modules."""
    found = root.child("backbone")
    return found is not None and isinstance(found.value, list)


def read(record: Record) -> Tree:
    """Refuse the rows: their blocks have SiLU inside and ReLU after the sum."""
    keys = Keys(record, {"backbone": Key(ANY)}, record.root)
    text = str(keys["backbone"])
    why = ": SiLU within the blocks and ReLU after them" if "ResNetLayer" in text else ""
    keys.refuse(
        "backbone",
        f"no spec is made of rows of modules{why}",
        "write the network as a spec: `resforge new resnet50 > net.yaml`",
    )
    return {}


FORMAT: Final = Format("ultralytics", "ultralytics", holds, read)
