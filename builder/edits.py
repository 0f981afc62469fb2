"""Whether a module still is the network of its spec, after somebody has edited it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import nn

from ..blocks import FrozenBatchNorm2d, ResNet
from ..errors import ResforgeError, SpecError
from ..planner.plan import Plan, lay_out
from ..specs.network import ResNetSpec
from .network import assemble, unwrap

SHOWN = 5
#: Attributes that change no result: `inplace` only says where a result is written.
_WITHOUT_EFFECT = frozenset({"training", "inplace"})
#: Norms that compute the same in evaluation: over the batches of several processes, and frozen.
_SAME_NORM = (nn.SyncBatchNorm, FrozenBatchNorm2d)


class Edit(NamedTuple):
    """A module that differs from that of the spec."""

    name: str
    """Its name within the network; empty for the network itself."""
    text: str
    """How it differs."""


class _Shown(NamedTuple):
    """What a module shows of itself."""

    kind: type[nn.Module]
    settings: Mapping[str, Any]
    """Its plain attributes."""
    tensors: Mapping[str, tuple[int, ...]]
    """Shapes of its own parameters and buffers."""


def spec_of(model: nn.Module) -> ResNetSpec:
    """The spec of ``model``, which resforge built, also through a compiled or parallel wrapper.

    The module is compared with its spec: names, classes, settings and shapes of all modules. Where
    the last linear layer was exchanged for one of another number of classes, or the first
    convolution for one of other input channels, the spec follows. Hooks are not looked at.

    Raises :class:`ResforgeError` for a module that resforge did not build, and for one that was
    edited in any other way, with the names of the edited modules.

    >>> import resforge as rf
    >>> from torch import nn
    >>> model = rf.build("resnet18")
    >>> model.fc = nn.Linear(512, 5)
    >>> spec_of(model).head.num_classes
    5
    >>> model.maxpool = nn.Identity()
    >>> spec_of(model)
    Traceback (most recent call last):
    ...
    resforge.errors.ResforgeError: ResNet is no longer the network of its spec (resnet18): maxpool \
is Identity, not MaxPool2d; if that is meant, give it the spec of what it is now: \
model.spec = rf.infer_spec(model).spec
    """
    return checked_spec(model)


def checked_spec(model: nn.Module, exempt: Collection[str] = ()) -> ResNetSpec:
    """As :func:`spec_of`, but that the modules named ``exempt`` may differ."""
    inner, spec = unwrap(model), declared_spec(model)
    edits = [edit for edit in edits_of(inner, spec) if edit.name not in exempt]
    if edits and (followed := _followed(inner, spec)) is not None:
        spec = followed
        edits = [edit for edit in edits_of(inner, spec) if edit.name not in exempt]
    if edits:
        raise _edited(inner, spec, edits)
    return spec


def declared_spec(model: nn.Module) -> ResNetSpec:
    """The spec that ``model`` carries, whether or not it was edited since.

    Raises :class:`ResforgeError` for a module without one.
    """
    spec = getattr(unwrap(model), "spec", None)
    if not isinstance(spec, ResNetSpec):
        raise ResforgeError(f"{type(model).__name__} was not built by resforge: it has no spec")
    return spec


def edits_of(model: nn.Module, spec: ResNetSpec) -> Iterator[Edit]:
    """Every module of ``model`` that is not as ``spec`` has it, in the order of the network.

    What is no :class:`ResNet` holds a part of one, and is compared as far as it goes.
    """
    planned = _planned(spec)
    if not isinstance(model, ResNet):
        held = {name for name, _ in model.named_children()}
        planned = {name: each for name, each in planned.items() if name.partition(".")[0] in held}
    modules = dict(model.named_modules())
    found = {name: _shown(module) for name, module in modules.items() if name or "" in planned}
    told: set[str] = set()
    for name in dict.fromkeys([*planned, *found]):
        text = _difference(found.get(name), planned.get(name))
        if text is None and "forward" in vars(modules.get(name, model)):
            text = "has a forward of its own"
        # What stands in an edited module is not looked at.
        if text and told.isdisjoint(_above(name)):
            told.add(name)
            yield Edit(name, text)
    if not told and _in_order(found) != _in_order(planned):
        yield Edit("", "runs its modules in another order")


def _in_order(shown: Mapping[str, _Shown]) -> list[str]:
    return [name for name, each in shown.items() if not issubclass(each.kind, nn.Identity)]


def _above(name: str) -> Iterator[str]:
    """The modules that hold the one of that name, but for the network itself."""
    while name := name.rpartition(".")[0]:
        yield name


def made_of(spec: ResNetSpec, device: str = "meta") -> ResNet:
    """The modules of ``spec``, whose weights are not filled."""
    with torch.random.fork_rng(devices=[]), torch.device(device):
        return assemble(lay_out(spec, (1, 1)))


@lru_cache(16)
def _planned(spec: ResNetSpec) -> Mapping[str, _Shown]:
    return {name: _shown(module) for name, module in made_of(spec).named_modules()}


def _shown(module: nn.Module) -> _Shown:
    kind = type(module)
    own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    return _Shown(
        nn.BatchNorm2d if kind in _SAME_NORM else kind,
        {name: value for name, value in vars(module).items() if is_plain(value)},
        {name: tuple(tensor.shape) for name, tensor in own},
    )


def is_plain(value: Any) -> bool:
    """Whether a module's attribute is a setting: a number, a text, or several."""
    if isinstance(value, tuple):
        return all(map(is_plain, value))
    return isinstance(value, bool | int | float | str)


