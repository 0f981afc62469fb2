"""fastai's names of the body of a learner: ``0.0``, ``0.1``, ``0.4.0.conv1``.

Its usual head, ``1``, pools twice and normalises vectors, for which the language has no word.
"""

from __future__ import annotations

from ..naming import Form
from .children import STEMS, numbered

WORDS = "those of fastai"

FORMS = tuple(Form(numbered(stem, before, "0.")) for stem, before in STEMS)
