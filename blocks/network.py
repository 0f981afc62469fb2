"""The network: stem, stages and head in one row, under torchvision's names."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from .layers import NamedSequential
from .timm_contract import Classifier, TimmContract


class ResNet(NamedSequential, TimmContract):
    """y = head(stage_n(... stage_1(stem(x)))); He et al. 2015 (arXiv 1512.03385), Table 1.

    The children of `stem` and `head` become the network's own under their names, the stages
    between them are `layer1`, `layer2`, ...: so the state dict has torchvision's names, slices
    such as `model[:-1]` are plain `nn.Sequential`s, and `model.fc` can be exchanged. As in
    torchvision an `nn.Flatten` of the head is no child: `forward` flattens before the child that
    follows it, so that `nn.Sequential(*list(model.children())[:-2])` gives the last stage's map
    (N, C', H', W') and `[:-1]` the pooled one (N, C', 1, 1). `closing`
    is what pre-activated blocks leave to be done after the last stage. `before` holds modules
    that stand before a stage by its number: 2 is the child `before2`, and runs between `layer1` and
    `layer2`. `head=None` leaves the last stage's map as the answer. `feature_info` describes the
    maps of stem and stages, as timm does, whose methods for backbones a network has. Raises
    `ValueError` for no stages, for a number in `before` that is no stage's, and where two children
    would share a name.

    >>> import torch
    >>> from resforge.blocks import BasicBlock, Classifier, Conv3x3Stem
    >>> model = ResNet(Conv3x3Stem(3), [nn.Sequential(BasicBlock(16, 16))], Classifier(16, 10))
    >>> [name for name, _ in model.named_children()]
    ['conv1', 'bn1', 'relu', 'layer1', 'avgpool', 'fc']
    >>> model(torch.zeros(1, 3, 8, 8)).shape
    torch.Size([1, 10])
    """

    def __init__(
        self,
        stem: nn.Sequential,
        stages: Sequence[nn.Module],
        head: nn.Sequential | None,
        closing: nn.Sequential | None = None,
        before: Mapping[int, nn.Module] | None = None,
        feature_info: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__()
        if not stages:
            raise ValueError("a ResNet needs at least one stage, got none")
        stage_names = [f"layer{number}" for number in range(1, len(stages) + 1)]
        self._take(stem.named_children())
        before = before or {}
        if strange := sorted(set(before) - set(range(1, len(stages) + 1))):
            raise ValueError(f"before={strange[0]} is no stage; choose from 1 to {len(stages)}")
        for number, (name, stage) in enumerate(zip(stage_names, stages, strict=True), start=1):
            if number in before:
                self._take([(f"before{number}", before[number])])
            self._take([(name, stage)])
        closing = nn.Sequential() if closing is None else closing
        self._take(closing.named_children())
        children = [] if head is None else list(head.named_children())
        flattens = {
            name: after for (name, each), (after, _) in pairwise(children) if _is_flatten(each)
        }
        self._take((name, module) for name, module in children if name not in flattens)
        self.stage_names = stage_names
        self.closing_names = [name for name, _ in closing.named_children()]
        self.head_names = [name for name, _ in children if name not in flattens]
        # The children that take a vector, before which `forward` flattens the map.
        self.flattened_names = list(flattens.values())
        self.feature_info = [dict(info) for info in feature_info]
        linear = [
            Classifier(name, module.in_features, module.bias is not None)
            for name, module in self.named_modules()
            if isinstance(module, nn.Linear) and name.partition(".")[0] in self.head_names
        ]
        self._classifier = linear[-1] if linear else None
        # What the network was made from, where a builder says so. Any: blocks know no specs.
        self.spec: Any = None

    def _take(self, children: Iterable[tuple[str, nn.Module]]) -> None:
        for name, module in children:
            if name in self._modules:
                raise ValueError(f"two children of the network are named {name!r}; rename one")
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        """The head's answer (N, num_classes) for x: (N, C, H, W), or the last map without one."""
        for name, module in zip(self._modules, self, strict=True):
            if name in self.flattened_names:
                x = x.flatten(1)
            x = module(x)
        return x

    def features(self, x: Tensor) -> list[Tensor]:
        """The map (N, C_i, H_i, W_i) after every stage, first to last, for x: (N, C, H, W).

        The last is what the head takes: the closing norm and activation, where there are any,
        have been at it.
        """
        maps: list[Tensor] = []
        for name, module in zip(self._modules, self, strict=True):
            if name in self.closing_names:
                maps[-1] = module(maps[-1])
            elif len(maps) == len(self.stage_names):
                break
            else:
                x = module(x)
            if name in self.stage_names:
                maps.append(x)
        return maps

    def forward_features(self, x: Tensor) -> Tensor:
        """The last stage's map (N, C', H', W') for x: (N, C, H, W)."""
        return self.features(x)[-1]


def _is_flatten(module: nn.Module) -> bool:
    return type(module) is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1)
