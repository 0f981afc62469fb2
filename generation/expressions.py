"""Evaluates the expressions of conditions for a network, and how far it is from keeping them."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from math import inf, isnan
from typing import Any

from pydantic import BaseModel

from ..planner.figures import Figures
from ..specs.network import ResNetSpec
from ..specs.paths import nearest

_SHOWN = 60
_TINY = 5e-324

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function for function in (abs, all, any, len, max, min, sum, zip)
}
#: Names with a value by stage.
ROWS: Mapping[str, Callable[[ResNetSpec], list[Any]]] = {
    "widths": lambda spec: [stage.width for stage in spec.stages],
    "depths": lambda spec: [len(stage.entries) for stage in spec.stages],
    "strides": lambda spec: [stage.step for stage in spec.stages],
    "blocks": lambda spec: [(stage.block or spec.block).kind for stage in spec.stages],
}
CONSTANTS = {"true": True, "false": False, "null": None}
ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_ORDERS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
OPPOSITES: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


class NoValueError(Exception):
    """An expression has no value for a network: why, and the remedy."""

    def __init__(self, message: str, help_: str = "name what every network here has") -> None:
        super().__init__(message, help_)
        self.message, self.help = message, help_


class Scope:
    """The names of conditions, for one network."""

    def __init__(
        self, spec: ResNetSpec, figures: Figures, quantities: Mapping[str, Callable[[], Any]]
    ) -> None:
        self.spec, self.figures = spec, figures
        self._quantities = quantities
        # A quantity may take long, and measure something else each time.
        self._found: dict[str, Any] = {}

    @staticmethod
    def names() -> list[str]:
        """All names but the quantities of a caller."""
        return [*Figures._fields, *ROWS, *ResNetSpec.model_fields]

    def __getitem__(self, name: str) -> Any:
        if name in self._quantities:
            if name not in self._found:
                self._found[name] = self._quantities[name]()
            return self._found[name]
        if name in Figures._fields:
            return getattr(self.figures, name)
        if name in ROWS:
            return ROWS[name](self.spec)
        if name in ResNetSpec.model_fields:
            return getattr(self.spec, name)
        raise NoValueError(f"there is no {name!r}")


class Reading:
    """Evaluates expressions for one network."""

    def __init__(self, scope: Scope, bound: Mapping[str, Any] | None = None) -> None:
        self._scope, self._bound = scope, bound or {}

    def miss(self, node: ast.expr, wanted: bool) -> float:
        """How far ``node`` is from being ``wanted``; 0 where it is."""
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return self.miss(inner, not wanted)
            case ast.BoolOp(op=sign, values=parts):
                return self._together(parts, wanted, isinstance(sign, ast.And) == wanted)
            case ast.Compare(left=left, ops=[one], comparators=[right]):
                asked = type(one) if wanted else OPPOSITES[type(one)]
                return self._compared(node, self.value(left), asked, self.value(right))
            case ast.Compare(left=left, ops=signs, comparators=rights):
                pairs = zip([left, *rights[:-1]], signs, rights, strict=True)
                links = [ast.Compare(one, [sign], [two]) for one, sign, two in pairs]
                return self._together([*links], wanted, wanted)
        return 0.0 if self._truth(node) is wanted else 1.0

    def _together(self, parts: list[ast.expr], wanted: bool, every: bool) -> float:
        """The distance of all parts together, or of the nearest.

        As in Python, a part after the one that decides need have no value:
        ``block.kind == "bottleneck" and block.expansion <= 2``.
        """
        found: list[float] = []
        for part in parts:
            try:
                found.append(self.miss(part, wanted))
            except NoValueError:
                if not every or not any(found):
                    raise
                found.append(1.0)
            if not every and not found[-1]:
                return 0.0
        return sum(found) if every else min(found)

    def _compared(self, node: ast.expr, one: Any, sign: type[ast.cmpop], two: Any) -> float:
        if sign in (ast.In, ast.NotIn):
            if not isinstance(two, list):
                raise NoValueError(f"{_text(node)}: {_shown(two)} is no list")
            return 0.0 if any(_same(one, item, node) for item in two) is (sign is ast.In) else 1.0
        if sign in _ORDERS:
            far = _distance(_number(one, node), _number(two, node))
            # Equal numbers miss < by the least step that there is between costs.
            return 0.0 if _ORDERS[sign](one, two) else far or 1 / max(abs(two), 1) or _TINY
        if _same(one, two, node) is (sign is ast.Eq):
            return 0.0
        numbers = _is_number(one) and _is_number(two) and sign is ast.Eq
        return _distance(one, two) if numbers else 1.0

    def _truth(self, node: ast.expr) -> bool:
        value = self.value(node)
        if not isinstance(value, bool):
            message = f"{_text(node)} is {_shown(value)}, neither true nor false"
            raise NoValueError(message, "compare it: write == or <=")
        return value

    def value(self, node: ast.expr) -> Any:
        """The value of an expression."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._named(name)
            case ast.BinOp() | ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return self._computed(node)
            case ast.Attribute() | ast.Subscript():
                return self._part(node)
            case ast.List() | ast.Tuple() | ast.GeneratorExp():
                return self._row(node)
            case ast.Call(func=ast.Name(id=name), args=parts):
                return self._called(node, FUNCTIONS[name], [self.value(part) for part in parts])
        return not self.miss(node, True)

    def _computed(self, node: ast.BinOp | ast.UnaryOp) -> Any:
        if isinstance(node, ast.UnaryOp):
            number = _number(self.value(node.operand), node)
            return -number if isinstance(node.op, ast.USub) else number
        one, two = (_number(self.value(part), node) for part in (node.left, node.right))
        try:
            return ARITHMETIC[type(node.op)](one, two)
        except ZeroDivisionError:
            raise NoValueError(f"{_text(node)} divides by 0") from None
        except OverflowError:
            raise NoValueError(
                f"{_text(node)} is too large a number", "use smaller numbers"
            ) from None

    def _part(self, node: ast.Attribute | ast.Subscript) -> Any:
        holder = self.value(node.value)
        if isinstance(node, ast.Attribute):
            return self._field(node, holder, node.attr)
        return self._item(node, holder, node.slice)

    def _row(self, node: ast.List | ast.Tuple | ast.GeneratorExp) -> list[Any]:
        if isinstance(node, ast.GeneratorExp):
            return [reading.value(node.elt) for reading in self._each(node.generators[0])]
        return [self.value(part) for part in node.elts]

    def _named(self, name: str) -> Any:
        if name in self._bound:
            return self._bound[name]
        return CONSTANTS[name] if name in CONSTANTS else _plain(self._scope[name])

    def _field(self, node: ast.expr, holder: Any, name: str) -> Any:
        fields = holder if isinstance(holder, dict) else {}
        if isinstance(holder, BaseModel) and name in type(holder).model_fields:
            return _plain(getattr(holder, name))
        if name in fields:
            return _plain(fields[name])
        if name == "kind" and isinstance(holder, str):
            return holder  # a word stands for a mapping with that kind
        whole = _text(node)
        parent = whole.rpartition(".")[0]
        message = f"{whole} is not there, where {parent} is {_shown(holder)}"
        raise NoValueError(message, _remedy(parent, whole, holder, name))

    def _item(self, node: ast.expr, holder: Any, index: ast.expr) -> Any:
        if not isinstance(holder, list):
            raise NoValueError(f"{_text(node)} is not there: {_shown(holder)} is no list")
        if isinstance(index, ast.Slice):
            ends = [
                None if end is None else self._whole(end)
                for end in (index.lower, index.upper, index.step)
            ]
            if ends[2] == 0:
                raise NoValueError(f"{_text(node)} has a step of 0")
            return holder[slice(*ends)]
        place = self._whole(index)
        if not -len(holder) <= place < len(holder):
            raise NoValueError(f"{_text(node)} is not there: the list has {len(holder)} items")
        return holder[place]

    def _whole(self, node: ast.expr) -> int:
        value = self.value(node)
        if isinstance(value, bool) or not isinstance(value, int):
            raise NoValueError(f"{_text(node)} is {_shown(value)}, no whole number")
        return value

    def _each(self, one: ast.comprehension) -> Iterator[Reading]:
        row = self.value(one.iter)
        names = [name.id for name in targets(one.target) if isinstance(name, ast.Name)]
        if not isinstance(row, list):
            raise NoValueError(f"{_text(one.iter)} is {_shown(row)}, no list")
        for item in row:
            items = item if isinstance(one.target, ast.Tuple) else [item]
            if not isinstance(items, list) or len(items) != len(names):
                raise NoValueError(f"{_shown(item)} is not {len(names)} values")
            bound = {**self._bound, **dict(zip(names, items, strict=True))}
            reading = Reading(self._scope, bound)
            if all(reading._truth(test) for test in one.ifs):
                yield reading

    def _called(self, node: ast.expr, function: Callable[..., Any], given: list[Any]) -> Any:
        try:
            found = function(*given)
            return [list(pair) for pair in found] if function is zip else found
        except (TypeError, ValueError, OverflowError) as error:
            raise NoValueError(f"{_text(node)}: {error}") from None


