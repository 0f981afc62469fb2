"""The sweep file: what it means, and what is told where it means nothing."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path

import hypothesis.strategies as st
import pytest
import resforge as rf
from hypothesis import given
from resforge.ablation import Sweep, expand_sweep, load_sweep, plan_sweep, preview_sweep, read_sweep
from resforge.ablation.planning.plan import total_macs

AXES = {
    "depth": {"8": {"stages[*].depth": 1}, "20": {"stages[*].depth": 3}},
    "shortcut": {"plain": {"shortcut": "none"}, "A": {"shortcut": "zero_pad"}},
}
EXAMPLE = Path(__file__).parents[1] / "examples" / "shortcuts.yaml"


def sweep(**tree: object) -> Sweep:
    return Sweep(**{"sweep": 1, "base": "digits_resnet8", **tree})


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    return path


def test_the_arms_are_the_grid_of_the_axes() -> None:
    arms = expand_sweep(sweep(axes=AXES))
    assert [arm.name for arm in arms] == [
        "depth=8/shortcut=plain",
        "depth=8/shortcut=A",
        "depth=20/shortcut=plain",
        "depth=20/shortcut=A",
    ]
    base = rf.load("digits_resnet8")
    deep = base.replace({"stages[*].depth": 3, "shortcut": "none"})
    laid = rf.plan(deep, input_size=8)
    assert arms[2].spec == deep
    assert (arms[2].params, arms[2].macs, arms[2].depth) == (laid.params, laid.macs, 20)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 5))
def test_a_grid_has_as_many_arms_as_the_product(sizes: list[int], seeds: int) -> None:
    axes = {
        f"axis {axis}": {f"label {i}": {f"stages[{axis}].depth": i + 1} for i in range(size)}
        for axis, size in enumerate(sizes)
    }
    plan = plan_sweep(sweep(axes=axes, seeds=seeds))
    assert len({arm.name for arm in plan.arms}) == prod(sizes)
    assert len({trial.key for trial in plan.trials}) == prod(sizes) * seeds


def test_arms_that_mean_the_same_network_share_their_trials() -> None:
    arms = {"a": {}, "b": {"shortcut": "zero_pad"}, "c": {"shortcut": "none"}}
    plan = plan_sweep(sweep(arms=arms, seeds=3))
    assert len(plan.arms) == 3
    assert len(plan.trials) == 6


def test_trials_go_seed_by_seed_and_the_dearest_first() -> None:
    trials = plan_sweep(sweep(axes=AXES, seeds=[5, 3])).trials
    assert [trial.seed for trial in trials] == [5] * 4 + [3] * 4
    costs = [trial.arm.macs for trial in trials[:4]]
    assert costs == sorted(costs, reverse=True)


def test_the_key_covers_all_that_decides_a_result_and_nothing_else() -> None:
    def key(**tree: object) -> str:
        return plan_sweep(sweep(**{"arms": {"a": {}}, "seeds": [0], **tree})).trials[0].key

    same = [
        key(),
        key(name="another title"),
        key(timeout=1.0),
        key(arms={"b": {"name": "another label"}}),
        key(recipe={"optimizer": "sgd"}),
        key(published=[{"source": "a paper", "measure": "error", "rows": {"a": 8.75}}]),
    ]
    other = [
        key(seeds=[1]),
        key(arms={"a": {"shortcut": "none"}}),
        key(recipe={"steps": 119}),
        key(data={"kind": "digits", "split": 1}),
        key(data={"kind": "digits", "test": 796}),
    ]
    assert len(set(same)) == 1
    assert len({*same, *other}) == 1 + len(other)


def test_a_base_may_be_written_out() -> None:
    tree = json.loads(rf.load("digits_resnet8").to_json())
    del tree["resforge"]
    (inline,) = expand_sweep(sweep(base=tree, arms={"a": {}}))
    (named,) = expand_sweep(sweep(arms={"a": {}}))
    assert inline.digest == named.digest


def test_a_head_without_a_linear_layer_has_the_classes_that_it_puts_out() -> None:
    pooled: list[object] = [{"conv": 1, "width": 10}, {"global_pool": "avg"}]
    (arm,) = expand_sweep(sweep(arms={"a": {"head": [*pooled, {"flatten": 1}]}}))
    assert rf.plan(arm.spec, 8).output_shape == (10,)
    with pytest.raises(rf.SpecError, match=r"outputs of shape \(10, 1, 1\), the data has 10"):
        expand_sweep(sweep(arms={"a": {"head": pooled}}))


def test_the_shipped_example_is_what_the_paper_asks() -> None:
    example = load_sweep(EXAMPLE)
    plan = plan_sweep(example)
    assert {arm.depth for arm in plan.arms} == {8, 56}
    assert len(plan.trials) == 8 * 5
    plain, option_a = plan.arms[4:6]
    assert plain.params == option_a.params


FAULTS = [
    # text, line, path, message
    ("sweep: 1\nbase: digits_resnet8\narms: {A: {}}\nseed: 3\n", 4, "seed", "unknown key"),
    ("sweep: 1\nbase: digits_resnet9\narms: {A: {}}\n", 2, "base", "no 'digits_resnet9'"),
    (
        "sweep: 1\nbase:\n  in_channels: 1\n  stages: [{depth: 1, width: -8}]\narms: {A: {}}\n",
        4,
        "base.stages[0].width",
        "-8 is out of range",
    ),
    (
        "sweep: 1\nbase: {base: resnet18, in_channels: 3, head: {num_classes: 9}}\narms: {A: {}}\n",
        2,
        "base",
        "takes 3 channels",
    ),
    (
        "sweep: 1\nbase: digits_resnet8\narms:\n  A: {head.num_classes: 11}\n",
        4,
        "arms.A.head.num_classes",
        "11 classes, the data has 10",
    ),
    (
        "sweep: 1\nbase: digits_resnet8\naxes:\n  s:\n    A: {shortcut: zero_pad}\n"
        "    bad: {shortcut: identity}\n  d:\n    x: {}\n    y: {'stages[*].depth': 2}\n",
        6,
        "axes.s.bad.shortcut",
        "identity cannot join",
    ),
    (
        "sweep: 1\nbase: digits_resnet8\naxes:\n  w: {x: {'stages[2].width': 4}}\n"
        "  s:\n    A: {shortcut: projection}\n    B: {shortcut: zero_pad}\n",
        4,
        "axes.w.x.stages[2].width",
        "never narrow",
    ),
    (
        "sweep: 1\nbase: digits_resnet8\narms:\n  A: {depth: 4}\n",
        4,
        "arms.A.depth",
        "has no 'depth'",
    ),
    ("sweep: 1\nbase: digits_resnet8\narms: {A: 3}\n", 3, "arms.A", "expected a mapping"),
    ("sweep: 1\nbase: digits_resnet8\narms: {a/b: {}}\n", 3, "arms.a/b", "cannot be a label"),
    ("sweep: 1\nbase: digits_resnet8\narms: {}\n", 3, "arms", "there is no label"),
    ("sweep: 1\nbase: digits_resnet8\naxes: {}\n", 3, "axes", "there is no axis"),
    ("sweep: 1\nbase: digits_resnet8\naxes: {a: {}}\n", 3, "axes.a", "there is no label"),
    ("sweep: 1\nbase: digits_resnet8\n", None, "", "either axes or arms"),
    ("sweep: 1\nbase: digits_resnet8\narms: {A: {}}\nseeds: [1, 1]\n", 4, "seeds", "listed twice"),
    (
        "sweep: 1\nbase: digits_resnet8\narms: {A: {}}\nrecipe: {batch_size: 1001}\n",
        4,
        "recipe.batch_size",
        "larger than the training set",
    ),
    (
        "sweep: 1\nbase: digits_resnet8\narms: {A: {}}\nrecipe: {optimizer: {kind: sgd, lr: no}}\n",
        4,
        "recipe.optimizer.lr",
        "expected a number",
    ),
    ("sweep: 1\nbase: 5\narms: {A: {}}\n", 2, "base", "a catalogue name or a spec, not 5"),
    (
        "sweep: 2\nbase: digits_resnet8\narms: {A: {}}\n",
        1,
        "sweep",
        "reads version 1 of the language, not 2",
    ),
    ("sweep: 1\nbase: x\narms: {A: {}}\nseeds: 100001\n", 4, "seeds", "1 to 100000"),
]
DATA_FAULTS = [
    # data, path, message
    ("{kind: cifar10}", "data.path", "'path' is missing; write path: data"),
    ("{kind: cifar}", "data.kind", "did you mean 'cifar10'?"),
    ("{kind: cifar10, path: 3}", "data.path", "expected text, not 3"),
    ("{kind: cifar10, path: x, augment: flip}", "data.augment", "did you mean 'crop_flip'?"),
    ("{kind: cifar10, path: x, train: 60000}", "data.train", "use at most 50000"),
    ("{kind: cifar10, path: x, channels: 3}", "data.channels", "unknown key 'channels'"),
    ("{kind: digits, channels: 2}", "data.channels", "use 1 or 3"),
    ("{kind: digits, channels: true}", "data.channels", "expected a whole number, not true"),
    ("{kind: digits, train: 1000, test: 798}", "data", "more images than the 1797"),
]
# What stands under `rows:` of a published table, the path of the fault below it, and the message.
PUBLISHED_FAULTS = [
    ("ResNet-2O: 8.75", ".ResNet-2O", "did you mean 'ResNet-20'?"),
    ("other: 8.75", ".other", "there is no arm 'other'; the first arm is 'ResNet-20'"),
    ("ResNet-20: .nan", ".ResNet-20", "not a finite number"),
    ("ResNet-20: 1e999", ".ResNet-20", "too large"),
    ("ResNet-20: 1e13", ".ResNet-20", "a finite number or a short text"),
    ("ResNet-20: true", ".ResNet-20", "a finite number or a short text"),
    ("ResNet-20: null", ".ResNet-20", "a finite number or a short text"),
    ("ResNet-20: [8.75]", ".ResNet-20", "a finite number or a short text"),
    (f"ResNet-20: {'x' * 81}", ".ResNet-20", "1 to 80 printable characters"),
    ('ResNet-20: ""', ".ResNet-20", "1 to 80 printable characters"),
    ('ResNet-20: "a\\nb"', ".ResNet-20", "1 to 80 printable characters"),
]


# What stands in the last line of a sweep of two arms, the path of its fault, and the message.
LINE_FAULTS = [
    ("design: grid", "design", "these arms are written one by one; leave design out, or"),
    ("design: gird", "design", "did you mean 'grid'?"),
    ("design: 3", "design", "3 is not one of grid, one_factor, pairwise"),
    ("match: {}", "match", "match takes one quantity: params or macs; write match: {params: 1%}"),
    ("match: params", "match", "expected a mapping, not 'params'"),
    ("match: {params: 1%, macs: 1%}", "match", "match takes one quantity"),
    ("match: {activations: 1%}", "match.activations", "unknown key 'activations'"),
    (
        "match: {params: 0}",
        "match.params",
        "0 is not a tolerance; use more than 0% and at most 50%",
    ),
    ("match: {params: 0%}", "match.params", "'0%' is not a tolerance"),
    ("match: {params: 51%}", "match.params", "'51%' is not a tolerance"),
    ("match: {params: 1}", "match.params", "1 is not a tolerance"),
    ("match: {params: -0.01}", "match.params", "-0.01 is not a tolerance"),
    (
        "match: {params: true}",
        "match.params",
        "expected a percentage or a fraction, not true; write 1%, or 0.01",
    ),
    (
        "match: {params: about 1%}",
        "match.params",
        "expected a percentage or a fraction, not 'about 1%'",
    ),
    ("match: {params: [1%]}", "match.params", "expected a percentage or a fraction, not a list"),
    ("match: {macs: 1%, by: heigth}", "match.by", "'heigth' is not one of width, depth"),
    ("budget: {}", "budget", "a budget has trials, macs or both; write budget: {trials: 100}"),
    ("budget: 100", "budget", "expected a mapping, not 100"),
    ("budget: {trials: 0}", "budget.trials", "0 is out of range; use at least 1"),
    ("budget: {trials: 1.5}", "budget.trials", "expected a whole number, not 1.5"),
    ("budget: {trials: true}", "budget.trials", "expected a whole number, not true"),
    ("budget: {macs: 0}", "budget.macs", "0 is out of range; use more than 0"),
    ("budget: {macs: 1e31}", "budget.macs", "out of range; use at most 1e+30"),
    ("budget: {macs: much}", "budget.macs", "expected a number, not 'much'"),
    ("budget: {hours: 3}", "budget.hours", "unknown key 'hours'"),
]


@pytest.mark.parametrize(("text", "line", "path", "message"), FAULTS)
def test_a_fault_is_reported_with_its_place(
    tmp_path: Path, text: str, line: int | None, path: str, message: str
) -> None:
    with pytest.raises(rf.SpecError) as caught:
        load_sweep(written(tmp_path, text))
    fault = caught.value.faults[0]
    assert (fault.line, fault.path) == (line, path) or line is None
    assert message in f"{fault.message}; {fault.help}"
    assert fault.file is not None
    # Channels and classes can both be wrong.
    assert len(caught.value.faults) == (2 if fault.code == "data" and path == "base" else 1)


@pytest.mark.parametrize(("text", "path", "message"), LINE_FAULTS)
def test_a_fault_in_design_match_and_budget_is_reported_with_its_place(
    tmp_path: Path, text: str, path: str, message: str
) -> None:
    head = "sweep: 1\nbase: digits_resnet8\narms: {A: {}, B: {shortcut: none}}\n"
    with pytest.raises(rf.SpecError) as caught:
        load_sweep(written(tmp_path, f"{head}{text}\n"))
    (fault,) = caught.value.faults
    assert (fault.line, fault.path) == (4, path)
    assert message in f"{fault.message}; {fault.help}"


@pytest.mark.parametrize(
    ("budget", "path", "message"),
    [
        ("{trials: 3}", "budget.trials", "2 networks of 2 seeds are 4 trials, over the 3"),
        ("{macs: 1e9}", "budget.macs", "4 trials take "),
        ("{trials: 1, macs: 1e9}", "budget.trials", "2 networks of 2 seeds are 4 trials"),
        ("{trials: 4, macs: 1e12}", "", ""),
    ],
)
def test_a_sweep_over_its_budget_is_refused_before_it_is_planned(
    tmp_path: Path, budget: str, path: str, message: str
) -> None:
    text = f"""\
