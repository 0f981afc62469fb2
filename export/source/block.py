"""A class of blocks, as text."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from ...planner import Plan
from ...specs import BlockPlan
from ...specs.order import Order
from ...specs.shortcut import IdentitySpec
from . import parts
from .activation import ActivationText
from .arguments import Arguments
from .calls import WIDTH, Call, call, lay_out
from .classes import BlockClass
from .parts import Parts
from .shortcut import IDENTITY, ShortcutText, in_words, joins, make_norm

#: y by what F is done to and what becomes of the sum.
FORMULAS: dict[Order, tuple[str, str]] = {
    "post": ("F(x)", "{act}({sum})"),
    "norm_after_add": ("F(x)", "{act}(norm({sum}))"),
    "relu_before_add": ("{act}(F(x))", "{sum}"),
    "relu_only_pre": ("F({act}(x))", "{sum}"),
    "full_pre": ("F({act}(norm(x)))", "{sum}"),
}
SOURCES = {
    "basic": "He et al. 2015 (arXiv 1512.03385), Figure 5",
    "bottleneck": "He et al. 2015 (arXiv 1512.03385), Figure 5",
    "d2l": "Zhang et al., Dive into Deep Learning, section 8.6",
    "x": "Radosavovic et al. 2020 (arXiv 2003.13678), Figure 4",
}
FIGURES = dict(zip(FORMULAS, "abcde", strict=True))
BRANCHES = {
    "basic": "3x3, 3x3",
    "bottleneck": "1x1, 3x3, 1x1",
    "d2l": "3x3, 3x3, biased",
    "x": "1x1, 3x3 in groups, 1x1",
}


class BlockText:
    """Writes one class of blocks."""

    def __init__(
        self, kind: BlockClass, plan: Plan, activation: ActivationText, used: Parts
    ) -> None:
        self.kind, self.spec, self.activation, self.parts = kind, plan.spec, activation, used
        self.arguments = Arguments(kind.blocks)
        self.shortcuts = ShortcutText(self.arguments, plan.spec.norm, used)
        # One that has all there is: the first of a network may lack the entry.
        self.block = next((b for b in kind.blocks if b.what.entry_activates), kind.blocks[0])
        self.order = self.block.spec.arrangement
        rates = {block.what.drop_rate for block in kind.blocks}
        self.rate = str(*rates) if len(rates) == 1 else "drop_rate"
        self.body = list(self._forward())

    def lines(self) -> Iterator[str]:
        """The class, and that of the first block where it differs."""
        yield f"class {self.kind.name}(nn.Module):"
        yield from self._docstring()
        yield ""
        yield from lay_out("def ", call("__init__", "self", *self._signature()), 4, " -> None:")
        yield "        super().__init__()"
        yield from self._modules()
        yield ""
        yield "    def forward(self, x: Tensor) -> Tensor:"
        yield from (f"        {line}" for line in self.body)
        if self.kind.first is not None:
            yield from self._first()

    def instance(self, block: BlockPlan, rate: str) -> Call:
        """What makes a block of this class, which drops its branch at ``rate``."""
        at = next(at for at, own in enumerate(self.kind.blocks) if own is block)
        given = self.arguments.given(at)
        if self.rate == "drop_rate":
            given.append(f"drop_rate={rate}")
        name = f"First{self.kind.name}" if block is self.kind.first else self.kind.name
        return call(name, *given)

    def _signature(self) -> list[str]:
        signature = self.arguments.signature()
        if self.rate == "drop_rate":
            signature.insert(len(self.arguments.channels), "drop_rate: float")
        return signature

    def _docstring(self) -> Iterator[str]:
        kind: Any = self.block.spec.kind
        how, act = joins(self.block.shortcut), self.activation.attribute
        branch, whole = FORMULAS[self.order]
        sums = {"none": "{}", "add": "{} + S(x)", "join": f"{self._joiner()}({{}}, S(x))"}
        total = sums[how].format(branch.format(act=act))
        formula = whole.format(act=act, sum=total)
        if not act:
            formula = formula.replace("((", "(").replace("))", ")")
        yield f'    """y = {formula}, F = {BRANCHES[kind]}.'
        yield ""
        text = f"{self._shortcut_in_words()}{self._source()}."
        yield from (f"    {line}" for line in wrap(text, WIDTH - 4))
        yield '    """'

    def _joiner(self) -> str:
        shortcut = next(iter(self.kind.sides.values())).shortcut
        return {"gate": "Gate", "scaled": "Scaled"}.get(shortcut.kind, "")

    def _shortcut_in_words(self) -> str:
        if joins(self.block.shortcut) == "none":
            return ""
        words = {keeps: in_words(side.shortcut) for keeps, side in self.kind.sides.items()}
        if len(set(words.values())) == 1:
            return f"S(x) is {next(iter(words.values()))}. "
        return f"S(x) is {words[True]}, or {words[False]} where the shape changes. "

    def _source(self) -> str:
        if self.order != "post":
            return f"He et al. 2016 (arXiv 1603.05027), Figure 4{FIGURES[self.order]}"
        return SOURCES[self.block.spec.kind]

    # What the block holds, in the order of the state dict.

    def _modules(self) -> Iterator[str]:
        for name, module in self._entry():
            annotation = ": nn.Module" if self.kind.first is not None else ""
            yield from _set(name + annotation, module)
        yield from self._branch()
        yield from self._branch_end()
        yield from self._downsample()
        if self.order == "norm_after_add" and self.block.exit:
            yield from _set("bn_sum", make_norm(self.spec.norm, "out_channels"))
        if f"self.{self.activation.attribute}(" in "".join(self.body):
            yield from _set(self.activation.attribute, self.activation.in_place)

    def _entry(self) -> Iterator[tuple[str, Call | str]]:
        """What stands before the branch and has a name of its own."""
        if not self.block.what.entry_activates:
            return
        if self.block.entry:
            yield "bn0", make_norm(self.spec.norm, "in_channels")
        act = self.activation
        # A norm's fresh output may be written over; x may be the shortcut's too.
        module = act.in_place if self.block.entry else act.fresh
        if act.attribute and (self.kind.first is not None or module != act.in_place):
            yield f"{act.attribute}0", module

    def _branch(self) -> Iterator[str]:
        layers = [layer for layer in self.block.branch if layer.path == "main"]
        inner = self.arguments.inner
        convs = [layer.name for layer in layers if layer.kind == "conv"]
        channels = "in_channels"
        for layer in layers:
            name = layer.name[len(self.block.name) + 1 :]
            if layer.kind == "conv":
                before, channels = channels, inner if layer.name != convs[-1] else "out_channels"
                yield from _set(name, self.shortcuts.conv(self.block, name, before, channels))
            else:
                yield from _set(name, make_norm(self.spec.norm, channels))

    def _branch_end(self) -> Iterator[str]:
        attention = getattr(self.block.spec, "attention", None)
        if attention is not None and attention.kind == "se":
            name = self.parts.add("SqueezeExcitation", parts.SQUEEZE_EXCITATION)
            hidden = f"out_channels // {attention.reduction}"
            yield from _set("se", call(name, "out_channels", hidden))
        elif attention is not None:
            name = self.parts.add("ECA", parts.ECA)
            yield from _set("se", call(name, self.arguments.text("se.conv", "kernel")))
        if self.block.what.drop_rate:
            assert self.spec.stochastic_depth is not None
            each, draws = parts.DRAWS[self.spec.stochastic_depth.mode]
            name = self.parts.add("StochasticDepth", parts.STOCHASTIC_DEPTH, each=each, draws=draws)
            yield from _set("drop_path", call(name, self.rate))

    def _downsample(self) -> Iterator[str]:
        if not self._has_shortcut():
            return
        modules = {
            keeps: self.shortcuts.module(side.shortcut, self._on(keeps))
            for keeps, side in self.kind.sides.items()
        }
        if len(set(modules.values())) == 1:
            yield from _set("downsample", next(iter(modules.values())))
            return
        condition = f"        if {self._changes()}:"
        if modules[True] == IDENTITY:
            before = " | None = None" if self.kind.divides else f" = {IDENTITY}"
            yield f"        self.downsample: nn.Module{before}"
            yield condition
            yield from _set("downsample", modules[False], 12)
        else:
            yield condition
            yield from _set("downsample: nn.Module", modules[False], 12)
            yield "        else:"
            yield from _set("downsample", modules[True], 12)

    def _has_shortcut(self) -> bool:
        """Whether the shortcut is a module: not where it is missing, or x in all blocks."""
        kinds = {type(side.shortcut) for side in self.kind.sides.values()}
        return joins(self.block.shortcut) != "none" and kinds != {IdentitySpec}

    def _on(self, keeps: bool) -> BlockPlan:
        return next(block for block in self.kind.blocks if block.what.keeps_shape == keeps)

    def _changes(self) -> str:
        """What tells the blocks that change the shape from those that keep it."""
        changing = [block for block in self.kind.blocks if not block.what.keeps_shape]
        if all(block.in_channels != block.out_channels for block in changing):
            return "in_channels != out_channels"
        if all(block.stride != 1 for block in changing):
            return "stride != 1"
        return "stride != 1 or in_channels != out_channels"

    # How it runs.

    def _forward(self) -> Iterator[str]:
        taken = {side.takes for side in self.kind.sides.values()}
        source, raw = "x", "x" in taken
        entry = self._entered("x")
        if entry != "x":
            source = "entry" if raw else "x"
            yield f"{source} = {entry}"
        statements = [*self._branched(source), *self._joined(source), *self._left()]
        statements[0] = statements[0].replace("out = ", "out: Tensor = ", 1)
        *before, last = statements
        yield from before
        if last.startswith(("out = ", "out: Tensor = ")):
            yield "y: Tensor = " + last.partition(" = ")[2]
            yield "return y"
        else:
            yield last
            yield "return out"

    def _entered(self, x: str) -> str:
        if not self.block.what.entry_activates:
            return x
        named = [name for name, _ in self._entry()]
        x = f"self.bn0({x})" if "bn0" in named else x
        own = self.activation.attribute + "0"
        return f"self.{own}({x})" if own in named else self.activation.of(x)

    def _branched(self, x: str) -> Iterator[str]:
        steps: list[list[str]] = []
        for layer in self.block.branch:
            name = layer.name[len(self.block.name) + 1 :]
            if layer.kind == "conv" and layer.path == "main":
                steps.append([name])
            elif layer.path == "main":
                steps[-1].append(name)
        for step in steps:
            for name in step:
                x = f"self.{name}({x})"
            if step is not steps[-1] or self.order == "relu_before_add":
                x = self.activation.of(x)
            yield f"out = {x}"
            x = "out"
        if getattr(self.block.spec, "attention", None) is not None:
            yield "out = self.se(out)"
        if self.block.what.drop_rate:
            yield "out = self.drop_path(out)"

    def _joined(self, entry: str) -> Iterator[str]:
        how = joins(self.block.shortcut)
        taken = "x" if "x" in {side.takes for side in self.kind.sides.values()} else entry
        if how == "none":
            return
        if how == "join":
            yield f"out = self.downsample(out, {taken})"
            return
        shortcut = f"self.downsample({taken})" if self._has_shortcut() else taken
        if self.kind.divides:
            shortcut = f"x if self.downsample is None else self.downsample({entry})"
        if self.order == "relu_before_add":
            # In place the sum would be written over what the activation's gradient needs.
            yield f"out = out + {shortcut}"
        else:
            yield f"out += {shortcut}"

    def _left(self) -> Iterator[str]:
        y = "self.bn_sum(out)" if self.order == "norm_after_add" and self.block.exit else "out"
        if self.order in ("post", "norm_after_add"):
            y = self.activation.of(y)
        if y != "out":
            yield f"out = {y}"

    def _first(self) -> Iterator[str]:
        yield from ("", "")
        yield f"class First{self.kind.name}({self.kind.name}):"
        yield '    """The first block of the network: the stem has activated what it takes."""'
        yield ""
        signature = self._signature()
        yield from lay_out("def ", call("__init__", "self", *signature), 4, " -> None:")
        names = [parameter.partition(":")[0] for parameter in signature]
        yield f"        super().__init__({', '.join(names)})"
        for name, _ in self._entry():
            yield from _set(name, IDENTITY)


def _set(name: str, module: Call | str, indent: int = 8) -> list[str]:
    return lay_out(f"self.{name} = ", module, indent)
