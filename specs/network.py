"""The whole network as one frozen, validated value."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Self, SupportsIndex

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, model_validator

from ..errors import SpecError, wrong_type
from ..text.writer import to_json, to_yaml
from . import canonical, catalogue
from .axes import largest
from .base import MAX_INPUT, short_tree
from .block import shorten_block
from .convolution import PLAIN
from .ends import head_map, stride_of
from .explain import faults_of
from .fields import NetworkFields
from .head import shorten_head
from .init import InitSpec
from .merge import merge
from .norm import BatchNormSpec
from .operation import shorten_chain
from .paths import expand_stars, parse_path, set_path
from .plain import plain
from .rules import broken_rules
from .schema import allow_base, named
from .shortcuts import shorten_shortcut
from .stem import shorten_stem
from .stochastic_depth import shorten_rate

#: The context in which values are validated and the rules between them are not.
_UNCHECKED: Final = {"rules": False}
#: Usual sides of inputs by the number of axes: without and with a stem that downsamples.
_USUAL: Final = {1: (128, 1024), 2: (32, 224), 3: (32, 64)}


class ResNetSpec(NetworkFields):
    """A residual network: stem, stages of blocks, head.

    Raises :class:`SpecError` for anything that is not a legal network.

    >>> spec = ResNetSpec(resforge=1, stages=[{"depth": 2, "width": 64}], block="basic")
    >>> spec.block.kind, spec.shortcut.change.kind, spec.head.num_classes
    ('basic', 'projection', 1000)
    """

    model_config = ConfigDict(json_schema_extra=allow_base)

    def __init__(self, /, **tree: Any) -> None:
        tree = plain(tree)
        try:
            self.__pydantic_validator__.validate_python(_with_base(tree), self_instance=self)
        except ValidationError as error:
            raise SpecError(*faults_of(error, type(self), tree)) from None

    @classmethod
    def unchecked(cls, tree: dict[str, Any]) -> Self:
        """A spec whose values are right each by itself, whether or not they make a legal network.

        For whoever goes through many, most of them for nothing: call
        :func:`~resforge.specs.rules.broken_rules` for what is kept. Raises :class:`SpecError`.
        """
        spec = cls.__new__(cls)
        try:
            cls.__pydantic_validator__.validate_python(tree, self_instance=spec, context=_UNCHECKED)
        except ValidationError as error:
            raise SpecError(*faults_of(error, cls, tree)) from None
        return spec

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """JSON Schema of spec files (draft 7), with hints for editors."""
        said = "A residual network: a stem, stages of blocks with shortcuts, and a head."
        return named(super().model_json_schema(*args, **options), "spec", said)

    @model_validator(mode="after")
    def _keep_the_rules(self, info: ValidationInfo) -> Self:
        if info.context is _UNCHECKED:
            return self
        if faults := broken_rules(self):
            raise SpecError(faults)
        return self

    @property
    def natural_input_size(self) -> int:
        """Side of the pictures its kind of stem is for, where nobody says: 224 (ImageNet) for a
        stem that downsamples, 32 (CIFAR) for one that does not; 1024 and 128 for signals, 64 and 32
        for volumes; more where the strides ask for it. A head that takes a map of one size decides
        it.
        """
        stem, last = stride_of(self)
        stride, usual = largest(last), _USUAL[self.dims][stem != 1]
        fixed = head_map(self)
        if fixed is not None:
            return min(fixed * stride, MAX_INPUT)
        return usual if stride <= usual else min(2 * stride, MAX_INPUT)

    @property
    def digest(self) -> str:
        """SHA-256 of the network this spec means: equal for equal networks, however written.

        It covers what differs from a default, and leaves out the name. Stable across processes,
        machines and later versions of the language.
        """
        return canonical.digest(self)

    def replace(self, changes: Mapping[str, Any]) -> Self:
        """A new spec with the values at the given paths replaced, validated again.

        A path reads like ``head.num_classes`` or ``stages[*].shortcut``; a value is written as
        in a file, short forms included. Raises :class:`SpecError`.

        >>> spec = ResNetSpec(resforge=1, stages=[{"depth": 2, "width": 64}])
        >>> spec.replace({"stages[*].depth": 3, "head.num_classes": 10}).stages[0].depth
        3
        """
        if not isinstance(changes, Mapping):
            raise wrong_type("replace", "a mapping of paths to values", changes)
        tree = self.model_dump(mode="json")
        for text, value in changes.items():
            written = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
            for path in expand_stars(tree, parse_path(text)):
                # A copy for each place, so that a later change to one stays there.
                set_path(tree, path, plain(written))
        return type(self)(**tree)

    def to_tree(self) -> dict[str, Any]:
        """The spec as a user would write it: short forms, and no default that goes unsaid."""
        tree: dict[str, Any] = {"resforge": self.resforge}
        if self.name:
            tree["name"] = self.name
        if self.dims != 2:
            tree["dims"] = self.dims
        tree["in_channels"] = self.in_channels
        tree["stem"] = shorten_stem(self.stem)
        tree["stages"] = [stage.to_tree() for stage in self.stages]
        tree["block"] = shorten_block(self.block)
        tree["shortcut"] = shorten_shortcut(self.shortcut)
        if self.norm != BatchNormSpec():
            tree["norm"] = short_tree(self.norm)
        if self.activation != "relu":
            own = self.activation
            tree["activation"] = own if isinstance(own, str) else short_tree(own)
        if self.convolution != PLAIN:
            tree["convolution"] = short_tree(self.convolution)
        if self.stochastic_depth is not None:
            tree["stochastic_depth"] = shorten_rate(self.stochastic_depth)
        if self.closing is not None:
            tree["closing"] = shorten_chain(self.closing)
        tree["head"] = None if self.head is None else shorten_head(self.head)
        if self.init != InitSpec():
            tree["init"] = short_tree(self.init)
        return tree

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        # Plain values, where they are enough, so that a checkpoint which holds a spec can be read
        # by torch.load(weights_only=True). Kinds of a user's own bring their module along.
        if type(self) is ResNetSpec and _is_built_in(self):
            return spec_of_tree, (self.model_dump(mode="json"),)
        return super().__reduce_ex__(protocol)

    def __str__(self) -> str:
        """The spec as YAML text."""
        return self.to_yaml().rstrip()

    def _repr_html_(self) -> str:
        # A door upwards, for notebooks: a spec is looked at where it stands.
        from ..drawing.html import to_html
        from ..planner.plan import lay_out

        # A notebook asks of any spec, also of one that strides further than its size goes.
        return to_html(lay_out(self, (self.natural_input_size,) * self.dims))

    def to_yaml(self) -> str:
        """The spec as YAML text that reads back to an equal spec."""
        return to_yaml(self.to_tree())

    def to_json(self) -> str:
        """The spec as JSON text that reads back to an equal spec."""
        return to_json(self.to_tree())


def spec_of_tree(tree: dict[str, Any]) -> ResNetSpec:
    """The spec whose values were pickled as ``tree``."""
    return ResNetSpec(**tree)


def _is_built_in(value: Any) -> bool:
    """Whether a part of a spec is of resforge's own kinds throughout."""
    if isinstance(value, BaseModel):
        own = type(value).__module__.startswith(f"{__package__}.")
        return own and all(map(_is_built_in, value.__dict__.values()))
    return all(map(_is_built_in, value)) if isinstance(value, tuple | list) else True


def _with_base(tree: dict[str, Any]) -> dict[str, Any]:
    """``tree`` laid over the catalogue entry it starts from, if it names one."""
    if "base" not in tree:
        return tree
    base = _entry(catalogue.entry(tree["base"]).name)
    changes = {key: value for key, value in tree.items() if key != "base"}
    # The language version is each file's own to say.
    return merge(base.model_dump(mode="json", exclude={"resforge"}), changes)


@cache
def _entry(name: str) -> ResNetSpec:
    """The network of a catalogue entry: many entries start from a few."""
    return ResNetSpec(**catalogue.tree(name))
