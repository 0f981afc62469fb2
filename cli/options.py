"""Options that several commands share, and their parsing."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_args

from cyclopts import Parameter, Token, convert

from ..errors import Fault, SpecError, StoreError, printable
from ..files import is_same_file
from ..planner.plan import Plan, plan
from ..reading.load import load, validate
from ..specs.axes import SIDES
from ..specs.network import ResNetSpec
from ..text.reader import MAX_BYTES, read
from .saved import spec_in, weights_of

STDIN, STDOUT = "/dev/stdin", "/dev/stdout"
_SIZE = re.compile(r"\d{1,6}(?:x\d{1,6}){0,3}", re.ASCII)


class InputSize(NamedTuple):
    """The numbers given as ``--input``: one side; a side for each axis; or channels and those."""

    numbers: tuple[int, ...]

    @property
    def text(self) -> str:
        """As the command line has it."""
        return "x".join(map(str, self.numbers))


def parse_input(text: str) -> InputSize:
    """The size in ``CxHxW``, ``HxW`` or one side, or with other axes. Raises ``ValueError``.

    >>> parse_input("3x224x320"), parse_input("32")
    (InputSize(numbers=(3, 224, 320)), InputSize(numbers=(32,)))
    """
    if _SIZE.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a size: write 3x224x224, 224x224 or 224")
    return InputSize(tuple(map(int, text.split("x"))))


def _convert_input(_: type, tokens: tuple[Token, ...]) -> InputSize:
    return parse_input(tokens[0].value)


Source = Annotated[
    str,
    Parameter(
        help="A catalogue name, a .yaml or .json file, - for standard input, or what holds a "
        "network with its weights: the folder of a run, or a .safetensors file of resforge."
    ),
]
Json = Annotated[bool, Parameter("--json", negative="", show_default=False, help="Print JSON.")]
Input = Annotated[
    InputSize | None,
    Parameter(
        "--input",
        converter=_convert_input,
        n_tokens=1,
        accepts_keys=False,
        metavar="SIZE",
        help="Input picture: 3x224x224, 224x224 or 224 (of a network of dims: 3 3x16x112x112 or "
        "16x112x112). By default 224 for stems that downsample and 32 for those that do not.",
    ),
]
_COUNT = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)(?:[eE]\+?(\d{1,2})|([kMGBT]))?", re.ASCII)
_FACTORS = {"k": 3, "M": 6, "G": 9, "B": 9, "T": 12}


def parse_count(text: str) -> int:
    """A number of parameters, MACs or activations, in any usual notation. Raises ``ValueError``.

    >>> parse_count("5000000"), parse_count("5E6"), parse_count("1.5M"), parse_count("4.1G")
    (5000000, 5000000, 1500000, 4100000000)
    """
    found = _COUNT.fullmatch(text)
    power = 0 if found is None else int(found[2] or _FACTORS.get(found[3], 0))
    number = Decimal(found[1]).scaleb(power) if found else Decimal()
    if number < 1 or number != int(number):
        raise ValueError(
            f"{text!r} is not a number above 0: write 5000000, 5e6 or 5M (k, M, G or B, T)"
        )
    return int(number)


def _convert_count(_: type, tokens: tuple[Token, ...]) -> int:
    return parse_count(tokens[0].value)


#: How an option that takes a number of parameters, MACs or activations is read.
COUNT = Parameter(converter=_convert_count, n_tokens=1, accepts_keys=False, metavar="N")
MaxParams = Annotated[
    int | None,
    COUNT,
    Parameter(
        "--max-params",
        help="Refuse a network with more parameters; by default 2e9.",
    ),
]
MaxActivations = Annotated[
    int | None,
    COUNT,
    Parameter(
        "--max-activations",
        help="Refuse a network with more activations per image; by default 1e10.",
    ),
]


def strictly(type_: Any, tokens: Sequence[Token]) -> Any:
    """The value of an option converted to its type, without rounding fractions to whole numbers."""
    if int in (type_, *get_args(type_)):
        for token in tokens:
            if token.value and not re.fullmatch(r"[+-]?\d+", token.value):
                raise ValueError(f"{token.value!r} is not a whole number")
    return convert(type_, tokens)


def load_source(source: str) -> ResNetSpec:
    """The spec of a catalogue name, a file, a run or standard input. Raises :class:`SpecError`."""
    if weights := weights_of(source):
        return spec_in(weights)
    if source != STDIN:
        try:
            return load(source)
        except SpecError as error:
            raise _of_another_project(source) or error from None
    # One byte more than allowed, so that the reader reports the size.
    return validate(ResNetSpec, read(sys.stdin.buffer.read(MAX_BYTES + 1), name="<stdin>"))


def keep_inputs(out: str | Path, *inputs: str | Path | None) -> None:
    """Raise :class:`StoreError` where a command would write ``out`` over what it reads."""
    given = [each for each in inputs if each is not None]
    # A terminal may be both ends.
    if Path(out).is_file() and any(is_same_file(out, each) for each in given):
        raise StoreError(
            f"{printable(str(out))} is read by this command, which would overwrite it:"
            " name another file to write"
        )


def _of_another_project(file: str) -> SpecError | None:
    """What a file is that is no spec, and how to make one of it; None for a file of ours."""
    from ..configs import recognise

    if not Path(file).exists() or (found := recognise(file)) is None:
        return None
    message = f"this is no spec, but a file in the format of {found.project}"
    help_ = f"resforge new --from {shlex.quote(file)} > net.yaml"
    return SpecError(Fault("format", message, help=help_, file=file))


def plan_at(spec: ResNetSpec, size: InputSize | None) -> Plan:
    """The plan at a size, by default the natural one. Raises :class:`SpecError` where the channels
    differ."""
    if size is None:
        return plan(spec, spec.natural_input_size)
    *channels, sides = _split(size.numbers, spec)
    if channels not in ([], [spec.in_channels]):
        written = "x".join(map(str, (spec.in_channels, *sides)))
        raise SpecError(
            Fault(
                "input",
                f"the input has {channels[0]} channels, the network takes {spec.in_channels}",
                "in_channels",
                f"use --input {written}, or set in_channels: {channels[0]}",
            )
        )
    return plan(spec, sides)


def _split(numbers: tuple[int, ...], spec: ResNetSpec) -> list[Any]:
    """The channels, where they are given, and the sides of a size."""
    dims = spec.dims
    if len(numbers) == 1:
        return [numbers * dims]
    if len(numbers) not in (dims, dims + 1):
        sides = "x".join(side[0].upper() for side in SIDES[dims])
        raise SpecError(
            Fault(
                "input",
                f"{'x'.join(map(str, numbers))} is no size for a network of dims: {dims}",
                "dims",
                f"use --input {sides} ({', '.join(SIDES[dims])}), or Cx{sides}",
            )
        )
    return [*numbers[:-dims], numbers[-dims:]]


#: A switch that is off unless given.
Flag = Parameter(negative="", show_default=False)
