"""Sweeps: one file says which networks are compared; training, table and report follow.

>>> from resforge.ablation import Sweep, plan_sweep
>>> sweep = Sweep(
...     sweep=1,
...     base="digits_resnet8",
...     axes={"shortcut": {"plain": {"shortcut": "none"}, "A": {"shortcut": "zero_pad"}}},
... )
>>> len(plan_sweep(sweep).trials)
6

Nothing here imports torch; only the worker processes do.
"""

from .arms import Arm
from .budget import Budget
from .comparison import ArmRow, Spread, compare
from .declared import Declared
from .export import export_results, write_csv
from .formats import render
from .match import Matched, MatchSpec
from .outcome import Outcome
from .paired import Comparison, compare_pairs
from .plan import SweepPlan, Trial, plan_sweep
from .preview import ArmPreview, Preview, preview_sweep
from .progress import Progress, progress_on
from .published import PublishedTable
from .records import Records, read_records
from .report import render_report, write_report
from .run import RunSummary, run_sweep
from .status import Retried, SweepStatus, retry_trials, sweep_status
from .store import Store
from .sweep import Sweep, load_sweep, read_sweep
from .table import comparison_table
from .verdict import state_verdict

__all__ = [
    "Arm",
    "ArmPreview",
    "ArmRow",
    "Budget",
    "Comparison",
    "Declared",
    "MatchSpec",
    "Matched",
    "Outcome",
    "Preview",
    "Progress",
    "PublishedTable",
    "Records",
    "Retried",
    "RunSummary",
    "Spread",
    "Store",
    "Sweep",
    "SweepPlan",
    "SweepStatus",
    "Trial",
    "compare",
    "compare_pairs",
    "comparison_table",
    "export_results",
    "load_sweep",
    "plan_sweep",
    "preview_sweep",
    "progress_on",
    "read_records",
    "read_sweep",
    "render",
    "render_report",
    "retry_trials",
    "run_sweep",
    "state_verdict",
    "sweep_status",
    "write_csv",
    "write_report",
]
