"""The law: every kind in every registry, with each of its samples, is known everywhere.

A kind that is added to a registry is tried here by itself: it is drawn by the strategies, planned,
built, counted, exported, drawn, named on the language page and in the gallery, inferred or
refused. A registered kind obeys the same law; tests/test_register.py has some of each family.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
import torch
from resforge.builder.make import make
from resforge.export.source import to_code
from resforge.planner.plan import lay_out
from resforge.specs import BLOCKS, HEADS, OPERATIONS, SHORTCUTS, STEMS, ResNetSpec
from resforge.specs.expand import expand
from torch.utils.flop_counter import FlopCounterMode
from words import CASES, EVERYWHERE, SIZE, SIZES, images, scattered

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[str, str, ResNetSpec]:
    family, kind, tree = CASES[request.param]
    return family, kind, ResNetSpec(**tree)


@pytest.fixture
def spec(case: tuple[str, str, ResNetSpec]) -> ResNetSpec:
    return case[2]


@pytest.fixture(params=EVERYWHERE)
def anywhere(request: pytest.FixtureRequest) -> ResNetSpec:
    """As ``spec``, in networks of one, two and three axes."""
    return ResNetSpec(**EVERYWHERE[request.param][2])


def test_text_round_trips(anywhere: ResNetSpec) -> None:
    spec = anywhere
    assert rf.loads(spec.to_yaml()) == spec
    assert rf.loads(spec.to_json()) == spec
    assert ResNetSpec(**spec.model_dump(mode="json")) == spec


def test_plan_equals_build(anywhere: ResNetSpec) -> None:
    spec, size = anywhere, SIZES[anywhere.dims]
    plan, model = lay_out(spec, size), rf.build(spec, device="meta").eval()
    assert plan.state_dict == {n: tuple(t.shape) for n, t in model.state_dict().items()}
    assert list(plan.parameters) == [name for name, _ in model.named_parameters()]
    seen: dict[str, tuple[int, ...]] = {}
    for layer in plan.layers:
        vectors = ("parameter", "zero_pad", "conv_along_channels", "linear", "flatten")
        if layer.kind not in vectors:
            model.get_submodule(layer.name).register_forward_hook(
                lambda module, args, out, name=layer.name: seen.__setitem__(name, tuple(out.shape))
            )
    counter = FlopCounterMode(display=False)
    with counter:
        out = model(torch.empty(2, spec.in_channels, *size, device="meta"))
    assert tuple(out.shape) == (2, *plan.output_shape)
    assert counter.get_total_flops() == 2 * 2 * plan.macs
    shapes = {layer.name: (2, layer.out_channels, *layer.out_size) for layer in plan.layers}
    assert seen == {name: shapes[name] for name in seen}


def test_every_parameter_is_filled_by_the_seed_and_gets_a_gradient(spec: ResNetSpec) -> None:
    model, again = rf.build(spec, seed=4), rf.build(spec, seed=4)
    for (name, parameter), other in zip(model.named_parameters(), again.parameters(), strict=True):
        assert parameter.isfinite().all(), name
        assert torch.equal(parameter, other), name
    scattered(model.train())(images(spec)).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_exported_code_equals_in_evaluation_and_training(anywhere: ResNetSpec) -> None:
    spec = anywhere
    model = scattered(rf.build(spec))
    scope: dict[str, Any] = {}
    exec(compile(to_code(spec), "net.py", "exec"), scope)
    copy = scope["ResNet"]()
    copy.load_state_dict(model.state_dict())
    x = images(spec)
    assert torch.equal(copy.eval()(x), model.eval()(x))
    outputs, gradients = [], []
    for network in (model.train(), copy.train()):
        torch.manual_seed(0)
        outputs.append(network(x))
        outputs[-1].square().mean().backward()
        gradients.append({n: p.grad for n, p in network.named_parameters()})
    assert torch.equal(*outputs)
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        assert torch.equal(gradient, gradients[1][name]), name


def test_written_out_it_is_the_same_network(spec: ResNetSpec) -> None:
    chains = expand(spec)
    assert chains.digest == spec.digest
    assert rf.loads(chains.to_yaml()).digest == spec.digest
    model, other = scattered(rf.build(spec)), rf.build(chains)
    values = list(model.state_dict().values())
    assert [t.shape for t in other.state_dict().values()] == [t.shape for t in values]
    other.load_state_dict(dict(zip(other.state_dict(), values, strict=True)))
    x = images(spec)
    assert torch.equal(other.eval()(x), model.eval()(x))
    torch.manual_seed(0)
    trained = model.train()(x)
    torch.manual_seed(0)
    assert torch.equal(other.train()(x), trained)


def test_what_a_constructor_fills_with_a_constant_starts_so(
    spec: ResNetSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate's bias, a scale, a zero: the plan must not draw over it."""
    # What is left as memory has it, such as a convolution among arguments, may be constant too.
    monkeypatch.setattr("resforge.builder.make._UNFILLED", {})
    plan, model = lay_out(spec, (SIZE, SIZE)), rf.build(spec)
    blocks = [(f"{block.name}.", block.modules) for stage in plan.stages for block in stage]
    parts = [(name, part) for name, modules in blocks for part in modules[:4]]
    parts += [("", part) for part in plan.modules]
    for prefix, part in parts:
        for module in part:
            # What it is made of has its own constructors, which draw nothing here.
            if not module.inner and not module.op.call(module).name.startswith("nn."):
                for name, fresh in make(module.op.call(module)).named_parameters():
                    if fresh.numel() > 1 and (fresh == fresh.flatten()[0]).all():
                        built = model.get_parameter(f"{prefix}{module.name}.{name}")
                        assert torch.equal(built, fresh), name


