"""``resforge evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ..errors import printable
from .options import Json
from .output import followed, say, tell, tell_json, tell_table
from .predict import Run
from .train import Data, Device, Unreadable, Workers

if TYPE_CHECKING:
    from ..classify.evaluation import Evaluation


def evaluate(
    run: Run,
    /,
    *,
    data: Data,
    part: Annotated[
        Literal["auto", "all"],
        Parameter(
            help="auto: test/ or val/ where there is one, and of what was trained on what was "
            "held out; all: every picture."
        ),
    ] = "auto",
    confusion: Annotated[
        Path | None,
        Parameter(metavar="FILE", help="Draw the confusion matrix, as .svg, .png or .pdf."),
    ] = None,
    unreadable: Unreadable = "stop",
    workers: Workers = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Count how many pictures of known classes the network of a run tells rightly."""
    from ..classify.figures.canvas import check_format
    from ..classify.figures.confusion import write_confusion
    from ..classify.runs.use import evaluate_run, load_run

    if confusion is not None:
        check_format(confusion)
    trained = load_run(run, device)
    found = evaluate_run(
        trained,
        data,
        part,
        workers=workers,
        unreadable=unreadable,
        note=say,
        follow=lambda batches, count: followed(batches, count, "batches of pictures"),
    )
    classes = trained.spec.classes
    if json:
        tell_json(_as_json(found, classes))
    else:
        _tell(found, classes)
    if confusion is not None:
        write_confusion(confusion, found, classes)
        say(f"wrote {printable(str(confusion))}")


def _tell(found: Evaluation, classes: tuple[str, ...]) -> None:
    tell_table(
        ("class", "pictures", "found", "right when told"),
        [
            (name, f"{count:,}", _share(recall), _share(precision))
            for name, (count, recall, precision) in zip(classes, found.per_class(), strict=True)
        ],
    )
    right = round(found.accuracy * found.count)
    tell(
        f"\naccuracy {100 * found.accuracy:.2f}%: {right:,} of {found.count:,} right, "
        f"mean loss {found.loss:.4f}"
    )


def _as_json(found: Evaluation, classes: tuple[str, ...]) -> dict[str, object]:
    return {
        "pictures": found.count,
        "accuracy": found.accuracy,
        "loss": found.loss,
        "classes": [
            {"class": name, "pictures": count, "recall": recall, "precision": precision}
            for name, (count, recall, precision) in zip(classes, found.per_class(), strict=True)
        ],
        "confusion": found.confusion.tolist(),
    }


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}%"
