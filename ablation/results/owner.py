"""Who holds a trial: one run of a driver, told apart from every other."""

from __future__ import annotations

import json
import os
import socket
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from ...errors import StoreError


@dataclass(frozen=True)
class Owner:
    """A process, named so that another can tell for sure whether it is gone.

    ``host`` names a set of processes that can see each other; ``start`` tells a process from a
    later one that was given the same number.
    """

    host: str
    pid: int
    start: str
    token: str

    @classmethod
    def me(cls) -> Owner:
        """This process, with a new token for each call."""
        pid = os.getpid()
        return cls(_host(), pid, _start_of(pid), uuid.uuid4().hex)

    @property
    def text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> Owner:
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise StoreError(f"the store is damaged (an owner reads {text[:40]!r})") from error

    @property
    def is_gone(self) -> bool:
        """Whether the process is known to have ended; False where nobody here can know."""
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


_ZOMBIE = "ended"


def _host() -> str:
    """Machine, boot and, where processes live in containers, the container."""
    parts = [socket.gethostname()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    except OSError:
        pass  # not Linux: the name alone must do
    return " ".join(parts)


def _start_of(pid: int) -> str:
    """When a process started, in ticks since boot; empty where that cannot be known."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return _ZOMBIE if fields[0] in "ZX" else fields[19]
