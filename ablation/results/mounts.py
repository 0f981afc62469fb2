"""Shared disks whose locks do not reach other machines, on which only one may write a store."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

#: Options, by the type of file system, with which locks hold within one machine: nfs(5),
#: mount.cifs(8), the manual of Lustre; and sshfs, which has no other locks.
_LOCAL = {
    "nfs": ("nolock", "local_lock=all", "local_lock=posix"),
    "nfs4": ("nolock", "local_lock=all", "local_lock=posix"),
    "cifs": ("nobrl",),
    "smb3": ("nobrl",),
    "lustre": ("localflock",),
    "fuse.sshfs": (),
}
_OCTAL = re.compile(r"\\([0-7]{3})")


def local_locks(folder: Path, mounts: str | None = None) -> str:
    """File system and option that keep locks in ``folder`` to this machine; empty where none do.

    ``mounts`` is the text of Linux's ``/proc/mounts``, by default this machine's.

    >>> mounts = "srv:/a /data nfs rw,vers=3,nolock 0 0\\nsrv:/b /home nfs4 rw,local_lock=none 0 0"
    >>> local_locks(Path("/data/runs"), mounts), local_locks(Path("/home/me"), mounts)
    ('nfs with nolock', '')
    """
    if mounts is None:
        mounts = ""
        with suppress(OSError):
            mounts = Path("/proc/mounts").read_text(errors="surrogateescape")
    folder = folder.absolute()
    found = [line.split(" ") for line in mounts.splitlines()]
    under = [
        (_unescaped(point), kind, options.split(","))
        for _, point, kind, options, *_ in found
        if folder.is_relative_to(_unescaped(point))
    ]
    if not under:
        return ""
    _, kind, options = max(under, key=lambda mount: len(mount[0]))
    known = _LOCAL.get(kind)
    if known is None:
        return ""
    local = [option for option in known if option in options]
    return f"{kind} with {local[0]}" if local else "" if known else kind


def _unescaped(text: str) -> str:
    """Spaces and other separators are octal in such a table."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)
