"""Where the weights of a written network start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...errors import BuildError
from ...planner.plan import Plan
from ...specs.layer import Module
from .block import BlockText
from .classes import starting
from .layout import literal

Starts = dict[tuple[str, str], float]
"""Values that tensors start at, by the class that holds them and their names in it."""


def initialisation(plan: Plan, blocks: Sequence[BlockText]) -> Iterator[str]:
    """The statements that give fresh weights their values, where PyTorch would give others."""
    drawn = plan.spec.init.scheme == "kaiming_normal"
    if drawn:
        yield ""
        yield "        # By fan-out: He et al. 2015 (arXiv 1502.01852)."
        yield "        for module in self.modules():"
        yield f"            if isinstance(module, nn.Conv{plan.spec.dims}d):"
        yield '                nn.init.kaiming_normal_(module.weight, mode="fan_out")'
    yield from _constants("Values of their own.", _own_starts(plan, blocks, drawn))
    if plan.spec.init.zero_residual:
        comment = "Each block starts as its shortcut: Goyal et al. 2017, section 5.1."
        yield from _constants(comment, _residual_ends(blocks))


def _own_starts(plan: Plan, blocks: Sequence[BlockText], drawn: bool) -> Starts:
    """The constants that tensors start at which no constructor of theirs gives them, or which
    the convolutions' own weights have been ``drawn`` over."""
    found: Starts = {}
    parts = (*plan.modules, *plan.before)
    owners = [("ResNet", module) for part in parts for module in starting(part)]
    for text in blocks:
        owners += [(text.kind.name, x) for calls in text.blocks for x in calls.starting]
    for owner, module in owners:
        for key, value in _starts_of(owner, module, drawn):
            if found.setdefault(key, value) != value:
                raise BuildError(f"{'.'.join(key)} starts at {found[key]} and at {value}")
    return found


def _starts_of(owner: str, module: Module, drawn: bool) -> Iterator[tuple[tuple[str, str], float]]:
    made = module.op.call(module)
    own = not made.name.startswith("nn.")
    for layer in module.layers:
        for tensor, value in layer.starts:
            name = f"{layer.name}.{tensor}" if tensor else layer.name
            if not own and layer.kind != "parameter":
                yield (owner, name), value
            elif drawn and layer.kind == "conv" and tensor == "weight":
                yield (made.name, name.removeprefix(f"{module.name}.")), value


def _residual_ends(blocks: Sequence[BlockText]) -> Starts:
    """What holds each residual branch off 0."""
    found: Starts = {}
    for text in blocks:
        block = text.first.block
        end = block.residual_end
        if not block.shortcut.absent and end is not None:
            names = end.zeros if end.kind == "conv" else (f"{end.name}.weight",)
            found |= {(text.kind.name, name): 0.0 for name in names}
    return found


def _constants(comment: str, starts: Starts) -> Iterator[str]:
    if not starts:
        return
    yield ""
    yield f"        # {comment}"
    yield "        for module in self.modules():"
    owner = ""
    for (name, tensor), value in starts.items():
        if name != owner:
            owner = name
            yield f"            if isinstance(module, {name}):"
        found = _parameter(tensor)
        fill = f"zeros_({found})" if not value else f"constant_({found}, {literal(value)})"
        yield f"                nn.init.{fill}"


def _parameter(name: str) -> str:
    """The text of a parameter of ``module``; PyTorch declares biases as what may be missing, and
    does not declare what is in a sequence."""
    simple = name.count(".") < 2 and name.endswith("weight") and "." in name
    return f"module.{name}" if simple else f'module.get_parameter("{name}")'
