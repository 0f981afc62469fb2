"""From a module, or a state dict, to the spec that means the same network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from math import prod
from operator import itemgetter
from typing import NamedTuple

from torch import Tensor, nn

from ..builder.network import made_of, unwrap
from ..errors import SpecError, wrong_type
from ..planner.catalogue import networks, params_of
from ..planner.plan import lay_out
from ..reading.load import load
from ..specs.network import ResNetSpec
from .assumed import assumptions
from .catalogued import Names, Shown, catalogued, namings
from .certify import Certificate, Comparison
from .describe import described
from .errors import WeightsError
from .match import BUFFERS, COUNTER
from .misfits import shape_text
from .observed import Observed, depths_of, printed, unknowable
from .options import LoadOptions
from .randomness import completed, dropouts_of, is_left_out
from .read import read
from .select import select
from .specimen import Specimen

MAX_DESCRIBED = 2_000
"""Specs that are compared by digest; most are the same network in other words."""
MAX_ALTERNATIVES = 8
"""Networks that are named for one state dict."""
MAX_TRIED = 100
"""Networks that are run and compared with the one to be inferred."""


class Inferred(NamedTuple):
    """A spec, and what is known of it."""

    spec: ResNetSpec
    certificate: Certificate


def infer_spec(network: nn.Module | Mapping[str, Tensor], *, strip: str = "") -> Inferred:
    """The spec of a residual network that someone wrote by hand, or took from elsewhere.

    A module is proved: a copy of it and the network of the spec are given the same random
    weights, norms of both signs among them, and must give the same outputs for the same random
    pictures of several kinds, within ``1e-9`` of the largest output in float64, and the same in
    one step of training. What a module does not show (a functional activation, a shortcut without
    parameters) is tried until they do. Dropout and stochastic depth are read from the modules that
    say their rates; what the spec cannot say of them is listed as ``assumed``.

    ``certificate.names`` holds the module's name of each tensor of the spec, and turns a state
    dict of the module into one of the network that :func:`build` makes, and back.

    Of a state dict only names and shapes are known. The certificate lists what was ``assumed``,
    and ``alternatives``, other networks with the same tensors. ``strip`` is a prefix: only names
    that begin with it count, without it; of a module, the part of that name.

    No kind is known by name: each registered kind proposes fields (``proposals``), which are
    written down as a plan is and compared with the layers of the network.

    Names are those of any of :data:`LAYOUTS`. A state dict may be an entry of a checkpoint. The
    network itself is left as it is. Raises :class:`WeightsError` where the language has no word
    for the network.

    >>> import resforge as rf
    >>> theirs = rf.build("cifar_resnet20")
    >>> spec, certificate = infer_spec(theirs)
    >>> spec.name, certificate.kind
    ('cifar_resnet20', 'bitwise')
    >>> rf.build(spec).load_state_dict(certificate.names.to_ours(theirs.state_dict()))
    <All keys matched successfully>
    """
    if isinstance(network, nn.Module):
        part = _part(unwrap(network), strip)
        return _of_module(part, _prefix(network, part))
    if isinstance(network, Mapping):
        return _of_tensors(select(read(network), LoadOptions(strip=strip)).tensors)
    raise wrong_type("infer_spec", "a module or a state dict", network)


def _part(network: nn.Module, strip: str) -> nn.Module:
    try:
        return unwrap(network.get_submodule(strip.removesuffix(".")))
    except AttributeError:
        raise unknowable(f"it has no part named {strip!r}") from None


def _prefix(network: nn.Module, part: nn.Module) -> str:
    """What the names of the tensors of ``part`` begin with in the whole ``network``."""
    name = next(name for name, module in network.named_modules() if module is part)
    return f"{name}." if name else ""


def _of_tensors(tensors: Mapping[str, Tensor]) -> Inferred:
    layers = Observed(tensors)
    first, *others = _with_these_tensors(layers)
    assumed = assumptions(lay_out(first))
    return Inferred(first, Certificate("names", assumed=assumed, alternatives=tuple(others)))


def _with_these_tensors(layers: Observed) -> list[ResNetSpec]:
    """Networks with the names and shapes that show, likeliest first; at least one.

    Networks of the catalogue come first. Raises :class:`WeightsError` where there is none.
    """
    known = [spec for spec in _in_catalogue(layers) if _difference(layers, spec) is None]
    found, refused = list[ResNetSpec](), None
    try:
        for spec in islice(_specs(layers), MAX_ALTERNATIVES):
            wrong = _difference(layers, spec)
            if wrong is None:
                found.append(_in_known_words(spec))
            refused = refused or wrong
    except WeightsError:
        if not known:
            raise
    if not (found or known):
        raise unknowable(refused or "the language has no such network")
    likeliest = [spec for spec in found[:1] if spec in known]
    unique = {spec.digest: spec for spec in [*likeliest, *known, *found]}
    return [*unique.values()][:MAX_ALTERNATIVES]


def _in_catalogue(layers: Observed) -> Iterator[ResNetSpec]:
    """The networks of the catalogue with as many parameters."""
    shapes = layers.shapes.items()
    params = sum(prod(shape) for name, shape in shapes if not name.endswith(BUFFERS))
    return (load(name) for name in networks() if params_of(name) == params)


def _of_module(network: nn.Module, prefix: str) -> Inferred:
    _check_tensors(network)
    comparison = Comparison(network)
    best, tried = None, 0
    try:
        for spec, names, of_entry in islice(_candidates(network, comparison.single), MAX_TRIED):
            # Entries may differ in dropout alone.
            if best is not None and not best.certificate.unlike and not of_entry:
                break
            tried += 1
            certificate = comparison.certify(spec, names)
            if certificate is not None:
                found = Inferred(spec, certificate)
                if best is None or _lacks(network, found) < _lacks(network, best):
                    best = found
                if _lacks(network, best) == (0, 0):
                    break
    except WeightsError:
        if best is None and not comparison.differs:
            raise
    if best is None:
        raise unknowable(
            comparison.differs
            or f"it has the layers of one, but of {tried} specs with them none puts out the same"
        )
    spec, notes = completed(network, _in_known_words(best.spec))
    # Another word for the same layers may name them otherwise.
    paired = best.certificate.names.moved(lay_out(spec).state_dict, prefix)
    assumed = best.certificate.assumed + notes
    return Inferred(spec, replace(best.certificate, assumed=assumed, names=paired))


def _check_tensors(network: nn.Module) -> None:
    """Raise :class:`WeightsError` for tensors without values, and for one that has several
    names, which is not trained as several are."""
    if any(tensor.is_meta for tensor in network.state_dict().values()):
        raise unknowable("it is on 'meta', and has no weights to run it with")
    names: dict[int, list[str]] = {}
    for name, parameter in network.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    for several in names.values():
        if len(several) > 1:
            listed = " and ".join(several[:3])
            raise unknowable(f"its {listed} are one tensor, and of a spec each is its own")


def _lacks(network: nn.Module, found: Inferred) -> tuple[int, int]:
    """Sizes at which a spec differs from a network, and dropouts that it leaves out."""
    spec, certificate = found
    modules = dropouts_of(network) - dropouts_of(made_of(spec))
    return len(certificate.unlike), modules.total() + sum(map(is_left_out, certificate.assumed))


class _Candidate(NamedTuple):
    """A spec that a network may have, and the network's names of its tensors."""

    spec: ResNetSpec
    names: Names
    of_entry: bool
    """Whether it is an entry of the catalogue, or one with other numbers."""


