"""Files whose tensors fit a model that computes something else from them."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any, Literal

import pytest
import resforge as rf
import torch
from command_line import Cli
from resforge.builder.registration import unregister
from resforge.planner.plan import lay_out
from resforge.specs import Call, Module, Operation, call
from resforge.weights import convert_weights, plan_weights
from resforge.weights.functions import changes_to
from torch import nn

#: Changes that keep every name and shape, and what the error says of them.
CHANGES: dict[str, tuple[str, dict[str, Any], str]] = {
    "pad": (
        "cifar_resnet20",
        {"shortcut.change": {"kind": "zero_pad", "pad": "both"}},
        "shortcut.change.pad is end there, both here",
    ),
    "subsample": (
        "cifar_resnet20",
        {"shortcut.change": {"kind": "zero_pad", "subsample": "avg_pool"}},
        "shortcut.change.subsample is pixel there, avg_pool here",
    ),
    "plain": ("cifar_resnet20", {"shortcut": "none"}, "shortcut.match is identity there, none"),
    "scaled": (
        "resnet18",
        {"shortcut.match": {"kind": "scaled", "of": "identity", "residual": 0.5}},
        "shortcut.match is identity there, {kind: scaled, of: identity, ",
    ),
    "v1": ("resnet50", {"block.stride_on": "conv1"}, "block.stride_on is conv2 there, conv1 here"),
    "activation": ("resnet18", {"activation": "silu"}, "activation is relu there, silu here"),
    "eps": ("resnet18", {"norm": {"kind": "batch", "eps": 0.001}}, "norm.eps is 1e-05 there"),
    "no pool": ("resnet18", {"stem.pool": "none"}, "stem.pool is max there, none here"),
    "stride": ("resnet18", {"stages[3].stride": 1}, r"stages\[3\].stride is 2 there, 1 here"),
    "dilation": (
        "resnet18",
        {"stages[3].stride": 1, "stages[3].dilation": 2},
        r"stages\[3\].dilation is 1 there, 2 here",
    ),
    "order": ("resnet18", {"block.order": "relu_before_add"}, "block.order is post there"),
}

#: Changes of training, of initial values and of what is asked for: the function stays.
HARMLESS: dict[str, dict[str, Any]] = {
    "stochastic depth": {"stochastic_depth": 0.2},
    "dropout": {"head.dropout": 0.5},
    "momentum": {"norm": {"kind": "batch", "momentum": 0.01}},
    "init": {"init.zero_residual": True},
    "name": {"name": "mine"},
    "classes": {"head.dropout": 0.1},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_file_that_says_another_function_is_refused(name: str, tmp_path: Path) -> None:
    source, changes, text = CHANGES[name]
    file = tmp_path / "model.safetensors"
    rf.save_weights(rf.build(source, seed=1), file)
    spec = rf.load(source).replace(changes)
    model = rf.build(spec)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    for use in (
        lambda: rf.load_weights(model, file),
        lambda: plan_weights(spec, file),
        lambda: convert_weights(file, tmp_path / "other.pth", spec=spec),
    ):
        with pytest.raises(rf.WeightsError, match=text) as raised:
            use()
        assert raised.value.faults[0].code == "function"
    assert all(torch.equal(before[key], now) for key, now in model.state_dict().items())
    plan = rf.load_weights(model, file, allow_other_function=True)
    assert plan.share == 1.0
    assert "another function" in plan.notes[-1]


@pytest.mark.parametrize("name", HARMLESS)
def test_what_computes_the_same_is_loaded(name: str, tmp_path: Path) -> None:
    rf.save_weights(rf.build("resnet18"), tmp_path / "model.safetensors")
    model = rf.build(rf.load("resnet18").replace(HARMLESS[name]))
    plan = rf.load_weights(model, tmp_path / "model.safetensors")
    assert (plan.share, plan.notes, plan.assumed) == (1.0, (), ())


def option_a(seed: int = 0) -> dict[str, torch.Tensor]:
    """The names of akamaster/pytorch_resnet_cifar10; its shortcut pads zeros on both sides."""
    state = rf.build("cifar_resnet20", seed=seed).state_dict()
    return {name.replace("fc.", "linear."): tensor for name, tensor in state.items()}


def test_the_option_a_of_cifar_code_pads_both_sides(tmp_path: Path) -> None:
    file = tmp_path / "model.pth"
    torch.save(option_a(), file)
    with pytest.raises(rf.WeightsError, match="whose code computes another function") as raised:
        rf.load_weights(rf.build("cifar_resnet20"), file)
    # Of a function that names alone show, the flag is named first.
    help_ = str(raised.value.faults[0].help)
    assert "pass allow_other_function=True (--allow-other-function); " in help_
    assert help_.endswith("use shortcut.change.pad: both")
    both = rf.load("cifar_resnet20").replace({"shortcut.change.pad": "both"})
    plan = rf.load_weights(rf.build(both), file)
    assert "shortcut zero_pad (pad both)" in plan.assumed
    out = tmp_path / "out.pth"
    torch.save(rf.build("cifar_resnet20").state_dict(), file)
    with pytest.raises(rf.WeightsError, match="the code whose names are those of pytorch-cifar"):
        convert_weights(file, out, to="pytorch_cifar", spec="cifar_resnet20")
    assert not out.exists()


def test_the_layer_norm_of_attention_is_that_of_the_code(tmp_path: Path) -> None:
    entry = rf.load("gcresnext26ts")
    assert rf.plan(entry).stages[0][0].spec.attention.eps == 1e-6  # type: ignore[union-attr]
    usual = entry.replace({"block.attention.eps": 1e-5})
    state = rf.build(entry).state_dict()
    rf.convert_weights(state, tmp_path / "timm.pth", to="timm_byobnet", spec=entry)
    with pytest.raises(rf.WeightsError, match=r"attention.eps is 1e-06 there, 1e-05 here"):
        plan_weights(usual, tmp_path / "timm.pth")
    assert plan_weights(entry, tmp_path / "timm.pth").share == 1.0


def test_weights_of_an_anti_aliased_network(tmp_path: Path) -> None:
    """As adobe/antialiased-cnns has them: the filters are buffers of the state dict."""
    state = rf.build("resnet18").state_dict()
    state["layer2.0.conv2.0.filt"] = torch.ones(128, 1, 3, 3)
    torch.save(state, tmp_path / "model.pth")
    with pytest.raises(rf.WeightsError, match=r"no place for 1 tensor: layer2\.0"):
        rf.load_weights(rf.build("resnet18"), tmp_path / "model.pth")
    plan = rf.load_weights(
        rf.build("resnet18"), tmp_path / "model.pth", partial=True, allow_other_function=True
    )
    assert "blur filters of an anti-aliased network" in plan.notes[0]


@pytest.mark.parametrize(
    ("source", "changes", "fitting"),
    [
        ("cifar_plain20", {}, "cifar_resnet20, cifar_plain20"),
        ("cifar_resnet20", {"shortcut.change.pad": "both"}, "cifar_resnet20, cifar_plain20"),
        ("cifar_resnet20", {"shortcut.change.subsample": "avg_pool"}, "cifar_resnet20"),
        ("resnet18", {"shortcut.match": {"kind": "scaled", "of": "identity"}}, "resnet18"),
        ("resnet50_v1", {}, "resnet50, resnet50_v1"),
        ("resnet18", {"activation": "gelu"}, "resnet18"),
    ],
)
def test_no_file_is_sealed_on_a_guess(
    source: str, changes: dict[str, Any], fitting: str, tmp_path: Path
) -> None:
    spec = rf.load(source).replace(changes)
    file, out = tmp_path / "model.pth", tmp_path / "out.safetensors"
    torch.save(rf.build(spec).state_dict(), file)
    with pytest.raises(
        rf.WeightsError, match=f"names and shapes do not show it: they fit {fitting}"
    ):
        convert_weights(file, out)
    assert not out.exists()
    convert_weights(file, out, spec=spec)
    assert plan_weights(spec, out).assumed == ()


def test_a_state_dict_lists_what_is_assumed_and_what_else_fits() -> None:
    found, certificate = rf.infer_spec(rf.build("cifar_plain20").state_dict())
    assert found.name == "cifar_resnet20"
    assert "shortcut zero_pad" in certificate.assumed
    names = [spec.name for spec in certificate.alternatives]
    assert names[0] == "cifar_plain20"
    digests = {spec.digest for spec in (found, *certificate.alternatives)}
    assert rf.load("cifar_resnet20").replace({"shortcut.change.pad": "both"}).digest in digests
    assert "others with the same: cifar_plain20" in str(certificate)
    for name in ("regnetx_200mf", "resnet50", "preact_resnet18", "seresnet50"):
        assert rf.infer_spec(rf.build(name, device="meta").state_dict()).spec.name == name


def test_a_file_that_contradicts_its_own_spec(tmp_path: Path) -> None:
    """As those that were saved from edited networks before modules were compared with specs."""
    from resforge.weights.write import write_tensors

    spec, file = rf.load("resnet18"), tmp_path / "model.safetensors"
    for changes in ({"in_channels": 1}, {"head.num_classes": 5}):
        edited = rf.build(spec.replace(changes))
        write_tensors(edited.state_dict(), file, spec)
        for use in (
            lambda: rf.load_weights(rf.build(spec), file),
            lambda: convert_weights(file, tmp_path / "out.pth"),
        ):
            with pytest.raises(rf.WeightsError):
                use()
        assert not (tmp_path / "out.pth").exists()
        rf.load_weights(edited, file)
    write_tensors(rf.build(spec.replace({"in_channels": 1})).state_dict(), file, spec)
    with pytest.raises(rf.WeightsError, match=r"contradicts the spec that it holds: conv1\.weight"):
        rf.load_weights(rf.build(spec), file)
    state = {n: t for n, t in rf.build(spec).state_dict().items() if "num_batches" not in n}
    write_tensors(state, file, spec)
    with pytest.raises(rf.WeightsError, match="contradicts the spec"):
        rf.load_weights(rf.build(spec), file)


def test_a_wrapped_state_dict() -> None:
    state = nn.DataParallel(rf.build("resnet18", device="meta")).state_dict()
    with pytest.raises(rf.WeightsError, match=r"names begin with 'module\.'") as raised:
        rf.infer_spec(state)
    assert raised.value.faults[0].help == "pass strip='module.' (--strip module.)"
    assert rf.infer_spec(state, strip="module.").spec.name == "resnet18"
    assert rf.infer_spec(nn.ModuleDict({"body": rf.build("digits_resnet8")}), strip="body.")


def test_the_command_line_says_what_is_assumed(cli: Cli) -> None:
    torch.save(rf.build("cifar_resnet20").state_dict(), "model.pth")
    found = cli("weights", "check", "cifar_resnet20", "model.pth")
    assert "note: names and shapes do not show strides 1x2x2, relu, no pool" in found.err
    found = cli("weights", "convert", "model.pth", "out.safetensors")
    assert found.code == 3
    assert "--spec cifar_resnet20" in found.err
    assert not Path("out.safetensors").exists()
    found = cli("weights", "convert", "model.pth", "out.safetensors", "--spec", "cifar_resnet20")
    assert found.code == 0
    found = cli("weights", "check", "cifar_plain20", "out.safetensors")
    assert found.code == 3
    assert "use shortcut.match: none" not in found.err
    assert (
        "use shortcut.match: identity, shortcut.change: {kind: zero_pad, pad: end, subsample"
        in found.err
    )
    allowed = ("--allow-other-function", "--json")
    assert cli("weights", "check", "cifar_plain20", "out.safetensors", *allowed).json["notes"]


def _tiny(**changes: Any) -> rf.ResNetSpec:
    tree = {
        "resforge": 1,
        "in_channels": 1,
        "stem": {"kind": "conv3x3", "width": 4},
        "stages": [{"depth": 1, "width": 4}, {"depth": 2, "width": 8, "stride": 2}],
        "shortcut": "zero_pad",
        "head": {"kind": "classifier", "num_classes": 5},
    }
    return rf.ResNetSpec(**{**tree, **changes})


BRANCH = [{"conv": 3, "stride": "block"}, "norm", "act", {"conv": 3}, "norm"]
BOTH = {"kind": "zero_pad", "pad": "both"}

#: What may be said of a network beside its tensors; of each pair some keep names and shapes.
WORDS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "activation": {"activation": "gelu"},
    "eps": {"norm": {"kind": "batch", "eps": 0.01}},
    "group norm of 2": {"norm": {"kind": "group", "groups": 2}},
    "group norm of 4": {"norm": {"kind": "group", "groups": 4}},
    "closing": {"closing": ["act"]},
    "closing pool": {"closing": [{"pool": "max", "stride": 1}]},
    "head": {"head": ["global_pool", {"linear": 5}]},
    "head with act": {"head": ["global_pool", {"act": "tanh"}, {"linear": 5}]},
    "no head": {"head": None},
    "pooled": {"head": ["global_pool"]},
    "both": {"shortcut": BOTH},
    "own stages": {
        "stages": [
            {"depth": 1, "width": 4, "shortcut": BOTH},
            {"depth": 2, "width": 8, "stride": 2, "shortcut": BOTH},
        ]
    },
    "plain": {"shortcut": "none"},
    "scaled": {"shortcut": {"kind": "scaled", "residual": 0.5}},
    "branch": {"block": {"branch": BRANCH}},
    "branch of its own": {"block": {"branch": [*BRANCH[:2], {"act": "relu"}, *BRANCH[3:]]}},
    "branch that pools": {
        "block": {"branch": [*BRANCH[:3], {"pool": "max", "stride": 1}, *BRANCH[3:]]}
    },
    "late stride": {
        "block": {"branch": [{"conv": 3}, *BRANCH[1:3], {"conv": 3, "stride": "block"}, "norm"]}
    },
    "order": {"block": {"kind": "basic", "order": "relu_before_add"}},
    "stride": {"stages": [{"depth": 1, "width": 4}, {"depth": 2, "width": 8}]},
    "dilation": {"stages": [{"depth": 1, "width": 4}, {"depth": 2, "width": 8, "dilation": 2}]},
    "dropout": {"block": {"kind": "basic", "dropout": 0.3}},
}


def _specs() -> list[rf.ResNetSpec]:
    pairs = [{**one, **other} for one in WORDS.values() for other in WORDS.values()]
    unique = {spec.digest: spec for spec in (_tiny(**pair) for pair in pairs)}
    return [*unique.values()]


def _output(spec: rf.ResNetSpec) -> torch.Tensor:
    """From weights that depend on names alone, of both signs."""
    model = rf.build(spec).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _, tensor in sorted(model.state_dict().items()):
            if tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
        for _, tensor in sorted(model.named_parameters()):
            tensor.mul_(torch.randn(tensor.shape, generator=generator))
        return model(torch.randn(2, 1, 21, 24, generator=generator))


def test_whatever_changes_the_outputs_is_named() -> None:
    """Of all pairs of networks with the same tensors."""
    alike: dict[Any, list[tuple[rf.ResNetSpec, torch.Tensor]]] = {}
    for spec in _specs():
        shapes = tuple(sorted(lay_out(spec).state_dict.items()))
        alike.setdefault(shapes, []).append((spec, _output(spec)))
    compared = 0
    for group in alike.values():
        for (spec, output), (other, theirs) in permutations(group, 2):
            compared += 1
            same = output.shape == theirs.shape and torch.equal(output, theirs)
            assert same or changes_to(other, spec), (spec.to_yaml(), other.to_yaml())
    assert compared > 1_000


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("closing", "as it is"),
        ("head with act", "head"),
        ("pooled", "no head"),
        ("own stages", "as it is"),
    ],
)
def test_parts_without_tensors_are_compared(there: str, here: str, tmp_path: Path) -> None:
    rf.save_weights(rf.build(_tiny(**WORDS[there])), tmp_path / "model.safetensors")
    model = rf.build(_tiny(**WORDS[here]))
    for options in ({}, {"partial": True}):
        with pytest.raises(rf.WeightsError, match="another function of the same tensors"):
            rf.load_weights(model, tmp_path / "model.safetensors", **options)  # type: ignore[arg-type]


def test_parts_that_are_cut_are_compared(tmp_path: Path) -> None:
    head = ["global_pool", {"act": "tanh"}, {"linear": 5}]
    rf.save_weights(rf.build(_tiny(head=head)), tmp_path / "model.safetensors")
    model = rf.build(_tiny(head=["global_pool", {"linear": 3}]))
    with pytest.raises(rf.WeightsError, match="another function of the same tensors"):
        rf.load_weights(model, tmp_path / "model.safetensors", head=[0, 1, 2])


class MirrorSpec(Operation):
    kind: Literal["mirror"] = "mirror"

    def call(self, module: Module) -> Call:
        return call("Mirror")


class Mirror(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flip(-1)


def test_a_spec_that_cannot_be_read_is_not_ignored(tmp_path: Path) -> None:
    """As that of a kind which another process registered."""
    file = tmp_path / "model.safetensors"
    rf.register(MirrorSpec, Mirror)
    try:
        rf.save_weights(rf.build(_tiny(closing=["mirror"])), file)
    finally:
        unregister(MirrorSpec)
    with pytest.raises(rf.WeightsError, match="not so that it can be read here"):
        rf.load_weights(rf.build(_tiny()), file)
    with pytest.raises(rf.WeightsError, match="not so that it can be read here"):
        convert_weights(file, tmp_path / "out.pth")
    assert rf.load_weights(rf.build(_tiny()), file, allow_other_function=True).share == 1.0


def test_names_of_code_with_one_function(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    for spec, layout in (("resnet50_v1", "torchvision"), ("resnet50_v1", "torchreid")):
        rf.save_weights(rf.build(spec), file)
        with pytest.raises(rf.WeightsError, match=r"block\.stride_on is conv2 there"):
            convert_weights(file, tmp_path / "out.pth", to=layout)
    rf.save_weights(rf.build(rf.load("resnet18").replace({"activation": "gelu"})), file)
    with pytest.raises(rf.WeightsError, match="activation is relu there, gelu here"):
        convert_weights(file, tmp_path / "out.pth", to="torchvision")
    convert_weights(file, tmp_path / "out.pth", to="torchvision", allow_other_function=True)
    convert_weights(file, tmp_path / "own.pth")


def test_what_is_not_copied_is_not_converted(tmp_path: Path) -> None:
    rf.save_weights(rf.build("resnet18"), tmp_path / "model.safetensors")
    spec = rf.load("resnet18").replace({"in_channels": 1})
    with pytest.raises(rf.WeightsError, match=r"conv1\.weight would be adapted"):
        convert_weights(tmp_path / "model.safetensors", tmp_path / "out.safetensors", spec=spec)
