"""Modules that PyTorch does not have, written from their own source.

What serves only those who make them by hand is left out: checks of arguments, what is printed,
examples. Helpers that they use come with them. Nothing of resforge is imported by the text.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from textwrap import dedent
from types import ModuleType
from typing import Any

from torch import nn

from ...blocks import Shortcut
from ...errors import BuildError
from .edits import Edits, apply
from .names import chains, free_names, is_foreign, look_up, read_file
from .part import Part, name_of
from .tidy import tidy

#: Methods for those who make modules by hand.
_LEFT_OUT = ("check", "extra_repr")


def parameters_of(module: Any) -> dict[str, Any]:
    """The parameters of a class's constructor, with their defaults."""
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(module).parameters.values()
    return {each.name: each.default for each in parameters if each.kind not in several}


def layers() -> Iterator[tuple[str, type[nn.Module]]]:
    """The classes of :mod:`torch.nn` whose modules take one tensor, by name."""
    for name, value in sorted(vars(nn).items()):
        if isinstance(value, type) and issubclass(value, nn.Module):
            given = parameters_of(value.forward)
            if [*given.values()] == [inspect.Parameter.empty] * 2:
                yield name, value


def joins(module: type) -> bool:
    """Whether a shortcut of that class joins the branch in a way of its own."""
    if not issubclass(module, Shortcut):
        return False
    return module.join is not Shortcut.join and not _is_faster_sum(module.join)


def _is_faster_sum(join: Any) -> bool:
    return bool(getattr(join, "faster_sum", False))


@cache
def read_part(what: Any) -> Part:
    """``what`` as text. Raises :class:`BuildError` where its source cannot be read."""
    if isinstance(what, tuple):
        return _read_value(*what)
    source = _source_of(what)
    text = _without_checks(source, what)
    if isinstance(what, type):
        text = _without_idle_attributes(text, _attributes_read(source))
    return _settled(text, what)


def _source_of(what: Any) -> str:
    try:
        return dedent(inspect.getsource(what))
    except (OSError, TypeError, SyntaxError) as error:
        raise BuildError(
            f"the source of {what.__name__} cannot be read ({error}), and only that says how it "
            "runs; define it in a file, or export the network as ONNX or with torch.export"
        ) from error


def _read_value(module: ModuleType, name: str) -> Part:
    file = read_file(module)
    return _settled(ast.get_source_segment(file.text, file.values[name]) or "", (module, name))


# What is left out.


def _without_checks(text: str, what: Any) -> str:
    edits: Edits = []
    node = ast.parse(text).body[0]
    for each in ast.walk(node):
        if isinstance(each, ast.FunctionDef) and _is_left_out(each.name, what):
            edits.append((each, None))
        elif isinstance(each, ast.FunctionDef) and each.name == "__init__":
            checks = [statement for statement in each.body if _is_check(statement)]
            edits += [(check, None) for check in checks]
    return apply(text, edits)


def _is_left_out(method: str, what: Any) -> bool:
    if not isinstance(what, type):
        return False
    return method in _LEFT_OUT or (method == "join" and _is_faster_sum(vars(what).get("join")))


def _is_check(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.If):
        return isinstance(statement.body[-1], ast.Raise) and not statement.orelse
    call = statement.value if isinstance(statement, ast.Expr) else None
    name = call.func if isinstance(call, ast.Call) else None
    return isinstance(name, ast.Name) and name.id.startswith("check_")


def _attributes_read(text: str) -> set[str]:
    """The attributes of ``self`` that ``text`` reads."""
    return {
        each.attr
        for each in ast.walk(ast.parse(text))
        if isinstance(each, ast.Attribute)
        and isinstance(each.ctx, ast.Load)
        and isinstance(each.value, ast.Name)
        and each.value.id == "self"
    }


