"""A shortcut of your own: the channels of x repeated instead of padded with zeros.

Where ReActNet (Liu et al. 2020, arXiv 2003.03488, section 3.1) doubles the channels, its shortcut
averages squares of pixels and concatenates the map with itself: no parameters, and no zeros.

    python examples/custom_shortcut.py
"""

from math import ceil
from pathlib import Path
from runpy import run_path
from tempfile import TemporaryDirectory
from typing import ClassVar, Literal

import resforge as rf
import torch
from resforge.ablation import Sweep, run_sweep
from resforge.export import to_code
from resforge.specs import Call, Module, ShortcutSpec, Site, Trace, call
from torch import Tensor, nn


class RepeatSpec(ShortcutSpec):
    """S(x) = averages of x at the block's stride, concatenated with itself."""

    kind: Literal["repeat"] = "repeat"

    def why_illegal(self, in_channels: int, out_channels: int, stride: int) -> str | None:
        if in_channels <= out_channels:
            return None
        return f"repeat can widen, never narrow: {in_channels} channels to {out_channels}"

    def lay(self, trace: Trace, name: str, site: Site) -> None:
        trace.avg_pool(f"{name}.pool", site.stride)
        trace.channels = site.out_channels

    def call(self, module: Module) -> Call:
        return call("Repeat", module.in_channels, module.out_channels, module.layer.stride)


class Repeat(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)
        self.times = ceil(out_channels / in_channels)
        self.out_channels = out_channels

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(x).repeat(1, self.times, 1, 1)[:, : self.out_channels]


rf.register(RepeatSpec, Repeat)

NETWORK = """
resforge: 1
base: digits_resnet8
shortcut: repeat
"""


def main() -> None:
    spec = rf.loads(NETWORK)
    plan, model = rf.plan(spec, input_size=8), rf.build(spec)
    print(f"{plan.params:,} parameters, {plan.macs:,} MACs")
    print(model.layer2[0].downsample)
    with TemporaryDirectory() as folder:
        check_code(spec, model, Path(folder, "network.py"))
        Path(folder, "network.svg").write_text(plan.to_svg())
        sweep = Sweep(
            sweep=1,
            base="digits_resnet8",
            axes={"shortcut": {"A": {"shortcut": "zero_pad"}, "repeat": {"shortcut": "repeat"}}},
            seeds=1,
            recipe={"steps": 60},
        )
        print(run_sweep(sweep, folder, engine="inline"))


def check_code(spec: rf.ResNetSpec, model: nn.Module, file: Path) -> None:
    """The exported file computes what the network computes."""
    file.write_text(to_code(spec))
    copy = run_path(str(file))["ResNet"]()
    copy.load_state_dict(model.state_dict())
    x = torch.randn(2, 1, 8, 8)
    assert torch.equal(copy.eval()(x), model.eval()(x))


if __name__ == "__main__":
    main()
