"""Owners of trials: one run of a driver, distinguishable from every other."""

from __future__ import annotations

import json
import os
import socket
import uuid
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from .disk import DamagedError


@dataclass(frozen=True)
class Owner:
    """Name of a process, by which other processes can check whether it has ended.

    ``host`` names a set of processes that can see each other; ``start`` distinguishes a process
    from a later one with the same number.
    """

    host: str
    pid: Annotated[int, Field(ge=1, lt=2**31)]
    start: str
    token: str

    @classmethod
    def me(cls) -> Owner:
        """Name of this process, with a new token at each call."""
        pid = os.getpid()
        return cls(_host(), pid, _start_of(pid), uuid.uuid4().hex)

    @property
    def text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> Owner:
        try:
            return _adapter().validate_python(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise DamagedError(f"an owner reads {text[:40]!r}") from error

    @property
    def is_gone(self) -> bool:
        """Whether the process is known to have ended; False where this host cannot know."""
        if self.host != _host():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        now = _start_of(self.pid)
        return now == _ZOMBIE or bool(now and self.start and now != self.start)


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Owner]:
    return TypeAdapter(Owner)


_ZOMBIE = "ended"


def _host() -> str:
    """Name of the machine, its boot and the process namespace (the container)."""
    parts = [socket.gethostname()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    except OSError:
        pass  # not Linux: the host name alone
    return " ".join(parts)


def _start_of(pid: int) -> str:
    """Start time of a process in ticks since boot; empty where it is not known."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return _ZOMBIE if fields[0] in "ZX" else fields[19]
