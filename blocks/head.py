"""Heads: what turns the last stage's map into the network's answer."""

from __future__ import annotations

from torch import nn

from .layers import NamedSequential, check_positive


class Classifier(NamedSequential):
    """y = W dropout(mean(x)) + b; He et al. 2015 (arXiv 1512.03385), Table 1's last row.

    (N, in_channels, H, W) becomes (N, num_classes). With `dropout=0` there is no dropout module.
    Raises `ValueError` for sizes below 1 and a dropout outside [0, 1].

    >>> import torch
    >>> Classifier(512, 10)(torch.zeros(2, 512, 7, 7)).shape
    torch.Size([2, 10])
    """

    def __init__(self, in_channels: int, num_classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        check_positive(in_channels=in_channels, num_classes=num_classes)
        if not 0.0 <= dropout <= 1.0:
            raise ValueError(f"dropout={dropout} is not a probability; choose one in [0, 1]")
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        if dropout:
            self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(in_channels, num_classes)
