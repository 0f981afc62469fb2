"""The whole network as the text of one Python file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import groupby

from ..._version import __version__
from ...errors import BuildError, printable
from ...planner import Plan
from ...planner.plan import lay_out as plan_at
from ...reading.load import as_spec
from ...specs import BlockPlan, ResNetSpec
from ...specs.shortcut import NoShortcutSpec
from .activation import ActivationText
from .block import BlockText
from .calls import Call, Expression, Loop, call, lay_out
from .classes import NAMES, sort_blocks
from .parts import Parts
from .shortcut import make_conv, make_norm

#: From how many equal blocks in a row on they are written as a loop.
REPEATED = 3


def to_code(spec: ResNetSpec | str | os.PathLike[str]) -> str:
    """``spec`` (or a catalogue name, or a file) as one PyTorch file that needs torch alone.

    Its class ``ResNet`` has the state-dict names of what :func:`resforge.build` makes and, with
    the same weights, its outputs and gradients bit for bit; its docstring holds the spec and its
    digest. The text is laid out as ``ruff format`` lays it out. Raises :class:`SpecError` for a
    wrong spec and :class:`BuildError` for blocks of kinds registered from Python.

    >>> text = to_code("cifar_resnet20")
    >>> [line for line in text.splitlines() if line.startswith("class ")]
    ['class ZeroPad(nn.Module):', 'class BasicBlock(nn.Module):', 'class ResNet(nn.Module):']
    """
    plan = plan_at(as_spec(spec, "to_code"), (1, 1))
    _refuse_strangers(plan)
    return "\n".join([*NetworkText(plan).lines(), ""])


def _refuse_strangers(plan: Plan) -> None:
    for stage in plan.stages:
        for block in stage:
            if block.spec.kind not in NAMES:
                raise BuildError(
                    f"{block.name} is of the kind {block.spec.kind!r}, which was registered from "
                    "Python: only its author's code says how it runs; export the network as "
                    "ONNX or with torch.export instead"
                )


class NetworkText:
    """Writes one network."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.spec, self.parts = plan, plan.spec, Parts()
        self.activation = ActivationText(plan.spec.activation)
        self.blocks = [
            BlockText(kind, plan, self.activation, self.parts) for kind in sort_blocks(plan)
        ]
        self.text_of = {id(b): text for text in self.blocks for b in text.kind.blocks}
        self.numbers = {
            id(block): number
            for number, block in enumerate((b for stage in plan.stages for b in stage), start=1)
        }

    def lines(self) -> Iterator[str]:
        """The file."""
        blocks = ["\n".join(text.lines()) for text in self.blocks]
        network = "\n".join(self._network())
        body = "\n\n\n".join([*(t.rstrip() for t in self.parts.texts()), *blocks, network])
        yield from self._docstring()
        yield from ("", *_imports(body), "", "", body)

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
        spec = self.spec
        classes = "" if spec.head is None else f"num_classes: int = {spec.head.num_classes}"
        yield "class ResNet(nn.Module):"
        yield f'    """{self._in_words()}"""'
        yield ""
        arguments = ", ".join(["self", *([classes] if classes else [])])
        yield f"    def __init__({arguments}) -> None:"
        yield "        super().__init__()"
        yield from self._modules()
        yield from self._initialisation()
        yield ""
        yield "    def forward(self, x: Tensor) -> Tensor:"
        yield from (f"        {line}" for line in self._forward())

    def _in_words(self) -> str:
        spec = self.spec
        depths = ", ".join(str(len(stage)) for stage in self.plan.stages)
        answer = "features" if spec.head is None else "num_classes"
        shape = f"(N, {answer})" if spec.head else "the last stage's map"
        return f"Stages of {depths} blocks; (N, {spec.in_channels}, H, W) to {shape}."

    # What it holds.

    def _modules(self) -> Iterator[str]:
        for layer in self.plan.stem:
            if layer.kind == "conv":
                padding = str(layer.kernel // 2)
                made: Expression = make_conv(
                    layer.in_channels,
                    layer.out_channels,
                    layer.kernel,
                    str(layer.stride),
                    padding,
                    "1",
                    "1",
                    layer.bias,
                )
            elif layer.kind == "max_pool":
                made = call("nn.MaxPool2d", layer.kernel, f"stride={layer.stride}", "padding=1")
            else:
                made = make_norm(self.spec.norm, layer.out_channels)
            if layer.kind == "max_pool":
                yield from self._activation_module()
            yield from _set(layer.name, made)
        if self.plan.stem[-1].kind != "max_pool":
            yield from self._activation_module()
        for number, stage in enumerate(self.plan.stages, start=1):
            yield from _set(f"layer{number}", Call("nn.Sequential", tuple(self._stage(stage))))
        for layer in self.plan.closing:
            yield from _set(layer.name, make_norm(self.spec.norm, layer.out_channels))
        if self._closing_act() and self.activation.differs:
            yield from _set(self._closing_act(), self.activation.fresh)
        yield from self._head()

    def _activation_module(self) -> Iterator[str]:
        if self.activation.attribute:
            yield from _set(self.activation.attribute, self.activation.in_place)

    def _closing_act(self) -> str:
        """The attribute that activates after the last stage; empty where nothing does."""
        last = self.plan.stages[-1][-1].spec.arrangement
        if last not in ("relu_only_pre", "full_pre") or not self.activation.attribute:
            return ""
        return ("last_" if self.activation.differs else "") + self.activation.attribute

    def _head(self) -> Iterator[str]:
        head = self.spec.head
        if head is not None:
            yield from _set("avgpool", call("nn.AdaptiveAvgPool2d", 1))
            if head.dropout:
                yield from _set("dropout", call("nn.Dropout", head.dropout))
            yield from _set("fc", call("nn.Linear", self.plan.head[-1].in_channels, "num_classes"))

    def _stage(self, stage: tuple[BlockPlan, ...]) -> Iterator[Expression]:
        for _, run in groupby(stage, key=lambda block: str(self._made(block, "number"))):
            blocks = list(run)
            if len(blocks) < REPEATED:
                yield from (self._made(block, str(self.numbers[id(block)])) for block in blocks)
                continue
            item = self._made(blocks[0], "number")
            first, count = self.numbers[id(blocks[0])], len(blocks)
            counted = "number / " in str(item)
            span = f"{first}, {first + count}" if counted else str(count)
            yield Loop(item, "number" if counted else "_", span)

    def _made(self, block: BlockPlan, number: str) -> Call:
        """What makes a block, given its number in the network as text."""
        rule, rate = self.spec.stochastic_depth, ""
        if rule is not None:
            rate = f"{rule.rate} * ({number} / {len(self.numbers)})"
        return self.text_of[id(block)].instance(block, rate)

    def _initialisation(self) -> Iterator[str]:
        if self.spec.init.scheme == "kaiming_normal":
            yield ""
            yield "        # By fan-out: He et al. 2015 (arXiv 1502.01852)."
            yield "        for module in self.modules():"
            yield "            if isinstance(module, nn.Conv2d):"
            yield '                nn.init.kaiming_normal_(module.weight, mode="fan_out")'
        ends = list(self._residual_ends())
        if self.spec.init.zero_residual and ends:
            yield ""
            yield "        # Each block starts as its shortcut: Goyal et al. 2017, section 5.1."
            yield "        for module in self.modules():"
            yield from ends

    def _residual_ends(self) -> Iterator[str]:
        for text in self.blocks:
            block = text.block
            end = block.residual_end
            if isinstance(block.shortcut, NoShortcutSpec) or end is None:
                continue
            name = end.name[len(block.name) + 1 :]
            yield f"            if isinstance(module, {text.kind.name}):"
            yield f"                nn.init.zeros_(module.{name}.weight)"
            if end.kind == "conv" and end.bias:
                yield f'                nn.init.zeros_(module.{name}.get_parameter("bias"))'

    # How it runs.

    def _forward(self) -> Iterator[str]:
        *before, last = self._steps()
        yield from (f"x = {step}" for step in before)
        answer = "features" if self.spec.head is None else "logits"
        yield f"{answer}: Tensor = {last}"
        yield f"return {answer}"

    def _steps(self) -> Iterator[str]:
        names = {layer.name for layer in self.plan.stem}
        for layer in self.plan.stem:
            if layer.kind == "conv":
                follower = f"bn{layer.name[4:]}"
                inner = f"self.{layer.name}(x)"
                inner = f"self.{follower}({inner})" if follower in names else inner
                yield self.activation.of(inner)
            elif layer.kind == "max_pool":
                yield f"self.{layer.name}(x)"
        yield from (f"self.layer{number}(x)" for number in range(1, len(self.plan.stages) + 1))
        closing = "".join(f"self.{layer.name}(" for layer in self.plan.closing)
        act = self._closing_act()
        if closing or act:
            inner = f"{closing}x{')' * len(self.plan.closing)}"
            yield f"self.{act}({inner})" if act else inner
        if self.spec.head is not None:
            yield "self.avgpool(x).flatten(1)"
            if self.spec.head.dropout:
                yield "self.dropout(x)"
            yield "self.fc(x)"


def _imports(body: str) -> Iterator[str]:
    if "OrderedDict(" in body:
        yield from ("from collections import OrderedDict", "")
    if "torch." in body:
        yield "import torch"
    if "F." in body:
        yield "import torch.nn.functional as F"
    yield "from torch import Tensor, nn"


def _quoted(line: str) -> str:
    """A line as it stands between triple quotes."""
    start = '"""' if line.startswith('"""') else ""
    return start + line[len(start) :].replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def _set(name: str, module: Expression) -> list[str]:
    return lay_out(f"self.{name} = ", module, 8)
