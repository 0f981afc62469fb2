"""A backbone for a detector: a feature pyramid on the maps of a ResNet, and one training step.

Lin et al. 2017, Feature Pyramid Networks (arXiv 1612.03144), Figure 3: each map goes through a
1x1 convolution, the coarser ones are doubled in size and added, a 3x3 convolution smooths the sum.

    python examples/feature_pyramid.py
"""

import resforge as rf
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FeaturePyramid(nn.Module):
    """Maps of ``width`` channels at each stride of the backbone, fine to coarse."""

    def __init__(self, backbone: rf.FeatureMaps, width: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in backbone.channels)
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in self.lateral)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [conv(m) for conv, m in zip(self.lateral, self.backbone(x), strict=True)]
        for at in reversed(range(len(maps) - 1)):
            maps[at] = maps[at] + F.interpolate(maps[at + 1], size=maps[at].shape[2:])
        return [conv(m) for conv, m in zip(self.smooth, maps, strict=True)]


# Channels and strides are known before anything is built.
spec = rf.load("resnet18d").replace({"head": None})
for feature in rf.plan(spec).features:
    print(f"{feature.name}: {feature.channels} channels, an element every {feature.stride} pixels")

torch.manual_seed(0)
# Detectors are trained on few images at a time: the norms keep the statistics they came with.
backbone = rf.freeze_norm(rf.FeatureMaps(rf.build(spec), out_indices=(2, 3, 4)))
model = FeaturePyramid(backbone, width=32).train()
scores = nn.Conv2d(32, 1, 1)  # is there something? at every place of every map

trained = [p for p in (*model.parameters(), *scores.parameters()) if p.requires_grad]
optimizer = torch.optim.SGD(trained, lr=0.05)
images, there = torch.randn(2, 3, 96, 96), torch.zeros(2, 1, 96, 96)
images[:, :, 20:60, 30:80] += 2.0
there[:, :, 20:60, 30:80] = 1.0


def loss() -> Tensor:
    losses = [
        F.binary_cross_entropy_with_logits(scores(m), there[:, :, ::stride, ::stride])
        for m, stride in zip(model(images), backbone.strides, strict=True)
    ]
    return torch.stack(losses).mean()


before = loss()
before.backward()
optimizer.step()
after = loss().item()
print(f"loss {before.item():.3f}, after one step {after:.3f}")
assert after < before.item()
