"""timm's ``output_stride`` and ``drop_path_rate``, as changes of a spec."""

from __future__ import annotations

from typing import Any, Final

from ..planner.plan import lay_out
from ..specs import ResNetSpec
from ..specs.axes import largest
from ..specs.catalogue.families import entries
from ..specs.shortcuts import AvgProjectionSpec

OUTPUT_STRIDES: Final = (8, 16, 32)
Changes = dict[str, Any]


def drops(rate: Any) -> Changes | None:
    """timm's stochastic depth: block l of L, from 0, has l / (L - 1) of the rate, and a draw for
    each image."""
    return {"rate": rate, "rule": "linear_from_zero", "mode": "row"} if rate else None


def dilated(spec: ResNetSpec, output_stride: int) -> Changes:
    """Dilations for the strides that would leave less of the map than 1 / ``output_stride``.

    Raises ``ValueError`` where the network does not come to such a map, and where timm changes more
    than strides.

    >>> import resforge as rf
    >>> dilated(rf.load("resnet18"), 16)
    {'stages[3].stride': 1, 'stages[3].dilation': 2}
    """
    strides = [stage.step for stage in spec.stages]
    if spec.dims != 2 or not all(isinstance(step, int) for step in strides):
        raise ValueError(f"output_stride is for pictures, and {spec.name} strides by axis")
    first = largest(lay_out(spec).features[0].stride)
    stride, dilation, changes = first // largest(strides[0]), 1, Changes()
    for index, step in enumerate(map(largest, strides)):
        if stride < output_stride:
            stride *= step
        else:
            dilation *= step
            changes |= {f"stages[{index}].stride": 1, f"stages[{index}].dilation": dilation}
    if output_stride not in OUTPUT_STRIDES or stride != output_stride:
        legal = ", ".join(map(str, OUTPUT_STRIDES))
        raise ValueError(
            f"output_stride={output_stride}: use one of {legal} that {spec.name} reaches "
            f"(its maps are down to 1/{stride} of the picture), or leave it out"
        )
    by, entry = getattr(spec.block, "stride_by", None), entries().get(spec.name)
    averages = isinstance(spec.shortcut.change, AvgProjectionSpec)
    if changes and by is not None and by.kind == "blur":
        raise ValueError("timm blurs where blocks begin to dilate, too")
    if changes and averages and entry is not None and entry.family == "byobnet":
        raise ValueError("timm's class ByobNet averages in some of the blocks that dilate only")
    if dilation > 1 and averages:
        changes["shortcut.change.pool_dilated"] = True
    return changes
