"""Networks that others wrote, as specs, and the proof that they are the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

import pytest
import resforge as rf
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from layout_cases import CASES, SMALL
from reference_layouts import Cifar
from reference_resnet_d import Basic, Bottleneck, ReferenceResNetD
from reference_torchvision import ReferenceResNet
from resforge.blocks import SameAvgPool2d
from resforge.builder.registration import unregister
from resforge.planner.plan import lay_out
from resforge.specs import BLOCKS, HEADS, OPERATIONS, SHORTCUTS, STEMS
from resforge.specs.call import call
from resforge.testing.strategies import specs
from resforge.weights import infer_spec
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


@pytest.mark.parametrize("name", CASES)
def test_a_module(name: str) -> None:
    _, make, tree = CASES[name]
    torch.manual_seed(0)
    network = make().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    spec, certificate = infer_spec(network)
    assert spec.digest == rf.ResNetSpec(**tree).digest
    assert certificate.kind == "bitwise"
    assert not certificate.unlike
    assert all(module.training for module in network.modules())
    assert all(torch.equal(before[key], now) for key, now in network.state_dict().items())


@pytest.mark.parametrize("name", CASES)
def test_a_state_dict(name: str) -> None:
    _, make, tree = CASES[name]
    spec, certificate = infer_spec(make().state_dict())
    assert spec.digest == rf.ResNetSpec(**tree).digest
    assert certificate.kind == "names"
    assert any(text.startswith("strides 1x2") for text in certificate.assumed)


CHANGES: dict[str, dict[str, Any]] = {
    "identity": {"stages[1].width": 8, "stages[1].stride": 1, "shortcut": "identity"},
    "option C": {"shortcut": {"match": "projection", "change": "projection"}},
    "3x3 projection": {"shortcut": {"kind": "projection", "kernel": 3}},
    "projection without norm": {"shortcut": {"kind": "projection", "norm": False, "bias": True}},
    "zero_pad": {"shortcut": "zero_pad"},
    "zero_pad both": {"shortcut": {"kind": "zero_pad", "pad": "both"}},
    "zero_pad avg": {"shortcut": {"kind": "zero_pad", "subsample": "avg_pool"}},
    "plain": {"shortcut": "none"},
    "v1": {"block": {"kind": "bottleneck", "stride_on": "conv1"}},
    "resnext": {"block": {"kind": "bottleneck", "groups": 4, "width_per_group": 16}},
    "wide": {"block": {"kind": "bottleneck", "width_per_group": 128}},
    "eca": {"block": {"kind": "basic", "attention": {"kind": "eca", "kernel": 5}}},
    "se in a stage": {
        "stages[1].block": {"kind": "basic", "attention": {"kind": "se", "reduction": 4}}
    },
    "dilation": {"stages[1].stride": 1, "stages[1].dilation": 2},
    "first dilation": {"stages[1].dilation": 2, "stages[1].first_dilation": 2},
    "group norm": {"norm": {"kind": "group", "groups": 4}},
    "no norm": {"norm": "none"},
    "eps": {"norm": {"kind": "batch", "eps": 0.001, "momentum": 0.01}},
    "silu": {"activation": "silu"},
    "no pool": {"stem.pool": "none"},
    "biased stem": {"stem.bias": True},
    "no head": {"head": None},
    "d2l": {"block": "d2l"},
    "two kinds of blocks": {"stages[0].block": "bottleneck"},
    "blocks of a stage": {
        "stages[1]": {"width": 16, "stride": 2, "blocks": [{}, {"shortcut": "projection"}]}
    },
    "one channel": {"in_channels": 1},
}


@pytest.mark.parametrize("name", CHANGES)
def test_words_of_the_language(name: str) -> None:
    spec = rf.ResNetSpec(**SMALL).replace(CHANGES[name])
    found, certificate = infer_spec(rf.build(spec))
    assert found.digest == spec.digest
    assert certificate.kind == "bitwise"


def hosts(family: str, kind: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
    """Changes of a small network after which it holds the kind, in each place where it may be."""
    word = {"kind": kind, **fields}
    if family in ("stem", "head"):
        return [{family: word}]
    if family == "block":
        return [{"block": word}, {"stages[1].block": word}]
    if family == "shortcut":
        option_c = {"match": "projection", "change": "projection"}
        pairs = [option_c | {"match": word}, option_c | {"change": word}]
        pairs += [{"match": "identity", "change": word}, {"match": word, "change": word}]
        return [{"shortcut": pair} for pair in pairs]
    conv = {"conv": 3, "stride": "block"}
    chains = [{"branch": [conv, "norm", "act", word, {"conv": 3}]}, {"branch": [conv, word]}]
    heads = [{"head": [word, {"linear": 5}]}, {"head": ["global_pool", word]}]
    named = [{"kind": "basic", "attention": word}, {"kind": "bottleneck", "attention": word}]
    return [*({"block": block} for block in [*named, *chains]), *heads]


FAMILIES: dict[str, Any] = {
    "stem": STEMS,
    "block": BLOCKS,
    "shortcut": SHORTCUTS,
    "head": HEADS,
    "operation": OPERATIONS,
}
EVERY_SAMPLE = [
    (family, kind, number)
    for family, kinds in FAMILIES.items()
    for kind, model in kinds.items()
    for number in range(len(model.samples))
]


def networks_with(family: str, kind: str, number: int) -> list[rf.ResNetSpec]:
    """Small networks with a sample of a kind; at least one."""
    small = rf.ResNetSpec(**SMALL)
    found = []
    for changes in hosts(family, kind, FAMILIES[family][kind].samples[number]):
        with suppress(rf.SpecError):
            found.append(small.replace(changes))
    assert found
    return found


@pytest.mark.parametrize(("family", "kind", "number"), EVERY_SAMPLE)
def test_every_kind_is_inferred_or_refused(family: str, kind: str, number: int) -> None:
    for spec in networks_with(family, kind, number):
        model = rf.build(spec)
        try:
            found, _ = infer_spec(model)
        except rf.WeightsError as error:
            assert "no spec for this network: " in str(error)
        else:
            assert found.digest == spec.digest


@pytest.mark.parametrize(("family", "kind", "number"), EVERY_SAMPLE)
def test_every_state_dict_is_inferred_or_refused(family: str, kind: str, number: int) -> None:
    for spec in networks_with(family, kind, number):
        tensors = lay_out(spec, (1, 1)).state_dict
        try:
            found, _ = infer_spec({name: torch.empty(shape) for name, shape in tensors.items()})
        except rf.WeightsError as error:
            assert "no spec for this network: " in str(error)
        else:
            assert lay_out(found, (1, 1)).state_dict == tensors


class NegatedSpec(rf.specs.BlockSpec):
    """F(x) = -norm(conv(x)), which has the names of a part of a basic block."""

    kind: Literal["negated"] = "negated"

    def trace(self, trace: Any, name: str, site: Any) -> None:
        trace.conv(f"{name}.conv1", site.out_channels, 3, site.stride)
        trace.norm(f"{name}.bn1", site.norm)

    def call(self, module: Any) -> Any:
        conv = module.layer
        return call("Negated", conv.in_channels, conv.out_channels, conv.stride)


class Negated(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        conv = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        super().__init__(OrderedDict(conv1=conv, bn1=nn.BatchNorm2d(out_channels)))

    def forward(self, x: Tensor) -> Tensor:
        return -super().forward(x)


def test_a_registered_kind_is_inferred_and_refused_once_it_is_forgotten() -> None:
    rf.register(NegatedSpec, Negated)
    try:
        spec = rf.ResNetSpec(**SMALL).replace({"block": "negated"})
        model = rf.build(spec)
        found, certificate = infer_spec(model)
        assert (found.digest, certificate.kind) == (spec.digest, "bitwise")
    finally:
        unregister(NegatedSpec)
    with pytest.raises(rf.WeightsError, match="no block of the language has these layers"):
        infer_spec(model)


def test_one_network_in_two_words() -> None:
    """Half the expansion of twice the width is a width_per_group of 128."""
    spec = rf.ResNetSpec(**SMALL).replace({"block": {"kind": "bottleneck", "expansion": 2}})
    found, certificate = infer_spec(rf.build(spec))
    assert found.block.model_dump()["width_per_group"] == 128
    assert certificate.kind == "bitwise"


@given(specs())
@settings(max_examples=15)
def test_nothing_false_is_certified(spec: rf.ResNetSpec) -> None:
    """Any network of the language: refused, or the same outputs from its own weights."""
    model = rf.build(spec, seed=3).eval()
    try:
        found, certificate = infer_spec(model)
    except rf.WeightsError:
        return
    assert certificate.kind in ("bitwise", "close")
    other = rf.build(found).eval()
    other.load_state_dict(model.state_dict())
    x = torch.randn(1, spec.in_channels, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(other(x), model(x), rtol=1e-3, atol=1e-4)


def test_the_catalogues_own_words() -> None:
    spec, certificate = infer_spec(rf.build("cifar_resnet20"))
    assert spec == rf.load("cifar_resnet20")
    assert str(certificate) == (
        "same outputs bit for bit, from random weights and pictures of 32x32 and 29x37"
    )


class PaddedCifar(Cifar):
    """Zeros for the channels that come new, on either side, and a pool for 32x32 pictures."""

    def __init__(self) -> None:
        super().__init__((1, 1, 1))
        for stage in (self.layer2, self.layer3):
            stage[0].shortcut = _Padding()

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.avg_pool2d(self.layer3(self.layer2(self.layer1(x))), 8)
        return self.linear(x[..., 0, 0])


class _Padding(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        quarter = x.shape[1] // 2
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, quarter, quarter))


def test_what_is_functional_is_tried() -> None:
    spec, certificate = infer_spec(nn.DataParallel(PaddedCifar()))
    assert spec.shortcut.change.model_dump() == {
        "kind": "zero_pad",
        "pad": "both",
        "subsample": "pixel",
    }
    assert certificate.sizes == ((32, 32),)
    assert certificate.difference < 1e-6


def test_a_network_for_one_size_alone() -> None:
    class Cut(Cifar):
        def forward(self, x: Tensor) -> Tensor:
            x = self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x)))))
            return self.linear(F.avg_pool2d(x[..., :16, :16], x.shape[-2:]).flatten(1))

    class Corner(Cifar):
        def forward(self, x: Tensor) -> Tensor:
            x = self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x)))))
            return self.linear(x[..., :15, :16].mean((2, 3)))

    _, certificate = infer_spec(Cut())
    assert (certificate.sizes, certificate.unlike) == (((32, 32),), ())
    with pytest.raises(rf.WeightsError, match="none puts out the same"):
        infer_spec(Corner())


def test_dropout_is_reported() -> None:
    network = ReferenceResNet("basic", (1, 1), num_classes=5, width=8)
    network.avgpool = nn.Sequential(network.avgpool, nn.Dropout(0.25))
    _, certificate = infer_spec(network)
    assert certificate.assumed == ("dropout of 0.25 is left out",)


class Scaled(ReferenceResNet):
    """One factor more than the language has."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 1.001


