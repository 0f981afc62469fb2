"""Accelerators of any kind: every word and every run gives the CPU's bits on a pretend one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pretend
import pytest
import resforge as rf
import sweep_trials
import torch
from resforge.ablation import Sweep, read_records, run_sweep
from resforge.ablation.running.device import NOTHING, Found, find_accelerators
from resforge.specs import ResNetSpec
from resforge.training import DigitsSpec, Recipe, Training, load_data, train
from resforge.training.device import RandomState, accelerator, as_device
from resforge.training.streams import OwnRandomState
from torch import Tensor, nn
from words import CASES, images, scattered

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
SHORT: dict[str, Any] = {"steps": 4, "batch_size": 16, "evaluations": 2}
#: A network that draws in training: both kinds of random numbers of a device.
DROPS: dict[str, Any] = {"block": {"kind": "basic", "dropout": 0.3}, "stochastic_depth": 0.5}


@pytest.fixture
def there() -> Iterator[torch.device]:
    with pretend.present() as device:
        yield device


def bits(model: nn.Module, x: Tensor, seed: int = 0) -> dict[str, Tensor]:
    """Output in both modes, gradients and statistics, on the CPU."""
    found = {"evaluated": model.eval()(x)}
    torch.manual_seed(seed)
    found["trained"] = model.train()(x)
    found["trained"].square().mean().backward()
    found |= {f"{name}.grad": p.grad for name, p in model.named_parameters() if p.grad is not None}
    found |= model.state_dict()
    return {name: tensor.detach().cpu() for name, tensor in found.items()}


@pytest.mark.parametrize("name", CASES)
def test_every_word_gives_the_bits_of_the_cpu(name: str, there: torch.device) -> None:
    spec = ResNetSpec(**CASES[name][2])
    x = images(spec)
    here = bits(scattered(rf.build(spec)), x)
    model = scattered(rf.build(spec)).to(there)
    assert {tensor.device for tensor in model.state_dict().values()} == {there}
    found = bits(model, x.to(there))
    assert found.keys() == here.keys()
    for key, tensor in here.items():
        if "attention_pool" in name:
            # PyTorch has a kernel of attention for each device: they sum in another order.
            assert torch.allclose(found[key], tensor, rtol=1e-4, atol=1e-5), key
        else:
            assert torch.equal(found[key], tensor), key


#: That of the CPU is fused by default, and rounds differently.
UNFUSED = {"kind": "sgd", "fused": False}


def trained(device: torch.device | str, **changes: Any) -> tuple[Any, dict[str, Tensor]]:
    spec = rf.load("digits_resnet8").replace(DROPS)
    model = rf.build(spec, seed=0, device=device)
    recipe = Recipe(**{**SHORT, "optimizer": UNFUSED, **changes})
    result = train(model, load_data(DigitsSpec(), device), recipe, seed=0)
    return result, {name: tensor.cpu() for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer": {"kind": "adamw", "fused": False}},
        {"optimizer": {"kind": "sgd", "fused": True}, "channels_last": False},
        {"channels_last": True, "label_smoothing": 0.1},
    ],
    ids=str,
)
def test_training_gives_the_bits_of_the_cpu(changes: dict[str, Any], there: torch.device) -> None:
    (here, weights), (found, others) = trained("cpu", **changes), trained(there, **changes)
    assert found.train_curve == here.train_curve
    assert found.gradients == here.gradients
    assert [point.numbers for point in found.test_curve] == [
        point.numbers for point in here.test_curve
    ]
    for name, tensor in weights.items():
        assert torch.equal(others[name], tensor), name


def test_a_checkpoint_moves_between_processes(there: torch.device) -> None:
    """Written in the middle, read as a file is, and continued to the same bits."""
    spec, data = rf.load("digits_resnet8").replace(DROPS), load_data(DigitsSpec(), there)

    def start() -> Training:
        return Training(rf.build(spec, seed=0, device=there), data, Recipe(**SHORT), seed=0)

    whole, left, resumed = start(), start(), start()
    losses = [whole.advance() for _ in range(4)]
    assert [left.advance() for _ in range(2)] == losses[:2]
    file = io.BytesIO()
    torch.save(left.state(), file)
    file.seek(0)
    resumed.restore(torch.load(file, weights_only=True, map_location="cpu"))
    assert [resumed.advance() for _ in range(2)] == losses[2:]


def test_the_device_has_a_random_state_of_its_own(there: torch.device) -> None:
    state = RandomState(there)
    before = state.now()
    own = OwnRandomState(5, there)
    with own.in_force():
        first = torch.rand(3, device=there).cpu()
    with own.in_force():
        second = torch.rand(3, device=there).cpu()
    assert not torch.equal(first, second)
    again = OwnRandomState(5, there)
    with again.in_force():
        assert torch.equal(torch.rand(3, device=there).cpu(), first)
    assert all(torch.equal(a, b) for a, b in zip(state.now(), before, strict=True))


def sweep() -> Sweep:
    tree: dict[str, Any] = {
        "sweep": 1,
        "base": rf.load("digits_resnet8").replace(DROPS),
        "arms": {"a": {}, "b": {"shortcut": "projection"}},
        "seeds": 1,
        "recipe": {**SHORT, "channels_last": False, "optimizer": UNFUSED},
    }
    return Sweep(**tree)


@pytest.mark.parametrize(("engine", "sharing"), [("inline", None), ("process", 2)])
def test_a_sweep_gives_the_bits_of_the_cpu(
    engine: Any, sharing: int | None, tmp_path: Path, there: torch.device
) -> None:
    run_sweep(sweep(), tmp_path / "here", engine="inline", device="cpu")
    trial = "pretend_trials:on_pretend"
    summary = run_sweep(
        sweep(), tmp_path / "there", engine=engine, trial=trial, device="auto", per_gpu=sharing
    )
    assert summary.statuses == {"done": 2}
    here, found = (read_records(tmp_path / name) for name in ("here", "there"))
    assert found.runs[0].manifest["device"] == pretend.NAME
    assert found.runs[0].manifest["workers"] == (sharing or 1)
    assert {t.outcome.environment["device"] for t in found.all_trials} == {pretend.NAME}
    numbers = {trial.key: trial.outcome.numbers for trial in here.all_trials}
    assert {trial.key: trial.outcome.numbers for trial in found.all_trials} == numbers


def test_an_interrupted_trial_is_resumed_on_the_device(tmp_path: Path, there: torch.device) -> None:
    from resforge.ablation.planning.plan import plan_sweep
    from resforge.ablation.running.checkpoint import make_checkpoint_folder
    from resforge.ablation.running.task import StoppedError, make_task
    from resforge.ablation.running.trial import run_trial

    plan = plan_sweep(sweep_trials.real(seeds=1, channels_last=False, optimizer=UNFUSED))
    make_checkpoint_folder(tmp_path, set())
    task = make_task(plan, plan.trials[0], tmp_path, device=pretend.NAME)
    with pytest.raises(StoppedError):
        run_trial(task, lambda: True)
    resumed = run_trial(task)
    assert resumed.notes == ()
    assert resumed.numbers == run_trial(make_task(plan, plan.trials[0])).numbers


def test_which_device_a_name_is(there: torch.device) -> None:
    assert accelerator() == torch.device(pretend.NAME)
    assert as_device("auto").type == as_device(pretend.NAME).type == pretend.NAME
    assert as_device("cpu").type == "cpu"
    assert find_accelerators() == Found(pretend.NAME, 1)
    for name in ("meta", "cuda", "mps", "nothing", "", "cpu:x"):
        with pytest.raises(
            rf.ResforgeError, match=rf"cannot be used .*: use {pretend.NAME} or cpu"
        ):
            as_device(name)


def test_without_an_accelerator() -> None:
    assert accelerator() is None
    assert as_device("auto") == torch.device("cpu")
    assert find_accelerators() == NOTHING
    for name in ("cuda", "mps", "xpu", "meta", pretend.NAME):
        with pytest.raises(rf.ResforgeError, match=r"cannot be used .*: use cpu"):
            as_device(name)


def test_weights_go_to_and_fro(tmp_path: Path, there: torch.device) -> None:
    model = scattered(rf.build("digits_resnet8")).to(there)
    rf.save_weights(model, tmp_path / "w.safetensors")
    other = rf.build("digits_resnet8", seed=1, device=there)
    rf.load_weights(other, tmp_path / "w.safetensors")
    for name, tensor in model.state_dict().items():
        assert torch.equal(other.state_dict()[name].cpu(), tensor.cpu()), name


@pytest.mark.parametrize(
    "wrong",
    [
        lambda device: torch.ones(2, device=device) + torch.ones(2),
        lambda device: torch.cat([torch.ones(2, device=device), torch.ones(2)]),
        lambda device: nn.Conv2d(1, 1, 1).to(device)(torch.ones(1, 1, 2, 2)),
        lambda device: torch.ones(2, device=device).numpy(),
        lambda device: np.asarray(torch.ones(2, device=device)),
        lambda device: torch.rand(2, device=device, generator=torch.Generator()),
        lambda device: nn.functional.cross_entropy(
            torch.ones(2, 3, device=device), torch.tensor([0, 1])
        ),
    ],
)
def test_what_fails_on_cuda_fails_here(wrong: Any, there: torch.device) -> None:
    with pytest.raises((RuntimeError, TypeError)):
        wrong(there)


def test_what_cuda_takes_is_taken_here(there: torch.device) -> None:
    x = torch.arange(4.0, device=there)
    assert (x * torch.tensor(2.0))[torch.tensor([1, 3])].tolist() == [2.0, 6.0]
    x[0] = torch.tensor(9.0)
    assert x.to("cpu", non_blocking=True).tolist() == [9.0, 1.0, 2.0, 3.0]
