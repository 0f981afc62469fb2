"""Checkpoints as people publish them: which tensors in a file are meant."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
import torch
from command_line import Cli
from resforge.weights.misfits import OWN_NAMES
from resforge.weights.read import read
from safetensors.torch import save_file
from torch import nn
from weight_files import SPEC, State, holds, state


def named(prefix: str, seed: int = 1) -> State:
    return {prefix + name: tensor for name, tensor in state(seed).items()}


def loaded(checkpoint: Any, **options: Any) -> tuple[nn.Module, rf.WeightPlan]:
    model = rf.build(SPEC, seed=9)
    return model, rf.load_weights(model, checkpoint, **options)


@pytest.fixture(params=["memory", "zip", "legacy"])
def given(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Checkpoints in memory and in each format of torch.save."""

    def give(checkpoint: Any) -> Any:
        if request.param == "memory":
            return checkpoint
        zipped = request.param == "zip"
        torch.save(checkpoint, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
        return tmp_path / "x.pth"

    return give


# With a prefix, only names that begin with it count.


@pytest.mark.parametrize("first", [True, False])
def test_names_with_and_without_the_prefix(first: bool, given: Any) -> None:
    """Two networks in one mapping are never mixed, whichever comes first."""
    both = [named("module.", 1), state(2)]
    checkpoint = {**both[0], **both[1]} if first else {**both[1], **both[0]}
    model, plan = loaded(given(checkpoint), strip="module.")
    assert holds(model, state(1))
    assert not plan.unused
    assert any("without the prefix" in note for note in plan.notes)
    assert holds(loaded(given(checkpoint), allow_extra=True)[0], state(2))


def test_one_name_with_the_prefix_is_not_enough() -> None:
    checkpoint = {"module.fc.weight": state(1)["fc.weight"], **state(2)}
    with pytest.raises(rf.WeightsError, match="the file lacks"):
        loaded(checkpoint, strip="module.")
    with pytest.raises(rf.WeightsError, match=r"no place for 1 tensor: module\.fc\.weight"):
        loaded(checkpoint)


# The state dict is found beside tensors, and at any depth.

BESIDE: dict[str, Any] = {
    "best_acc1": torch.tensor(71.2),
    "step": torch.tensor(7),
    "rng": torch.get_rng_state(),
    "class_weights": torch.ones(3),
}


@pytest.mark.parametrize("beside", [*BESIDE, "all"])
def test_a_tensor_beside_the_state_dict(beside: str, given: Any) -> None:
    others = BESIDE if beside == "all" else {beside: BESIDE[beside]}
    model, plan = loaded(given({**others, "epoch": 3, "state_dict": OrderedDict(state())}))
    assert holds(model, state())
    assert plan.notes[0] == "the tensors come from its entry 'state_dict'"


@pytest.mark.parametrize(
    "path", ["state_dict", "best.net.weights", "models.0.params", "a.b.c.d.e.f.g"]
)
def test_a_state_dict_at_any_depth(path: str, given: Any) -> None:
    tree: Any = state()
    for key in reversed(path.split(".")):
        tree = [tree] if key == "0" else {key: tree, "lr": 0.1}
    tree["optimizer"] = {"state": {n: {"exp_avg": t} for n, t in enumerate(state().values())}}
    model, plan = loaded(given(tree))
    assert holds(model, state())
    assert plan.notes[0] == f"the tensors come from its entry {path!r}"
    assert holds(loaded(given(tree), entry=path)[0], state())


def test_the_entry_that_covers_most_is_read(given: Any) -> None:
    """Whatever it is called, and whatever else is called as weights usually are."""
    head = {"fc.weight": torch.zeros(3, 8), "fc.bias": torch.zeros(3)}
    wider = rf.build(SPEC.replace({"stages[1].width": 16}), seed=4).state_dict()
    model, plan = loaded(given({"model": head, "state_dict": wider, "mine": state()}))
    assert holds(model, state())
    assert plan.notes == ("the tensors come from its entry 'mine'; not read: state_dict, model",)


def test_an_entry_is_chosen_by_name(given: Any) -> None:
    checkpoint = {"state_dict": state(1), "state_dict_ema": state(2), "x": {"teacher": state(3)}}
    for path, seed in (("state_dict", 1), ("state_dict_ema", 2), ("x.teacher", 3)):
        assert holds(loaded(given(checkpoint), entry=path)[0], state(seed))
    with pytest.raises(rf.WeightsError, match="no entry 'teacher'") as caught:
        loaded(given(checkpoint), entry="teacher")
    assert "state_dict, state_dict_ema, x.teacher" in str(caught.value)


def test_two_networks_by_convention(given: Any) -> None:
    """Training checkpoints hold an average beside the weights; the note names it."""
    checkpoint = {"state_dict_ema": state(2), "state_dict": state(1)}
    model, plan = loaded(given(checkpoint))
    assert holds(model, state(1))
    assert "'state_dict_ema' would fit too, with other values" in plan.notes[0]
    with_outer = {**state(1), "ema": state(2)}
    model, plan = loaded(given(with_outer))
    assert holds(model, state(1))
    assert "'ema' would fit too, with other values" in plan.notes[0]


@pytest.mark.parametrize(
    "keys", [("student", "teacher"), ("a.state_dict", "b.state_dict"), ("x.model", "y.model")]
)
def test_two_networks_without_a_convention(keys: tuple[str, str], given: Any) -> None:
    """Never guessed."""
    tree: dict[str, Any] = {}
    for seed, path in enumerate(keys):
        *outer, last = path.split(".")
        inner = tree
        for key in outer:
            inner = inner.setdefault(key, {})
        inner[last] = state(seed)
    with pytest.raises(rf.WeightsError, match="fit equally well, and their values differ") as error:
        loaded(given(tree))
    assert all(repr(path) in str(error.value) for path in keys)
    assert f"--entry {keys[0]}" in str(error.value)
    assert holds(loaded(given(tree), entry=keys[1])[0], state(1))


def test_the_same_network_twice(given: Any) -> None:
    copies = {name: tensor.clone() for name, tensor in state().items()}
    model, plan = loaded(given({"student": state(), "teacher": copies}))
    assert holds(model, state())
    assert plan.notes == ("the tensors come from its entry 'student'; not read: teacher",)


class Lazy(Mapping[str, Any]):
    """A mapping that is no dict."""

    def __init__(self, items: dict[str, Any]) -> None:
        self.given = items

    def __getitem__(self, key: str) -> Any:
        return self.given[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.given)

    def __len__(self) -> int:
        return len(self.given)


def test_mappings_in_memory(tmp_path: Path) -> None:
    """Wherever a file of weights is taken."""
    for checkpoint in (state(), OrderedDict(state()), Lazy(state()), {"model": Lazy(state())}):
        assert holds(loaded(checkpoint)[0], state())
        assert rf.plan_weights(SPEC, checkpoint).share == 1.0
        rf.convert_weights(checkpoint, tmp_path / "x.safetensors", spec=SPEC)
        assert holds(loaded(tmp_path / "x.safetensors")[0], state())
        assert rf.infer_spec(checkpoint).certificate.kind == "names"
    model = rf.build(SPEC, seed=1)
    rf.load_weights(model, model.state_dict())
    assert holds(model, state())
    with pytest.raises(rf.WeightsError, match="the mapping: holds no named tensors"):
        loaded({"a": 1})
    with pytest.raises(rf.SpecError, match="a mapping of tensors, not int"):
        loaded(3)


# One more name does not change the layout.


def head_of(names: str) -> State:
    return {f"{names}.weight": torch.zeros(5, 8), f"{names}.bias": torch.zeros(5)}


@pytest.mark.parametrize(
    "extra",
    [
        {**head_of("fc.1"), **head_of("fc.4")},  # d2l's third form knows fc.1
        head_of("classifier.1"),  # Hugging Face's head
        {"classifier.1.weight": torch.zeros(5, 8, 1, 1), "aux_classifier.4.bias": torch.zeros(5)},
        head_of("linear"),  # pytorch-cifar's
    ],
)
def test_a_strange_head(extra: State, given: Any) -> None:
    body = {name: tensor for name, tensor in state().items() if not name.startswith("fc.")}
    for checkpoint in ({**body, **extra}, {**extra, **body}):
        model, plan = loaded(given(checkpoint), head="fresh", allow_extra=True)
        assert plan.layout == "torchvision"
        assert holds(model, state(), but="fc.")


def test_a_few_names_of_another_layout(given: Any) -> None:
    others = {f"resnet.encoder.stages.0.layers.{n}.x.weight": torch.zeros(1) for n in range(200)}
    others |= {f"resnet_block1.0.conv{n}.weight": torch.zeros(1) for n in range(1, 100)}
    assert loaded(given({**others, **state()}), allow_extra=True)[1].layout == "torchvision"


# A prefix is proposed by what it covers.


def moco() -> State:
    """In the order of its checkpoints."""
    queue = {"module.queue": torch.zeros(8, 16), "module.queue_ptr": torch.zeros(1).long()}
    return {**named("module.encoder_q.", 1), **named("module.encoder_k.", 2), **queue}


PREFIXED: dict[str, tuple[State, list[str]]] = {
    "moco": (moco(), ["module.encoder_q.", "module.encoder_k."]),
    "normalizer": (
        {"normalizer.mean": torch.zeros(3), "normalizer.std": torch.ones(3), **named("model.")},
        ["model."],
    ),
    "criterion": ({"criterion.weight": torch.ones(3), **named("net.")}, ["net."]),
    "average": ({"n_averaged": torch.tensor(5), **named("module.")}, ["module."]),
    "decay": ({"decay": torch.tensor(0.9), **named("ema_model.module.")}, ["ema_model.module."]),
    "compiled": (named("module._orig_mod."), ["module._orig_mod."]),
    "collision": ({**named("module."), **head_of("fc")}, ["module."]),
}


@pytest.mark.parametrize("case", PREFIXED)
def test_a_prefix_is_proposed(case: str, given: Any) -> None:
    checkpoint, prefixes = PREFIXED[case]
    with pytest.raises(rf.WeightsError) as caught:
        loaded(given(checkpoint))
    fault = caught.value.faults[0]
    assert fault.code == "prefix"
    assert all(repr(prefix) in fault.message for prefix in prefixes)
    assert fault.help == f"pass strip={prefixes[0]!r} (--strip {prefixes[0]})"
    for prefix in prefixes:
        model, _ = loaded(given(checkpoint), strip=prefix)
        wanted = {name: checkpoint[prefix + name] for name in state()}
        assert holds(model, wanted)


def test_the_prefix_of_a_block_is_not_proposed() -> None:
    """Its names are those of a stem, too."""
    renamed = {name.replace("layer", "s"): tensor for name, tensor in state().items()}
    stages = {name: tensor for name, tensor in renamed.items() if name.startswith("s")}
    for use in (loaded, rf.infer_spec):
        with pytest.raises(rf.WeightsError, match="no name of a residual network") as caught:
            use(stages)
        assert OWN_NAMES in str(caught.value.faults[0].help)
    with pytest.raises(rf.WeightsError, match=r"the file lacks \d+ tensors: layer1\.0") as caught:
        loaded(renamed)
    assert OWN_NAMES in str(caught.value.faults[0].help)


@pytest.mark.parametrize("prefix", ["module.", "net."])
def test_the_prefix_of_a_file_without_blocks_is_proposed(prefix: str) -> None:
    ends = {prefix + name: each for name, each in state().items() if not name.startswith("layer")}
    with pytest.raises(rf.WeightsError, match=f"strip={prefix!r}"):
        loaded(ends, allow_missing=0.0)


def test_a_prefix_in_an_entry(given: Any) -> None:
    """Also of an entry that covers nothing before, beside one that covers little."""
    checkpoint = {"state_dict": named("module."), "ema": {"fc.bias": torch.zeros(3)}}
    with pytest.raises(rf.WeightsError, match=r"begin with 'module\.'"):
        loaded(given(checkpoint))
    model, plan = loaded(given(checkpoint), strip="module.")
    assert holds(model, state())
    assert plan.notes == ("the tensors come from its entry 'state_dict'",)


def test_a_prefix_where_no_spec_is_known(tmp_path: Path) -> None:
    torch.save({"epoch": 1, "model": moco()}, tmp_path / "x.pth")
    with pytest.raises(rf.WeightsError, match=r"'module\.encoder_q\.' or 'module\.encoder_k\.'"):
        rf.convert_weights(tmp_path / "x.pth", tmp_path / "y.safetensors")
    with pytest.raises(rf.WeightsError, match=r"--strip module\.encoder_q\."):
        rf.infer_spec(moco())


# More in the file, less in the file, another head.


def test_the_file_has_more(given: Any) -> None:
    checkpoint = {**state(), "layer3.0.conv1.weight": torch.zeros(16, 8, 3, 3)}
    with pytest.raises(rf.WeightsError, match="no place for 1 tensor") as caught:
        loaded(given(checkpoint))
    assert "allow_extra=True (--allow-extra)" in str(caught.value)
    model, plan = loaded(given(checkpoint), allow_extra=True)
    assert plan.unused == ("layer3.0.conv1.weight",)
    assert holds(model, state())
    # It is not the other way around.
    with pytest.raises(rf.WeightsError, match="no place for 1 tensor"):
        loaded(given(checkpoint), allow_missing=0.5)


def test_the_file_has_less(given: Any) -> None:
    checkpoint = {name: t for name, t in state().items() if not name.startswith("layer2.1")}
    with pytest.raises(rf.WeightsError, match="the file lacks 12 tensors") as caught:
        loaded(given(checkpoint))
    assert "--allow-missing 0.8" in str(caught.value)
    with pytest.raises(rf.WeightsError, match="the file lacks 12 tensors"):
        loaded(given(checkpoint), allow_extra=True)
    model, plan = loaded(given(checkpoint), allow_missing=0.7)
    # Counters are not counted.
    assert plan.counts == (32, 42)
    assert holds(model, {**rf.build(SPEC, seed=9).state_dict(), **checkpoint})
    with pytest.raises(rf.WeightsError, match=r"fills 32 of 42 tensors .*\(76.2%\), and 80.0%"):
        loaded(given(checkpoint), allow_missing=0.8)


def test_another_shape_is_less() -> None:
    wider = SPEC.replace({"stages[1].width": 16, "head": None})
    checkpoint = {name: t for name, t in state().items() if not name.startswith("fc.")}
    plan = rf.plan_weights(wider, checkpoint, allow_missing=0.2)
    assert {t.unit for t in plan.tensors if t.action == "fresh"} == {
        *("layer2.0", "layer2.0.downsample", "layer2.1")
    }


@pytest.mark.parametrize("fraction", [1.5, -0.1, True, "all", float("nan")])
def test_no_fraction(fraction: Any) -> None:
    with pytest.raises(rf.WeightsError, match="is no fraction"):
        loaded(state(), allow_missing=fraction)


HEADS: dict[str, State] = {
    "absent": {},
    "other classes": {"fc.weight": torch.zeros(1000, 8), "fc.bias": torch.zeros(1000)},
    "classifier": head_of("classifier"),
    "last_linear": head_of("last_linear"),
    "two layers": {
        **{"fc.0.weight": torch.zeros(32, 8), "fc.0.bias": torch.zeros(32)},
        **{"fc.2.weight": torch.zeros(5, 32), "fc.2.bias": torch.zeros(5)},
    },
    "two names": {"fc1.weight": torch.zeros(32, 8), "fc2.weight": torch.zeros(5, 32)},
    "with a norm": {
        **{"mlp.0.weight": torch.zeros(32, 8), "mlp.1.running_mean": torch.zeros(32)},
        **{"mlp.1.weight": torch.zeros(32), "mlp.3.weight": torch.zeros(5, 32)},
    },
    "convolutions": {"decode.0.weight": torch.zeros(4, 8, 3, 3), "decode.0.bias": torch.zeros(4)},
    "pooled twice": {"1.8.weight": torch.zeros(5, 16), "1.2.weight": torch.zeros(16)},
    "flattened": {"out.weight": torch.zeros(5, 8 * 49), "out.bias": torch.zeros(5)},
}


@pytest.mark.parametrize("head", HEADS)
def test_any_head_is_let_go(head: str, given: Any) -> None:
    body = {name: tensor for name, tensor in state().items() if not name.startswith("fc.")}
    checkpoint = {**HEADS[head], **body}
    model, plan = loaded(given(checkpoint), head="fresh")
    assert holds(model, state(), but="fc.")
    assert set(plan.unused) == set(HEADS[head])
    assert holds(model, rf.build(SPEC, seed=9).state_dict() | body)
    rf.plan_weights(SPEC.replace({"head": None}), checkpoint)


@pytest.mark.parametrize(
    "extra",
    [
        {"layer3.0.conv1.weight": torch.zeros(16, 8, 3, 3)},  # another stage
        {"layer2.0.se.fc1.weight": torch.zeros(2, 8, 1, 1)},  # attention
        {"conv2.weight": torch.zeros(4, 4, 3, 3), "bn2.weight": torch.zeros(4)},  # a deep stem
        {"norm.weight": torch.zeros(8), "norm.bias": torch.zeros(8)},  # a norm at the end
        {"ca.fc1.weight": torch.zeros(1, 4, 1, 1)},  # attention after the stem
    ],
)
def test_what_is_no_head_is_not_let_go(extra: State) -> None:
    with pytest.raises(rf.WeightsError, match="no place for"):
        loaded({**state(), **extra}, head="fresh")


# The command line.


@pytest.fixture
def cli(cli: Cli, tmp_path: Path) -> Cli:
    (tmp_path / "small.yaml").write_text(SPEC.to_yaml())
    torch.save({"state_dict": state(1), "state_dict_ema": state(2)}, tmp_path / "two.pth")
    torch.save(moco(), tmp_path / "moco.pth")
    return cli


def test_options_of_the_command_line(cli: Cli, tmp_path: Path) -> None:
    done = cli("weights", "check", "small.yaml", "two.pth")
    assert done.code == 0
    assert "note: the tensors come from its entry 'state_dict'; 'state_dict_ema' would" in done.err
    assert done.lines[-1].startswith("42 of 42 tensors, ")
    out = "out.safetensors"
    done = cli(
        "weights", "load", "small.yaml", "two.pth", "--entry", "state_dict_ema", "--out", out
    )
    assert done.code == 0
    assert holds(loaded(tmp_path / out)[0], state(2))
    assert cli("weights", "load", "small.yaml", "moco.pth", "--out", out).code == 3
    prefix = ("--strip", "module.encoder_k.")
    assert cli("weights", "load", "small.yaml", "moco.pth", *prefix, "--out", out).code == 0
    assert holds(loaded(tmp_path / out)[0], state(2))
    done = cli("weights", "convert", "moco.pth", out, *prefix, "--spec", "small.yaml")
    assert done.code == 0
    assert cli("weights", "check", "small.yaml", "two.pth", "--entry", "x").code == 3
    assert cli("weights", "check", "small.yaml", "two.pth", "--allow-missing", "2").code == 3
    assert cli("weights", "check", "small.yaml", "two.pth", "--allow-missing", "x").code == 2
    head = ("--head", "fresh", "--allow-extra", "--allow-missing", "0.5")
    assert cli("weights", "check", "small.yaml", "two.pth", *head).code == 0


def test_options_of_export(cli: Cli, tmp_path: Path) -> None:
    tokens = ("export", "small.yaml", "--input", "16", "--torch-export", "x.pt2", "--weights")
    assert cli(*tokens, "moco.pth").code == 3
    done = cli(*tokens, "moco.pth", "--strip", "module.encoder_q.")
    assert done.code == 0
    assert "note: not read, since without the prefix" in done.err
    assert cli(*tokens, "two.pth", "--entry", "state_dict_ema").code == 0
    assert cli(*tokens[:-1], "--strip", "module.").code == 2
    assert cli(*tokens[:-1], "--entry", "x").code == 2


def test_options_of_train(cli: Cli, tmp_path: Path) -> None:
    spec = SPEC.replace({"in_channels": 1, "head.num_classes": 10})
    (tmp_path / "digits.yaml").write_text(spec.to_yaml())
    given = rf.build(spec, seed=3).state_dict()
    wrapped = {f"module.{name}": tensor for name, tensor in given.items()}
    torch.save({"a": rf.build(spec).state_dict(), "b": wrapped}, tmp_path / "x.pth")
    tokens = ("train", "digits.yaml", "--data", "digits", "--epochs", "1", "--weights", "x.pth")
    done = cli(*tokens, "--out", "run", "--entry", "b", "--strip", "module.")
    assert done.code == 0, done.err
    assert "the tensors come from its entry 'b'" in done.err
    done = cli(*tokens, "--out", "other", "--entry", "b")
    assert done.code == 3
    assert "--strip module." in done.err


def test_a_file_of_safetensors_has_one_entry(tmp_path: Path) -> None:
    save_file(state(), tmp_path / "x.safetensors")
    assert [entry.path for entry in read(tmp_path / "x.safetensors").entries] == [""]
    with pytest.raises(rf.WeightsError, match=r"no entry 'a' .*\n.*it has the file itself"):
        loaded(tmp_path / "x.safetensors", entry="a")
