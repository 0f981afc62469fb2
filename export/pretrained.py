"""A folder that holds a network whole: weights, spec, a page about it, code for torch alone."""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .._version import __version__
from ..blocks import ResNet
from ..builder import build, spec_of
from ..builder.edits import is_part
from ..builder.network import unwrap
from ..configs import from_config, recognise
from ..drawing.numbers import grouped, shape_text
from ..errors import BuildError, SpecError
from ..files import make_folder, write_whole
from ..planner import Plan
from ..planner.plan import lay_out
from ..reading import loads
from ..reading.not_specs import fault_of
from ..specs import ResNetSpec
from ..specs.axes import sides_text
from ..text.markdown import markdown
from ..weights import load_weights, save_weights
from ..weights.read import read
from .errors import ExportError
from .source import to_code

CONFIG, WEIGHTS, CARD, PICTURE, CODE = (
    "config.json",
    "model.safetensors",
    "README.md",
    "network.svg",
    "model.py",
)

#: Files of weights of older folders of other projects.
THEIRS = ("pytorch_model.bin",)


def save_pretrained(model: nn.Module, folder: str | os.PathLike[str]) -> None:
    """Write ``model``, which resforge built, into ``folder``, which is made where it is missing.

    ``model.safetensors`` holds the weights (see :func:`resforge.save_weights`), ``config.json``
    the spec, ``README.md`` a model card with the spec, its counts and ``network.svg``, its
    picture; ``model.py`` is the network for those without resforge (see
    :func:`resforge.export.to_code`), left out where a registered module cannot be written so. Each
    file is written whole. Raises :class:`ResforgeError` for a model that resforge did not build and
    for one that was edited since (see :func:`resforge.spec_of`), and :class:`StoreError` where the
    disk refuses.

    >>> import tempfile, resforge as rf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_pretrained(rf.build("digits_resnet8"), folder)
    ...     rf.spec_of(from_pretrained(folder)).name
    'digits_resnet8'
    """
    spec, inner = spec_of(model), unwrap(model)
    place = Path(folder)
    if is_part(inner):
        raise ExportError(f"{place} cannot hold a part of a network: save the whole one")
    make_folder(place)
    save_weights(inner, place / WEIGHTS)
    write_whole(place / PICTURE, _plan(spec).to_svg())
    try:
        write_whole(place / CODE, to_code(spec))
    except BuildError:
        (place / CODE).unlink(missing_ok=True)
    write_whole(place / CARD, _card(spec, (place / CODE).exists()))
    dtype = str(next(inner.parameters()).dtype).removeprefix("torch.")
    config = {
        "library": "resforge",
        "version": __version__,
        "digest": spec.digest,
        "dtype": dtype,
        "spec": spec.to_tree(),
    }
    write_whole(place / CONFIG, json.dumps(config, indent=2) + "\n")


def from_pretrained(
    folder: str | os.PathLike[str],
    device: torch.device | str | None = None,
    *,
    revision: str | None = None,
    allow_extra: bool = False,
) -> ResNet:
    """The network that :func:`save_pretrained` wrote, in evaluation.

    A folder that timm or Hugging Face transformers wrote is read as well: its ``config.json`` by
    :func:`resforge.from_config`, its weights by :func:`resforge.load_weights`.

    ``folder`` may also be the name of a repository on the Hugging Face Hub, of which
    ``revision`` is a branch, tag or commit; that needs ``huggingface_hub``. ``allow_extra`` leaves
    out tensors that the network has no place for, as in :func:`resforge.load_weights`: the folder
    of transformers' ``BitBackbone`` holds such a norm, which that class does not run. Raises
    :class:`ExportError` where there is no such folder or what it holds was not written so,
    :class:`SpecError` for a spec that cannot be read and :class:`WeightsError` for weights that
    are not those that were written.
    """
    place = Path(folder)
    if not (place / CONFIG).is_file() and (fault := fault_of(place)):
        raise ExportError(f"{fault.message}; {fault.help}")
    if not place.is_dir():
        place = _download(os.fspath(folder), revision)
    if recognise(place / CONFIG) is not None:
        return _of_another_project(place, device, allow_extra)
    spec, dtype = _read_config(place / CONFIG)
    written = read(place / WEIGHTS).spec
    if written is None or written.digest != spec.digest:
        raise ExportError(
            f"{place}: {WEIGHTS} does not say that it is of the network in {CONFIG}; "
            "write the folder again"
        )
    model = build(spec, device=device, dtype=dtype)
    load_weights(model, place / WEIGHTS, allow_extra=allow_extra)
    model.eval()
    return model


