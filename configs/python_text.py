"""Python files of settings, read as literals. Nothing in them is run."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Final, NoReturn

from ..errors import SpecError
from ..text.document import Source
from .node import Code, Node, merged

MAX_DEPTH: Final = 32
#: Reads the file of a base: its path relative to the file, and where it is named.
Load = Callable[[str, Node], Node]


def read_python(
    source: Source, bases: dict[str, Node] | None = None, load: Load | None = None
) -> Node:
    """The names that a file sets at its top, as a mapping. Raises :class:`SpecError`.

    ``dict(...)`` is a mapping, a name stands for what it was set to before, and an imported name
    for itself as text. Any other expression is kept as :class:`Code`, which is refused where it is
    needed. ``bases`` holds what ``_base_.name`` stands for. ``load`` reads what is imported below
    ``with read_base():``; without it nothing is known of that.

    >>> text = "norm = dict(type='BN')\\nmodel = dict(norm_cfg=norm, lr=0.1 * 8)"
    >>> read_python(Source(text)).plain()["model"]
    {'norm_cfg': {'type': 'BN'}, 'lr': Code(text='0.1 * 8')}
    >>> read_python(Source(text + "\\nmodel['norm_cfg'].update(eps=0.1)")).plain()["model"]
    {'norm_cfg': {'type': 'BN', 'eps': 0.1}, 'lr': Code(text='0.1 * 8')}
    """
    try:
        tree = ast.parse(source.text)
    except SyntaxError as error:
        offset = _at(source, error.lineno or 1, max(0, (error.offset or 1) - 1))
        raise SpecError(source.fault("syntax", error.msg, offset)) from None
    except (ValueError, RecursionError, MemoryError):
        raise SpecError(source.fault("syntax", "this is not Python", 0)) from None
    return Node(_Reader(source, bases or {}, load).names(tree), source)


class _Reader:
    def __init__(self, source: Source, bases: dict[str, Node], load: Load | None) -> None:
        self.source = source
        self.bases = bases
        self.load = load
        self.known: dict[str, Node] = {}
        #: Names that came from bases, whose mappings are updated with all that they hold.
        self.inherited: set[str] = set()
        self.imported: dict[str, str] = {}

    def names(self, tree: ast.Module) -> dict[str, Node]:
        for statement in tree.body:
            self._take(statement)
        return self.known

    def _take(self, statement: ast.stmt) -> None:
        """Follow one statement."""
        match statement:
            case ast.Import() | ast.Pass() | ast.Expr(value=ast.Constant()):
                pass  # which change no setting
            case ast.ImportFrom(names=names):
                self.imported |= {each.asname or each.name: each.name for each in names}
            case ast.With(items=[ast.withitem(ast.Call(func=ast.Name("read_base")))], body=body):
                for line in body:
                    self._inherit(line)
            case (
                ast.Assign(targets=[target], value=value)
                | ast.AnnAssign(target=target, value=ast.expr() as value)
            ):
                self._assign(target, value, statement)
            case ast.AnnAssign():
                pass
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=place, attr=way)) as call):
                self._call(place, way, call, statement)
            case ast.Delete(targets=targets) if all(isinstance(t, ast.Name) for t in targets):
                for target in targets:
                    self.known.pop(_root(target), None)
            case _:
                self._refuse(statement)

    def _refuse(
        self,
        statement: ast.stmt,
        message: str = "this is code, which is not run, and may change the settings",
        help: str = "write the settings as literals: name = dict(...)",
    ) -> NoReturn:
        offset = self._offset(statement)
        raise SpecError(self.source.fault("code", message, offset, (), help))

    def _inherit(self, statement: ast.stmt) -> None:
        """Take the names of a base: ``from .base import *``, or some of them."""
        if isinstance(statement, ast.Pass):
            return
        if not isinstance(statement, ast.ImportFrom) or not statement.module:
            self._refuse(statement, "a base is imported by from .file import *")
        if not statement.level:
            message = f"{statement.module} is in a package, and no package is read"
            self._refuse(statement, message, "import the file by its place: from .file import *")
        if self.load is None:
            return
        up = "../" * (statement.level - 1)
        offset = self._offset(statement)
        place = Node(None, self.source, offset, offset)
        found = self.load(f"{up}{statement.module.replace('.', '/')}.py", place)
        for each in statement.names:
            chosen = found.value if each.name == "*" else {each.name: found.child(each.name)}
            for name, node in chosen.items():
                if node is None:
                    self._refuse(statement, f"{statement.module} has no {name}", "name another")
                own = each.asname or name
                self.known[own] = node
                self.inherited.add(own)

    def _assign(self, target: ast.expr, value: ast.expr, statement: ast.stmt) -> None:
        key = self._offset(statement)
        if isinstance(target, ast.Name):
            node = self._node(value, 0)
            self.inherited.discard(target.id)
            self.known[target.id] = Node(node.value, node.source, node.start, key)
            return
        names = _place(target)
        if names is None or len(names) < 2:
            self._forget(target, statement)
            return
        node = self._node(value, 0)
        node = Node(node.value, node.source, node.start, key)
        self._change(names[:-1], lambda old: {**old, names[-1]: node}, statement)

    def _call(self, place: ast.expr, way: str, call: ast.Call, statement: ast.stmt) -> None:
        """``settings.update(...)`` and ``settings.merge(...)``; after another call the settings
        are not known."""
        names = _place(place)
        if names is None or way not in ("update", "merge") or len(call.args) > 1:
            self._forget(place, statement)
            return
        over = [self._node(each, 0) for each in call.args]
        named = ast.Call(ast.Name("dict"), [], call.keywords)
        over.append(Node(self._value(ast.copy_location(named, call), 0)))
        if not all(isinstance(each.value, dict) for each in over):
            self._forget(place, statement)
            return
        both = Node({**over[0].value, **over[-1].value})
        delete = "_delete_" if way == "merge" else ""
        if way == "merge" or names[0] in self.inherited:
            self._change(names, lambda old: merged(Node(old), both, delete=delete).value, statement)
        else:
            self._change(names, lambda old: {**old, **both.value}, statement)

    def _change(
        self, names: list[str], change: Callable[[dict[str, Node]], Any], statement: ast.stmt
    ) -> None:
        """Change the mapping at a place; other names that hold the same one are not known then."""
        root, *path = names
        if root not in self.known:
            if self.load is not None:
                self._refuse(statement, f"{root} is not set before", f"write {root} = dict(...)")
            self.known[root] = Node({})
        found = self.known[root].at(*path)
        if found is None or not isinstance(found.value, dict):
            self._forget(ast.Name(root), statement)
            return
        for name, node in self.known.items():
            if name != root and any(inner.value is found.value for _, inner in node.walk()):
                self.known[name] = self._unknown(statement)
        self.known[root] = _changed(self.known[root], path, change)

    def _forget(self, place: ast.expr, statement: ast.stmt) -> None:
        """Keep what a statement changes as code, which is refused where it is needed."""
        root = _root(place)
        if root not in self.known or isinstance(self.known[root].value, Code):
            self._refuse(statement)
        held = {id(node.value) for _, node in self.known[root].walk() if node.parts()}
        for name, node in self.known.items():
            if name == root or any(id(inner.value) in held for _, inner in node.walk()):
                self.known[name] = self._unknown(statement)

    def _unknown(self, statement: ast.stmt) -> Node:
        offset = self._offset(statement)
        return Node(self._code(statement), self.source, offset, offset)

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
        if isinstance(item, ast.Name) and item.id not in self.known and item.id in self.imported:
            return self.imported[item.id]
        if isinstance(item, ast.UnaryOp) and isinstance(item.op, ast.USub):
            value = self._value(item.operand, depth + 1)
            return -value if isinstance(value, int | float) else self._code(item)
        return self._at_place(item)

    def _mapping(self, keys: Any, values: list[ast.expr], whole: ast.expr, depth: int) -> Any:
        found: dict[str, Node] = {}
        for key, expression in zip(keys, values, strict=True):
            if not isinstance(key, ast.Constant):
                return self._code(whole)
            node = self._node(expression, depth + 1)
            at = self._offset(key) if hasattr(key, "lineno") else node.start
            found[str(key.value)] = Node(node.value, node.source, node.start, at)
        return found

    def _at_place(self, item: ast.expr) -> Any:
        """The value of ``settings.a["b"]`` or ``_base_.a.b``, or the code of another expression."""
        root, *path = _place(item) or [""]
        if path and root == "_base_":
            found = Node(self.bases).at(*path)
        else:
            found = self.known[root].at(*path) if root in self.known else None
        return self._code(item) if found is None else found.value

    def _code(self, item: ast.AST) -> Code:
        return Code((ast.get_source_segment(self.source.text, item) or "")[:100])

    def _offset(self, item: ast.AST) -> int:
        return _at(self.source, getattr(item, "lineno", 1), getattr(item, "col_offset", 0))


def _at(source: Source, line: int, column: int) -> int:
    """The offset of a place that Python gives as a line and a column in bytes."""
    text = source.line(line) if line <= source.lines else ""
    before = text.encode("utf-8", "replace")[:column].decode("utf-8", "replace")
    return source.start(line) + len(before)


def _place(item: ast.expr) -> list[str] | None:
    """The names that lead to a setting: those of ``model.backbone`` or ``model["backbone"]``."""
    names: list[str] = []
    while True:
        match item:
            case ast.Name(id=name):
                return [name, *names]
            case ast.Attribute(value=item, attr=name):
                names.insert(0, name)
            case ast.Subscript(value=item, slice=ast.Constant(value=str() as name)):
                names.insert(0, name)
            case _:
                return None


def _root(item: ast.expr) -> str:
    """The first name of an expression; empty where it begins with none."""
    while isinstance(item, ast.Attribute | ast.Subscript):
        item = item.value
    return item.id if isinstance(item, ast.Name) else ""


def _changed(node: Node, path: list[str], change: Callable[[dict[str, Node]], Any]) -> Node:
    """``node`` with the mapping at a path changed."""
    if not path:
        value = change(node.value)
    else:
        inner = _changed(node.value[path[0]], path[1:], change)
        value = {**node.value, path[0]: inner}
    return Node(value, node.source, node.start, node.key)
