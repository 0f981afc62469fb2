"""The program ``resforge`` and its commands."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, NoReturn

from cyclopts import App, CycloptsError, Parameter

from .._version import __version__
from . import generate, weights
from .author import new, schema
from .catalogue import list_names
from .check import check
from .compare import compare
from .evaluate import evaluate
from .exits import Exit, explain
from .export import export as export_network
from .fit import fit
from .options import STDIN, STDOUT, strictly
from .output import console, say, tell
from .predict import predict
from .report import report
from .results import export, retry, status
from .show import show
from .sweep_plan import plan_file
from .sweep_run import run_file
from .train import train
from .verbosity import Level, Quiet, Verbose, log_end, restored, set_level


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="The shell to complete in.")],
    /,
) -> None:
    """Print a script with which a shell completes commands, options and values."""
    tell(program().meta.generate_completion(shell=shell).rstrip())


#: Each command, its function, and examples for its help.
VERBS: tuple[tuple[str, Callable[..., int | None], str], ...] = (
    ("list", list_names, "resforge list\nresforge list 'resnet*' --long"),
    (
        "new",
        new,
        "resforge new resnet18 --set head.num_classes=10 > net.yaml\n"
        "resforge new resnet50 --set 'stages[*].depth=3' --set shortcut=zero_pad --name mine\n"
        "resforge new --from config.json > net.yaml\n"
        "resforge new --from configs/net.py --within configs > net.yaml",
    ),
    ("check", check, "resforge check net.yaml\nresforge check nets/*.yaml --format github"),
    (
        "show",
        show,
        "resforge show resnet50\nresforge show net.yaml --input 3x320x224 --all\n"
        "resforge show net.yaml --svg net.svg\nresforge show resnet18 resnet34 net.yaml",
    ),
    ("diff", compare, "resforge diff a.yaml b.yaml\nresforge diff resnet50 net.yaml --json"),
    (
        "fit",
        fit,
        "resforge fit resnet50 --macs 1e9 > small.yaml\n"
        "resforge fit net.yaml --params 5e6 --by compound --step 8",
    ),
    (
        "schema",
        schema,
        "resforge schema > resforge.schema.json\n"
        "resforge schema --sweep > resforge-sweep.schema.json\n"
        "resforge schema --space > resforge-space.schema.json",
    ),
    (
        "completion",
        completion,
        "resforge completion bash > ~/.local/share/bash-completion/completions/resforge\n"
        "resforge completion fish > ~/.config/fish/completions/resforge.fish",
    ),
    (
        "export",
        export_network,
        "resforge export net.yaml --code > model.py\n"
        "resforge export net.yaml --config huggingface > config.json\n"
        "resforge export resnet50 --onnx resnet50.onnx --input 3x224x224\n"
        "resforge export runs/flowers --onnx flowers.onnx\n"
        "resforge export resnet18 --torch-export resnet18.pt2 --batch 8 --fuse",
    ),
    (
        "sweep plan",
        plan_file,
        "resforge sweep plan ablation.yaml\n"
        "resforge sweep plan ablation.yaml --out runs/shortcuts --json",
    ),
    ("sweep run", run_file, "resforge sweep run ablation.yaml --out runs/shortcuts"),
    ("sweep status", status, "resforge sweep status runs/shortcuts"),
    (
        "sweep retry",
        retry,
        "resforge sweep retry runs/shortcuts\n"
        "resforge sweep retry runs/shortcuts --status timed_out,diverged --arm plain",
    ),
    (
        "sweep export",
        export,
        "resforge sweep export runs/shortcuts --format jsonl\n"
        "resforge sweep export runs/shortcuts --curves > curves.csv",
    ),
    ("report", report, "resforge report runs/shortcuts"),
    (
        "generate",
        generate.generate,
        "resforge generate cifar_resnets -n 3 > networks.jsonl\n"
        "resforge generate space.yaml -n 100 --seed 0 --out networks\n"
        "resforge generate grid.yaml --all --format csv > grid.csv\n"
        "resforge generate space.yaml --cover pairs --out covered --export onnx",
    ),
    ("generate size", generate.size, "resforge generate size anynet_x_a"),
    ("generate check", generate.check, "resforge generate check space.yaml --points 5000"),
    (
        "weights check",
        weights.check,
        "resforge weights check resnet50 resnet50.pth\n"
        "resforge weights check net.yaml resnet50.pth --head fresh --partial",
    ),
    (
        "weights load",
        weights.load,
        "resforge weights load net.yaml resnet50.pth --head fresh --out net.safetensors",
    ),
    (
        "weights convert",
        weights.convert,
        "resforge weights convert net.safetensors net.pth --to timm\n"
        "resforge weights convert model.safetensors ours.safetensors --spec resnet50",
    ),
    (
        "train",
        train,
        "resforge train resnet18 --data flowers --out runs/flowers\n"
        "resforge train resnet50 --data flowers --out runs/fine --weights resnet50.safetensors "
        "--head fresh --freeze backbone\n"
        "torchrun --nproc-per-node 4 -m resforge train resnet50 --data imagenet "
        "--out runs/imagenet --recipe torchvision_imagenet --epochs 90",
    ),
    (
        "predict",
        predict,
        "resforge predict runs/flowers rose.jpg --figure rose.svg\n"
        "resforge predict runs/flowers holiday/ --top 3 --json",
    ),
    (
        "evaluate",
        evaluate,
        "resforge evaluate runs/flowers --data flowers --confusion confusion.svg",
    ),
)

GROUPS = {
    "sweep": "Plan and run sweeps, and show their progress.",
    "generate": "Draw networks of a design space.",
    "weights": "Check, load and convert files of weights.",
}


def run_program() -> NoReturn:
    """Run the command line in ``sys.argv`` and exit."""
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        # Characters that the terminal cannot encode are escaped instead of raising an error.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    if "torch" not in sys.modules:
        # Python looks for garbage several times before it ends: after a sweep for a third of a
        # second. Bindings of torch's libraries complain of what they then find alive.
        gc.freeze()
    sys.exit(code)


def _open_streams() -> None:
    """Replace standard streams that are None because the caller closed their descriptor."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - open until exit
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def run(tokens: Sequence[str]) -> int:
    """Run one command line and return its exit code. Raises nothing.

    >>> run(["list", "plain*"])
    plain18
    plain34
    <Exit.OK: 0>
    """
    with restored():
        code = _run(tokens)
        log_end(code)
        return code