def _of_another_project(
    place: Path, device: torch.device | str | None, allow_extra: bool
) -> ResNet:
    """The network of a folder that timm or transformers wrote."""
    file = next((place / name for name in (WEIGHTS, *THEIRS) if (place / name).is_file()), None)
    if file is None:
        raise ExportError(f"{place} holds no weights: put {WEIGHTS} beside {CONFIG}")
    model = build(from_config(place).spec, device=device)
    load_weights(model, file, allow_extra=allow_extra)
    model.eval()
    return model


def push_to_hub(model: nn.Module, repository: str, folder: str | os.PathLike[str]) -> str:
    """Write ``model`` into ``folder``, and that to a repository on the Hugging Face Hub.

    The repository is made where it is missing. Returns the address of the commit. Raises
    :class:`ExportError` where ``huggingface_hub`` is not installed, what
    :func:`save_pretrained` raises, and what the Hub answers.
    """
    hub = _hub(f"{repository} cannot be written to")
    save_pretrained(model, folder)
    hub.create_repo(repository, exist_ok=True)
    return str(hub.upload_folder(repo_id=repository, folder_path=os.fspath(folder)))


def _read_config(path: Path) -> tuple[ResNetSpec, torch.dtype]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        spec = loads(json.dumps(config["spec"]))
        dtype = getattr(torch, config["dtype"])
        if not isinstance(dtype, torch.dtype) or config["digest"] != spec.digest:
            raise ValueError
    except OSError as error:
        raise ExportError(f"{path} cannot be read ({error.strerror}): name its folder") from error
    except SpecError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ExportError(f"{path} is not what save_pretrained wrote; write it again") from error
    return spec, dtype


def _download(name: str, revision: str | None) -> Path:
    hub = _hub(f"{name} is no folder here")
    return Path(
        hub.snapshot_download(name, revision=revision, allow_patterns=[CONFIG, WEIGHTS, *THEIRS])
    )


def _hub(why: str) -> Any:
    try:
        return import_module("huggingface_hub")
    except ImportError as error:
        raise ExportError(
            f"{why}, and the Hugging Face Hub needs huggingface_hub: pip install huggingface_hub"
        ) from error


def _plan(spec: ResNetSpec) -> Plan:
    # At the size it was meant for, whether or not it strides further than that goes.
    return lay_out(spec, (spec.natural_input_size,) * spec.dims)


def _card(spec: ResNetSpec, with_code: bool) -> str:
    made = _plan(spec)
    name = markdown(spec.name.strip()) or "A residual network"
    task = "" if spec.head is None else "pipeline_tag: image-classification\n"
    counts = (
        ("input", shape_text(made.input_shape)),
        ("output", shape_text(made.output_shape)),
        ("parameters", grouped(made.params)),
        ("multiply-accumulates", grouped(made.macs)),
        ("activations", grouped(made.activations)),
        ("depth", str(made.depth)),
        ("receptive field", sides_text(made.receptive_field, spec.dims)),
    )
    table = "\n".join(f"| {what} | {count} |" for what, count in counts)
    code = (
        f"\nWithout resforge, `{CODE}` is the same network for torch alone.\n" if with_code else ""
    )
    return f"""\
---
library_name: resforge
{task}tags:
- resnet
- resforge
---

# {name}

![The network]({PICTURE})

| | |
|---|---|
{table}

```python
import resforge as rf

model = rf.from_pretrained(".")  # this folder, or the name of its repository
```
{code}
## Spec

Its digest is `{spec.digest}`.

```yaml
{spec.to_yaml().rstrip()}
```
"""