def shortened(text: str) -> str:
    """The beginning of a text, for an error."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _text(node: ast.expr) -> str:
    """An expression in an error."""
    return shortened(ast.unparse(node))


def _distance(one: float, two: float) -> float:
    """How far ``one`` is from ``two``, relative to it: infinite where that is no number, too."""
    try:
        far = abs(one - two) / max(abs(two), 1)
    except OverflowError:
        return inf
    return inf if isnan(far) else far


def _remedy(parent: str, whole: str, holder: Any, name: str) -> str:
    """What to write instead of a field that is not there."""
    fields = type(holder).model_fields if isinstance(holder, BaseModel) else holder
    names = [*fields] if isinstance(fields, dict) else []
    if close := nearest(name, names):
        return f"did you mean {close!r}?"
    if hasattr(holder, "kind") or isinstance(holder, str):
        return f"write {parent}.kind == {getattr(holder, 'kind', holder)!r} or {whole} == ..."
    if isinstance(holder, BaseModel):
        return f"fields are {', '.join(names)}"
    return f"write {parent} == null or {whole} == ..." if holder is None else "leave it out"


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any, node: ast.expr) -> Any:
    if not _is_number(value):
        raise NoValueError(f"{ast.unparse(node)}: {_shown(value)} is no number")
    return value


def _same(one: Any, two: Any, node: ast.expr) -> bool:
    """Whether two values are equal. A mapping is never equal to a word: ``block`` is no kind."""
    for value, other in ((one, two), (two, one)):
        if isinstance(value, BaseModel | dict) and isinstance(other, str | int | float):
            message = f"{ast.unparse(node)}: {_shown(value)} is neither a number nor a word"
            raise NoValueError(message, "compare one of its fields, such as its kind")
    alike = type(one) is type(two) or (_is_number(one) and _is_number(two))
    return alike and bool(one == two)


def _shown(value: Any) -> str:
    """A value in an error: short, as a file has it."""
    if isinstance(value, BaseModel):
        return f"a mapping of kind {value.kind}" if hasattr(value, "kind") else "a mapping"
    words = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    return "a list" if isinstance(value, list) else shortened(repr(value))


def targets(target: ast.expr) -> list[ast.expr]:
    return target.elts if isinstance(target, ast.Tuple) else [target]
