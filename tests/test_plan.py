"""What the plan says is what the network is."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import resforge as rf
import torch
from hypothesis import assume, given, reject
from hypothesis import strategies as st
from resforge import blocks
from resforge.planner.plan import failure, lay_out
from resforge.planner.sizes import misfits_of
from resforge.specs.axes import each
from resforge.specs.base import MAX_INPUT
from resforge.specs.by_axis import parts_of
from resforge.specs.norm import Normalisation
from resforge.specs.operations import TranslateSpec
from resforge.specs.resolve import blocks_of
from resforge.testing import strategies
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

ATTENTION = (
    blocks.SqueezeExcitation,
    blocks.ECA,
    blocks.GlobalContext,
    blocks.CBAM,
    blocks.BAM,
    blocks.BilinearAttention,
)
SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))

# Measured on torchvision 0.28 and timm 1.0.31, or computed independently.
GOLDEN = {
    "resnet18": (11_689_512, 1_814_073_344),
    "resnet34": (21_797_672, 3_663_761_408),
    "resnet50": (25_557_032, 4_089_184_256),
    "resnet50_v1": (25_557_032, 3_857_973_248),
    "resnext50_32x4d": (25_028_904, 4_230_479_872),
    "wide_resnet50_2": (68_883_240, 11_398_021_120),
    "resnet18d": (11_708_744, 2_053_713_920),
    "resnet26d": (16_014_408, 2_581_897_216),
    "resnet34d": (21_816_904, 3_903_401_984),
    "resnet50c": (25_576_264, 4_328_824_832),
    "resnet50d": (25_576_264, 4_328_824_832),
    "resnet50t": (25_573_728, 4_297_213_952),
    "resnet101d": (44_568_392, 8_041_046_016),
    "resnet152d": (60_212_040, 11_753_267_200),
    # Hu et al.'s own rule, as pytorchcv has it: 64 // 16 channels are 4, and timm's are 8.
    "seresnet18": (11_778_592, 1_814_160_384),
    "seresnet34": (21_958_868, 3_663_918_592),
    "seresnet18_timm": (11_779_624, 1_814_161_408),
    "seresnet34_timm": (21_960_416, 3_663_920_128),
    "seresnet50": (28_088_024, 4_091_699_200),
    "seresnet101": (49_326_872, 7_806_148_608),
    "seresnet152": (66_821_848, 11_520_204_800),
    "ecaresnet50": (25_557_118, 4_089_272_064),
    "ecaresnet50d": (25_576_350, 4_328_912_640),
    # timm's resnetv2_18 to resnetv2_152, which have the norm of the stem behind its pool.
    "preact_resnet18": (11_687_720, 1_814_073_344),
    "preact_resnet34": (21_795_880, 3_663_761_408),
    "preact_resnet50": (25_549_352, 4_089_184_256),
    "preact_resnet101": (44_541_480, 7_801_405_440),
    "preact_resnet152": (60_185_128, 11_513_626_624),
    "preact_resnet200": (64_666_152, 15_007_481_856),
}
# Parameters, MACs and activations, from the model_complexity.json of pycls, the authors' own code;
# it counts the additions of the last bias among the MACs, which are left out here.
REGNET_X = {
    "regnetx_200mf": (2_684_792, 199_039_872, 2_164_056),
    "regnetx_400mf": (5_157_512, 397_677_568, 3_143_272),
    "regnetx_600mf": (6_196_040, 600_890_112, 3_975_096),
    "regnetx_800mf": (7_259_656, 799_699_712, 5_148_744),
    "regnetx_1_6gf": (9_190_136, 1_602_849_792, 7_933_512),
    "regnetx_3_2gf": (15_296_552, 3_176_621_952, 11_367_432),
    "regnetx_4_0gf": (22_118_248, 3_964_498_816, 12_201_608),
    "regnetx_6_4gf": (26_209_256, 6_460_291_264, 16_369_744),
    "regnetx_8_0gf": (39_572_648, 7_995_132_416, 14_059_688),
    "regnetx_12gf": (46_106_056, 12_086_678_016, 21_366_568),
    "regnetx_16gf": (54_278_536, 15_940_755_456, 25_515_496),
    "regnetx_32gf": (107_811_560, 31_735_929_792, 36_302_160),
}
# 164 and 1001 as in resnet-1k-layers, the authors' own code; 110 has its norms elsewhere than the
# network of 2015, and as many.
PRE_ACTIVATED = {110: 1_727_962, 164: 1_703_258, 1001: 10_327_706}
OPTIONS = {
    "resnet18": (11_515_688, 11_689_512, 12_043_816),
    "resnet34": (21_623_848, 21_797_672, 22_716_840),
    "resnet50": (22_780_456, 25_557_032, 40_128_552),
    "cifar_resnet20": (269_722, 272_474, 283_962),
    "cifar_resnet56": (853_018, 855_770, 900_858),
    "cifar_resnet110": (1_727_962, 1_730_714, 1_826_202),
}
A, B, C = "zero_pad", "projection", {"match": "projection", "change": "projection"}


@pytest.mark.parametrize(("name", "counts"), GOLDEN.items())
def test_published_counts(name: str, counts: tuple[int, int]) -> None:
    plan = rf.plan(rf.load(name), input_size=224)
    assert (plan.params, plan.macs) == counts


@pytest.mark.parametrize(("name", "counts"), OPTIONS.items())
def test_counts_of_options_a_b_c(name: str, counts: tuple[int, int, int]) -> None:
    spec = rf.load(name)
    variants = [rf.plan(spec.replace({"shortcut": option})) for option in (A, B, C)]
    assert tuple(plan.params for plan in variants) == counts
    if spec.block.kind == "basic":
        plain = rf.plan(spec.replace({"shortcut": "none"}))
        assert plain.params == counts[0]


@pytest.mark.parametrize(
    ("depth", "millions"),
    [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7), (1202, 19.4)],
)
def test_cifar_sizes_of_the_paper(depth: int, millions: float) -> None:
    """He et al. 2015, Table 6, as rounded there."""
    plan = rf.plan(rf.load(f"cifar_resnet{depth}"), 32)
    assert round(plan.params / 1e6, 1 if millions > 1 else 2) == millions
    assert plan.depth == depth


@pytest.mark.parametrize(("depth", "params"), PRE_ACTIVATED.items())
def test_cifar_sizes_of_pre_activated_networks(depth: int, params: int) -> None:
    plan = rf.plan(rf.load(f"cifar_preact_resnet{depth}"), 32)
    assert (plan.params, plan.depth) == (params, depth)


@pytest.mark.parametrize("order", [o for o in get_args(blocks.Order) if o != "pyramid"])
def test_orders_move_norms_and_add_none(order: str) -> None:
    """With option A; without the norms of its projections a pre-activated network has fewer."""
    spec = rf.load("cifar_resnet110").replace({"block.order": order})
    plan = rf.plan(spec, 32)
    assert (plan.params, plan.macs, plan.depth) == (1_727_962, 252_887_680, 110)
    bottlenecks = rf.load("cifar_preact_resnet164").replace({"block.order": order})
    assert rf.plan(bottlenecks, 32).params == (1_703_258 if order == "full_pre" else 1_704_154)


@pytest.mark.parametrize(
    ("dilations", "output_stride", "macs"),
    [((1, 2), 16, 6_208_618_496), ((2, 4), 8, 19_079_364_608)],
)
def test_counts_of_dilated_networks(
    dilations: tuple[int, int], output_stride: int, macs: int
) -> None:
    """timm's resnet50 with an `output_stride`: the same weights, used on a larger map."""
    changes = {}
    for stage, dilation in zip((2, 3), dilations, strict=True):
        changes[f"stages[{stage}].dilation"] = dilation
        changes[f"stages[{stage}].stride"] = 1 if dilation > 1 else 2
    plan = rf.plan(rf.load("resnet50").replace(changes), 224)
    assert (plan.params, plan.macs) == (25_557_032, macs)
    assert plan.features[-1].stride == output_stride


