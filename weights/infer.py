"""From a module, or a state dict, to the spec that means the same network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from torch import Tensor, nn

from ..builder.edits import made_of
from ..builder.network import unwrap
from ..errors import SpecError, wrong_type
from ..planner.plan import lay_out
from ..reading.load import load
from ..specs.catalogue import list_specs
from ..specs.network import ResNetSpec
from .certify import Certificate, Comparison
from .describe import described
from .match import COUNTER
from .misfits import shape_text
from .observed import Observed, printed, unknowable

MAX_DESCRIBED = 2_000
"""Specs that are compared by digest; most are the same network in other words."""
MAX_TRIED = 100
"""Networks that are run and compared with the one to be inferred."""


class Inferred(NamedTuple):
    """A spec, and what is known of it."""

    spec: ResNetSpec
    certificate: Certificate


def infer_spec(network: nn.Module | Mapping[str, Tensor]) -> Inferred:
    """The spec of a residual network that someone wrote by hand, or took from elsewhere.

    A module is proved: a copy of it and the network of the spec are given the same random
    weights, and must put out the same from the same random pictures, bitwise or within
    ``1e-4`` of the largest output. What a module does not show (a functional activation, a
    shortcut without parameters) is tried until they do. Of a state dict only names and shapes
    are known, and the certificate says what was assumed. Stochastic depth is not detected;
    dropout is, where a module has it under resforge's names and puts out the same in training.

    No kind is known by name: each registered kind proposes fields (``proposals``), which are
    written down as a plan is and compared with the layers of the network.

    Names are those of any of :data:`LAYOUTS`. The network itself is left as it is. Raises
    :class:`WeightsError` where the language has no word for the network.

    >>> import resforge as rf
    >>> spec, certificate = infer_spec(rf.build("cifar_resnet20"))
    >>> spec.name, certificate.kind
    ('cifar_resnet20', 'bitwise')
    """
    if isinstance(network, nn.Module):
        return _of_module(unwrap(network))
    if isinstance(network, Mapping):
        return _of_tensors(network)
    raise wrong_type("infer_spec", "a module or a state dict", network)


def _of_tensors(tensors: Mapping[str, Tensor]) -> Inferred:
    layers = Observed(tensors)
    spec = next(_specs(layers))
    if wrong := _difference(layers, spec):
        raise unknowable(wrong)
    plan = lay_out(spec, (1, 1))
    strides = "x".join(str(stage.stride) for stage in spec.stages)
    assumed = [f"strides {strides}", "relu", f"{plan.spec.stem.kind}'s pool"]
    if any(hasattr(block.spec, "stride_on") for stage in plan.stages for block in stage):
        assumed.append("the stride on the 3x3")
    return Inferred(_in_known_words(spec), Certificate("names", assumed=tuple(assumed)))


def _of_module(network: nn.Module) -> Inferred:
    layers = Observed(network.state_dict(), dict(network.named_modules()))
    comparison = Comparison(network)
    second_best, tried = None, 0
    for spec in islice(_nearest_first(layers, network), MAX_TRIED):
        tried += 1
        certificate = comparison.certify(spec, _names(layers, spec))
        if certificate is not None:
            found = Inferred(spec, replace(certificate, assumed=_dropout(network, spec)))
            if not certificate.unlike:
                return found._replace(spec=_in_known_words(spec))
            second_best = second_best or found
    if second_best is not None:
        return second_best._replace(spec=_in_known_words(second_best.spec))
    raise unknowable(
        f"it has the layers of one, but of {tried} specs with them none puts out the same"
    )


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
    shapes = lay_out(spec, (1, 1)).state_dict
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
    params = lay_out(spec, (1, 1)).params
    for name, count in _catalogue_params().items():
        if count == params:
            entry = load(name)
            alike = entry.replace({"init": spec.init, "stochastic_depth": None})
            if alike.digest == spec.digest:
                return entry if entry.stochastic_depth is None else alike
    return spec


@cache
def _catalogue_params() -> dict[str, int]:
    """Parameters of each network of the catalogue."""
    return {name: lay_out(load(name), (1, 1)).params for name in list_specs()}


def _names(layers: Observed, spec: ResNetSpec) -> dict[str, str]:
    plan = lay_out(spec, (1, 1))
    table = layers.form.table(plan.state_dict, plan)
    return {
        ours: theirs or ours
        for ours, theirs in table.items()
        if layers.is_module or not ours.endswith(COUNTER)
    }


def _dropout(network: nn.Module, spec: ResNetSpec) -> tuple[str, ...]:
    kinds = nn.Dropout | nn.Dropout2d
    rates = Counter(m.p for m in network.modules() if isinstance(m, kinds) and m.p)
    rates -= Counter(m.p for m in made_of(spec).modules() if isinstance(m, kinds))
    return tuple(f"dropout of {rate} is left out" for rate in sorted(rates))