sweep: 1
base: digits_resnet8
arms: {{A: {{}}, same: {{shortcut: zero_pad}}, B: {{shortcut: none}}}}
seeds: 2
budget: {budget}
"""
    sweep = load_sweep(written(tmp_path, text))
    if not path:
        assert len(plan_sweep(sweep).trials) == 4
        return
    with pytest.raises(rf.SpecError) as caught:
        plan_sweep(sweep)
    fault = caught.value.faults[0]
    assert (fault.line, fault.path) == (5, path)
    assert message in fault.message
    assert len(caught.value.faults) == 1 + ("1, macs" in budget)


def test_the_macs_of_training_are_counted() -> None:
    """Forward once and backward twice for each image of each step, forward for each tested."""
    one = sweep(arms={"a": {}}, seeds=3, recipe={"steps": 10, "batch_size": 7, "evaluations": 2})
    (arm,) = expand_sweep(one)
    assert total_macs(one, expand_sweep(one)) == 3 * arm.macs * (3 * 10 * 7 + 2 * 797)


@pytest.mark.parametrize(
    ("base", "arms", "help_"),
    [
        (
            "{base: resnet18, in_channels: 3, head: {num_classes: 1000}}",
            "{A: {stem: conv3x3}}",
            "set in_channels: 1 and head: {num_classes: 10}; or data: {kind: digits, channels: 3}",
        ),
        ("{base: cifar_resnet20, in_channels: 3}", "{A: {}}", "set in_channels: 1; or data:"),
        ("digits_resnet8", "{A: {head.num_classes: 11}}", "set head: {num_classes: 10}"),
        ("digits_resnet8", "{A: {in_channels: 2}}", "set in_channels: 1"),
        ("{base: resnet18, head: {num_classes: 7}}", "{A: {}}", "set head: {num_classes: 10}"),
        ("resnet18", "{A: {head: {num_classes: 7}}}", "set head: {num_classes: 10}"),
    ],
)
def test_a_network_that_does_not_fit_the_data_says_which_change_makes_it(
    tmp_path: Path, base: str, arms: str, help_: str
) -> None:
    with pytest.raises(rf.SpecError) as caught:
        load_sweep(written(tmp_path, f"sweep: 1\nbase: {base}\narms: {arms}\n"))
    for fault in caught.value.faults:
        assert (fault.help or "").startswith(help_)


def test_a_base_follows_the_data_in_what_the_file_does_not_say() -> None:
    data = {"kind": "digits", "channels": 3}
    heads = {"A": {}, "B": {"head": {"dropout": 0.2}}, "C": {"head.dropout": 0.2}}
    arms = {name: {"stem": "conv3x3", **head} for name, head in heads.items()}
    for base in ("resnet18", {"base": "resnet18", "head": {"dropout": 0.1}}):
        for arm in expand_sweep(sweep(base=base, arms=arms, data=data)):
            assert arm.spec.in_channels == 3
            assert arm.spec.head is not None
            assert arm.spec.head.classes == 10
    grey = sweep(base="cifar_resnet20", arms={"A": {}})
    (arm,) = expand_sweep(grey)
    assert arm.spec == rf.load("cifar_resnet20").replace({"in_channels": 1})
    assert preview_sweep(grey).adaptation == (
        "the base takes 1 input channel instead of 3, as the data"
    )
    assert not preview_sweep(sweep(arms={"A": {}})).adaptation


def test_a_batch_that_the_file_does_not_say_fits_the_data() -> None:
    def batch(train: int, **recipe: object) -> int:
        data = {"kind": "digits", "train": train}
        return sweep(arms={"A": {}}, data=data, recipe=recipe).recipe.batch_size

    assert [batch(train) for train in (1000, 128, 127, 40, 5, 2)] == [128, 128, 16, 8, 2, 2]
    assert batch(100, batch_size=128) == 128
    assert batch(100, base="he2015_cifar") == 128


def test_designs_and_budgets_are_no_part_of_a_trials_key() -> None:
    old = plan_sweep(sweep(axes=AXES, seeds=[0]))
    for words in ({"design": "grid"}, {"budget": {"trials": 4}}, {"match": {"params": 0.5}}):
        new = plan_sweep(sweep(axes=AXES, seeds=[0], **words))
        keys = {trial.key for trial in new.trials} & {trial.key for trial in old.trials}
        assert len(keys) == (2 if "match" in words else 4)
    few = plan_sweep(sweep(axes=AXES, seeds=[0], design="one_factor"))
    assert {trial.key for trial in few.trials} < {trial.key for trial in old.trials}


@pytest.mark.parametrize(("data", "path", "message"), DATA_FAULTS)
def test_a_fault_in_the_data_is_reported_with_its_place(
    tmp_path: Path, data: str, path: str, message: str
) -> None:
    text = f"sweep: 1\nbase: cifar_resnet20\narms: {{A: {{}}}}\ndata: {data}\n"
    with pytest.raises(rf.SpecError) as caught:
        load_sweep(written(tmp_path, text))
    (fault,) = caught.value.faults
    assert (fault.line, fault.path) == (4, path)
    assert message in f"{fault.message}; {fault.help}"


@pytest.mark.parametrize(("rows", "below", "message"), PUBLISHED_FAULTS)
def test_a_fault_in_a_published_table_is_reported_with_its_place(
    tmp_path: Path, rows: str, below: str, message: str
) -> None:
    text = f"""\
