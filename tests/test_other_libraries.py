"""Networks in the libraries that their users have; each test needs its library."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import resforge as rf
import torch
from torch import Tensor, nn

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the libraries


def library(name: str) -> Any:
    """A library; the test is skipped where it cannot be imported."""
    try:
        return importlib.import_module(name)
    except Exception as error:  # a torchvision of another torch raises RuntimeError
        pytest.skip(f"{name} cannot be imported: {type(error).__name__}")


def _pair(name: str) -> tuple[Any, Any]:
    """timm's network and ours, with its weights, of both signs and with statistics."""
    timm = library("timm")
    torch.manual_seed(0)
    theirs, ours = timm.create_model(name).train(), rf.build(name)
    with torch.no_grad():
        theirs(torch.randn(4, 3, 64, 64))
    rf.load_weights(ours, theirs.state_dict())
    return theirs.eval(), ours.eval()


@pytest.mark.parametrize("name", ["resnet18", "resnet50d", "seresnet50"])
def test_a_network_answers_timm_as_timms(name: str) -> None:
    theirs, ours = _pair(name)
    x = torch.randn(1, 3, 64, 64)
    wanted, wanted_maps = theirs.forward_intermediates(x)
    last, maps = ours.forward_intermediates(x)
    assert torch.equal(last, wanted)
    assert all(torch.equal(a, b) for a, b in zip(maps, wanted_maps, strict=True))
    for pre_logits in (True, False):
        one, other = (m.forward_head(wanted, pre_logits=pre_logits) for m in (ours, theirs))
        assert torch.equal(one, other)
    for attribute in ("num_features", "num_classes", "head_hidden_size", "grad_checkpointing"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    for one, other in zip(ours.feature_info, theirs.feature_info, strict=True):
        assert (one["num_chs"], one["reduction"]) == (other["num_chs"], other["reduction"])
    assert ours.get_classifier(name_only=True) == theirs.get_classifier(name_only=True)
    for model in (ours, theirs):
        model.reset_classifier(0)
    assert torch.equal(ours(x), theirs(x))


def test_timm_lowers_learning_rates_layer_by_layer() -> None:
    optim = library("timm.optim")
    theirs, ours = _pair("resnet18")
    groups = [
        [(len(g["params"]), g["lr_scale"], g["weight_decay"]) for g in found]
        for found in (optim.param_groups_layer_decay(m, layer_decay=0.7) for m in (ours, theirs))
    ]
    assert groups[0] == groups[1]
    assert len({scale for _, scale, _ in groups[0]}) == 10


def test_timm_wraps_every_network() -> None:
    timm = library("timm")
    names = rf.register_with_timm("resnet18*")
    assert set(names) <= set(timm.list_models("resforge_*"))
    model = timm.create_model("resforge_resnet18", num_classes=0, output_stride=16)
    x = torch.randn(2, 3, 64, 64)
    assert model(x).shape == (2, 512)
    model.set_grad_checkpointing()
    model.reset_classifier(3)
    model.train()(x).sum().backward()
    maps = timm.create_model("resforge_resnet18", features_only=True)
    assert maps.feature_info.channels() == [m.shape[1] for m in maps(x)] == [64, 64, 128, 256, 512]
    assert maps.feature_info.reduction() == [2, 4, 8, 16, 32]
    config = timm.data.resolve_model_data_config(model)
    assert config["input_size"] == (3, 224, 224)


@pytest.mark.parametrize("kind", ["Unet", "FPN", "DeepLabV3Plus"])
def test_segmenters(kind: str) -> None:
    library("timm")
    smp = library("segmentation_models_pytorch")
    rf.register_with_timm("resnet18*")
    make = getattr(smp, kind)
    model = make("tu-resforge_resnet18d", encoder_weights=None, in_channels=1, classes=2)
    assert list(model.encoder.out_channels) == [1, 64, 64, 128, 256, 512]
    out = model(torch.randn(2, 1, 64, 64))
    assert out.shape == (2, 2, 64, 64)
    out.sum().backward()


def test_torchvisions_pyramid() -> None:
    utils = library("torchvision.models.detection.backbone_utils")
    torchvision = library("torchvision")
    theirs, ours = torchvision.models.resnet18(), rf.build("resnet18")
    rf.load_weights(ours, theirs.state_dict())
    maps = []
    for model in (theirs, ours):
        torch.manual_seed(0)
        pyramid = utils._resnet_fpn_extractor(model, trainable_layers=3).eval()
        maps.append(pyramid(torch.ones(1, 3, 64, 64)))
    assert all(torch.equal(maps[0][name], maps[1][name]) for name in maps[0])
    frozen = [name for name, p in ours.named_parameters() if not p.requires_grad]
    assert {name.split(".")[0] for name in frozen} == {"conv1", "bn1", "layer1", "fc"}


def test_torchvisions_detector() -> None:
    utils = library("torchvision.models.detection.backbone_utils")
    detection = library("torchvision.models.detection")
    torch.manual_seed(0)
    backbone = rf.freeze_norm(rf.build("resnet18"))
    pyramid = utils._resnet_fpn_extractor(backbone, trainable_layers=3)
    model = detection.FasterRCNN(pyramid, num_classes=3, min_size=96, max_size=128)
    boxes = torch.tensor([[10.0, 10.0, 60.0, 70.0]])
    target = {"boxes": boxes, "labels": torch.tensor([1])}
    losses = model([torch.rand(3, 96, 96)], [target])
    total: Tensor = sum(losses.values())
    assert total.isfinite()
    total.backward()
    assert model.eval()([torch.rand(3, 96, 96)])[0]["boxes"].shape[1] == 4


def test_torchvisions_feature_extractors() -> None:
    extraction = library("torchvision.models.feature_extraction")
    model: nn.Module = rf.build("resnet18").eval()
    extractor = extraction.create_feature_extractor(model, {"relu": "stem", "layer4": "top"})
    x = torch.randn(1, 3, 64, 64)
    wanted = rf.FeatureMaps(model, (0, -1))(x)
    assert all(map(torch.equal, extractor(x).values(), wanted))
