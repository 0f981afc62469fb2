"""What weighs the channels of a map by what the whole of it holds."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from typing import Literal

from torch import Tensor, nn

from .layers import check_odd, check_positive, of_dims


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

    Hu et al. 2018 (arXiv 1709.01507), section 3. W1 and W2 are 1x1 convolutions named `fc1` and
    `fc2`, as in timm. Between them are `width` values, or `channels // reduction`, or as many as
    the multiple of `divisor` nearest to `channels / reduction` (8 in timm). `activation` stands in
    place of the ReLU, `gate` of the sigmoid. (N, channels, H, W) keeps its shape; with
    `dims=1` or 3 maps have so many axes. Raises `ValueError` where the reduction leaves no channel.

    >>> import torch
    >>> SqueezeExcitation(64)(torch.ones(1, 64, 4, 4)).shape
    torch.Size([1, 64, 4, 4])
    """

    def __init__(
        self,
        channels: int,
        reduction: int = 16,
        divisor: int | None = None,
        *,
        width: int | None = None,
        bias: bool = True,
        activation: nn.Module | None = None,
        gate: nn.Module | None = None,
        dims: int = 2,
    ) -> None:
        super().__init__()
        hidden = width or reduced_channels(channels, reduction, divisor)
        self.pool = of_dims("AdaptiveAvgPool", dims)(1)
        self.fc1 = of_dims("Conv", dims)(channels, hidden, 1, bias=bias)
        self.act = nn.ReLU(inplace=True) if activation is None else activation
        self.fc2 = of_dims("Conv", dims)(hidden, channels, 1, bias=bias)
        self.gate = nn.Sigmoid() if gate is None else gate

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H, W) for x: (N, C, H, W)."""
        weights: Tensor = self.gate(self.fc2(self.act(self.fc1(self.pool(x)))))
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

    def __init__(self, kernel: int = 3, dims: int = 2) -> None:
        super().__init__()
        check_odd(kernel=kernel)
        self.pool = of_dims("AdaptiveAvgPool", dims)(1)
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H, W) for x: (N, C, H, W)."""
        means: Tensor = self.pool(x)
        weights: Tensor = self.gate(self.conv(means.flatten(1).unsqueeze(1)))
        return x * weights.view(means.shape)


class WeightedMean(nn.Module):
    """y = sum of x over the map of `dims` axes, weighed by `weights`."""

    def __init__(self, dims: int = 2) -> None:
        super().__init__()
        self.axes = tuple(range(2, 2 + dims))

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """y: (N, C, 1, 1) for x: (N, C, H, W) and weights: (N, 1, H, W)."""
        return (x * weights).sum(self.axes, keepdim=True)


class GlobalContext(nn.Module):
    """y = x + W2 relu(n(W1 c)), c = sum of x weighed by softmax(Wk x) over the map.

    Cao et al. 2019, GCNet (arXiv 1904.11492), section 3.3 and Figure 4d; n is a layer norm over
    channels, which adds `eps` to the variance. W1, W2 and Wk are 1x1 convolutions, Wk biased; the
    channels between W1 and W2 are those of `SqueezeExcitation`, as is `activation`. With
    `fuse="mul"`, y = x * sigmoid(W2 relu(n(W1 c))). W2 starts at 0. (N, channels, H, W) keeps its
    shape. Raises `ValueError` where the reduction leaves no channel, and for another `fuse`.

    >>> import torch
    >>> x = torch.randn(1, 32, 4, 4)
    >>> torch.equal(GlobalContext(32)(x), x)
    True
    """

    def __init__(
        self,
        channels: int,
        reduction: int = 16,
        divisor: int | None = None,
        *,
        width: int | None = None,
        bias: bool = True,
        activation: nn.Module | None = None,
        fuse: Literal["add", "mul"] = "add",
        eps: float = 1e-5,
        dims: int = 2,
    ) -> None:
        super().__init__()
        if fuse not in ("add", "mul"):
            raise ValueError(f"fuse={fuse!r} is no way to fuse; choose 'add' or 'mul'")
        hidden = width or reduced_channels(channels, reduction, divisor)
        self.fuse = fuse
        conv = of_dims("Conv", dims)
        self.mask = conv(channels, 1, 1)
        self.context = WeightedMean(dims)
        self.fc1 = conv(channels, hidden, 1, bias=bias)
        self.norm = nn.LayerNorm([hidden] + [1] * dims, eps)
        self.act = nn.ReLU(inplace=True) if activation is None else activation
        self.fc2 = conv(hidden, channels, 1, bias=bias)
        for parameter in self.fc2.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H, W) for x: (N, C, H, W)."""
        mask: Tensor = self.mask(x)
        weights = mask.flatten(2).softmax(2).view(mask.shape)
        context = self.context(x, weights)
        fused: Tensor = self.fc2(self.act(self.norm(self.fc1(context))))
        return x + fused if self.fuse == "add" else x * fused.sigmoid()
