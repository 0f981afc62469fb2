"""The names of other projects for the tensors of a residual network, one file each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import islice
from typing import NamedTuple

from ...specs.network import ResNetSpec
from ..naming import Form
from . import d2l, deep_base, huggingface, mmpretrain, pytorch_cifar, timm, torchvision


class Layout(NamedTuple):
    """The names of one project."""

    words: str
    """Description for messages: "the names are ..."."""
    forms: tuple[Form, ...]
    implied: Callable[[ResNetSpec], ResNetSpec]
    """The network that the project's code makes of the tensors of one."""


def _the_same(spec: ResNetSpec) -> ResNetSpec:
    """The usual case: the project has code for whatever the spec says."""
    return spec


#: Layouts by the names that ``layout=`` and ``--to`` take. Of two that fit equally, the first wins.
LAYOUTS: dict[str, Layout] = {
    name: Layout(module.WORDS, module.FORMS, getattr(module, "implied", _the_same))
    for name, module in {
        "torchvision": torchvision,
        "deep_base": deep_base,
        "timm": timm,
        "huggingface": huggingface,
        "d2l": d2l,
        "mmpretrain": mmpretrain,
        "pytorch_cifar": pytorch_cifar,
    }.items()
}


#: Number of names that are compared; a hostile file can have very many.
_COMPARED = 2_000


class Reading(NamedTuple):
    """A form of a layout, and the number of names in a file that it knows."""

    layout: str
    form: Form
    known: int


def recognise(
    names: Iterable[str], targets: Collection[str] = (), layout: str | None = None
) -> Reading:
    """The form that knows most of ``names``, among all layouts or those of ``layout``.

    Names in ``targets``, those of the model, count as known.

    >>> recognise(["resnet.embedder.embedder.convolution.weight", "classifier.1.bias"]).layout
    'huggingface'
    """
    compared, targets = list(islice(names, _COMPARED)), set(targets)
    best = Reading("", Form(()), 0)
    best_by_rule = -1
    for name, entry in LAYOUTS.items():
        for form in entry.forms if layout in (None, name) else ():
            by_rule = {other for other in compared if form.native(other) is not None}
            as_is = sum(other in targets for other in compared if other not in by_rule)
            known = len(by_rule) + as_is
            if (known, len(by_rule)) > (best.known, best_by_rule):
                best, best_by_rule = Reading(name, form, known), len(by_rule)
    return best
