"""The findings as a page, ``docs/published.md``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from .findings import Findings
from .proof import CLOSE, EXACT, FAILED, NONE, TENSORS
from .sources import SOURCES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "published.md"
STATUSES = (EXACT, CLOSE, TENSORS, NONE, FAILED)
NOT_YET = {"status": "not compared"}
_TOP = """\
# Published networks

Networks that were published with code, and the catalogue's networks of the same names. Each was
built by its own library and filled with random numbers, norm weights of both signs among them. Its
weights were read into the network that the catalogue describes, and both were given the same random
pictures in evaluation mode, on one thread of a CPU, in float32. Outputs have the same shape, unless
the row says otherwise.

- *exact*: the tensors are the same, and the outputs are bitwise equal.
- *within tolerance*: the outputs differ by rounding; the list below says why and by how much.
- *tensors only*: the tensors are the same, and the outputs are not.
- *no spec*: the language has no words for the network, or the catalogue no entry.

`python -m benchmarks.published` compares them again and writes this page; `--list` prints the
packages and repositories that it needs. [published.json](published.json) holds the findings, with
the digest of each network, the date and all versions.
"""


def write_page(findings: Findings, page: Path = PAGE) -> None:
    """Write the page from what is known."""
    rows = list(_rows(findings))
    lines = [
        _TOP,
        *_summary(rows),
        "",
        *_inferences(rows),
        "",
        "## With what",
        "",
        *_versions(rows),
        "",
    ]
    for family, found in groupby(rows, key=lambda row: row["family"]):
        lines += [f"## {family}", "", *_listed(list(found)), ""]
    page.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _rows(findings: Findings) -> Iterator[dict[str, Any]]:
    for source, module in SOURCES.items():
        for family, peers in module.FAMILIES.items():
            for name, peer in peers.items():
                known = findings.of(source, name) or {**NOT_YET, "entry": peer.entry or name}
                yield {**known, "source": source, "family": family, "name": name}


def _summary(rows: list[dict[str, Any]]) -> Iterator[str]:
    counts = {
        family: Counter(row["status"] for row in found)
        for family, found in groupby(rows, key=lambda row: row["family"])
    }
    total = sum(counts.values(), Counter[str]())
    shown = [status for status in (*STATUSES, NOT_YET["status"]) if total[status]]
    yield f"| family | networks | {' | '.join(shown)} |"
    yield "|---|" + "---:|" * (1 + len(shown))
    for family, count in [*counts.items(), ("**all**", total)]:
        cells = [str(count.total()), *(str(count[status] or "") for status in shown)]
        yield f"| {family} | {' | '.join(cells)} |"


_ASKED = """\
## What `infer_spec` answers

Of networks whose outputs agree, `infer_spec` was asked for the spec of the module as its library
makes it. *Told*: it certified the network of the catalogue. Each refusal is below the table.
`new_dawn` is told by its outputs in evaluation alone: in training its norms take sixteen parts of a
batch each for itself, for which the language has no word.
"""


def _inferences(rows: list[dict[str, Any]]) -> Iterator[str]:
    """How many modules of each family are told, refused and not asked about, and the refusals."""
    yield _ASKED
    yield "| family | told | refused | not asked |"
    yield "|---|---:|---:|---:|"
    known = [row for row in rows if row["status"] in (EXACT, CLOSE)]
    counts = {
        family: Counter(_answer(row) for row in found)
        for family, found in groupby(known, key=lambda row: row["family"])
    }
    total = sum(counts.values(), Counter[str]())
    for family, count in [*counts.items(), ("**all**", total)]:
        cells = (str(count[answer] or "") for answer in ("told", "refused", "not asked"))
        yield f"| {family} | {' | '.join(cells)} |"
    refused = [row for row in known if _answer(row) == "refused"]
    if refused:
        yield ""
    for row in refused:
        why = row["inferred"].splitlines()[0].removeprefix("error[infer]: ")
        yield f"- `{row['name']}` of {row['source']}: {_cell(why)}"


def _answer(row: dict[str, Any]) -> str:
    answer = _short(row.get("inferred", ""))
    return {"": "not asked", "yes": "told", "no": "refused"}[answer]


def _versions(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The versions of each source, and the days on which its networks were compared."""
    for source, found in groupby(rows, key=lambda row: row["source"]):
        compared = [row for row in found if "date" in row]
        if compared:
            days = sorted({row["date"] for row in compared})
            versions = {
                f"{name} {version}"
                for row in compared
                for name, version in row["versions"].items()
                if name != "resforge"
            }
            when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
            yield f"- {source}, {when}: {', '.join(sorted(versions))}"


def _listed(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield "| network | in the catalogue | outputs | weights written back | `infer_spec` |"
    yield "|---|---|---|---|---|"
    for row in rows:
        entry = row.get("entry", "")
        same = "" if row["status"] in (NONE, NOT_YET["status"]) else f"`{entry}`"
        back, inferred = (_short(row.get(key, "")) for key in ("written_back", "inferred"))
        yield f"| `{row['name']}` | {same} | {_outputs(row)} | {back} | {inferred} |"


def _outputs(row: dict[str, Any]) -> str:
    why = _cell("; ".join(filter(None, (row.get("why", ""), row.get("shape", "")))))
    if row["status"] == CLOSE:
        return f"{CLOSE}: {row['difference']:.1e} ({why})"
    return f"{row['status']}: {why}" if why else row["status"]


def _short(answer: str) -> str:
    return "yes" if answer.startswith("yes") else "no" if answer else ""


def _cell(text: str) -> str:
    words = " ".join(text.replace("|", "\\|").split())
    return words if len(words) <= 200 else words[:197] + "..."
