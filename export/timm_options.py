"""What timm's ``create_model`` may ask of a network, as changes of its spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..blocks.timm_contract import map_indices
from ..configs.dilating import Changes, dilated, drops
from ..specs import ResNetSpec
from .errors import ExportError

Options = Mapping[str, Any]

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
        changes["stochastic_depth"] = drops(asked["drop_path_rate"])
    if "output_stride" in asked:
        try:
            changes |= dilated(spec, asked["output_stride"])
        except ValueError as error:
            raise ExportError(str(error)) from None
    return changes


def indices_of(asked: Options, maps: int) -> tuple[int, ...]:
    """``out_indices`` as numbers of so many maps: 0 is the stem's; left out, all of them.

    Raises :class:`ExportError` for what is no map.
    """
    try:
        return map_indices(asked.get("out_indices"), maps)
    except ValueError as error:
        raise ExportError(f"out_indices: {error}") from None
