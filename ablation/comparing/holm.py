"""Holm's correction for the number of comparisons."""

from __future__ import annotations

from typing import Any


def holm(ps: Any, family: int | None = None) -> Any:
    """p values after the step-down correction of Holm 1979, over ``family`` hypotheses.

    ``ps`` is an array of shape ``(..., m)``, each row a family. ``family`` is by default ``m``;
    where it is larger, the others count as if their p were 1.

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    >>> holm([0.01], family=4).tolist()
    [0.04]
    """
    import numpy as np

    ps = np.asarray(ps, dtype=float)
    members = ps.shape[-1]
    factors = (members if family is None else family) - np.arange(members)
    order = np.argsort(ps, axis=-1, kind="stable")
    steps = np.minimum(1.0, np.take_along_axis(ps, order, -1) * factors)
    corrected = np.empty_like(ps)
    np.put_along_axis(corrected, order, np.maximum.accumulate(steps, axis=-1), -1)
    return corrected