def test_d2l_count() -> None:
    assert rf.plan(rf.load("resnet18_d2l"), 96).params == 11_178_378


@pytest.mark.parametrize("name", REGNET_X)
def test_regnet_counts(name: str) -> None:
    plan = rf.plan(rf.load(name), 224)
    assert (plan.params, plan.macs, plan.activations) == REGNET_X[name]


@pytest.mark.parametrize(
    "name", [n for source in ("torchvision", "paper") for n in rf.list_specs(source=source)]
)
def test_depth_is_in_the_name(name: str) -> None:
    spec = rf.load(name)
    if name.startswith("regnet") or spec.dims != 2:
        return  # whose name says its MACs, or its axes first
    digits = "".join(c if c.isdigit() else " " for c in name).split()[0]
    # A deep stem has three convolutions for one.
    assert rf.plan(spec).depth == int(digits) + (2 if spec.stem.kind == "deep_base" else 0)


@given(strategies.specs(), SIZES)
def test_shapes_of_every_layer(spec: rf.ResNetSpec, size: tuple[int, int]) -> None:
    """Planned output shape of each layer = the one its module puts out."""
    plan = lay_out(spec, size)
    assume(failure(plan) is None)
    model = rf.build(spec, device="meta").eval()
    seen: dict[str, torch.Size] = {}
    modules = dict(model.named_modules())
    for layer in plan.layers:
        # A zero_pad is joined without a call of its own, a parameter is no module.
        if layer.kind not in ("zero_pad", "parameter"):
            modules[layer.name].register_forward_hook(
                lambda module, args, out, name=layer.name: seen.__setitem__(name, out.shape)
            )
    out = model(torch.empty(2, *plan.input_shape, device="meta"))
    assert tuple(out.shape[1:]) == plan.output_shape
    for layer in plan.layers:
        if layer.kind in ("linear", "flatten"):
            assert seen[layer.name] == (2, layer.out_channels)
        elif layer.kind == "conv_along_channels":
            assert seen[layer.name] == (2, 1, layer.out_channels)
        elif layer.kind not in ("zero_pad", "parameter"):
            assert seen[layer.name] == (2, layer.out_channels, *layer.out_size)


