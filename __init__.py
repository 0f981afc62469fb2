"""Residual networks composed from declarative specs.

>>> import resforge as rf
>>> spec = rf.load("resnet50")
>>> rf.plan(spec, input_size=224).params
25557032

The names below are loaded on first use, so that reading, checking and planning a spec
never pay for importing torch.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__
from .first_use import on_first_use

if TYPE_CHECKING:
    from .blocks import freeze as freeze
    from .blocks import freeze_norm as freeze_norm
    from .builder import FeatureMaps as FeatureMaps
    from .builder import build as build
    from .builder import register as register
    from .builder import spec_of as spec_of
    from .classify import load_run as load_run
    from .configs import Imported as Imported
    from .configs import from_config as from_config
    from .configs import to_config as to_config
    from .drawing.text import show as show
    from .errors import BuildError as BuildError
    from .errors import Fault as Fault
    from .errors import ResforgeError as ResforgeError
    from .errors import SpecError as SpecError
    from .errors import StoreError as StoreError
    from .export import for_inference as for_inference
    from .export import from_pretrained as from_pretrained
    from .export import fuse as fuse
    from .export import register_with_timm as register_with_timm
    from .export import save_pretrained as save_pretrained
    from .export import to_code as to_code
    from .planner import Plan as Plan
    from .planner import list_specs as list_specs
    from .planner import plan as plan
    from .reading import diff as diff
    from .reading import load as load
    from .reading import loads as loads
    from .specs import ResNetSpec as ResNetSpec
    from .weights import WeightsError as WeightsError
    from .weights import convert_weights as convert_weights
    from .weights import infer_spec as infer_spec
    from .weights import load_weights as load_weights
    from .weights import plan_weights as plan_weights
    from .weights import save_weights as save_weights

_HOME = {
    "FeatureMaps": "builder",
    "build": "builder",
    "freeze": "blocks",
    "freeze_norm": "blocks",
    "from_config": "configs",
    "to_config": "configs",
    "for_inference": "export",
    "from_pretrained": "export",
    "fuse": "export",
    "register_with_timm": "export",
    "save_pretrained": "export",
    "to_code": "export",
    "register": "builder",
    "spec_of": "builder",
    "BuildError": "errors",
    "Fault": "errors",
    "Imported": "configs",
    "Plan": "planner",
    "ResNetSpec": "specs",
    "ResforgeError": "errors",
    "SpecError": "errors",
    "StoreError": "errors",
    "diff": "reading",
    "list_specs": "planner",
    "load": "reading",
    "load_run": "classify",
    "loads": "reading",
    "show": "drawing.text",
    "plan": "planner",
    "WeightsError": "weights",
    "convert_weights": "weights",
    "infer_spec": "weights",
    "load_weights": "weights",
    "plan_weights": "weights",
    "save_weights": "weights",
}
_FOLDERS = (
    "ablation",
    "blocks",
    "builder",
    "classify",
    "configs",
    "drawing",
    "export",
    "generation",
    "planner",
    "reading",
    "specs",
    "testing",
    "text",
    "training",
    "weights",
)

__all__ = [*sorted(_HOME), "__version__"]


def _spec_of_tree(tree: dict[str, Any]) -> ResNetSpec:
    spec: ResNetSpec = import_module(".specs.network", __name__).spec_of_tree(tree)
    return spec


def _trust_specs() -> None:
    """Let torch.load, which calls nothing that it was not told to trust, read pickled specs.

    A spec is made from plain values, and validated, so that no code in a file is run.
    """
    serialization = getattr(sys.modules.get("torch"), "serialization", None)
    if serialization is not None and not _trusted:
        name = f"{__name__}.specs.network.spec_of_tree"
        serialization.add_safe_globals([(_spec_of_tree, name)])
        _trusted.append(name)


_trusted: list[str] = []
_trust_specs()  # where torch was imported before; else when a name is looked up


_load, _names = on_first_use(__name__, _HOME)


def __getattr__(name: str) -> Any:
    _trust_specs()
    return import_module(f".{name}", __name__) if name in _FOLDERS else _load(name)


def __dir__() -> list[str]:
    return sorted({*_names(), *_FOLDERS})
