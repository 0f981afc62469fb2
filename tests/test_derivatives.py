"""Derivatives of every word, of every kind: batched, in forward mode, and of second order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import resforge as rf
import torch
from resforge.blocks import Projection, ResidualBlock, Shortcut, ZeroPad
from resforge.specs import ResNetSpec
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck
from words import CASES, scattered
from words import SIZE as WORDS_SIZE

functional: Any = torch.autograd.functional

RANDOM = ("Dropout", "StochasticDepth")
SIZE = (5, 7)


def is_random(module: nn.Module) -> bool:
    """Whether the module draws in training."""
    return type(module).__name__ in RANDOM


def built(tree: dict[str, Any]) -> nn.Module:
    """The network in float64 with weights of both signs; in evaluation, but for what draws."""
    model: nn.Module = scattered(rf.build(ResNetSpec(**tree)).double()).eval()
    for module in model.modules():
        if is_random(module):
            module.train()
    return model


def function_of(module: nn.Module) -> Callable[[Tensor], Tensor]:
    """The module as a function, with the same random state in each call."""

    def call(x: Tensor) -> Tensor:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(3)
            out: Tensor = module(x)
            return out

    return call


def draw(*shape: int) -> Tensor:
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return x.requires_grad_()


SHORTCUTS = {name: case for name, case in CASES.items() if case[0] in ("match", "change")}
OTHERS = {name: case for name, case in CASES.items() if name not in SHORTCUTS}


@pytest.mark.parametrize("name", SHORTCUTS)
def test_every_shortcut(name: str) -> None:
    """The block alone, so that every entry of the Jacobian can be compared."""
    family, _, tree = SHORTCUTS[name]
    model = built(tree).get_submodule("layer1.0" if family == "match" else "layer2.0")
    block, x = function_of(model), draw(1, 4, 1, 3)
    assert gradcheck(
        block,
        x,
        check_batched_grad=True,
        check_forward_ad=True,
        # PyTorch draws nothing under its older vmap, which this option uses.
        check_batched_forward_grad=not any(map(is_random, model.modules())),
    )
    assert gradgradcheck(
        lambda x: block(x).sin(), x, check_batched_grad=True, check_fwd_over_rev=True
    )


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_word(name: str) -> None:
    """The whole network, along random directions."""
    model = built(OTHERS[name][2])
    # Some heads are for a map of one size.
    attends = "attention_pool" in name
    size = (WORDS_SIZE, WORDS_SIZE) if attends or "flatten" in name else SIZE
    network, x = function_of(model), draw(1, 2, *size)
    # Of PyTorch's attention there are first derivatives in reverse mode alone.
    forward = not attends
    assert gradcheck(
        network, x, check_batched_grad=forward, check_forward_ad=forward, fast_mode=True
    )
    # Nor has its hard sigmoid a second one.
    if attends or any(isinstance(module, nn.Hardsigmoid) for module in model.modules()):
        return
    # Second derivatives of PyTorch's group norm fail under its older vmap, which this option uses.
    batched = not any(isinstance(module, nn.GroupNorm) for module in model.modules())
    assert gradgradcheck(network, x, check_batched_grad=batched, fast_mode=True)


def ones(x: Tensor) -> Tensor:
    return torch.ones_like(x)


def reversed_(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    out, pull, *_ = torch.func.vjp(f, x)
    grad: Tensor = pull(ones(out))[0]
    return grad


def batched_gradients(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    out = f(leaf := x.detach().requires_grad_())
    directions = torch.eye(out.numel(), dtype=x.dtype).view(-1, *out.shape)
    (grads,) = torch.autograd.grad(out, leaf, directions, is_grads_batched=True)
    return grads


def energy(f: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A number whose second derivative in x is not zero."""
    return lambda x: f(x).sin().sum()


