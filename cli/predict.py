"""``resforge predict``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from ..drawing.numbers import percent
from ..errors import printable
from .exits import Exit
from .options import Json
from .output import followed, say, tell_json, tell_table
from .train import Device, Workers

if TYPE_CHECKING:
    from ..classify.runs.use import Prediction

Run = Annotated[
    Path, Parameter(metavar="RUN", help="A run's folder, or one of its .safetensors files.")
]


def predict(
    run: Run,
    pictures: Annotated[
        list[Path], Parameter(metavar="PICTURE", help="Pictures, and folders of them.")
    ],
    /,
    *,
    top: Annotated[
        int,
        Parameter(metavar="K", validator=Number(gte=1), help="Likeliest classes to show of each."),
    ] = 5,
    figure: Annotated[
        Path | None,
        Parameter(metavar="FILE", help="Draw pictures and classes too, as .svg, .png or .pdf."),
    ] = None,
    workers: Workers = None,
    device: Device = "auto",
    json: Json = False,
) -> Exit:
    """Say which class each picture is of, with the network of a run.

    Exits with 1 where pictures could not be read; they are named.
    """
    from ..classify.figures.canvas import check_format
    from ..classify.figures.predictions import MOST, write_predictions
    from ..classify.pictures.decode import PictureError
    from ..classify.pictures.folder import find_pictures
    from ..classify.runs.use import load_run, predict_pictures

    if figure is not None:
        check_format(figure)
    paths = find_pictures(pictures)
    trained = load_run(run, device)
    classes = trained.spec.classes
    rows: list[dict[str, Any]] = []
    drawn: list[Prediction] = []
    for found in followed(predict_pictures(trained, paths, workers), len(paths), "pictures"):
        if isinstance(found, PictureError):
            say(str(found))
            continue
        rows.append(_row(found, classes, top))
        if figure is not None and len(drawn) < MOST:
            drawn.append(found)
    if json:
        tell_json(rows)
    elif rows:
        tell_table(("picture", "class", "probability", "then"), map(_cells, rows), 2, 1)
    if figure is not None and drawn:
        write_predictions(figure, drawn, classes, top)
        say(f"wrote {printable(str(figure))}")
    return Exit.OK if len(rows) == len(paths) else Exit.DIFFERENT


def _row(found: Prediction, classes: Sequence[str], top: int) -> dict[str, Any]:
    likely = [
        {"class": classes[number], "probability": probability}
        for number, probability in found.top(top)
    ]
    return {"picture": str(found.path), "top": likely}


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    first, *others = ((entry["class"], percent(entry["probability"])) for entry in row["top"])
    then = ", ".join(f"{name} {share}" for name, share in others)
    return (row["picture"], *first, then)
