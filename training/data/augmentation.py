"""What may be done to training images: the words for it. :mod:`.augment` does it."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ...specs.base import Spec, expand_kind, short_tree


class NoAugmentation(Spec):
    """Training images as they are."""

    kind: Literal["none"] = "none"


AS_THEY_ARE = NoAugmentation()


class CropFlip(Spec):
    """Each image shifted, and mirrored left to right (He et al. 2015, section 4.2)."""

    kind: Literal["crop_flip"] = "crop_flip"
    pad: Annotated[int, Field(ge=0, le=64)] = 4
    """Zeros around the image, of which a crop of the image's size is taken at random."""
    flip: Literal["random", "alternating", "none"] = "random"
    """``random``: half the time; ``alternating``: in every other epoch, from a first one that is
    drawn for each image (Jordan 2024, arXiv 2404.00498, section 3.6)."""


_Kinds = Annotated[NoAugmentation | CropFlip, Field(discriminator="kind")]
Augmentation = Annotated[
    _Kinds,
    BeforeValidator(expand_kind, json_schema_input_type=Literal["none", "crop_flip"] | _Kinds),
]


def short_text(augment: NoAugmentation | CropFlip) -> str:
    """One text for one augmentation: a bare kind, or JSON.

    >>> short_text(CropFlip()), short_text(CropFlip(pad=2))
    ('crop_flip', '{"kind": "crop_flip", "pad": 2}')
    """
    tree = short_tree(augment)
    return tree if isinstance(tree, str) else json.dumps(tree, sort_keys=True)
