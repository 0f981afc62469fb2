"""One step of training: precision, memory format, and the warm-up by the training error."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import resforge as rf
import torch
from resforge.errors import ResforgeError
from resforge.training import Data, DigitsSpec, Recipe, Training, load_data, train
from resforge.training.step import make_optimizer
from torch import Tensor, nn

TINY = {
    "resforge": 1,
    "in_channels": 1,
    "stem": {"kind": "conv3x3", "width": 4},
    "stages": [{"depth": 1, "width": 4}],
    "block": "basic",
    "head": {"kind": "classifier", "num_classes": 10},
}
SHORT: dict[str, Any] = {"steps": 5, "batch_size": 32, "evaluations": 1}


@pytest.fixture(scope="module")
def digits() -> Data:
    return load_data(DigitsSpec(train=200, test=50))


class Watched(nn.Module):
    """Network that records memory formats and dtypes in its convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.net = rf.build("digits_resnet8", seed=0)
        self.given: list[tuple[bool, bool]] = []
        self.dtypes: set[tuple[bool, torch.dtype]] = set()
        for module in self.net.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(self._look)

    def _look(self, module: nn.Conv2d, args: tuple[Tensor], out: Tensor) -> None:
        self.dtypes.add((self.training, out.dtype))
        if module.in_channels > 1 and module.kernel_size == (3, 3):
            pixels = [
                tensor.is_contiguous(memory_format=torch.channels_last)
                for tensor in (args[0], module.weight)
            ]
            self.given.append((pixels[0], pixels[1]))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        return out


def test_the_forward_pass_has_the_precision_and_everything_else_is_float32(digits: Data) -> None:
    model = Watched()
    training = Training(model, digits, Recipe(precision="bfloat16", **SHORT), seed=0)
    while not training.finished:
        training.advance()
    assert model.dtypes == {(True, torch.bfloat16), (False, torch.float32)}
    kept = [*model.parameters(), *(p.grad for p in model.parameters()), *model.buffers()]
    assert {t.dtype for t in kept if t.is_floating_point()} == {torch.float32}
    buffers = training.stepper.optimizer.state_dict()["state"].values()
    assert {state["momentum_buffer"].dtype for state in buffers} == {torch.float32}


@pytest.mark.parametrize("wanted", [False, True])
def test_images_and_weights_have_the_memory_format_of_the_recipe(
    digits: Data, wanted: bool
) -> None:
    model = Watched()
    train(model, digits, Recipe(channels_last=wanted, **SHORT), seed=0)
    assert set(model.given) == {(wanted, wanted)}


def test_layout_and_precision_train_the_same_network_but_for_rounding(digits: Data) -> None:
    def losses(**way: Any) -> list[float]:
        found: list[float] = []
        model = rf.build("digits_resnet8", seed=0)
        train(model, digits, Recipe(**way, **SHORT), seed=0, on_step=lambda _, v: found.append(v))
        return found

    plain = losses()
    assert losses() == plain
    # The same sums in another order: five steps apart by float32's rounding.
    assert losses(channels_last=False) == pytest.approx(plain, rel=1e-4)
    half = losses(precision="bfloat16")
    assert half == losses(precision="bfloat16") != plain
    # bfloat16 has 8 bits of precision.
    assert half == pytest.approx(plain, rel=0.05)


@pytest.mark.parametrize(("part", "same"), [("block", False), ("head", True)])
def test_the_layout_decides_the_masks_of_dropout_of_maps(
    digits: Data, part: str, same: bool
) -> None:
    """As the documentation of ``channels_last`` says; vectors have one layout."""
    spec = rf.load("digits_resnet8").replace({f"{part}.dropout": 0.2})
    first, other = (
        Training(
            rf.build(spec, seed=0), digits, Recipe(channels_last=wanted, **SHORT), seed=0
        ).advance()
        for wanted in (True, False)
    )
    assert (other == pytest.approx(first, rel=1e-5)) == same


