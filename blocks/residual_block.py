"""What every residual block does: entry, branch, join with the shortcut, exit."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from collections.abc import Mapping

from torch import Tensor, nn

from .shortcut import Identity, NoShortcut, Shortcut

Steps = Mapping[str, nn.Module]
"""Modules in the order in which they run, by the names they get in the block."""

ShortcutArgument = nn.Module | type[Identity] | None
"""A shortcut module, `Identity` (the default), or `None` for a plain block without one."""


class ResidualBlock(nn.Module):
    """y = exit(F(e) + S(e)), e = entry(x); He et al. 2015 (arXiv 1512.03385), eq. 1 and 2.

    `entry`, `branch` (F) and `exit` are modules by name, which become the block's own children;
    `shortcut` (S) is its child `downsample`: any module, which is added, or a
    `blocks.Shortcut` that joins in its own way. `fresh` says that the sum may be written over the
    branch's output, as that of a norm or a convolution; an activation's may not, whose gradient
    needs it. Raises `ValueError` where two children would share a name.

    >>> import torch
    >>> conv = nn.Conv2d(8, 8, 3, padding=1)
    >>> block = ResidualBlock({"conv1": conv}, exit={"relu": nn.ReLU()})
    >>> block
    ResidualBlock(
      y = relu(F(x) + S(x)), F = conv1(x)
      (conv1): Conv2d(8, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
      (downsample): Identity()
      (relu): ReLU()
    )
    >>> block(torch.zeros(1, 8, 4, 4)).shape
    torch.Size([1, 8, 4, 4])
    """

    def __init__(
        self,
        branch: Steps,
        shortcut: ShortcutArgument = Identity,
        *,
        entry: Steps | None = None,
        exit: Steps | None = None,
        fresh: bool = True,
    ) -> None:
        super().__init__()
        self.entry_names = self._take(entry or {})
        self.branch_names = self._take(branch)
        self.downsample = as_shortcut(shortcut)
        self.exit_names = self._take(exit or {})
        self.fresh = fresh

    def _take(self, steps: Steps) -> tuple[str, ...]:
        for name, module in steps.items():
            if name in self._modules:
                raise ValueError(f"two children of the block are named {name!r}; rename one")
            self.add_module(name, module)
        return tuple(steps)

    def enter(self, x: Tensor) -> Tensor:
        """e: what branch and shortcut take, for x: (N, C, H, W)."""
        for name in self.entry_names:
            x = self._modules[name](x)  # type: ignore[misc]
        return x

    def transform(self, x: Tensor) -> Tensor:
        """F(x): the residual branch, (N, C', H', W') for x: (N, C, H, W)."""
        for name in self.branch_names:
            x = self._modules[name](x)  # type: ignore[misc]
        return x

    def leave(self, y: Tensor) -> Tensor:
        """The block's output from the sum."""
        for name in self.exit_names:
            y = self._modules[name](y)  # type: ignore[misc]
        return y

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C', H', W') for x: (N, C, H, W), H' = ceil(H / stride)."""
        x = self.enter(x)
        residual = self.transform(x)
        if not self.fresh:
            residual = residual.clone()
        if isinstance(self.downsample, Shortcut):
            residual = self.downsample.join(residual, x)
        else:
            residual += self.downsample(x)
        return self.leave(residual)

    def extra_repr(self) -> str:
        """The block's formula, for printing."""
        plain = isinstance(self.downsample, NoShortcut)
        inner = _formula(self.entry_names, "x")
        total = "F(x)" if plain else "F(x) + S(x)"
        text = f"y = {_formula(self.exit_names, total)}, F = {_formula(self.branch_names, 'x')}"
        return text if inner == "x" else f"{text}, x = {inner}"


def _formula(names: tuple[str, ...], inner: str) -> str:
    for name in names:
        inner = f"{name}({inner})"
    return inner


def as_shortcut(shortcut: ShortcutArgument) -> nn.Module:
    """The module for `shortcut`. Raises `TypeError` for what is no module."""
    if shortcut is None:
        return NoShortcut()
    if shortcut is Identity:
        return Identity()
    if not isinstance(shortcut, nn.Module):
        raise TypeError(
            f"shortcut={shortcut!r} is not a shortcut; pass None or a module such as Identity()"
        )
    return shortcut


def fit_shortcut(
    shortcut: ShortcutArgument, in_channels: int, out_channels: int, stride: int
) -> nn.Module:
    """The shortcut module for a block of these sizes.

    Raises `ValueError` where it does not fit, `TypeError` for what is no shortcut.
    """
    if shortcut is not None and shortcut is not Identity and not isinstance(shortcut, nn.Module):
        raise TypeError(
            f"shortcut={shortcut!r} is not a shortcut; pass None or a module such as "
            f"Projection({in_channels}, {out_channels}, stride={stride})"
        )
    module = as_shortcut(shortcut)
    if isinstance(module, Shortcut):
        module.check(in_channels, out_channels, stride)
    return module
