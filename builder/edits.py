"""Whether a module still is the network of its spec, after somebody has edited it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import ValidationError
from torch import nn
from torch.nn.modules.conv import _ConvNd

from ..blocks import ResNet
from ..errors import ResforgeError, SpecError
from ..planner.plan import Plan, lay_out
from ..specs.network import ResNetSpec
from .network import made_of, unwrap
from .shown import Shown, shown_by

SHOWN = 5
#: Attributes that change no result: `inplace` only says where a result is written.
_WITHOUT_EFFECT = frozenset({"training", "inplace"})


Expected = Callable[[nn.Module, ResNetSpec], Mapping[str, Shown]]
"""From a module and its spec to what the modules should show."""


class Edit(NamedTuple):
    """A module that differs from that of the spec."""

    name: str
    """Its name within the network; empty for the network itself."""
    text: str
    """How it differs."""


def spec_of(model: nn.Module) -> ResNetSpec:
    """The spec of ``model``, which resforge built, also through a compiled or parallel wrapper.

    The module is compared with its spec: names, classes, settings and shapes of all modules. Where
    the last linear layer was exchanged for one of another number of classes or for an identity, or
    the first convolution for one of other input channels, the spec follows. Hooks are not looked
    at.

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
    fix = "if that is meant, give it the spec of what it is now: "
    fix += "model.spec = rf.infer_spec(model).spec"
    if getattr(unwrap(model), "folded", False):
        fix = "its norms are folded: save the network as it was built, and fold a copy"
    return checked_spec(model, _as_built, fix)


def checked_spec(model: nn.Module, expected: Expected, fix: str) -> ResNetSpec:
    """The spec of ``model``, for whose spec ``expected`` gives what its modules should show.

    Raises :class:`ResforgeError` with ``fix`` where they show something else.
    """
    inner, spec = unwrap(model), declared_spec(model)
    edits = [*_edits(inner, expected(inner, spec))]
    if edits and (followed := _followed(inner, spec)) is not None:
        spec = followed
        edits = [*_edits(inner, expected(inner, spec))]
    if edits and (headed := _without_classes(inner, spec)) is not None:
        last = _last_linear(lay_out(spec))
        planned = {name: each for name, each in expected(inner, spec).items() if name != last}
        edits, spec = [*_edits(inner, planned)], headed
    if edits:
        raise _edited(inner, spec, edits, fix)
    return spec


def declared_spec(model: nn.Module) -> ResNetSpec:
    """The spec that ``model`` carries, whether or not it was edited since.

    Raises :class:`ResforgeError` for a module without one.
    """
    inner = unwrap(model)
    spec = getattr(inner, "spec", None)
    if not isinstance(spec, ResNetSpec) or not (isinstance(inner, ResNet) or is_part(inner)):
        raise ResforgeError(f"{type(model).__name__} was not built by resforge: it has no spec")
    return spec


def is_part(model: nn.Module) -> bool:
    """Whether ``model`` holds a part of a network, as :class:`FeatureMaps` does."""
    return hasattr(type(model), "of_whole")


def made_like(model: nn.Module, spec: ResNetSpec) -> nn.Module:
    """What ``model`` would be, had it been made of ``spec``; its weights are not filled."""
    whole = made_of(spec)
    return model.of_whole(whole) if is_part(model) else whole  # type: ignore[operator]


def _as_built(model: nn.Module, spec: ResNetSpec) -> Mapping[str, Shown]:
    return shown_by(made_like(model, spec)) if is_part(model) else _whole(spec)


@lru_cache(16)
def _whole(spec: ResNetSpec) -> Mapping[str, Shown]:
    return shown_by(made_of(spec))


def forget_made() -> None:
    """Forget what was made before the language changed."""
    _whole.cache_clear()


