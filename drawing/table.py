"""A network as rows: one for each part, or one for each layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from ..planner.plan import Plan
from ..planner.totals import Feature
from ..specs.axes import Axes, number_text, sides_text
from ..specs.layer import Layer, Module, Shape
from ..specs.layout import BlockPlan
from .fold import Run, block_text, in_brief, runs, shortcut_text


class Row(NamedTuple):
    """A part of a network and what it costs."""

    name: str
    """A part (``stem``, ``layer2``, ``layer2.1-3``) or a layer's name in the state dict."""
    what: str
    """``bottleneck x4, 256 -> 512, /2`` or ``conv 3x3/2, 32 groups``."""
    shortcut: str
    """The shortcuts of a run of blocks, or the one that a layer stands on; empty for none."""
    output: Shape
    """Shape for one image: ``(C, H, W)``, or ``(classes,)`` after the linear layer."""
    params: int
    macs: int
    share_of_params: float
    """Of the whole network's, from 0 to 1."""
    share_of_macs: float
    receptive_field: Axes
    """Side, in input pixels, of the square that an element of the output sees."""


def rows(plan: Plan, every_layer: bool = False) -> list[Row]:
    """The parts of ``plan``: the stem, each run of equal blocks, the head; or every layer.

    Parameters and MACs of the rows add up to those of the plan.

    >>> import resforge as rf
    >>> for row in rows(rf.plan(rf.load("resnet50"))):
    ...     print(row.name, "|", row.what, "|", row.shortcut, "|", row.output)
    stem | conv 7x7/2, max pool 3x3/2 |  | (64, 56, 56)
    layer1 | bottleneck x3, 64 -> 256 | projection, then identity | (256, 56, 56)
    layer2 | bottleneck x4, 256 -> 512, /2 | projection, then identity | (512, 28, 28)
    layer3 | bottleneck x6, 512 -> 1024, /2 | projection, then identity | (1024, 14, 14)
    layer4 | bottleneck x3, 1024 -> 2048, /2 | projection, then identity | (2048, 7, 7)
    head | average pool, linear |  | (1000,)
    """
    totals = plan.params, plan.macs
    if every_layer:
        shortcuts = {
            block.name: in_brief(shortcut_text, block.shortcut)
            for stage in plan.stages
            for block in stage
        }
        each = [_layer_row(layer, shortcuts, totals) for layer in plan.layers]
        # A norm behind a linear layer is on a vector, which its sizes do not tell.
        return [*each[:-1], each[-1]._replace(output=plan.output_shape)] if plan.head else each
    found = [_row("stem", _list(plan.modules.stem), "", plan.stem, totals)]
    for number, (stage, feature) in enumerate(zip(plan.stages, plan.features, strict=True), 1):
        if before := plan.before[number - 1]:
            layers = [layer for module in before for layer in module.layers]
            if layers:
                found.append(_row(f"before{number}", _list(before), "", layers, totals))
        found += [_run_row(run, feature, totals) for run in runs(stage)]
    found += [_layer_row(layer, {}, totals) for layer in plan.closing]
    if plan.head:
        head = _row("head", _list(plan.modules.head), "", plan.head, totals)
        found.append(head._replace(output=plan.output_shape))
    return found


def total(plan: Plan) -> Row:
    """The whole network as one row.

    >>> import resforge as rf
    >>> row = total(rf.plan(rf.load("resnet50")))
    >>> row.what, row.params, row.macs, row.share_of_params
    ('50 layers', 25557032, 4089184256, 1.0)
    """
    return Row(
        "total",
        f"{plan.depth} layers",
        "",
        plan.output_shape,
        plan.params,
        plan.macs,
        1.0,
        1.0 if plan.macs else 0.0,
        plan.receptive_field,
    )


