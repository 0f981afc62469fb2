"""``resforge predict``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from ..drawing.numbers import percent
from ..errors import printable
from .exits import Exit
from .options import Json, keep_inputs
from .output import complain, followed, say, tell_json, tell_table
from .train import Device, Workers

if TYPE_CHECKING:
    from ..classify.runs.use import Prediction

Run = Annotated[
    Path, Parameter(metavar="RUN", help="Folder of a run, or one of its .safetensors files.")
]

Dtype = Annotated[
    Literal["float32", "bfloat16", "float16"],
    Parameter(
        help="Type that the network computes in: bfloat16 and float16 are faster on devices with "
        "instructions for them, and less exact."
    ),
]


def predict(
    run: Run,
    pictures: Annotated[
        list[Path], Parameter(metavar="PICTURE", help="Pictures, and folders of pictures.")
    ],
    /,
    *,
    top: Annotated[
        int,
        Parameter(metavar="K", validator=Number(gte=1), help="Number of classes to show."),
    ] = 5,
    figure: Annotated[
        Path | None,
        Parameter(metavar="FILE", help="Draw pictures and predictions too, as .svg, .png or .pdf."),
    ] = None,
    workers: Workers = None,
    device: Device = "auto",
    dtype: Dtype = "float32",
    json: Json = False,
) -> Exit:
    """Predict the class of each picture with the network of a run.

    The norms of the network are folded first, as rf.for_inference does it.
    Pictures that cannot be read are reported; the exit code is then 1.
    """
    from ..classify.figures.predictions import MOST, write_predictions
    from ..classify.runs.dtypes import dtype_named
    from ..classify.runs.use import load_run, predict_pictures
    from ..drawing.canvas import check_format
    from ..training.pictures.decode import PictureError
    from ..training.pictures.folder import find_pictures

    if figure is not None:
        check_format(figure)
    paths = find_pictures(pictures, say)
    if figure is not None:
        keep_inputs(figure, *paths)
    trained = load_run(run, device)
    note_if_slow(dtype, trained.device.type)
    classes = trained.spec.classes
    rows: list[dict[str, Any]] = []
    drawn: list[Prediction] = []
    predictions = predict_pictures(trained, paths, workers, dtype=dtype_named(dtype))
    for prediction in followed(predictions, len(paths), "pictures"):
        if isinstance(prediction, PictureError):
            complain(str(prediction))
            continue
        rows.append(_row(prediction, classes, top))
        if figure is not None and len(drawn) < MOST:
            drawn.append(prediction)
    if json:
        tell_json(rows)
    elif rows:
        tell_table(("picture", "class", "probability", "then"), map(_cells, rows), 2, 1)
    if figure is not None and drawn:
        write_predictions(figure, drawn, classes, top)
        say(f"wrote {printable(str(figure))}")
    return Exit.OK if len(rows) == len(paths) else Exit.DIFFERENT


def note_if_slow(dtype: str, device: str) -> None:
    """Say that this processor computes in ``dtype`` by way of float32."""
    from ..classify.runs.dtypes import dtype_named, is_emulated

    if is_emulated(dtype_named(dtype), device):
        say(f"this processor has no instructions for {dtype}: float32 is faster on it")


def _row(prediction: Prediction, classes: Sequence[str], top: int) -> dict[str, Any]:
    entries = [
        {"class": classes[number], "probability": probability}
        for number, probability in prediction.top(top)
    ]
    return {"picture": str(prediction.path), "top": entries}


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    first, *others = ((entry["class"], percent(entry["probability"])) for entry in row["top"])
    rest = ", ".join(f"{name} {probability}" for name, probability in others)
    return (row["picture"], *first, rest)
