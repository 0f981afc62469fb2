"""The catalogue under names that timm finds."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from torch import nn

from ..builder import FeatureMaps, build
from ..planner import Plan
from ..planner.plan import lay_out
from ..reading import load
from ..specs import ResNetSpec, list_specs
from ..specs.layer import Layer
from .errors import ExportError
from .timm_options import Options, asked_of, changes_of, indices_of

PREFIX = "resforge_"

#: What timm knows of a model beside its code, by the model's name: where its registry looks.
default_cfgs: dict[str, dict[str, Any]] = {}


def register_with_timm(pattern: str = "*") -> list[str]:
    """Let timm's ``create_model`` and ``list_models`` find the networks of the catalogue.

    ``pattern`` chooses among the catalogue's names as :func:`resforge.list_specs` does. After it,
    ``timm.create_model("resforge_resnet18d", num_classes=10)`` is a network of resforge; so are
    ``in_chans``, ``output_stride`` (8, 16 or 32), ``drop_rate`` (dropout before the head),
    ``drop_path_rate`` (stochastic depth: block l of L, from 0, drops at l / (L - 1) of the rate,
    with a draw for each image), and ``features_only=True`` with ``out_indices``, counted as timm
    does. ``num_classes=0`` answers with the pooled features. What is left
    out is read from ``pretrained_cfg`` and its overlay. Any other argument raises
    :class:`ExportError` when the model is created, and so does ``pretrained=True``: weights are
    fresh. timm looks for no plugins by itself, so this is called once in each program. Returns
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
    side, plan = spec.natural_input_size, lay_out(spec)
    classifier = _classifier(plan)
    return {
        "input_size": (spec.in_channels, *(side,) * spec.dims),
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
        **options: Any,
    ) -> nn.Module:
        timm_name = PREFIX + name
        if pretrained:
            raise ExportError(
                f"{timm_name} comes with no weights; load some with resforge.load_weights"
            )
        found = models.resolve_pretrained_cfg(timm_name, pretrained_cfg, pretrained_cfg_overlay)
        config = found.to_dict()
        asked = asked_of(config, options)
        spec = load(name)
        changed = spec.replace(changes_of(spec, asked))
        make: Any = _feature_maps if asked.get("features_only") else _classifying
        model: Any = make(changed, asked, models)
        model.pretrained_cfg = model.default_cfg = config
        created: nn.Module = model
        return created

    # timm registers a function under its own name, with what stands in its module.
    create.__name__ = create.__qualname__ = PREFIX + name
    return create


def _classifying(spec: ResNetSpec, asked: Options, models: Any) -> nn.Module:
    """The whole network."""
    model = build(spec)
    if asked.get("num_classes") == 0:
        model.reset_classifier(0)
    return model


def _feature_maps(spec: ResNetSpec, asked: Options, models: Any) -> nn.Module:
    """The network without its head, with timm's description of its maps."""
    model = build(spec)
    maps: Any = FeatureMaps(model, indices_of(asked, len(model.feature_info)))
    maps.feature_info = models.FeatureInfo(model.feature_info, maps.out_indices)
    backbone: nn.Module = maps
    return backbone
