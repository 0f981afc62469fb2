"""detectron2's names, in which a norm belongs to its convolution: ``res2.0.conv1.norm``; also under
``backbone.bottom_up.``, and with ``roi_heads.res5``.

A backbone stands alone, in a detector with a feature pyramid (``backbone.bottom_up``), or in one
without, whose last stage is in ``roi_heads``. Its own checkpoints from Caffe2 (``MSRA``) stride in
the first 1x1 and take blue, green and red in this order, neither of which names can show.
"""

from __future__ import annotations

from ..naming import Form, Rule, deep, shallow

WORDS = "those of detectron2"

_SHALLOW: tuple[Rule, ...] = (("conv1", "stem.conv1"), ("bn1", "stem.conv1.norm"))
_DEEP: tuple[Rule, ...] = (("conv{n}", "stem.conv{n}"), ("bn{n}", "stem.conv{n}.norm"))


def _stage(ours: str, theirs: str) -> tuple[Rule, ...]:
    return (
        (f"layer{ours}.{{b}}.conv{{n}}", theirs + ".{b}.conv{n}"),
        (f"layer{ours}.{{b}}.bn{{n}}", theirs + ".{b}.conv{n}.norm"),
        (f"layer{ours}.{{b}}.downsample.0", theirs + ".{b}.shortcut"),
        (f"layer{ours}.{{b}}.downsample.1", theirs + ".{b}.shortcut.norm"),
    )


# The script that converts torchvision's files leaves the last layer in the stem.
_BODY = (*_stage("{s}", "res{s+1}"), ("fc", "linear"), ("fc", "stem.fc"))


def _within(prefix: str, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    return tuple((ours, prefix + theirs) for ours, theirs in rules)


FORMS = tuple(
    Form((*last, *_within(prefix, (*stem, *_BODY))), made_for)
    for prefix, last in (
        ("", ()),
        ("backbone.bottom_up.", ()),
        ("backbone.", _stage("4", "roi_heads.res5")),
    )
    for stem, made_for in ((_SHALLOW, shallow), (_DEEP, deep))
)
