"""A design space: a base network, its free fields, and limits on the networks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from keyword import iskeyword
from pathlib import Path as FilePath
from typing import Annotated, Any

from pydantic import Field, PrivateAttr, ValidationError

from ..errors import Fault, SpecError, path_text, wrong_type
from ..reading.load import SpecLike, as_spec, is_file, validate
from ..reading.start import Base, start_from
from ..specs.base import MAX_INPUT, Spec, Version
from ..specs.explain import faults_of
from ..specs.network import ResNetSpec
from ..specs.paths import get_path
from ..specs.plain import as_count, is_whole, plain
from ..specs.schema import around_spec, named
from ..text.document import Document
from ..text.reader import read, read_file
from . import covering, finding, schema, spaces, steps
from .constraints import NO_VALUE, Kept, Where
from .covering import Cover
from .derived import Derivation
from .digests import DigestSet
from .draws import TRIES, Draws, in_order
from .expressions import CONSTANTS, FUNCTIONS, Scope
from .guided import GuidedDraws
from .points import Architecture, Miss, Points, Quantity
from .shards import Shard
from .template import Template, fresh


class Space(Spec):
    """The contents of a space file, and the networks in it, which are made lazily.

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
    """Side in pixels of the pictures that costs are counted for; by default the base's own."""
    free: Annotated[dict[str, Any], Field(min_length=1)]
    """Spec paths, and the values that may stand there."""
    derive: Annotated[dict[str, Derivation], Field(default_factory=dict)]
    """Spec paths whose values are computed from others."""
    where: Where = Where()
    """Limits on every network: ranges of its costs, and conditions."""

    _document: Document | None = PrivateAttr(default=None)
    _measured: dict[str, Quantity] = PrivateAttr(default_factory=dict)

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """The JSON Schema of space files (draft 7), with that of a spec for ``base``.

        The schema does not check whether a free path exists or which values are legal there: that
        depends on the base.
        """
        found = around_spec(super().model_json_schema(*args, **options))
        found["properties"]["free"] = schema.free()
        found["$defs"] |= schema.definitions()
        said = "A design space: a base network, and the values that its fields may have."
        return named(found, "space", said)

    def __init__(self, /, **tree: Any) -> None:
        tree = plain(tree)
        try:
            self.__pydantic_validator__.validate_python(tree, self_instance=self)
        except ValidationError as error:
            raise SpecError(*faults_of(error, type(self), tree)) from None
        self._check()

    def __eq__(self, other: object) -> bool:
        """Whether ``other`` is the same space, with its free fields in the same order: the order
        decides which network stands at an index."""
        if not isinstance(other, Space):
            return NotImplemented
        mine, theirs = (space.model_dump(mode="json") for space in (self, other))
        return mine == theirs and [*self.free] == [*other.free]

    def __hash__(self) -> int:
        return hash(self.model_dump_json())

    @cached_property
    def template(self) -> Template:
        """The trees of its networks."""
        return Template(self._base, self.free, self.derive)

    @cached_property
    def pictures(self) -> int:
        """Side in pixels of the pictures that costs are counted for."""
        return self.input_size or self._base.natural_input_size

    @cached_property
    def points(self) -> Points:
        """The points of the space, by index."""
        limits = self.where.limits
        return Points(self.template, limits, self.pictures, self._document, self._measured)

    def _check(self) -> None:
        """Refuse a space with a wrong path, value or condition at once."""
        template = self.template
        kept = [limit for limit in self.where.limits if isinstance(limit, Kept)]
        for limit in kept:
            limit.condition.check_names(self._measured, f"where.{limit.place}")
        # Each has a value wherever one field of a network is another option.
        plain = [limit for limit in kept if not limit.names & {*self._measured}]
        points = Points(template, [*plain], self.pictures)
        for index in template.corners() if plain else ():
            found = points.look(index)
            if isinstance(found, Miss) and any(each.code == NO_VALUE for each in found.faults):
                raise SpecError(found.faults)

    @cached_property
    def _base(self) -> ResNetSpec:
        return start_from(self.base)

    @property
    def size(self) -> int:
        """Number of points: of all combinations of free values. The choices within an option are
        counted where that option is taken. A point may be illegal or outside ``where``."""
        return self.points.size

    @property
    def fields(self) -> dict[str, int]:
        """Number of values of each free path, for a program that chooses them itself."""
        return {free.path: free.choices.size for free in self.template.free}

    def index(self, chosen: Mapping[str, int]) -> int:
        """The index of the point with the chosen value, counted from 0, at each free path.

        Raises :class:`SpecError` for a path that is not free, is left out, or has no such value.
        """
        if not isinstance(chosen, Mapping):
            raise wrong_type("space.index", "a mapping of paths to numbers", chosen)
        for path in {**chosen, **self.fields}:
            size, value = self.fields.get(path, 0), chosen.get(path, -1)
            if not is_whole(value) or not 0 <= value < size:
                message = f"{path} has {size} values here, and {value!r} was chosen"
                message = message if path in chosen else f"{path} is left out"
                raise SpecError(Fault("range", message, path, "see the space's fields"))
        return self.points.choices.join([int(chosen[path]) for path in self.fields])

    def look(self, index: int, number: int | None = None) -> Architecture | Miss:
        """The network at ``index``, or why there is none within the limits.

        Raises :class:`SpecError` for an index that the space does not have.
        """
        return self.points.look(index, number)

    def constrained(self, *conditions: str, **measured: Quantity) -> Space:
        """The same space with further conditions, on quantities of one's own, too.

        Each of ``measured`` takes a network of the space and returns a number, a word or a truth
        value, which conditions then name: a latency, the answer of a model. Conditions on such
        quantities are looked at where a network keeps all others.

        >>> space = load_space("cifar_resnets").constrained(
        ...     "sum(depths) <= 16", "intensity <= 150", intensity=lambda net: net.macs / net.params
        ... )
        >>> found = space.nth(0)
        >>> sum(stage.depth for stage in found.spec.stages) <= 16, found.macs <= 150 * found.params
        (True, True)
        """
        for name, way in measured.items():
            _check_quantity(name, way)
        where = {**self.where.model_dump(), "conditions": [*self.where.conditions, *conditions]}
        try:
            found = self.model_copy(update={"where": Where(**where)})
        except ValidationError as error:
            raise SpecError(*faults_of(error, Where, where)) from None
        for name in ("points", "template"):
            found.__dict__.pop(name, None)
        found._measured = {**self._measured, **measured}
        found._check()
        return found

    def changes(self, network: Architecture) -> dict[str, Any]:
        """The fields of ``network`` that differ from the base, as an arm of a sweep has them."""
        tree = self.template.tree_at(self.own(network).index)
        # The trees of a space share their parts: whoever gets one may change it or write it down.
        return {path_text(place): fresh(get_path(tree, place)) for place in self.template.places}

    def at(self, index: int) -> Architecture:
        """The network at ``index``. Raises :class:`SpecError` where there is none within the
        limits."""
        return self.points.at(index)

    def find(self, spec: SpecLike) -> Architecture:
        """The network of this space that ``spec`` is, whatever its name: the way in for published
        networks, and for results of another space.

        ``spec`` is a spec, a catalogue name, a file or a mapping. Raises :class:`SpecError` with
        every place where it leaves the space, or with the limits of ``where`` that it breaks.

        >>> space = load_space("cifar_resnets")
        >>> found = space.find("cifar_resnet20")
        >>> space.at(found.index) == found
        True
        """
        return finding.find(self.points, as_spec(spec, "space.find"))

    def values(self, network: Architecture) -> dict[str, Any]:
        """The value of ``network`` at each free place, as a spec file has it: numbers and words for
        tables and for optimizers.

        >>> space = load_space("cifar_resnets")
        >>> values = space.values(space.find("cifar_resnet20"))
        >>> values["stages[2].depth"], space.index_of(values) == space.find("cifar_resnet20").index
        (3, True)
        """
        return finding.values_at(self.template, self.own(network).index)

    @property
    def domains(self) -> dict[str, list[Any]]:
        """The values that each free place may have, in their order, as :meth:`values` has them: for
        optimizers that choose numbers and categories.

        Values of several places with ``each`` also keep to that. Raises :class:`SpecError` for a
        place with more than 100,000 values, such as blocks that ``repeat``.

        >>> domains = load_space("cifar_resnets").domains
        >>> domains["stages[0].width"][:3], domains["shortcut"]
        ([8, 16, 24], ['zero_pad', 'projection', 'avg_projection'])
        """
        return finding.domains_of(self.template)

    def index_of(self, values: Mapping[str, Any]) -> int:
        """The index of the point with the given values at all free places; the inverse of
        :meth:`values`.

        Raises :class:`SpecError` for a place that is not free, is left out, or has no such value.
        """
        return finding.index_of(self.template, values)

    def draws(
        self, seed: int = 0, tries: int = TRIES, guided: bool = False, workers: int = 1
    ) -> Draws:
        """The draws of a seed; see :meth:`sample`."""
        draws = (GuidedDraws if guided else Draws)(self.points, seed, tries)
        return draws.shared(workers, partial(self.draws, seed, tries, guided))

    def sample(
        self,
        seed: int = 0,
        tries: int = TRIES,
        guided: bool = False,
        workers: int = 1,
        start: int = 0,
        step: int = 1,
    ) -> Iterator[Architecture]:
        """Networks drawn with the declared probabilities, each digest once.

        Lazy; the same for a seed in any process, on any machine. Each network carries the
        ``number`` of its draw, and :meth:`nth` computes it alone. Ends where the space is
        exhausted. Raises :class:`SpecError` where ``tries`` points in a row give nothing, with how
        near they came to each limit. More tries change no network that fewer give.

        ``guided`` draws go from random points towards the limits: for spaces whose networks are too
        rare for chance. They find other networks, and not with the declared probabilities; those at
        the edge of the limits are more likely.

        With a ``start`` each from 0 to ``step - 1``, ``step`` machines make every draw between
        them, each without those of the others. Of networks that several machines have, the whole
        sample holds the one of the lowest number.

        >>> space = load_space("cifar_resnets")
        >>> [next(space.sample(seed=0, start=start, step=64)).number for start in (0, 1, 63)]
        [0, 1, 63]

        ``workers`` is a number of processes that draw together; it changes no network. A script
        that uses them begins with ``if __name__ == "__main__":``. One process draws from a space of
        at most 16,384 points. Raises :class:`SpecError` where kinds are registered, which other
        processes do not know, and :class:`ResforgeError` where a process dies.
        """
        shard = Shard(as_count("start", start, 0), as_count("step", step))
        draws = self.draws(seed, tries, guided, workers).part(shard)
        return draws.starting_at(shard.number, DigestSet())

    def nth(
        self, number: int, seed: int = 0, tries: int = TRIES, guided: bool = False
    ) -> Architecture:
        """Draw ``number`` of ``seed``, computed without the draws before it.

        :meth:`sample` leaves it out where an earlier draw gave the same network. Raises
        :class:`SpecError` where the draw gives nothing.
        """
        return self.draws(seed, tries, guided).nth(number)

    def enumerate(
        self, start: int = 0, step: int = 1, tries: int | None = None, workers: int = 1
    ) -> Iterator[Architecture]:
        """The networks of the space in its order, from index ``start`` in strides of ``step``.

        With a ``start`` each from 0 to ``step - 1``, ``step`` machines list every network between
        them. Points that give no network within the limits are skipped, however many they are;
        equal networks at several indexes are repeated. With ``tries``, :class:`SpecError` is raised
        after so many points in a row without a network; ``workers`` processes look at the points
        otherwise, as those of :meth:`sample`.
        """
        again = partial(getattr, self, "points")
        return in_order(self.points, start, step, tries, workers, again)

    def cover(self, strength: int = 2, seed: int = 0, tries: int = covering.TRIES) -> Cover:
        """Few small networks in which every option of the space stands, and with ``strength`` 2
        every pair of options.

        Options are the items of each choice, those within an item, and both ends and the middle of
        each range. Where none of ``tries`` points with some options is a network within the limits,
        they are listed as ``absent``, and ``proven`` says whether these were all points. The same
        for a seed. Raises :class:`SpecError` for a space with too many options.

        >>> free = {"stem.width": {"int": [8, 16]}, "norm": ["batch", "none"]}
        >>> free["shortcut"] = ["zero_pad", "projection", "none"]
        >>> found = Space(space=1, base="cifar_resnet20", free=free).cover()
        >>> len(found.networks), found.covered, found.absent
        (9, 29, ())
        """
        return covering.cover(self.points, strength, seed, tries)

    def neighbours(self, parent: Architecture) -> Iterator[Architecture]:
        """The networks that differ from ``parent`` in one free field, each once, with its ``move``.

        A number moves by 1, 4, 16, ... steps, a choice to another option.
        """
        return steps.neighbours(self.points, self.own(parent))

    def mutate(self, parent: Architecture, seed: int = 0) -> Architecture:
        """A random one of the :meth:`neighbours`: first a field is chosen, then one of its steps.

        Raises :class:`NoChildError` where none is legal and within the limits.
        """
        return steps.mutate(self.points, self.own(parent), seed)

    def crossover(self, one: Architecture, other: Architecture, seed: int = 0) -> Architecture:
        """A network with each free field of either parent, and the digest of neither.

        Raises :class:`NoChildError` where none is found: parents that differ in one field have
        none.
        """
        return steps.crossover(self.points, self.own(one), self.own(other), seed)

    def own(self, network: Architecture) -> Architecture:
        """``network`` itself, where it is what stands at its index in this space.

        It may lie outside ``where``. Raises :class:`SpecError` for a network of another space, or
        of another version of this one, whose index means another network here.
        """
        if not isinstance(network, Architecture):
            raise wrong_type("a space", "one of its networks", network, "use space.nth(0)")
        if not self.points.holds(network):
            message = (
                f"network {network.digest[:12]} is not at index {network.index:,} of this space"
            )
            raise SpecError(
                Fault("space", message, help="use a network that this space, as it is now, gave")
            )
        return network


def load_space(source: str | os.PathLike[str]) -> Space:
    """The shipped space of a name, or the space in a ``.yaml``, ``.yml`` or ``.json`` file.

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


def _check_quantity(name: str, way: Any) -> None:
    """Raise :class:`SpecError` for what cannot be a quantity of one's own."""
    message = help_ = ""
    if name in Scope.names():
        message, help_ = f"{name} is a name of every network", "choose another name"
    elif not name.isidentifier() or iskeyword(name) or name in {*FUNCTIONS, *CONSTANTS}:
        message, help_ = f"conditions cannot name {name!r}", "choose a name such as latency"
    elif not callable(way):
        message = f"{name} is {type(way).__name__}, which cannot be called"
        help_ = f"write {name}=lambda network: ..."
    if message:
        raise SpecError(Fault("condition", message, name, help_))


def _read(name: str) -> Document:
    if os.sep in name or FilePath(name).suffix or is_file(name):
        return read_file(name, "space")
    message = f"no space {name!r}, and no such file"
    raise SpecError(Fault("catalogue", message, help=spaces.help_for(name)))
