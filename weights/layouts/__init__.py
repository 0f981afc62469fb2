"""How other projects name the tensors of a residual network, one file for each."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from typing import NamedTuple

from ..naming import Form
from . import d2l, deep_base, huggingface, mmpretrain, pytorch_cifar, timm, torchvision


class Layout(NamedTuple):
    """A project's names."""

    words: str
    """Whose names they are, as a message says it."""
    forms: tuple[Form, ...]


#: By the names that ``layout=`` and ``--to`` take. Of two that fit as well, the first is meant.
LAYOUTS: dict[str, Layout] = {
    name: Layout(module.WORDS, module.FORMS)
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


#: Names that a form is judged by; a hostile file can have very many.
_JUDGED = 2_000


class Reading(NamedTuple):
    """A form of a layout, and how many of a file's names it knows."""

    layout: str
    form: Form
    known: int


def recognise(
    names: Iterable[str], targets: Collection[str] = (), layout: str | None = None
) -> Reading:
    """The layout, or the form of the one that is wanted, that knows most of ``names``.

    A name that stands among ``targets``, those of the model, is known as it is.

    >>> recognise(["resnet.embedder.embedder.convolution.weight", "classifier.1.bias"]).layout
    'huggingface'
    """
    judged, targets = list(islice(names, _JUDGED)), set(targets)
    best = Reading("", Form(()), 0)
    ruled = -1
    for name, (_, forms) in LAYOUTS.items():
        for form in forms if layout in (None, name) else ():
            by_rule = {other for other in judged if form.native(other) is not None}
            known = len(by_rule) + sum(other in targets for other in judged if other not in by_rule)
            if (known, len(by_rule)) > (best.known, ruled):
                best, ruled = Reading(name, form, known), len(by_rule)
    return best