def _difference(found: _Shown | None, planned: _Shown | None) -> str | None:
    """How a module differs from that of the spec; None where it does not."""
    if found is None or planned is None:
        shown = found or planned
        if shown is None or issubclass(shown.kind, nn.Identity):  # where it does nothing
            return None
    if found is None:
        return "is missing"
    if planned is None:
        return f"is not of the spec ({found.kind.__name__})"
    if found.kind is not planned.kind:
        return f"is {found.kind.__name__}, not {planned.kind.__name__}"
    for key, value in planned.settings.items():
        if key not in _WITHOUT_EFFECT and found.settings.get(key) != value:
            return f"has {key}={found.settings.get(key)}, not {value}"
    if found.tensors != planned.tensors:
        texts = [_tensors_text(shown.tensors) for shown in (found, planned)]
        return f"has {texts[0]}, not {texts[1]}"
    return None


def _tensors_text(tensors: Mapping[str, tuple[int, ...]]) -> str:
    shapes = [f"{name} {'x'.join(map(str, shape)) or 'one'}" for name, shape in tensors.items()]
    return ", ".join(shapes) or "no tensor"


def _followed(model: nn.Module, spec: ResNetSpec) -> ResNetSpec | None:
    """``spec`` with the input channels and the classes that ``model`` has; None for no change."""
    plan = lay_out(spec, (1, 1))
    changes: dict[str, Any] = {}
    first = _module(model, plan.stem[0].name)
    if isinstance(first, nn.Conv2d) and first.in_channels != spec.in_channels:
        changes["in_channels"] = first.in_channels
    last = _module(model, _last_linear(plan))
    if spec.head is not None and isinstance(last, nn.Linear):
        head = spec.head.with_classes(last.out_features)
        if head is not None and head != spec.head:
            changes["head"] = head
    try:
        return spec.replace(changes) if changes else None
    except SpecError:  # beyond the language's ceilings
        return None


def _last_linear(plan: Plan) -> str:
    return next((layer.name for layer in reversed(plan.head) if layer.kind == "linear"), "")


def _module(model: nn.Module, name: str) -> nn.Module | None:
    try:
        return model.get_submodule(name) if name else None
    except AttributeError:
        return None


def _edited(model: nn.Module, spec: ResNetSpec, edits: list[Edit]) -> ResforgeError:
    shown = [f"{edit.name or 'the network'} {edit.text}" for edit in edits[:SHOWN]]
    if len(edits) > SHOWN:
        shown.append(f"and {len(edits) - SHOWN} more")
    known = f" ({spec.name})" if spec.name else ""
    fix = (
        "if that is meant, give it the spec of what it is now: "
        "model.spec = rf.infer_spec(model).spec"
    )
    if hasattr(model, "folded"):
        fix = "its norms are folded: save the network as it was built, and fold a copy"
    return ResforgeError(
        f"{type(model).__name__} is no longer the network of its spec{known}: "
        f"{'; '.join(shown)}; {fix}"
    )
