"""fastai's names: the numbers of ``children()`` in a body, which is ``0``.

Its usual head, ``1``, pools twice and normalises vectors, for which the language has no word.
"""

from __future__ import annotations

from ..naming import Form
from .children import STEMS, numbered

WORDS = "those of fastai"

FORMS = tuple(Form(numbered(stem, before, "0.")) for stem, before in STEMS)
