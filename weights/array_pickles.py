"""Pickles of NumPy arrays, such as detectron2's ``.pkl``: read without running anything.

The instructions of a pickle are followed here, and not by :mod:`pickle`. Only plain values are
built, and arrays from the bytes that the file has of them; no class or function that a pickle
names is ever looked up.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import tensor_of
from .dry_run import MAX_DEPTH
from .entries import Entry, entries_of
from .errors import WeightsError, refuse, shortened
from .pickles import MAX_STEPS, damaged

#: Bytes of a file, which is read as a whole.
MAX_BYTES = 8 * 2**30
_TYPES = {*("f2", "f4", "f8"), *(f"{sign}{size}" for sign in "iu" for size in (1, 2, 4, 8)), "b1"}


class _ForeignError(Exception):
    """The pickle holds something else than arrays."""


class _Name(str):
    """A class or function, by name."""


class _Type:
    """The type of an array's numbers."""

    def __init__(self, code: Any) -> None:
        if code not in _TYPES:
            raise _ForeignError(f"numbers of type {shortened(str(code))}")
        self.dtype: np.dtype[Any] = np.dtype(code)

    def build(self, state: Any) -> None:
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """An array, once its state is known."""

    def __init__(self, values: np.ndarray[Any, Any] | None = None) -> None:
        self.values = values

    def build(self, state: Any) -> None:
        _, shape, kind, by_column, data = state
        self.values = _values(data, kind, shape, "F" if by_column else "C")


class _Mapping(dict[Any, Any]):
    """An ``OrderedDict``, whose attributes say nothing of the tensors."""

    def build(self, state: Any) -> None:
        """Leave the attributes out."""


