"""What timm's ``create_model`` may ask of a network, as changes of its spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..blocks.timm_contract import map_indices
from ..planner.plan import lay_out
from ..specs import ResNetSpec
from ..specs.axes import largest
from ..specs.shortcuts import AvgProjectionSpec
from .errors import ExportError

Options = Mapping[str, Any]
Changes = dict[str, Any]

#: The arguments of timm that a network takes, besides those that say where weights are.
KNOWN = (
    "num_classes",
    "in_chans",
    "global_pool",
    "output_stride",
    "drop_rate",
    "drop_path_rate",
    "features_only",
    "out_indices",
)
OUTPUT_STRIDES = (8, 16, 32)


def asked_of(config: Options, options: Options) -> dict[str, Any]:
    """``options``, and what they leave out as timm's configuration of the model has it.

    An option that is None is left out. Raises :class:`ExportError` for an option that the networks
    of resforge cannot follow, so that none is ignored.
    """
    given = {name: value for name, value in options.items() if value is not None}
    unknown = sorted(given.keys() - set(KNOWN))
    if unknown:
        raise ExportError(
            f"{', '.join(unknown)}: not for networks of resforge; known: {', '.join(KNOWN)}"
        )
    if "out_indices" in given and not given.get("features_only"):
        raise ExportError("out_indices: only with features_only=True; leave it out")
    asked = {**_configured(config), **given}
    if asked.get("global_pool", "avg") != "avg":
        pool = asked["global_pool"]
        raise ExportError(f"global_pool={pool!r}: networks of resforge average; leave it out")
    return asked


def _configured(config: Options) -> dict[str, Any]:
    """What timm reads from a configuration where nothing else is said."""
    classes, pool = config.get("num_classes", -1), config.get("global_pool")
    found: dict[str, Any] = {} if classes < 0 else {"num_classes": classes}
    found |= {} if pool is None else {"global_pool": pool}
    return found | {"in_chans": config["input_size"][0]}


def changes_of(spec: ResNetSpec, asked: Options) -> Changes:
    """What is ``asked`` of a network, as changes of its spec."""
    changes: Changes = {"in_channels": asked["in_chans"]}
    if asked.get("num_classes"):
        changes["head.num_classes"] = asked["num_classes"]
    if "drop_rate" in asked:
        changes["head.dropout"] = asked["drop_rate"]
    if "drop_path_rate" in asked:
        changes["stochastic_depth"] = _drops(asked["drop_path_rate"])
    if "output_stride" in asked:
        changes |= _dilated(spec, asked["output_stride"])
    return changes


def _drops(rate: Any) -> Changes | None:
    """timm's stochastic depth: block l of L, from 0, has l / (L - 1) of the rate, and a draw for
    each image."""
    return {"rate": rate, "rule": "linear_from_zero", "mode": "row"} if rate else None


def _dilated(spec: ResNetSpec, output_stride: int) -> Changes:
    """Dilations for the strides that would leave less of the map than 1 / ``output_stride``."""
    strides = [stage.step for stage in spec.stages]
    if spec.dims != 2 or not all(isinstance(step, int) for step in strides):
        raise ExportError(f"output_stride is for pictures, and {spec.name} strides by axis")
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
        raise ExportError(
            f"output_stride={output_stride}: use one of {legal} that {spec.name} reaches "
            f"(its maps are down to 1/{stride} of the picture), or leave it out"
        )
    if dilation > 1 and isinstance(spec.shortcut.change, AvgProjectionSpec):
        changes["shortcut.change.pool_dilated"] = True
    return changes


def indices_of(asked: Options, maps: int) -> tuple[int, ...]:
    """``out_indices`` as numbers of so many maps: 0 is the stem's; left out, all of them.

    Raises :class:`ExportError` for what is no map.
    """
    try:
        return map_indices(asked.get("out_indices"), maps)
    except ValueError as error:
        raise ExportError(f"out_indices: {error}") from None
