"""The playground's answers: one function for each question, JSON in and JSON out.

The page runs this file in Pyodide, beside the package. It needs pydantic and PyYAML, and neither
torch nor a terminal. `ask` never raises: an answer is ``{"ok": ...}``, or
``{"error": {"message": ..., "remedy": ...}}``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import takewhile
from typing import Any

from resforge.drawing.diagram import to_svg
from resforge.drawing.difference import cost_lines, planned_alike
from resforge.drawing.marks import changed, changed_text
from resforge.drawing.numbers import grouped, shape_text, short
from resforge.drawing.text import header, table_rows
from resforge.errors import Fault, ResforgeError, SpecError, printable
from resforge.export.source import to_code
from resforge.planner.plan import Plan, check_size, lay_out, plan
from resforge.reading.diff import diff
from resforge.reading.load import load, validate
from resforge.reading.places import placed
from resforge.specs.axes import SIDES, sides_text
from resforge.specs.catalogue import Entry, entries
from resforge.specs.catalogue import entry as catalogue_entry
from resforge.specs.catalogue import text as text_of
from resforge.specs.expand import expand, meanings_at
from resforge.specs.network import ResNetSpec
from resforge.specs.paths import parse_path
from resforge.text.document import Document
from resforge.text.inline import in_words
from resforge.text.reader import read
from resforge.text.writer import to_yaml

Answer = dict[str, Any]
#: Most characters of a text, blocks of a network, operations of its blocks, rows of a table,
#: faults, and points that a draw looks at: with fewer, answers take seconds at most in WebAssembly
#: too. What still takes longer is stopped by the page, with the worker that it runs in.
LONGEST = 65_536
MOST_BLOCKS = 2_000
MOST_OPERATIONS = 50_000
MOST_ROWS = 2_000
MOST_FAULTS = 100
MOST_TRIES = 300
#: What commands that remedies name are on the page.
_ON_THE_PAGE = {
    "`resforge list` shows every name": "Catalogue shows every name",
    "`resforge list --operations` shows all": "the documentation of the language lists all",
    "--input of `resforge show`": "Input size is above the picture",
    "; kinds of your own: resforge.register": "",
    "try `resforge new resnet18 > net.yaml`": "open a network of Catalogue",
}
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
        answer = {"error": _error(text[:LONGEST], "this is a fault of resforge: please report it")}
    return json.dumps(answer)


def look(text: str, size: Any = None, base: str | None = None, all: bool = False) -> Answer:
    """What a text means: its faults, or the network with picture, table and sums.

    ``size`` is a side or a list of sides, and by default the size that the network is for. In the
    picture is marked what differs from ``base``, a name of the catalogue; by default from the
    base of the text itself. ``all`` gives a row for each layer.
    """
    document = None
    try:
        document = _document(text)
        laid = _planned(_spec_in(document), size)
    except SpecError as error:
        faults = placed(error.faults, document) if document else [*error.faults]
        found = [_fault(fault, text) for fault in faults[:MOST_FAULTS]]
        return {"faults": found, "left_out": error.more + len(faults[MOST_FAULTS:])}
    return {"faults": [], "left_out": 0, **_seen(laid, base or document.tree.get("base"), all)}


def picture(text: str, size: Any = None) -> Answer:
    """The picture that ``resforge show --svg`` writes: without marks of another network."""
    return {"svg": to_svg(_planned(_spec_of(text), size))}


def code(text: str) -> Answer:
    """The file that ``resforge export --code`` writes."""
    spec = _spec_of(text)
    _planned(spec, None)
    return {"code": to_code(spec)}


def chain(text: str, path: str) -> Answer:
    """The chains that the words at ``path`` stand for; where there is none, the whole network
    written out, as ``resforge show --expand`` prints it."""
    spec = _spec_of(text)
    place = parse_path(path) if path else ()
    found = meanings_at(spec, place)
    key = "shortcut" if "shortcut" in place else place[0] if place else ""
    key = "block" if key == "stages" else str(key)
    return {
        "whole": expand(spec).to_yaml() if not found else None,
        "words": [
            {
                "places": each.places,
                "word": to_yaml({key: each.word}),
                "chain": to_yaml({key: each.chain}),
            }
            for each in found
        ],
    }


def difference(text: str, name: str) -> Answer:
    """What makes the network of ``text`` of that of the catalogue, as ``resforge diff`` prints."""
    before, after = _catalogued(name), _spec_of(text)
    plans = planned_alike(before, after)
    return {
        "same": before.digest == after.digest,
        "rows": [
            {"path": each.path, "before": in_words(each.before), "after": in_words(each.after)}
            for each in diff(before, after)
            if each.path != "name"
        ],
        "costs": cost_lines(*plans),
    }


def schema() -> Answer:
    """The JSON Schema of a spec, as ``resforge schema`` prints it."""
    return ResNetSpec.model_json_schema()


def catalogue(search: str = "") -> list[Answer]:
    """The families of the catalogue, each with its networks; all ``search`` words are in the name,
    the family or the source of each."""
    words = search.lower().split()
    found: dict[str, list[Answer]] = {}
    for each in entries().values():
        known = f"{each.name} {each.family} {each.source}".lower()
        if all(word in known for word in words):
            found.setdefault(each.family, []).append(_row_of(each))
    return [{"family": family, "entries": rows} for family, rows in sorted(found.items())]


def _row_of(each: Entry) -> Answer:
    spec = load(each.name)
    laid = lay_out(spec, (spec.natural_input_size,) * spec.dims)
    return {
        "name": each.name,
        "source": each.source,
        "params": short(laid.params),
        "macs": short(laid.macs),
        "input": shape_text(laid.input_shape),
    }


def entry(name: str) -> Answer:
    """The YAML text of a network of the catalogue."""
    return {"text": text_of(name)}


def spaces() -> list[Answer]:
    """The design spaces that resforge brings, each with what it is."""
    from resforge.generation.spaces import list_spaces
    from resforge.generation.spaces import text as space_text

    return [
        {"name": name, "description": _comment(space_text(name)), "text": space_text(name)}
        for name in list_spaces()
    ]


def _comment(text: str) -> str:
    lines = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return " ".join(line.removeprefix("#").strip() for line in lines)


def draw(space: str, seed: int = 0, number: int = 0) -> Answer:
    """Draw ``number`` of a space's networks, as ``resforge generate SPACE --out`` writes it."""
    from resforge.generation import list_spaces, load_space
    from resforge.generation.files import spec_text, stem_of

    if space not in list_spaces():
        raise SpecError(Fault("catalogue", f"no space {printable(str(space))!r}"))
    drawn = load_space(space)
    found = drawn.nth(number, seed, MOST_TRIES)
    text = spec_text(found, drawn, stem_of(number, found.digest))
    return {
        "text": text,
        "params": found.params,
        "macs": found.macs,
        "depth": found.depth,
        "digest": found.digest,
    }


