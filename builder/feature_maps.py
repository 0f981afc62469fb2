"""A network as the backbone of a detector or a segmenter: its stages' maps."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from collections.abc import Sequence

from torch import Tensor, nn

from ..blocks import ResNet
from ..errors import Fault, SpecError, wrong_type
from ..planner.plan import lay_out
from .edits import spec_of
from .network import unwrap


class FeatureMaps(nn.Module):
    """The maps after the stages of ``out_indices``: 1 is ``layer1``, and so on.

    It holds the modules of ``model`` itself under their names, without the head and without
    stages after the last one asked for: no parameter goes unused, and a state dict of the whole
    network fits with ``strict=False``. The closing norm and activation of pre-activated blocks
    belong to the last stage. ``channels`` and ``strides`` (input pixels between neighbouring
    elements) are those of the maps; ``resforge.plan(spec).features`` has them before anything is
    built. Raises :class:`ResforgeError` for a model that resforge did not build and
    :class:`SpecError` for indices that are no stages, or not in rising order.

    >>> import torch
    >>> from resforge.builder import build
    >>> backbone = FeatureMaps(build("resnet18"), out_indices=(2, 3, 4))
    >>> backbone.channels, backbone.strides
    ((128, 256, 512), (8, 16, 32))
    >>> [tuple(m.shape) for m in backbone(torch.zeros(1, 3, 64, 64))]
    [(1, 128, 8, 8), (1, 256, 4, 4), (1, 512, 2, 2)]
    """

    def __init__(self, model: nn.Module, out_indices: Sequence[int] = (1, 2, 3, 4)) -> None:
        super().__init__()
        self.spec, model = spec_of(model), unwrap(model)
        if not isinstance(model, ResNet):
            raise wrong_type("FeatureMaps", "a whole network", model, "give it the whole network")
        self.out_indices = tuple(out_indices)
        features = lay_out(self.spec).features
        _check(out_indices, len(features))
        wanted = [features[index - 1] for index in out_indices]
        self.names = [feature.name for feature in wanted]
        self.channels = tuple(feature.channels for feature in wanted)
        self.strides = tuple(feature.stride for feature in wanted)
        # What pre-activated blocks leave to be done ends the last stage.
        last = (model.closing_names or model.stage_names)[-1]
        self.ends = [last if name == model.stage_names[-1] else name for name in self.names]
        for name, module in model.named_children():
            self.add_module(name, module)
            if name == self.ends[-1]:
                break

    def of_whole(self, model: ResNet) -> "FeatureMaps":
        """The same maps of another network."""
        return FeatureMaps(model, self.out_indices)

    def forward(self, x: Tensor) -> list[Tensor]:
        """The maps (N, channels[i], H / strides[i], W / strides[i]) for x: (N, C, H, W)."""
        maps: list[Tensor] = []
        for name, module in self.named_children():
            x = module(x)
            if name in self.ends:
                maps.append(x)
        return maps


def _check(out_indices: Sequence[int], stages: int) -> None:
    rising = sorted(set(out_indices)) == list(out_indices)
    if not out_indices or not rising or not 1 <= out_indices[0] <= out_indices[-1] <= stages:
        message = f"out_indices={tuple(out_indices)} are not stages of this network in rising order"
        help_ = f"choose from {', '.join(str(n) for n in range(1, stages + 1))}"
        raise SpecError(Fault("features", message, help=help_))