def _edits(model: nn.Module, planned: Mapping[str, Shown]) -> Iterator[Edit]:
    """Every module of ``model`` that does not show what was planned, in the order of the
    network."""
    found = shown_by(model)
    edited: set[str] = set()
    for name in dict.fromkeys([*planned, *found]):
        text = _difference(found.get(name), planned.get(name))
        # What stands in an edited module is not looked at.
        if text and edited.isdisjoint(_above(name)):
            edited.add(name)
            yield Edit(name, text)
    if not edited and _in_order(found) != _in_order(planned):
        yield Edit("", "runs its modules in another order")


def _in_order(shown: Mapping[str, Shown]) -> list[str]:
    return [name for name, each in shown.items() if not each.idle]


def _above(name: str) -> Iterator[str]:
    """The modules that hold the one of that name, but for the network itself."""
    while name := name.rpartition(".")[0]:
        yield name


def _difference(found: Shown | None, planned: Shown | None) -> str | None:
    """How a module differs from that of the spec; None where it does not."""
    if found is None or planned is None:
        shown = found or planned
        if shown is None or shown.idle:
            return None
        return "is missing" if found is None else f"is not of the spec ({_name(shown.kind)})"
    if found.kind is not planned.kind and not found.synchronises(planned):
        names = _name(found.kind), _name(planned.kind)
        if names[0] == names[1]:
            names = f"another class {names[0]}", "that of the spec"
        return f"is {names[0]}, not {names[1]}"
    if found.replaced != planned.replaced:
        return f"has a {found.replaced or planned.replaced} of its own"
    for key in {**planned.settings, **found.settings}:
        values = [shown.settings.get(key, "nothing") for shown in (found, planned)]
        own = key in planned.settings or hasattr(found.kind, key)
        if key not in _WITHOUT_EFFECT and values[0] != values[1] and own:
            return f"has {key}={values[0]}, not {values[1]}"
    if found.tensors != planned.tensors:
        texts = [_tensors_text(shown.tensors) for shown in (found, planned)]
        return f"has {texts[0]}, not {texts[1]}"
    return None


def _name(kind: type[nn.Module]) -> str:
    return kind.__name__


def _tensors_text(tensors: Mapping[str, tuple[int, ...]]) -> str:
    shapes = [f"{name} {'x'.join(map(str, shape)) or 'one'}" for name, shape in tensors.items()]
    return ", ".join(shapes) or "no tensor"


def _followed(model: nn.Module, spec: ResNetSpec) -> ResNetSpec | None:
    """``spec`` with the input channels and the classes that ``model`` has; None for no change."""
    plan = lay_out(spec)
    changes: dict[str, Any] = {}
    first = _module(model, next((x.name for x in plan.layers if x.kind == "conv"), ""))
    if isinstance(first, _ConvNd) and first.in_channels != spec.in_channels:
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


def _without_classes(model: nn.Module, spec: ResNetSpec) -> ResNetSpec | None:
    """``spec`` with the pooled features as the answer, where the last linear layer of ``model`` is
    an identity; None where it is not, or the head cannot say so."""
    if not isinstance(_module(model, _last_linear(lay_out(spec))), nn.Identity):
        return None
    try:
        head = spec.head.with_classes(0) if spec.head else None
        return None if head is None else spec.replace({"head": head})
    except (SpecError, ValidationError):  # a registered head that cannot
        return None


def _last_linear(plan: Plan) -> str:
    return next((layer.name for layer in reversed(plan.head) if layer.kind == "linear"), "")


def _module(model: nn.Module, name: str) -> nn.Module | None:
    try:
        return model.get_submodule(name) if name else None
    except AttributeError:
        return None


def _edited(model: nn.Module, spec: ResNetSpec, edits: list[Edit], fix: str) -> ResforgeError:
    shown = [f"{edit.name or 'the network'} {edit.text}" for edit in edits[:SHOWN]]
    if len(edits) > SHOWN:
        shown.append(f"and {len(edits) - SHOWN} more")
    known = f" ({spec.name})" if spec.name else ""
    return ResforgeError(
        f"{type(model).__name__} is no longer the network of its spec{known}: "
        f"{'; '.join(shown)}; {fix}"
    )
