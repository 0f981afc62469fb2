"""Sweeps: networks compared by training, from one file to a table and a report.

>>> from resforge.ablation import Sweep, plan_sweep
>>> sweep = Sweep(
...     sweep=1,
...     base="digits_resnet8",
...     axes={"shortcut": {"plain": {"shortcut": "none"}, "A": {"shortcut": "zero_pad"}}},
... )
>>> len(plan_sweep(sweep).trials)
6

Names are loaded on first use. None of them imports torch; only the worker processes do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..first_use import on_first_use

if TYPE_CHECKING:
    from .comparing.compared import compare_pairs as compare_pairs
    from .comparing.comparison import Comparison as Comparison
    from .comparing.judge import Judgement as Judgement
    from .comparing.judge import judge as judge
    from .comparing.rows import ArmRow as ArmRow
    from .comparing.rows import Spread as Spread
    from .comparing.rows import compare as compare
    from .comparing.verdict import state_verdict as state_verdict
    from .declared import Declared as Declared
    from .planning.arms import Arm as Arm
    from .planning.arms import expand_sweep as expand_sweep
    from .planning.match import Matched as Matched
    from .planning.match import MatchSpec as MatchSpec
    from .planning.plan import SweepPlan as SweepPlan
    from .planning.plan import Trial as Trial
    from .planning.plan import load_sweep as load_sweep
    from .planning.plan import plan_sweep as plan_sweep
    from .planning.preview import ArmPreview as ArmPreview
    from .planning.preview import Preview as Preview
    from .planning.preview import preview_sweep as preview_sweep
    from .planning.sweep import Budget as Budget
    from .planning.sweep import Sweep as Sweep
    from .planning.sweep import read_sweep as read_sweep
    from .published import PublishedTable as PublishedTable
    from .reporting.formats import render as render
    from .reporting.report import render_report as render_report
    from .reporting.report import write_report as write_report
    from .reporting.table import comparison_table as comparison_table
    from .results.export import export_results as export_results
    from .results.export import to_dataframe as to_dataframe
    from .results.export import write_csv as write_csv
    from .results.outcome import Outcome as Outcome
    from .results.records import Records as Records
    from .results.records import read_records as read_records
    from .results.status import Retried as Retried
    from .results.status import SweepStatus as SweepStatus
    from .results.status import retry_trials as retry_trials
    from .results.status import sweep_status as sweep_status
    from .results.store import Store as Store
    from .running.board import TensorBoard as TensorBoard
    from .running.callbacks import Callback as Callback
    from .running.progress import Progress as Progress
    from .running.progress import progress_on as progress_on
    from .running.run import RunSummary as RunSummary
    from .running.run import run_sweep as run_sweep

_HOME = {
    "Arm": "planning.arms",
    "ArmPreview": "planning.preview",
    "ArmRow": "comparing.rows",
    "Budget": "planning.sweep",
    "Callback": "running.callbacks",
    "Comparison": "comparing.comparison",
    "Declared": "declared",
    "Judgement": "comparing.judge",
    "MatchSpec": "planning.match",
    "Matched": "planning.match",
    "Outcome": "results.outcome",
    "Preview": "planning.preview",
    "Progress": "running.progress",
    "PublishedTable": "published",
    "Records": "results.records",
    "Retried": "results.status",
    "RunSummary": "running.run",
    "Spread": "comparing.rows",
    "Store": "results.store",
    "Sweep": "planning.sweep",
    "SweepPlan": "planning.plan",
    "SweepStatus": "results.status",
    "TensorBoard": "running.board",
    "Trial": "planning.plan",
    "compare": "comparing.rows",
    "compare_pairs": "comparing.compared",
    "comparison_table": "reporting.table",
    "expand_sweep": "planning.arms",
    "export_results": "results.export",
    "judge": "comparing.judge",
    "load_sweep": "planning.plan",
    "plan_sweep": "planning.plan",
    "preview_sweep": "planning.preview",
    "progress_on": "running.progress",
    "read_records": "results.records",
    "read_sweep": "planning.sweep",
    "render": "reporting.formats",
    "render_report": "reporting.report",
    "retry_trials": "results.status",
    "run_sweep": "running.run",
    "state_verdict": "comparing.verdict",
    "sweep_status": "results.status",
    "to_dataframe": "results.export",
    "write_csv": "results.export",
    "write_report": "reporting.report",
}

__all__ = sorted(_HOME)

__getattr__, __dir__ = on_first_use(__name__, _HOME)
