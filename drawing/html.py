"""Networks and their differences as HTML, for notebooks."""

from __future__ import annotations

from collections.abc import Sequence

from ..planner.plan import Plan
from ..specs.axes import listed
from .diagram import to_svg
from .numbers import grouped, percent, shape_text
from .svg import COLOURS, FONT, clean
from .table import Row, rows, total

_HEADS = ("part", "what", "shortcut", "output", "parameters", "", "MACs", "", "receptive field")
_STYLES = ("", "", "", "n", "n", "n s", "n", "n s", "n")
# Notebooks stripe the rows of tables for one of the two modes: ours stand on their own paper.
_STYLE = """\
.{p} table{{border-collapse:collapse;margin:10px 0;font:13px {font};color:{ink.light};\
background:{paper.light}}}
.{p} th,.{p} td{{padding:3px 10px;text-align:left;white-space:nowrap;\
border-bottom:1px solid {rule.light}}}
.{p} tr{{background:none!important}}
.{p} .n{{text-align:right;font-variant-numeric:tabular-nums}}
.{p} .s{{color:{muted.light}}}
@media (prefers-color-scheme: dark){{
.{p} table{{color:{ink.dark};background:{paper.dark}}}
.{p} th,.{p} td{{border-color:{rule.dark}}}
.{p} .s{{color:{muted.dark}}}
}}"""


def to_html(plan: Plan) -> str:
    """The picture and the folded table of ``plan``, as a piece of a page.

    >>> import resforge as rf
    >>> page = to_html(rf.plan(rf.load("resnet18")))
    >>> page.startswith("<div"), "11,689,512" in page
    (True, True)
    """
    prefix = f"rft{plan.spec.digest[:8]}"
    style = _STYLE.format(p=prefix, font=FONT, **COLOURS)
    head = "".join(map(_cell, ["th"] * len(_HEADS), _HEADS, _STYLES))
    body = "\n".join(_line(row) for row in (*rows(plan), total(plan)))
    return (
        f'<div class="{prefix}" style="overflow-x:auto">\n<style>{style}</style>\n{to_svg(plan)}'
        f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def diff_to_html(before: Plan, after: Plan, changes: Sequence[str]) -> str:
    """The changes of two networks' specs over the picture of ``after``, marked where they differ.

    A piece of a page; networks of different ``dims`` have no picture in common.
    """
    lines = "\n".join(clean(change) for change in changes) or "no difference"
    against = before if before.spec.dims == after.spec.dims else None
    picture = to_svg(after, against)
    return (
        f'<div style="overflow-x:auto">\n<pre style="white-space:pre-wrap">{lines}</pre>\n'
        f"{picture}</div>"
    )


def _line(row: Row) -> str:
    cells = (
        row.name,
        row.what,
        row.shortcut,
        shape_text(row.output),
        grouped(row.params),
        percent(row.share_of_params),
        grouped(row.macs),
        percent(row.share_of_macs),
        "×".join(map(grouped, listed(row.receptive_field))),
    )
    return "<tr>" + "".join(map(_cell, ["td"] * len(cells), cells, _STYLES)) + "</tr>"


def _cell(tag: str, text: str, style: str) -> str:
    attribute = f' class="{style}"' if style else ""
    return f"<{tag}{attribute}>{clean(text)}</{tag}>"
