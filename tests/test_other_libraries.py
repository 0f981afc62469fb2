"""Networks in the libraries that their users have; each test needs its library."""

from __future__ import annotations

import importlib
from pathlib import Path
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


def _lightning(spec: Any, folder: Path) -> tuple[Any, Any]:
    """A module after one step, and what its checkpoint is read as."""
    lightning = library("lightning")

    class Classifier(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self, spec: Any) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.net = rf.build(spec)

        def training_step(self, batch: Any, number: int) -> Any:
            return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    data = torch.utils.data.TensorDataset(torch.randn(8, 1, 8, 8), torch.arange(8))
    trainer = lightning.Trainer(
        max_steps=1,
        accelerator="cpu",
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    model = Classifier(spec)
    trainer.fit(model, torch.utils.data.DataLoader(data, batch_size=4))
    trainer.save_checkpoint(folder / "last.ckpt")
    return model, Classifier.load_from_checkpoint(folder / "last.ckpt")


@pytest.mark.parametrize("kind", ["name", "mapping", "spec"])
def test_lightnings_hyperparameters(kind: str, tmp_path: Path) -> None:
    spec = rf.load("digits_resnet8")
    given = {"name": "digits_resnet8", "mapping": spec.to_tree(), "spec": spec}[kind]
    model, again = _lightning(given, tmp_path)
    assert again.hparams.spec == given
    assert torch.equal(model.net.fc.weight, again.net.fc.weight)
    assert rf.spec_of(again.net) == spec


def test_omegaconfs_configurations() -> None:
    conf = library("omegaconf").OmegaConf
    text = (
        "{classes: 7, net: {resforge: 1, base: digits_resnet8, head: {num_classes: '${classes}'}}}"
    )
    net = conf.create(text).net
    wanted = rf.load("digits_resnet8").replace({"head.num_classes": 7})
    assert rf.load(net) == rf.ResNetSpec(**net) == rf.ResNetSpec.model_validate(net) == wanted
    assert rf.spec_of(rf.build(net, device="meta")) == wanted
    assert rf.plan(net).spec == wanted
    own = conf.create({"head": {"num_classes": 7}, "stages[*].depth": 2})
    assert rf.load("digits_resnet8").replace(own).stages[0].depth == 2
    assert rf.loads(conf.to_yaml(net, resolve=True)) == wanted
    wrong = conf.create({"resforge": 1, "base": "digits_resnet8", "haed": None})
    with pytest.raises(rf.SpecError, match="haed"):
        rf.load(wrong)


@pytest.mark.parametrize("convert", ["none", "partial", "object", "all"])
def test_hydra_instantiates_networks(convert: str) -> None:
    instantiate = library("hydra.utils").instantiate
    tree = {"resforge": 1, "base": "digits_resnet8", "head": {"num_classes": "${classes}"}}
    net = {"_target_": "resforge.build", "_convert_": convert, "spec": tree, "seed": 3}
    config = library("omegaconf").OmegaConf.create({"classes": 7, "net": net})
    model = instantiate(config.net)
    assert rf.spec_of(model) == rf.load("digits_resnet8").replace({"head.num_classes": 7})
    assert torch.equal(model.fc.weight, rf.build(rf.spec_of(model), seed=3).fc.weight)
    spec = instantiate({"_target_": "resforge.ResNetSpec", "resforge": 1, "base": "resnet18"})
    assert spec == rf.load("resnet18")
