"""``resforge export``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import ArgumentCollection, CycloptsError, Group, Parameter, Token
from cyclopts.validators import Number

from ..errors import printable
from ..planner.plan import Plan, check_size, lay_out
from ..specs.network import ResNetSpec
from .options import Input, Json, MaxParams, Source, keep_inputs, load_source, plan_at
from .output import say, tell, tell_json
from .saved import weights_of
from .weights import Entry, OtherFunction, Strip

if TYPE_CHECKING:
    from ..export import Certificate

DYNAMIC = "dynamic"


def _one_format(formats: ArgumentCollection) -> None:
    given = [argument.name for argument in formats.filter_by(has_tokens=True)]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        wanted = ", ".join(argument.name for argument in formats)
        raise ValueError(f"Give one of {wanted}; given: {found}.")


def _as_batch(_: type, tokens: tuple[Token, ...]) -> int | None:
    text = tokens[0].value
    if text == DYNAMIC:
        return None
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError(f"{text!r} is not a batch size: write {DYNAMIC}, or a number of images")
    return int(text)


FORMATS = Group("Formats", validator=_one_format)
File = Annotated[str | None, Parameter(group=FORMATS, metavar="FILE")]


Code = Annotated[
    bool,
    Parameter(
        "--code",
        group=FORMATS,
        negative="",
        show_default=False,
        help="Print the network as one Python file that needs only torch.",
    ),
]
Config = Annotated[
    str | None,
    Parameter(
        "--config",
        group=FORMATS,
        metavar="NAME",
        help="Print another project's settings of the same network: huggingface, timm, pycls, "
        "detectron2 or mmpretrain.",
    ),
]
Batch = Annotated[
    int | None,
    Parameter(
        "--batch",
        converter=_as_batch,
        n_tokens=1,
        accepts_keys=False,
        metavar="N",
        help="Images per batch: a number, or dynamic (the default) for any.",
    ),
]
Opset = Annotated[
    int | None,
    Parameter(
        "--opset",
        metavar="N",
        validator=Number(gte=1),
        help="Operator set of --onnx; by default torch's choice.",
    ),
]
Fuse = Annotated[
    bool,
    Parameter(
        "--fuse",
        negative="",
        show_default=False,
        help="Fold norms into the convolutions before them.",
    ),
]
Weights = Annotated[
    str | None,
    Parameter(
        "--weights",
        metavar="FILE",
        help="Weights (.safetensors, .pth, .pt), under the names of any layout of `resforge "
        "weights`; weights that do not fit as they are need `resforge weights load` first. By "
        "default fresh weights are drawn from --seed.",
    ),
]


def export(
    source: Source,
    /,
    *,
    code: Code = False,
    config: Config = None,
    onnx: Annotated[File, Parameter("--onnx", help="Write ONNX.")] = None,
    torch_export: Annotated[
        File, Parameter("--torch-export", help="Write a program for torch.export.load (.pt2).")
    ] = None,
    torchscript: Annotated[
        File, Parameter("--torchscript", help="Write TorchScript, which torch has deprecated.")
    ] = None,
    input: Input = None,
    batch: Batch = None,
    opset: Opset = None,
    fuse: Fuse = False,
    weights: Weights = None,
    entry: Entry = None,
    allow_other_function: OtherFunction = False,
    strip: Strip = "",
    seed: Annotated[int, Parameter("--seed", metavar="N", help="Seed of fresh weights.")] = 0,
    max_params: MaxParams = None,
    json: Json = False,
) -> None:
    """Write a network in a form that runs without resforge.

    A program is run and compared with the network before its file is written.
    """
    given = {"--entry": entry, "--strip": strip, "--opset": opset}
    _check_options({name for name, value in given.items() if value}, weights, onnx)
    text = "--code" if code else "--config" if config is not None else ""
    if text and (batch is not None or fuse or weights is not None):
        raise CycloptsError(msg=f"{text} cannot be used with --batch, --fuse or --weights.")
    spec, weights = load_source(source), weights or weights_of(source)
    for file in (onnx, torch_export, torchscript):
        if file is not None:
            keep_inputs(file, source, weights)
    if config is not None:
        # As JSON, too, the keys are the project's own alone.
        from ..configs import as_text, to_config

        tell(as_text(to_config(spec, config), "timm" if json else config).rstrip())
        return
    plan = plan_at(spec, input)
    check_size(plan, max_params)
    if code:
        _tell_code(spec, json)
        return
    model = _model(spec, seed, weights, max_params, entry, strip, allow_other_function)
    size = plan.input_shape[1:]
    model = _fused(model) if fuse else model
    file, found = _write(model, size, batch, opset, onnx, torch_export, torchscript)
    _tell_program(file, plan, batch, found, json)


def _tell_program(
    file: str, plan: Plan, batch: int | None, found: Certificate | None, json: bool
) -> None:
    """Say which file was written, and what was checked of it."""
    say(f"wrote {printable(file)}")
    say("not checked: onnxruntime is not installed" if found is None else str(found))
    if json:
        tell_json(_as_json(file, plan, batch, found))


def _write(
    model: Any,
    size: tuple[int, ...],
    batch: int | None,
    opset: int | None,
    onnx: str | None,
    torch_export: str | None,
    torchscript: str | None,
) -> tuple[str, Certificate | None]:
    """Write the program of the only format that is given: its file, and what was checked."""
    from .. import export as ways

    if onnx is not None:
        return onnx, ways.to_onnx(model, onnx, input_size=size, batch=batch, opset=opset)
    if torch_export is not None:
        found = ways.to_torch_export(model, torch_export, input_size=size, batch=batch)
        return torch_export, found
    assert torchscript is not None
    say("note: torch has deprecated TorchScript; use --torch-export")
    return torchscript, ways.to_torchscript(model, torchscript, input_size=size, batch=batch)


def _check_options(given: set[str], weights: str | None, onnx: str | None) -> None:
    """Raise ``CycloptsError`` for an option that has no effect."""
    needed = {"--entry": (weights, "--weights"), "--strip": (weights, "--weights")}
    needed["--opset"] = (onnx, "--onnx")
    for name in sorted(given):
        value, other = needed[name]
        if value is None:
            raise CycloptsError(msg=f"{name} is for {other} only.")


def _tell_code(spec: ResNetSpec, json: bool) -> None:
    from ..export import to_code

    text = to_code(spec)
    if json:
        tell_json({"name": spec.name, "digest": spec.digest, "code": text})
    else:
        tell(text.rstrip())


def _model(
    spec: ResNetSpec,
    seed: int,
    weights: str | None,
    max_params: int | None,
    entry: str | None,
    strip: str,
    allow_other_function: bool,
) -> Any:
    from ..builder import build
    from ..weights import load_weights

    model = build(spec, seed, max_params=max_params)
    if weights is None:
        say(f"the weights are fresh, drawn from seed {seed}")
        return model
    plan = load_weights(
        model, weights, entry=entry, strip=strip, allow_other_function=allow_other_function
    )
    say(f"weights of {printable(weights)}, in the layout {plan.layout}")
    for remark in plan.remarks:
        say(f"note: {remark}")
    return model


def _fused(model: Any) -> Any:
    from ..export import foldable, fuse

    pairs = foldable(model)
    norms = sum(layer.kind == "batch_norm" for layer in lay_out(model.spec).layers)
    say(f"folded {len(pairs)} of {norms} batch norms into the convolutions before them")
    return fuse(model)


def _as_json(file: str, plan: Plan, batch: int | None, found: Certificate | None) -> dict[str, Any]:
    return {
        "file": file,
        "name": plan.spec.name,
        "digest": plan.spec.digest,
        "input_shape": [batch, *plan.input_shape],
        "output_shape": [batch, *plan.output_shape],
        "check": None if found is None else found._asdict(),
    }
