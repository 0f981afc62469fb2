"""Chains beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..axes import size_text
from ..call import Call, call, nest
from ..layer import Layer, Module
from ..operation import After, FullChain, Operation, Problem, named, trace_chain
from ..site import Site
from ..tally import weighted
from ..trace import Trace
from .flatten import FlattenSpec

Paths = Annotated[tuple[FullChain, ...], Field(strict=False, min_length=2, max_length=8)]


class ParallelSpec(Operation):
    """Chains that take one map, and whose maps become one: their sum, say, or all their channels.

    What an operation in a chain leaves out is as if it stood in place of this one. `shake` is the
    random sum of Shake-Shake (Gastaldi 2017, arXiv 1705.07485).
    """

    main: ClassVar[str | None] = "paths"
    sign: ClassVar[str | None] = "∥"
    legend: ClassVar[str] = "chains beside each other"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"paths": [[{"conv": 3}, "norm"], ["act", {"conv": 1}, {"se": 2}]]},
        {"paths": [[{"conv": 3, "width": 3}], [{"pool": "max", "stride": 1}]], "join": "cat"},
        {"paths": [["norm"], [{"conv": 1}], [{"scale": 2.0}]], "join": "mean"},
        {"paths": [["act", {"conv": 3}], ["act", {"conv": 3}]], "join": "shake"},
    )
    after: ClassVar[After] = "fresh"
    holds: ClassVar[frozenset[str]] = frozenset({"paths"})

    kind: Literal["parallel"] = "parallel"
    paths: Paths
    """The chains, two or more, each a list of operations."""
    join: Literal["add", "cat", "mean", "shake"] = "add"
    """How their maps become one: their sum (`add`), their mean, their channels one after another
    (`cat`); or with `shake` the mean while evaluating, and while training a sum with weights that
    are drawn for each image, and once more for its gradient."""

    @property
    def reads_sums(self) -> bool:  # type: ignore[override]
        return any(op.reads_sums for chain in self.paths for op in chain)

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        sides: list[Trace] = []
        starts = []
        for number, chain in enumerate(self.paths):
            side = trace.beside(trace.channels)
            side.modules, side.flat = [], trace.flat
            starts.append(len(trace.layers))
            steps = named(chain, f"{name}.paths.{number}.")
            trace_chain(side, steps, site, trace.chain_width, fresh=False)
            sides.append(side)
        if trace.path == "main":
            _put_beside_the_longest(sides, starts)
        trace.inner += tuple(step for side in sides for step in side.modules)
        trace.dilation = sides[0].dilation
        channels = [side.channels for side in sides]
        trace.take(*sides, channels=sum(channels) if self.join == "cat" else channels[0])

    def call(self, module: Module) -> Call:
        start = len(module.name) + 1
        calls = nest({step.name[start:]: step.op.call(step) for step in module.inner})
        return call("Parallel", calls["paths"], **self.differing("join"))

    def canonical(self, module: Module) -> dict[str, Any] | None:
        paths = [[step.op.canonical(step) for step in path] for path in paths_of(module)]
        return self._meant(paths, self.join)

    def evaluated(self, module: Module) -> dict[str, Any] | None:
        paths = [[step.op.evaluated(step) for step in path] for path in paths_of(module)]
        return self._meant(paths, "mean" if self.join == "shake" else self.join)

    def _meant(self, paths: list[list[Any]], join: str) -> dict[str, Any]:
        held = [[part for part in path if part is not None] for path in paths]
        return {"op": self.kind, "paths": held, **({} if join == "add" else {"join": join})}

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        paths = paths_of(module)
        for number, path in enumerate(paths):
            listed = (step for step in path if not isinstance(step.op, FlattenSpec))
            for index, step in enumerate(listed):
                # As the short form has it, so that the fault is placed within.
                place = f"{self.kind}[{number}][{index}]"
                for field, message, help_ in step.op.problems(step, site):
                    yield f"{place}.{field}", message, help_
                if any(layer.kind in _VECTORS for layer in _on_way(step.layers)):
                    message = f"{step.op.kind} leaves a vector, and paths are of maps"
                    yield place, message, "put it after the paths"
                    return
        channels = [path[-1].out_channels for path in paths]
        if self.join != "cat" and len(set(channels)) > 1:
            message = f"paths that end in {_listed(map(str, channels))} channels cannot be added"
            yield self.kind, message, "make them end in as many channels, or write join: cat"
        for message in self.misfits(module):
            yield self.kind, message, "give all of them one stride, and pad their windows by half"
        if self.join == "shake" and len(paths) != 2:
            yield self.kind, f"a shake is of 2 paths, not of {len(paths)}", "write join: mean"

    def misfits(self, module: Module) -> Iterator[str]:
        for step in module.inner:
            yield from step.op.misfits(step)
        layers = _on_way(module.layers)
        paths = [
            _on_way(layer for step in path for layer in step.layers) for path in paths_of(module)
        ]
        sizes = [path[-1].out_size if path else layers[0].in_size for path in paths if layers]
        if len(set(sizes)) > 1:
            yield f"paths that end in maps of {_listed(map(size_text, sizes))} cannot be one"


_VECTORS = ("linear", "flatten")


def _put_beside_the_longest(sides: Sequence[Trace], starts: Sequence[int]) -> None:
    """Say of the layers of all paths but the one of most weighted layers that they are beside it;
    the layers of each path begin at its start."""
    layers = sides[0].layers
    written = [slice(*ends) for ends in pairwise((*starts, len(layers)))]
    lengths = [len(weighted(layers[part])) for part in written]
    longest = lengths.index(max(lengths))
    for number, (side, part) in enumerate(zip(sides, written, strict=True)):
        if number != longest:
            layers[part] = map(_beside, layers[part])
            side.modules = [_with_layers_beside(module) for module in side.modules]


def _beside(layer: Layer) -> Layer:
    return layer._replace(path="parallel") if layer.path == "main" else layer


def _with_layers_beside(module: Module) -> Module:
    return module._replace(
        layers=tuple(map(_beside, module.layers)),
        inner=tuple(map(_with_layers_beside, module.inner)),
    )


def paths_of(module: Module) -> list[list[Module]]:
    """The steps of each chain."""
    start, paths = len(f"{module.name}.paths."), dict[str, list[Module]]()
    for step in module.inner:
        paths.setdefault(step.name[start:].partition(".")[0], []).append(step)
    return list(paths.values())


def _on_way(layers: Iterable[Layer]) -> list[Layer]:
    """The layers that a map goes through: all but those that weigh it from the side."""
    return [layer for layer in layers if layer.path != "attention"]


def _listed(parts: Iterable[str]) -> str:
    *rest, last = parts
    return f"{', '.join(rest)} and {last}"