def layer_text(layer: Layer) -> str:
    """A layer's kind with its kernel, stride, groups and dilation, where it has any.

    >>> import resforge as rf
    >>> block = rf.plan(rf.load("resnext50_32x4d")).stages[1][0]
    >>> layer_text(block.layer("conv2")), layer_text(block.layer("bn2"))
    ('conv 3x3/2, 32 groups', 'batch norm')
    """
    text = layer.kind.replace("_", " ").replace("avg", "average")
    if layer.kind == "conv_along_channels":
        text += f" {layer.kernel}"
    # The kernel of a global pool is the whole map, and stands for no window.
    elif layer.kind in ("conv", "max_pool") or (layer.kind == "avg_pool" and layer.kernel != 1):
        text += f" {sides_text(layer.kernel, layer.dims)}"
    if layer.stride != 1:
        stride = number_text(layer.stride)
        text += f"/{stride}" if text[-1].isdigit() else f" /{stride}"
    if layer.groups > 1:
        text += f", {layer.groups} groups"
    if layer.dilation != 1:
        text += f", dilation {number_text(layer.dilation)}"
    return text


def shortcuts_text(blocks: Iterable[BlockPlan]) -> str:
    """The shortcuts of neighbouring blocks, each named where it begins.

    >>> import resforge as rf
    >>> shortcuts_text(rf.plan(rf.load("resnet18")).stages[1])
    'projection, then identity'
    """
    texts = (in_brief(shortcut_text, block.shortcut) for block in blocks)
    return ", then ".join(text for text, _ in groupby(texts))


def _run_row(run: Run, feature: Feature, totals: tuple[int, int]) -> Row:
    first, last = run.blocks[0], run.blocks[-1]
    what = in_brief(block_text, first.spec)
    if len(run.blocks) > 1:
        what += f" x{len(run.blocks)}"
    widens = first.in_channels != last.out_channels
    what += f", {first.in_channels} -> {last.out_channels}" if widens else f", {last.out_channels}"
    if first.stride != 1:
        what += f", /{number_text(first.stride)}"
    if spread := _dilations(run.blocks):
        what += f", {spread}"
    layers = [layer for block in run.blocks for layer in block.layers]
    row = _row(run.name, what, shortcuts_text(run.blocks), layers, totals)
    # Only a stage's first block strides, so each run ends at the size of its stage.
    return row._replace(
        output=(last.out_channels, *feature.size), receptive_field=last.receptive_field
    )


def _dilations(blocks: Iterable[BlockPlan]) -> str:
    chains = (chain for block in blocks for chain in block.modules[:4])
    modules = (module for chain in chains for module in chain if not module.inner)
    found = {layer.dilation for module in modules for layer in module.layers} - {1}
    texts = sorted(map(number_text, found))
    return f"dilation {' and '.join(texts)}" if found else ""


def _layer_row(layer: Layer, shortcuts: dict[str, str], totals: tuple[int, int]) -> Row:
    block = ".".join(layer.name.split(".")[:2])
    shortcut = shortcuts[block] if layer.shortcut else ""
    return _row(layer.name, layer_text(layer), shortcut, (layer,), totals)


def _row(
    name: str, what: str, shortcut: str, layers: Sequence[Layer], totals: tuple[int, int]
) -> Row:
    params = sum(layer.params for layer in layers)
    macs = sum(layer.macs for layer in layers)
    last = [*layers[:1], *main_path(layers)][-1:]
    return Row(
        name,
        what,
        shortcut,
        _output(last[0]) if last else (),
        params,
        macs,
        params / totals[0] if totals[0] else 0.0,
        macs / totals[1] if totals[1] else 0.0,
        last[0].receptive_field if last else 0,
    )


def main_path(layers: Iterable[Layer]) -> Iterator[Layer]:
    """The layers that the map itself goes through."""
    return (layer for layer in layers if layer.path == "main")


def _output(layer: Layer) -> Shape:
    if layer.kind == "linear":
        return (layer.out_channels,)
    return (layer.out_channels, *layer.out_size)


def _list(modules: Iterable[Module]) -> str:
    """The layers that do more than scale, one after another; of attention its kind."""
    texts = [text for module in modules for text in _texts(module)]
    runs_of = [(text, len(list(same))) for text, same in groupby(texts)]
    return ", ".join(f"{text} x{count}" if count > 1 else text for text, count in runs_of)


def _texts(module: Module) -> list[str]:
    main = list(main_path(module.layers))
    if len(main) < len(module.layers):
        return [module.op.kind.replace("_", " ")]
    return [layer_text(layer) for layer in main if not layer.kind.endswith("_norm")]
