"""A block of your own that needs no module: the inverted residual of MobileNetV2, as a chain.

Sandler et al. 2018 (arXiv 1801.04381), Figure 3b: 1x1 to more channels, 3x3 on each channel
alone, 1x1 back, and no activation after the last.

    python examples/custom_block.py
"""

from pathlib import Path
from runpy import run_path
from tempfile import TemporaryDirectory
from typing import ClassVar, Literal

import resforge as rf
import torch
from pydantic import Field
from resforge.ablation import Sweep, compare, run_sweep
from resforge.export import to_code
from resforge.specs import BlockSpec, Chains, Site
from resforge.specs.operations import ActSpec, ConvSpec, NormOpSpec


class InvertedSpec(BlockSpec):
    """F(x) = 1x1 to ``factor`` times the channels, 3x3 on each channel alone, 1x1 back."""

    kind: Literal["inverted"] = "inverted"
    factor: int = Field(default=6, ge=1, le=64)
    dilates: ClassVar[bool] = True

    def chains(self, site: Site, shared: bool) -> Chains:
        inner = site.in_channels * self.factor
        branch = (
            ("conv1", ConvSpec(kernel=1, width=inner)),
            ("bn1", NormOpSpec()),
            ("relu1", ActSpec()),
            ("conv2", ConvSpec(kernel=3, width=inner, stride="block", groups=inner)),
            ("bn2", NormOpSpec()),
            ("relu2", ActSpec()),
            ("conv3", ConvSpec(kernel=1)),
            ("bn3", NormOpSpec()),
        )
        return Chains(entry=(), branch=branch, exit=())


rf.register(InvertedSpec)

NETWORK = """
resforge: 1
name: small_inverted
stem: {kind: conv3x3, width: 16}
stages:
  - {depth: 2, width: 24, stride: 2}
  - {depth: 3, width: 32, stride: 2, block: {kind: inverted, factor: 4}}
block: inverted
shortcut: {match: identity, change: none}
activation: relu6
head: {num_classes: 10}
"""
ARMS = {"basic": {"block": "basic"}, "inverted": {"block": "inverted"}}


def main() -> None:
    spec = rf.loads(NETWORK)
    plan, model = rf.plan(spec, input_size=32), rf.build(spec, seed=0)
    print(f"{plan.params:,} parameters, {plan.macs:,} MACs")
    with TemporaryDirectory() as folder:
        file = Path(folder, "network.py")
        file.write_text(to_code(spec), encoding="utf-8")
        copy = run_path(str(file))["ResNet"]()
        copy.load_state_dict(model.state_dict())
        x = torch.randn(2, 3, 32, 32)
        assert torch.equal(copy.eval()(x), model.eval()(x))
        Path(folder, "network.svg").write_text(plan.to_svg(), encoding="utf-8")
        # One seed: enough to see that both train, too few to tell which is better.
        sweep = Sweep(sweep=1, base="digits_resnet8", arms=ARMS, seeds=1, recipe={"steps": 60})
        run_sweep(sweep, folder, engine="inline")
        for row in compare(folder):
            print(f"{row.arm}: {row.params:,} parameters, {row.test_error.mean:.1%} test error")


if __name__ == "__main__":
    main()
