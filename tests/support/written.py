"""Networks written as code, compared with those that are built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import resforge as rf
import torch
from resforge.export import to_code
from torch import Tensor, nn


def network_of(text: str) -> Any:
    """What the file makes, when it is run alone."""
    assert "resforge." not in text.partition('"""\n\n')[2]
    assert "import resforge" not in text
    names: dict[str, Any] = {"__name__": "net"}
    exec(compile(text, "net.py", "exec"), names)
    return names["ResNet"]()


def step(model: nn.Module, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The outputs and gradients of a training step."""
    model.train()
    torch.manual_seed(0)  # for what is dropped
    out = model(x)
    (out * torch.linspace(-1, 1, out.numel()).view(out.shape)).sum().backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    return out, {name: grad for name, grad in gradients.items() if grad is not None}


def same(ours: Tensor, theirs: Tensor) -> bool:
    """Bit for bit, but for the sign of 0; a division by zero is one in both."""
    return torch.equal(ours.nan_to_num(), theirs.nan_to_num())


def check(spec: rf.ResNetSpec) -> str:
    """The file is the network: names, start values, outputs and gradients of a training step.

    Returns its text.
    """
    text = to_code(spec)
    built, written = rf.build(spec), network_of(text)
    assert list(written.state_dict()) == list(built.state_dict())
    fresh = {name: tensor.clone() for name, tensor in written.named_parameters()}
    for name, parameter in built.named_parameters():
        # What starts at a value of its own does so in the file.
        value = parameter.detach().flatten()[0]
        if parameter.numel() > 1 and bool((parameter == value).all()):
            assert torch.equal(fresh[name], parameter), name
    written.load_state_dict(built.state_dict(), strict=True)
    x = torch.randn(3, spec.in_channels, 19, 18, generator=torch.Generator().manual_seed(0))
    (ours, ours_grads), (theirs, theirs_grads) = step(written, x), step(built, x)
    assert same(ours, theirs)
    assert ours_grads.keys() == theirs_grads.keys()
    assert [name for name in ours_grads if not same(ours_grads[name], theirs_grads[name])] == []
    with torch.no_grad():
        assert same(written.eval()(x), built.eval()(x))
    return text


def check_layout(texts: list[str], folder: Path) -> None:
    """The texts are laid out as ruff would lay them out, and it finds nothing wrong in them."""
    for number, text in enumerate(texts):
        (folder / f"net{number}.py").write_text(text, encoding="utf-8")
    for command in (["format", "--diff"], ["check"]):
        done = ruff(*command, str(folder))
        assert done.returncode == 0, done.stdout


def ruff(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ruff", words[0], "--isolated", "--no-cache", *words[1:]]
    return subprocess.run(command, capture_output=True, text=True, check=False)