def _run(tokens: Sequence[str]) -> Exit:
    try:
        # A lone -- is for the command.
        app = program(tokens).meta
        status = app(_without_dashes(tokens), end_of_options_delimiter="")
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        if isinstance(error, CycloptsError) and not error.command_chain:
            # Raised by a command itself, which does not know its name.
            error.command_chain = tuple(app.parse_commands(list(tokens))[0])
        return explain(error)
    except SystemExit:
        # rich exits this way when the reader of a pipe has gone.
        return explain(BrokenPipeError())
    return Exit.OK if status is None else Exit(status)


def program(tokens: Sequence[str] = ()) -> App:
    """The commands and their options, printed as ``tokens`` ask for."""
    # Boxes are for terminals; pipes get plain lines. Only help needs a console.
    helping = not tokens or tokens[-1] in GROUPS or not {"--help", "-h"}.isdisjoint(tokens)
    shared: dict[str, Any] = {
        "console": console() if helping else None,
        "help_formatter": "default" if sys.stdout.isatty() else "plain",
        "help_format": "plaintext",
        "default_parameter": Parameter(converter=strictly),
    }
    app = App(
        name="resforge",
        help="Write a ResNet as a dozen lines of YAML; know its cost before it is built.",
        help_epilogue="`resforge COMMAND --help` shows the options and examples of a command.",
        version=__version__,
        version_flags=["--version", "-V"],
        result_action="return_value",
        print_error=False,
        exit_on_error=False,
        suppress_keyboard_interrupt=False,
        **shared,
    )
    apps = {"": app}
    for order, (verb, function, examples) in enumerate(VERBS):
        group, _, name = verb.rpartition(" ")
        if verb in GROUPS:  # a group that is also a command
            epilogue = _as_examples(examples)
            apps[verb] = App(name=verb, sort_key=order, help_epilogue=epilogue, **shared)
            app.command(apps[verb])
            apps[verb].default(function)
            continue
        if group not in apps:
            apps[group] = App(name=group, help=GROUPS[group], sort_key=order, **shared)
            app.command(apps[group])
        apps[group].command(
            function, name=name, sort_key=order, help_epilogue=_as_examples(examples), **shared
        )
    _take_everywhere(app)
    return app


def _take_everywhere(app: App) -> None:
    """Give every command of ``app`` the options ``-q`` and ``-v``."""
    app.meta.suppress_keyboard_interrupt = False  # alone of these settings it is not inherited

    @app.meta.default
    def command(
        *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        quiet: Quiet = False,
        verbose: Verbose = False,
    ) -> Any:
        if quiet and verbose:
            raise CycloptsError(msg="Give one of --quiet and --verbose.")
        set_level(Level.QUIET if quiet else Level.VERBOSE if verbose else Level.NORMAL, say)
        return app(tokens, end_of_options_delimiter="--")


def _as_examples(lines: str) -> str:
    return "\n".join(["Examples:", *(f"  {line}" for line in lines.splitlines())])


def _without_dashes(tokens: Sequence[str]) -> list[str]:
    """``tokens`` with each lone ``-`` replaced by the path of standard input, or output after
    ``--svg``."""
    found: list[str] = []
    for token in tokens:
        dash = STDOUT if found[-1:] == ["--svg"] else STDIN
        found.append(dash if token == "-" else token)
    return found
