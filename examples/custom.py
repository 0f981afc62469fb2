"""The network of custom.yaml written in Python, counted, built and run.

python examples/custom.py
"""

from pathlib import Path

import resforge as rf
import torch

spec = rf.ResNetSpec(
    resforge=1,
    name="custom_resnet",
    stem={"kind": "deep_base", "widths": [32, 32, 64]},
    stages=[
        {"depth": 2, "width": width, "stride": 1 if width == 64 else 2}
        for width in (64, 128, 256, 512)
    ],
    block="bottleneck",
    shortcut="zero_pad",
    activation="silu",
    head={"num_classes": 100},
    init={"zero_residual": True},
).replace({"stages[3].block": {"kind": "bottleneck", "groups": 32, "width_per_group": 4}})

# The same network as the file means, down to its digest.
assert spec.digest == rf.load(Path(__file__).with_name("custom.yaml")).digest

plan = rf.plan(spec, input_size=224)
print(f"{plan.params:,} parameters, {plan.macs:,} MACs, depth {plan.depth}")
for feature in plan.features:
    print(f"  {feature.name}: {feature.channels} channels at stride {feature.stride}")

model = rf.build(spec, seed=0)
print(model(torch.randn(2, 3, 224, 224)).shape)
