"""``resforge train``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from ..errors import Fault, SpecError, printable
from .exits import Exit
from .options import Flag, Json, Source, load_source
from .output import complain, finite, say, tell, tell_json
from .saved import weights_of
from .verbosity import Level, level
from .weights import AllowExtra, AllowMissing, Entry, OtherFunction, Strip

if TYPE_CHECKING:
    from ..classify.fit import FitResult
    from ..classify.runs.record import Epoch
    from ..classify.runs.request import RunRequest
    from ..specs.network import ResNetSpec

Data = Annotated[
    str,
    Parameter(
        metavar="DATA",
        help="A folder with a folder of pictures for each class, or with such folders in train/ "
        "and val/; or digits, cifar10:FOLDER, cifar100:FOLDER, mnist:FOLDER, "
        "fashion_mnist:FOLDER, npz:FILE.",
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
Unreadable = Annotated[
    Literal["stop", "skip"], Parameter(help="Stop at a picture that cannot be read, or skip it.")
]
Device = Annotated[
    str,
    Parameter(
        help="cpu, cuda, cuda:1, mps, ...; auto is the accelerator where there is one, else cpu."
    ),
]
AtLeastOne = Parameter(metavar="N", validator=Number(gte=1))


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Options of ``resforge train``; a ``RunRequest`` has fields of the same names."""

    data: Data
    out: Annotated[Path, Parameter(metavar="RUN", help="Folder for the files of the run.")]
    epochs: Annotated[int, AtLeastOne, Parameter(help="Passes over the training pictures.")] = 10
    patience: Annotated[
        int | None,
        AtLeastOne,
        Parameter(help="End the run after N epochs without a better one."),
    ] = None
    batch_size: Annotated[
        int | None,
        Parameter(
            metavar="N",
            help="Pictures in each step, of all processes together; by default 32, or a quarter of "
            "fewer training pictures.",
        ),
    ] = None
    optimizer: Annotated[
        Literal["sgd", "adam", "adamw"] | None,
        Parameter(help="By default adamw, or the recipe's; sgd has momentum 0.9 and --lr 0.1."),
    ] = None
    lr: Annotated[float | None, Parameter(help="Peak learning rate.")] = None
    weight_decay: Annotated[
        float | None,
        Parameter(
            metavar="DECAY",
            help="By default the optimizer's: 0.01 for adamw, 0.0001 for sgd, 0 for adam.",
        ),
    ] = None
    schedule: Annotated[
        Literal["cosine", "constant", "step", "one_cycle"] | None,
        Parameter(
            help="Learning rate over the run, by default a cosine; step divides it by 10 at 1/2 "
            "and 3/4."
        ),
    ] = None
    warmup: Annotated[
        int | None,
        Parameter(
            metavar="STEPS",
            validator=Number(gte=0),
            help="Steps of a linear rise at the start, by default a twentieth of the steps for "
            "cosine and step.",
        ),
    ] = None
    recipe: Annotated[
        str | None,
        Parameter(
            metavar="NAME|FILE",
            help="A recipe as in a sweep file, or the name of one, to which the options above are "
            "changes; by default AdamW at 0.001 along a cosine, 32 pictures at a time.",
        ),
    ] = None
    weights: Annotated[
        Path | None,
        Parameter(
            metavar="FILE",
            help="Weights to start from, of any file that `resforge weights` reads.",
        ),
    ] = None
    entry: Entry = None
    strip: Strip = ""
    head: Annotated[
        Literal["loaded", "fresh"],
        Parameter(help="fresh leaves the head out of --weights; needed for other classes."),
    ] = "loaded"
    allow_extra: AllowExtra = False
    allow_missing: AllowMissing = None
    allow_other_function: OtherFunction = False
    partial: Annotated[bool, Flag, Parameter(help="--allow-extra and --allow-missing 0.")] = False
    freeze: Annotated[
        str | None,
        Parameter(
            metavar="PART",
            help="Part that is not trained: backbone, stages:N (with the stem), or norm.",
        ),
    ] = None
    class_weights: Annotated[
        Literal["none", "balanced"],
        Parameter(help="balanced weights pictures of rare classes more."),
    ] = "none"
    label_smoothing: Annotated[
        float | None,
        Parameter(metavar="FRACTION", help="Fraction of the target, spread over all classes."),
    ] = None
    precision: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        Parameter(
            help="Of the forward pass; by default the recipe's, else bfloat16 on CUDA devices that "
            "have it, and float32 elsewhere. float16 needs CUDA."
        ),
    ] = None
    mixup: Annotated[
        float,
        Parameter(
            metavar="ALPHA", validator=Number(gte=0, lte=100), help="Mix pictures; 0.2 is usual."
        ),
    ] = 0.0
    size: Annotated[
        int | None, AtLeastOne, Parameter(help="Height and width of the network's input.")
    ] = None
    augment: Annotated[
        Literal["crop_flip", "crop", "none"],
        Parameter(help="A random crop of each picture, mirrored or not, or as --resize says."),
    ] = "crop_flip"
    min_area: Annotated[
        float,
        Parameter(
            metavar="FRACTION",
            validator=Number(gt=0, lte=1),
            help="Smallest area of a crop, as a fraction of the picture's.",
        ),
    ] = 0.08
    resize: Annotated[
        Literal["crop", "squash"],
        Parameter(
            help="Outside training: the middle square of a picture, or all of it, squashed to one."
        ),
    ] = "crop"
    normalize: Annotated[
        str,
        Parameter(
            metavar="imagenet|channel|MEAN/STD",
            help="Mean and deviation of ImageNet, as for published networks, of the training "
            "pictures, or such as 0.5/0.5.",
        ),
    ] = "imagenet"
    val_share: Annotated[
        float,
        Parameter(
            metavar="FRACTION",
            validator=Number(gt=0, lt=1),
            help="Fraction of each class held out for validation, where there is no val/.",
        ),
    ] = 0.2
    unreadable: Unreadable = "stop"
    seed: Annotated[int, Parameter(help="Seed of weights, order, crops and dropout.")] = 0
    workers: Workers = None
    device: Device = "auto"
    resume: Annotated[bool, Flag, Parameter(help="Continue an interrupted run.")] = False
    tensorboard: Annotated[bool, Flag, Parameter(help="Write RUN/tensorboard too.")] = False
    class_indices: Annotated[
        bool, Flag, Parameter(help="Write RUN/class_indices.json too: the class of each output.")
    ] = False


