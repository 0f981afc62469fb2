"""NumPy arrays in files of weights: as tensors, under PyTorch's names of a layer's tensors.

TensorFlow stores a kernel as height, width, in, out (BiT's ``.npz``); Caffe2 marks a tensor by the
end of its name, as in ``res2_0_branch2a_bn_s`` (MSRA's and Detectron's ``.pkl``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from ..npz import ArrayFileError, open_archive
from .entries import Entry
from .errors import refuse
from .pickles import MAX_TENSORS

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Bytes to which one byte of an archive may unfold; random weights hardly shrink.
_MAX_RATIO = 100
_TENSORFLOW = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "bias": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_CAFFE2 = {
    **{"w": "weight", "b": "bias", "s": "weight", "gamma": "weight", "beta": "bias"},
    **{"rm": "running_mean", "running_mean": "running_mean"},
    **{"riv": "running_var", "running_var": "running_var"},
}
_CAFFE2_NAME = re.compile(rf"(\w+)_({'|'.join(sorted(_CAFFE2, key=len, reverse=True))})")
#: The eps that PyTorch and detectron2 add to a variance.
_EPS = 1e-5


class Named(NamedTuple):
    """Tensors under PyTorch's names of a layer's tensors, and notes on what was done to them."""

    tensors: dict[str, Tensor]
    notes: tuple[str, ...] = ()


def read_npz(path: Path) -> list[Entry]:
    """The arrays in a file of ``numpy.savez`` or ``savez_compressed``; nothing is unpickled.

    Raises :class:`WeightsError` for an archive that is damaged or holds anything else, and for
    one that unfolds to far more bytes than it has.
    """
    try:
        with open_archive(path) as archive:
            if len(archive.names) > MAX_TENSORS:
                raise ArrayFileError(f"it holds {len(archive.names):,} of at most {MAX_TENSORS:,}")
            if archive.unpacked > _MAX_RATIO * path.stat().st_size:
                raise ArrayFileError(f"it unfolds to {archive.unpacked:,} bytes")
            arrays = {name: tensor_of(archive.array(name)) for name in archive.names}
    except ArrayFileError as error:
        text = f"is not a NumPy archive of weights ({error})"
        raise refuse(path, text, "download or copy it again") from error
    tensors = {name: tensor for name, tensor in arrays.items() if tensor is not None}
    if not tensors:
        raise refuse(path, "holds no arrays of numbers", "give a file that holds weights")
    others = tuple(name for name in arrays if name not in tensors)
    return [Entry("", tensors, others)]


def tensor_of(array: NDArray[Any]) -> Tensor | None:
    """A copy of an array as a tensor; None for anything but integers, booleans and floats."""
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        return None
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), order="C"))


def in_pytorchs_names(entry: Entry) -> Entry:
    """An entry with the arrays of TensorFlow or Caffe2, as PyTorch names and stores tensors.

    Others are left as they are. Norms of Caffe2 without statistics, which scale and shift alone,
    get a mean of 0 and the variance that with PyTorch's eps is 1.

    >>> kernel = torch.zeros(7, 7, 3, 64)
    >>> named = in_pytorchs_names(Entry("", {"root/conv2d/kernel": kernel}))
    >>> [(name, tuple(tensor.shape)) for name, tensor in named.tensors.items()]
    [('root.conv2d.weight', (64, 3, 7, 7))]
    """
    if any("/" in name for name in entry.tensors):
        named = Named(dict(map(_from_tensorflow, *zip(*entry.tensors.items(), strict=True))))
    elif any(name.endswith("_w") for name in entry.tensors):
        named = _from_caffe2(entry.tensors)
    else:
        return entry
    return entry._replace(tensors=named.tensors, notes=entry.notes + named.notes)


def _from_tensorflow(name: str, tensor: Tensor) -> tuple[str, Tensor]:
    layer, _, leaf = name.rpartition("/")
    if leaf == "kernel" and tensor.ndim > 1:
        first = (tensor.ndim - 1, tensor.ndim - 2)
        tensor = tensor.permute(*first, *range(tensor.ndim - 2)).contiguous()
    return f"{layer}/{_TENSORFLOW.get(leaf, leaf)}".replace("/", "."), tensor


def _from_caffe2(tensors: Mapping[str, Tensor]) -> Named:
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        match = _CAFFE2_NAME.fullmatch(name)
        if match is not None:
            found[f"{match[1]}.{_CAFFE2[match[2]]}"] = tensor
        elif not name.endswith("_momentum"):  # of the optimizer
            found[name] = tensor
    bare = [name.removesuffix(".weight") for name in found if name.endswith("_bn.weight")]
    bare = [layer for layer in bare if f"{layer}.running_var" not in found]
    for layer in bare:
        scale = found[f"{layer}.weight"]
        found[f"{layer}.running_mean"] = torch.zeros_like(scale)
        found[f"{layer}.running_var"] = torch.full_like(scale, 1.0 - _EPS)
    if not bare:
        return Named(found)
    note = f"{len(bare)} norms have no statistics there: a mean of 0, and a variance of 1 with eps"
    return Named(found, (note,))
