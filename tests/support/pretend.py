"""A pretend accelerator: what a network does on a device that is not the CPU, without one.

Its tensors wrap tensors of the CPU. Every operation takes them out, computes on the CPU and wraps
the results, so that forward and backward give the CPU's bits, and whatever is wrong on a real
accelerator fails here too: a CPU tensor among the arguments, a device tensor that is read as an
array of NumPy, a generator of the CPU that draws for the device. The device has a random state of
its own.

PyTorch has such backends for experiments (`_setup_privateuseone_for_python_backend`). A process
cannot get rid of one, and its autograd engine counts devices at the first backward: so it is
installed when tests begin, and reports that no device is there except within :func:`present`.

Not pretended: streams, memory, autocast, compilers, and the memory format of a parameter: setting
its ``data`` changes the wrapper alone.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._pytree import tree_iter, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "pretend"
#: What is not pretended: fixtures and conversions of tests that are skipped, and why.
LACKS = {
    "autocast_device": "autocast is a table of each backend in C++",
    "compiling_device": "compilers know no tensors of a backend in Python",
    "trace": "torch.jit records no tensors of a backend in Python",
    "export": "torch.export records no tensors of a backend in Python",
    "strict_export": "torch.export records no tensors of a backend in Python",
    "pickled": "a pickle of its tensors holds plain values of the CPU",
    "saved": "a file of its tensors holds plain values of the CPU",
    "pickle_of_symbolic_trace": "a pickle of its tensors holds plain values of the CPU",
    "compile_graph": "compilers know no tensors of a backend in Python",
}
_HOME = torch.device("cpu")
_aten = torch.ops.aten
#: The only operations that may take tensors of both devices: copies, and indices of the CPU.
_BOTH = (
    _aten.copy_.default,
    _aten._to_copy.default,
    _aten.index.Tensor,
    _aten.index_put_.default,
    _aten._index_put_impl_.default,
)


class PretendTensor(torch.Tensor):
    """A tensor of the device, around the tensor of the CPU that holds its values."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> PretendTensor:
        tensor: PretendTensor = torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            layout=held.layout,
            device=torch.device(NAME, 0),
        )
        tensor.held = held
        return tensor

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        # Views of tensors that were made in inference mode cannot be made in Python.
        with torch.inference_mode(False):
            return _run(func, args, kwargs or {})

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if id(self) not in memo:
            memo[id(self)] = PretendTensor(copy.deepcopy(self.held)).requires_grad_(
                self.requires_grad
            )
        return memo[id(self)]  # type: ignore[no-any-return]

    def __reduce_ex__(self, protocol: Any) -> Any:
        # A file holds plain values, as one that is read with map_location="cpu".
        plain = self.held.detach().requires_grad_(self.requires_grad)
        return plain.__reduce_ex__(protocol)  # type: ignore[no-untyped-call]

    def tolist(self) -> Any:
        return self.held.tolist()  # PyTorch's own takes no subclass

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]
        return f"PretendTensor({self.held!r})"


class _Module:
    """What PyTorch asks of `torch.cuda` and its kin."""

    def __init__(self) -> None:
        self.depth = 0
        """Contexts of :func:`present` that are open."""
        self.random = torch.Generator()

    def is_available(self) -> bool:
        return self.depth > 0

    def device_count(self) -> int:
        return int(self.depth > 0)

    def is_initialized(self) -> bool:
        return True

    def current_device(self) -> int:
        return 0

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed(self, seed: int) -> None:
        self.random.manual_seed(seed)

    manual_seed_all = manual_seed

    def get_rng_state(self, device: Any = NAME) -> Tensor:
        return self.random.get_state()

    def set_rng_state(self, state: Tensor, device: Any = NAME) -> None:
        self.random.set_state(state)

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Context in which the CPU draws from the device's own random state."""
        before = torch.get_rng_state()
        torch.set_rng_state(self.random.get_state())
        try:
            yield
        finally:
            self.random.set_state(torch.get_rng_state())
            torch.set_rng_state(before)


