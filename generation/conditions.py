"""Conditions on networks: expressions over their costs and fields, read without running any code.

The grammar is a small part of Python's: numbers, words in quotes, lists, names, fields and items,
``+ - * / // %``, comparisons, ``in``, ``and``, ``or``, ``not``, a few functions, and ``for`` within
them. docs/generation.md lists the names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any

from ..errors import Fault, SpecError
from ..specs.paths import nearest
from .expressions import (
    ARITHMETIC,
    CONSTANTS,
    FUNCTIONS,
    OPPOSITES,
    Reading,
    Scope,
    shortened,
    targets,
)

MAX_TEXT = 1000
_MAX_DEPTH = 50

_REMEDIES: Mapping[type[ast.AST], str] = {
    ast.Pow: "write a product instead of a power",
    ast.NamedExpr: "write == to compare",
    ast.IfExp: "write and, or, not instead of if",
    ast.GeneratorExp: "write one for within sum(), min(), max(), all(), any() or len()",
    ast.ListComp: "write the for within sum(), min(), max(), all(), any() or len()",
    ast.JoinedStr: "write a word in quotes",
    ast.BitAnd: "write and instead of &",
    ast.BitOr: "write or instead of |",
    ast.Invert: "write not instead of ~",
    ast.Is: "write == instead of is",
    ast.IsNot: "write != instead of is not",
    ast.Call: f"functions are {', '.join(FUNCTIONS)}, without keywords",
}


class Condition:
    """A condition on a network, and by how much a network misses it.

    Raises :class:`SpecError` for text that is no condition.

    >>> condition = Condition("sum(depths) <= 8 and widths[-1] >= 2 * widths[0]")
    >>> import resforge as rf
    >>> from resforge.planner.figures import figures_of
    >>> small, large = (
    ...     Scope(spec, figures_of(rf.plan(spec)), {})
    ...     for spec in (rf.load("resnet18"), rf.load("resnet34"))
    ... )
    >>> condition.miss(small), condition.miss(large)
    (0.0, 1.0)
    """

    def __init__(self, text: str, path: str = "") -> None:
        self.text = text
        if len(text) > MAX_TEXT:
            message = f"the condition has {len(text):,} characters, of at most {MAX_TEXT:,}"
            raise SpecError(Fault("limit", message, path, "write two conditions"))
        try:
            self._node = ast.parse(text.strip(), mode="eval").body
            bad = next(_illegal(self._node, self._node), None)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else "it cannot be read"
            help_ = "write a comparison such as sum(depths) <= 20"
            if re.search(r"[^=<>!]=[^=]", text):
                help_ = "write == to compare"
            if "[*]" in text:
                help_ = (
                    "write all(stage.width <= 64 for stage in stages) for what holds at each place"
                )
            message = f"{reason}: {shortened(text)!r}"
            raise SpecError(Fault("condition", message, path, help_)) from None
        if bad is not None:
            raise SpecError(Fault("condition", bad[0], path, bad[1]))
        if not isinstance(self._node, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Call | ast.Name):
            message = f"{shortened(text)!r} is neither true nor false"
            raise SpecError(Fault("condition", message, path, "compare it with a number"))
        bound = {name for node in ast.walk(self._node) for name in _bound(node)}
        called = {node.func for node in ast.walk(self._node) if isinstance(node, ast.Call)}
        self.names = {
            node.id
            for node in ast.walk(self._node)
            if isinstance(node, ast.Name) and node not in called
        } - {*bound, *CONSTANTS}
        """The names that it asks a scope for."""

    def miss(self, scope: Scope) -> float:
        """0 where the condition holds, or a number above 0 that is the smaller the nearer the
        network is: relative distances of the comparisons, summed over ``and``, the least of ``or``.

        Raises :class:`~.expressions.NoValueError` where it has no value for the network.
        """
        return Reading(scope).miss(self._node, True)

    def check_names(self, quantities: Mapping[str, Any], path: str) -> None:
        """Raise :class:`SpecError` for a name that no scope has."""
        known = [*Scope.names(), *quantities]
        for name in sorted(self.names):
            if name not in known:
                close = nearest(name, [*known, *FUNCTIONS])
                help_ = f"names are {', '.join(known)}; a word stands in quotes: '{name}'"
                help_ = f"did you mean {close!r}?" if close else help_
                if name in FUNCTIONS:
                    help_ = f"write {name}(...)"
                raise SpecError(Fault("condition", f"there is no {name!r}", path, help_))


def _bound(node: ast.AST) -> Iterator[str]:
    """The names that a ``for`` gives."""
    if isinstance(node, ast.comprehension):
        yield from (name.id for name in ast.walk(node.target) if isinstance(name, ast.Name))


def _illegal(node: ast.AST, parent: ast.AST, depth: int = 0) -> Iterator[tuple[str, str]]:
    """What lies outside of the grammar, with the remedy."""
    if depth > _MAX_DEPTH:
        yield "the condition is nested too deeply", "write two conditions"
        return
    check = _CHECKS.get(type(node))
    if type(node) not in _ALLOWED or (check is not None and not check(node, parent)):
        shown = node if isinstance(node, ast.expr) else parent
        written = ast.unparse(shown) if isinstance(shown, ast.expr) else "this"
        help_ = _REMEDIES.get(type(node), "use numbers, names, comparisons, and, or, not")
        yield f"{shortened(written)!r} is not allowed in a condition", help_
    for part in ast.iter_child_nodes(node):
        yield from _illegal(part, node, depth + 1)


def _is_value(node: ast.Constant, parent: ast.AST) -> bool:
    value = node.value
    if isinstance(value, float):
        return isfinite(value)
    return value is None or isinstance(value, bool | int | str)


def _is_public(node: ast.Attribute, parent: ast.AST) -> bool:
    return not node.attr.startswith("_")


def _is_known(node: ast.Call, parent: ast.AST) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS and not node.keywords


def _is_inside(node: ast.GeneratorExp, parent: ast.AST) -> bool:
    one = len(node.generators) == 1 and not node.generators[0].is_async
    named = all(isinstance(name, ast.Name) for name in targets(node.generators[0].target))
    return one and named and isinstance(parent, ast.Call)


_CHECKS: Mapping[type[ast.AST], Callable[[Any, ast.AST], bool]] = {
    ast.Constant: _is_value,
    ast.Attribute: _is_public,
    ast.Call: _is_known,
    ast.GeneratorExp: _is_inside,
}
_ALLOWED = {
    *_CHECKS,
    *ARITHMETIC,
    *OPPOSITES,
    *(ast.And, ast.BinOp, ast.BoolOp, ast.Compare, ast.List, ast.Load, ast.Name, ast.Not, ast.Or),
    *(ast.Slice, ast.Store, ast.Subscript, ast.Tuple, ast.UAdd, ast.UnaryOp, ast.USub),
    ast.comprehension,
}
