"""The engines, and the function that makes one by its name."""

from __future__ import annotations

from ....errors import ResforgeError
from ..engine import Engine, Job


def make_engine(name: str, job: Job) -> Engine:
    """The engine called ``name``.

    Raises :class:`~resforge.ResforgeError` for an unknown name, and where the library or the device
    of the engine is missing, or a setting is not for it.
    """
    if job.runtime_env is not None and name != "ray":
        raise ResforgeError("runtime_env is for nodes of Ray: use the engine ray, or leave it out")
    if job.per_gpu is not None and name == "inline":
        raise ResforgeError(
            "the engine inline trains one trial after another: leave per_gpu out, or use the engine"
            " process"
        )
    if name == "process":
        from .pool import Pool

        return Pool(job)
    if name == "inline":
        from .inline import Inline

        return Inline(job)
    if name == "ray":
        from .on_ray import OnRay

        return OnRay(job)
    raise ResforgeError(f"unknown engine {name!r}: use process, inline or ray")
