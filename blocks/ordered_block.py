"""Residual blocks whose norms and activations stand in one of five orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

from torch import nn

from .layers import Activation, NoNorm, Norm, make_activation
from .residual_block import ResidualBlock, ShortcutArgument, fit_shortcut

Order = Literal["post", "norm_after_add", "relu_before_add", "relu_only_pre", "full_pre"]
"""Where norms and activations stand: He et al. 2016 (arXiv 1603.05027), Figure 4 a to e."""

ShortcutInput = Literal["auto", "raw", "activated"]
"""What the shortcut of a block that activates its input takes: the input as it comes, or
activated as the branch has it. "auto": as it comes where the shape is kept, as the authors'
code (KaimingHe/resnet-1k-layers)."""

Attention = Callable[[int], nn.Module]
"""Makes what weighs a number of channels: `SqueezeExcitation`, `ECA`."""


class OrderedBlock(ResidualBlock):
    """A residual block in one of the orders of He et al. 2016 (arXiv 1603.05027), Figure 4.

    A subclass calls `_open` before it makes its layers and `_close` after, and takes the norm of
    the branch's last convolution from `_last_norm`: two of the orders have none there.
    """

    def _open(
        self,
        order: Order,
        in_channels: int,
        *,
        follows_activation: bool,
        norm: Norm,
        activation: Activation,
    ) -> None:
        if order not in get_args(Order):
            known = ", ".join(get_args(Order))
            raise ValueError(f"order={order!r} is not an order; choose one of {known}")
        self.order = order
        if follows_activation or order not in ("relu_only_pre", "full_pre"):
            return
        if order == "full_pre":
            self.bn0 = norm(in_channels)
        # In place on a norm's fresh output only: the shortcut may need x as it is.
        fresh = self.bn0 is not None and not isinstance(self.bn0, nn.Identity)
        self.relu0 = make_activation(activation, in_place=fresh)

    def _last_norm(self, norm: Norm) -> Norm:
        return NoNorm if self.order in ("full_pre", "norm_after_add") else norm

    def _close(
        self,
        shortcut: ShortcutArgument,
        in_channels: int,
        out_channels: int,
        stride: int,
        *,
        shortcut_input: ShortcutInput,
        attention: Attention | None,
        norm: Norm,
        activation: Activation,
    ) -> None:
        if shortcut_input not in get_args(ShortcutInput):
            known = ", ".join(get_args(ShortcutInput))
            raise ValueError(f"shortcut_input={shortcut_input!r} is unknown; choose one of {known}")
        changes = stride != 1 or in_channels != out_channels
        shares = shortcut_input == "activated" or (shortcut_input == "auto" and changes)
        self.shares_entry = shares and self.relu0 is not None
        if self.order == "relu_before_add":
            self.relu_branch = make_activation(activation)
        if attention is not None:
            self.se = attention(out_channels)
        self.downsample = fit_shortcut(shortcut, in_channels, out_channels, stride)
        if self.order == "norm_after_add":
            self.bn_sum = norm(out_channels)
        if self.order in ("post", "norm_after_add"):
            self.relu = make_activation(activation)
