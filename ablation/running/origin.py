"""The process that workers are forked from: what it does before the first of them starts.

Python's fork server is given names of modules, which it imports. Where it imports this one, the
import is the preparation; nothing is done in any other process.
"""

from __future__ import annotations

import atexit
import gc
import os

#: Set in the environment of the process that workers are forked from, and nowhere else.
VARIABLE = "RESFORGE_ORIGIN"


def prepare() -> None:
    """Import what trials need, and do once what every worker would do.

    No thread is started: a child would inherit its locks without it. A trial's function of one's
    own is imported by each worker.
    """
    # Imports make objects that stay: looking for garbage among them takes a fifth of their time.
    gc.disable()
    from .engines import worker  # noqa: F401
    from .trial import build_once

    build_once()
    # Workers share the memory of these objects, which a look for garbage would write to and copy;
    # and without them, the looks of a worker and the end of this process take less time.
    gc.freeze()
    # It ends without taking apart what it imported, which takes up to two seconds, and of which the
    # bindings of some libraries complain on the terminal where it is frozen.
    atexit.register(os._exit, 0)


if os.environ.pop(VARIABLE, ""):
    prepare()
