"""Devices by name, and the random state of each: CUDA, MPS, XPU and others alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ..errors import ResforgeError


def accelerator() -> torch.device | None:
    """The accelerator that PyTorch finds on this machine, without an index; None without one."""
    return torch.accelerator.current_accelerator(check_available=True)


def as_device(name: str) -> torch.device:
    """The device of a name: ``cpu``, the machine's accelerator such as ``cuda``, ``cuda:1`` or
    ``mps``, or ``auto``, which is the accelerator where there is one, else the CPU.

    Raises :class:`~resforge.ResforgeError` for a device that is not there.

    >>> as_device("cpu")
    device(type='cpu')
    """
    found = accelerator()
    here = ["cpu", *([found.type] if found else [])]
    if name == "auto":
        return torch.device(here[-1])
    try:
        device = torch.device(name)
        if device.type not in here:
            raise RuntimeError("PyTorch finds no such device here")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        use = " or ".join(reversed(here))
        raise ResforgeError(f"device {name!r} cannot be used ({reason}): use {use}") from None
    return device


class RandomState:
    """The random states of the CPU and of a device, which is where its own operations draw."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def now(self) -> list[Tensor]:
        """The present states: the CPU's, then the device's if that is another."""
        states = [torch.get_rng_state()]
        return (
            states if self._module is None else [*states, self._module.get_rng_state(self.device)]
        )

    def set(self, states: list[Tensor]) -> None:
        """Put back what :meth:`now` gave."""
        torch.set_rng_state(states[0])
        if self._module is not None:
            self._module.set_rng_state(states[1], self.device)

    def seed(self, seed: int) -> None:
        """Seed the CPU and the device, and no other."""
        # Not torch.manual_seed, which would also reseed devices that are not put back.
        torch.default_generator.manual_seed(seed)
        if self._module is not None:
            with torch.accelerator.device_index(self.device.index):
                self._module.manual_seed(seed)

    @contextmanager
    def forked(self) -> Iterator[None]:
        """Context after which both states are what they were."""
        before = self.now()
        try:
            yield
        finally:
            self.set(before)

    @property
    def _module(self) -> Any:
        """``torch.cuda``, ``torch.mps``, ...; None where the CPU's generator is all there is."""
        if self.device.type in ("cpu", "meta"):
            return None
        return torch.get_device_module(self.device)
