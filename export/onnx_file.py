"""Networks as ONNX."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..files import write_whole
from ..specs.layer import Size
from .errors import ExportError
from .exporting import INPUT, Certificate, Exporting, place_for, quietly

#: onnxruntime folds norms into convolutions and sums in an order of its own.
TOLERANCE = 1e-4
#: The first operator set for which torch.onnx holds translations.
FIRST_OPSET = 18
_LIMIT = 2**31
_NEEDED = ("onnx", "onnxscript")


def to_onnx(
    model: nn.Module,
    path: str | os.PathLike[str],
    *,
    input_size: int | Size | None = None,
    batch: int | None = None,
    opset: int | None = None,
) -> Certificate | None:
    """Write ``model`` as an ONNX file of one input, ``images``, and one output.

    The output is ``logits``, or ``features`` where the network has no head. It takes images of
    ``input_size`` (the spec's own unless given) as (N, C, H, W), any N or ``batch`` of them.
    ``opset`` is the operator set, 18 or later; torch's own choice unless given. onnxruntime runs
    it and it is compared with ``model`` before it is written; the answer is None, unchecked,
    where onnxruntime is not installed. Raises :class:`ResforgeError` for a module that resforge
    did not build, :class:`SpecError` for a size that it cannot take, :class:`ExportError` where
    onnx is not installed, the operator set cannot be had or the answers differ, and
    :class:`StoreError` where the file cannot be written.
    """
    require_onnx()
    if opset is not None and opset < FIRST_OPSET:
        raise ExportError(f"opset={opset} is older than torch writes; give {FIRST_OPSET} or later")
    place = place_for(Path(path))
    work = Exporting(model, input_size, batch)
    if sum(t.numel() * t.element_size() for t in work.model.state_dict().values()) >= _LIMIT:
        raise ExportError("an ONNX file holds at most 2 GiB; export with torch.export instead")
    if work.dtype == torch.bfloat16:
        raise ExportError("onnxruntime takes no bfloat16 from Python; export model.float()")
    content = _write(work, opset)
    found = None
    if find_spec("onnxruntime") is not None:
        import onnxruntime

        by = f"onnxruntime {onnxruntime.__version__}"
        found = work.check(_runner(content, work.outputs), by, TOLERANCE)
    write_whole(place, content)
    return found


def require_onnx() -> None:
    """Raise :class:`ExportError` where a package is missing that writes ONNX."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ExportError(f"ONNX needs {' and '.join(missing)}: pip install 'resforge[onnx]'")


def _write(work: Exporting, opset: int | None) -> bytes:
    with quietly():
        try:
            program: Any = torch.onnx.export(
                work.model,
                (work.example,),
                input_names=[INPUT],
                output_names=work.outputs,
                dynamic_shapes=work.dynamic_shapes,
                opset_version=opset,
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            raise ExportError(f"torch.onnx: {str(error).splitlines()[0]}") from error
    proto = program.model_proto
    written = {entry.domain: entry.version for entry in proto.opset_import}[""]
    if opset not in (None, written):
        raise ExportError(f"opset={opset} cannot be written; torch.onnx wrote {written} instead")
    content: bytes = proto.SerializeToString()
    return content


def _runner(content: bytes, outputs: list[str]) -> Any:
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no class in common
        raise _unfit(error) from error

    def run(images: Tensor) -> list[Tensor]:
        try:
            found = session.run(outputs, {INPUT: images.numpy()})
        except Exception as error:
            raise _unfit(error) from error
        return [torch.from_numpy(y) for y in found]

    return run


def _unfit(error: Exception) -> ExportError:
    reason = str(error).splitlines()[0]
    return ExportError(
        f"onnxruntime cannot run the network ({reason}): nothing was written; export with"
        " torch.export instead"
    )
