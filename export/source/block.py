"""A class of blocks, as text."""

from __future__ import annotations

from collections.abc import Iterator

from ...planner.calls import IDENTITY_SHORTCUT
from . import words
from .arguments import Arguments
from .calls import Calls, is_nothing, write, write_each
from .classes import BlockClass
from .layout import WIDTH, lay_out
from .rows import called, made, steps_of


class BlockText:
    """Writes one class of blocks."""

    def __init__(self, kind: BlockClass) -> None:
        self.kind, self.blocks = kind, kind.blocks
        self.first = kind.blocks[0]
        self.arguments = Arguments([calls.block for calls in kind.blocks])
        before = write_each(self._chain("entry", "branch"), self.arguments, "in_channels")
        self.downsample = self._shortcuts()
        after = write_each(self._chain("exit"), self.arguments, "out_channels")
        examples = {**self.first.entry, **self.first.branch, **self.first.exit}
        steps = steps_of({**before, **after}, examples, self.first.modules, {"downsample"})
        divided = list(examples)[: max(calls.takes for calls in kind.blocks)]
        cut = sum(name in before for name in divided)
        self.entry, self.branch = steps[:cut], steps[cut : len(before)]
        self.exit = steps[len(before) :]
        self.condition = ""
        if len(set(self.downsample.values())) > 1:
            changing = {at for at, calls in enumerate(self.blocks) if not calls.keeps}
            self.condition = self.arguments.changes(changing)

    def lines(self) -> Iterator[str]:
        """The class."""
        yield f"class {self.kind.name}(nn.Module):"
        yield from self._docstring()
        yield ""
        parameters = ", ".join(["self", *self.arguments.signature()])
        yield from lay_out(f"def __init__({parameters}) -> None:", 4)
        yield "        super().__init__()"
        yield from self._modules()
        yield ""
        yield "    def forward(self, x: Tensor) -> Tensor:"
        yield from (line for text in self._forward() for line in lay_out(text, 8))

    def _chain(self, *parts: str) -> dict[str, Calls]:
        """The calls of a chain by the names of its modules, then by block; without those that do
        nothing in any block."""
        rows = [
            {name: call for part in parts for name, call in getattr(calls, part).items()}
            for calls in self.blocks
        ]
        chain = {name: {at: row[name] for at, row in enumerate(rows)} for name in rows[0]}
        return {name: calls for name, calls in chain.items() if not is_nothing(calls)}

    def _shortcuts(self) -> dict[bool, str]:
        """What makes the shortcut, by whether the shape is kept; empty for x itself."""
        sides: dict[bool, Calls] = {}
        for at, calls in enumerate(self.blocks):
            if calls.shortcut is not None:
                sides[calls.keeps] = {**sides.get(calls.keeps, {}), at: calls.shortcut}
        if len({calls.side for calls in self.blocks}) == 1 and len(sides) == 2:
            both = {**sides[True], **sides[False]}
            sides = dict.fromkeys((True, False), both)
        return {keeps: self._shortcut(calls) for keeps, calls in sides.items()}

    def _shortcut(self, calls: Calls) -> str:
        if all(call == IDENTITY_SHORTCUT for call in calls.values()):
            return ""
        return write(calls, self.arguments, "in_channels")[0]

    def _docstring(self) -> Iterator[str]:
        text = f'"""y = {words.formula(self.first)}, F = {words.branch(self.first.block)}.'
        about = words.about(self.blocks)
        if not about and len(text) + 7 <= WIDTH:
            yield f'    {text}"""'
            return
        yield from _wrapped(text)
        if about:
            yield ""
            yield from _wrapped(about)
        yield '    """'

    # What the block holds, in the order of the state dict.

    def _modules(self) -> Iterator[str]:
        later = [step.name for step in self.exit]
        for name, text in made([*self.entry, *self.branch, *self.exit]):
            if name not in later:
                yield from _set(name, text)
        yield from self._downsample()
        for name, text in made(self.exit):
            yield from _set(name, text)

    def _downsample(self) -> Iterator[str]:
        texts = self.downsample
        if not any(texts.values()):
            return
        if not self.condition:
            yield from _set("downsample", next(iter(texts.values())))
            return
        declared = self._declared()
        if texts[True]:
            yield f"        if {self.condition}:"
            yield from _set(f"downsample{declared}", texts[False], 12)
            yield "        else:"
            yield from _set("downsample", texts[True], 12)
        else:
            yield from _set(
                f"downsample{declared}", "None" if self.kind.divides else "nn.Identity()"
            )
            yield f"        if {self.condition}:"
            yield from _set("downsample", texts[False], 12)

    def _declared(self) -> str:
        """The annotation of the shortcut, which may be of two classes."""
        if self.first.joined != "sum":
            return ""
        return ": nn.Module | None" if self.kind.divides else ": nn.Module"

    # How it runs.

    def _forward(self) -> Iterator[str]:
        entry = "entry" if self.kind.divides else "x"
        for text in called(self.entry, "x", entry):
            yield f"{entry} = {text}"
        source = entry if self.entry else "x"
        statements = [f"out = {text}" for text in called(self.branch, source)]
        statements += self._joined(source, "out" if statements else source)
        left = called(self.exit, "out")
        statements += [f"out = {text}" for text in left]
        yield from _typed(statements or [f"out = {source}"])

    def _joined(self, entry: str, out: str) -> Iterator[str]:
        fresh = self.first.form[2]
        if self.first.joined == "none":
            if not fresh and self.exit:
                # What follows may write over its input, which a gradient still needs.
                yield f"out = {out}.clone()"
            return
        if self.first.joined != "sum":
            own = out if fresh else f"{out}.clone()"
            yield f"out = self.downsample.join({own}, {entry})"
            return
        shortcut = f"self.downsample({entry})" if any(self.downsample.values()) else entry
        if self.kind.divides:
            shortcut = f"x if self.downsample is None else self.downsample({entry})"
            if not fresh:
                shortcut = f"({shortcut})"
        # In place the sum would be written over what a gradient needs.
        yield f"out += {shortcut}" if fresh else f"out = {out} + {shortcut}"


def _wrapped(text: str) -> Iterator[str]:
    """The lines of a docstring's paragraph; textwrap takes ten times as long."""
    line = "   "
    for word in text.split():
        if len(line) + 1 + len(word) > WIDTH:
            yield line
            line = "   "
        line += f" {word}"
    yield line


def _typed(statements: list[str]) -> Iterator[str]:
    """The statements with what they are annotated with, and the return."""
    statements[0] = statements[0].replace("out = ", "out: Tensor = ", 1)
    *before, last = statements
    yield from before
    if last.startswith(("out = ", "out: Tensor = ")):
        yield "y: Tensor = " + last.partition(" = ")[2]
        yield "return y"
    else:
        yield last
        yield "return out"


def _set(name: str, module: str, indent: int = 8) -> list[str]:
    return lay_out(f"self.{name} = {module}", indent)
