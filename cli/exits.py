"""Exit codes, and the messages on stderr for errors."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator
from enum import IntEnum

from cyclopts import (
    Argument,
    CycloptsError,
    MissingArgumentError,
    UnusedCliTokensError,
)

from ..errors import ResforgeError, StoreError, printable
from ..specs.elsewhere import OPTIONS
from .interrupts import came
from .output import complain
from .verbosity import Level, level


class Exit(IntEnum):
    """Exit codes of the program."""

    OK = 0
    DIFFERENT = 1
    """Two networks differ, or trials of a sweep failed."""
    USAGE = 2
    BAD_INPUT = 3
    DISK = 4
    """The results store or the disk cannot be used."""
    BUG = 70
    """A bug of resforge (``EX_SOFTWARE`` of sysexits)."""
    INTERRUPTED = 130


def explain(error: BaseException) -> Exit:
    """Print the message of ``error``; its exit code."""
    match error:
        case CycloptsError():
            verb = " ".join(error.command_chain or ())
            text, meant = _usage(error), list(_meant_options(error, verb))
            # A hint by meaning replaces the one by spelling.
            complain(
                f"error[usage]: {printable(text.partition(' Did you mean')[0] if meant else text)}"
            )
            for given, ours in meant:
                complain(f"  help: {given} here: {ours}")
            complain(f"  help: `resforge {verb + ' ' if verb else ''}--help` shows the options")
            return Exit.USAGE
        case KeyboardInterrupt():
            complain("interrupted")
            return Exit.INTERRUPTED
        case BrokenPipeError():
            # The reader of the pipe has gone: there is nothing to print and nowhere to print it.
            _silence_stdout()
            return Exit.INTERRUPTED
        case StoreError():
            complain(f"error[store]: {_lines(error)}")
            return Exit.DISK
        case ResforgeError():
            text = _lines(error)
            complain(text if text.startswith("error[") else f"error: {text}")
            return Exit.BAD_INPUT
        case OSError():
            _silence_stdout()
            where = f"{printable(str(error.filename))}: " if error.filename else ""
            complain(f"error[disk]: {where}{error.strerror or error}")
            return Exit.DISK
    if came():
        return explain(KeyboardInterrupt())
    return _explain_bug(error)


def _usage(error: CycloptsError) -> str:
    """What is wrong with a command line."""
    match error:
        case MissingArgumentError(argument=Argument() as argument, keyword=None):
            metavar = argument.parameter.metavar
            of = f" {metavar}" if metavar and argument.name.startswith("-") else ""
            return f"{argument.name}{of} is missing"
        case UnusedCliTokensError(unused_tokens=[first, *more]):
            others = f" and {len(more)} more" if more else ""
            return f"{first!r}{others}: the command takes no more arguments"
    return str(error)


def _meant_options(error: CycloptsError, verb: str) -> Iterator[tuple[str, str]]:
    """Options under the names of other programs, and what they are called here."""
    known = OPTIONS.get(verb, {})
    for token in error.root_input_tokens or ():
        option = token.partition("=")[0]
        name = option.lstrip("-").removeprefix("no-").replace("_", "-")
        if option.startswith("-") and name in known:
            yield printable(option), known[name]


def _lines(error: ResforgeError) -> str:
    """The text of an error, which may hold names from a file; its lines stay apart."""
    return "\n".join(map(printable, str(error).split("\n")))


def _explain_bug(error: BaseException) -> Exit:
    debug = level() is Level.VERBOSE or os.environ.get("RESFORGE_DEBUG") == "1"
    if debug:
        traceback.print_exception(error)
    complain(f"error[bug]: {type(error).__name__}: {printable(str(error))}")
    hint = "" if debug else "; -v or RESFORGE_DEBUG=1 shows where it happened"
    complain(f"  help: this is a bug of resforge, please report it{hint}")
    return Exit.BUG


def _silence_stdout() -> None:
    """Discard the output that the interpreter would flush at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
