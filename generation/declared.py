"""Reads the declaration of a free field into its choices."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm
from typing import Any

from ..errors import Fault, SpecError, path_text
from ..specs.explain import shown
from ..specs.paths import nearest
from ..specs.plain import is_whole
from .choices import Choices, Constant, Fields, OneOf, Product, Range, Same
from .log_normal import LogNormal, middle_of
from .regnet import RegNetStages, check_regnet
from .repeated import MAX_LENGTH, Repeat
from .rows import Decreasing, Increasing

RANGES = ("int", "log_int", "real", "log_real", "log_normal")
KINDS = ("choice", *RANGES, "repeat", "regnet")
#: Classes of rows whose values are in order.
_ORDERED = {"increasing": Increasing, "decreasing": Decreasing}
EACH = ("own", "same", *_ORDERED)
MAX_VALUES = 100_000
#: Limit for ranges with a table of weights, over all places together.
MAX_WEIGHED = 20_000
MAX_OPTIONS = 1_000
_MAX_RATIO = 1_000_000
#: Keys beside that of a kind.
_BESIDE: dict[str, tuple[str, ...]] = {
    "choice": ("weights",),
    "repeat": ("of",),
    **dict.fromkeys(RANGES, ("step",)),
}
_BESIDE["log_normal"] = ("step", "median", "sigma")
MAX_NUMBER = 1e9
_LOG_NORMAL = "write {log_normal: [16, 256], step: 8, median: 64, sigma: 0.5}"
_EXAMPLE = "write [a, b], {int: [1, 9]} or {log_int: [16, 64], step: 8}"

#: Path of a value under ``free``, for its faults.
Place = tuple[str | int, ...]


def read_free(value: Any, place: Place, places: int) -> Choices:
    """The choices of a path that matches ``places`` places; each value is a list of that length.

    Raises :class:`SpecError` with the path of the fault.

    >>> read_free({"int": [1, 3], "each": "increasing"}, ("stages[*].depth",), 2).size
    6
    """
    each = "own"
    if isinstance(value, list):
        return Product([_read_options(value, place)] * places)
    if not isinstance(value, dict) or not set(value) & set(KINDS):
        raise _not_a_choice(value, place)
    if "each" in value:
        each = _each(value["each"], (*place, "each"), places)
        value = {key: item for key, item in value.items() if key != "each"}
    choices = _read_choices(value, place)
    if each == "same":
        return Same(choices, places)
    if each in _ORDERED:
        if not isinstance(choices, Range):
            message = f"only a range of numbers can be {each}"
            raise _fault("value", message, (*place, "each"), f"write {{int: [1, 9], each: {each}}}")
        if choices.size * places > MAX_WEIGHED:
            message = f"{choices.size:,} values at {places} places are too many for {each}"
            raise _fault("limit", message, (*place, "each"), "use a larger step")
        return _ORDERED[each](choices, places)
    return Product([choices] * places)


def read_option(value: Any, place: Place) -> Choices:
    """The choices within an option: a mapping with one of the kinds is a choice, all else plain."""
    if isinstance(value, dict):
        if set(value) & set(KINDS):
            return _read_choices(value, place)
        parts = {key: read_option(item, (*place, key)) for key, item in value.items()}
        plain = all(isinstance(part, Constant) for part in parts.values())
        return Constant(value) if plain else Fields(parts)
    if isinstance(value, list):
        items = [read_option(item, (*place, index)) for index, item in enumerate(value)]
        return Constant(value) if all(isinstance(i, Constant) for i in items) else Product(items)
    return Constant(value)


def _each(value: Any, place: Place, places: int) -> str:
    if value not in EACH:
        close = nearest(value, list(EACH))
        help_ = f"did you mean {close!r}?" if close else f"use {', '.join(EACH)}"
        raise _fault("value", f"{shown(value)} is not one of {', '.join(EACH)}", place, help_)
    if places < 2:
        message = "each relates several places, and this path has one"
        raise _fault("value", message, place, "leave it out, or write [*] in the path")
    return str(value)


def _read_choices(value: dict[str, Any], place: Place) -> Choices:
    kinds = [key for key in KINDS if key in value]
    if len(kinds) > 1:
        message = f"{' and '.join(kinds)} exclude each other"
        raise _fault("conflict", message, (*place, kinds[1]), f"leave out {kinds[1]}")
    kind = kinds[0]
    allowed = (kind, *_BESIDE.get(kind, ()))
    for key in value:
        if key not in allowed:
            help_ = f"allowed here: {', '.join(allowed)}"
            if key == "each":
                help_ = "write each at the top level of the path's choice"
            raise _fault("key", f"unknown key {key!r} beside {kind}", (*place, key), help_)
    if kind == "choice":
        ratios = None
        if "weights" in value:
            ratios = _read_weights(value["weights"], value[kind], (*place, "weights"))
        return _read_options(value[kind], (*place, kind), ratios)
    if kind == "regnet":
        return _read_regnet(value[kind], (*place, kind))
    if kind == "repeat":
        return _read_repeat(value, place)
    return _read_range(kind, value, place)


def _read_weights(weights: Any, options: Any, place: Place) -> list[int]:
    """The weights of options as whole numbers in the same ratios."""
    count = len(options) if isinstance(options, list) else 0
    if not isinstance(weights, list) or len(weights) != count:
        message = f"expected a weight for each of {count} options"
        raise _fault("range", message, place, f"write {[1] * (count - 1) + [2]}")
    for index, weight in enumerate(weights):
        _check_number(weight, False, (*place, index))
        if weight <= 0:
            message, help_ = f"a weight is above 0, not {weight}", "leave the option out"
            raise _fault("range", message, (*place, index), help_)
    exact = [Fraction(repr(weight)) for weight in weights]
    whole = lcm(*(weight.denominator for weight in exact))
    ratios = [int(weight * whole) for weight in exact]
    if max(ratios) > _MAX_RATIO * min(ratios):
        message = f"the largest weight is more than {_MAX_RATIO:,} times the least"
        raise _fault("limit", message, place, "leave unlikely options out")
    shared = gcd(*ratios)
    return [ratio // shared for ratio in ratios]


def _read_options(options: Any, place: Place, ratios: list[int] | None = None) -> Choices:
    if not isinstance(options, list) or not options:
        raise _fault("range", "expected a list of at least one option", place, "write [a, b]")
    if len(options) > MAX_OPTIONS:
        message = f"{len(options):,} options, of at most {MAX_OPTIONS:,}"
        raise _fault("limit", message, place, "use a range")
    for index, option in enumerate(options):
        # 1 and true are equal in Python, but different options.
        if any(o == option and type(o) is type(option) for o in options[:index]):
            raise _fault(
                "value", f"{shown(option)} is repeated", (*place, index), "name each option once"
            )
    read = [read_option(option, (*place, index)) for index, option in enumerate(options)]
    return OneOf(read, ratios)


def _read_regnet(value: Any, place: Place) -> Choices:
    if place[:-1] != ("stages",):
        raise _fault("value", "regnet is for stages only", place, "write stages: {regnet: {...}}")
    if not isinstance(value, dict):
        raise _fault("type", f"expected a mapping, not {shown(value)}", place, None)
    parts = {
        key: _read_options(item, (*place, key))
        if isinstance(item, list)
        else read_option(item, (*place, key))
        for key, item in value.items()
    }
    for fault in check_regnet(parts):
        raise _fault(fault.code, fault.message, (*place, *filter(None, [fault.path])), fault.help)
    return RegNetStages(parts)


def _read_repeat(value: dict[str, Any], place: Place) -> Choices:
    if "of" not in value:
        help_ = "write {repeat: {int: [1, 4]}, of: {block: {choice: [basic, d2l]}}}"
        raise _fault("missing", "'of' is missing: what is repeated", place, help_)
    inside = (*place, "repeat")
    lengths = value["repeat"]
    read = _read_options(lengths, inside) if isinstance(lengths, list) else None
    if isinstance(lengths, dict) and set(lengths) & {"choice", *RANGES}:
        read = _read_choices(lengths, inside)
    numbers: list[Any] = []
    if isinstance(read, Range) and read.size <= MAX_LENGTH:
        numbers, ratios = [read.unrank(index) for index in range(read.size)], read.weights
    elif isinstance(read, OneOf) and all(isinstance(each, Constant) for each in read.options):
        numbers, ratios = [read.unrank(index) for index in range(read.size)], read.ratios
    if not numbers or not all(is_whole(n) and 1 <= n <= MAX_LENGTH for n in numbers):
        message = f"expected how often, as whole numbers from 1 to {MAX_LENGTH}"
        raise _fault("range", message, inside, "write {int: [1, 4]} or [1, 2, 4]")
    pairs = sorted(zip(numbers, ratios, strict=True))
    item = read_option(value["of"], (*place, "of"))
    return Repeat(item, [number for number, _ in pairs], [ratio for _, ratio in pairs])


def _read_range(kind: str, value: dict[str, Any], place: Place) -> Range:
    bounds, inside = value[kind], (*place, kind)
    whole = kind.endswith("int")
    if kind == "log_normal":  # of whole numbers where all that is written is whole
        written = bounds if isinstance(bounds, list) else []
        whole = not any(isinstance(number, float) for number in (*written, value.get("step")))
    if not isinstance(bounds, list) or len(bounds) != 2:
        raise _fault("type", f"expected two bounds, not {shown(bounds)}", inside, "write [1, 9]")
    for index, bound in enumerate(bounds):
        _check_number(bound, whole, (*inside, index))
    if not whole and "step" not in value:
        message = "a range of real numbers needs a step"
        raise _fault("missing", message, place, f"write {{{kind}: [1.5, 3], step: 0.1}}")
    step = value.get("step", 1)
    _check_number(step, whole, (*place, "step"))
    if step <= 0:
        raise _fault("range", f"a step is above 0, not {step}", (*place, "step"), "use step: 1")
    low, high = (Decimal(repr(bound)) for bound in bounds)
    if low > high:
        help_ = f"write [{bounds[1]}, {bounds[0]}]"
        raise _fault("range", f"the range from {low} to {high} is empty", inside, help_)
    if kind.startswith("log") and low <= 0:
        message = f"a logarithmic range cannot start at {low}"
        other = "" if kind == "log_normal" else f", or use {kind[4:]}"
        raise _fault("range", message, inside, f"start above 0{other}")
    numbers = _as_range((low, high, Decimal(repr(step))), whole, kind, place)
    return _as_log_normal(numbers, (low, high), value, place) if kind == "log_normal" else numbers


def _as_log_normal(
    numbers: Range, bounds: tuple[Decimal, Decimal], value: dict[str, Any], place: Place
) -> LogNormal:
    given = dict(zip(("median", "sigma"), middle_of(*bounds), strict=True))
    for name in given:
        if name in value:
            _check_number(value[name], False, (*place, name))
            if not value[name] >= 1e-3:
                message = f"{name} is at least 0.001, not {value[name]}"
                raise _fault("range", message, (*place, name), _LOG_NORMAL)
            given[name] = Decimal(repr(value[name]))
    found = LogNormal(numbers.first, numbers.step, numbers.size, numbers.unit, **given)
    if found.spreads_beyond(_MAX_RATIO):
        message = f"the likeliest number is more than {_MAX_RATIO:,} times as likely as another"
        raise _fault("limit", message, (*place, "log_normal"), "narrow the range, or widen sigma")
    return found


def _as_range(
    numbers: tuple[Decimal, Decimal, Decimal], whole: bool, kind: str, place: Place
) -> Range:
    low, high, step = numbers
    if step > high - low > 0 or (high - low) % step:
        last = low + (high - low) // step * step
        raise _fault(
            "range",
            f"steps of {step} from {low} skip {high}",
            (*place, "step"),
            f"end at {last} or at {last + step}",
        )
    size = int((high - low) / step) + 1
    most = MAX_WEIGHED if kind.startswith("log") else MAX_VALUES
    if size > most:
        message = f"{size:,} values, of at most {most:,}"
        raise _fault("limit", message, (*place, kind), "use a larger step")
    unit = None
    if not whole:
        unit = 10 ** max(0, -min(int(number.as_tuple().exponent) for number in (low, step)))
    scale = unit or 1
    return Range(int(low * scale), int(step * scale), size, kind.startswith("log"), unit)


def _check_number(value: Any, whole: bool, place: Place) -> None:
    fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not fits or abs(value) > MAX_NUMBER:
        kind = "a whole number" if whole else "a number"
        help_ = "write a number such as 8"
        if whole and isinstance(value, float) and value.is_integer():
            help_ = f"write {int(value)}"
        raise _fault("type", f"expected {kind}, not {shown(value)}", place, help_)


def _not_a_choice(value: Any, place: Place) -> SpecError:
    help_ = _EXAMPLE
    if isinstance(value, dict):
        close = next((kind for key in value if (kind := nearest(key, list(KINDS)))), None)
        help_ = f"did you mean {close!r}?" if close else _EXAMPLE
    return _fault("value", f"{shown(value)} is not a choice", place, help_)


def _fault(code: str, message: str, place: Place, help_: str | None) -> SpecError:
    return SpecError(Fault(code, message, path_text(("free", *place)), help_))