sweep: 1
base: digits_resnet8
arms: {{"ResNet-20": {{}}}}
published:
  - source: a paper
    measure: error
    rows:
      {rows}
"""
    with pytest.raises(rf.SpecError) as caught:
        load_sweep(written(tmp_path, text))
    (fault,) = caught.value.faults
    assert (fault.line, fault.path) == (8, f"published[0].rows{below}")
    assert message in f"{fault.message}; {fault.help}"


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ({"source": " "}, "published[0].source"),
        ({"measure": "x" * 81}, "published[0].measure"),
        ({"rows": [1]}, "published[0].rows"),
        ({"table": 6}, "published[0].table"),
    ],
)
def test_a_published_table_says_whose_it_is(
    tmp_path: Path, table: dict[str, object], path: str
) -> None:
    whole = {"source": "a paper", "measure": "error", "rows": {"A": 1}, **table}
    tree = {"sweep": 1, "base": "digits_resnet8", "arms": {"A": {}}, "published": [whole]}
    with pytest.raises(rf.SpecError) as caught:
        load_sweep(written(tmp_path, json.dumps(tree)))
    assert [fault.path for fault in caught.value.faults] == [path]


def test_rows_for_no_arm_are_counted_not_kept() -> None:
    rows = {f"stranger {i}": 1 for i in range(500)}
    tables = [{"source": "a paper", "measure": "error", "rows": rows}]
    with pytest.raises(rf.SpecError) as caught:
        expand_sweep(sweep(axes=AXES, published=tables))
    assert len(caught.value.faults) + caught.value.more == 500
    assert len(caught.value.faults) <= 20


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_text_is_kept_for_the_report(tmp_path: Path, encoding: str) -> None:
    text = "sweep: 1\nbase: digits_resnet8\nname: größer\narms: {A: {}}\n"
    path = tmp_path / "sweep.yaml"
    path.write_bytes(text.encode(encoding))
    assert load_sweep(path).text == text


def test_two_changes_wrong_only_together_are_reported_with_the_arm() -> None:
    axes = {
        "width": {"narrow": {"stages[2].width": 16}},
        "shortcut": {"A": {"shortcut": "zero_pad"}, "none": {"shortcut": "none"}},
        "middle": {"wide": {"stages[1].width": 24}},
    }
    with pytest.raises(rf.SpecError) as caught:
        expand_sweep(sweep(axes=axes))
    (fault,) = caught.value.faults
    assert fault.path == "axes.middle.wide.stages[1].width"
    assert "arm width=narrow/shortcut=A/middle=wide: shortcut: zero_pad can widen" in fault.message


def test_too_many_trials_are_counted_not_tried() -> None:
    axes = {f"a{i}": {str(j): {} for j in range(10)} for i in range(9)}
    with pytest.raises(rf.SpecError, match="1,000,000,000 arms of 3 seeds are 3,000,000,000"):
        expand_sweep(sweep(axes=axes))


@given(st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3))
def test_odd_labels_end_in_a_sweep_or_in_a_spec_error(changes: dict[str, str]) -> None:
    for arms in ({"a": changes}, {label: {} for label in changes}):
        told = ["fine"]
        try:
            expand_sweep(sweep(arms=arms))
        except rf.SpecError as error:
            told = str(error).split("\n")
        assert all(line.isprintable() for line in told)


def test_a_later_axis_goes_over_an_earlier_one() -> None:
    """Also where the earlier said the same path before another one touched it."""
    sweep = Sweep(
        sweep=1,
        base="digits_resnet8",
        axes={
            "a": {"x": {"stages[*].stride": 2}},
            "b": {"x": {"stages[0].stride": 1}},
            "c": {"x": {"stages[*].stride": 2}},
        },
    )
    (arm,) = expand_sweep(sweep)
    assert [stage.stride for stage in arm.spec.stages] == [2, 2, 2]


def test_a_spec_is_no_sweep(tmp_path: Path) -> None:
    with pytest.raises(rf.SpecError, match="this file holds a spec; use `resforge check`"):
        load_sweep(written(tmp_path, "resforge: 1\nbase: resnet18\n"))


def test_thousands_of_wrong_changes_are_counted_not_kept(tmp_path: Path) -> None:
    labels = ", ".join(f"a{i}: {{w{i}: 1}}" for i in range(900))
    with pytest.raises(rf.SpecError) as caught:
        load_sweep(written(tmp_path, f"sweep: 1\nbase: digits_resnet8\narms: {{{labels}}}\n"))
    assert len(caught.value.faults) + caught.value.more == 900
    assert len(caught.value.faults) <= 100


def test_arms_too_deep_to_lay_out_are_counted(tmp_path: Path) -> None:
    labels = ", ".join(f'd{i}: {{"stages[*].depth": {i}}}' for i in range(300, 400))
    with pytest.raises(rf.SpecError, match=r"arms have [\d,]+ blocks, over the limit of 50,000"):
        load_sweep(written(tmp_path, f"sweep: 1\nbase: digits_resnet8\narms: {{{labels}}}\n"))


BIG = '{"stages[*].width": 65536, "stages[2].depth": 30}'


@pytest.mark.parametrize(
    ("axes", "told"),
    [
        (f"arms: {{small: {{}}, big: {BIG}}}", "arms.big"),
        (
            f"axes: {{size: {{small: {{}}, big: {BIG}}}, act: {{relu: {{}},"
            " gelu: {activation: gelu}}}",
            "axes.size.big",
        ),
        (
            'arms: {wide: {"stages[*].width": 20000}, deep: {"stages[*].width": 20000,'
            ' "stages[*].depth": 2}}',
            "arms.wide",
        ),
    ],
)
def test_an_arm_over_the_limit_of_parameters_is_refused_before_training(
    tmp_path: Path, axes: str, told: str
) -> None:
    path = written(tmp_path, f"sweep: 1\nbase: digits_resnet8\n{axes}\n")
    with pytest.raises(rf.SpecError) as caught:
        load_sweep(path)
    assert all(fault.code == "limit" for fault in caught.value.faults)
    assert caught.value.path.startswith(told)
    assert "parameters, of at most 2,000,000,000" in caught.value.message
    assert "max-params" not in str(caught.value)
    preview = preview_sweep(read_sweep(path))
    assert preview.error is not None
    illegal = [arm.name for arm in preview.illegal]
    assert illegal
    assert "small" not in illegal


def test_a_base_over_the_limit_names_its_arm(tmp_path: Path) -> None:
    base = "{resforge: 1, in_channels: 1, stages: [{depth: 40, width: 65536}], stem: conv3x3,"
    base += " head: {num_classes: 10}}"
    with pytest.raises(rf.SpecError, match=r"arm a: stages: [\d,]+ parameters"):
        load_sweep(written(tmp_path, f"sweep: 1\nbase: {base}\narms: {{a: {{}}}}\n"))


def test_an_arm_that_is_matched_to_a_small_one_is_not_over_the_limit(tmp_path: Path) -> None:
    match = "match: {params: 5%}\narms: {a: {}, b: {'stages[*].width': 65536}}"
    small, large = expand_sweep(
        load_sweep(written(tmp_path, f"sweep: 1\nbase: digits_resnet8\n{match}\n"))
    )
    assert large.params == pytest.approx(small.params, rel=0.05)
