"""What the names in a piece of source stand for."""

from __future__ import annotations

import ast
import builtins
import inspect
import symtable
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from ...errors import BuildError

_OURS = __name__.partition(".")[0]


class Found(NamedTuple):
    """What a name stands for."""

    node: ast.expr
    """The name, with the modules before it."""
    value: Any
    """A class, a function, or the module and the name of a value; None for what is imported."""
    statement: str = ""
    """The import that a file needs for it."""


class File(NamedTuple):
    """A module's source: its text, its imports and its values, by the names it gives them."""

    text: str
    imports: dict[str, tuple[str, str]]
    """The module that is imported, or the one that it is imported from and its name there."""
    values: dict[str, ast.stmt]


def free_names(text: str) -> set[str]:
    """The names in ``text`` that are bound outside of it."""
    top = symtable.symtable(text, "source", "exec")
    found = {s.get_name() for s in top.get_symbols() if s.is_referenced() and not s.is_assigned()}
    tables = list(top.get_children())
    while tables:
        table = tables.pop()
        tables += table.get_children()
        found |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
    return found


def chains(node: ast.stmt, names: set[str]) -> Iterator[list[ast.expr]]:
    """The uses of ``names`` in ``node``: each name, then the attributes that are asked of it."""
    above: dict[int, ast.expr] = {}
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute):
            above[id(each.value)] = each
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and each.id in names:
            chain: list[ast.expr] = [each]
            while id(chain[-1]) in above:
                chain.append(above[id(chain[-1])])
            yield chain


def look_up(chain: list[ast.expr], user: Any) -> Found:
    """What the first names of ``chain`` stand for where ``user`` was defined.

    Raises :class:`BuildError` for what a file that needs torch alone cannot hold.
    """
    root = chain[0]
    assert isinstance(root, ast.Name)
    module = user[0] if isinstance(user, tuple) else sys.modules[user.__module__]
    homes = _OURS, _root(module.__name__)
    bound = {**vars(module), **_closure(user)}
    if root.id not in bound:
        if hasattr(builtins, root.id):
            return Found(root, None)
        raise _cannot(user, root.id, "which is found nowhere")
    value, node = bound[root.id], root
    owner, name = module, root.id
    for attribute in chain[1:]:
        if not isinstance(value, ModuleType) or is_foreign(value):
            break
        if _root(value.__name__) not in homes:
            raise _cannot(user, value.__name__, "and the file needs torch alone")
        assert isinstance(attribute, ast.Attribute)
        owner, name, node = value, attribute.attr, attribute  # type: ignore[assignment]
        value = getattr(owner, name)
    if node is root and (statement := _import(module, root.id)):
        return Found(root, None, statement)
    if isinstance(value, type | FunctionType):
        if _root(value.__module__) not in homes:
            raise _cannot(user, f"{value.__module__}.{name}", "and the file needs torch alone")
        return Found(node, value)
    return Found(node, _value(owner, name, user))


def is_foreign(value: Any) -> bool:
    """Whether a file can import a class, a function or a module: torch's or Python's own."""
    module = value.__name__ if isinstance(value, ModuleType) else value.__module__
    return _root(module) == "torch" or _root(module) in sys.stdlib_module_names


@cache
def read_file(module: ModuleType) -> File:
    """The source of ``module``; empty where it cannot be read."""
    try:
        text = inspect.getsource(module)
    except (OSError, TypeError):
        return File("", {}, {})
    tree = ast.parse(text)
    imports: dict[str, tuple[str, str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports |= {each.asname or _root(each.name): (each.name, "") for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            imports |= {each.asname or each.name: (origin, each.name) for each in node.names}
    values: dict[str, ast.stmt] = {}
    for statement in tree.body:
        target = getattr(statement, "target", None)
        if isinstance(statement, ast.Assign):
            target = statement.targets[0]
        if isinstance(target, ast.Name):
            values[target.id] = statement
    return File(text, imports, values)


def _import(module: ModuleType, name: str) -> str:
    """The statement by which ``module`` imports ``name`` from torch or Python; empty for none."""
    origin, part = read_file(module).imports.get(name, (".", ""))
    if _root(origin) != "torch" and _root(origin) not in sys.stdlib_module_names:
        return ""
    if not part:
        return f"import {origin}" + (f" as {name}" if name != _root(origin) else "")
    return f"from {origin} import {part}" + (f" as {name}" if name != part else "")


def _value(module: ModuleType, name: str, user: Any) -> tuple[ModuleType, str]:
    """Where the value that ``module`` knows as ``name`` is defined."""
    file = read_file(module)
    if name in file.values:
        return module, name
    if name not in file.imports:
        raise _cannot(user, name, "whose source cannot be read")
    origin, part = file.imports[name]
    if not origin.startswith(".") and _root(origin) not in (_OURS, _root(module.__name__)):
        raise _cannot(user, origin, "and the file needs torch alone")
    return _value(import_module(origin, module.__package__), part, user)


def _closure(user: Any) -> dict[str, Any]:
    """What the functions of ``user`` know from the function that it was defined in."""
    members = vars(user).values() if isinstance(user, type) else [user]
    found: dict[str, Any] = {}
    for each in members:
        if isinstance(each, FunctionType) and each.__closure__:
            cells = zip(each.__code__.co_freevars, each.__closure__, strict=True)
            found |= {name: cell.cell_contents for name, cell in cells}
    return found


def _cannot(user: Any, name: str, why: str) -> BuildError:
    own = user[1] if isinstance(user, tuple) else user.__name__
    return BuildError(f"{own} cannot be written as code: it uses {name}, {why}")


def _root(name: str) -> str:
    return name.partition(".")[0]
