"""An attention of your own: the spatial attention of CBAM, which weighs pixels, not channels.

Woo et al. 2018, CBAM (arXiv 1807.06521), section 3 and equation 3: the mean and the maximum over
the channels, a 7x7 convolution of these two maps, and a sigmoid.

    python examples/custom_attention.py
"""

from pathlib import Path
from runpy import run_path
from tempfile import TemporaryDirectory
from typing import ClassVar, Literal

import resforge as rf
import torch
from resforge.ablation import Sweep, compare, run_sweep
from resforge.export import to_code
from resforge.specs import AttentionSpec, Call, Module, Site, Trace, call
from resforge.specs.base import OddKernel
from torch import Tensor, nn


class SpatialSpec(AttentionSpec):
    """F(x) * sigmoid(conv([mean(F(x)), max(F(x))])), mean and maximum over the channels."""

    main: ClassVar[str | None] = "kernel"
    sign: ClassVar[str | None] = "sp"
    legend: ClassVar[str] = "spatial attention"

    kind: Literal["spatial"] = "spatial"
    kernel: OddKernel = 7

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        side = trace.fork("attention")
        side.reshape(2)
        side.conv(f"{name}.conv", 1, self.kernel)

    def call(self, module: Module) -> Call:
        return call("SpatialAttention", self.kernel)


class SpatialAttention(nn.Module):
    """What a network with this attention runs; ``conv`` is the layer that ``trace`` wrote down."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.conv(pooled))


rf.register(SpatialSpec, SpatialAttention)

NETWORK = """
resforge: 1
base: digits_resnet8
block: {kind: basic, attention: {kind: spatial, kernel: 3}}
"""
ARMS = {
    "channels": {"block": {"kind": "basic", "attention": {"kind": "se", "reduction": 4}}},
    "pixels": {"block": {"kind": "basic", "attention": "spatial"}},
}


def main() -> None:
    spec = rf.loads(NETWORK)
    plan, model = rf.plan(spec, input_size=8), rf.build(spec, seed=0)
    print(f"{plan.params:,} parameters, {plan.macs:,} MACs")
    with TemporaryDirectory() as folder:
        file = Path(folder, "network.py")
        file.write_text(to_code(spec), encoding="utf-8")
        copy = run_path(str(file))["ResNet"]()
        copy.load_state_dict(model.state_dict())
        x = torch.randn(2, 1, 8, 8)
        assert torch.equal(copy.eval()(x), model.eval()(x))
        Path(folder, "network.svg").write_text(plan.to_svg(), encoding="utf-8")
        # One seed: enough to see that both train, too few to tell which is better.
        sweep = Sweep(sweep=1, base="digits_resnet8", arms=ARMS, seeds=1, recipe={"steps": 60})
        run_sweep(sweep, folder, engine="inline")
        for row in compare(folder):
            print(f"{row.arm}: {row.params:,} parameters, {row.test_error.mean:.1%} test error")


if __name__ == "__main__":
    main()
