"""``resforge sweep run``."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from ..errors import printable
from .exits import Exit
from .options import Flag, Json
from .output import complain, say
from .report import print_comparison
from .verbosity import Level, level

if TYPE_CHECKING:
    from ..ablation import RunSummary


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options of ``resforge sweep run``."""

    out: Annotated[Path, Parameter(metavar="DIR", help="Folder for the results.")]
    workers: Annotated[
        int | None,
        Parameter(
            metavar="N",
            validator=Number(gte=1),
            help="Number of trials at once, each on one thread; default: one for each core or GPU.",
        ),
    ] = None
    engine: Annotated[
        Literal["process", "inline", "ray"],
        Parameter(
            help="Where trials run: in processes on this machine, in this process (for debugging), "
            "or on a Ray cluster, which RAY_ADDRESS names or which is started on this machine. "
            "The results are the same.",
        ),
    ] = "process"
    device: Annotated[
        str,
        Parameter(
            help="Device that trials are trained on: cpu, or an accelerator such as cuda, mps or"
            " xpu; auto is the accelerator if there is one, with one GPU for each trial.",
        ),
    ] = "auto"
    per_gpu: Annotated[
        int | None,
        Parameter(
            metavar="K",
            validator=Number(gte=1, lte=100),
            help="Number of trials that share each GPU; default: one.",
        ),
    ] = None
    runtime_env: Annotated[
        Path | None,
        Parameter(
            metavar="FILE",
            help="With --engine ray: a .yaml or .json file of Ray's runtime environment, such as"
            " code to send to the nodes, packages or variables.",
        ),
    ] = None
    no_wait: Annotated[
        bool,
        Flag,
        Parameter(
            help="End when no trial is left to start, even while other commands on the same folder"
            " train theirs.",
        ),
    ] = False
    measure: Annotated[
        bool,
        Flag,
        Parameter(
            help="After the trials, measure latency and training memory of each network that was"
            " not measured yet; nothing else should run on the machine.",
        ),
    ] = False
    tensorboard: Annotated[
        bool, Flag, Parameter(help="Write DIR/tensorboard too: curves and hyperparameters.")
    ] = False


def run_file(
    file: Annotated[str, Parameter(help="The sweep's .yaml or .json file.")],
    /,
    *,
    options: Annotated[RunOptions, Parameter(name="*")],
    json: Json = False,
) -> Exit:
    """Train the missing trials of a sweep, then write and print the comparison.

    The same command resumes a run that was stopped or killed. Exits with 1 if
    trials failed.
    """
    summary = _run(file, options)
    folder = printable(str(options.out))
    counts = f"{summary.finished} of {summary.total} trials recorded in {folder}"
    if summary.interrupted:
        again = shlex.join(_words(file, options, json))
        complain(f"interrupted: {counts}; to resume: {printable(again)}")
        return Exit.INTERRUPTED
    print_comparison(options.out, json)
    page = printable(str(options.out / "report.html"))
    rest = "" if summary.finished == summary.total else "; other commands train the rest"
    say(f"{counts}, {summary.ran} of them now{rest}; open {page}")
    return Exit.DIFFERENT if summary.failed else Exit.OK


def _run(file: str, options: RunOptions) -> RunSummary:
    from ..ablation import TensorBoard, expand_sweep, progress_on, read_sweep, run_sweep
    from ..ablation.planning.fit import adaptation
    from ..ablation.planning.preview import sweep_warnings
    from ..ablation.running.progress import Silence
    from ..ablation.running.runtime_env import read_runtime_env

    sweep = read_sweep(file)
    arms = expand_sweep(sweep)
    if note := adaptation(sweep):
        say(printable(note))
    for warning in sweep_warnings(sweep, arms):
        say(f"warning: {printable(warning)}")
    return run_sweep(
        sweep,
        options.out,
        options.workers,
        Silence() if level() is Level.QUIET else progress_on(),
        engine=options.engine,
        device=options.device,
        measure=options.measure,
        callbacks=[TensorBoard(options.out)] if options.tensorboard else [],
        per_gpu=options.per_gpu,
        runtime_env=read_runtime_env(options.runtime_env) if options.runtime_env else None,
        wait=not options.no_wait,
    )


def _words(file: str, options: RunOptions, json: bool) -> list[str]:
    """The command line that resumes a run: its options that are not the defaults."""
    words = ["resforge", "sweep", "run", file]
    for field in fields(options):
        value = getattr(options, field.name)
        if value != field.default:
            option = f"--{field.name.replace('_', '-')}"
            words += [option] if value is True else [option, str(value)]
    return [*words, "--json"] if json else words
