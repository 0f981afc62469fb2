"""The papers' tables as sweep files: their networks are the catalogue's, and they train."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import resforge as rf
from resforge.ablation import Sweep, expand_sweep, load_sweep, plan_sweep
from resforge.ablation.published import printed
from resforge.ablation.running.task import make_task
from resforge.ablation.running.trial import run_trial
from resforge.text.reader import read

EXAMPLES = Path(__file__).parents[1] / "examples"
IMAGENET = {"stem": {"kind": "conv7x7", "width": 64}, "head.num_classes": 1000}
PROJECTED = {"match": "projection", "change": "projection"}

# Arm, catalogue name, what the catalogue's differs in.
CIFAR_2015 = [
    *((f"ResNet-{depth}", f"cifar_resnet{depth}") for depth in (20, 32, 44, 56, 110, 1202)),
    *((f"plain-{depth}", f"cifar_plain{depth}") for depth in (20, 32, 44, 56, 110)),
]
IMAGENET_2015 = [
    ("plain-18", "plain18", {}),
    ("plain-34", "plain34", {}),
    ("ResNet-18 A", "resnet18", {"shortcut": "zero_pad"}),
    ("ResNet-34 A", "resnet34", {"shortcut": "zero_pad"}),
    ("ResNet-34 B", "resnet34", {}),
    ("ResNet-34 C", "resnet34", {"shortcut": PROJECTED}),
    ("ResNet-50", "resnet50_v1", {}),
    ("ResNet-101", "resnet101", {"block.stride_on": "conv1"}),
    ("ResNet-152", "resnet152", {"block.stride_on": "conv1"}),
]
CIFAR_2016 = [
    ("ResNet-110", "cifar_resnet110"),
    ("ResNet-110 full pre-activation", "cifar_preact_resnet110"),
    ("ResNet-164 full pre-activation", "cifar_preact_resnet164"),
]


@pytest.fixture(scope="module")
def he2015() -> Sweep:
    return load_sweep(EXAMPLES / "he2015.yaml")


@pytest.fixture(scope="module")
def he2016() -> Sweep:
    return load_sweep(EXAMPLES / "he2016.yaml")


def test_the_networks_of_2015_are_the_papers(he2015: Sweep) -> None:
    arms = {arm.name: arm.spec for arm in expand_sweep(he2015)}
    for name, known in CIFAR_2015:
        assert arms[name].digest == rf.load(known).digest, name
    for name, known, changes in IMAGENET_2015:
        wanted = rf.load(known).replace(changes)
        assert arms[name].replace(IMAGENET).digest == wanted.digest, name
    assert len(arms) == len(CIFAR_2015) + len(IMAGENET_2015)


def test_the_networks_of_2016_are_the_papers(he2016: Sweep) -> None:
    arms = {arm.name: arm for arm in expand_sweep(he2016)}
    for name, known in CIFAR_2016:
        assert arms[name].digest == rf.load(known).digest, name
    assert len({arm.digest for arm in arms.values()}) == len(arms) == 20
    assert {arm.depth for name, arm in arms.items() if name.startswith("ResNet-164")} == {164}
    assert {arm.depth for name, arm in arms.items() if not name.startswith("ResNet-164")} == {110}


def test_every_network_stands_beside_what_is_printed(he2015: Sweep, he2016: Sweep) -> None:
    bare = [arm.name for arm in expand_sweep(he2015) if not printed(he2015.published, arm.name)]
    assert bare == ["plain-20", "plain-32", "plain-44", "plain-56"]
    assert printed(he2015.published, "ResNet-34 A") == "25.03 [3], 25.03 / 7.76 [4]"
    assert all(printed(he2016.published, arm.name) for arm in expand_sweep(he2016))
    assert printed(he2016.published, "ResNet-110") == "6.61 [1], 6.61 [2]"


@pytest.mark.parametrize("name", ["he2015", "he2016"])
def test_the_lines_for_cifar_fit_the_file(name: str) -> None:
    text = (EXAMPLES / f"{name}.yaml").read_text()
    lines = read("\n".join(re.findall(r"^#   (\w+: .*)$", text, re.MULTILINE))).tree
    assert {"data", "recipe", "timeout"} <= set(lines) <= {"data", "recipe", "timeout", "seeds"}
    full = Sweep(**{**read(text).tree, **lines})
    assert (full.recipe.steps, full.recipe.batch_size, full.data.kind) == (64_000, 128, "cifar10")
    falls = [full.recipe.learning_rate(step) for step in (400, 31_999, 32_000, 48_000)]
    assert falls == pytest.approx([0.1, 0.1, 0.01, 0.001])
    assert expand_sweep(full)


@pytest.mark.parametrize(
    ("name", "few"),
    [
        ("he2015", ("ResNet-20", "plain-18")),
        ("he2016", ("exclusive gating, bias -6", "ResNet-164 full pre-activation")),
    ],
)
def test_they_train(name: str, few: tuple[str, ...], request: pytest.FixtureRequest) -> None:
    whole: Sweep = request.getfixturevalue(name)
    arms = {label: whole.arms[label] for label in few if whole.arms}
    data = whole.data.model_copy(update={"train": 20, "test": 10})
    short = {"steps": 2, "batch_size": 4, "evaluations": 1}
    plan = plan_sweep(Sweep(sweep=1, base=whole.base, arms=arms, data=data, recipe=short, seeds=1))
    assert [run_trial(make_task(plan, trial)).status for trial in plan.trials] == ["done"] * 2