def test_float16_on_the_cpu_is_refused_before_a_step(digits: Data) -> None:
    model = rf.build("digits_resnet8", seed=0)
    with pytest.raises(ResforgeError, match="precision float16 needs a CUDA device"):
        Training(model, digits, Recipe(precision="float16", **SHORT), seed=0)


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
def test_a_fused_optimizer_trains_the_same_network_but_for_rounding(
    digits: Data, kind: str
) -> None:
    def trained(fused: bool | None) -> tuple[Training, list[float]]:
        recipe = Recipe(optimizer={"kind": kind, "fused": fused}, **SHORT)
        training = Training(rf.build("digits_resnet8", seed=0), digits, recipe, seed=0)
        losses = [training.advance() for _ in range(4)]
        assert training.stepper.optimizer.param_groups[0]["fused"] is (
            None if fused is False else True
        )
        return training, losses

    fused, losses = trained(True)
    assert trained(None)[1] == losses
    # One kernel multiplies and adds in one rounding, where several round twice.
    assert losses == pytest.approx(trained(False)[1], rel=1e-4)
    resumed = Training(rf.build("digits_resnet8", seed=0), digits, fused.recipe, seed=0)
    resumed.restore(copy.deepcopy(fused.state()))
    assert resumed.advance() == fused.advance()