def test_what_the_language_has_no_word_for() -> None:
    with pytest.raises(rf.WeightsError, match="specs with them none puts out the same"):
        infer_spec(Scaled("basic", (1, 1), num_classes=5, width=8))
    wrong_stem = ReferenceResNet("basic", (1, 1), width=8)
    wrong_stem.conv1 = nn.Conv2d(3, 8, 5, 2, 2, bias=False)
    with pytest.raises(rf.WeightsError, match=r"sides \[5\]; no stem of the language"):
        infer_spec(wrong_stem)
    with pytest.raises(rf.WeightsError, match=r"it holds encoder\.weight, a layer"):
        infer_spec(nn.ModuleDict({"encoder": nn.Linear(2, 2)}))
    with pytest.raises(rf.WeightsError):
        infer_spec({})
    with pytest.raises(rf.SpecError, match="takes a module or a state dict, not str"):
        infer_spec("resnet18")  # type: ignore[arg-type]


def test_an_average_pool_that_is_not_the_languages() -> None:
    network = ReferenceResNetD(Basic, (1, 1, 1, 1), avg_down=True, num_classes=5)
    network.layer2[0].downsample[0] = nn.AvgPool2d(3, 2, 1)
    with pytest.raises(rf.WeightsError, match="none puts out the same"):
        infer_spec(network)


