"""The whole network as the text of one Python file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from ..._version import __version__
from ...errors import printable
from ...planner.calls import nested
from ...planner.plan import Plan
from ...planner.plan import lay_out as plan_at
from ...reading.load import SpecLike, as_spec
from ...specs.axes import SIDES
from ...specs.call import Call
from ...specs.layout import BlockPlan
from .arguments import Column
from .block import BlockText
from .calls import is_nothing, write_each
from .classes import sort_blocks
from .layout import lay_out, literal
from .parts import Parts
from .rows import Step, called, made, steps_of
from .starts import initialisation

#: From how many equal blocks in a row on they are written as a loop.
REPEATED = 3


def to_code(spec: SpecLike) -> str:
    """``spec`` (or a catalogue name, or a file) as one PyTorch file that needs torch alone.

    Its class ``ResNet`` has the state-dict names of what :func:`resforge.build` makes and, with
    the same weights, its outputs and gradients bit for bit; its docstring holds the spec and its
    digest. The text is laid out as ``ruff format`` lays it out. Modules that PyTorch does not
    have, registered ones too, are written from their source. Raises :class:`SpecError` for a
    wrong spec and :class:`BuildError` for a module whose source cannot be read or needs more
    than torch.

    >>> text = to_code("cifar_resnet20")
    >>> [line for line in text.splitlines() if line.startswith("class ")]
    ['class ZeroPad(nn.Module):', 'class BasicBlock(nn.Module):', 'class ResNet(nn.Module):']
    """
    plan = plan_at(as_spec(spec, "to_code"))
    return "\n".join([*NetworkText(plan).lines(), ""])


class PlainNumbers:
    """Numbers of a network, which are written as they are, but for the number of classes."""

    def __init__(self, num_classes: int | None) -> None:
        self.num_classes = num_classes
        self.classes: set[str] = set()

    def channel(self, column: Column, likely: str = "") -> str:
        """A number of channels."""
        return literal(column[0])

    def number(self, field: str, column: Column) -> str:
        """Any other number."""
        is_classes = field == "out_features" and column[0] == self.num_classes
        return "num_classes" if is_classes else literal(column[0])

    def stride(self) -> str:
        """Of nothing that is written here."""
        return "1"


class NetworkText:
    """Writes one network."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.spec, self.parts = plan, plan.spec, Parts()
        ends = plan.modules
        self.stem, self.after = nested(ends.stem), nested((*ends.closing, *ends.head))
        self.numbers = PlainNumbers(self.num_classes)
        self.steps, self.cut = self._steps()
        chains = [nested(modules) for modules in plan.before]
        self.before = [self._texts(calls) for calls in chains]
        kinds, self.places = sort_blocks(plan)
        self.blocks = [BlockText(kind) for kind in kinds]
        self.total = len(self.places)
        for name in sorted(self.numbers.classes.union(*(x.arguments.classes for x in self.blocks))):
            self.parts.add_class(name)
        taken = {"ResNet", *self.parts.texts}
        for kind in kinds:
            kind.settle_name(taken)

    def lines(self) -> Iterator[str]:
        """The file."""
        blocks = ["\n".join(text.lines()) for text in self.blocks]
        network = "\n".join(self._network())
        body = "\n\n\n".join([*self.parts.texts.values(), *blocks, network])
        yield from self._docstring()
        space = [""] * (2 if body.startswith(("class ", "def ", "@")) else 1)
        yield from ("", *_imports(body, self.parts.imports), *space, body)

    def _docstring(self) -> Iterator[str]:
        name = f"The network {printable(self.spec.name)}" if self.spec.name else "A network"
        yield _quoted(f'"""{name}: {self.plan.params:,} parameters, depth {self.plan.depth}.')
        yield ""
        yield f"Written by resforge {__version__} from the spec below, whose digest is"
        yield f"{self.spec.digest}."
        yield "It needs torch alone; the names in its state dict are those of the built network."
        yield ""
        yield from (_quoted(f"    {line}".rstrip()) for line in self.spec.to_yaml().splitlines())
        yield '"""'

    def _network(self) -> Iterator[str]:
        yield "class ResNet(nn.Module):"
        yield f'    """{self._in_words()}"""'
        yield ""
        parameters = [
            "self",
            *([f"num_classes: int = {self.num_classes}"] if self.num_classes else []),
        ]
        yield f"    def __init__({', '.join(parameters)}) -> None:"
        yield "        super().__init__()"
        yield from self._modules()
        yield from initialisation(self.plan, self.blocks)
        yield ""
        yield "    def forward(self, x: Tensor) -> Tensor:"
        yield from (line for text in self._forward() for line in lay_out(text, 8))

    def _in_words(self) -> str:
        depths = ", ".join(str(len(stage)) for stage in self.plan.stages)
        shape = "the last stage's map"
        if self.spec.head is not None:
            shape = "(N, num_classes)" if self.num_classes else f"(N, {self.plan.output_shape[0]})"
        sides = ", ".join(side[0].upper() for side in SIDES[self.spec.dims])
        return f"Stages of {depths} blocks; (N, {self.spec.in_channels}, {sides}) to {shape}."

    @property
    def num_classes(self) -> int | None:
        """The number of classes, where the last layer is a linear one."""
        last = self.plan.modules.head[-1:] if self.plan.head else ()
        if not last or not last[0].layers or last[0].layer.kind != "linear":
            return None
        return last[0].out_channels

    # What it holds.

    def _steps(self) -> tuple[list[Step], int]:
        """The modules before and after the stages, and how many stand before."""
        modules = {m.name: m for part in self.plan.modules for m in part}
        texts = self._texts(self.stem)
        cut = len(texts)
        texts |= self._texts(self.after)
        stages = {f"layer{number}" for number in range(1, len(self.plan.stages) + 1)}
        return steps_of(texts, {**self.stem, **self.after}, modules, stages), cut

    def _texts(self, calls: Mapping[str, Call]) -> dict[str, str]:
        parts = {name: {0: call} for name, call in calls.items()}
        some = {name: part for name, part in parts.items() if not is_nothing(part)}
        return write_each(some, self.numbers, "")

    def _modules(self) -> Iterator[str]:
        for name, text in made(self.steps[: self.cut]):
            yield from _set(name, text)
        first = 1
        for number, stage in enumerate(self.plan.stages, start=1):
            for name, text in self.before[number - 1].items():
                yield from _set(name, text)
            blocks = ", ".join(self._stage(stage, first))
            yield from _set(f"layer{number}", f"nn.Sequential({blocks})")
            first += len(stage)
        before = {step.name for step in self.steps[: self.cut]}
        for name, text in made(self.steps[self.cut :]):
            if name not in before:
                yield from _set(name, text)

    def _stage(self, stage: tuple[BlockPlan, ...], first: int) -> Iterator[str]:
        numbers = range(first, first + len(stage))
        for text, run in groupby(numbers, key=lambda number: self._made(number, "number")):
            alike, counted = list(run), "(number" in text
            if len(alike) < REPEATED:
                yield from (self._made(x, str(x)) if counted else text for x in alike)
            elif counted:
                yield f"*({text} for number in range({alike[0]}, {alike[-1] + 1}))"
            else:
                yield f"*({text} for _ in range({len(alike)}))"

    def _made(self, number: int, name: str) -> str:
        """What makes the block of that number, which goes by ``name``."""
        kind, place = self.places[number]
        text = self.blocks[kind]
        rule = self.spec.stochastic_depth
        rate = "" if rule is None else rule.formula(name, self.total)
        return f"{text.kind.name}({text.arguments.given(place, rate)})"

    # How it runs.

    def _forward(self) -> Iterator[str]:
        lines = called(self.steps[: self.cut], "x", "x")
        for number, chain in enumerate(self.before, start=1):
            lines += [f"self.{name}(x)" for name in (*chain, f"layer{number}")]
        lines += called(self.steps[self.cut :], "x", "x")
        *before, last = lines
        yield from (f"x = {line}" for line in before)
        answer = "features" if self.spec.head is None else "logits"
        yield f"{answer}: Tensor = {last}"
        yield f"return {answer}"


def _imports(body: str, needed: Iterable[str]) -> Iterator[str]:
    """The statements that a file of that body begins with, sorted as is usual."""
    wanted = {"from torch import Tensor", "from torch import nn", *needed}
    if "OrderedDict(" in body:
        wanted.add("from collections import OrderedDict")
    names: dict[str, list[str]] = {}
    for statement in sorted(wanted):
        if statement.startswith("from "):
            origin, _, name = statement.removeprefix("from ").partition(" import ")
            names.setdefault(origin, []).append(name)
    lines = [statement for statement in wanted if statement.startswith("import ")]
    lines += [f"from {origin} import {', '.join(found)}" for origin, found in names.items()]
    lines.sort(key=lambda line: (line.startswith("from"), line))
    torch = [line for line in lines if line.split()[1].partition(".")[0] == "torch"]
    others = [line for line in lines if line not in torch]
    yield from [*others, *([""] if others else []), *torch]


def _quoted(line: str) -> str:
    """A line as it stands between triple quotes."""
    start = '"""' if line.startswith('"""') else ""
    return start + line[len(start) :].replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def _set(name: str, module: str) -> list[str]:
    return lay_out(f"self.{name} = {module}", 8)