TRANSFORMS: dict[str, Callable[[Callable[[Tensor], Tensor], Tensor], Any]] = {
    "jacobian": lambda f, x: functional.jacobian(f, x),
    "jacobian, vectorised": lambda f, x: functional.jacobian(f, x, vectorize=True),
    "jacobian, forward": lambda f, x: functional.jacobian(
        f, x, vectorize=True, strategy="forward-mode"
    ),
    "hessian, vectorised": lambda f, x: functional.hessian(energy(f), x, vectorize=True),
    "hessian, forward over reverse": lambda f, x: functional.hessian(
        energy(f), x, vectorize=True, outer_jacobian_strategy="forward-mode"
    ),
    "functional.jvp": lambda f, x: functional.jvp(f, x, ones(x))[1],
    "functional.hvp": lambda f, x: functional.hvp(energy(f), x, ones(x))[1],
    "is_grads_batched": batched_gradients,
    "jacrev": lambda f, x: torch.func.jacrev(f)(x),
    "jacfwd": lambda f, x: torch.func.jacfwd(f)(x),
    "hessian": lambda f, x: torch.func.hessian(energy(f))(x),
    "jacrev of jacrev": lambda f, x: torch.func.jacrev(torch.func.jacrev(energy(f)))(x),
    "jacrev of jacfwd": lambda f, x: torch.func.jacrev(torch.func.jacfwd(energy(f)))(x),
    "jacfwd of jacfwd": lambda f, x: torch.func.jacfwd(torch.func.jacfwd(energy(f)))(x),
    "jvp": lambda f, x: torch.func.jvp(f, (x,), (ones(x),))[1],
    "vjp": reversed_,
    "vmap": lambda f, x: torch.func.vmap(f)(torch.stack([x, -x])),
    "vmap of grad": lambda f, x: torch.func.vmap(torch.func.grad(energy(f)))(torch.stack([x, -x])),
    "functionalize": lambda f, x: torch.func.functionalize(f)(x),
}


class PadThenAdd(Shortcut):
    """Option A in plain operations: what ZeroPad must equal under every transform."""

    def __init__(self, inner: ZeroPad) -> None:
        super().__init__()
        self.inner = inner

    def join(self, residual: Tensor, x: Tensor) -> Tensor:
        return residual + self.inner(x)


def block_with(shortcut: nn.Module, stride: int) -> nn.Module:
    conv = nn.Conv2d(2, 4, 3, stride, padding=1)
    block = ResidualBlock({"conv": conv}, shortcut, exit={"relu": nn.ReLU(inplace=True)})
    return scattered(block.double())


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
@pytest.mark.parametrize(
    "shortcut",
    [ZeroPad(2, 4), ZeroPad(2, 4, 2, "both"), ZeroPad(2, 4, 2, "end", "avg_pool")],
    ids=repr,
)
def test_zero_pad_under_every_transform(
    shortcut: ZeroPad, transform: Callable[[Callable[[Tensor], Tensor], Tensor], Any]
) -> None:
    x = draw(1, 2, 3, 5).detach()
    fast = transform(block_with(shortcut, shortcut.stride), x)
    assert torch.equal(fast, transform(block_with(PadThenAdd(shortcut), shortcut.stride), x))


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_a_projection_goes_through_the_same_transforms(
    transform: Callable[[Callable[[Tensor], Tensor], Tensor], Any],
) -> None:
    transform(block_with(Projection(2, 4, stride=2).eval(), 2), draw(1, 2, 3, 5).detach())


@pytest.mark.parametrize("shortcut", [ZeroPad(2, 4), ZeroPad(2, 4, 2, "both")], ids=repr)
def test_one_side_alone_may_be_differentiated_forward(shortcut: ZeroPad) -> None:
    height, width = (3, 5) if shortcut.stride == 1 else (2, 3)
    residual, x = draw(1, 4, height, width), draw(1, 2, 3, 5)
    fixed = residual.detach()
    assert gradcheck(lambda x: shortcut.join(1.0 * fixed, x), x, check_forward_ad=True)
    fixed_x = x.detach()
    assert gradcheck(lambda r: shortcut.join(1.0 * r, fixed_x), residual, check_forward_ad=True)
    tangents = torch.func.jacfwd(lambda x: shortcut.join(fixed.clone(), x))(x.detach())
    assert torch.equal(tangents, torch.func.jacrev(shortcut)(x.detach()))


def test_an_ensemble_of_networks() -> None:
    """A batch of weights under vmap, as for an ensemble or for gradients of each image."""
    tree = SHORTCUTS["change zero_pad 0"][2]
    model = built(tree)
    state = {name: tensor.detach() for name, tensor in model.named_parameters()}
    stacked = {name: torch.stack([tensor, -tensor]) for name, tensor in state.items()}
    x = draw(2, 2, *SIZE).detach()

    def run(weights: dict[str, Tensor]) -> Tensor:
        out: Tensor = torch.func.functional_call(model, weights, (x,))
        return out

    together = torch.func.vmap(run)(stacked)
    for index in range(2):
        alone = run({name: tensor[index] for name, tensor in stacked.items()})
        # Batched kernels add up in another order.
        torch.testing.assert_close(together[index], alone, rtol=1e-10, atol=1e-10)
