"""Picture classifiers: train on a folder of pictures, then predict and evaluate.

``resforge train``, ``predict`` and ``evaluate`` are thin callers of :func:`train_run`,
:func:`predict_pictures` and :func:`evaluate_run`. Names are loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..first_use import on_first_use

if TYPE_CHECKING:
    from .runs.request import RunRequest as RunRequest
    from .runs.session import train_run as train_run
    from .runs.use import evaluate_run as evaluate_run
    from .runs.use import load_run as load_run
    from .runs.use import predict_pictures as predict_pictures

_HOME = {
    "RunRequest": "runs.request",
    "evaluate_run": "runs.use",
    "load_run": "runs.use",
    "predict_pictures": "runs.use",
    "train_run": "runs.session",
}

__all__ = sorted(_HOME)

__getattr__, __dir__ = on_first_use(__name__, _HOME)
