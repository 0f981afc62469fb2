"""A small store with trials that ended in several ways, made without training."""

from __future__ import annotations

from pathlib import Path

from resforge.ablation import Outcome, Store, Sweep, plan_sweep
from resforge.ablation.results.outcome import pack_bits
from resforge.ablation.results.owner import Owner

ENDS = (
    Outcome(
        *("done", ((1, 2.0), (2, 0.5)), ((1, 0.5, 1.0), (2, 0.25, 0.75)), 2, 1.5, None),
        environment={"torch": "2", "threads": 1},
        correct=pack_bits([True, False, True]),
        gradients=((("conv1.weight", 0.5), ("fc.weight", None)),) * 2,
        timings={"test": 0.25},
        notes=("a note",),
        validation_curve=((2, 0.5, 1.0),),
        selected=2,
    ),
    Outcome("failed", error="ValueError: no luck"),
    Outcome("diverged", ((1, 2.0),), steps=1),
)


def made_sweep(**tree: object) -> Sweep:
    """Two arms of two seeds that train in a moment."""
    return Sweep(
        **{
            "sweep": 1,
            "name": "a sweep",
            "base": "digits_resnet8",
            "axes": {"shortcut": {"A": {}, "none": {"shortcut": "none"}}},
            "seeds": 2,
            "data": {"kind": "digits", "train": 20, "test": 10},
            "recipe": {"steps": 2, "batch_size": 8, "evaluations": 1},
            **tree,
        }
    )


def make_store(folder: Path) -> None:
    """A store in ``folder`` with the trials of :data:`ENDS`, and one that is waiting."""
    owner = Owner.me()
    with Store(folder, create=True) as store:
        store.adopt(plan_sweep(made_sweep()).record, owner)
        store.note_run(owner, {"torch": "2", "memory_bytes": 2**30})
        for end in ENDS:
            claim = store.claim(owner)
            assert claim is not None
            assert store.record(claim, end)
        store.leave(owner)
