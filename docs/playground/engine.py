"""The playground's answers: one function for each question, JSON in and JSON out.

The page runs this file in Pyodide, beside the package. It needs pydantic and PyYAML, and neither
torch nor a terminal. `ask` never raises: an answer is ``{"ok": ...}``, or
``{"error": {"message": ..., "remedy": ...}}``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from resforge.drawing.diagram import to_svg
from resforge.drawing.marks import changed, changed_text
from resforge.drawing.numbers import grouped, shape_text, short
from resforge.drawing.text import header, table_rows
from resforge.errors import Fault, ResforgeError, SpecError, printable
from resforge.planner.plan import Plan, check_size, lay_out, plan
from resforge.reading.load import load, validate
from resforge.reading.places import placed
from resforge.specs.axes import SIDES, sides_text
from resforge.specs.network import ResNetSpec
from resforge.text.reader import read

Answer = dict[str, Any]
#: A quoted text, a word, or one character: what is underlined where a fault stands.
_WORD = re.compile(r'"[^"\n]*"|\'[^\'\n]*\'|[\w.+/-]+|\S|$')


def ask(name: str, arguments: str) -> str:
    """The answer to a question: ``arguments`` and the answer are JSON objects."""
    try:
        answer = {"ok": QUESTIONS[name](**json.loads(arguments))}
    except SpecError as error:
        first = error.faults[0]
        where = f"{first.path}: " if first.path else ""
        answer = {"error": _error(where + first.message, first.help)}
    except ResforgeError as error:
        answer = {"error": _error(str(error))}
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        answer = {"error": _error(text, "this is a fault of resforge: please report it")}
    return json.dumps(answer)


def look(text: str, size: Any = None, base: str | None = None, all: bool = False) -> Answer:
    """What a text means: its faults, or the network with picture, table and sums.

    ``size`` is a side or a list of sides, and by default the size that the network is for. In the
    picture is marked what differs from ``base``, a name of the catalogue; by default from the
    base of the text itself. ``all`` gives a row for each layer.
    """
    document = None
    try:
        document = read(text)
        spec = validate(ResNetSpec, document)
        laid = plan(spec, spec.natural_input_size if size is None else _sides(size))
        check_size(laid)
    except SpecError as error:
        faults = placed(error.faults, document) if document else error.faults
        found = [_fault(fault, text) for fault in faults]
        return {"faults": found, "left_out": error.more}
    return {"faults": [], "left_out": 0, **_seen(laid, base or document.tree.get("base"), all)}


def _seen(laid: Plan, base: str | None, all: bool) -> Answer:
    spec = laid.spec
    other = _other(laid, base)
    return {
        "name": printable(spec.name),
        "digest": spec.digest,
        "dims": spec.dims,
        "size": laid.input_shape[1:],
        "sides": SIDES[spec.dims],
        "natural_size": spec.natural_input_size,
        "totals": {
            "params": laid.params,
            "macs": laid.macs,
            "activations": laid.activations,
            "depth": laid.depth,
            "receptive_field": sides_text(laid.receptive_field, spec.dims),
            "input": shape_text(laid.input_shape),
            "output": shape_text(laid.output_shape),
        },
        "texts": {
            name: {"long": grouped(count), "short": short(count)}
            for name, count in _counts(laid).items()
        },
        "svg": to_svg(laid, other),
        "base": base if other else None,
        "changes": changed_text(laid, changed(laid, other)) if other else "",
        "header": header(all),
        "rows": table_rows(laid, all),
    }


def _counts(laid: Plan) -> dict[str, int]:
    return {"params": laid.params, "macs": laid.macs, "activations": laid.activations}


def _other(laid: Plan, base: str | None) -> Plan | None:
    """The network that the picture is held against; None where there is none, or of other axes."""
    if base is None:
        return None
    spec = load(base)
    return lay_out(spec, laid.input_shape[1:]) if spec.dims == laid.spec.dims else None


def _sides(size: Any) -> Any:
    return tuple(size) if isinstance(size, list) else size


def _fault(fault: Fault, text: str) -> Answer:
    """A fault with its place, of which lines and columns count from 1.

    Columns count characters, as on the command line; ``from`` and ``to`` count units of UTF-16
    from 0, as JavaScript does.
    """
    line, column = fault.line or 1, fault.column or 1
    lines = text.split("\n")
    shown = lines[line - 1] if line <= len(lines) else ""
    end = _end(shown, column)
    before = sum(len(each) + 1 for each in lines[: line - 1])
    return {
        "from_line": line,
        "from_column": column,
        "to_line": line,
        "to_column": end,
        "from": _units(text[: before + column - 1]),
        "to": _units(text[: before + end - 1]),
        "code": fault.code,
        "path": printable(fault.path),
        "message": printable(fault.message),
        "remedy": fault.help and printable(fault.help),
    }


def _end(line: str, column: int) -> int:
    """The column behind the word at ``column``."""
    word = _WORD.match(line, column - 1)
    return word.end() + 1 if word else column


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _error(message: str, remedy: str | None = None) -> Answer:
    return {"message": printable(message), **({"remedy": printable(remedy)} if remedy else {})}


QUESTIONS: dict[str, Callable[..., Any]] = {"look": look}
