"""Files of weights for a small network, sound and hostile, and how they are refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
import torch
from torch import Tensor, nn

SPEC = rf.ResNetSpec(
    resforge=1,
    stem={"kind": "conv3x3", "width": 4},
    stages=[{"depth": 1, "width": 4}, {"depth": 2, "width": 8, "stride": 2}],
    head={"kind": "classifier", "num_classes": 3},
)
State = dict[str, Tensor]
Write = Callable[[Any], bytes]


def saved(value: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def legacy(value: Any) -> bytes:
    return saved(value, _use_new_zipfile_serialization=False)


def state(seed: int = 1) -> State:
    return dict(rf.build(SPEC, seed=seed).state_dict())


def refused(folder: Path, content: bytes, message: str, **options: Any) -> str:
    """What loading ``content`` is refused with; the model is bitwise as it was."""
    file = folder / "theirs.pth"
    file.write_bytes(content)
    model = rf.build(SPEC)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(rf.WeightsError, match=message) as caught:
        rf.load_weights(model, file, **options)
    assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())
    assert all(fault.help for fault in caught.value.faults)
    assert str(file) in str(caught.value)
    return str(caught.value)


def holds(model: nn.Module, wanted: State, but: str = "-") -> bool:
    """Whether the model has these weights, outside of ``but``."""
    return all(
        torch.equal(tensor, wanted[name])
        for name, tensor in model.state_dict().items()
        if not name.startswith(but)
    )


class Intruder:
    """Pickles to a call of a function."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call[0], self.call[1:]
