"""Test cases for compilers and runtimes: a program, its inputs, and the outputs it should give."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from ..builder import build
from ..files import write_whole
from ..specs.layer import Size
from ..specs.network import ResNetSpec
from ..weights import save_weights
from .errors import ExportError
from .exporting import INPUT, Certificate, Exporting, outputs_of
from .onnx_file import require_onnx, to_onnx
from .programs import to_torch_export
from .source import to_code

Form = Literal["onnx", "torch-export", "code"]
#: The ending of the file of each form.
ENDINGS: dict[str, str] = {"onnx": ".onnx", "torch-export": ".pt2", "code": ".py"}
#: Images of a case.
BATCH = 2


def require_form(form: Form) -> None:
    """Raise :class:`ExportError` where a package is missing that writes programs of ``form``, or
    where it is none."""
    if form not in ENDINGS:
        raise ExportError(f"{form!r} is no form of a program: use {', '.join(ENDINGS)}")
    if form == "onnx":
        require_onnx()


def export_case(
    spec: ResNetSpec,
    place: Path,
    form: Form,
    *,
    input_size: int | Size | None = None,
    seed: int = 0,
) -> Certificate | None:
    """Write the network of ``spec`` as a program, and inputs and expected outputs beside it.

    ``place`` is a path without an ending: ``onnx`` writes ``place.onnx``, ``torch-export``
    ``place.pt2``, and ``code`` ``place.py`` and its weights, ``place.safetensors``. The archive
    ``place.npz`` has random ``images``, (N, C, H, W), and what the network, in evaluation, answers:
    ``logits``, or ``features`` where it has no head. Weights are fresh, drawn from ``seed``. The
    answer is what :func:`to_onnx` or :func:`to_torch_export` found when they compared the program
    with the network; None for code. Raises what these raise.
    """
    require_form(form)
    model = build(spec, seed)
    work = Exporting(model, input_size, None)
    program = _beside(place, ENDINGS[form])
    found = None
    if form == "onnx":
        found = to_onnx(model, program, input_size=input_size)
    elif form == "torch-export":
        found = to_torch_export(model, program, input_size=input_size)
    else:
        save_weights(model, _beside(place, ".safetensors"))
        write_whole(program, to_code(spec))
    images = work.images(BATCH)
    with torch.no_grad():
        answers = outputs_of(work.model(images))
    tensors = dict(zip(work.outputs, answers, strict=True)) | {INPUT: images}
    arrays: dict[str, Any] = {name: tensor.numpy() for name, tensor in tensors.items()}
    content = io.BytesIO()
    np.savez(content, **arrays)
    # Last: where it stands, the case is whole.
    write_whole(_beside(place, ".npz"), content.getvalue())
    return found


def has_case(place: Path, form: Form) -> bool:
    """Whether :func:`export_case` has written all files of a case."""
    files = [_beside(place, ending) for ending in (ENDINGS[form], ".npz")]
    return all(file.is_file() and file.stat().st_size > 0 for file in files)


def _beside(place: Path, ending: str) -> Path:
    """A name may hold dots, so that its ending is not replaced but added."""
    return place.with_name(place.name + ending)