@given(strategies.specs(), SIZES)
def test_counts(spec: rf.ResNetSpec, size: tuple[int, int]) -> None:
    try:
        plan = lay_out(spec, size)
    except rf.SpecError:
        reject()  # a branch and its shortcut end in maps of other sizes at this one
    assume(failure(plan) is None)
    model = rf.build(spec, device="meta").eval()
    assert plan.params == sum(p.numel() for p in model.parameters())
    counter, put_out = FlopCounterMode(display=False), []
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Conv1d | nn.Linear | blocks.BlurPool2d):
            module.register_forward_hook(lambda m, args, out: put_out.append(out.numel()))
    with counter:
        # Two images: a group norm refuses a single element.
        model(torch.empty(2, *plan.input_shape, device="meta"))
    assert 2 * 2 * plan.macs == counter.get_total_flops()
    assert 2 * plan.activations == sum(put_out)


@given(strategies.specs())
def test_state_dict(spec: rf.ResNetSpec) -> None:
    model = rf.build(spec, device="meta")
    built = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    assert rf.plan(spec, 512).state_dict == built


@given(strategies.specs(), SIZES)
def test_feature_maps(spec: rf.ResNetSpec, size: tuple[int, int]) -> None:
    plan = lay_out(spec, size)
    assume(failure(plan) is None)
    model = rf.build(spec, device="meta").eval()
    x = torch.empty(2, *plan.input_shape, device="meta")
    maps = model.features(x)
    assert [tuple(m.shape[1:]) for m in maps] == [(f.channels, *f.size) for f in plan.features]
    assert model.forward_features(x).shape == maps[-1].shape


