"""Numbers by axis: as many as the network has axes."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Fault, path_text
from ..axes import SIDES
from ..by_axis import lists_of, parts_of
from ..fields import NetworkFields
from ..paths import Path, parse_path
from .places import as_written


def count_axes(spec: NetworkFields) -> Iterator[Fault]:
    """Lists by axis of another length than the network has axes, and what not all axes have."""
    dims = spec.dims
    sides = f"{', '.join(SIDES[dims])}"
    for path, part in parts_of(spec):
        for field, value in lists_of(part):
            if len(value) != dims:
                yield Fault(
                    "dims",
                    f"{list(value)} has {len(value)} numbers, the network (dims: {dims}) {dims} "
                    f"ax{'e' if dims > 1 else 'i'}s",
                    _written(spec, (*path, field)),
                    f"write a number for each axis ({sides}), or one number for all",
                )
        if dims not in part.legal_dims:
            legal, kind = " or ".join(map(str, part.legal_dims)), getattr(part, "kind", "it")
            yield Fault(
                "dims",
                f"{kind} is defined for dims: {legal}, the network has dims: {dims}",
                _written(spec, path),
                f"write dims: {legal}, or leave {kind} out",
            )


def _written(spec: NetworkFields, path: Path) -> str:
    """The path of a part as a user writes it: a chain that is the whole of a stem or a head, and
    one shortcut for both cases, have no names of their own."""
    path = tuple(part for part in path if part != "layers")
    if "shortcut" not in path:
        return path_text(path)
    cut = path.index("shortcut") + 2
    return path_text((*parse_path(as_written(spec, path[:cut])), *path[cut:]))
