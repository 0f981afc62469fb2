"""Files and folders that hold weights, where a spec was asked for: what to call instead."""

from __future__ import annotations

from pathlib import Path

from ..errors import Fault

_WEIGHTS = frozenset({".safetensors", ".pth", ".pt", ".ckpt", ".bin"})
#: Files of a run: what it is, and its weights.
RUN, BEST, LAST = "run.json", "best.safetensors", "last.safetensors"
_CONFIG, _SAVED = "config.json", "model.safetensors"


def fault_of(path: Path) -> Fault | None:
    """What is wrong with reading a spec, or a saved network, from ``path``, and what to call
    instead; None for anything else than a run, the folder of a saved network, and weights."""
    try:
        if path.is_dir():
            what = _holder(path)
            return _fault(path, f"the folder of a {what}", path, what) if what else None
        if path.suffix.lower() not in _WEIGHTS or not path.is_file():
            return None
        what = _holder(path.parent)
        if what == "trained run":
            return _fault(path, "a file of weights, not a spec", path, what)
        if what and path.name == _SAVED:
            return _fault(path, "a file of weights, not a spec", path.parent, what)
    except (OSError, ValueError):
        return None
    help_ = (
        f"call resforge.load_weights(model, {str(path)!r}) with a network, made by resforge.build"
    )
    return Fault("file", f"{path} is a file of weights, not a spec", help=f"in Python, {help_}")


def weights_in(folder: Path) -> Path | None:
    """The weights in the folder of a run, its best, or of a saved network; None for other paths."""
    try:
        what = _holder(folder)
        names = {"trained run": (BEST, LAST), "saved network": (_SAVED,)}.get(what, ())
        return next((folder / name for name in names if (folder / name).is_file()), None)
    except (OSError, ValueError):
        return None


def _holder(folder: Path) -> str:
    """What a folder holds: a trained run, a saved network, or neither."""
    if (folder / RUN).is_file():
        return "trained run"
    return "saved network" if all((folder / n).is_file() for n in (_CONFIG, _SAVED)) else ""


def _fault(path: Path, is_: str, argument: Path, what: str) -> Fault:
    text = str(argument)
    call = f"resforge.load_run({text!r}).model" if what == "trained run" else ""
    call = call or f"resforge.from_pretrained({text!r})"
    message = f"{path} is {is_}"
    return Fault("file", message, help=f"in Python, call {call} for the network with its weights")
