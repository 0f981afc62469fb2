"""The calls that make the modules of a plan, in plain values."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import BuildError
from ..specs.call import Call, call, nest
from ..specs.layer import Module
from ..specs.layout import BlockPlan

IDENTITY_SHORTCUT = call("Identity")
"""The shortcut that is its input."""


def nested(modules: Iterable[Module]) -> dict[str, Call]:
    """The calls of a chain by name, those that share the first part of a name in one sequence."""
    found: dict[str, Call] = {}
    for module in modules:
        if module.name in found:
            raise BuildError(f"two operations of one chain are named {module.name!r}; rename one")
        found[module.name] = call_of(module)
    return nest(found)


def call_of(module: Module) -> Call:
    """The call that makes a planned module. Raises :class:`BuildError` for what is no call."""
    made = module.op.call(module)
    if not isinstance(made, Call):
        raise BuildError(
            f"{type(module.op).__name__}.call gives {made!r}, which is no call; write "
            'return call("MyModule", ...), with resforge.specs.call'
        )
    return made


def shortcut_call(block: BlockPlan) -> Call | None:
    """The call that makes a block's shortcut; None where it has none, or is x itself."""
    if block.shortcut.absent:
        return None
    inner = {
        module.name.removeprefix("downsample").lstrip("."): call_of(module)
        for module in block.modules.path
    }
    path = IDENTITY_SHORTCUT
    if any(module.layers or module.op.canonical(module) for module in block.modules.path):
        path = inner[""] if "" in inner else Call("ShortcutPath", (), nest(inner))
    join = block.modules.join
    if join.kind != "add" and "of" in path.options:
        path = path.options["of"]
        if path.name == "nn.Sequential":
            path = path._replace(name="ShortcutPath")
    return join.call(path, block.site)
