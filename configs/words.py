"""Parts of a spec that several formats say in other words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

#: Blocks of each stage by the number in a network's name (He et al. 2015, Table 1).
DEPTHS: Final[dict[int, tuple[int, ...]]] = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
#: The deepest network of blocks of two convolutions.
LAST_BASIC: Final = 34
WIDTHS: Final = (64, 128, 256, 512)
STRIDES: Final = (1, 2, 2, 2)
#: The greatest step from one width of a RegNet to the next that is computed.
MOST_STRETCH: Final = 64


def block_of(depth: int) -> str:
    """``basic`` for ResNet-34 and less, ``bottleneck`` for what is deeper."""
    return "basic" if depth <= LAST_BASIC else "bottleneck"


def stages_of(
    depths: Sequence[int],
    widths: Iterable[int] = WIDTHS,
    strides: Iterable[int] = STRIDES,
    dilations: Iterable[int] | None = None,
    firsts: Iterable[int | None] | None = None,
) -> list[dict[str, Any]]:
    """Stages, of which a stride or a dilation of 1 goes unsaid."""
    count = len(depths)
    rows = zip(
        depths,
        widths,
        strides,
        dilations if dilations is not None else [1] * count,
        firsts if firsts is not None else [None] * count,
        strict=False,
    )
    stages = []
    for depth, width, stride, dilation, first in rows:
        stage: dict[str, Any] = {"depth": depth, "width": width, "stride": stride}
        if dilation != 1:
            stage["dilation"] = dilation
        if first is not None:
            stage["first_dilation"] = first
        stages.append(stage)
    return stages


def project_first_block(stages: list[dict[str, Any]], change: Any = "projection") -> None:
    """Give the first block of the first stage a projection, whatever its shape."""
    stage = stages[0]
    first = {"shortcut": {"match": "projection", "change": change}}
    stage["blocks"] = [first, *({} for _ in range(stage.pop("depth") - 1))]


def grouped(groups: int, width: int) -> dict[str, Any]:
    """Groups of a bottleneck's 3x3 and the width of each at 64, of which 1 and 64 go unsaid."""
    found = {"groups": groups} if groups != 1 else {}
    return found | ({"width_per_group": width} if width != 64 else {})


def batch_norm(eps: float = 1e-5, momentum: float = 0.1) -> dict[str, Any]:
    """A batch norm by PyTorch's numbers, of which its defaults go unsaid."""
    norm: dict[str, Any] = {"kind": "batch"}
    if eps != 1e-5:
        norm["eps"] = eps
    if momentum != 0.1:
        norm["momentum"] = momentum
    return norm


def deep(width: int) -> dict[str, Any]:
    """The stem of three 3x3 convolutions, the first two of half the width (He et al. 2018)."""
    return {"kind": "deep_base", "widths": [width // 2, width // 2, width]}


def classifier(classes: int | None, dropout: float = 0.0) -> dict[str, Any] | None:
    """A head of so many classes; None for a network without one."""
    if not classes:
        return None
    return {"num_classes": classes} | ({"dropout": dropout} if dropout else {})