@pytest.mark.parametrize("output_stride", [8, 16])
@pytest.mark.parametrize("block", [Basic, Bottleneck])
def test_the_pool_of_a_dilated_shortcut(
    block: type[Basic | Bottleneck], output_stride: int
) -> None:
    """timm's: bottlenecks show the dilation of their stage in their second block alone."""
    parts: dict[str, Any] = {"avg_down": True, "num_classes": 5, "output_stride": output_stride}
    spec, certificate = infer_spec(ReferenceResNetD(block, (1, 1, 2, 2), **parts))
    assert not certificate.assumed
    pooled = [
        name for name, module in rf.build(spec).named_modules() if isinstance(module, SameAvgPool2d)
    ]
    dilated = ["layer3.0.downsample.0", "layer4.0.downsample.0"]
    assert pooled == dilated[2 - len(pooled) :]
    assert len(pooled) == 16 // output_stride


def test_attention_as_timm_rounds_it() -> None:
    network = ReferenceResNetD(Basic, (2, 2, 2, 2), attention="se8")
    assert infer_spec(network).spec == rf.load("seresnet18_timm")
    assert infer_spec(network.state_dict()).spec.name == "seresnet18_timm"


def test_half_a_state_dict() -> None:
    state = rf.build("resnet18").state_dict()
    del state["layer3.1.conv2.weight"]
    with pytest.raises(rf.WeightsError, match=r"layer3\.1 has convolutions of sides \[3\]"):
        infer_spec(state)
    state = rf.build("resnet18").state_dict()
    del state["layer3.1.bn1.bias"]
    with pytest.raises(rf.WeightsError, match=r"it lacks layer3\.1\.bn1\.bias"):
        infer_spec(state)


