"""Runtime environments of Ray's workers, read from a file or given in Python."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ...errors import ResforgeError, wrong_type
from ...reading.load import validate
from ...specs.base import Spec
from ...specs.paths import nearest
from ...text.reader import read_file

_Packages = str | list[str] | dict[str, Any] | None


class RuntimeEnv(Spec):
    """What the workers of a Ray cluster find, as in a file for ``--runtime-env``.

    Fields are those of Ray's page on environment dependencies; relative paths are relative to the
    current folder, as Ray reads them.
    """

    working_dir: str | None = None
    py_modules: list[str] | None = None
    excludes: list[str] | None = None
    pip: _Packages = None
    uv: _Packages = None
    conda: str | dict[str, Any] | None = None
    py_executable: str | None = None
    env_vars: dict[str, str] | None = None
    image_uri: str | None = None
    worker_process_setup_hook: str | None = None
    config: dict[str, Any] | None = None


def read_runtime_env(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The runtime environment in a ``.yaml`` or ``.json`` file.

    Raises :class:`~resforge.SpecError` with the place of every fault.
    """
    spec = validate(RuntimeEnv, read_file(path))
    return spec.model_dump(mode="json", exclude_unset=True)


def check_runtime_env(given: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` as a dictionary. Raises :class:`~resforge.ResforgeError` for unknown keys, which
    Ray would ignore."""
    if not isinstance(given, Mapping):
        raise wrong_type("run_sweep", "a mapping as runtime_env", given)
    known = [*RuntimeEnv.model_fields]
    for key in given:
        if key not in known:
            near = nearest(key, known)
            help_ = f"did you mean {near!r}?" if near else f"the keys are {', '.join(known)}"
            raise ResforgeError(f"unknown key {key!r} in runtime_env: {help_}")
    return dict(given)
