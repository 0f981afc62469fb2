"""One published network against the catalogue's: its tensors, its outputs, its names."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from resforge import (
    ResNetSpec,
    WeightsError,
    build,
    convert_weights,
    infer_spec,
    load,
    load_weights,
)
from resforge.specs.axes import size_text
from resforge.specs.catalogue import entries
from resforge.weights.match import WeightPlan
from torch import Tensor, nn

from .peers import Peer, called

EXACT, CLOSE, TENSORS, NONE, FAILED = (
    "exact",
    "within tolerance",
    "tensors only",
    "no spec",
    "failed",
)


@dataclass
class Finding:
    """What one comparison showed."""

    status: str
    why: str = ""
    entry: str = ""
    digest: str = ""
    difference: float | None = None
    """Greatest difference of the outputs, as a fraction of the greatest output."""
    shape: str = ""
    """Why the peer's output has another shape, of the same numbers; empty where it has none."""
    layout: str = ""
    written_back: str = ""
    """``yes``, or the reason why the weights are not written back under the peer's names."""
    inferred: str = ""
    """``yes``, or what ``infer_spec`` answered; empty where it was not asked."""

    def as_dict(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value not in ("", None)}


def prove(name: str, peer: Peer, folder: Path, *, infer: bool) -> Finding:
    """Compare the network that the catalogue has for a peer's with the peer's own."""
    entry = peer.entry or name
    if entry not in entries():
        return Finding(NONE, peer.why or "not in the catalogue")
    spec = load(entry)
    found = Finding(FAILED, entry=entry, digest=spec.digest)
    network = peer.build(folder).eval()
    fill(network)
    model = build(spec).eval()
    plan = _loaded(model, network, peer, found)
    if plan is None:
        return found
    found.layout = plan.layout
    _compare(network, model, spec, peer, found)
    if found.status in (EXACT, CLOSE):
        found.written_back = _written_back(network, model, spec, plan.layout)
        if infer:
            found.inferred = _inferred(_callable(network, peer), spec)
    return found


def ask(name: str, peer: Peer, folder: Path) -> str:
    """What ``infer_spec`` answers about a peer's network."""
    network = peer.build(folder).eval()
    fill(network)
    return _inferred(_callable(network, peer), load(peer.entry or name))


class _Called(nn.Module):
    """A network as a module that takes pictures and returns scores."""

    def __init__(self, network: nn.Module, peer: Peer) -> None:
        super().__init__()
        self.network, self.peer = network, peer

    def forward(self, x: Tensor) -> Tensor:
        return self.peer.call(self.network, x)


def _callable(network: nn.Module, peer: Peer) -> nn.Module:
    return network if peer.call is called else _Called(network, peer)


def fill(network: nn.Module) -> None:
    """Random numbers of both signs in all tensors, variances positive.

    Weights of trained norms are negative, too. Drawn positive, a pool before a norm could not be
    told from one after it.
    """
    generator = torch.Generator().manual_seed(0)
    statistics = {name: tensor for name, tensor in network.named_buffers() if "running_" in name}
    with torch.no_grad():
        for name, tensor in {**dict(network.named_parameters()), **statistics}.items():
            drawn = torch.rand(tensor.shape, generator=generator)
            if name.endswith("running_var"):
                tensor.copy_(drawn + 0.5)
            elif tensor.ndim > 1:
                normal = torch.randn(tensor.shape, generator=generator)
                tensor.copy_(normal * (1.5 / max(1, tensor[0].numel())) ** 0.5)
            else:
                signs = torch.rand(tensor.shape, generator=generator) < 0.5
                tensor.copy_((0.2 + 0.6 * drawn) * torch.where(signs, -1.0, 1.0))


def _loaded(model: nn.Module, network: nn.Module, peer: Peer, found: Finding) -> WeightPlan | None:
    """The weights of ``network`` in ``model``; None, with the reason, where they do not fit."""
    state = network.state_dict()
    try:
        return load_weights(model, state, layout=peer.layout)
    except WeightsError as error:
        found.why = str(error)
    try:
        plan = load_weights(model, state, layout=peer.layout, allow_other_function=True)
    except WeightsError:
        return None
    found.status, found.why = TENSORS, peer.why or found.why
    return plan


def _compare(
    network: nn.Module, model: nn.Module, spec: ResNetSpec, peer: Peer, found: Finding
) -> None:
    """Run both on the same pictures, and write down how their outputs differ."""
    x = torch.randn(2, spec.in_channels, *peer.size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        theirs, ours = peer.call(network, x), model(x)
    if theirs.shape != ours.shape:
        if not peer.shape or theirs.numel() != ours.numel():
            shapes = f"{tuple(ours.shape)}, where the peer's are {tuple(theirs.shape)}"
            found.status, found.why = FAILED, f"outputs of {shapes}"
            return
        found.shape, theirs = peer.shape, theirs.reshape(ours.shape)
    if not theirs.isfinite().all() or torch.equal(theirs[0], theirs[1]):
        found.why = "the peer's outputs say nothing: they are not finite, or the same for all"
        return
    largest = theirs.abs().max().item()
    found.difference = ((theirs - ours).abs().max().item()) / largest
    if torch.equal(theirs, ours):
        found.status, found.why = EXACT, ""
    elif peer.tolerance and found.difference <= peer.tolerance:
        found.status, found.why = CLOSE, peer.why
    else:
        found.status, found.why = TENSORS, peer.why or found.why or "the outputs differ"


def _written_back(network: nn.Module, model: nn.Module, spec: ResNetSpec, layout: str) -> str:
    """``yes`` where the weights under the peer's names are the peer's; else why not."""
    theirs = {name: tensor for name, tensor in network.state_dict().items() if _counts(name)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.pth"
        try:
            convert_weights(model.state_dict(), file, to=layout, spec=spec)
        except WeightsError as error:
            return str(error)
        ours: dict[str, Tensor] = torch.load(file, weights_only=True, mmap=True)
    ours = {name: tensor for name, tensor in ours.items() if _counts(name)}
    if names := theirs.keys() ^ ours.keys():
        return f"{len(names)} names differ, {min(names)} among them"
    differ = [name for name, tensor in theirs.items() if not torch.equal(tensor, ours[name])]
    return f"{differ[0]} differs" if differ else "yes"


def _counts(name: str) -> bool:
    return not name.endswith("num_batches_tracked")


def _inferred(network: nn.Module, spec: ResNetSpec) -> str:
    """``yes`` where ``infer_spec`` names the network of ``spec``; else its answer."""
    try:
        found, certificate = infer_spec(network)
    except WeightsError as error:
        return str(error)
    alike = {"init": spec.init.model_dump(mode="json"), "stochastic_depth": None}
    if found.replace(alike).digest == spec.replace({"stochastic_depth": None}).digest:
        unlike = " and ".join(map(size_text, certificate.unlike))
        return f"yes, but not for pictures of {unlike}" if unlike else "yes"
    return f"another network: {found.to_yaml()}"
