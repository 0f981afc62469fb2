"""From a module, or a state dict, to the spec that means the same network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from torch import Tensor, nn

from ..builder.network import unwrap
from ..errors import SpecError, wrong_type
from ..planner.plan import lay_out
from ..reading.load import load
from ..specs.catalogue import list_specs
from ..specs.network import ResNetSpec
from .certify import Certificate, certify
from .describe import Answers, describe, possible
from .misfits import shape_text
from .observed import Observed, unknowable


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
    are known, and the certificate says what was assumed. What only trains, such as dropout, is
    not seen.

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
    layers = Observed({name: tuple(tensor.shape) for name, tensor in tensors.items()}, {})
    spec = _spec(layers, possible(layers)[0])
    plan = lay_out(spec, (1, 1))
    for ours, theirs in _names(layers, spec).items():
        if theirs not in tensors:
            raise unknowable(f"it lacks {theirs}")
        if tuple(tensors[theirs].shape) != plan.state_dict[ours]:
            shapes = shape_text(tuple(tensors[theirs].shape)), shape_text(plan.state_dict[ours])
            raise unknowable(f"{theirs} is {shapes[0]}, where {shapes[1]} would fit the rest")
    strides = "x".join(str(stage.stride) for stage in spec.stages)
    assumed = [f"strides {strides}", "relu", f"{plan.spec.stem.kind}'s pool"]
    if any(b.what.block.kind == "bottleneck" for stage in plan.stages for b in stage):
        assumed.append("the stride on the 3x3")
    return Inferred(_in_known_words(spec), Certificate("names", assumed=tuple(assumed)))


def _of_module(network: nn.Module) -> Inferred:
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    layers = Observed(shapes, dict(network.named_modules()))
    tried: set[str] = set()
    second_best = None
    for answers in possible(layers):
        spec = _spec(layers, answers)
        if spec.digest in tried:
            continue
        tried.add(spec.digest)
        certificate = certify(spec, network, _names(layers, spec))
        if certificate is not None:
            found = Inferred(spec, replace(certificate, assumed=_dropout(network)))
            if not certificate.unlike:
                return found._replace(spec=_in_known_words(spec))
            second_best = second_best or found
    if second_best is not None:
        return second_best._replace(spec=_in_known_words(second_best.spec))
    raise unknowable(
        f"it has the layers of one, but of {len(tried)} specs with them none puts out the same"
    )


def _spec(layers: Observed, answers: Answers) -> ResNetSpec:
    try:
        return ResNetSpec(**describe(layers, answers))
    except SpecError as error:
        raise unknowable(error.message) from error


def _in_known_words(spec: ResNetSpec) -> ResNetSpec:
    """The catalogue's entry, where the spec means a network of the catalogue."""
    params = lay_out(spec, (1, 1)).params
    for name in list_specs():
        entry = load(name)
        if lay_out(entry, (1, 1)).params == params:
            alike = entry.replace({"init": spec.init, "stochastic_depth": None})
            if alike.digest == spec.digest:
                return entry if entry.stochastic_depth is None else alike
    return spec


def _names(layers: Observed, spec: ResNetSpec) -> dict[str, str]:
    plan = lay_out(spec, (1, 1))
    table = layers.form.table(plan.state_dict, plan)
    return {
        ours: theirs or ours
        for ours, theirs in table.items()
        if layers.is_module or not ours.endswith("num_batches_tracked")
    }


def _dropout(network: nn.Module) -> tuple[str, ...]:
    rates = {m.p for m in network.modules() if isinstance(m, nn.Dropout | nn.Dropout2d) and m.p}
    return tuple(f"dropout of {rate} is left out" for rate in sorted(rates))
