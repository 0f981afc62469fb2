"""The names of torchreid's ResNets: torchvision's, except that the head is ``classifier``.

The layers between pool and head that some of its networks have, ``fc``, have no name here.
"""

from __future__ import annotations

from ...specs.network import ResNetSpec
from ..naming import Form, shallow
from .fixed import plain, with_fields
from .torchvision import BLOCK, SHALLOW

WORDS = "those of torchreid"

FORMS = (Form((*SHALLOW, *BLOCK, ("fc", "classifier")), shallow),)


def implied(spec: ResNetSpec) -> ResNetSpec:
    """``spec`` with the choices of this code: relu, the usual norms, the stride on the 3x3."""
    return with_fields(plain(spec), bottleneck={"stride_on": "conv2"})
