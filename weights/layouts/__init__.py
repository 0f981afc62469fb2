"""The names of other projects for the tensors of a residual network, one file each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

from ...specs.network import ResNetSpec
from ..naming import Form
from . import (
    children,
    d2l,
    deep_base,
    detectron2,
    fastai,
    huggingface,
    mmpretrain,
    pycls,
    pytorch_cifar,
    pytorchcv,
    timm,
    timm_byobnet,
    timm_regnet,
    timm_resnetv2,
    torchreid,
    torchvision,
    torchvision_regnet,
    weiaicunzai,
    wide_resnet,
)


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


#: Layouts by the names that ``layout=`` and ``--to`` take. Of two that fit equally, the first wins.
LAYOUTS: dict[str, Layout] = {
    name: Layout(
        module.WORDS,
        module.FORMS,
        getattr(module, "implied", _the_same),
        getattr(module, "written", getattr(module, "implied", _the_same)),
        getattr(module, "CONVOLUTIONS", ()),
    )
    for name, module in {
        "torchvision": torchvision,
        "deep_base": deep_base,
        "timm": timm,
        "huggingface": huggingface,
        "d2l": d2l,
        "mmpretrain": mmpretrain,
        "pytorch_cifar": pytorch_cifar,
        "children": children,
        "fastai": fastai,
        "torchreid": torchreid,
        "detectron2": detectron2,
        "pytorchcv": pytorchcv,
        "weiaicunzai": weiaicunzai,
        "wide_resnet": wide_resnet,
        "pycls": pycls,
        "torchvision_regnet": torchvision_regnet,
        "timm_regnet": timm_regnet,
        "timm_byobnet": timm_byobnet,
        "timm_resnetv2": timm_resnetv2,
    }.items()
}


#: Number of names that are compared; a hostile file can have very many.
_COMPARED = 2_000


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
    compared = list(islice(names, _COMPARED))
    best = Reading("", Form(()), -1, -1)
    for name, entry in LAYOUTS.items():
        for form in entry.forms if layout in (None, name) else ():
            known = set(form.natives(compared).values())
            body = sum(not native.startswith(("fc.", "head.")) for native in known)
            measure, so_far = (body, len(known)), (best.body, best.known)
            equal = measure == so_far and form.counts(compared)
            if measure > so_far or (equal and not best.form.counts(compared)):
                best = Reading(name, form, body, len(known))
    return best
