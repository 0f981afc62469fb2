"""The names of hongyi-zhang/Fixup, with offsets of no layer: ``layer1.0.bias1a``."""

from __future__ import annotations

from ..naming import Form

WORDS = "those of Fixup"

_OURS, _THEIRS = "layer{s}.{b}.branch.", "layer{s}.{b}."

FORMS = (
    Form(
        (
            ("stem.conv1", "conv1"),
            ("stem.shift1.bias", "bias1"),
            ("layer{s}.{b}.preactivation.shift1.bias", _THEIRS + "bias1a"),
            (_OURS + "shift1.bias", _THEIRS + "bias1b"),
            (_OURS + "shift2.bias", _THEIRS + "bias2a"),
            (_OURS + "shift3.bias", _THEIRS + "bias2b"),
            (_OURS + "shift4.bias", _THEIRS + "bias3a"),
            (_OURS + "shift5.bias", _THEIRS + "bias3b"),
            (_OURS + "scale1.weight", _THEIRS + "scale"),
            (_OURS + "conv{n}", _THEIRS + "conv{n}"),
            ("layer{s}.{b}.downsample.0", _THEIRS + "downsample"),
            ("head.shift1.bias", "bias2"),
            ("head.linear1", "fc"),
        ),
        requires="layer1.0.preactivation.shift1.bias",
    ),
)
