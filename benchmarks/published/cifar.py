"""Networks for small pictures and for faces, from repositories without a package."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from torch import nn

from .peers import Families, Peer, Repository, module_of, on_path

REPOSITORIES: Mapping[str, Repository] = {
    "pytorch-cifar": Repository(
        "https://github.com/kuangliu/pytorch-cifar", "49b7aa97b0c12fe0d4054e670403a16b6b834ddd"
    ),
    "pytorch-cifar100": Repository(
        "https://github.com/weiaicunzai/pytorch-cifar100",
        "11d8418f415b261e4ae3cb1ffe20d06ec95b98e4",
    ),
    "pytorch_resnet_cifar10": Repository(
        "https://github.com/akamaster/pytorch_resnet_cifar10",
        "d5489e8995e81e91ce6b1d69dcc98ad579b0b153",
    ),
    "pytorch-cifar-models": Repository(
        "https://github.com/chenyaofo/pytorch-cifar-models",
        "786c16252c0fc58ee9adac063f8337cc4a7a497a",
    ),
    "pytorch-classification": Repository(
        "https://github.com/bearpaw/pytorch-classification",
        "24f1c456f48c78133088c4eefd182ca9e6199b03",
    ),
    "WideResNet-pytorch": Repository(
        "https://github.com/xternalz/WideResNet-pytorch",
        "1171f93d5a9ae28eb5e603e5e7545f488d0df6ab",
    ),
    "robustbench": Repository(
        "https://github.com/RobustBench/robustbench", "78fcc9e48a07a861268f295a777b975f25155964"
    ),
    "PyramidNet-PyTorch": Repository(
        "https://github.com/dyhan0920/PyramidNet-PyTorch",
        "5a0b32f43d79024a0d9cd2d1851f07e6355daea2",
    ),
    "cifar10-fast": Repository(
        "https://github.com/davidcpage/cifar10-fast", "f79e8b89bb2994b5caaaf7289c68903d15a37c2e"
    ),
    "cifar10-resnet": Repository(
        "https://github.com/matthias-wright/cifar10-resnet",
        "9040523880ad27140c65c16dec6cefcb61a7a39f",
    ),
    "shake-shake_pytorch": Repository(
        "https://github.com/owruby/shake-shake_pytorch",
        "5731404a23c22ff387555df52dfa021356d146bd",
    ),
    "insightface": Repository(
        "https://github.com/deepinsight/insightface", "7fadd420c2351d0ffa8cac403421c1a3ed733365"
    ),
}
_SIZE = (32, 32)
_POOL = "its pool of fixed size sums the last map in another order than that of any size"
_ARCHITECTURES = "robustbench/model_zoo/architectures/"
Make = Callable[[ModuleType], nn.Module]


def _made(file: str, make: Make, folder: Path) -> nn.Module:
    return make(module_of(folder, file))


def _peer(file: str, make: Make, **about: Any) -> Peer:
    usual = {"size": _SIZE, "tolerance": 1e-6, "why": _POOL}
    return Peer(partial(_made, file, make), **{**usual, **about})


def _called(name: str, *args: Any, **options: Any) -> Make:
    return lambda module: getattr(module, name)(*args, **options)


def _all(file: str, names: str, suffix: str = "", **about: Any) -> dict[str, Peer]:
    """The networks of a file that functions of their names make."""
    return {
        name: _peer(file, _called(name), entry=f"{name}{suffix}", **about) for name in names.split()
    }


class _OnCPU:
    """Tensors of zeros where the code of PyramidNet asks for those of a GPU."""

    def __new__(cls, *shape: int) -> torch.Tensor:
        return torch.zeros(*shape)


def _pyramid(module: ModuleType, data: str, depth: int, alpha: int, bottleneck: bool) -> nn.Module:
    classes = 1000 if data == "imagenet" else 10
    network: nn.Module = module.PyramidNet(data, depth, alpha, classes, bottleneck=bottleneck)
    return network


def _padded(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with patch("torch.cuda.FloatTensor", _OnCPU):
        y: torch.Tensor = network(x)
    return y


def _pyramids() -> dict[str, Peer]:
    known = {
        "pyramidnet110_a48": ("cifar10", 110, 48, False),
        "pyramidnet110_a84": ("cifar10", 110, 84, False),
        "pyramidnet110_a270": ("cifar10", 110, 270, False),
        "pyramidnet164_a48_bottleneck": ("cifar10", 164, 48, True),
        "pyramidnet164_a270_bottleneck": ("cifar10", 164, 270, True),
        "pyramidnet200_a240_bottleneck": ("cifar10", 200, 240, True),
        "pyramidnet236_a220_bottleneck": ("cifar10", 236, 220, True),
        "pyramidnet272_a200_bottleneck": ("cifar10", 272, 200, True),
        "pyramidnet101_a360": ("imagenet", 101, 360, True),
        "pyramidnet200_a300": ("imagenet", 200, 300, True),
    }
    return {
        name: _peer(
            "PyramidNet-PyTorch/PyramidNet.py",
            partial(_pyramid, data=data, depth=depth, alpha=alpha, bottleneck=bottleneck),
            size=(224, 224) if data == "imagenet" else _SIZE,
            call=_padded,
        )
        for name, (data, depth, alpha, bottleneck) in known.items()
    }


def _kuangliu() -> dict[str, Peer]:
    models = "pytorch-cifar/models/"
    resnets = "ResNet18 ResNet34 ResNet50 ResNet101 ResNet152"
    preact = "PreActResNet18 PreActResNet34 PreActResNet50 PreActResNet101 PreActResNet152"
    resnext = "ResNeXt29_2x64d ResNeXt29_4x64d ResNeXt29_8x64d ResNeXt29_32x4d"
    regnets = "RegNetX_200MF RegNetX_400MF RegNetY_400MF"
    return {
        **_all(models + "resnet.py", resnets, "_kuangliu"),
        **_all(models + "preact_resnet.py", preact),
        **_all(models + "resnext.py", resnext),
        **_all(models + "senet.py", "SENet18"),
        **_all(models + "regnet.py", regnets, "_kuangliu"),
        "DPN26": _peer(
            models + "dpn.py",
            _called("DPN26"),
            why="a block adds some channels and concatenates the others, so that the width grows "
            "with each block by channels that no sum covers",
        ),
    }


def _weiaicunzai() -> dict[str, Peer]:
    models, own, depths = "pytorch-cifar100/models/", "_weiaicunzai", (18, 34, 50, 101, 152)

    def every(name: str) -> str:
        return " ".join(f"{name}{depth}" for depth in depths)

    return {
        **_all(models + "resnet.py", every("resnet"), own),
        **_all(models + "preactresnet.py", every("preactresnet")),
        **_all(models + "resnext.py", "resnext50 resnext101 resnext152", own),
        **_all(
            models + "senet.py",
            every("seresnet"),
            own,
            why="the linear layers of its attention are 1x1 convolutions of another order of sums",
        ),
        **_all(models + "wideresidual.py", "wideresnet"),
        **_all(models + "stochasticdepth.py", every("stochastic_depth_resnet")),
        "attention56": _peer(
            models + "attention.py",
            _called("attention56"),
            why="its masks enlarge maps to the size of earlier ones, and one part of its largest "
            "masks runs twice with the same weights",
        ),
        "attention92": _peer(models + "attention.py", _called("attention92"), why="as attention56"),
    }


def _akamaster() -> dict[str, Peer]:
    names = "resnet20 resnet32 resnet44 resnet56 resnet110 resnet1202"
    return _all("pytorch_resnet_cifar10/resnet.py", names)


def _chenyaofo() -> dict[str, Peer]:
    file = "pytorch-cifar-models/pytorch_cifar_models/resnet.py"
    depths = (20, 32, 44, 56)
    return _all(
        file, " ".join(f"{data}_resnet{n}" for data in ("cifar10", "cifar100") for n in depths)
    )


def _bearpaw() -> dict[str, Peer]:
    models, imagenet = (
        "pytorch-classification/models/cifar/",
        "pytorch-classification/models/imagenet/",
    )
    resnext = partial(_called, "resnext", depth=29, num_classes=10, widen_factor=4)
    large = {"entry": "", "size": (224, 224)}
    return {
        "resnet110": _peer(
            models + "resnet.py",
            _called("resnet", depth=110, num_classes=10),
            entry="resnet110_bearpaw",
        ),
        "resnet1202": _peer(
            models + "resnet.py",
            _called("resnet", depth=1202, num_classes=10),
            entry="resnet1202_bearpaw",
        ),
        "preresnet110": _peer(
            models + "preresnet.py", _called("preresnet", depth=110, num_classes=10)
        ),
        "resnext29_8x64d": _peer(models + "resnext.py", resnext(cardinality=8)),
        "resnext29_16x64d": _peer(models + "resnext.py", resnext(cardinality=16)),
        "wrn_28_10_drop": _peer(
            models + "wrn.py",
            _called("wrn", depth=28, num_classes=10, widen_factor=10, dropRate=0.3),
        ),
        **{
            name: _peer(
                imagenet + "resnext.py",
                _called(name, baseWidth=4, cardinality=32),
                **{**large, "entry": f"{name}_bearpaw"},
            )
            for name in ("resnext50", "resnext101", "resnext152")
        },
    }


def _xternalz() -> dict[str, Peer]:
    file = "WideResNet-pytorch/wideresnet.py"
    return {
        "wrn_28_10": _peer(file, _called("WideResNet", 28, 10, 10)),
        "wrn_40_4": _peer(file, _called("WideResNet", 40, 100, 4)),
    }


def _robustbench() -> dict[str, Peer]:
    resnets, blocks = _ARCHITECTURES + "resnet.py", [2, 2, 2, 2]
    file = f"robustbench/{resnets}"
    wide = f"robustbench/{_ARCHITECTURES}wide_resnet.py"
    resnext = f"robustbench/{_ARCHITECTURES}resnext.py"
    return {
        "PreActResNet18": _peer(
            file,
            lambda m: m.PreActResNet(m.PreActBlock, blocks),
            entry="PreActResNet18_robustbench",
        ),
        "PreActResNet18 (V2)": _peer(
            file,
            lambda m: m.PreActResNet(m.PreActBlockV2, blocks, bn_before_fc=True),
            entry="PreActResNet18_V2",
        ),
        "ResNet50": _peer(file, _called("ResNet50"), entry="ResNet50_kuangliu"),
        "Chen2020Adversarial": _peer(
            file,
            lambda m: m.ResNet(m.BottleneckChen2020AdversarialNet, [3, 4, 6, 3]),
            entry="BottleneckChen2020",
        ),
        "WideResNet-28-10": _peer(wide, _called("WideResNet", 28), entry="wrn_28_10"),
        "WideResNet-34-10": _peer(wide, _called("WideResNet", 34), entry="WideResNet_34_10"),
        "WideResNet-34-15": _peer(
            wide, _called("WideResNet", 34, widen_factor=15), entry="WideResNet_34_15"
        ),
        "CifarResNeXt29_4x32": _peer(
            resnext, lambda m: m.CifarResNeXt(m.ResNeXtBottleneck, 29, 4, 32, 10)
        ),
        "DMWideResNet-28-10": _peer(
            f"robustbench/{_ARCHITECTURES}dm_wide_resnet.py",
            # Without the normalisation of pictures that it begins with.
            _called("DMWideResNet", depth=28, width=10, mean=(0.0,) * 3, std=(1.0,) * 3),
            entry="DMWideResNet_28_10",
        ),
    }


def _fast(folder: Path) -> nn.Module:
    """The graph of ``dawn_utils.net``, whose modules are run in the order of their names."""
    with on_path(folder / "cifar10-fast"):
        unused = {"pandas": ModuleType("pandas")}
        utils = module_of(folder, "cifar10-fast/dawn_utils.py", **unused)
        network: nn.Module = utils.Network(utils.net())
    return network


def _logits(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    y: torch.Tensor = network({"input": x})["logits"]
    return y


def _new_dawn(folder: Path) -> nn.Module:
    """The network that ``new_dawn.py`` trains, whose last statement does so when it is imported."""
    file = folder / "cifar10-fast" / "new_dawn.py"
    tree, names = ast.parse(file.read_text(encoding="utf-8")), dict[str, Any]()
    tree.body.pop()
    with on_path(file.parent), patch.dict(sys.modules, {"pandas": ModuleType("pandas")}):
        exec(compile(tree, str(file), "exec"), names)
    whiten = {"Λ": torch.ones(27), "V": torch.zeros(27, 3, 3, 3)}
    prep = partial(names["whitening_block"], **whiten)
    made = names["net"](weight=1 / 16, conv_bn=names["conv_bn"], prep=prep)
    network: nn.Module = names["Network"](made).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            # Statistics of sixteen parts of a batch. In evaluation all are their mean, and its code
            # uses the first.
            for name in ("running_mean", "running_var"):
                setattr(module, name, getattr(module, name)[: module.num_features])
    return network


def _davidcpage() -> dict[str, Peer]:
    return {
        "resnet9": Peer(_fast, size=_SIZE, call=_logits),
        "new_dawn": Peer(_new_dawn, size=_SIZE, call=_logits),
    }


def _matthias_wright() -> dict[str, Peer]:
    about = {"entry": "resnet9_matthias_wright", "size": _SIZE}
    return {"Net": Peer(partial(_made, "cifar10-resnet/model.py", _called("Net")), **about)}


def _owruby() -> dict[str, Peer]:
    def network(module: str, make: Make, folder: Path) -> nn.Module:
        with on_path(folder / "shake-shake_pytorch"):  # ``models`` is a package
            made = make(import_module(f"models.{module}"))
        for block in made.modules():
            if getattr(block, "equal_io", False):
                block.shortcut = None  # ShakeBlock makes one there, and never runs it
        return made

    def peer(module: str, entry: str, *args: int) -> Peer:
        name = "ShakeResNeXt" if module == "shake_resnext" else "ShakeResNet"
        make = partial(network, module, _called(name, *args, 10))
        return Peer(make, entry, _SIZE, tolerance=1e-6, why=_POOL)

    return {
        **{
            f"ShakeResNet(26, {width})": peer(
                "shake_resnet", f"shake_resnet26_2x{width}d", 26, width
            )
            for width in (32, 64, 96)
        },
        "ShakeResNeXt(29, 64, 4)": peer("shake_resnext", "shake_resnext29_2x4x64d", 29, 64, 4),
    }


def _iresnets() -> dict[str, Peer]:
    file = "insightface/recognition/arcface_torch/backbones/iresnet.py"
    return _all(file, "iresnet18 iresnet34 iresnet50 iresnet100 iresnet200", size=(112, 112))


def _source(folder: str, family: str, peers: Mapping[str, Peer]) -> SimpleNamespace:
    families: Families = {family: peers}
    return SimpleNamespace(FAMILIES=families, REPOSITORIES={folder: REPOSITORIES[folder]})


SOURCES: dict[str, SimpleNamespace] = {
    "kuangliu": _source("pytorch-cifar", "kuangliu/pytorch-cifar", _kuangliu()),
    "weiaicunzai": _source("pytorch-cifar100", "weiaicunzai/pytorch-cifar100", _weiaicunzai()),
    "akamaster": _source(
        "pytorch_resnet_cifar10", "akamaster/pytorch_resnet_cifar10", _akamaster()
    ),
    "chenyaofo": _source("pytorch-cifar-models", "chenyaofo/pytorch-cifar-models", _chenyaofo()),
    "bearpaw": _source("pytorch-classification", "bearpaw/pytorch-classification", _bearpaw()),
    "xternalz": _source("WideResNet-pytorch", "xternalz/WideResNet-pytorch", _xternalz()),
    "robustbench": _source("robustbench", "RobustBench", _robustbench()),
    "dyhan0920": _source("PyramidNet-PyTorch", "PyramidNet", _pyramids()),
    "davidcpage": _source("cifar10-fast", "ResNet-9", _davidcpage()),
    "matthias-wright": _source("cifar10-resnet", "ResNet-9", _matthias_wright()),
    "owruby": _source("shake-shake_pytorch", "Shake-Shake", _owruby()),
    "insightface": _source("insightface", "iResNet", _iresnets()),
}
