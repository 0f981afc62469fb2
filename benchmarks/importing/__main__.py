"""``python -m benchmarks.importing``: does each project's file mean what its spec says?

The settings of each case are built by the project's own library and filled with random numbers. The
spec that ``from_config`` makes of them is compared with it in parameters, multiply-accumulates, the
shape put out and, with its weights, the outputs. The table is in ``docs/importing.md``, what was
found in ``docs/importing.json``. pycls, detectron2, ClassyVision, vissl, paddleclas and
tf-models-official (``official``, beside tensorflow, tf_keras and gin-config) are found on
``PYTHONPATH``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import resforge as rf
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ..marks import replace_tables
from ..published.proof import fill
from .cases import CASES, Case

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, DATA = DOCS / "importing.md", DOCS / "importing.json"
SIDE = 64
#: As a fraction of what two pictures' answers differ by: another order of the same sums in float64.
ROUNDING = 1e-8


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.importing", description=__doc__)
    parser.add_argument("projects", nargs="*", metavar="PROJECT", help=f"of {', '.join(CASES)}")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    known = json.loads(DATA.read_text(encoding="utf-8")) if DATA.is_file() else {}
    for project in arguments.projects or CASES:
        known[project] = {}
        for case in CASES[project]:
            known[project][case.name] = row = compared(case)
            print(" | ".join((project, case.name, *row)), flush=True)
    DATA.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    _write_page(known)


def _write_page(known: dict[str, dict[str, list[str]]]) -> None:
    """Write the table of what is known into the page."""
    lines = [
        "| project | settings | parameters | MACs at 64 | outputs |",
        "|---|---|---:|---:|---|",
    ]
    lines += [
        f"| {' | '.join((project, case.name, *known[project][case.name]))} |"
        for project, cases in CASES.items()
        for case in cases
        if case.name in known.get(project, {})
    ]
    text = PAGE.read_text(encoding="utf-8")
    tables = {"compared": "".join(f"{line}\n" for line in lines)}
    PAGE.write_text(replace_tables(text, tables), encoding="utf-8")


def compared(case: Case) -> tuple[str, str, str]:
    """Parameters, MACs and how the outputs compare."""
    spec = rf.from_config(case.config).spec
    plan = rf.plan(spec, SIDE)
    try:
        theirs = case.build(case.config)
    except Exception as error:  # one library's failure is a row
        return (
            f"{plan.params:,}",
            f"{plan.macs:,}",
            f"not built: {type(error).__name__}: {error}"[:160],
        )
    theirs.eval()  # which OpenMMLab's backbones answer with None
    fill(theirs)
    x = torch.randn(2, spec.in_channels, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    x = x.to(next(theirs.parameters()).dtype)  # float64 where the library does not run on torch
    params = sum(tensor.numel() for tensor in theirs.parameters())
    # Detectors freeze their norms, whose tensors are buffers there.
    frozen = sum(
        b.numel() for n, b in theirs.named_buffers() if n.endswith(("norm.weight", "norm.bias"))
    )
    macs, answer = _run(theirs, case, x)
    says = [f"{params + frozen:,}", f"{macs:,}"]
    wrong = [
        f"{name} {ours} here"
        for name, ours, other in (
            ("parameters", plan.params, params + frozen),
            ("MACs", plan.macs, macs),
            ("shape", plan.output_shape, tuple(answer.shape[1:])),
        )
        if ours != other
    ]
    return says[0], says[1], ", ".join(wrong) or _outputs(spec, theirs, case, x, answer)


def _outputs(spec: rf.ResNetSpec, theirs: nn.Module, case: Case, x: Tensor, answer: Tensor) -> str:
    """How the outputs compare: bitwise, or by their greatest difference in float64.

    It is a fraction of what the answers to two pictures differ by: those of deep networks are
    alike, and float32 would not tell another network from another order of sums.
    """
    model = rf.build(spec).eval().to(x.dtype)
    try:
        rf.load_weights(model, theirs.state_dict(), allow_other_function=True)
    except rf.WeightsError:
        if not _copied_in_order(model, theirs, x):
            return "not compared: its names are not known"
    with torch.no_grad():
        if torch.equal(model(x), answer):
            return "exact"
    x = x.double()
    answer = _run(theirs.double(), case, x)[1]
    with torch.no_grad():
        difference = (model.double()(x) - answer).abs().max()
    fraction = (difference / (answer[0] - answer[1]).abs().max()).item()
    same = fraction < getattr(theirs, "rounding", ROUNDING)
    return f"{'within' if same else 'DIFFERENT by'} {fraction:.1g}"


def _copied_in_order(model: nn.Module, theirs: nn.Module, x: Tensor) -> bool:
    """Copy tensors from layer to layer in the order in which both run; whether all shapes agree."""
    rows = [_called(network, x) for network in (theirs, model)]
    if [_shapes(layer) for layer in rows[0]] != [_shapes(layer) for layer in rows[1]]:
        return False
    for source, target in zip(*rows, strict=True):
        target.load_state_dict(source.state_dict(), strict=False)
    return True


def _called(network: nn.Module, x: Tensor) -> list[nn.Module]:
    """The layers with tensors of their own; of each block the shortcut's come last."""
    found: dict[nn.Module, bool] = {}
    words = ("downsample", "shortcut", "proj")

    def note(name: str, module: nn.Module) -> None:
        last = any(word in name for word in words)

        def called(*_: object) -> None:
            found.setdefault(module, last)  # a layer that is called twice counts at its first call

        module.register_forward_hook(called)

    for name, module in network.named_modules():
        if not list(module.children()) and module.state_dict():
            note(name, module)
    with torch.no_grad():
        network(x)
    rest, row = [], []
    for module, last in found.items():
        (rest if last else row).append(module)
    return [*row, *rest]


def _shapes(layer: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in layer.state_dict().items() if tensor.ndim}


def _run(theirs: nn.Module, case: Case, x: Tensor) -> tuple[int, Tensor]:
    """The library's multiply-accumulates for one picture, and its answer."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        answer = case.answer(theirs(x))
    flops = counter.get_flop_counts().get("Global", {})
    # Products of two maps, as those of attention, are no layers.
    macs = sum(n for op, n in flops.items() if op != torch.ops.aten.bmm) // (2 * len(x))
    macs = getattr(theirs, "macs", macs)  # of a network that does not run on torch
    return macs, answer.flatten(1) if answer.ndim == 4 and answer.shape[2:] == (1, 1) else answer


if __name__ == "__main__":
    main()
