"""A piece of source, laid out anew: narrower lines, docstrings without examples."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from textwrap import dedent, wrap

from .edits import Edits, apply
from .layout import WIDTH, lay_out

_RAISES = re.compile(r"(?:(?<=[.;])\s+|^)Raises\s.*", re.DOTALL)


def tidy(text: str) -> str:
    """``text`` as `ruff format` lays it out in narrow lines, without what only tests read."""
    text = apply(text, list(_docstrings(ast.parse(text))))
    lines = text.splitlines()
    for first, last, indent in sorted(_statements(ast.parse(text)), reverse=True):
        own = lines[first:last]
        if _has_to_change(own) and (joined := _joined(own)):
            lines[first:last] = lay_out(joined, indent)
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
    return re.sub(r"(def [^\n]*:\n|\) -> [^\n]*:\n)\n+", r"\1", text).strip()


def _docstrings(tree: ast.Module) -> Edits:
    edits: Edits = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node)
            if text is not None:
                first = node.body[0]
                if isinstance(node, ast.ClassDef):
                    text = "\n\n".join(_RAISES.sub("", part) for part in text.split("\n\n"))
                edits.append((first, _docstring(text, first.col_offset)))
    return edits


def _docstring(text: str, indent: int) -> str:
    """The docstring without examples."""
    paragraphs = [part for part in text.split("\n\n") if not part.lstrip().startswith(">>>")]
    kept = [part for part in paragraphs if part.strip()]
    # The quotes before the first paragraph take their room, and those after the only one.
    quotes = 6 if len(kept) == 1 else 3
    kept = [_wrapped(part, WIDTH - indent - quotes) for part in kept]
    margin = " " * indent
    body = "\n\n".join(kept).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    lines = [line and margin + line for line in body.splitlines()]
    text = "\n".join(lines).strip()
    if len(lines) == 1 and indent + len(text) + 6 <= WIDTH:
        return f'"""{text}"""'
    return f'"""{text}\n{margin}"""'


def _wrapped(paragraph: str, width: int) -> str:
    """A paragraph in lines that fit; what is laid out by hand stays as it is."""
    by_hand = re.search(r"^[\s*-]", paragraph, re.MULTILINE)
    if by_hand or max(map(len, paragraph.splitlines())) <= width:
        return paragraph
    return "\n".join(wrap(paragraph, width, break_on_hyphens=False))


def _statements(tree: ast.Module) -> Iterator[tuple[int, int, int]]:
    """The first line, the line after the last, and the indent of each statement or header."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt) or _is_docstring(node):
            continue
        body = getattr(node, "body", None)
        # A body on the line of its header is a part of it.
        end = max(body[0].lineno - 1, node.lineno) if body else node.end_lineno
        yield node.lineno - 1, end or 0, node.col_offset


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _has_to_change(lines: list[str]) -> bool:
    """Whether a statement is too wide, or the parameters of a function may fit in fewer lines."""
    several = len(lines) > 1 and lines[0].lstrip().startswith("def ")
    return max(map(len, lines)) > WIDTH or (
        several and lines[-1].lstrip().startswith(")") and not lines[-2].endswith(",")
    )


def _joined(lines: list[str]) -> str:
    """The lines of one statement as one; empty where that would be another statement."""
    text = " ".join(line.strip() for line in lines)
    text = re.sub(r"([(\[{]) ", r"\1", text)
    text = re.sub(r",? ([)\]}])", r"\1", text)
    body = " pass" if text.endswith(":") else ""
    try:
        same = ast.dump(ast.parse(text + body)) == ast.dump(
            ast.parse(dedent("\n".join(lines)) + body)
        )
    except SyntaxError:
        return ""
    return text if same else ""
