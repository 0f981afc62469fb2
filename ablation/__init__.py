"""Sweeps: networks compared by training, from one file to a table and a report.

>>> from resforge.ablation import Sweep, plan_sweep
>>> sweep = Sweep(
...     sweep=1,
...     base="digits_resnet8",
...     axes={"shortcut": {"plain": {"shortcut": "none"}, "A": {"shortcut": "zero_pad"}}},
... )
>>> len(plan_sweep(sweep).trials)
6

Importing this package does not import torch; only the worker processes do.
"""

from .comparing.compared import compare_pairs
from .comparing.comparison import Comparison
from .comparing.judge import Judgement, judge
from .comparing.rows import ArmRow, Spread, compare
from .comparing.verdict import state_verdict
from .declared import Declared
from .planning.arms import Arm, expand_sweep
from .planning.match import Matched, MatchSpec
from .planning.plan import SweepPlan, Trial, load_sweep, plan_sweep
from .planning.preview import ArmPreview, Preview, preview_sweep
from .planning.sweep import Budget, Sweep, read_sweep
from .published import PublishedTable
from .reporting.formats import render
from .reporting.report import render_report, write_report
from .reporting.table import comparison_table
from .results.export import export_results, to_dataframe, write_csv
from .results.outcome import Outcome
from .results.records import Records, read_records
from .results.status import Retried, SweepStatus, retry_trials, sweep_status
from .results.store import Store
from .running.board import TensorBoard
from .running.callbacks import Callback
from .running.progress import Progress, progress_on
from .running.run import RunSummary, run_sweep

__all__ = [
    "Arm",
    "ArmPreview",
    "ArmRow",
    "Budget",
    "Callback",
    "Comparison",
    "Declared",
    "Judgement",
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
    "TensorBoard",
    "Trial",
    "compare",
    "compare_pairs",
    "comparison_table",
    "expand_sweep",
    "export_results",
    "judge",
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
    "to_dataframe",
    "write_csv",
    "write_report",
]
