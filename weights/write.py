"""Writes weights, in ``.safetensors`` with the spec and a SHA-256."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from ..builder.edits import is_part, spec_of
from ..builder.network import unwrap
from ..builder.shown import plain_name
from ..files import write_whole
from ..specs.network import ResNetSpec
from .errors import refuse
from .pickles import MAX_TENSORS
from .seal import KEY, seal


def save_weights(model: nn.Module, file: str | os.PathLike[str]) -> None:
    """Write the weights of ``model``, which resforge built, to a ``.safetensors`` file.

    The names are torchvision's. The file's metadata holds the spec and a SHA-256 of it and
    every tensor, which :func:`load_weights` checks. The file is written atomically, so ``model``
    may hold tensors that are mapped from an older version of it. Raises :class:`WeightsError` for
    another suffix and a model on ``meta``, :class:`ResforgeError` for a model without a spec, and
    :class:`StoreError` if the file cannot be written.

    >>> import tempfile, resforge as rf
    >>> model = rf.build("digits_resnet8", seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_weights(model, f"{folder}/model.safetensors")
    ...     plan = rf.load_weights(rf.build("digits_resnet8"), f"{folder}/model.safetensors")
    >>> plan.share
    1.0
    """
    spec, path = spec_of(model), Path(file)
    if is_part(unwrap(model)):
        raise refuse(
            path,
            f"cannot hold a part of a network ({type(unwrap(model)).__name__})",
            "save the network that it was made from",
        )
    if path.suffix != ".safetensors":
        raise refuse(path, "is not named .safetensors", f"write {path.stem}.safetensors")
    tensors = {plain_name(name): t for name, t in unwrap(model).state_dict().items()}
    write_tensors(tensors, path, spec)


def write_tensors(
    tensors: Mapping[str, Tensor],
    path: Path,
    spec: ResNetSpec,
    notes: Mapping[str, str] | None = None,
) -> None:
    """Write tensors in the format of the suffix of ``path``.

    ``.safetensors`` holds the seal and ``notes`` in its metadata; ``.pth`` and ``.pt``, the format
    of ``torch.save``, hold neither. Raises :class:`WeightsError` for any other suffix, for tensors
    on ``meta``, and for more tensors than the reader accepts.
    """
    if any(tensor.is_meta for tensor in tensors.values()):
        raise refuse(path, "cannot be written from a model on 'meta'", "build it on a device")
    if len(tensors) > MAX_TENSORS:
        raise refuse(
            path,
            f"would hold {len(tensors):,} tensors, and {MAX_TENSORS:,} are read at most",
            "write it with torch.save, and read it with torch.load",
        )
    plain = _plain(tensors)
    if path.suffix == ".safetensors":
        content = save(plain, {"format": "pt", KEY: seal(plain, spec), **(notes or {})})
    elif path.suffix in (".pth", ".pt"):
        buffer = io.BytesIO()
        torch.save(plain, buffer)
        content = buffer.getvalue()
    else:
        raise refuse(path, f"has the suffix {path.suffix!r}", "use .safetensors, .pth or .pt")
    write_whole(path, content)


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors on the CPU, each with values of its own in the usual order."""
    plain: dict[str, Tensor] = {}
    written: set[int] = set()
    for name, tensor in tensors.items():
        # A tensor may be marked as the negative of its stored values.
        stored = tensor.detach().cpu().resolve_neg().contiguous()
        start = stored.untyped_storage().data_ptr()
        plain[name] = stored.clone() if start in written else stored
        written.add(start)
    return plain
