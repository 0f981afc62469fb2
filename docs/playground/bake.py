"""Runs in Pyodide at build time: compiles the folder `python`, packs it, and imports `ask`."""

import compileall
import importlib
import shutil
import sys
from py_compile import PycInvalidationMode

# The files are unpacked anew in each browser: their dates say nothing.
compileall.compile_dir(
    "/build/python",
    stripdir="/build/python",
    prependdir="/lib/playground",
    quiet=1,
    invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
)
shutil.make_archive("/build/python", "zip", "/build/python")
sys.path.insert(0, "/build/python")
ask = importlib.import_module("engine").ask
