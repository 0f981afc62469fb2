"""Residual blocks whose norms and activations stand in one of six orders."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from collections.abc import Callable, Sequence
from typing import Literal, get_args

from torch import Tensor, nn

from .layers import Activation, NoNorm, Norm, make_activation
from .residual_block import ResidualBlock, ShortcutArgument, fit_shortcut

Order = Literal["post", "norm_after_add", "relu_before_add", "relu_only_pre", "full_pre", "pyramid"]
"""Where norms and activations stand: He et al. 2016 (arXiv 1603.05027), Figure 4 a to e; "pyramid":
Han et al. 2017 (arXiv 1610.02915), Figure 6d."""

ShortcutInput = Literal["auto", "raw", "activated"]
"""What the shortcut of a block that activates its input takes: the input as it comes, or
activated as the branch has it. "auto": as it comes where the shape is kept, as the authors'
code (KaimingHe/resnet-1k-layers)."""

Attention = Callable[[int], nn.Module]
"""Makes what weighs a number of channels: `SqueezeExcitation`, `ECA`."""

Convolutions = Callable[[Norm], Sequence[tuple[nn.Module, nn.Module]]]
"""Makes the convolutions of a branch with the norm that follows each, the last of them with the
norm that it is given."""


class OrderedBlock(ResidualBlock):
    """A residual block in one of the orders of He et al. 2016 (arXiv 1603.05027), Figure 4, or in
    that of Han et al. 2017 (arXiv 1610.02915), Figure 6d.

    Raises `ValueError` for an unknown order and for a shortcut that does not fit.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        convolutions: Convolutions,
        *,
        order: Order,
        follows_activation: bool,
        shortcut: ShortcutArgument,
        shortcut_input: ShortcutInput,
        attention: Attention | None,
        dropout: float,
        norm: Norm,
        activation: Activation,
    ) -> None:
        _check(order, shortcut_input)
        head = {} if follows_activation else _head(order, norm, in_channels, activation)
        bare_end = order in ("full_pre", "norm_after_add")
        pairs = convolutions(NoNorm if bare_end else norm)
        branch: dict[str, nn.Module] = {}
        for number, (conv, follower) in enumerate(pairs, start=1):
            last = number == len(pairs)
            if last and dropout:
                branch["dropout"] = nn.Dropout(dropout)
            branch[f"conv{number}"] = conv
            if not (last and bare_end):
                branch[f"bn{number}"] = follower
            if not last:
                branch[f"relu{number}"] = make_activation(activation)
        if order == "relu_before_add":
            branch["relu_branch"] = make_activation(activation)
        if attention is not None:
            branch["se"] = attention(out_channels)
        changes = stride != 1 or in_channels != out_channels
        shares = shortcut_input == "activated" or (shortcut_input == "auto" and changes)
        shares = shares and order != "pyramid"
        exit_: dict[str, nn.Module] = {}
        if order == "norm_after_add":
            exit_["bn_sum"] = norm(out_channels)
        if order in ("post", "norm_after_add"):
            exit_["relu"] = make_activation(activation)
        super().__init__(
            branch if shares else {**head, **branch},
            fit_shortcut(shortcut, in_channels, out_channels, stride),
            entry=head if shares else {},
            exit=exit_,
            fresh=order != "relu_before_add" or attention is not None,
        )
        self.order = order

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, out_channels, H', W') for x: (N, in_channels, H, W), H' = ceil(H / stride)."""
        return super().forward(x)


def _head(order: Order, norm: Norm, channels: int, activation: Activation) -> dict[str, nn.Module]:
    """What the block's input passes first; activated in place on a norm's fresh output only,
    since the shortcut may need x as it is."""
    if order == "relu_only_pre":
        return {"relu0": make_activation(activation, in_place=False)}
    if order not in ("full_pre", "pyramid"):
        return {}
    first = norm(channels)
    over = not isinstance(first, nn.Identity)
    rest = {} if order == "pyramid" else {"relu0": make_activation(activation, in_place=over)}
    return {"bn0": first, **rest}


def _check(order: Order, shortcut_input: ShortcutInput) -> None:
    if order not in get_args(Order):
        known = ", ".join(get_args(Order))
        raise ValueError(f"order={order!r} is not an order; choose one of {known}")
    if shortcut_input not in get_args(ShortcutInput):
        known = ", ".join(get_args(ShortcutInput))
        raise ValueError(f"shortcut_input={shortcut_input!r} is unknown; choose one of {known}")
