"""Growing the language from Python: operations, stems, shortcuts, attention, blocks and heads."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, PydanticUserError
from torch import nn

from ..errors import Fault, SpecError, wrong_type
from ..specs.attention import AttentionSpec
from ..specs.base import Spec
from ..specs.block import BLOCKS, BlockSpec
from ..specs.head import HEADS, HeadSpec
from ..specs.operation import OPERATIONS, Operation
from ..specs.registry import Kinds, UnionOf, kind_of
from ..specs.shortcut import SHORTCUTS, ShortcutSpec
from ..specs.stem import STEMS, StemSpec
from .edits import forget_made
from .make import BUILT_IN_MODULES, MODULES

#: Families by their base class; attention is a family of operations.
_FAMILIES: dict[type[Operation], Kinds[Any]] = {
    StemSpec: STEMS,
    BlockSpec: BLOCKS,
    ShortcutSpec: SHORTCUTS,
    HeadSpec: HEADS,
    Operation: OPERATIONS,
}


def register(spec: type[Operation], module: type[nn.Module] | None = None) -> None:
    """Make a kind of your own known to files, plans, the builder, the exporter and the pictures.

    ``spec`` derives from :class:`~resforge.specs.Operation`, ``AttentionSpec``, ``StemSpec``,
    ``ShortcutSpec``, ``BlockSpec`` or ``HeadSpec``, and has a ``kind`` of its own. It either says
    which operations it stands for (``steps`` or ``chains``), or writes down its layers (``trace``)
    and the call of its ``module`` (``call``), which names the class. Building raises
    :class:`BuildError` where the module's parameters are not those that ``trace`` wrote down; a
    buffer that ``trace`` cannot write down is registered with ``persistent=False``. Building runs
    no module: test that yours puts out the planned shapes on networks that
    :mod:`resforge.testing.strategies` draws, as ``docs/strategies.md`` shows under "Kinds of your
    own".

    >>> import typing
    >>> import resforge as rf
    >>> from resforge.specs import Operation, call
    >>> class MirrorSpec(Operation):
    ...     kind: typing.Literal["mirror"] = "mirror"
    ...
    ...     def call(self, module):
    ...         return call("Mirror")
    >>> class Mirror(nn.Module):
    ...     def forward(self, x):
    ...         return x.flip(-1)
    >>> register(MirrorSpec, Mirror)
    >>> branch = [{"conv": 3, "stride": "block"}, "norm", "mirror"]
    >>> model = rf.build(rf.load("cifar_resnet20").replace({"block": {"branch": branch}}))
    >>> model.layer1[0].branch.mirror1
    Mirror()
    >>> unregister(MirrorSpec)

    Registering a kind again replaces it. Raises :class:`SpecError`, and leaves everything as it
    was, for a built-in kind, for what is no kind, and for a module whose class has the name of
    another one's.
    """
    family, kind = _checked(spec, module)
    before = [pair for pair in family.registered if kind_of(pair[0]) == kind]
    family.put(spec, module)
    try:
        rebuild_models()
    except PydanticUserError as error:
        family.drop(kind)
        for pair in before:
            family.put(*pair)
        rebuild_models()
        why = "its kind is no Literal"
        if error.code != "discriminator-needs-literal":
            why = str(error).partition("\n")[0]
        raise _no_kind(spec, family, why, _literal(kind)) from None
    if module is not None:
        MODULES[module.__name__] = module
    forget_made()


def _checked(spec: type[Operation], module: type[nn.Module] | None) -> tuple[Kinds[Any], str]:
    """The family and the name of a kind that may be registered."""
    if isinstance(spec, type) and issubclass(spec, nn.Module):
        message = f"{spec.__name__} is a module, and the first argument is the class of its spec"
        raise SpecError(Fault("register", message, help="write register(SpecClass, ModuleClass)"))
    if module is not None and not (isinstance(module, type) and issubclass(module, nn.Module)):
        raise wrong_type("register", "a subclass of torch.nn.Module", module)
    family = _family_of(spec)
    kind = _name_of(spec, family)
    if kind in family.built_in:
        message = f"{kind!r} is a built-in kind"
        raise SpecError(Fault("register", message, help="choose another name"))
    if module is not None and module.__name__ in BUILT_IN_MODULES:
        message = f"{module.__name__} is the name of a module of resforge"
        raise SpecError(Fault("register", message, help="give the class another name"))
    if module is not None and (holder := _holder_of_name(module, family, kind)):
        message = f"{module.__name__} is the name of the module of {holder!r}"
        raise SpecError(Fault("register", message, help="give the class another name"))
    if not _says_something(spec):
        method = "chains" if family is BLOCKS else "steps"
        help_ = "define call, and trace for its layers"
        if family is not OPERATIONS:
            help_ = f"define {method} for its operations, or call and trace for a module of its own"
        raise _no_kind(spec, family, "it says neither its operations nor its module", help_)
    if issubclass(spec, StemSpec) and (odd := set(spec.width_fields) - set(spec.model_fields)):
        why = f"its width_fields name {min(odd)!r}, which is no field of it"
        help_ = "write width_fields: ClassVar[tuple[str, ...]] = () where no field is a width"
        raise _no_kind(spec, family, why, help_)
    return family, kind


def unregister(spec: type[Operation]) -> None:
    """Forget a kind that :func:`register` made known, for tests that clean up after themselves."""
    _family_of(spec).drop(kind_of(spec))
    held = [pair[1] for family in _FAMILIES.values() for pair in family.registered]
    names = {module.__name__ for module in held if module is not None}
    for name in set(MODULES) - BUILT_IN_MODULES - names:
        del MODULES[name]
    rebuild_models()
    forget_made()


def _family_of(spec: Any) -> Kinds[Any]:
    for base, family in _FAMILIES.items():
        if isinstance(spec, type) and issubclass(spec, base):
            return family
    name = str(getattr(spec, "__name__", repr(spec)))
    message = f"{name} is no kind: it is no class of a spec"
    bases = ", ".join(map(_name_of_class, (AttentionSpec, *_FAMILIES)))
    raise SpecError(Fault("register", message, help=f"derive a class from one of {bases}"))


def _name_of_class(cls: Any) -> str:
    return str(cls.__name__)


def _holder_of_name(module: type, family: Kinds[Any], kind: str) -> str | None:
    """Another registered kind whose module is another class of the same name: calls name their
    classes, and would make the wrong one."""
    for each in _FAMILIES.values():
        for spec, other in each.registered:
            own = each is family and kind_of(spec) == kind
            if own or other is None or other.__name__ != module.__name__:
                continue
            # A class that is defined again, as in a notebook, is still the same.
            if (other.__module__, other.__qualname__) != (module.__module__, module.__qualname__):
                return kind_of(spec)
    return None


def _name_of(spec: type[Operation], family: Kinds[Any]) -> str:
    kind = spec.model_fields["kind"].default
    if not isinstance(kind, str):
        raise _no_kind(spec, family, "its kind has no value", _literal(f"my_{family.noun}"))
    if not kind.isidentifier():
        help_ = _literal(f"my_{family.noun}")
        raise _no_kind(spec, family, f"{kind!r} is no name of letters, digits and _", help_)
    return kind


def _says_something(spec: type[Operation]) -> bool:
    """Whether it stands for operations, or is one itself."""
    own = spec.call is not Operation.call
    chained = any(
        getattr(spec, method, None) is not getattr(base, method)
        for base, method in ((StemSpec, "steps"), (ShortcutSpec, "steps"), (HeadSpec, "steps"))
        if issubclass(spec, base)
    )
    return own or chained or (issubclass(spec, BlockSpec) and spec.chains is not BlockSpec.chains)


def _no_kind(spec: type, family: Kinds[Any], why: str, help_: str) -> SpecError:
    message = f"{spec.__name__} is no {family.noun} kind: {why}"
    return SpecError(Fault("register", message, help=help_))


def _literal(kind: str) -> str:
    return f'write kind: Literal["{kind}"] = "{kind}"'


def rebuild_models() -> None:
    """Let every model that holds a union of kinds read its registry again."""
    done: dict[type[BaseModel], bool] = {}

    def holds_union(model: type[BaseModel]) -> bool:
        if model not in done:
            done[model] = False
            parts = [part for field in model.model_fields.values() for part in _parts(field)]
            held = [part for part in parts if isinstance(part, type)]
            open_ = any(isinstance(part, UnionOf) for part in parts)
            done[model] = sum(map(holds_union, held)) > 0 or open_
            if done[model]:
                model.model_rebuild(force=True)
        return done[model]

    for model in _descendants(Spec):
        holds_union(model)


def _parts(field: Any) -> Iterator[Any]:
    """The union markers and the models of a field, through unions and tuples."""
    yield from (each for each in field.metadata if isinstance(each, UnionOf))
    yield from _inside(field.annotation)


def _inside(annotation: Any) -> Iterator[Any]:
    is_spec = isinstance(annotation, type) and issubclass(annotation, Spec)
    if is_spec or isinstance(annotation, UnionOf):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _inside(argument)


def _descendants(model: type[Spec]) -> Iterator[type[Spec]]:
    for child in model.__subclasses__():
        yield child
        yield from _descendants(child)
