"""How each way of ending becomes a message on stderr and an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from enum import IntEnum

from cyclopts import CycloptsError

from ..errors import ResforgeError, StoreError, printable
from .output import say


class Exit(IntEnum):
    """What the caller's shell is told."""

    OK = 0
    DIFFERENT = 1
    """``diff`` found two networks, or trials of a sweep failed."""
    USAGE = 2
    BAD_INPUT = 3
    DISK = 4
    """The results store or the disk refused."""
    BUG = 70
    """resforge itself is wrong (``EX_SOFTWARE`` of sysexits)."""
    INTERRUPTED = 130


def explain(error: BaseException) -> Exit:
    """Say what went wrong, and choose the exit code."""
    match error:
        case CycloptsError():
            verb = " ".join(error.command_chain or ())
            say(f"error[usage]: {printable(str(error))}")
            say(f"  help: `resforge {verb + ' ' if verb else ''}--help` shows what there is")
            return Exit.USAGE
        case KeyboardInterrupt():
            say("interrupted")
            return Exit.INTERRUPTED
        case BrokenPipeError():
            # Whoever read us has gone: nothing to say, and nobody to say it to.
            _silence_stdout()
            return Exit.INTERRUPTED
        case StoreError():
            say(f"error[store]: {error}")
            return Exit.DISK
        case ResforgeError():
            text = str(error)
            say(text if text.startswith("error[") else f"error: {text}")
            return Exit.BAD_INPUT
        case OSError():
            _silence_stdout()
            where = f"{printable(str(error.filename))}: " if error.filename else ""
            say(f"error[disk]: {where}{error.strerror or error}")
            return Exit.DISK
    return _explain_bug(error)


def _explain_bug(error: BaseException) -> Exit:
    wanted = os.environ.get("RESFORGE_DEBUG") == "1"
    if wanted:
        traceback.print_exception(error)
    say(f"error[bug]: {type(error).__name__}: {printable(str(error))}")
    mend = "" if wanted else "; RESFORGE_DEBUG=1 shows where it happened"
    say(f"  help: this is a fault of resforge, please report it{mend}")
    return Exit.BUG


def _silence_stdout() -> None:
    """Keep the interpreter from writing again, as it exits, what nobody can take."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