def test_one_digest_is_one_network() -> None:
    """Samples of a kind with one digest have the same tensors and, with them, the same answers."""
    kinds: dict[tuple[str, str], list[ResNetSpec]] = {}
    for family, kind, tree in CASES.values():
        kinds.setdefault((family, kind), []).append(ResNetSpec(**tree))
    for (family, kind), specs in kinds.items():
        for one, other in combinations(specs, 2):
            if one.digest == other.digest:
                shapes = [list(rf.plan(spec, SIZE).state_dict.values()) for spec in (one, other)]
                assert shapes[0] == shapes[1], (family, kind)
                models = [scattered(rf.build(spec)).eval() for spec in (one, other)]
                answers = [model(images(one)) for model in models]
                assert torch.equal(*answers), (family, kind)


def test_kinds_of_a_family_have_pictures_of_their_own() -> None:
    pictures: dict[str, dict[str, str]] = {}
    for family, kind, tree in CASES.values():
        picture = re.sub(r"rf[0-9a-f]{8}", "", rf.plan(ResNetSpec(**tree), SIZE).to_svg())
        pictures.setdefault(family, {}).setdefault(kind, picture)
    for family, found in pictures.items():
        assert len(set(found.values())) == len(found), family


@pytest.mark.parametrize("kind", OPERATIONS)
def test_a_sign_is_in_the_legend(kind: str) -> None:
    operation = OPERATIONS[kind]
    assert bool(operation.sign) == bool(operation.legend)


def test_it_is_drawn(spec: ResNetSpec) -> None:
    picture = rf.plan(spec, SIZE).to_svg()
    assert ET.fromstring(picture).tag.endswith("svg")


def test_the_language_page_and_the_gallery_name_it(case: tuple[str, str, ResNetSpec]) -> None:
    family, kind, _ = case
    language = (DOCS / "language.md").read_text(encoding="utf-8")
    assert kind == "chain" or f"`{kind}`" in language
    if family != "operation":
        gallery = (DOCS / "gallery.md").read_text(encoding="utf-8")
        assert kind == "chain" or f"`{kind}`" in gallery


def test_infer_spec_tells_it_or_refuses(spec: ResNetSpec) -> None:
    try:
        inferred, _ = rf.infer_spec(rf.build(spec))
    except rf.WeightsError:
        return
    assert same_answers(inferred, spec)


def same_answers(one: ResNetSpec, other: ResNetSpec) -> bool:
    """Whether two specs are one network in evaluation: what only trains does not show."""
    if one.digest == other.digest:
        return True
    model = scattered(rf.build(other)).eval()
    copy = rf.build(one).eval()
    values = model.state_dict().values()
    copy.load_state_dict(dict(zip(copy.state_dict(), values, strict=True)))
    return torch.equal(copy(images(other)), model(images(other)))


def test_samples_are_legal_and_differ() -> None:
    """No sample repeats another, or the kind's defaults twice."""
    for kinds in (STEMS, BLOCKS, SHORTCUTS, HEADS, OPERATIONS):
        for kind, model in kinds.items():
            made = [model(**sample) for sample in model.samples]
            assert len(set(made)) == len(made) >= 1, kind