def sees_the_whole_map(path: tuple[Any, ...], part: Any) -> bool:
    """Whether it is an operation, or a norm of its own, of which an output depends on every
    position."""
    if isinstance(part, Normalisation):
        return path != ("norm",) and part.kind not in ("batch", "none")
    kinds = ("global_pool", "linear", "selective_kernel", "split_attention")
    return getattr(part, "kind", None) in kinds


@given(strategies.specs(max_stages=2, max_depth=2, max_stride=3, max_width=3, heads=False))
def test_receptive_field_is_what_a_gradient_finds(spec: rf.ResNetSpec) -> None:
    """In a linear network of positive weights the gradient is non-zero just where one sees."""
    assume(not any(sees_the_whole_map(*part) for part in parts_of(spec)))
    linear = spec.replace(
        {
            "activation": "none",
            "norm": "none",
            # Standardised, equal weights would be 0.
            "convolution": "plain",
            "head": None,
            "init.zero_residual": False,
        }
    )
    plan = rf.plan(linear, 512)
    field, stride = (each(of, 2)[0] for of in (plan.receptive_field, plan.features[-1].stride))
    rows = 2 * field + 2 * stride
    model = rf.build(linear, dtype=torch.float64).eval()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.1)
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.MaxPool2d):
            pool = nn.AvgPool2d(module.kernel_size, module.stride, module.padding)
            model.set_submodule(name, pool)
        if isinstance(module, ATTENTION):
            # It sees the whole map, which is not what is meant.
            model.set_submodule(name, nn.Identity())
        elif isinstance(module, blocks.Scaled):
            module.shortcut = module.residual = 0.5
        elif isinstance(module, blocks.Gate):
            nn.init.zeros_(module.gate.weight)  # half open everywhere
            nn.init.zeros_(module.gate.bias)
    # As narrow as windows without padding allow, and a map that is moved by pixels.
    moved = any(isinstance(part, TranslateSpec) for _, part in parts_of(spec))
    columns = rows if moved or failure(lay_out(linear, (rows, 1))) else 1
    x = torch.ones(1, spec.in_channels, rows, columns, dtype=torch.float64, requires_grad=True)
    out = model(x)
    out[0, 0, out.shape[2] // 2, out.shape[3] // 2].backward()
    assert x.grad is not None
    seen = x.grad[0, 0].amax(1).nonzero()
    assert int(seen.max() - seen.min()) + 1 == field


@given(st.data())
def test_option_b_minus_option_a(data: st.DataObject) -> None:
    """in * out + 2 * out for each block that changes its shape, with a batch norm."""
    spec = rf.load("cifar_resnet20").replace(
        {
            "stages[0].depth": data.draw(st.integers(1, 3)),
            "stages[1].width": data.draw(st.integers(16, 40)),
            "stages[2].width": data.draw(st.integers(40, 90)),
        }
    )
    a, b = (rf.plan(spec.replace({"shortcut": option})) for option in (A, B))
    changing = [
        block
        for stage in blocks_of(spec)
        for block in (resolved.site for resolved in stage)
        if block.stride > 1 or block.in_channels != block.out_channels
    ]
    extra = sum(c.in_channels * c.out_channels + 2 * c.out_channels for c in changing)
    assert b.params - a.params == extra


@given(strategies.specs())
def test_one_more_block_adds_its_own_count(spec: rf.ResNetSpec) -> None:
    if spec.stages[-1].depth is None or spec.stages[-1].widen != "first":
        return  # blocks that grow to a width all change with their number
    try:
        deeper = spec.replace({"stages[-1].depth": spec.stages[-1].depth + 1})
    except rf.SpecError:
        reject()  # the first block of a stage may be all that can have its parts
    before, after = lay_out(spec, (33, 33)), lay_out(deeper, (33, 33))
    new = after.stages[-1][-1].layers
    assert after.params - before.params == sum(layer.params for layer in new)
    assert after.macs - before.macs == sum(layer.macs for layer in new)
    end = len(before.layers) - len(before.closing) - len(before.head)
    assert after.layers[:end] == before.layers[:end]


def test_a_repeated_block_is_planned_as_if_alone() -> None:
    """The shortcut that planning takes for runs of equal blocks changes nothing."""
    together = rf.load("cifar_resnet56")
    apart = together.replace({"stages[*].depth": None, "stages[*].blocks": [{}] * 9})
    assert rf.plan(together, 32).layers == rf.plan(apart, 32).layers
    assert together.digest == apart.digest


def test_resnext_of_one_group_is_a_resnet() -> None:
    spec = rf.load("resnext50_32x4d").replace({"block.groups": 1, "block.width_per_group": 64})
    assert spec.digest == rf.load("resnet50").digest


@pytest.mark.parametrize("size", [0, -1, (224,), (224, 224, 3), "224", 2.5, True, MAX_INPUT + 1])
def test_sizes_that_are_none(size: object) -> None:
    with pytest.raises(rf.SpecError, match="not an input size"):
        rf.plan(rf.load("resnet18"), size)  # type: ignore[arg-type]


def test_too_small_an_input_names_the_stage() -> None:
    with pytest.raises(rf.SpecError) as caught:
        rf.plan(rf.load("resnet18"), 8)
    assert caught.value.path == "stages[2].stride"
    rf.plan(rf.load("resnet18"), 17)


def sums_are_those_over_the_layers(spec: rf.ResNetSpec, size: Any) -> None:
    plan = lay_out(spec, size)
    layers = plan.layers
    assert plan.params == sum(layer.params for layer in layers)
    assert plan.macs == sum(layer.macs for layer in layers)
    assert plan.activations == sum(layer.activations for layer in layers)
    assert plan.depth == len(plan.weighted)
    ends = [stage[-1] for stage in plan.stages]
    if not spec.closing:  # which may pad channels without a layer
        assert [end.receptive_field for end in ends] == [f.receptive_field for f in plan.features]
        assert [end.out_channels for end in ends] == [f.channels for f in plan.features]


@given(st.lists(strategies.specs(), min_size=1, max_size=3), SIZES)
def test_sums_are_those_over_the_layers(specs: list[rf.ResNetSpec], size: Any) -> None:
    for spec in specs:
        sums_are_those_over_the_layers(spec, size)


@pytest.mark.parametrize(
    "change",
    [
        {"convolution": "scaled_standardized"},
        {"norm": {"kind": "group", "groups": 8}},
        {"activation": "prelu"},
        {"activation": {"kind": "prelu", "shared": True}},
        {"block.bias": True},
        {"block.stride_by": "blur"},
        {"block.conv1": {"conv": 3, "width": "x1/2"}},
        {"block.order": "pyramid"},
        {"shortcut.change": "projection"},
        {"head": [{"flatten": 8}, {"linear": 10}]},
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [32, 6])
def test_parts_that_differ_in_one_thing_are_counted_apart(change: Any, size: int) -> None:
    spec = rf.load("cifar_resnet20")
    for one in (spec, spec.replace(change), spec):
        sums_are_those_over_the_layers(one, (size, size))


@given(strategies.specs(), SIZES)
def test_a_plan_is_refused_before_its_layers_are_named(spec: rf.ResNetSpec, size: Any) -> None:
    plan = lay_out(spec, size)
    faults = list(misfits_of(plan._placed, size))
    assert plan.fits == (not faults)
    if not faults:
        assert rf.plan(spec, size) == plan
        return
    with pytest.raises(rf.SpecError) as caught:
        rf.plan(spec, size)
    assert caught.value.faults == (faults[0],)
