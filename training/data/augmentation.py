"""Specs of the augmentation of training images; :mod:`.augment` carries them out."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ...specs.base import Spec, expand_kind, short_tree
from ..pictures.view import RandomCrop


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


class RandomCrops(RandomCrop):
    """The random crops of ``resforge train``: a part of each picture, mirrored half the time."""

    kind: Literal["random_crop"] = "random_crop"


AnyAugmentation = NoAugmentation | CropFlip | RandomCrops
_Kinds = Annotated[NoAugmentation | CropFlip, Field(discriminator="kind")]
Augmentation = Annotated[
    _Kinds,
    BeforeValidator(expand_kind, json_schema_input_type=Literal["none", "crop_flip"] | _Kinds),
]
_OfFolders = Annotated[AnyAugmentation, Field(discriminator="kind")]
FolderAugmentation = Annotated[
    _OfFolders,
    BeforeValidator(
        expand_kind, json_schema_input_type=Literal["none", "crop_flip", "random_crop"] | _OfFolders
    ),
]
"""Augmentations of pictures whose files are larger than what the network sees."""


def short_text(augment: AnyAugmentation) -> str:
    """Canonical text of an augmentation: a bare kind, or JSON.

    >>> short_text(CropFlip()), short_text(CropFlip(pad=2))
    ('crop_flip', '{"kind": "crop_flip", "pad": 2}')
    """
    tree = short_tree(augment)
    return tree if isinstance(tree, str) else json.dumps(tree, sort_keys=True)