class Bent(ReferenceResNet):
    """A reference network that does something else as well."""

    def __init__(self, before: Any = None, after: Any = None) -> None:
        super().__init__("basic", (1, 1), num_classes=5, width=8)
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> Tensor:
        if self.before is not None:
            x = self.before(self, x)
        x = super().forward(x)
        return x if self.after is None else self.after(self, x)


class SizeOfWeight(nn.BatchNorm2d):
    """A norm that multiplies by the size of its weight, whatever its sign."""

    def forward(self, x: Tensor) -> Tensor:
        given = (self.running_mean, self.running_var, self.weight.abs(), self.bias)
        return F.batch_norm(x, *given, self.training, self.momentum or 0.0, self.eps)


class Limited(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x).clamp(max=30.0)


class PooledFirst(ReferenceResNet):
    """relu(norm(pool(conv(x)))): the same as pooling last where no norm's weight is negative."""

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.maxpool(self.conv1(x))))
        x = self.layer2(self.layer1(x))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def _with_norms(kind: type[nn.BatchNorm2d]) -> nn.Module:
    network = Bent()
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = kind
    return network


def _limited(norm: str) -> nn.Module:
    spec = rf.ResNetSpec(**SMALL).replace({"norm": {"kind": "group", "groups": 4}})
    model = rf.build(spec if norm == "group" else rf.ResNetSpec(**SMALL))
    model.set_submodule("layer2.0.relu1", Limited())
    return model


def _noise(network: nn.Module, x: Tensor) -> Tensor:
    return x + 0.01 * torch.randn_like(x) if network.training else x