def _without_idle_attributes(text: str, read: set[str]) -> str:
    """``text`` without plain attributes that only what was left out had ``read``."""
    idle = read - _attributes_read(text)
    edits: Edits = [
        (each, None)
        for each in ast.walk(ast.parse(text))
        if isinstance(each, ast.Assign)
        and isinstance(each.targets[0], ast.Attribute)
        and each.targets[0].attr in idle
        and isinstance(each.value, ast.Name | ast.Constant | ast.Tuple)
    ]
    return apply(text, edits)


# What it uses.


def _settled(text: str, what: Any) -> Part:
    """``text`` with its names settled: what it imports, and what has to come with it."""
    node = ast.parse(text).body[0]
    name = name_of(what)
    edits: Edits = []
    needs: dict[Any, None] = {}
    imports: set[str] = set()
    if isinstance(node, ast.ClassDef):
        edits += _bases(node, what, needs)
    settled = {id(base) for base in getattr(node, "bases", ())}
    types = {id(part) for each in _annotations(node) for part in ast.walk(each)}
    for chain in chains(node, free_names(text) - {name}):
        found = look_up(chain, what)
        if id(found.node) in settled or found.value is None:
            imports |= {found.statement} - {""}
        elif id(found.node) in types and _is_module(found.value):
            edits.append((found.node, "nn.Module"))
        else:
            needs[found.value] = None
            edits.append((found.node, name_of(found.value)))
    return Part(name, tidy(apply(text, edits)), frozenset(imports), tuple(needs))


def _is_module(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, nn.Module)


def _bases(node: ast.ClassDef, what: type, needs: dict[Any, None]) -> Edits:
    """The bases as the text has them: classes that give it nothing are left out."""
    wanted = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    own = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
    wanted |= {"__init__"} | ({"forward", *(["join"] if joins(what) else [])} - own)
    if not node.bases:
        return []
    names: list[str] = []
    for base, kind in zip(node.bases, what.__bases__, strict=False):
        if is_foreign(kind):
            names.append(ast.unparse(base))
        elif _gives(kind, wanted | _overridden(kind, what)):
            needs[kind] = None
            names.append(kind.__name__)
        else:
            names += _plain_bases(kind)
    some = [name for name in dict.fromkeys(names) if name != "nn.Module"] or ["nn.Module"]
    whole = ast.copy_location(ast.Name("bases"), node.bases[0])
    whole.end_lineno, whole.end_col_offset = (
        node.bases[-1].end_lineno,
        node.bases[-1].end_col_offset,
    )
    return [(whole, ", ".join(some))]


def _gives(kind: type, wanted: set[str]) -> bool:
    """Whether ``kind`` or a base of it, none of them PyTorch's, has any of the ``wanted``."""
    ours = (each for each in kind.__mro__ if not is_foreign(each))
    return any(
        name in vars(each) and not _is_left_out(name, each) for each in ours for name in wanted
    )


def _overridden(kind: type, what: type) -> set[str]:
    """The methods of PyTorch's bases of ``what`` that ``kind`` has in their place."""
    theirs = {name for each in what.__mro__ if is_foreign(each) for name in vars(each)}
    # From Python 3.14 on, what evaluates the annotations of a class is a function of it.
    theirs.discard("__annotate_func__")
    ours = (each for each in kind.__mro__ if not is_foreign(each))
    return {
        name
        for each in ours
        for name, value in vars(each).items()
        if inspect.isfunction(value) and name in theirs
    }


def _plain_bases(kind: type) -> Iterator[str]:
    """The classes of PyTorch that ``kind`` derives from."""
    if getattr(nn, kind.__name__, None) is kind:
        yield f"nn.{kind.__name__}"
    elif kind is not object and is_foreign(kind):
        raise BuildError(f"no class of the text can derive from {kind.__name__} of another file")
    else:
        for base in kind.__bases__:
            yield from _plain_bases(base)


def _annotations(node: ast.stmt) -> Iterator[ast.expr]:
    for each in ast.walk(node):
        for field in ("annotation", "returns"):
            annotation = getattr(each, field, None)
            if isinstance(annotation, ast.expr):
                yield annotation
