"""What names and shapes do not show of a network, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..planner.plan import Plan
from ..specs.axes import axes_text
from ..specs.blocks import BasicSpec
from ..specs.layout import BlockPlan
from ..specs.operation import Operation
from ..specs.operations import ActSpec


def assumptions(plan: Plan) -> tuple[str, ...]:
    """What names and shapes do not show of a network, in words.

    >>> import resforge as rf
    >>> assumptions(rf.plan("cifar_resnet20"))[:3]
    ('strides 1x2x2', 'relu', 'no pool in the stem')
    """
    blocks = [block for stage in plan.stages for block in stage]
    found = [
        *_sizes(plan),
        *_activations(plan, blocks),
        *_pools(plan),
        *(f"shortcut {_shortcut_text(block)}" for block in blocks if _hides(block)),
        *(f"order {block.spec.arrangement or 'written out'}" for block in blocks),
        *(f"the stride on {site}" for block in blocks if (site := _stride_site(block))),
        *_norms(plan),
        *_convolutions(plan),
    ]
    return tuple(dict.fromkeys(found))


def _sizes(plan: Plan) -> Iterator[str]:
    stages = plan.spec.stages
    yield f"strides {'x'.join(axes_text(stage.step) for stage in stages)}"
    if any(stage.dilation != 1 for stage in stages):
        yield f"dilations {'x'.join(str(stage.dilation) for stage in stages)}"


def _activations(plan: Plan, blocks: list[BlockPlan]) -> Iterator[str]:
    chains = [plan.modules.stem]
    for block in blocks:
        chains += [block.modules.entry, block.modules.branch, block.modules.exit]
    for module in (module for chain in (*chains, plan.modules.closing) for module in chain):
        if isinstance(module.op, ActSpec):
            yield module.op.text


def _pools(plan: Plan) -> Iterator[str]:
    pools = [layer for layer in plan.stem if layer.kind.endswith("_pool")]
    for pool in pools:
        side = f"{pool.kernel}x{pool.kernel}"
        yield f"{pool.kind.replace('_', ' ')} {side} of stride {pool.stride}"
    if not pools:
        yield "no pool in the stem"


def _hides(block: BlockPlan) -> bool:
    """Whether tensors do not show all of a block's shortcut."""
    return not any(layer.params for layer in block.shortcut_layers) or (
        len(short_fields(block.shortcut)) > 1 or block.modules.join.evaluated() is not None
    )


def short_fields(spec: Operation) -> dict[str, Any]:
    """The kind of a word, and its fields that differ from their defaults."""
    return {"kind": spec.kind, **spec.differing()}


def _shortcut_text(block: BlockPlan) -> str:
    fields = short_fields(block.shortcut)
    kind = fields.pop("kind")
    more = ", ".join(f"{name} {value_text(value)}" for name, value in fields.items())
    return f"{kind} ({more})" if more else str(kind)


def _stride_site(block: BlockPlan) -> str | None:
    """Which convolution of a bottleneck strides, where one does."""
    site = getattr(block.spec, "stride_on", None) if block.stride != 1 else None
    return None if isinstance(block.spec, BasicSpec) and site == "conv1" else site


def _norms(plan: Plan) -> Iterator[str]:
    norm = plan.spec.norm
    unseen = "kind", "momentum"
    fields = {name: value for name, value in norm if name not in unseen and value is not None}
    if fields:
        yield f"{norm.kind} norm of {', '.join(f'{k} {value}' for k, value in fields.items())}"


def _convolutions(plan: Plan) -> Iterator[str]:
    convolution = plan.spec.convolution
    if convolution.kind != "plain":
        own = [(name, value) for name, value in convolution if name not in ("kind", "padding")]
        yield f"convolution {convolution.kind} of {', '.join(f'{k} {value}' for k, value in own)}"
    if any(layer.padding == "same" for layer in plan.layers):
        yield "convolutions or pools padded as SAME"


def value_text(value: Any) -> str:
    """A value as a file writes it.

    >>> value_text({"kind": "zero_pad", "pad": "both"}), value_text(None)
    ('{kind: zero_pad, pad: both}', 'null')
    """
    if isinstance(value, dict):
        if value.keys() == {"kind"}:
            return str(value["kind"])
        return f"{{{', '.join(f'{key}: {value_text(each)}' for key, each in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
