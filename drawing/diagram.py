"""The picture of a network, as SVG.

Boxes stand from the input on the left to the answer on the right. A box is as high as its map
is large, and as deep in colour as the map is in channels; within it stands a bar for each
convolution, as thick as the kernel and as tall as the channels. Over each block is the arc of
its shortcut.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..planner.plan import Plan
from ..specs.activation import activation_text
from .fold import drop_text
from .glyphs import ARC, draw_box
from .legend import ROW, draw_legend, entries, rows_of
from .marks import changed, changed_text
from .numbers import grouped, shape_text, short
from .scene import TEXT, Column, Scene, times
from .svg import Pen, fit, width_of
from .table import rows

_MARGIN = 24.0
_GAP = 14.0  # between columns
_LINE = 18.0


def to_svg(plan: Plan, against: Plan | None = None) -> str:
    """The picture of ``plan``: stem, stages, blocks and each shortcut's kind at a glance.

    It stands alone (no script, no font, no file beside it), follows the reader's light or dark
    page, and is the same text each time. What is not so in the network of ``against`` is marked:
    its outline is heavy, and ≠ stands on it.

    >>> import resforge as rf
    >>> picture = to_svg(rf.plan(rf.load("resnet18")))
    >>> picture.startswith("<svg"), picture.count("shortcut: identity")
    (True, 5)
    """
    # Classes are global to a page: the prefix keeps two pictures on one page apart.
    pen = Pen(f"rf{plan.spec.digest[:8]}")
    marked = changed(plan, against) if against else frozenset()
    scene = Scene(plan, marked)
    columns, boxes = scene.columns, scene.boxes
    width = sum(column.width for column in columns) + _GAP * (len(columns) - 1) + 12
    width = max(width, 560.0) + 2 * _MARGIN
    above = max(max(box.heights) / 2 + box.rise for box in boxes) + ARC + 10
    below = max(max(box.heights) / 2 + (12 if box.copies > 1 else 8) for box in boxes)
    axis = _draw_titles(pen, plan, width - 2 * _MARGIN) + above
    _draw_columns(pen, columns, axis, axis + below)
    legend = rows_of(entries(boxes), width - 2 * _MARGIN)
    foot = axis + below + 26 + 5 * _LINE + 8
    draw_legend(pen, legend, _MARGIN, foot)
    title = plan.spec.name or "residual network"
    changes = changed_text(plan, marked)
    words = describe(plan) + (f" Not so in the other network: {changes}." if changes else "")
    return pen.svg(width, foot + ROW * len(legend), title, words)


def describe(plan: Plan) -> str:
    """The picture in words, for those who do not see it.

    >>> import resforge as rf
    >>> print(describe(rf.plan(rf.load("cifar_resnet20"), 32)))
    A residual network of 20 layers, 269,722 parameters and 40,551,040 multiply-accumulates \
for an input of 3x32x32. stem: conv 3x3, to 16x32x32. layer1: basic x3, 16, shortcut identity, \
to 16x32x32. layer2: basic x3, 16 -> 32, /2, shortcut zero_pad, then identity, to 32x16x16. \
layer3: basic x3, 32 -> 64, /2, shortcut zero_pad, then identity, to 64x8x8. \
head: average pool, linear, to 10.
    """
    parts = [
        f"{row.name}: {row.what}"
        + (f", shortcut {row.shortcut}" if row.shortcut else "")
        + f", to {shape_text(row.output)}."
        for row in rows(plan)
    ]
    drop = drop_text(plan.spec.stochastic_depth)
    return (
        f"A residual network of {plan.depth} layers, {grouped(plan.params)} parameters and "
        f"{grouped(plan.macs)} multiply-accumulates for an input of "
        f"{shape_text(plan.input_shape)}{drop and f', with {drop}'}. {' '.join(parts)}"
    )


def _facts(plan: Plan) -> list[str]:
    spec = plan.spec
    facts = [
        f"{plan.depth} layers",
        f"{short(plan.params)} parameters",
        f"{short(plan.macs)} MACs at {times(plan.input_shape[1:])}",
        "no norm" if spec.norm.kind == "none" else f"{spec.norm.kind} norm",
        "no activation" if spec.activation == "none" else activation_text(spec.activation),
    ]
    orders = {block.spec.arrangement for stage in plan.stages for block in stage}
    facts += orders - {"post"} if len(orders) == 1 else []
    facts.append(drop_text(spec.stochastic_depth))
    return [fact for fact in facts if fact]


def _draw_titles(pen: Pen, plan: Plan, width: float) -> float:
    """The name and the facts under it; returns how much room they take."""
    # Bold letters are a fifth wider.
    title = fit(plan.spec.name or "residual network", 21 * 1.2, width)
    pen.text(_MARGIN, 42, title, 21, font_weight=700)
    y, line = 66.0, ""
    for fact in _facts(plan):
        longer = f"{line} · {fact}" if line else fact
        if line and 0.9 * width_of(longer, 13.5) > width:
            pen.text(_MARGIN, y, line, 13.5, "muted")
            y, longer = y + _LINE, fact
        line = longer
    pen.text(_MARGIN, y, line, 13.5, "muted")
    return y + 12


def _draw_columns(pen: Pen, columns: Sequence[Column], axis: float, floor: float) -> None:
    end = _MARGIN + sum(column.width + _GAP for column in columns)
    # The wire first: the boxes stand on it.
    pen.path(
        f"M{_MARGIN + columns[0].width / 2:.2f} {axis}H{end - 4:.2f}",
        stroke="wire",
        stroke_width=1.6,
    )
    pen.path(f"M{end:.2f} {axis}l-9 -4.5v9z", "wire")
    x = _MARGIN
    for column in columns:
        _draw_column(pen, column, x, axis, floor)
        x += column.width + _GAP


def _draw_column(pen: Pen, column: Column, left: float, axis: float, floor: float) -> None:
    groups = sum(group.width for group in column.groups)
    x = left + (column.width - groups) / 2
    for group in column.groups:
        middle = x + group.width / 2
        place = middle - sum(box.pitch for box in group.boxes) / 2
        for box in group.boxes:
            draw_box(pen, box, place, axis)
            place += box.pitch
        if group.label:
            pen.text(middle, floor + 14, group.label, TEXT, text_anchor="middle")
        x += group.width
    pen.path(f"M{left:.2f} {floor + 24:.2f}h{column.width:.2f}", stroke="rule", stroke_width=1.5)
    middle, y = left + column.width / 2, floor + 26 + _LINE
    pen.text(middle, y, column.name, TEXT, text_anchor="middle", font_weight=700)
    for number, line in enumerate(column.lines, start=1):
        pen.text(middle, y + _LINE * number, line, TEXT, "muted", text_anchor="middle")
