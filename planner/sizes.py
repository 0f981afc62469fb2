"""Sizes of inputs: which are sizes, and which a network can take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from operator import mul

from ..errors import Fault, SpecError, path_text
from ..specs.axes import SIDES, Axes, largest, on_axes, size_text
from ..specs.base import MAX_INPUT
from ..specs.layer import Layer, Module, Size
from ..specs.operation import misfit
from ..specs.paths import Path
from ..specs.plain import is_whole
from ..specs.tally import is_too_wide, strides_over_one
from .placing import Placed

_PART = re.compile(r"(layer|before)(\d+)\.")


def as_size(input_size: int | Size, dims: int) -> Size:
    """The sides of an input. Raises :class:`SpecError` for what is no size."""
    listed = input_size if isinstance(input_size, Sequence) else (input_size,) * dims
    try:
        size = tuple(map(_as_side, listed))
        if len(size) != dims:
            raise ValueError(size)
    except (TypeError, ValueError):
        sides = ", ".join(SIDES[dims])
        sides = f"({sides},)" if dims == 1 else f"({sides})"
        network = "" if dims == 2 else f" of a network of dims: {dims}"
        raise SpecError(
            Fault(
                "input",
                f"{input_size!r} is not an input size{network}",
                help=f"give one side or {sides} in pixels, from 1 to {MAX_INPUT}",
            )
        ) from None
    return size


def _as_side(side: object) -> int:
    if not is_whole(side) or not 1 <= side <= MAX_INPUT:
        raise ValueError(side)
    return int(side)


def misfits_of(placed: Placed, size: Size) -> Iterator[Fault]:
    """Why the network should not be planned for pictures of ``size``."""
    yield from failures_of(placed, size)
    text = size_text(size)
    for layer in filter(strides_over_one, placed.layers):
        least = _total_stride(placed.layers, layer)
        yield Fault(
            "input",
            f"{text} is too small: {layer.name} would stride over a map of one pixel",
            _path_of(layer),
            f"use an input of more than {least} pixels a side, or fewer strides",
        )


def failures_of(placed: Placed, size: Size) -> Iterator[Fault]:
    """Why the network cannot run on pictures of ``size``."""
    text = size_text(size)
    wide = next(filter(is_too_wide, placed.layers), None)
    if wide is not None:
        message = f"{text} is too small: the window of {wide.name} is wider than its map of "
        message += f"{size_text(wide.in_size)} pixels"
        yield Fault("input", message, _path_of(wide), "use a larger input")
    for path, module in _modules_of(placed):
        if reason := misfit(module):
            message = f"{text} does not fit: {reason}"
            yield Fault("input", message, path_text(path), "use an input of another size")


def _modules_of(placed: Placed) -> Iterator[tuple[Path, Module]]:
    """The operations of a network, each with the place of its chain; alike blocks once."""
    ends = placed.modules
    chains: list[tuple[Path, tuple[Module, ...]]] = [
        (("stem",), ends.stem),
        (("closing",), ends.closing),
        (("head",), ends.head),
    ]
    chains += [(("stages", index, "before"), chain) for index, chain in enumerate(placed.before)]
    # Blocks that are alike have their modules from one place.
    alike = {id(block.modules): block for stage in placed.stages for block in stage}
    for block in alike.values():
        chains += [(block.resolved.block_path, chain) for chain in block.modules[:4]]
    return ((path, module) for path, chain in chains for module in chain)


def _path_of(layer: Layer) -> str:
    """Where in a spec the layer's stride was given."""
    part = _PART.match(layer.name)
    if part is None:
        return "stem"
    key = "before" if part[1] == "before" else "stride"
    return f"stages[{int(part[2]) - 1}].{key}"


def _total_stride(layers: tuple[Layer, ...], last: Layer) -> int:
    total: Axes = 1
    for layer in layers[: layers.index(last)]:
        if not layer.shortcut:
            total = on_axes(mul, total, layer.stride)
    return largest(total)