def train(
    source: Source,
    /,
    *,
    options: Annotated[TrainOptions, Parameter(name="*")],
    json: Json = False,
) -> Exit:
    """Train a network to classify pictures.

    RUN gets the best and the last weights, history.csv and the learning curve.
    An interrupted run is resumed by the same command with --resume; with a
    constant schedule and more --epochs, so is a finished one. Started by
    torchrun, several processes divide each batch. Exits with 1 where the
    training loss is not finite, or the validation loss after every epoch.
    """
    from ..ablation.running.stop import StopSignals
    from ..classify.progress import Progress, progress_on
    from ..classify.runs.recipe import read_recipe
    from ..classify.runs.request import RunRequest
    from ..classify.runs.session import train_run

    network = _network(source, options.weights)
    recipe = None if options.recipe is None else read_recipe(options.recipe)
    request = RunRequest(**{**vars(options), "network": network, "recipe": recipe})
    progress = Progress() if level() is Level.QUIET else progress_on()
    with StopSignals() as stop:
        result = train_run(request, progress, stopped=lambda: stop.requested)
    if result.leads:
        _print_result(result, request, json)
    if result.diverged or (result.finished and result.best is None):
        return Exit.DIFFERENT
    return Exit.OK if result.finished else Exit.INTERRUPTED


def _network(source: str, weights: str | Path | None) -> ResNetSpec:
    """The network to train. Raises :class:`SpecError` for one that has weights, where none are
    given: whether they are meant is not guessed."""
    if weights is None and (file := weights_of(source)) is not None:
        message = f"{source} holds a network with its weights"
        help_ = (
            f"start from them by --weights {file}, with --head fresh for other classes; for fresh"
            f" weights write its spec to a file: resforge new {source} > net.yaml"
        )
        raise SpecError(Fault("weights", message, help=help_))
    return load_source(source)


def _print_result(result: FitResult, request: RunRequest, json: bool) -> None:
    from ..classify.runs.data import NAMED

    run, data = printable(str(request.out)), printable(request.data)
    if json:
        tell_json(
            {
                "run": str(request.out),
                "finished": result.finished,
                "diverged": result.diverged,
                "stopped_early": result.stopped_early,
                "steps": result.steps,
                "best": result.best and _row(result.best),
                "history": [_row(epoch) for epoch in result.history],
            }
        )
    elif result.best is not None:
        accuracy = f"{100 * result.best.val_accuracy:.2f}%"
        tell(f"best: {accuracy} of the validation pictures, after epoch {result.best.epoch}")
    if result.diverged:
        complain(
            f"the loss is not finite at step {result.steps + 1}: try a lower --lr in another --out"
        )
    elif not result.finished:
        complain(f"stopped after step {result.steps}; the same command with --resume continues it")
    else:
        if result.stopped_early:
            say(
                f"ended early after epoch {len(result.history)}: --patience epochs without a better"
            )
        if result.best is not None:
            pictures = request.data.partition(":")[0] not in NAMED
            use = f"predict {run} PICTURE" if pictures else f"evaluate {run} --data {data}"
            say(f"next: resforge {use}")
        else:
            complain(
                "the validation loss is not finite after any epoch, so none is the best: try a"
                " lower --lr in another --out"
            )


def _row(epoch: Epoch) -> dict[str, float | None]:
    return {
        name: None if value is None else finite(value) for name, value in epoch.as_dict().items()
    }