STRANGE: dict[str, Callable[[], nn.Module]] = {
    "clamp": lambda: Bent(after=lambda _, y: y.clamp(max=30.0)),
    "clamp within": lambda: _limited("batch"),
    "clamp behind group norms": lambda: _limited("group"),
    "threshold": lambda: Bent(before=lambda _, x: F.hardshrink(x, 1e-3)),
    "factor": lambda: Bent(after=lambda _, y: y * 1.00005),
    "offset": lambda: Bent(after=lambda _, y: y + 1e-6),
    "noise": lambda: Bent(before=_noise),
    "functional dropout": lambda: Bent(after=lambda m, y: F.dropout(y, 0.1, m.training)),
    "size of the weight": lambda: _with_norms(SizeOfWeight),
    "pool before norm": lambda: PooledFirst("basic", (1, 1), num_classes=5, width=8),
    "flipped": lambda: Bent(before=lambda _, x: x.flip(-1)),
    "eps": lambda: Bent(before=lambda _, x: x / (1 + 1e-7)),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_network_that_is_nearly_one_of_the_language_is_refused(name: str) -> None:
    torch.manual_seed(0)
    with pytest.raises(rf.WeightsError, match="none puts out the same"):
        infer_spec(STRANGE[name]())


def test_a_network_of_single_precision_alone() -> None:
    single = Bent(before=lambda _, x: x.float())
    assert infer_spec(single).certificate.kind == "bitwise"


@pytest.mark.parametrize("rule", ["linear", "constant"])
@pytest.mark.parametrize("mode", ["batch", "row"])
def test_stochastic_depth_is_read_from_the_modules(rule: str, mode: str) -> None:
    said = {"rate": 0.25, "rule": rule, "mode": mode}
    spec = rf.ResNetSpec(**SMALL).replace({"stochastic_depth": said})
    found, certificate = infer_spec(rf.build(spec))
    assert found.digest == spec.digest
    assert certificate.assumed == ("stochastic depth is read from its modules, not compared",)


def test_uneven_stochastic_depth_is_reported() -> None:
    model: Any = rf.build(rf.ResNetSpec(**SMALL).replace({"stochastic_depth": 0.3}))
    model.layer1[0].drop_path.rate = 0.2
    found, certificate = infer_spec(model)
    assert found.stochastic_depth is None
    assert certificate.assumed == ("stochastic depth of 0.2, 0.2, 0.3 is left out",)


def test_wrappers_and_parts() -> None:
    model = rf.build("digits_resnet8")
    for wrapped in (
        nn.DataParallel(model),
        torch.compile(model, backend="eager"),
        AveragedModel(model),
    ):
        assert infer_spec(wrapped).spec.name == "digits_resnet8"
    holder = nn.ModuleDict({"module": nn.Linear(2, 2), "body": model})
    assert infer_spec(holder, strip="body.").spec.name == "digits_resnet8"
    with pytest.raises(rf.WeightsError, match=r"has no part named 'head\.'"):
        infer_spec(holder, strip="head.")


@pytest.mark.parametrize("name", ["regnetx_200mf", "dilated resnet50d"])
def test_more_modules(name: str) -> None:
    spec = rf.load(name.removeprefix("dilated "))
    if name.startswith("dilated"):
        spec = spec.replace({"stages[3].stride": 1, "stages[3].dilation": 2})
    found, certificate = infer_spec(rf.build(spec))
    assert (found.digest, certificate.kind) == (spec.digest, "bitwise")


STRANGE_VIEWS: dict[str, Callable[[], nn.Module]] = {
    "pictures in 0 to 1": lambda: Bent(before=lambda _, x: x / 255 if x.min() >= 0 else x),
    "single pictures": lambda: Bent(after=lambda _, y: y.squeeze()),
    "larger batches": lambda: Bent(after=lambda _, y: y * 2 if len(y) > 2 else y),
    "with gradients": lambda: Bent(after=lambda _, y: y * (1 + torch.is_grad_enabled())),
    "no gradient": lambda: Bent(before=lambda _, x: x + 0 * x.detach() - (x - x.detach())),
    "large weights": lambda: _with_norms(ClampedWeight),
}


class ClampedWeight(nn.BatchNorm2d):
    """A norm whose weight is limited."""

    def forward(self, x: Tensor) -> Tensor:
        given = (self.running_mean, self.running_var, self.weight.clamp(-2, 2), self.bias)
        return F.batch_norm(x, *given, self.training, self.momentum or 0.0, self.eps)


@pytest.mark.parametrize("name", STRANGE_VIEWS)
def test_a_network_that_is_another_in_some_view_is_refused(name: str) -> None:
    torch.manual_seed(0)
    with pytest.raises(rf.WeightsError, match="none puts out the same"):
        infer_spec(STRANGE_VIEWS[name]())


def test_frozen_norms_are_reported() -> None:
    found, certificate = infer_spec(rf.freeze_norm(rf.build("digits_resnet8")))
    assert found.name == "digits_resnet8"
    assert certificate.assumed == ("norms are frozen",)


def test_a_network_without_weights() -> None:
    with pytest.raises(rf.WeightsError, match="is on 'meta'"):
        infer_spec(rf.build("digits_resnet8", device="meta"))