def _document(text: str) -> Document:
    """The values in a text. Raises :class:`SpecError`, also for one that is too long here."""
    if len(text) > LONGEST:
        message = f"{len(text):,} characters are too many for this page (at most {LONGEST:,})"
        raise SpecError(Fault("size", message, help="use the command line, which reads more"))
    return read(text)


def _spec_in(document: Document) -> ResNetSpec:
    """The spec of a document. Raises :class:`SpecError`, also for a network that is too large here,
    which is not even checked."""
    blocks = sum(map(_blocks, _listed(document.tree.get("stages"))))
    _limit(document, blocks, MOST_BLOCKS, "blocks")
    _limit(document, blocks * _longest(document.tree), MOST_OPERATIONS, "operations")
    return validate(ResNetSpec, document)


def _limit(document: Document, count: int, most: int, what: str) -> None:
    if count > most:
        message = f"{count:,} {what} are too many for this page (at most {most:,})"
        help_ = "use fewer, or the command line, which takes more"
        raise SpecError(document.fault("limit", message, ("stages",), help_))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _blocks(stage: Any) -> int:
    """How many blocks a stage has, as far as what may be no stage says so."""
    depth = stage.get("depth") if isinstance(stage, dict) else 0
    listed = _listed(stage.get("blocks")) if isinstance(stage, dict) else []
    return max(depth if type(depth) is int else 0, len(listed))


def _longest(value: Any) -> int:
    """How many values the longest chain holds in a tree; 1 where there is none."""
    if isinstance(value, list):
        return sum(map(_longest, value))
    if not isinstance(value, dict):
        return 1
    lists = ("stages", "blocks")
    parts = (each for key in lists for each in _listed(value.get(key)))
    rest = (part for key, part in value.items() if key not in lists)
    return max([1, *map(_longest, parts), *map(_longest, rest)])


def _spec_of(text: str) -> ResNetSpec:
    return _spec_in(_document(text))


def _planned(spec: ResNetSpec, size: Any) -> Plan:
    laid = plan(spec, spec.natural_input_size if size is None else _sides(size))
    check_size(laid)
    return laid


def _catalogued(name: str) -> ResNetSpec:
    """A network by name; no file is opened."""
    return load(catalogue_entry(name).name)


def _seen(laid: Plan, base: str | None, all: bool) -> Answer:
    spec = laid.spec
    other = _other(laid, base)
    rows = table_rows(laid, all)
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
        "rows": rows[:MOST_ROWS],
        "rows_left_out": len(rows[MOST_ROWS:]),
    }


def _counts(laid: Plan) -> dict[str, int]:
    return {"params": laid.params, "macs": laid.macs, "activations": laid.activations}


def _other(laid: Plan, base: str | None) -> Plan | None:
    """The network that the picture is held against; None where there is none, or of other axes."""
    if base is None:
        return None
    spec = _catalogued(base)
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
        "remedy": fault.help and printable(_here(fault.help)),
    }


def _end(line: str, column: int) -> int:
    """The column behind the word at ``column``."""
    word = _WORD.match(line, column - 1)
    return word.end() + 1 if word else column


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _error(message: str, remedy: str | None = None) -> Answer:
    return {
        "message": printable(message),
        **({"remedy": printable(_here(remedy))} if remedy else {}),
    }


def _here(remedy: str) -> str:
    """A remedy that names a command, in the words of the page, where it has the like."""
    for command, words in _ON_THE_PAGE.items():
        remedy = remedy.replace(command, words)
    return remedy


QUESTIONS: dict[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (
        *(look, picture, code, chain, difference, schema),
        *(catalogue, entry, spaces, draw),
    )
}
