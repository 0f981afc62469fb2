"""From a spec to another project's settings, where that project can say the network."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from ..errors import Fault, SpecError, path_text
from ..reading.diff import tree_changes
from ..reading.load import SpecLike, as_spec
from ..specs.base import Spec, short_tree
from ..specs.network import ResNetSpec
from ..specs.paths import nearest
from ..text.inline import in_words
from ..text.writer import to_json, to_yaml
from .format import Format
from .formats import FORMATS
from .imported import from_config

#: Kinds of block of which projects have words.
_BLOCKS: Final = ("basic", "bottleneck", "x")
#: Differences that an error names.
_SHOWN: Final = 6


@cache
def writable() -> tuple[str, ...]:
    """Formats that can be written."""
    return tuple(name for name, known in FORMATS.items() if known.write is not None)


def to_config(spec: SpecLike, format: str) -> dict[str, Any]:
    """The settings of another project that describe the same network.

    ``spec`` is a spec, a catalogue name, a file or a mapping, ``format`` one of ``huggingface``,
    ``timm``, ``pycls``, ``detectron2`` and ``mmpretrain``. The settings are read again, and have
    the same digest. Raises :class:`SpecError` with what the project cannot say.

    >>> to_config("resnet18", "timm")["architecture"]
    'resnet18'
    >>> to_config("resnet50", "pycls")["ANYNET"]["BOT_MULS"]
    [0.25, 0.25, 0.25, 0.25]
    """
    own, known = as_spec(spec, "to_config"), _format(format)
    assert known.write is not None
    settings = dict(known.write(own)) if _common(own) or known.name == "timm" else {}
    if not settings:
        raise SpecError(Fault("config", f"{known.project} has no words for these blocks", "block"))
    try:
        found = from_config(settings, known.name).spec
    except SpecError as error:
        message = f"{known.project} cannot say this network: {error.message}"
        raise SpecError(Fault("config", message)) from None
    if found.digest != own.digest:
        raise SpecError(_differences(own, found, known))
    return settings


def as_text(settings: dict[str, Any], format: str) -> str:
    """Settings as the text of a file of that format: JSON where its files are JSON, else YAML."""
    return to_json(settings) if format in ("huggingface", "timm") else to_yaml(settings)


def _format(name: str) -> Format:
    if name in writable():
        return FORMATS[name]
    close = nearest(name, list(writable())) if isinstance(name, str) else None
    help_ = f"did you mean {close!r}?" if close else f"known: {', '.join(writable())}"
    raise SpecError(Fault("format", f"no format {name!r} can be written", help=help_))


def _common(spec: ResNetSpec) -> bool:
    """Whether every block is of a kind that projects have, on pictures."""
    blocks = [spec.block, *(stage.block for stage in spec.stages if stage.block is not None)]
    return spec.dims == 2 and all(block.kind in _BLOCKS for block in blocks)


def _differences(own: ResNetSpec, found: ResNetSpec, known: Format) -> list[Fault]:
    """What the nearest settings of the project have in another way."""
    stages = [*own.stages, *found.stages]
    by_stage = [
        name
        for name in ("block", "shortcut")
        if any(getattr(stage, name) is not None for stage in stages)
    ]
    one, two = (_short_tree(spec, by_stage) for spec in (own, found))
    changes = [change for change in tree_changes(one, two) if change.path != "name"]
    return [
        Fault(
            "config",
            f"{known.project} has {in_words(change.after)} here, not {in_words(change.before)}",
            change.path or path_text(()),
        )
        for change in changes[:_SHOWN]
    ]


def _short_tree(spec: ResNetSpec, by_stage: list[str]) -> dict[str, Any]:
    """The tree of ``spec`` with short parts, and with the parts ``by_stage`` in each stage."""
    tree = {**spec.model_dump(mode="json"), **_parts(spec, "stem", "head", "block", "shortcut")}
    of_all = {name: tree.pop(name) for name in by_stage}
    tree["stages"] = [
        {**plain, **of_all, **_parts(stage, *by_stage)}
        for stage, plain in zip(spec.stages, tree["stages"], strict=True)
    ]
    return tree


def _parts(spec: Spec, *names: str) -> dict[str, Any]:
    """The parts ``names`` that ``spec`` has, as a user would write them."""
    parts = {name: getattr(spec, name) for name in names}
    return {
        name: short_tree(part) or part.model_dump(mode="json")
        for name, part in parts.items()
        if isinstance(part, Spec)
    }
