"""``resforge evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ..errors import printable
from .options import Json
from .output import finite, followed, say, tell, tell_json, tell_table
from .predict import Dtype, Run, note_if_slow
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
            help="auto: test/ or val/ where there is one, or the pictures held out of the run's "
            "own folder; all: every picture."
        ),
    ] = "auto",
    confusion: Annotated[
        Path | None,
        Parameter(metavar="FILE", help="Draw the confusion matrix, as .svg, .png or .pdf."),
    ] = None,
    unreadable: Unreadable = "stop",
    workers: Workers = None,
    device: Device = "auto",
    dtype: Dtype = "float32",
    json: Json = False,
) -> None:
    """Evaluate the network of a run on labelled pictures: accuracy, recall and precision."""
    from ..classify.figures.confusion import write_confusion
    from ..classify.runs.dtypes import dtype_named
    from ..classify.runs.use import evaluate_run, load_run
    from ..drawing.canvas import check_format

    if confusion is not None:
        check_format(confusion)
    trained = load_run(run, device)
    note_if_slow(dtype, trained.device.type)
    evaluation = evaluate_run(
        trained,
        data,
        part,
        workers=workers,
        dtype=dtype_named(dtype),
        unreadable=unreadable,
        note=say,
        follow=lambda batches, count: followed(batches, count, "batches of pictures"),
    )
    classes = trained.spec.classes
    if json:
        tell_json(_as_json(evaluation, classes))
    else:
        _print_table(evaluation, classes)
    if confusion is not None:
        write_confusion(confusion, evaluation, classes)
        say(f"wrote {printable(str(confusion))}")


def _print_table(evaluation: Evaluation, classes: tuple[str, ...]) -> None:
    tell_table(
        ("class", "pictures", "recall", "precision"),
        [
            (name, f"{count:,}", _percent(recall), _percent(precision))
            for name, (count, recall, precision) in zip(
                classes, evaluation.per_class(), strict=True
            )
        ],
    )
    correct = round(evaluation.accuracy * evaluation.count)
    tell(
        f"\naccuracy {100 * evaluation.accuracy:.2f}%: {correct:,} of {evaluation.count:,} "
        f"correct, mean loss {evaluation.loss:.4f}"
    )


def _as_json(evaluation: Evaluation, classes: tuple[str, ...]) -> dict[str, object]:
    return {
        "pictures": evaluation.count,
        "accuracy": evaluation.accuracy,
        "loss": finite(evaluation.loss),
        "classes": [
            {"class": name, "pictures": count, "recall": recall, "precision": precision}
            for name, (count, recall, precision) in zip(
                classes, evaluation.per_class(), strict=True
            )
        ],
        "confusion": evaluation.confusion.tolist(),
    }


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}%"
