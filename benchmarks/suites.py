"""The suites, in the order of the page. Each is a module with a function ``run``."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

#: Modules with ``run(pairs)``, by the name of the suite and of its table. A module's ``PACKAGES``
#: are those whose versions its figures depend on, besides torch.
ON_CPU = {
    "plan": "planning",
    "generate": "generating",
    "start": "starting",
    "shards": "shards",
    "build": "building",
    "run": "running",
    "zero_pad": "zero_pad",
    "fuse": "fusing",
    "decode": "decoding",
    "sweep": "sweeping",
    "scale": "scale",
}
#: Modules with ``run(pairs, device)``.
ON_DEVICE = {"device": "on_device"}


def module_of(suite: str) -> ModuleType:
    name = {**ON_CPU, **ON_DEVICE}[suite]
    return import_module(f".{name}", __package__)
