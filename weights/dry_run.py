"""Follows the instructions of a pickle without running any.

``torch.load(weights_only=True)`` runs only calls that it lists. Some of these take as much memory
as a number in the file says, and a view of a storage may claim more values than the storage holds.
So the same instructions are followed here first, with placeholders for all but numbers, texts and
tuples.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import torch

#: Levels of tuples within tuples, which are hashed without a limit where they are keys.
MAX_DEPTH = 50

_TENSORS = re.compile(r"torch\.(cuda\.)?(sparse\.)?[A-Z]\w*Tensor|torch\.Tensor")
_STORAGES = re.compile(r"torch\.(cuda\.|storage\.)?[A-Z]\w*Storage")
_OF_TYPE = "torch._tensor._rebuild_from_type_v2"
_ENCODE = "_codecs.encode"
_TO_DEVICE = "torch._utils._rebuild_device_tensor_from_cpu_tensor"
_CALLS = {
    "collections.OrderedDict",
    "collections.Counter",
    "builtins.set",
    "builtins.complex",
    "torch.Size",
    "torch.device",
    "torch.nn.parameter.Parameter",
    "torch.serialization._get_layout",
    _OF_TYPE,
    _TO_DEVICE,
    *(
        f"torch._utils._rebuild_{what}"
        for what in (
            *("tensor", "tensor_v2", "tensor_v3", "parameter", "parameter_with_state", "qtensor"),
            *("sparse_tensor", "nested_tensor", "meta_tensor_no_storage", "wrapper_subclass"),
        )
    ),
}
#: Calls that make as much memory as a number says. Real files give them texts.
_SIZED = {"builtins.bytearray", _ENCODE}
#: What Python 3 pickles bytes with.
_ENCODINGS = ("latin1", "latin-1")


class TooMuchError(Exception):
    """The pickle describes more than a network needs."""


class _StrangeError(Exception):
    """An instruction that ``torch.load(weights_only=True)`` refuses."""


class Global(NamedTuple):
    """A class or function, by name."""

    name: str


class Storage(NamedTuple):
    """The values that tensors are views of."""

    length: int
    """Their number, or the number of bytes of an untyped storage."""
    is_untyped: bool


class Tuple(NamedTuple):
    """A tuple, with the number of values in it at all levels, and of levels."""

    items: tuple[Any, ...]
    weight: int
    depth: int


_OTHER = object()
"""Any other value."""
_BYTES = object()
"""Bytes that the file contains as text."""


def is_allowed(name: str) -> bool:
    """Whether a pickle of tensors may name this class or function.

    >>> is_allowed("torch._utils._rebuild_tensor_v2"), is_allowed("torch.float16")
    (True, True)
    >>> is_allowed("os.system")
    False
    """
    if name in _CALLS or name in _SIZED or _TENSORS.fullmatch(name) or _STORAGES.fullmatch(name):
        return True
    module, _, attribute = name.rpartition(".")
    constants = torch.dtype | torch.qscheme
    return module == "torch" and isinstance(getattr(torch, attribute, None), constants)


class DryRun:
    """Takes the instructions of one pickle, one ``step`` at a time.

    ``code`` holds the names that no pickle of tensors has, ``texts`` all strings, and ``strange``
    the first instruction that ``torch.load(weights_only=True)`` refuses. From such an instruction
    on, names and texts are collected and nothing else is followed.
    """

    def __init__(self, max_steps: int, size: int) -> None:
        self.steps_left, self.size = max_steps, size
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.code: list[str] = []
        self.texts: list[str] = []
        self.strange: str | None = None
        self.largest_view = 0
        self.last: str | None = None
        self.noted: dict[int, str | None] = {}

    def step(self, opcode: str, argument: Any) -> None:
        """Follow one instruction.

        Raises :class:`TooMuchError`, and ``ValueError``, ``KeyError`` or ``IndexError`` for a
        pickle that is broken.
        """
        self._charge(1)
        self._read_names(opcode, argument)
        if self.strange or self.code:
            return
        try:
            self._follow(opcode, argument)
        except _StrangeError as error:
            self.strange = str(error)

    def _read_names(self, opcode: str, argument: Any) -> None:
        """Collect names and texts, of any protocol."""
        text = None
        if opcode in ("GLOBAL", "INST"):
            self._name(*argument.split(" ", 1))
        elif opcode == "STACK_GLOBAL":
            self._name(*(["", *self.texts])[-2:])
        elif opcode == "MEMOIZE":
            self.noted[len(self.noted)] = self.last
        elif opcode.endswith("PUT"):
            self.noted[argument] = self.last
        elif opcode.endswith("GET"):
            text = self.noted.get(argument)
        elif isinstance(argument, str):
            text = argument
        if text is not None:
            self.texts.append(text)
        self.last = text

    def _follow(self, opcode: str, argument: Any) -> None:
        if opcode in _PUSHED:
            self.push(_PUSHED[opcode])
        elif opcode in _LITERALS:
            self.push(argument)
        elif opcode in _HANDLERS:
            _HANDLERS[opcode](self, argument)
        elif opcode not in _IGNORED:
            raise _StrangeError(f"the pickle instruction {opcode}")

    def _charge(self, count: int) -> None:
        self.steps_left -= count
        if self.steps_left < 0:
            raise TooMuchError

    def _name(self, module: str, name: str = "") -> None:
        module = {"__builtin__": "builtins", "copy_reg": "copyreg"}.get(module, module)
        full = f"{module}.{name}"
        if is_allowed(full):
            self.push(Global(full))
        else:
            self.code.append(full)

    def push(self, value: Any) -> None:
        # A tuple that is used again and again weighs each time: as a key it is hashed each time.
        if isinstance(value, Tuple):
            self._charge(value.weight)
        self.stack.append(value)

    def mark(self) -> None:
        self.outer.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.outer.pop()
        return items

    def pop(self, count: int) -> list[Any]:
        return [self.stack.pop() for _ in range(count)][::-1]

    def remember(self, number: int) -> None:
        self.memo[number] = self.stack[-1]

    def make_tuple(self, items: Sequence[Any]) -> None:
        inner = [item for item in items if isinstance(item, Tuple)]
        depth = 1 + max((item.depth for item in inner), default=0)
        if depth > MAX_DEPTH:
            raise TooMuchError
        if items and isinstance(items[0], Storage):
            self.largest_view = max(self.largest_view, _checked_view(items))
        self.contain(items[1:])
        weight = 1 + len(items) + sum(item.weight for item in inner)
        self.push(Tuple(tuple(items), weight, depth))

    def contain(self, items: Sequence[Any]) -> None:
        if any(isinstance(item, Storage) for item in items):
            raise _StrangeError("a storage without a tensor")

    def call(self, function: Any, arguments: Any) -> None:
        if not isinstance(arguments, Tuple):
            raise ValueError("a call without a tuple of arguments")
        if not isinstance(function, Global):
            raise _StrangeError("a call of a value")
        items = arguments.items
        if function.name not in _CALLS and not all(_is_text(item) for item in items):
            raise _StrangeError(f"a call of {function.name} with a number")
        if function.name == _OF_TYPE and not (len(items) > 2 and isinstance(items[2], Tuple)):
            raise ValueError("a tensor without a tuple of arguments")
        if function.name == _TO_DEVICE and self.largest_view > self.size:
            raise ValueError("a copy of more values than the file has")
        if function.name == _ENCODE:
            if len(items) != 2 or items[1] not in _ENCODINGS or items[0] is _BYTES:
                raise _StrangeError("encoded text")
            self.push(_BYTES)
        else:
            self.push(_OTHER)

    def storage(self, identity: Any) -> None:
        items = identity.items if isinstance(identity, Tuple) else ()
        if len(items) < 5 or items[0] != "storage":
            raise _StrangeError("a persistent object that is no storage")
        kind, count = items[1], items[4]
        if not (isinstance(kind, Global) and isinstance(count, int) and 0 <= count <= self.size):
            raise ValueError("a storage larger than the file")
        self.push(Storage(count, kind.name.endswith("UntypedStorage")))


def _is_text(value: Any) -> bool:
    return value is _BYTES or isinstance(value, str)


def _checked_view(items: Sequence[Any]) -> int:
    """Number of values of a view.

    Raises ``ValueError`` for one that ends beyond its storage, which torch would enlarge.
    """
    if len(items) < 4 or not all(isinstance(item, Tuple) for item in items[2:4]):
        raise ValueError("a view without a size")
    storage, offset, (sizes, *_), (strides, *_) = items[:4]
    numbers = [offset, *sizes, *strides]
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise ValueError("a view whose size is no number")
    if 0 not in sizes:
        steps = ((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
        end = offset + sum(steps) + 1
        if end * (_bytes_each(items) if storage.is_untyped else 1) > storage.length:
            raise ValueError("a view beyond its storage")
    return prod(sizes)


def _bytes_each(items: Sequence[Any]) -> int:
    """Bytes of a value of an untyped storage, whose type is the seventh argument."""
    name = items[6].name if len(items) > 6 and isinstance(items[6], Global) else ""
    dtype = getattr(torch, name.removeprefix("torch."), None)
    return dtype.itemsize if isinstance(dtype, torch.dtype) else 1


_LITERALS = {
    *("NONE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINSTRING"),
}
_IGNORED = {"PROTO", "STOP", "GLOBAL"}
_PUSHED: Mapping[str, Any] = {
    "NEWTRUE": True,
    "NEWFALSE": False,
    "EMPTY_TUPLE": Tuple((), 1, 1),
    **dict.fromkeys(("EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET"), _OTHER),
}
_HANDLERS: Mapping[str, Callable[[DryRun, Any], object]] = {
    "MARK": lambda run, _: run.mark(),
    "TUPLE": lambda run, _: run.make_tuple(run.since_mark()),
    "TUPLE1": lambda run, _: run.make_tuple(run.pop(1)),
    "TUPLE2": lambda run, _: run.make_tuple(run.pop(2)),
    "TUPLE3": lambda run, _: run.make_tuple(run.pop(3)),
    "APPEND": lambda run, _: run.contain(run.pop(1)),
    "APPENDS": lambda run, _: run.contain(run.since_mark()),
    "SETITEM": lambda run, _: run.contain(run.pop(2)),
    "SETITEMS": lambda run, _: run.contain(run.since_mark()),
    "BUILD": lambda run, _: run.contain(run.pop(1)),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), DryRun.remember),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda run, number: run.push(run.memo[number])),
    "BINPERSID": lambda run, _: run.storage(*run.pop(1)),
    **dict.fromkeys(("REDUCE", "NEWOBJ"), lambda run, _: run.call(*run.pop(2))),
}
