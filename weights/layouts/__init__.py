"""The names of other projects for the tensors of a residual network, one file each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from itertools import islice
from pkgutil import iter_modules
from typing import Any, NamedTuple

from ...specs.network import ResNetSpec
from ..naming import TENSORS, Form, layers_of
from ..template import Dictionary

_FIRST = ("torchvision", "deep_base", "timm")
"""Layouts that are preferred, where several fit equally."""


def _the_same(spec: ResNetSpec) -> ResNetSpec:
    """The usual case: the project has code for whatever the spec says."""
    return spec


class Layout(NamedTuple):
    """The names of one project."""

    words: str
    """Description for messages: "the names are ..."."""
    forms: tuple[Form, ...]
    implied: Callable[[ResNetSpec], ResNetSpec] = _the_same
    """The network that the project's code makes of the tensors of one, read under these names."""
    written: Callable[[ResNetSpec], ResNetSpec] = _the_same
    """The same for a file that is written for that code."""
    convolutions: tuple[str, ...] = ()
    """Linear layers, by their native names, that are 1x1 convolutions there."""
    flat: tuple[str, ...] = ()
    """Layers, by the ends of their native names, whose tensors have no sides there: 1x1
    convolutions that are linear layers, norms of a vector."""
    numbers: tuple[str, ...] = ()
    """Layers, by the ends of their native names, whose tensor of one element has no side there."""
    arrays: str = ""
    """The kind of the files of NumPy arrays that have these names; they are read only."""


def _modules() -> Iterator[tuple[str, Any]]:
    """The modules of this folder with forms of names, in a fixed order."""
    found = sorted(module.name for module in iter_modules(__path__))
    for name in (*_FIRST, *(name for name in found if name not in _FIRST)):
        module = import_module(f"{__name__}.{name}")
        if hasattr(module, "FORMS"):
            yield name, module


#: Layouts by the names that ``layout=`` and ``--to`` take: every file of this folder that has
#: ``WORDS`` and ``FORMS``. Of two that fit equally, the first wins.
LAYOUTS: dict[str, Layout] = {
    name: Layout(
        module.WORDS,
        module.FORMS,
        getattr(module, "implied", _the_same),
        getattr(module, "written", getattr(module, "implied", _the_same)),
        getattr(module, "CONVOLUTIONS", ()),
        getattr(module, "FLAT", ()),
        getattr(module, "NUMBERS", ()),
        getattr(module, "ARRAYS", ""),
    )
    for name, module in _modules()
}


@cache
def _dictionary(layout: str | None) -> Dictionary:
    """The rules of all forms of all layouts, or of those of ``layout``, as one."""
    layouts = [entry for name, entry in LAYOUTS.items() if layout in (None, name)]
    return Dictionary(
        (theirs, ours) for entry in layouts for form in entry.forms for ours, theirs in form.rules
    )


def native_layers(name: str, layout: str | None = None) -> Iterator[str]:
    """The native layers that a tensor of this name may belong to, under any layout or ``layout``.

    >>> [*native_layers("layer1.0.shortcut.0.weight")], [*native_layers("lm_head.weight")]
    (['layer1.0.downsample.0'], [])
    """
    layer, _, tensor = name.rpartition(".")
    return _dictionary(layout).all(layer) if tensor in TENSORS else iter(())


#: Number of names that are compared; a hostile file can have very many.
_COMPARED = 2_000
HEADS = ("fc", "head")
"""How the native names of a head's layers begin."""


class Reading(NamedTuple):
    """A form of a layout, and the number of names in a file that it knows."""

    layout: str
    form: Form
    body: int
    """Known names of layers outside of the head."""
    known: int


def recognise(names: Iterable[str], layout: str | None = None) -> Reading:
    """The form that knows most of ``names``, among all layouts or those of ``layout``.

    For networks of which only the names are known. A head says little about the others: its name
    counts only between forms that know equally many layers of the body.

    >>> recognise(["resnet.embedder.embedder.convolution.weight", "classifier.1.bias"]).layout
    'huggingface'
    """
    layers = layers_of(islice(names, _COMPARED))
    best = Reading("", Form(()), -1, -1)
    for name, entry in LAYOUTS.items():
        for form in entry.forms if layout in (None, name) else ():
            found = form.known(layers)
            body = sum(n for native, n in found.items() if not native.startswith(HEADS))
            known = sum(found.values())
            measure, so_far = (body, known), (best.body, best.known)
            equal = measure == so_far and form.counts(layers)
            if measure > so_far or (equal and not best.form.counts(layers)):
                best = Reading(name, form, body, known)
    return best
