"""Changes to the text of a piece of source, at the places of its nodes."""

from __future__ import annotations

import ast

Edits = list[tuple[ast.AST, str | None]]
"""Nodes, each with the text that stands in its place; None drops the lines of a statement."""


def apply(text: str, edits: Edits) -> str:
    """``text``, of which the nodes were parsed, with the edits."""
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    for node, new in sorted(edits, key=lambda edit: _start(edit[0]), reverse=True):
        (row, column), (last, end) = _start(node), (node.end_lineno - 1, node.end_col_offset)  # type: ignore[attr-defined]
        if new is None:
            lines[row : last + 1] = []
        else:
            lines[row : last + 1] = [lines[row][:column] + new.encode() + lines[last][end:]]
    return b"".join(lines).decode()


def _start(node: ast.AST) -> tuple[int, int]:
    """Where a node starts, its decorators counted in."""
    decorators = getattr(node, "decorator_list", None)
    first = decorators[0].lineno if decorators else node.lineno  # type: ignore[attr-defined]
    return first - 1, node.col_offset  # type: ignore[attr-defined]
