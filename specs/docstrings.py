"""What the docstrings of fields say, read when a schema or a page of the docs asks for it.

Pydantic's ``use_attribute_docstrings`` reads the source of each class when it is made: half of the
time of every command's start.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache

from pydantic import BaseModel


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """The docstring below each field of ``model`` that has one, by the field's name.

    >>> from resforge.specs.operations import ConvSpec
    >>> descriptions(ConvSpec)["groups"]
    'Groups of channels that are convolved apart.'
    """
    found = {}
    for name in model.model_fields:
        # The class that declares it last says what it is.
        declared = (each for each in model.__mro__ if name in vars(each).get("__annotations__", ()))
        owner = next(declared, model)
        if text := _of_module(owner.__module__).get(owner.__qualname__, {}).get(name):
            found[name] = text
    return found


@cache
def _of_module(name: str) -> dict[str, dict[str, str]]:
    """The docstrings of the fields of each class of a module, by the qualified names of both."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except (OSError, TypeError, SyntaxError, KeyError):
        return {}  # typed at a prompt, say
    return {name: dict(_of_class(node)) for name, node in _classes(tree, "")}


def _classes(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
    """The classes within a part of a module, by their qualified names."""
    for child in ast.iter_child_nodes(node):
        inside = prefix
        if isinstance(child, ast.ClassDef):
            yield f"{prefix}{child.name}", child
            inside = f"{prefix}{child.name}."
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = f"{prefix}{child.name}.<locals>."
        yield from _classes(child, inside)


def _of_class(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """The fields of a class that a docstring follows, with it."""
    for field, after in zip(node.body, node.body[1:], strict=False):
        match field, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, inspect.cleandoc(text)
