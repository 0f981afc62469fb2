"""Files of TensorFlow's model garden: its rules, and the counts of tf-models-official 2.20."""

from __future__ import annotations

from typing import Any

import pytest
import resforge as rf
import torch
from resforge.blocks import SameAvgPool2d


def garden(kind: str = "resnet", /, model: dict[str, Any] | None = None, **keys: Any) -> Any:
    return {"task": {"model": {"backbone": {"type": kind, kind: keys}} | (model or {})}}


RS = {"stem_type": "v1", "se_ratio": 0.25, "resnetd_shortcut": True}
DEEPLAB = {"output_stride": 8, "multigrid": [1, 2, 4], "last_stage_repeats": 2}
COUNTED = [
    (garden(model_id=18), 11_180_736, 149_094_400),
    (garden(model_id=26, resnetd_shortcut=True, se_ratio=0.1), 17_661_210, 224_798_464),
    (garden(model_id=34, depth_multiplier=0.5), 5_328_864, 77_430_784),
    # The first block projects 64 channels to 64.
    (garden(model_id=101, scale_stem=False, depth_multiplier=0.25), 2_688_768, 49_807_360),
    # 76 * 0.3333333 is a little less than 25.33, and 57 * 0.3333333 than 19.
    (garden(model_id=18, depth_multiplier=0.3, se_ratio=0.3333333), 1_039_649, 15_227_820),
    (garden(model={"num_classes": 7}, **RS), 33_620_263, 363_280_384),
    (
        garden(
            model={"num_classes": 7, "add_head_batch_norm": True},
            replace_stem_max_pool=True,
            stochastic_depth_drop_rate=0.2,
            **RS,
        ),
        33_661_351,
        372_717_568,
    ),
    (garden("dilated_resnet"), 23_508_032, 506_658_816),
    (
        garden("dilated_resnet", replace_stem_max_pool=True, **RS, **DEEPLAB),
        57_649_152,
        2_822_012_928,
    ),
    (
        garden("dilated_resnet", model_id=101, **(DEEPLAB | {"output_stride": 32})),
        60_086_336,
        706_936_832,
    ),
]


@pytest.mark.parametrize(("config", "params", "macs"), COUNTED)
def test_counts(config: dict[str, Any], params: int, macs: int) -> None:
    plan = rf.plan(rf.from_config(config).spec, 64)
    assert (plan.params, plan.macs) == (params, macs)


def test_a_shortcut_that_does_not_stride_averages_all_the_same() -> None:
    """Windows of 2x2 at each pixel, of which the padding does not count."""
    model = rf.build(rf.from_config(garden(**RS)).spec)
    (pool,) = [module for module in model.modules() if isinstance(module, SameAvgPool2d)]
    assert pool is model.get_submodule("layer1.0.downsample")[0]  # type: ignore[index]
    x = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])
    assert pool(x).tolist() == [[[[3.0, 4.0], [4.5, 6.0]]]]


def test_dilations_are_those_of_each_block() -> None:
    plan = rf.plan(rf.from_config(garden("dilated_resnet", **DEEPLAB)).spec, 64)
    wide = [layer for layer in plan.layers if layer.kernel == 3 and "layer" in layer.name]
    found = [[c.dilation for c in wide if f"layer{n}." in c.name] for n in range(1, 6)]
    assert found == [[1] * 3, [1] * 4, [2] * 6, [4, 8, 16], [8, 16, 32]]


@pytest.mark.parametrize("part", ["decoder", "head", "anchor"])
def test_classes_of_a_segmenter_or_detector_make_no_classifier(part: str) -> None:
    found = rf.from_config(garden(model={"num_classes": 21, part: {"num_filters": 256}}))
    assert found.spec.head is None
    assert any(part in note for note in found.notes)


@pytest.mark.parametrize(
    ("config", "place", "word"),
    [
        (garden(model={"output_softmax": True}), "model.output_softmax", "probabilities"),
        (garden(stochastic_depth_drop_rate=1.5), "stochastic_depth_drop_rate", "less than 1"),
        (garden("dilated_resnet", model_id=18), "dilated_resnet.model_id", "one of"),
        (garden("dilated_resnet", multigrid=[1, 2]), "multigrid", "2 numbers for 3"),
        (garden("dilated_resnet", last_stage_repeats=60_000), "last_stage_repeats", "at most"),
        (garden("dilated_resnet", output_stride=64), "output_stride", "one of"),
        (garden("spinenet"), "backbone.type", "spinenet"),
        (garden(model={"norm_activation": {"activation": "gelu"}}), "activation", "gelu"),
    ],
)
def test_what_no_spec_says_is_refused_by_name(config: Any, place: str, word: str) -> None:
    with pytest.raises(rf.SpecError) as caught:
        rf.from_config(config)
    assert any(place in fault.path and word in fault.message for fault in caught.value.faults)