def read_array_pickle(path: Path) -> list[Entry]:
    """The mappings with named arrays in a pickle.

    Raises :class:`WeightsError` for a pickle that names any other class or function, or is damaged
    or too large; none is run.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise refuse(path, f"has {size:,} bytes, of at most {MAX_BYTES:,}", "ask for .safetensors")
    content = path.read_bytes()
    machine = _Machine(len(content))
    try:
        for opcode, argument, _ in pickletools.genops(io.BytesIO(content)):
            machine.step(opcode.name, argument)
        found = _plain(machine.result, 0, {})
    except _ForeignError as error:
        raise _holds_more(path, str(error)) from error
    except Exception as error:  # a broken pickle can raise any exception
        raise damaged(path) from error
    entries = entries_of(found) if isinstance(found, Mapping | list | tuple) else []
    if not entries:
        raise refuse(path, "is a pickle without named arrays", "give a file that holds weights")
    return entries


def _holds_more(path: Path, found: str) -> WeightsError:
    return refuse(
        path,
        f"is a bare pickle that holds more than arrays ({found}); nothing was run",
        "where its author is trusted, save its tensors in Python: "
        f"p = pickle.load(open({str(path)!r}, 'rb'), encoding='latin1'); "
        "torch.save({k: torch.as_tensor(v) for k, v in p.get('model', p).items()}, 'weights.pth')",
        "code",
    )


def _values(data: Any, kind: _Type, shape: Any, order: str) -> np.ndarray[Any, Any]:
    """The array that ``data`` holds. Raises ``ValueError`` where its bytes are not as many."""
    if isinstance(data, list):
        raise _ForeignError("an array of objects")
    if isinstance(data, str):  # of Python 2, which has no bytes
        data = data.encode("latin-1")
    if not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError("a shape that is none")
    if prod(shape) * kind.dtype.itemsize != len(data):
        raise ValueError("an array of another size than it says")
    return np.frombuffer(data, kind.dtype).reshape(shape, order="F" if order == "F" else "C")


class _Machine:
    """Follows the instructions of one pickle; ``result`` is what it holds."""

    def __init__(self, size: int) -> None:
        self.steps_left = MAX_STEPS
        # The bytes of each array, and those that Python 3 has to encode before.
        self.bytes_left = 2 * size
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.result: Any = None

    def step(self, opcode: str, argument: Any) -> None:
        self.steps_left -= 1
        if self.steps_left < 0:
            raise _ForeignError("more than a network needs")
        if opcode in _LITERALS:
            self.stack.append(argument)
        elif opcode in _HANDLERS:
            _HANDLERS[opcode](self, argument)
        elif opcode not in ("PROTO", "FRAME"):
            raise _ForeignError(f"the pickle instruction {opcode}")

    def pop(self, count: int) -> list[Any]:
        return [self.stack.pop() for _ in range(count)][::-1]

    def mark(self) -> None:
        self.outer.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.outer.pop()
        return items

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def remember(self, number: int | None) -> None:
        self.memo[len(self.memo) if number is None else number] = self.stack[-1]

    def name(self, module: str, name: str) -> None:
        full = f"{module}.{name}".replace("numpy._core.", "numpy.core.")
        if full not in _CALLS and full != "numpy.ndarray":
            raise _ForeignError(shortened(full))
        self.push(_Name(full))

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | int | bytes):
                raise _ForeignError("a mapping whose keys are no names")
            dict.__setitem__(target, key, value)

    def build(self) -> None:
        target, state = self.pop(2)
        if isinstance(target, _Array):
            self.charge(state[4])
        target.build(state)
        self.push(target)

    def charge(self, data: Any) -> Any:
        """``data``, whose bytes are counted: a file can use the same ones again and again."""
        self.bytes_left -= len(data)
        if self.bytes_left < 0:
            raise ValueError("more values than the file has")
        return data

    def call(self) -> None:
        function, arguments = self.pop(2)
        if not isinstance(function, _Name) or not isinstance(arguments, tuple):
            raise ValueError("a call of a value")
        self.push(_CALLS[function](self, *arguments))


def _plain(value: Any, level: int, known: dict[int, Any]) -> Any:
    """``value`` with tensors for its arrays, and lists for its tuples."""
    if level > MAX_DEPTH:
        raise _ForeignError(f"more than {MAX_DEPTH} levels")
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if not isinstance(value, _Array | dict | list | tuple):
        return value
    if id(value) not in known:
        known[id(value)] = _converted(value, level, known)
    return known[id(value)]


def _converted(value: Any, level: int, known: dict[int, Any]) -> Any:
    if isinstance(value, _Array):
        if value.values is None:
            raise ValueError("an array without values")
        return tensor_of(value.values)
    if isinstance(value, dict):
        items = dict.items(value)
        return {_plain(key, level, known): _plain(each, level + 1, known) for key, each in items}
    return [_plain(each, level + 1, known) for each in value]


def _encoded(machine: _Machine, text: str, encoding: str = "") -> bytes:
    """The bytes that Python 3 writes as text into pickles for Python 2."""
    if encoding not in ("latin1", "latin-1"):
        raise _ForeignError("encoded text")
    return str(machine.charge(text)).encode("latin-1")


def _number(machine: _Machine, kind: _Type, data: Any) -> Any:
    return _values(machine.charge(data), kind, (1,), "C")[0].item()


def _ordered(machine: _Machine, pairs: Any = ()) -> _Mapping:
    machine.push(_Mapping())
    machine.set_items([item for pair in pairs for item in pair])
    return machine.stack.pop()  # type: ignore[no-any-return]


_CALLS: Mapping[str, Callable[..., Any]] = {
    "numpy.core.multiarray._reconstruct": lambda machine, *_: _Array(),
    "numpy.core.numeric._frombuffer": lambda machine, data, *rest: _Array(
        _values(machine.charge(data), *rest)
    ),
    "numpy.core.multiarray.scalar": _number,
    "numpy.dtype": lambda machine, code, *_: _Type(code),
    "_codecs.encode": _encoded,
    "collections.OrderedDict": _ordered,
    "builtins.bytes": lambda machine: b"",
    "__builtin__.bytes": lambda machine: b"",
}
"""What stands for the functions and classes that pickles of arrays name."""
_LITERALS = {
    *("NONE", "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"),
    *("SHORT_BINSTRING", "BINSTRING", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_HANDLERS: Mapping[str, Callable[[_Machine, Any], object]] = {
    "STOP": lambda run, _: setattr(run, "result", run.stack.pop()),
    "NEWTRUE": lambda run, _: run.push(True),
    "NEWFALSE": lambda run, _: run.push(False),
    "EMPTY_DICT": lambda run, _: run.push({}),
    "EMPTY_LIST": lambda run, _: run.push([]),
    "EMPTY_TUPLE": lambda run, _: run.push(()),
    "MARK": lambda run, _: run.mark(),
    "TUPLE": lambda run, _: run.push(tuple(run.since_mark())),
    "TUPLE1": lambda run, _: run.push(tuple(run.pop(1))),
    "TUPLE2": lambda run, _: run.push(tuple(run.pop(2))),
    "TUPLE3": lambda run, _: run.push(tuple(run.pop(3))),
    "APPEND": lambda run, _: list.extend(run.stack[-2], run.pop(1)),
    "APPENDS": lambda run, _: (lambda items: list.extend(run.stack[-1], items))(run.since_mark()),
    "SETITEM": lambda run, _: run.set_items(run.pop(2)),
    "SETITEMS": lambda run, _: run.set_items(run.since_mark()),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine.remember),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda run, number: run.push(run.memo[number])),
    "GLOBAL": lambda run, names: run.name(*names.split(" ", 1)),
    "STACK_GLOBAL": lambda run, _: run.name(*run.pop(2)),
    "REDUCE": lambda run, _: run.call(),
    "BUILD": lambda run, _: run.build(),
}