class _Hooks(torch._C._acc.PrivateUse1Hooks):
    def is_available(self) -> bool:
        return _module.is_available()

    def has_primary_context(self, index: int) -> bool:
        return True

    def is_built(self) -> bool:
        return True


_module = _Module()
_installed: list[Any] = []
"""Registrations of operations, which go with their objects."""


@contextmanager
def present() -> Iterator[torch.device]:
    """Context in which the device is there, as the accelerator of this process."""
    install()
    _module.depth += 1
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch, "tensor", _tensor)
            patch.setattr(torch, "as_tensor", _tensor)
            yield torch.device(NAME, 0)
    finally:
        _module.depth -= 1


_torch_tensor = torch.tensor


def _tensor(data: Any, *, device: Any = None, **options: Any) -> Tensor:
    """`torch.tensor`, whose own copy to a device does not reach a backend in Python."""
    there = device is not None and torch.device(device).type == NAME
    made = _torch_tensor(data, device=None if there else device, **options)
    return made.to(device) if there else made


#: Operations that PyTorch makes of others where a backend has none of its own: into a result that
#: it resizes, or with other bits than on the CPU.
_OWN = (
    *("arange", "arange.start", "arange.start_step", "linspace", "eye", "eye.m"),
    *("randperm", "randperm.generator", "silu_backward", "mish_backward"),
)


def install() -> None:
    """Make the backend known to this process, once, before its first backward."""
    if _installed:
        return
    _setup_privateuseone_for_python_backend(NAME, _module, _Hooks())
    library: Any = torch.library.Library
    rest, own = library("_", "IMPL"), library("aten", "IMPL")
    rest.fallback(_dispatch, "PrivateUse1")
    for name in _OWN:
        packet, _, overload = name.partition(".")
        op = getattr(getattr(_aten, packet), overload or "default")
        own.impl(name, partial(_dispatch, op), "PrivateUse1")
    _installed.extend((rest, own))


def _dispatch(op: Any, *args: Any, **kwargs: Any) -> Any:
    return PretendTensor.__torch_dispatch__(op, (), args, kwargs)


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    leaves = list(tree_iter((args, kwargs)))
    _check(func, leaves)
    wanted = kwargs.get("device")
    plain = tree_map(_held, kwargs) | ({} if wanted is None else {"device": _HOME})
    if torch.Tag.nondeterministic_seeded in func.tags:
        with _module.drawing():
            out = func(*tree_map(_held, args), **plain)
    else:
        out = func(*tree_map(_held, args), **plain)
    if wanted is not None and torch.device(wanted).type == "cpu":
        return out
    given = {id(leaf.held): leaf for leaf in leaves if isinstance(leaf, PretendTensor)}
    mutated = args[0] if func is _aten.copy_.default else None
    if mutated is not None:
        return mutated
    return tree_map(lambda value: _wrapped(value, given), out)


def _check(func: Any, leaves: list[Any]) -> None:
    """Refuse what a real accelerator refuses."""
    for leaf in leaves:
        if isinstance(leaf, torch.Generator):
            raise RuntimeError(f"{func}: expected a {NAME!r} generator, but found one of the CPU")
        stranger = isinstance(leaf, Tensor) and not isinstance(leaf, PretendTensor)
        # Numbers may come from the CPU, as tensors without dimensions.
        if stranger and leaf.dim() and func not in _BOTH:
            raise RuntimeError(
                f"{func}: expected all tensors to be on the same device, but found {NAME} and cpu"
            )


def _held(value: Any) -> Any:
    return value.held if isinstance(value, PretendTensor) else value


def _wrapped(value: Any, given: dict[int, Any]) -> Any:
    if not isinstance(value, Tensor) or isinstance(value, PretendTensor):
        return value
    return given[id(value)] if id(value) in given else PretendTensor(value)
