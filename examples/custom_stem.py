"""A stem of your own: the space-to-depth stem of TResNet, a chain with one new operation in it.

Ridnik et al. 2021, TResNet (arXiv 2003.13630), section 2.1: the pixels of each square become
channels, so that nothing is lost, and a convolution follows.

    python examples/custom_stem.py
"""

from pathlib import Path
from runpy import run_path
from tempfile import TemporaryDirectory
from typing import ClassVar, Literal

import resforge as rf
import torch
from resforge.ablation import Sweep, compare, run_sweep
from resforge.export import to_code
from resforge.specs import Call, Module, Operation, Site, StemSpec, Steps, Trace, call
from resforge.specs.base import Channels, Stride
from resforge.specs.operations import ActSpec, ConvSpec, NormOpSpec
from torch import Tensor, nn


class SpaceToDepthSpec(Operation):
    """The pixels of each square as channels, for any chain: ``{space_to_depth: 2}``."""

    main: ClassVar[str | None] = "side"
    sign: ClassVar[str | None] = "s2d"
    legend: ClassVar[str] = "space to depth"

    kind: Literal["space_to_depth"] = "space_to_depth"
    side: Stride = 4

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.reshape(trace.channels * self.side**2, self.side)

    def call(self, module: Module) -> Call:
        return call("SpaceToDepth", self.side)


class SpaceToDepth(nn.Module):
    """(N, C, H, W) to (N, C * side ** 2, H / side, W / side); the border is padded."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        border = 0, -x.shape[3] % self.side, 0, -x.shape[2] % self.side
        return nn.functional.pixel_unshuffle(nn.functional.pad(x, border), self.side)


class SpaceToDepthStemSpec(StemSpec):
    """Squares as channels, 3x3 convolution, norm, activation."""

    kind: Literal["space_to_depth"] = "space_to_depth"
    width: Channels = 64
    side: Stride = 4

    def steps(self, site: Site) -> Steps:
        return (
            ("fold", SpaceToDepthSpec(side=self.side)),
            ("conv1", ConvSpec(kernel=3, width=self.width)),
            ("bn1", NormOpSpec()),
            ("relu", ActSpec()),
        )


rf.register(SpaceToDepthSpec, SpaceToDepth)
rf.register(SpaceToDepthStemSpec)

NETWORK = """
resforge: 1
base: digits_resnet8
stem: {kind: space_to_depth, width: 8, side: 2}
"""
ARMS = {
    "patchify": {"stem": {"kind": "patchify", "width": 8, "patch": 2}},
    "space_to_depth": {"stem": {"kind": "space_to_depth", "width": 8, "side": 2}},
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
