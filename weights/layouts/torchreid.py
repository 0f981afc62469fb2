"""The names of torchreid's ResNets: torchvision's, except that the head is ``classifier``.

The layers between pool and head that some of its networks have, ``fc``, have no name here.
"""

from __future__ import annotations

from ..naming import Form, shallow
from .torchvision import BLOCK, SHALLOW

WORDS = "those of torchreid"

FORMS = (Form((*SHALLOW, *BLOCK, ("fc", "classifier")), shallow),)
