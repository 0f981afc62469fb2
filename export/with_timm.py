"""The catalogue under names that timm finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from math import prod
from typing import Any

from torch import nn

from ..builder import FeatureMaps, build
from ..planner import Plan
from ..planner.plan import lay_out
from ..reading import load
from ..specs import ResNetSpec, list_specs
from ..specs.trace import Layer
from .exporting import ExportError

PREFIX = "resforge_"

#: What timm knows of a model beside its code, by the model's name: where its registry looks.
default_cfgs: dict[str, dict[str, Any]] = {}


def register_with_timm(pattern: str = "*") -> list[str]:
    """Let timm's ``create_model`` and ``list_models`` find the networks of the catalogue.

    ``pattern`` chooses among the catalogue's names as :func:`resforge.list_specs` does. After it,
    ``timm.create_model("resforge_resnet18d", num_classes=10)`` is a network of resforge; so are
    ``in_chans``, ``drop_rate`` (dropout before the head), ``drop_path_rate`` (stochastic depth),
    and ``features_only=True`` with ``out_indices``, counted as timm does but without 0, the stem.
    ``num_classes=0`` answers with the pooled features. Weights are fresh: ``pretrained=True`` is
    refused. timm looks for no plugins by itself, so this is called once in each program. Returns
    timm's names. Raises :class:`ExportError` where timm is not installed.
    """
    try:
        models: Any = import_module("timm.models")
    except ImportError as error:
        raise ExportError(f"timm cannot be imported ({error}): pip install timm") from error
    names = []
    for name in list_specs(pattern):
        names.append(PREFIX + name)
        if not models.is_model(names[-1]):
            default_cfgs[names[-1]] = _config(load(name))
            models.register_model(_entry_point(name, models))
    return names


def _config(spec: ResNetSpec) -> dict[str, Any]:
    side, plan = spec.natural_input_size, lay_out(spec, (1, 1))
    classifier = _classifier(plan)
    return {
        "input_size": (spec.in_channels, side, side),
        "num_classes": 0 if classifier is None else classifier.out_channels,
        "first_conv": next((layer.name for layer in plan.stem if layer.kind == "conv"), None),
        "classifier": None if classifier is None else classifier.name,
    }


def _classifier(plan: Plan) -> Layer | None:
    """The last linear layer of the head; None where there is none."""
    found = [layer for layer in plan.head if layer.kind == "linear"]
    return found[-1] if found else None


def _entry_point(name: str, models: Any) -> Callable[..., nn.Module]:
    def create(
        pretrained: bool = False,
        pretrained_cfg: Any = None,
        pretrained_cfg_overlay: Any = None,
        cache_dir: Any = None,
        features_only: bool = False,
        out_indices: Sequence[int] = (1, 2, 3, 4),
        num_classes: int | None = None,
        **options: Any,
    ) -> nn.Module:
        timm_name = PREFIX + name
        if pretrained:
            raise ExportError(
                f"{timm_name} comes with no weights; load some with resforge.load_weights"
            )
        pooled = num_classes == 0
        wanted = {"head.num_classes": None if pooled else num_classes, **_changes(options)}
        spec = load(name).replace({k: value for k, value in wanted.items() if value is not None})
        model: Any = build(spec)
        if features_only:
            model = FeatureMaps(model, out_indices)
            model.feature_info = models.FeatureInfo(_feature_info(spec), out_indices)
        else:
            _equip(model, _classifier(lay_out(spec, (1, 1))), pooled)
        config = models.resolve_pretrained_cfg(timm_name, pretrained_cfg, pretrained_cfg_overlay)
        model.pretrained_cfg = model.default_cfg = config.to_dict()
        found: nn.Module = model
        return found

    # timm registers a function under its own name, with what stands in its module.
    create.__name__ = create.__qualname__ = PREFIX + name
    return create


_PATHS = {
    "in_chans": "in_channels",
    "drop_rate": "head.dropout",
    "drop_path_rate": "stochastic_depth",
}


def _changes(options: dict[str, Any]) -> dict[str, Any]:
    """timm's options as changes of a spec."""
    unknown = sorted(options.keys() - _PATHS.keys())
    if unknown:
        known = ", ".join(["num_classes", "features_only", "out_indices", *_PATHS])
        raise ExportError(f"{', '.join(unknown)}: not for networks of resforge; known: {known}")
    return {_PATHS[name]: value for name, value in options.items()}


def _equip(model: Any, classifier: Layer | None, pooled: bool) -> None:
    """What timm's tools ask a classifier for."""
    if classifier is not None:
        model.num_features = classifier.in_channels
        model.num_classes = 0 if pooled else classifier.out_channels
        if pooled:
            model.set_submodule(classifier.name, nn.Identity())


def _feature_info(spec: ResNetSpec) -> list[dict[str, Any]]:
    """timm's way to tell channels and strides: those of the stem, then each stage's."""
    plan: Plan = lay_out(spec, (1, 1))
    convs = [layer for layer in plan.stem if layer.kind == "conv"]
    stem = {"num_chs": convs[-1].out_channels, "reduction": prod(x.stride for x in convs)}
    return [stem | {"module": "stem"}] + [
        {"num_chs": feature.channels, "reduction": feature.stride, "module": feature.name}
        for feature in plan.features
    ]