def _candidates(network: nn.Module, specimen: Specimen) -> Iterator[_Candidate]:
    """Specs that the network may have.

    Those of the catalogue come first. Raises :class:`WeightsError` where no others are left.
    """
    shapes = specimen.shapes
    for spec in catalogued(Shown.of(shapes, depths_of(shapes))):
        for names in namings(lay_out(spec), shapes):
            yield _Candidate(spec, names, of_entry=True)
    layers = Observed(network.state_dict(), dict(network.named_modules()), specimen)
    for spec in _nearest_first(layers, network):
        plan, names = lay_out(spec), _names(layers, spec)
        for each in [names] if set(names.values()) == set(shapes) else namings(plan, shapes):
            yield _Candidate(spec, each, of_entry=False)


def _specs(layers: Observed) -> Iterator[ResNetSpec]:
    """Specs of networks that differ, each with the layers that show, likeliest first.

    Raises :class:`WeightsError` where there is none.
    """
    digests: set[str] = set()
    refused = None
    for tree in islice(described(layers), MAX_DESCRIBED):
        try:
            spec = ResNetSpec(**tree)
        except SpecError as error:
            refused = refused or error
            continue
        if spec.digest not in digests:
            digests.add(spec.digest)
            yield spec
    if not digests:
        raise unknowable(refused.message if refused else "the language has no such network")


def _nearest_first(layers: Observed, network: nn.Module) -> Iterator[ResNetSpec]:
    """As :func:`_specs`; of a network of resforge's own modules first those made of the same."""
    if not layers.is_own:
        yield from _specs(layers)
        return
    shown = printed(network)
    later: list[tuple[int, ResNetSpec]] = []
    for spec in _specs(layers):
        made = printed(made_of(spec))
        distance = (shown - made).total() + (made - shown).total()
        if distance:
            later.append((distance, spec))
        else:
            yield spec
    yield from (spec for _, spec in sorted(later, key=itemgetter(0)))


def _difference(layers: Observed, spec: ResNetSpec) -> str | None:
    """What a state dict lacks, or holds in another shape; None for neither."""
    shapes = lay_out(spec).state_dict
    names = _names(layers, spec)
    for ours, theirs in names.items():
        if theirs not in layers.shapes:
            return f"it lacks {theirs}"
        if layers.shapes[theirs] != shapes[ours]:
            wrong = shape_text(layers.shapes[theirs]), shape_text(shapes[ours])
            return f"{theirs} is {wrong[0]}, where {wrong[1]} would fit the rest"
    known = set(names.values())
    for name in layers.shapes:
        if name not in known and not name.endswith(COUNTER):
            return f"it holds {name}, a tensor that infer_spec does not know"
    return None


def _in_known_words(spec: ResNetSpec) -> ResNetSpec:
    """The catalogue's entry, where the spec means a network of the catalogue."""
    params = lay_out(spec).params
    for name in networks():
        if params_of(name) == params:
            entry = load(name)
            alike = entry.replace({"init": spec.init, "stochastic_depth": None})
            if alike.digest == spec.digest:
                return entry if entry.stochastic_depth is None else alike
    return spec


def _names(layers: Observed, spec: ResNetSpec) -> dict[str, str]:
    plan = lay_out(spec)
    table = layers.form.table(plan.state_dict, plan)
    return {
        ours: theirs or ours
        for ours, theirs in table.items()
        if layers.is_module or not ours.endswith(COUNTER)
    }
