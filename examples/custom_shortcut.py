"""A shortcut of your own: the channels of x repeated, where option A pads them with zeros.

Where ReActNet (Liu et al. 2020, arXiv 2003.03488, section 3.1) doubles the channels, its shortcut
is the average of each square of pixels, concatenated with itself: no parameters, and no zeros.

    python examples/custom_shortcut.py
"""

from pathlib import Path
from runpy import run_path
from tempfile import TemporaryDirectory
from typing import Literal

import resforge as rf
import torch
from resforge.ablation import Sweep, compare, run_sweep
from resforge.export import to_code
from resforge.specs import Call, Module, ShortcutSpec, Site, Trace, call
from torch import Tensor, nn


class RepeatSpec(ShortcutSpec):
    """S(x) = averages of x at the block's stride, repeated until there are channels enough."""

    kind: Literal["repeat"] = "repeat"

    def why_illegal(self, in_channels: int, out_channels: int, stride: int) -> str | None:
        if in_channels <= out_channels:
            return None
        return f"repeat can widen, never narrow: {in_channels} channels to {out_channels}"

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.avg_pool(f"{name}.pool", site.stride)
        trace.reshape(site.out_channels)

    def call(self, module: Module) -> Call:
        return call("Repeat", module.in_channels, module.out_channels, module.layer.stride)


class Repeat(nn.Module):
    """What a network with this shortcut runs; ``pool`` is the layer that ``trace`` wrote down."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)
        self.times = -(-out_channels // in_channels)
        self.out_channels = out_channels

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(x).repeat(1, self.times, 1, 1)[:, : self.out_channels]


rf.register(RepeatSpec, Repeat)

NETWORK = """
resforge: 1
base: digits_resnet8
shortcut: repeat
"""
ARMS = {"zero_pad": {"shortcut": "zero_pad"}, "repeat": {"shortcut": "repeat"}}


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
