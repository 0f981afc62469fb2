"""The names of owruby/shake-shake_pytorch, whose blocks are ``branch1``, ``branch2`` and
``shortcut``."""

from __future__ import annotations

from collections.abc import Iterator

from ..naming import Form, Rule

WORDS = "those of shake-shake_pytorch"

_LAYER = "layer{s}.{b}."
_SHORTCUT = f"{_LAYER}downsample."


def _branches(convolutions: tuple[int, ...]) -> Iterator[Rule]:
    """The layers of both branches, whose convolutions stand at these places of a row."""
    for path in (0, 1):
        for number, place in enumerate(convolutions, 1):
            ours = f"{_LAYER}branch.parallel1.paths.{path}."
            theirs = f"{_LAYER}branch{path + 1}."
            yield f"{ours}conv{number}", f"{theirs}{place}"
            yield f"{ours}norm{number}", f"{theirs}{place + 1}"


_REST: tuple[Rule, ...] = (
    ("stem.conv1", "c_in"),
    *((f"{_SHORTCUT}1.paths.{path}.conv1", f"{_LAYER}shortcut.conv{path + 1}") for path in (0, 1)),
    (f"{_SHORTCUT}2", f"{_LAYER}shortcut.bn"),
    ("fc", "fc_out"),
)

FORMS = (Form((*_branches((1, 4)), *_REST)), Form((*_branches((0, 3, 6)), *_REST)))
