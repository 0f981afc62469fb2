"""One file for each project's format."""

from __future__ import annotations

from typing import Final

from ..format import Format
from . import (
    classy,
    detectron2,
    huggingface,
    keras,
    monai,
    openmmlab,
    paddle,
    pycls,
    targets,
    tensorflow,
    timm,
    ultralytics,
    vissl,
)

_MODULES: Final = (
    *(huggingface, timm, pycls, vissl, detectron2, tensorflow, paddle, targets, monai, keras),
    *(openmmlab, ultralytics, classy),
)
#: In the order in which a file is compared with them.
FORMATS: Final[dict[str, Format]] = {module.FORMAT.name: module.FORMAT for module in _MODULES}
