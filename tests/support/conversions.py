"""Every way a module is copied, stored or compiled; each must leave its outputs as they are."""

from __future__ import annotations

import contextlib
import copy
import io
import pickle
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn


def trace(module: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
    with _torchscript_allowed():
        # GroupNorm checks the batch size in Python; the same in our own code stays an error.
        warnings.filterwarnings("ignore", "Converting a tensor", module=r"torch\.nn\.functional")
        return torch.jit.trace(module, inputs)  # type: ignore[no-untyped-call]


def symbolic_trace(module: nn.Module, _: tuple[Tensor, ...]) -> Any:
    return torch.fx.symbolic_trace(module)


def pickle_of_symbolic_trace(module: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
    return pickle.loads(pickle.dumps(symbolic_trace(module, inputs)))


def export(module: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
    return torch.export.export(module, inputs).module()


def strict_export(module: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
    return torch.export.export(module, inputs, strict=True).module()


def deepcopy(module: nn.Module, _: tuple[Tensor, ...]) -> Any:
    return copy.deepcopy(module)


def pickled(module: nn.Module, _: tuple[Tensor, ...]) -> Any:
    return pickle.loads(pickle.dumps(module))


def saved(module: nn.Module, _: tuple[Tensor, ...]) -> Any:
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    # The whole module, not a state dict: written by this very function, so it may be unpickled.
    return torch.load(file, weights_only=False)


def compile_graph(module: nn.Module, _: tuple[Tensor, ...]) -> Any:
    """torch.compile without a code generator: what the graph says, in eager's own kernels."""
    torch._dynamo.reset()  # blocks share a forward, whose recompilations are counted together
    return torch.compile(module, fullgraph=True, backend="aot_eager")


QUICK: tuple[Callable[[nn.Module, tuple[Tensor, ...]], Any], ...] = (
    trace,
    symbolic_trace,
    pickle_of_symbolic_trace,
    deepcopy,
    pickled,
    saved,
    export,
    strict_export,
)
SLOW = (compile_graph,)

each_conversion = pytest.mark.parametrize(
    "convert",
    [*QUICK, *(pytest.param(convert, marks=pytest.mark.slow) for convert in SLOW)],
    ids=lambda convert: convert.__name__,
)


@contextlib.contextmanager
def _torchscript_allowed() -> Iterator[None]:
    """torch warns of TorchScript's retirement; networks are still carried by it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit")
        # GraphModule, of torch itself, has such an annotation.
        warnings.filterwarnings("ignore", "The TorchScript type system", UserWarning)
        yield
