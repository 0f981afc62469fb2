"""Specs of the augmentation of training images; :mod:`.augment` carries them out."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ...specs.base import Spec, expand_kind, short_tree


class NoAugmentation(Spec):
    """No augmentation."""

    kind: Literal["none"] = "none"


AS_THEY_ARE = NoAugmentation()


class CropFlip(Spec):
    """Shift and mirror each image left to right (He et al. 2015, section 4.2)."""

    kind: Literal["crop_flip"] = "crop_flip"
    pad: Annotated[int, Field(ge=0, le=64)] = 4
    """Zeros added on each side of the image, from which a random crop of its size is taken."""
    flip: Literal["random", "alternating", "none"] = "random"
    """``random``: half the time; ``alternating``: in every other epoch, beginning with the first
    or the second, at random for each image (Jordan 2024, arXiv 2404.00498, section 3.6)."""


_Kinds = Annotated[NoAugmentation | CropFlip, Field(discriminator="kind")]
Augmentation = Annotated[
    _Kinds,
    BeforeValidator(expand_kind, json_schema_input_type=Literal["none", "crop_flip"] | _Kinds),
]


def short_text(augment: NoAugmentation | CropFlip) -> str:
    """Canonical text of an augmentation: a bare kind, or JSON.

    >>> short_text(CropFlip()), short_text(CropFlip(pad=2))
    ('crop_flip', '{"kind": "crop_flip", "pad": 2}')
    """
    tree = short_tree(augment)
    return tree if isinstance(tree, str) else json.dumps(tree, sort_keys=True)
