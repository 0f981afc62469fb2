"""``resforge weights``: check, load and convert files of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, Token

from ..drawing.numbers import percent
from ..errors import printable
from .options import Json, Source, keep_inputs, load_source
from .output import say, tell, tell_json, tell_table
from .saved import weights_of

if TYPE_CHECKING:
    from ..weights import WeightPlan

File = Annotated[
    str, Parameter(help="A .safetensors file, or one of torch.save (.pth, .pt, .bin).")
]
Layout = Annotated[
    str | None,
    Parameter(
        "--layout",
        metavar="LAYOUT",
        help="Layout of the names in the file, such as torchvision, timm or huggingface; a wrong "
        "name is answered with all of them. Recognised by default.",
    ),
]
Strip = Annotated[
    str,
    Parameter(
        "--strip",
        metavar="PREFIX",
        show_default=False,
        help="Read only names that begin with PREFIX, such as module., and remove it.",
    ),
]
Entry = Annotated[
    str | None,
    Parameter(
        "--entry",
        metavar="NAME",
        help="Mapping in the checkpoint to read, such as state_dict_ema or student.state_dict; by "
        "default the one that covers most of the network.",
    ),
]


def parse_head(text: str) -> str | list[int]:
    """``fresh``, or a list of class numbers. Raises ``ValueError``.

    >>> parse_head("fresh"), parse_head("0,217,482")
    ('fresh', [0, 217, 482])
    """
    if text == "fresh":
        return text
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"{text!r} is not a head: write fresh, or classes like 0,217") from None


def _convert_head(_: type, tokens: tuple[Token, ...]) -> str | list[int]:
    return parse_head(tokens[0].value)


Head = Annotated[
    str | list[int] | None,
    Parameter(
        "--head",
        negative="",
        converter=_convert_head,
        n_tokens=1,
        accepts_keys=False,
        metavar="HEAD",
        help="fresh: keep the head as built, whatever head the file has. 0,217,482: fill it with "
        "these classes of the file's head.",
    ),
]
AllowExtra = Annotated[
    bool,
    Parameter(
        "--allow-extra",
        negative="",
        show_default=False,
        help="Leave out what the network has no place for.",
    ),
]
AllowMissing = Annotated[
    float | None,
    Parameter(
        "--allow-missing",
        metavar="FRACTION",
        help="Keep each part that does not fit as built (the stem, a block's branch, its shortcut, "
        "its attention), where the file fills at least FRACTION of the tensors.",
    ),
]
Partial = Annotated[
    bool,
    Parameter(
        "--partial",
        negative="",
        show_default=False,
        help="--allow-extra and --allow-missing 0.",
    ),
]
SliceWider = Annotated[
    bool,
    Parameter(
        "--slice-wider",
        negative="",
        show_default=False,
        help="Fill a narrower layer with the first channels of a wider one.",
    ),
]
OtherFunction = Annotated[
    bool,
    Parameter(
        "--allow-other-function",
        negative="",
        show_default=False,
        help="Take weights of a network that computes another function of the same tensors.",
    ),
]


def check(
    source: Source,
    file: File,
    /,
    *,
    head: Head = None,
    allow_extra: AllowExtra = False,
    allow_missing: AllowMissing = None,
    partial: Partial = False,
    slice_wider: SliceWider = False,
    allow_other_function: OtherFunction = False,
    layout: Layout = None,
    entry: Entry = None,
    strip: Strip = "",
    all: Annotated[
        bool,
        Parameter("--all", negative="", show_default=False, help="Show a line for each tensor."),
    ] = False,
    json: Json = False,
) -> None:
    """Show which weights of a file each tensor of a network would take, and why."""
    from ..weights import plan_weights

    plan = plan_weights(
        load_source(source),
        file,
        layout=layout,
        entry=entry,
        strip=strip,
        head=head,  # type: ignore[arg-type]
        allow_extra=allow_extra,
        allow_missing=allow_missing,
        partial=partial,
        slice_wider=slice_wider,
        allow_other_function=allow_other_function,
    )
    if json:
        tell_json(plan.to_tree())
    else:
        _say_notes(plan)
        _tell_plan(plan, all)


def load(
    source: Source,
    file: File,
    /,
    *,
    out: Annotated[str, Parameter("--out", metavar="FILE", help="The .safetensors to write.")],
    seed: Annotated[int, Parameter("--seed", help="Seed of fresh weights.")] = 0,
    head: Head = None,
    allow_extra: AllowExtra = False,
    allow_missing: AllowMissing = None,
    partial: Partial = False,
    slice_wider: SliceWider = False,
    allow_other_function: OtherFunction = False,
    layout: Layout = None,
    entry: Entry = None,
    strip: Strip = "",
    json: Json = False,
) -> None:
    """Build a network, load a file into it, and write it with its spec and a SHA-256."""
    from ..builder import build
    from ..weights import load_weights, save_weights

    keep_inputs(out, source, weights_of(source), file)
    model = build(load_source(source), seed)
    plan = load_weights(
        model,
        file,
        layout=layout,
        entry=entry,
        strip=strip,
        head=head,  # type: ignore[arg-type]
        allow_extra=allow_extra,
        allow_missing=allow_missing,
        partial=partial,
        slice_wider=slice_wider,
        allow_other_function=allow_other_function,
    )
    save_weights(model, out)
    _tell_written(plan, out, json)


def convert(
    file: File,
    out: Annotated[str, Parameter(help="The .safetensors, .pth or .pt to write.")],
    /,
    *,
    to: Annotated[
        str | None,
        Parameter(
            "--to",
            metavar="LAYOUT",
            help="Layout of the names to write; by default resforge's own.",
        ),
    ] = None,
    spec: Annotated[
        str | None,
        Parameter(
            "--spec",
            metavar="SPEC",
            help="Spec of the network; by default that in the file.",
        ),
    ] = None,
    layout: Layout = None,
    entry: Entry = None,
    strip: Strip = "",
    allow_other_function: OtherFunction = False,
    json: Json = False,
) -> None:
    """Write the same tensors under the names of another project."""
    from ..weights import convert_weights

    keep_inputs(out, file, spec, None if spec is None else weights_of(spec))
    known = None if spec is None else load_source(spec)
    plan = convert_weights(
        file,
        out,
        to=to,
        spec=known,
        layout=layout,
        entry=entry,
        strip=strip,
        allow_other_function=allow_other_function,
    )
    _tell_written(plan, out, json)


def _say_notes(plan: WeightPlan) -> None:
    from ..weights import LAYOUTS

    say(f"{printable(plan.file)}: the names are {LAYOUTS[plan.layout].words} ({plan.layout})")
    for remark in plan.remarks:
        say(f"note: {remark}")


def _tell_plan(plan: WeightPlan, each: bool) -> None:
    rows: dict[tuple[str, str, str], int] = {}
    for tensor in plan.tensors:
        key = (tensor.name if each else tensor.unit, tensor.action, tensor.why)
        rows[key] = rows.get(key, 0) + 1
    if each:
        tell_table(("tensor", "action", "why"), list(rows), 3)
    else:
        table = [(part, str(count), action, why) for (part, action, why), count in rows.items()]
        tell_table(("part", "tensors", "action", "why"), table, 1, 2)
    tell("")
    _tell_share(plan)
    if plan.unused:
        from ..weights.misfits import grouped

        tell(f"not used from the file: {printable(grouped(plan.unused))}")


def _tell_share(plan: WeightPlan) -> None:
    filled, total = plan.counts
    params = f"{plan.taken:,} of {plan.params:,} parameters ({percent(plan.share)})"
    tell(f"{filled:,} of {total:,} tensors, {params} come from the file")


def _tell_written(plan: WeightPlan, out: str, json: bool) -> None:
    if json:
        tell_json({**plan.to_tree(), "out": out})
        return
    _say_notes(plan)
    _tell_share(plan)
    tell(f"written: {printable(out)}")