class Late(nn.Module):
    """A network of which a part is not used in the first step."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.late = nn.Linear(64, 10), nn.Linear(64, 10)
        self.steps = 0

    def forward(self, x: Tensor) -> Tensor:
        self.steps += 1
        x = x.flatten(1)
        return self.first(x) + self.late(x) if self.steps > 1 else self.first(x)


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
def test_a_parameter_may_have_its_first_gradient_late(digits: Data, kind: str) -> None:
    def trained(fused: bool | None) -> list[float]:
        torch.manual_seed(0)
        training = Training(
            Late(), digits, Recipe(optimizer={"kind": kind, "fused": fused}, **SHORT), seed=0
        )
        return [training.advance() for _ in range(4)]

    plain = trained(False)
    assert trained(None) == trained(True) == pytest.approx(plain, rel=1e-4)


def test_parameters_that_are_not_dense_are_not_updated_in_the_order_of_memory(
    digits: Data,
) -> None:
    def trained(fused: bool | None) -> tuple[Any, list[float]]:
        torch.manual_seed(0)
        model = Late()
        model.first.weight = nn.Parameter(model.first.weight.detach().repeat(1, 2)[:, ::2])
        recipe = Recipe(optimizer={"kind": "sgd", "fused": fused}, **SHORT)
        training = Training(model, digits, recipe, seed=0)
        losses = [training.advance() for _ in range(4)]
        return training.stepper.optimizer.param_groups[0]["fused"], losses

    assert trained(None) == trained(False)


def test_what_the_kernel_does_not_fit_is_not_fused_by_default() -> None:
    def fused(model: nn.Module) -> Any:
        return make_optimizer(model, Recipe()).param_groups[0]["fused"]

    assert fused(nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)) is True
    assert fused(nn.Linear(3, 2, device="meta")) is None
    assert fused(nn.Linear(3, 2, dtype=torch.complex64)) is None
    frozen = nn.Linear(3, 2)
    frozen.weight.requires_grad = False  # it may be trained later
    assert fused(frozen) is None


def test_a_step_that_a_scaler_skips_leaves_the_momentum_as_it_was() -> None:
    model = nn.Linear(3, 2)
    optimizer = make_optimizer(model, Recipe(optimizer={"kind": "sgd", "fused": True}))
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.grad_scale, optimizer.found_inf = None, torch.ones(())
    optimizer.step()  # as GradScaler calls it where a gradient is infinite
    moments = [optimizer.state[p]["momentum_buffer"] for p in model.parameters()]
    assert all(moment.eq(0).all() for moment in moments)


def test_a_state_is_taken_over_with_the_options_of_ones_own(digits: Data) -> None:
    def start(fused: bool) -> Training:
        recipe = Recipe(optimizer={"kind": "adam", "fused": fused}, **SHORT)
        return Training(rf.build("digits_resnet8", seed=0), digits, recipe, seed=0)

    theirs, mine = start(True), start(False)
    theirs.advance()
    mine.restore(copy.deepcopy(theirs.state()))
    assert mine.stepper.optimizer.param_groups[0]["fused"] is None
    assert mine.advance() == pytest.approx(theirs.advance(), rel=1e-4)


@pytest.mark.slow  # the compiler of C++ runs for each
def test_compiled_training_is_the_same_but_for_rounding_and_can_be_resumed(digits: Data) -> None:
    recipe = Recipe(compile=True, **SHORT)

    def start(recipe: Recipe) -> Training:
        return Training(rf.build(TINY, seed=0), digits, recipe, seed=0)

    compiled, plain = start(recipe), start(Recipe(**SHORT))
    losses = [compiled.advance() for _ in range(4)]
    # Kernels that are joined add in another order.
    assert losses == pytest.approx([plain.advance() for _ in range(4)], rel=1e-3)
    resumed = start(recipe)
    resumed.restore(copy.deepcopy(compiled.state()))
    assert resumed.advance() == compiled.advance()
    assert [*resumed.state()["model"]] == [*plain.state()["model"]]
    assert resumed.record.test_curve[0].error == compiled.record.test_curve[0].error


def test_a_machine_without_a_compiler_is_reported(
    digits: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch._inductor.config as inductor

    monkeypatch.setattr(inductor.cpp, "cxx", ("/there/is/none",))
    monkeypatch.setattr(inductor, "fx_graph_cache", False)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    training = Training(model, digits, Recipe(compile=True, **SHORT), seed=0)
    with pytest.raises(ResforgeError, match="PyTorch cannot compile for cpu here"):
        training.advance()


def test_a_device_without_fused_kernels_is_reported() -> None:
    model = nn.Linear(2, 2, device="meta")
    with pytest.raises(ResforgeError, match="no such kernel for meta: leave fused out"):
        make_optimizer(model, Recipe(optimizer={"kind": "sgd", "fused": True}))


@pytest.mark.cuda
@pytest.mark.parametrize("name", ["he2015_cifar_gpu", "torchvision_imagenet_gpu"])
def test_the_recipes_for_a_gpu_train_there(digits: Data, name: str) -> None:
    on_gpu = load_data(DigitsSpec(train=200, test=50), "cuda")
    losses = []
    for named in (name, name.removesuffix("_gpu")):
        recipe = Recipe.named(named, **SHORT)
        model = rf.build(TINY, seed=0, device="cuda")
        training = Training(model, on_gpu, recipe, seed=0)
        losses.append([training.advance() for _ in range(4)])
    # bfloat16 has 8 bits of precision.
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


@pytest.mark.cuda
def test_float16_scales_its_loss_and_can_be_resumed(digits: Data) -> None:
    on_gpu = load_data(DigitsSpec(train=200, test=50), "cuda")
    recipe = Recipe(precision="float16", **SHORT)

    def start() -> Training:
        return Training(rf.build("digits_resnet8", seed=0, device="cuda"), on_gpu, recipe, seed=0)

    training, other = start(), start()
    assert isinstance(training.advance(), float)
    state = training.state()
    assert state["stepper"]["scaler"]["scale"] > 1
    other.restore(state)
    assert other.stepper.scaler.state_dict() == training.stepper.scaler.state_dict()
    assert all(p.dtype == torch.float32 for p in training.model.parameters())


def test_a_warm_up_depends_on_the_errors_of_the_batches_of_its_steps(digits: Data) -> None:
    warmup = {"kind": "until_error", "factor": 0.1, "error": 0.7, "batches": 3}
    recipe = Recipe(steps=40, batch_size=32, evaluations=1, warmup=warmup, schedule="constant")
    model = rf.build("digits_resnet8", seed=0)
    passes: list[Tensor] = []
    model.register_forward_hook(lambda *args: passes.append(args[2].detach()))
    training = Training(model, digits, recipe, seed=0)
    labels, shuffled = [], Training(model, digits, recipe, seed=0).feed.order
    rates = []
    for _ in range(30):
        labels.append(digits.train_y[next(shuffled)])
        training.advance()
        rates.append(training.stepper.optimizer.param_groups[0]["lr"])
    assert len(passes) == 30, "a pass of its own"
    errors = [
        (scores.argmax(1) != y).float().mean().item()
        for scores, y in zip(passes, labels, strict=True)
    ]
    means = [sum(errors[i - 2 : i + 1]) / 3 for i in range(2, 30)]
    over = next(i for i, mean in enumerate(means, start=2) if mean < 0.7)
    assert rates == pytest.approx([0.01] * (over + 1) + [0.1] * (29 - over))
    assert 2 < over < 29, "the test says nothing"
