"""``resforge train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from ..errors import printable
from .exits import Exit
from .options import Json, Source, load_source
from .output import say, tell, tell_json

if TYPE_CHECKING:
    from ..classify.fit import FitResult

Data = Annotated[
    str,
    Parameter(
        metavar="DATA",
        help="A folder with a folder of pictures for each class, or with train/ and val/ of such; "
        "or digits, cifar10:FOLDER, cifar100:FOLDER, mnist:FOLDER, fashion_mnist:FOLDER, npz:FILE.",
    ),
]
Workers = Annotated[
    int | None,
    Parameter(
        metavar="N",
        validator=Number(gte=0),
        help="Threads that decode pictures; by default one for each core, and at most 8.",
    ),
]
Device = Annotated[
    str, Parameter(help="cpu, cuda, cuda:1, ...; auto is cuda where there is one, else cpu.")
]
AtLeastOne = Parameter(metavar="N", validator=Number(gte=1))


def train(
    source: Source,
    /,
    *,
    data: Data,
    out: Annotated[Path, Parameter(metavar="RUN", help="Folder for what the run comes to.")],
    epochs: Annotated[int, AtLeastOne, Parameter(help="Times that each picture is seen.")] = 10,
    batch_size: Annotated[
        int | None,
        Parameter(metavar="N", help="Pictures for each step, of all processes together."),
    ] = None,
    lr: Annotated[float | None, Parameter(help="Peak learning rate.")] = None,
    recipe: Annotated[
        str | None,
        Parameter(
            metavar="NAME|FILE",
            help="A recipe as in a sweep file, or the name of one; by default AdamW at 0.001 along "
            "a cosine, 32 pictures at a time.",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        Parameter(
            metavar="FILE",
            help="Weights to begin with. What fits neither as it is nor with --head fresh and "
            "--partial goes through `resforge weights load` first.",
        ),
    ] = None,
    head: Annotated[
        Literal["loaded", "fresh"],
        Parameter(help="fresh leaves the head out of --weights: other classes need it."),
    ] = "loaded",
    partial: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Leave as it is built each part that --weights do not fit.",
        ),
    ] = False,
    freeze: Annotated[
        str | None,
        Parameter(
            metavar="PART",
            help="Keep weights as they are: backbone, stages:N (with the stem), or norm.",
        ),
    ] = None,
    class_weights: Annotated[
        Literal["none", "balanced"],
        Parameter(help="balanced: pictures of rare classes count for more."),
    ] = "none",
    label_smoothing: Annotated[
        float | None, Parameter(metavar="SHARE", help="Of the target, spread over all classes.")
    ] = None,
    mixup: Annotated[
        float,
        Parameter(metavar="ALPHA", validator=Number(gte=0, lte=100), help="0.2 mixes pictures."),
    ] = 0.0,
    size: Annotated[
        int | None, AtLeastOne, Parameter(help="Side of the square that the network sees.")
    ] = None,
    augment: Annotated[
        Literal["crop_flip", "crop", "none"],
        Parameter(help="A part of each picture at random, mirrored or not, or all of it."),
    ] = "crop_flip",
    min_area: Annotated[
        float,
        Parameter(
            metavar="SHARE",
            validator=Number(gt=0, lte=1),
            help="The least share of a picture's area that a crop takes.",
        ),
    ] = 0.08,
    normalize: Annotated[
        Literal["imagenet", "channel"],
        Parameter(
            help="By the colours of ImageNet, as published networks, or of the training pictures."
        ),
    ] = "imagenet",
    val_share: Annotated[
        float,
        Parameter(
            metavar="SHARE",
            validator=Number(gt=0, lt=1),
            help="Of each class, held out to validate with, where there is no val/.",
        ),
    ] = 0.2,
    unreadable: Annotated[
        Literal["stop", "skip"], Parameter(help="What to do about pictures that cannot be read.")
    ] = "stop",
    seed: Annotated[int, Parameter(help="Of weights, order, crops and dropout.")] = 0,
    workers: Workers = None,
    device: Device = "auto",
    resume: Annotated[
        bool, Parameter(negative="", show_default=False, help="Go on where the run was left.")
    ] = False,
    tensorboard: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Write RUN/tensorboard too."),
    ] = False,
    json: Json = False,
) -> Exit:
    """Train a network to tell the classes of pictures apart.

    RUN gets the best and the last weights, history.csv and a picture of the
    curve. Stopped, or killed, the same command with --resume goes on. Started
    by torchrun, several processes share each batch. Exits with 1 where the
    loss was not finite.
    """
    from ..ablation.running.stop import StopSignals
    from ..classify.pictures.view import RandomCrop
    from ..classify.progress import progress_on
    from ..classify.runs.recipe import read_recipe
    from ..classify.runs.session import RunRequest, train_run

    crop = RandomCrop(min_area=min_area, mirror=augment == "crop_flip")
    request = RunRequest(
        network=load_source(source),
        data=data,
        out=out,
        recipe=None if recipe is None else read_recipe(recipe),
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        label_smoothing=label_smoothing,
        seed=seed,
        size=size,
        normalize=normalize,
        random_crop=None if augment == "none" else crop,
        val_share=val_share,
        weights=weights,
        fresh_head=head == "fresh",
        partial=partial,
        freeze=freeze,
        balance=class_weights == "balanced",
        mixup=mixup,
        workers=workers,
        unreadable=unreadable,
        device=device,
        resume=resume,
        tensorboard=tensorboard,
    )
    with StopSignals() as stop:
        result = train_run(request, progress_on(), stopped=lambda: stop.requested)
    if result.leads:
        _tell(result, out, json)
    if result.diverged:
        return Exit.DIFFERENT
    return Exit.OK if result.finished else Exit.INTERRUPTED


def _tell(result: FitResult, out: Path, json: bool) -> None:
    run = printable(str(out))
    if json:
        tell_json(
            {
                "run": str(out),
                "finished": result.finished,
                "diverged": result.diverged,
                "steps": result.steps,
                "best": result.best and result.best.as_dict(),
                "history": [epoch.as_dict() for epoch in result.history],
            }
        )
    elif result.best is not None:
        share = f"{100 * result.best.val_accuracy:.2f}%"
        tell(f"best: {share} of the validation pictures, after epoch {result.best.epoch}")
    if result.diverged:
        say(f"the loss is not finite at step {result.steps + 1}: try a lower --lr in another --out")
    elif not result.finished:
        say(f"stopped after step {result.steps}; the same command with --resume goes on")
    else:
        say(f"to use it: resforge predict {run} PICTURE")
