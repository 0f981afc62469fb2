"""A design space: a base network, what of it is free, and what every network must keep."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path as FilePath
from typing import Annotated, Any

from pydantic import Field, PrivateAttr, ValidationError

from ..errors import Fault, SpecError, path_text, wrong_type
from ..planner.count import Counter
from ..planner.plan import MAX_INPUT
from ..reading.load import is_file, validate
from ..reading.places import placed
from ..reading.start import Base, start_from
from ..specs.base import Spec, Version
from ..specs.explain import faults_of
from ..specs.network import ResNetSpec
from ..specs.paths import get_path
from ..specs.rules import broken_rules
from ..specs.schema import around_spec
from ..text.document import Document
from ..text.reader import read, read_file
from . import schema, spaces, steps
from .choices import Every
from .constraints import Where
from .derived import Derivation
from .draw import Architecture, Draws, Miss, Misses, in_order
from .template import Template


class Space(Spec):
    """What a space file says. Nothing in it is drawn before it is asked for.

    >>> space = Space(
    ...     space=1,
    ...     base="cifar_resnet20",
    ...     free={"stages[*].depth": {"int": [1, 9]}, "shortcut": ["zero_pad", "projection"]},
    ...     where={"params": {"max": 500_000}},
    ... )
    >>> space.size
    1458
    >>> found = space.nth(3, seed=0)
    >>> [stage.depth for stage in found.spec.stages], found.params
    ([7, 1, 6], 473242)
    """

    space: Version
    """Version of the language."""
    name: Annotated[str, Field(max_length=200)] = ""
    """A title for people."""
    base: Base
    """A catalogue name, or a spec written out: what every network starts from."""
    input_size: Annotated[int, Field(ge=1, le=MAX_INPUT)] | None = None
    """Side in pixels of the pictures that costs are counted for; the base's own where it is left
    out."""
    free: Annotated[dict[str, Any], Field(min_length=1)]
    """Spec paths, and what may stand there."""
    derive: Annotated[dict[str, Derivation], Field(default_factory=dict)]
    """Spec paths that follow from others."""
    where: Where = Where()
    """What every network keeps."""

    _document: Document | None = PrivateAttr(default=None)

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """The JSON Schema of space files (draft 7), with that of a spec for ``base``. Whether a
        path leads anywhere, and what may stand there, it leaves free: that is a matter of the
        base."""
        found = around_spec(super().model_json_schema(*args, **options))
        found["properties"]["free"] = schema.free()
        found["$defs"] |= schema.definitions()
        return found

    def __init__(self, /, **tree: Any) -> None:
        try:
            super().__init__(**tree)
        except ValidationError as error:
            raise SpecError(*faults_of(error, type(self), tree)) from None
        _ = self.template  # a space that holds no network is refused at once

    @cached_property
    def template(self) -> Template:
        """The trees of its networks."""
        return Template(self._base, self.free, self.derive)

    @cached_property
    def pictures(self) -> int:
        """Side in pixels of the pictures that costs are counted for."""
        return self.input_size or self._base.natural_input_size

    @cached_property
    def _counter(self) -> Counter:
        return Counter((self.pictures, self.pictures))

    @cached_property
    def _base(self) -> ResNetSpec:
        return start_from(self.base)

    @property
    def choices(self) -> Every:
        """Everything that is free, counted and in order."""
        return self.template.choices

    @property
    def size(self) -> int:
        """How many points the space has: every combination of what is free, a choice within an
        option counted where the option is taken. Points can be illegal or outside ``where``."""
        return self.choices.size

    @property
    def fields(self) -> dict[str, int]:
        """How many values each free path has, for whoever chooses them himself."""
        return {free.path: free.choices.size for free in self.template.free}

    def index(self, chosen: Mapping[str, int]) -> int:
        """The index of the point with the chosen value, counted from 0, at each free path.

        Raises :class:`SpecError` for a path that is not free, is left out, or has no such value.
        """
        for path in {*chosen, *self.fields}:
            size, value = self.fields.get(path, 0), chosen.get(path, -1)
            if not 0 <= value < size:
                message = f"{path} has {size} values here, and {value} was chosen"
                raise SpecError(Fault("range", message, path, "see the space's fields"))
        return self.choices.join([chosen[path] for path in self.fields])

    def look(self, index: int, number: int | None = None) -> Architecture | Miss:
        """What stands at ``index``, wanted or not. Raises :class:`SpecError` beyond the end."""
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < self.size:
            help_ = f"count from 0 to {self.size - 1:,}"
            raise SpecError(Fault("range", f"the space has no index {index!r}", help=help_))
        try:
            spec = ResNetSpec.unchecked(self.template.tree_at(index))
            if faults := broken_rules(spec):
                raise SpecError(faults)
            figures = self._counter.count(spec)
            if missed := self.where.missed(figures):
                return Miss(index, (), figures, missed)
        except SpecError as error:
            return Miss(index, error.faults, None, {})
        number = index if number is None else number
        return Architecture(number, index, spec, spec.digest, *figures)

    def changes(self, network: Architecture) -> dict[str, Any]:
        """What ``network`` changes of the base, as an arm of a sweep has it."""
        tree = self.template.tree_at(self._own(network).index)
        return {path_text(place): get_path(tree, place) for place in self.template.places}

    def at(self, index: int) -> Architecture:
        """The network at ``index``. Raises :class:`SpecError` where that is none, or not within
        the bounds."""
        found = self.look(index)
        if isinstance(found, Architecture):
            return found
        misses = Misses(self)
        misses.add(found)
        raise misses.error()

    def sample(self, seed: int = 0) -> Iterator[Architecture]:
        """Networks drawn with the chances that the space declares, each once by its digest.

        Lazy; the same for a seed in any process, on any machine. Each carries the ``number`` of
        its draw, and :meth:`nth` gives it alone. Ends where the space is exhausted; raises
        :class:`SpecError` where nothing is found in 10,000 tries, with how near they came.
        """
        return iter(Draws(self, seed))

    def nth(self, number: int, seed: int = 0) -> Architecture:
        """Draw ``number`` of ``seed``, without those before it; :meth:`sample` leaves it out
        where an earlier draw gave the same network. Raises as :meth:`sample` does."""
        return Draws(self, seed).nth(number)

    def enumerate(self, start: int = 0, step: int = 1) -> Iterator[Architecture]:
        """The networks of the space in its order, from index ``start`` in strides of ``step``.

        Where ``step`` machines take a ``start`` each, they meet every network between them. Points
        that give no network, or one outside the bounds, are passed over; networks that mean the
        same come as often as the space has them. Raises :class:`SpecError` after 100,000 points
        in vain.
        """
        return in_order(self, start, step)

    def neighbours(self, parent: Architecture) -> Iterator[Architecture]:
        """The networks of the space one field away, each once, with its ``move``: a number moves
        by 1, 4, 16, ... steps, a choice to another option."""
        return steps.neighbours(self, self._own(parent))

    def mutate(self, parent: Architecture, seed: int = 0) -> Architecture:
        """One of the :meth:`neighbours` by chance: first a field, then one of its steps.

        Raises :class:`SpecError` where none is legal and within the bounds.
        """
        return steps.mutate(self, self._own(parent), seed)

    def crossover(self, one: Architecture, other: Architecture, seed: int = 0) -> Architecture:
        """A network of the space with each free field from either parent, and of neither's digest.

        Raises :class:`SpecError` where none is found: two that differ in one field have none.
        """
        return steps.crossover(self, self._own(one), self._own(other), seed)

    def _own(self, parent: Architecture) -> Architecture:
        if not isinstance(parent, Architecture):
            raise wrong_type("a space", "a network that it gave", parent, "use space.nth(0)")
        return parent

    def error(self, faults: Fault | Sequence[Fault], more: int = 0) -> SpecError:
        """The error of ``faults``, with their places in the file."""
        found = [faults] if isinstance(faults, Fault) else faults
        return SpecError(placed(found, self._document) if self._document else found, more)


def load_space(source: str | os.PathLike[str]) -> Space:
    """The space of a shipped name, or of a ``.yaml``, ``.yml`` or ``.json`` file.

    Raises :class:`SpecError` with every fault's place in the file.

    >>> load_space("cifar_resnets").size
    42830208
    """
    if not isinstance(source, str | os.PathLike):
        raise wrong_type("load_space", "a shipped name or a file", source, "call Space for a tree")
    name = os.fspath(source)
    shipped = name in spaces.list_spaces()
    document = read(spaces.text(name), name=f"{name}.yaml") if shipped else _read(name)
    space = validate(Space, document)
    space._document = document
    return space


def _read(name: str) -> Document:
    if os.sep in name or FilePath(name).suffix or is_file(name):
        return read_file(name)
    message = f"no space {name!r}, and no such file"
    raise SpecError(Fault("catalogue", message, help=spaces.mend_of(name)))
