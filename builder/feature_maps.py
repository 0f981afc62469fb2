"""A network as the backbone of a detector or a segmenter: its stages' maps."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from collections.abc import Iterable, Sequence
from typing import SupportsIndex

from torch import Tensor, nn

from ..blocks import ResNet
from ..blocks.checkpointing import checkpoint_stages
from ..blocks.timm_contract import map_indices, run
from ..errors import Fault, SpecError, wrong_type
from ..planner.plan import lay_out
from .edits import spec_of
from .network import unwrap


class FeatureMaps(nn.Module):
    """The maps of ``out_indices``: 0 is the stem's, 1 that of ``layer1``, and -1 the last.

    The stem's map is the one before the pool that ends the stem, where one does; left out, the maps
    are those of all stages. It holds the modules of ``model`` itself under their names, without the
    head and without stages after the last one asked for: no parameter goes unused, and a state dict
    of the whole network fits with ``strict=False``. The closing norm and activation of
    pre-activated blocks belong to the last stage. ``names``, ``channels`` and ``strides`` (input
    pixels between neighbouring elements) are those of the maps; ``resforge.plan(spec).stem_map``
    and ``.features`` have them before anything is built. Raises :class:`ResforgeError` for a model
    that resforge did not build and :class:`SpecError` for indices that are no maps, or not in
    rising order.

    >>> import torch
    >>> from resforge.builder import build
    >>> backbone = FeatureMaps(build("resnet18"), out_indices=(0, 2, -1))
    >>> backbone.channels, backbone.strides
    ((64, 128, 512), (2, 8, 32))
    >>> [tuple(m.shape) for m in backbone(torch.zeros(1, 3, 64, 64))]
    [(1, 64, 32, 32), (1, 128, 8, 8), (1, 512, 2, 2)]
    """

    def __init__(self, model: nn.Module, out_indices: Sequence[int] | None = None) -> None:
        super().__init__()
        self.spec, model = spec_of(model), unwrap(model)
        if not isinstance(model, ResNet):
            raise wrong_type("FeatureMaps", "a whole network", model, "give it the whole network")
        plan = lay_out(self.spec)
        features = (plan.stem_map, *plan.features)
        self.out_indices = _numbers(out_indices, len(features))
        wanted = [features[index] for index in self.out_indices]
        stem = plan.stem_map.name
        self.names = ["stem" if feature.name == stem else feature.name for feature in wanted]
        self.channels = tuple(feature.channels for feature in wanted)
        self.strides = tuple(feature.stride for feature in wanted)
        # What pre-activated blocks leave to be done ends the last stage.
        last = (model.closing_names or model.stage_names)[-1]
        self.ends = [f.name if f.name != model.stage_names[-1] else last for f in wanted]
        for name, module in model.until(self.ends[-1]):
            self.add_module(name, module)

    def of_whole(self, model: ResNet) -> "FeatureMaps":
        """The same maps of another network."""
        return FeatureMaps(model, self.out_indices)

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """As :meth:`resforge.blocks.ResNet.set_grad_checkpointing`."""
        names = [name for name in self._modules if name.startswith("layer")]
        checkpoint_stages([self.get_submodule(name) for name in names], enable)

    def forward(self, x: Tensor) -> list[Tensor]:
        """The maps (N, channels[i], H / strides[i], W / strides[i]) for x: (N, C, H, W)."""
        return run(self.named_children(), x, self.ends)[1]


def _numbers(out_indices: Sequence[int] | None, maps: int) -> tuple[int, ...]:
    """The indices as numbers from 0, of all stages where none are given."""
    if out_indices is None:
        return tuple(range(1, maps))
    if not isinstance(out_indices, Iterable):
        raise _wrong_indices(out_indices)
    given = tuple(out_indices)
    for index in given:
        if not isinstance(index, SupportsIndex):
            raise _wrong_indices(index)
    try:
        numbers = map_indices(given, maps)
    except ValueError:
        numbers = ()
    if not numbers or sorted(set(numbers)) != list(numbers):
        message = f"out_indices={given} are not maps of this network in rising order"
        stages = ", ".join(str(number) for number in range(1, maps))
        raise SpecError(Fault("features", message, help=f"choose from 0 (the stem), {stages}"))
    return numbers


def _wrong_indices(given: object) -> SpecError:
    wanted = "a sequence of whole numbers as out_indices"
    return wrong_type("FeatureMaps", wanted, given, "write (1, 2), or (2,) for one map")
