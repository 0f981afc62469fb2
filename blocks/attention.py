"""What weighs the channels of a map by what the whole of it holds."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from torch import Tensor, nn

from .layers import check_odd, check_positive


def reduced_channels(channels: int, reduction: int, divisor: int | None) -> int:
    """`channels // reduction`, or the multiple of `divisor` nearest to `channels / reduction`.

    Raises `ValueError` where the reduction leaves no channel, and for numbers below 1.

    >>> reduced_channels(64, 16, None), reduced_channels(64, 16, 8)
    (4, 8)
    """
    check_positive(channels=channels, reduction=reduction)
    if divisor is not None:
        check_positive(divisor=divisor)
        step = reduction * divisor
        return max(1, (2 * channels + step) // (2 * step)) * divisor
    if channels < reduction:
        raise ValueError(
            f"reduction={reduction} leaves none of {channels} channels; choose at most {channels}"
        )
    return channels // reduction


class SqueezeExcitation(nn.Module):
    """y = x * sigmoid(W2 relu(W1 mean(x))).

    Hu et al. 2018 (arXiv 1709.01507), section 3. W1 and W2 are biased, with `channels // reduction`
    values between them, or as many as the multiple of `divisor` nearest to `channels / reduction`
    (8 in timm); they are 1x1 convolutions named `fc1` and `fc2`, as in timm. (N, channels, H, W)
    keeps its shape. Raises `ValueError` where the reduction leaves no channel.

    >>> import torch
    >>> SqueezeExcitation(64)(torch.ones(1, 64, 4, 4)).shape
    torch.Size([1, 64, 4, 4])
    """

    def __init__(self, channels: int, reduction: int = 16, divisor: int | None = None) -> None:
        super().__init__()
        hidden = reduced_channels(channels, reduction, divisor)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.relu = nn.ReLU(inplace=True)
        self.fc2 = nn.Conv2d(hidden, channels, 1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H, W) for x: (N, C, H, W)."""
        weights: Tensor = self.gate(self.fc2(self.relu(self.fc1(self.pool(x)))))
        return x * weights


class ECA(nn.Module):
    """y = x * sigmoid(w * mean(x)), w a convolution along the channels.

    Wang et al. 2020, ECA-Net (arXiv 1910.03151), section 3. `kernel` is how many neighbouring
    channels are seen together. (N, C, H, W) keeps its shape. Raises `ValueError` for a kernel
    that is even or below 1.

    >>> import torch
    >>> ECA(kernel=3)(torch.ones(1, 64, 4, 4)).shape
    torch.Size([1, 64, 4, 4])
    """

    def __init__(self, kernel: int = 3) -> None:
        super().__init__()
        check_odd(kernel=kernel)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H, W) for x: (N, C, H, W)."""
        means: Tensor = self.pool(x).flatten(1).unsqueeze(1)
        weights: Tensor = self.gate(self.conv(means))
        return x * weights.transpose(1, 2).unsqueeze(-1)


class WeightedMean(nn.Module):
    """y = sum of x over the map, weighed by `weights`."""

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """y: (N, C, 1, 1) for x: (N, C, H, W) and weights: (N, 1, H, W)."""
        return (x * weights).sum((2, 3), keepdim=True)


class GlobalContext(nn.Module):
    """y = x + W2 relu(n(W1 c)), c = sum of x weighed by softmax(Wk x) over the map.

    Cao et al. 2019, GCNet (arXiv 1904.11492), section 3.3 and Figure 4d; n is a layer norm over
    channels. W1, W2 and Wk are biased 1x1 convolutions, with `channels // reduction` values
    between W1 and W2, or as many as the multiple of `divisor` nearest to `channels / reduction`.
    W2 starts at 0, so that y = x at first. (N, channels, H, W) keeps its shape. Raises `ValueError`
    where the reduction leaves no channel.

    >>> import torch
    >>> x = torch.randn(1, 32, 4, 4)
    >>> torch.equal(GlobalContext(32)(x), x)
    True
    """

    def __init__(self, channels: int, reduction: int = 16, divisor: int | None = None) -> None:
        super().__init__()
        hidden = reduced_channels(channels, reduction, divisor)
        self.mask = nn.Conv2d(channels, 1, 1)
        self.context = WeightedMean()
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.norm = nn.LayerNorm([hidden, 1, 1])
        self.relu = nn.ReLU(inplace=True)
        self.fc2 = nn.Conv2d(hidden, channels, 1)
        nn.init.zeros_(self.fc2.weight)
        nn.init.zeros_(self.fc2.get_parameter("bias"))

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H, W) for x: (N, C, H, W)."""
        weights = self.mask(x).flatten(2).softmax(2)
        weights = weights.view(x.shape[0], 1, x.shape[2], x.shape[3])
        context = self.context(x, weights)
        added: Tensor = self.fc2(self.relu(self.norm(self.fc1(context))))
        return x + added
