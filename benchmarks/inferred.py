"""``python -m benchmarks.inferred``: does `infer_spec` know every network of the catalogue?

Each network is built, its spec is taken away, and it is asked for. With ``--other-widths`` it has
two blocks a stage and other widths, so that it is of no entry, and is known by its parts alone.
Rows are written to a file as they come, and those that are there are not asked for again.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from fractions import Fraction
from pathlib import Path
from typing import Any

import resforge as rf
import torch
from resforge.planner.catalogue import networks, params_of
from resforge.planner.plan import lay_out
from resforge.specs.catalogue import entries
from resforge.weights import infer_spec
from resforge.weights.functions import functions

FACTORS = tuple(map(Fraction, ("1/4", "1/2", "3/8", "3/4", "3/2", "2")))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inferred", description=__doc__)
    parser.add_argument("file", type=Path, help="rows, one JSON object a line")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="names")
    parser.add_argument("--other-widths", action="store_true", help="networks of no entry")
    parser.add_argument("--most", type=float, default=140e6, help="parameters of the largest")
    given = parser.parse_args()
    torch.set_num_threads(1)
    known = {row["name"] for row in _rows(given.file)}
    for name in _in_turn(given.only, known):
        if given.other_widths or params_of(name) <= given.most:
            row = {"name": name, "family": entries()[name].family, **_asked(name, given)}
            with given.file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            gc.collect()
    _print(_rows(given.file))


def _rows(file: Path) -> list[dict[str, Any]]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [json.loads(line) for line in lines]


def _in_turn(pattern: str, known: set[str]) -> Iterator[str]:
    """The smallest network of each family, then the next of each, and so on."""
    families: dict[str, list[str]] = defaultdict(list)
    for name in sorted(networks(), key=params_of):
        if fnmatchcase(name, pattern) and name not in known:
            families[entries()[name].family].append(name)
    for turn in range(max(map(len, families.values()), default=0)):
        yield from (names[turn] for names in families.values() if turn < len(names))


def _asked(name: str, given: argparse.Namespace) -> dict[str, Any]:
    spec = rf.load(name).replace({"stochastic_depth": None})
    if given.other_widths:
        other = _other(spec)
        if other is None:
            return {"status": "no other widths"}
        spec = other
    model: Any = rf.build(spec)
    del model.spec
    start = time.process_time()
    row = _answer(model, spec)
    return {**row, "seconds": round(time.process_time() - start, 2)}


def _other(spec: rf.ResNetSpec) -> rf.ResNetSpec | None:
    """A network of the same parts in other widths; None where none of them is legal."""
    for factor in FACTORS:
        changes: dict[str, Any] = {"name": ""}
        for number, stage in enumerate(spec.stages):
            if stage.width is not None:
                changes[f"stages[{number}].width"] = int(stage.width * factor)
            if stage.depth is not None:
                changes[f"stages[{number}].depth"] = min(2, stage.depth)
        try:
            return spec.replace(changes)
        except rf.SpecError:
            continue
    return None


def _answer(model: Any, spec: rf.ResNetSpec) -> dict[str, Any]:
    try:
        found, certificate = infer_spec(model)
    except rf.WeightsError as error:
        return {"status": "refused", "why": str(error)}
    alike = {"init": spec.init.model_dump(mode="json"), "stochastic_depth": None}
    if found.replace(alike).digest == spec.digest:
        return {"status": "told", "kind": certificate.kind, "sizes": certificate.sizes}
    same = functions(lay_out(found)) == functions(lay_out(spec))
    return {"status": "same function" if same else "other words", "found": found.to_yaml()}


def _print(rows: list[dict[str, Any]]) -> None:
    families: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        families[row["family"]][row["status"]] += 1
    for family, counts in sorted(families.items()):
        print(f"{family:24} {', '.join(f'{n} {status}' for status, n in counts.items())}")
    for row in rows:
        if "why" in row:
            print(f"{row['name']}: {row['why']}")


if __name__ == "__main__":
    main()
