"""The small modules that blocks may hold: each as the text of a class, named when it is used."""

from __future__ import annotations

STOCHASTIC_DEPTH = '''\
class {name}(nn.Module):
    """Leaves x out with a chance of `rate` while training, {each}.

    Huang et al. 2016 (arXiv 1603.09382), section 3; what is kept is divided by its chance.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        kept = x.new_empty({draws}, 1, 1, 1).bernoulli_(1.0 - self.rate)
        return x * (kept / (1.0 - self.rate))
'''

SQUEEZE_EXCITATION = '''\
class {name}(nn.Module):
    """y = x * sigmoid(W2 relu(W1 mean(x))); Hu et al. 2018 (arXiv 1709.01507), section 3."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.relu = nn.ReLU(inplace=True)
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.sigmoid(self.fc2(self.relu(self.fc1(self.pool(x)))))
        return x * weights
'''

ECA = '''\
class {name}(nn.Module):
    """y = x * sigmoid(w * mean(x)), w a convolution along the channels.

    Wang et al. 2020 (arXiv 1910.03151), section 3.
    """

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        means = self.pool(x).flatten(1).unsqueeze(1)
        weights = torch.sigmoid(self.conv(means))
        return x * weights.transpose(1, 2).unsqueeze(-1)
'''

ZERO_PAD = '''\
class {name}(nn.Module):
    """{pixels}, then {zeros}.

    Option A of He et al. 2015 (arXiv 1512.03385), section 3.3.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        {padding}

    def forward(self, x: Tensor) -> Tensor:
        {subsample}
        return F.pad(x, self.padding)
'''
#: What one draw holds for, by the mode of stochastic depth.
DRAWS = {"batch": ("a batch at a time", "1"), "row": ("each image on its own", "x.shape[0]")}
PIXELS = {
    "pixel": ("Every stride-th pixel of x", "x = x[:, :, :: self.stride, :: self.stride]"),
    "avg_pool": (
        "The mean of each square of `stride` pixels a side",
        "x = F.avg_pool2d(x, self.stride, ceil_mode=True, count_include_pad=False)",
    ),
}
ZEROS = {
    "end": (
        "channels of zeros",
        "self.padding = [0, 0, 0, 0, 0, out_channels - in_channels]",
    ),
    "both": (
        "channels of zeros on either side",
        """\
zeros = out_channels - in_channels
        self.padding = [0, 0, 0, 0, zeros // 2, zeros - zeros // 2]""",
    ),
}

SCALED = '''\
class {name}(nn.Module):
    """{formula}; He et al. 2016 (arXiv 1603.05027), section 3.1."""

    def __init__(self, of: nn.Module) -> None:
        super().__init__()
        self.of = of

    def forward(self, residual: Tensor, x: Tensor) -> Tensor:
        shortcut: Tensor = {left}self.of(x)
        return {right}residual + shortcut
'''

GATE = '''\
class {name}(nn.Module):
    """{formula}, g = sigmoid(W x + b).

    W is a 1x1 convolution; He et al. 2016 (arXiv 1603.05027), section 3.1.
    """

    def __init__(
        self, of: nn.Module, in_channels: int, out_channels: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.of = of
        self.gate = nn.Conv2d(in_channels, out_channels, 1, stride=stride)
        nn.init.constant_(self.gate.get_parameter("bias"), {bias})

    def forward(self, residual: Tensor, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate(x))
        shortcut: Tensor = (1 - gate) * self.of(x)
        return {sum}
'''
GATES = {
    "exclusive": ("(1 - g(x)) S(x) + g(x) F(x)", "residual * gate + shortcut"),
    "shortcut_only": ("(1 - g(x)) S(x) + F(x)", "residual + shortcut"),
}


class Parts:
    """The classes a network needs beside its blocks and itself; each text once."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def add(self, base: str, text: str, **values: str) -> str:
        """The name under which the class of that text stands: ``base``, numbered if taken."""
        # The name alone is left open, so that equal classes are found to be equal.
        unnamed = text.format(name="{name}", **values)
        if unnamed not in self._names:
            number = 1 + sum(name.rstrip("0123456789") == base for name in self._names.values())
            self._names[unnamed] = base if number == 1 else f"{base}{number}"
        return self._names[unnamed]

    def texts(self) -> list[str]:
        return [text.replace("{name}", name) for text, name in self._names.items()]
