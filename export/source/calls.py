"""Python expressions, laid out in lines as `ruff format` lays them out."""

from __future__ import annotations

from typing import NamedTuple, Union

WIDTH = 88
"""Characters of a line: what ruff and black allow unless told otherwise."""
_STEP = 4


class Call(NamedTuple):
    """A call; its arguments are calls or any other expression as text."""

    name: str
    args: tuple[Expression, ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.args))})"


class Loop(NamedTuple):
    """``*(item for variable in range(...))``, among the arguments of a call."""

    item: Call
    variable: str
    range: str

    def __str__(self) -> str:
        return f"*({self.item} {self.clause})"

    @property
    def clause(self) -> str:
        return f"for {self.variable} in range({self.range})"


Expression = Union[Call, Loop, str]  # noqa: UP007 - the classes above name it before it is there


def call(name: str, *args: object) -> Call:
    """A call with positional arguments; numbers are written as Python does."""
    return Call(name, tuple(arg if isinstance(arg, Call | Loop) else str(arg) for arg in args))


def lay_out(before: str, expression: Expression, indent: int, after: str = "") -> list[str]:
    """The lines of ``before``, ``expression`` and ``after``, the first ``indent`` columns in.

    >>> lay_out("x = ", call("f", call("g", 1), "y"), 4)
    ['    x = f(g(1), y)']
    """
    margin = " " * indent
    line = f"{margin}{before}{expression}{after}"
    if len(line) <= WIDTH or isinstance(expression, str):
        return [line]
    if isinstance(expression, Loop):
        inner = lay_out("", expression.item, indent + _STEP)
        clause = " " * (indent + _STEP) + expression.clause
        return [f"{margin}{before}*(", *inner, clause, f"{margin}){after}"]
    inner = [" " * (indent + _STEP) + ", ".join(map(str, expression.args))]
    if len(inner[0]) > WIDTH:
        inner = [text for arg in expression.args for text in lay_out("", arg, indent + _STEP, ",")]
    return [f"{margin}{before}{expression.name}(", *inner, f"{margin}){after}"]
