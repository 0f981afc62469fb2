"""The network: stem, stages and head in one row, under torchvision's names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor, nn

from .layers import NamedSequential


class ResNet(NamedSequential):
    """y = head(stage_n(... stage_1(stem(x)))); He et al. 2015 (arXiv 1512.03385), Table 1.

    The children of `stem` and `head` become the network's own under their names, the stages
    between them are `layer1`, `layer2`, ...: so the state dict has torchvision's names, slices
    such as `model[:-1]` are plain `nn.Sequential`s, and `model.fc` can be exchanged. `closing`
    is what pre-activated blocks leave to be done after the last stage. `head=None` leaves the
    last stage's map as the answer. Raises `ValueError` for no stages, and where two
    children would share a name.

    >>> import torch
    >>> from resforge.blocks import BasicBlock, Classifier, Conv3x3Stem
    >>> model = ResNet(Conv3x3Stem(3), [nn.Sequential(BasicBlock(16, 16))], Classifier(16, 10))
    >>> [name for name, _ in model.named_children()]
    ['conv1', 'bn1', 'relu', 'layer1', 'avgpool', 'flatten', 'fc']
    >>> model(torch.zeros(1, 3, 8, 8)).shape
    torch.Size([1, 10])
    """

    def __init__(
        self,
        stem: nn.Sequential,
        stages: Sequence[nn.Module],
        head: nn.Sequential | None,
        closing: nn.Sequential | None = None,
    ) -> None:
        super().__init__()
        if not stages:
            raise ValueError("a ResNet needs at least one stage, got none")
        stage_names = [f"layer{number}" for number in range(1, len(stages) + 1)]
        self._take(stem.named_children())
        self._take(zip(stage_names, stages, strict=True))
        closing = nn.Sequential() if closing is None else closing
        self._take(closing.named_children())
        if head is not None:
            self._take(head.named_children())
        self.stage_names = stage_names
        self.closing_names = [name for name, _ in closing.named_children()]
        self.head_names = [name for name, _ in head.named_children()] if head is not None else []
        # What the network was made from, where a builder says so. Any: blocks know no specs.
        self.spec: Any = None

    def _take(self, children: Iterator[tuple[str, nn.Module]]) -> None:
        for name, module in children:
            if name in self._modules:
                raise ValueError(f"two children of the network are named {name!r}; rename one")
            self.add_module(name, module)

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
