"""The catalogue under names that timm finds, and what timm asks of a network."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest
import resforge as rf
import torch
from reference_resnet_d import Basic, Bottleneck, ReferenceResNetD, native_state_dict
from resforge import export
from resforge.export import with_timm


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What of timm's registry is used, as it answers in timm 1.0.31."""
    known: dict[str, Any] = {}

    class FeatureInfo:
        def __init__(self, info: list[dict[str, Any]], out_indices: Any) -> None:
            self.info, self.out_indices = info, out_indices

        def channels(self) -> list[int]:
            return [self.info[index]["num_chs"] for index in self.out_indices]

    def resolve(name: str, config: Any, overlay: Any) -> Any:
        # A configuration that is given stands for all of the registered one.
        plain = {"num_classes": 1000, "input_size": (3, 224, 224)}
        found = with_timm.default_cfgs[name] if config is None else {**plain, **config}
        return types.SimpleNamespace(to_dict=lambda: {**found, **(overlay or {})})

    models = types.SimpleNamespace(
        register_model=lambda make: known.setdefault(make.__name__, make),
        is_model=known.__contains__,
        resolve_pretrained_cfg=resolve,
        FeatureInfo=FeatureInfo,
    )
    monkeypatch.setitem(sys.modules, "timm", types.SimpleNamespace(models=models))
    monkeypatch.setitem(sys.modules, "timm.models", models)

    def create_model(name: str, pretrained: bool = False, **options: Any) -> Any:
        # As timm calls an entry point: all of its own arguments, and options that are not None.
        own = {
            key: options.pop(key, None)
            for key in ("pretrained_cfg", "pretrained_cfg_overlay", "cache_dir")
        }
        given = {key: value for key, value in options.items() if value is not None}
        return known[name](pretrained=pretrained, **own, **given)

    return types.SimpleNamespace(create_model=create_model)


def test_timm_finds_the_catalogue(timm: Any) -> None:
    names = rf.register_with_timm("*resnet[12]*")
    assert names == [f"resforge_{name}" for name in rf.list_specs("*resnet[12]*")]
    assert rf.register_with_timm("resnet18*")[0] == "resforge_resnet18"
    model = timm.create_model("resforge_resnet18d", num_classes=10, in_chans=1, drop_path_rate=0.1)
    drops = {"rate": 0.1, "rule": "linear_from_zero", "mode": "row"}
    changes = {"head.num_classes": 10, "in_channels": 1, "stochastic_depth": drops}
    assert rf.spec_of(model) == rf.load("resnet18d").replace(changes)
    assert (model.num_classes, model.num_features) == (10, 512)
    assert model.pretrained_cfg["input_size"] == (3, 224, 224)
    x = torch.randn(2, 3, 32, 32)
    assert timm.create_model("resforge_cifar_resnet20", num_classes=0)(x).shape == (2, 64)
    maps = timm.create_model("resforge_resnet18", features_only=True, out_indices=(2, 4))
    assert maps.feature_info.channels() == [m.shape[1] for m in maps(x)] == [128, 512]
    assert [info["reduction"] for info in maps.feature_info.info] == [2, 4, 8, 16, 32]


@pytest.mark.parametrize("output_stride", [8, 16, 32])
@pytest.mark.parametrize(("name", "block"), [("resnet18d", Basic), ("resnet50", Bottleneck)])
def test_what_timm_asks_is_what_timm_builds(
    timm: Any, name: str, block: Any, output_stride: int
) -> None:
    """Dilation, the pool of a dilated ResNet-D, and branches lost in training, bit for bit."""
    rf.register_with_timm(name)
    asked = {"output_stride": output_stride, "drop_path_rate": 0.4, "num_classes": 5}
    model = timm.create_model(f"resforge_{name}", **asked)
    deep: dict[str, Any] = {"stem_widths": (32, 32, 64), "avg_down": True}
    depths = (2, 2, 2, 2) if block is Basic else (3, 4, 6, 3)
    reference = ReferenceResNetD(block, depths, **asked, **(deep if name.endswith("d") else {}))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in reference.parameters():  # of both signs, norms included
            drawn = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(drawn / max(1, parameter[0].numel()) ** 0.5)
    model.load_state_dict(native_state_dict(reference))
    x = torch.randn(6, 3, 37, 50)
    for training in (True, False):
        torch.manual_seed(2)
        wanted = reference.train(training)(x)
        torch.manual_seed(2)
        assert wanted.isfinite().all()
        assert torch.equal(model.train(training)(x), wanted)
    assert rf.plan(rf.spec_of(model)).features[-1].stride == output_stride


def test_output_stride_of_networks_of_other_strides(timm: Any) -> None:
    """The stem of a RegNet strides by 2, its first stage too."""
    rf.register_with_timm("regnetx_200mf")
    model = timm.create_model("resforge_regnetx_200mf", output_stride=8)
    stages = rf.spec_of(model).stages
    assert [(s.stride, s.dilation) for s in stages] == [(2, 1), (2, 1), (1, 2), (1, 4)]


