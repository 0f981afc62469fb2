"""Python files of settings, read as literals. Nothing in them is run."""

from __future__ import annotations

import ast
from typing import Any, Final

from ..errors import SpecError
from ..text.document import Source
from .node import Code, Node

MAX_DEPTH: Final = 32
#: Statements that change no setting.
_IDLE = (ast.Import, ast.ImportFrom, ast.Pass, ast.Delete)


def read_python(source: Source, bases: dict[str, Node] | None = None) -> Node:
    """The names that a file sets at its top, as a mapping. Raises :class:`SpecError`.

    ``dict(...)`` is a mapping, and a name stands for what it was set to before. Any other
    expression is kept as :class:`Code`, which is refused where it is needed. ``bases`` holds what
    ``_base_.name`` stands for.

    >>> text = "norm = dict(type='BN')\\nmodel = dict(norm_cfg=norm, lr=0.1 * 8)"
    >>> read_python(Source(text)).plain()["model"]
    {'norm_cfg': {'type': 'BN'}, 'lr': Code(text='0.1 * 8')}
    """
    try:
        tree = ast.parse(source.text)
    except SyntaxError as error:
        offset = _at(source, error.lineno or 1, max(0, (error.offset or 1) - 1))
        raise SpecError(source.fault("syntax", error.msg, offset)) from None
    except (ValueError, RecursionError, MemoryError):
        raise SpecError(source.fault("syntax", "this is not Python", 0)) from None
    return Node(_Reader(source, bases or {}).names(tree), source)


class _Reader:
    def __init__(self, source: Source, bases: dict[str, Node]) -> None:
        self.source = source
        self.bases = bases
        self.known: dict[str, Node] = {}

    def names(self, tree: ast.Module) -> dict[str, Node]:
        for statement in tree.body:
            if isinstance(statement, _IDLE) or _is_text(statement):
                continue
            target = _target(statement)
            if target is None or not isinstance(statement, ast.Assign | ast.AnnAssign):
                raise SpecError(
                    self.source.fault(
                        "code",
                        "this is code, which is not run, and may change the settings",
                        self._offset(statement),
                        (),
                        "write the settings as literals: name = dict(...)",
                    )
                )
            if statement.value is not None:
                key = self._offset(statement)
                node = self._node(statement.value, 0)
                self.known[target] = Node(node.value, node.source, node.start, key)
        return self.known

    def _node(self, expression: ast.expr, depth: int) -> Node:
        start = self._offset(expression)
        return Node(self._value(expression, depth), self.source, start, start)

    def _value(self, item: ast.expr, depth: int) -> Any:
        if depth > MAX_DEPTH:
            message = f"nested deeper than {MAX_DEPTH} levels"
            raise SpecError(self.source.fault("nesting", message, self._offset(item)))
        if isinstance(item, ast.Constant):
            return (
                item.value if isinstance(item.value, str | int | float | None) else self._code(item)
            )
        if isinstance(item, ast.List | ast.Tuple):
            return [self._node(part, depth + 1) for part in item.elts]
        if isinstance(item, ast.Dict):
            return self._mapping(item.keys, item.values, item, depth)
        if isinstance(item, ast.Call) and isinstance(item.func, ast.Name):
            named = [ast.Constant(word.arg) if word.arg else None for word in item.keywords]
            if item.func.id == "dict" and not item.args:
                return self._mapping(named, [word.value for word in item.keywords], item, depth)
        if isinstance(item, ast.Name) and item.id in self.known:
            return self.known[item.id].value
        if isinstance(item, ast.UnaryOp) and isinstance(item.op, ast.USub):
            value = self._value(item.operand, depth + 1)
            return -value if isinstance(value, int | float) else self._code(item)
        return self._of_base(item)

    def _mapping(self, keys: Any, values: list[ast.expr], whole: ast.expr, depth: int) -> Any:
        found: dict[str, Node] = {}
        for key, expression in zip(keys, values, strict=True):
            if not isinstance(key, ast.Constant):
                return self._code(whole)
            node = self._node(expression, depth + 1)
            at = self._offset(key) if hasattr(key, "lineno") else node.start
            found[str(key.value)] = Node(node.value, node.source, node.start, at)
        return found

    def _of_base(self, item: ast.expr) -> Any:
        """The value of ``_base_.a.b``, or the code of another expression."""
        names: list[str] = []
        inner = item
        while isinstance(inner, ast.Attribute):
            names.insert(0, inner.attr)
            inner = inner.value
        if names and isinstance(inner, ast.Name) and inner.id == "_base_":
            found = Node(self.bases).at(*names)
            if found is not None:
                return found.value
        return self._code(item)

    def _code(self, item: ast.expr) -> Code:
        return Code((ast.get_source_segment(self.source.text, item) or "")[:100])

    def _offset(self, item: ast.AST) -> int:
        return _at(self.source, getattr(item, "lineno", 1), getattr(item, "col_offset", 0))


def _at(source: Source, line: int, column: int) -> int:
    """The offset of a place that Python gives as a line and a column in bytes."""
    text = source.line(line) if line <= source.lines else ""
    before = text.encode("utf-8", "replace")[:column].decode("utf-8", "replace")
    return source.start(line) + len(before)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _target(statement: ast.stmt) -> str | None:
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    only = targets[0] if len(targets) == 1 else None
    return only.id if isinstance(only, ast.Name) else None