def test_what_timms_configuration_says(timm: Any) -> None:
    """It stands for what is not said, as in timm; an option says it again."""
    rf.register_with_timm("*resnet20")

    def made(**options: Any) -> tuple[int, int]:
        spec = rf.spec_of(timm.create_model("resforge_cifar_resnet20", **options))
        assert spec.head is not None
        return spec.head.num_classes, spec.in_channels

    overlay = {"num_classes": 7, "input_size": (1, 32, 32)}
    assert made() == (10, 3)
    assert made(pretrained_cfg_overlay=overlay) == (7, 1)
    assert made(pretrained_cfg_overlay=overlay, num_classes=4, in_chans=2) == (4, 2)
    assert made(pretrained_cfg={"num_classes": 7}) == (7, 3)
    assert made(pretrained_cfg={}) == (1000, 3)
    assert made(global_pool="avg", drop_path_rate=0.0, drop_rate=None) == (10, 3)
    assert rf.spec_of(timm.create_model("resforge_cifar_resnet20", drop_path_rate=0)) == rf.load(
        "cifar_resnet20"
    )


def test_out_indices_as_timm_counts_them(timm: Any) -> None:
    rf.register_with_timm("resnet18*")
    x = torch.zeros(1, 3, 64, 64)

    def channels(**options: Any) -> list[int]:
        maps = timm.create_model("resforge_resnet18", features_only=True, **options)
        found = [m.shape[1] for m in maps(x)]
        assert maps.feature_info.channels() == found
        return found

    assert channels() == channels(out_indices=5) == [64, 64, 128, 256, 512]
    assert channels(out_indices=4) == [64, 128, 256, 512]
    assert channels(out_indices=(0, -1)) == [64, 512]
    assert channels(out_indices=2) == channels(out_indices=(-2, -1)) == [256, 512]
    assert channels(out_indices=[1, 3]) == [64, 256]
    rf.register_with_timm("cifar_resnet20")
    maps = timm.create_model("resforge_cifar_resnet20", features_only=True)
    assert len(maps(x)) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pretrained": True}, "comes with no weights"),
        ({"act_layer": "silu"}, "act_layer: not for networks of resforge; known: num_classes"),
        ({"norm_layer": "gn", "aa_layer": "blur"}, "aa_layer, norm_layer: not for networks"),
        *(
            ({name: value}, f"^{name}: not for networks of resforge")
            for name, value in {
                "drop_block_rate": 0.1,
                "zero_init_last": False,
                "block_args": {},
                "feature_cls": "dict",
                "pretrained_strict": False,
                "pruned": True,
                "img_size": 64,
                "device": "meta",
                "dtype": torch.float16,
            }.items()
        ),
        ({"global_pool": "max"}, "global_pool='max': networks of resforge average; leave it out"),
        ({"global_pool": ""}, "global_pool='': networks of resforge average; leave it out"),
        ({"pretrained_cfg_overlay": {"global_pool": "catavgmax"}}, "global_pool='catavgmax'"),
        ({"num_classes": -1}, "head.num_classes"),
        ({"in_chans": 0}, "in_channels"),
        ({"drop_path_rate": 1.5}, "stochastic_depth.rate"),
        ({"drop_rate": -1}, "head.dropout"),
        ({"output_stride": 4}, "output_stride=4: use one of 8, 16, 32 that resnet18 reaches"),
        ({"output_stride": 12}, "output_stride=12: use one of 8, 16, 32"),
        ({"out_indices": (1, 2)}, "out_indices: only with features_only=True"),
        ({"features_only": False, "out_indices": (1,)}, "out_indices: only with features_only"),
        ({"features_only": True, "out_indices": (0, 5)}, "out_indices: 5 is no map; choose from 0"),
        ({"features_only": True, "out_indices": (1, 1)}, "are not maps of this network in rising"),
        ({"features_only": True, "out_indices": -1}, "the last -1 maps of 5; ask for 1 to 5"),
    ],
)
def test_what_timm_may_not_ask(timm: Any, options: dict[str, Any], message: str) -> None:
    rf.register_with_timm("resnet18")
    with pytest.raises(rf.ResforgeError, match=message):
        timm.create_model("resforge_resnet18", **options)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("plain18", {"drop_path_rate": 0.1}, "layer1.1 has no shortcut"),
        ("cifar_resnet20", {"output_stride": 8}, "that cifar_resnet20 reaches .* down to 1/4"),
        ("resnet18_d2l", {"output_stride": 16}, "d2l blocks do not dilate"),
    ],
)
def test_what_some_networks_cannot(
    timm: Any, name: str, options: dict[str, Any], message: str
) -> None:
    rf.register_with_timm(name)
    with pytest.raises(rf.ResforgeError, match=message):
        timm.create_model(f"resforge_{name}", **options)


def test_without_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm.models", None)
    with pytest.raises(export.ExportError, match=r"timm cannot be imported.*pip install timm"):
        rf.register_with_timm()
