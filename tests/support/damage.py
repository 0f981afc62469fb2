"""Damage to the files of a sweep: its store, its folder and its file."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

import yaml
from old_stores import make_old
from resforge.ablation.results.tables import TABLES

DEEP = 20_000
TEXTS = (
    "",
    "x",
    "0",
    "null",
    "[]",
    "{}",
    "[" * DEEP,
    '{"a":' * DEEP,
    "NaN",
    "1e999",
    "\0",
    "é" * 99,
)
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 7, 2**62, 10**400, 0.5, -1e300, 1e308, float("nan"), float("inf")),
    *("", "x", "=1+1", "\x1b[2J", "<b>", "best", "a" * 3000, [], {}, [[]], [None], {"a": 1}),
)
#: Columns that hold JSON.
TREES = (
    ("meta", "value"),
    ("arms", "labels"),
    ("arms", "spec"),
    ("results", "outcome"),
    ("runs", "manifest"),
    ("trials", "owner"),
)


def damaged_bytes(rng: Random, content: bytes) -> bytes:
    """``content`` with flipped bits, cut off, written over or replaced."""
    if not content or rng.random() < 0.05:
        return rng.choice([b"", b"\0" * 600, rng.randbytes(900), b"SQLite format 3\0" + b"x" * 900])
    kind, place = rng.randrange(4), rng.randrange(len(content))
    if kind == 0:
        return content[:place]
    if kind == 1:
        over = rng.choice([rng.randbytes(64), b"\0" * 512, b"[" * DEEP])
        return content[:place] + over + content[place + len(over) :]
    if kind == 2:
        start = rng.randrange(len(content))
        piece = content[start : start + rng.randrange(600)]
        return content[:place] + piece + content[place:]
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 3, 40])):
        changed[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def damaged_tree(rng: Random, tree: Any) -> Any:
    """``tree`` with one of its values, keys or items changed."""
    if isinstance(tree, dict) and tree and rng.random() < 0.85:
        key = rng.choice(list(tree))
        rest = {k: v for k, v in tree.items() if k != key}
        return rng.choice(
            [
                lambda: {**tree, key: damaged_tree(rng, tree[key])},
                lambda: {**tree, key: damaged_tree(rng, tree[key])},
                lambda: rest,
                lambda: {**rest, f"{key}x": tree[key]},
                lambda: {**tree, "odd": rng.choice(VALUES)},
            ]
        )()
    if isinstance(tree, list) and tree and rng.random() < 0.85:
        place = rng.randrange(len(tree))
        item = damaged_tree(rng, tree[place])
        return rng.choice([[*tree[:place], item, *tree[place + 1 :]], tree[:place], [*tree, item]])
    return rng.choice(VALUES)


def damaged_json(rng: Random, text: str) -> str:
    if rng.random() < 0.8:
        with suppress(ValueError, RecursionError):
            return json.dumps(damaged_tree(rng, json.loads(text)))
    return rng.choice([*TEXTS, text[: rng.randrange(len(text) + 1)]])


def damage_records(rng: Random, path: Path) -> None:
    """Change records through SQL."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for _ in range(rng.choice([1, 1, 1, 3])):
            with suppress(sqlite3.Error, OverflowError, UnicodeEncodeError):
                database.execute(*_statement(rng, database))


def _statement(rng: Random, database: sqlite3.Connection) -> tuple[str, tuple[Any, ...]]:
    if rng.random() < 0.6:
        table, column = rng.choice(TREES)
    else:
        table = rng.choice(list(TABLES))
        column = rng.choice(list(TABLES[table]))
    rows = database.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
    if not rows or rng.random() < 0.04:
        return rng.choice(
            [f"DROP TABLE {table}", f"ALTER TABLE {table} ADD odd", "CREATE TABLE t (x)"]
        ), ()
    rowid, value = rng.choice(rows)
    if rng.random() < 0.08:
        return f"DELETE FROM {table} WHERE rowid = ?", (rowid,)
    if (table, column) in TREES and isinstance(value, str):
        new: Any = damaged_json(rng, value)
    else:
        new = rng.choice(
            [v for v in VALUES if not isinstance(v, list | dict)] + [b"\xff\xfe", *TEXTS]
        )
    return f"UPDATE OR REPLACE {table} SET {column} = ? WHERE rowid = ?", (new, rowid)


def damage_folder(rng: Random, folder: Path) -> None:
    """Other things where files of a sweep are expected, and damaged ones beside them."""
    name = rng.choice(
        ["results.sqlite", "results.csv", "report.html", "checkpoints", "results.sqlite-journal"]
    )
    place = folder / name
    if place.is_dir():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    match rng.randrange(4):
        case 0:
            place.mkdir()
        case 1:
            place.write_bytes(rng.choice([b"", rng.randbytes(700)]))
        case 2:
            place.symlink_to(rng.choice([place.name, "nowhere", "/dev/null"]))
        case _:
            with closing(sqlite3.connect(place)) as database:
                database.execute("CREATE TABLE theirs (x)")
                database.commit()


def damage_store(rng: Random, folder: Path) -> str:
    """Damage the store in ``folder``, whole or one of an earlier format; says in which way."""
    path = folder / "results.sqlite"
    kind = rng.choice(["bytes", "old bytes", "records", "old records", "old records", "folder"])
    if kind.startswith("old"):
        make_old(folder, rng.randint(1, 4))
    if kind.endswith("bytes"):
        path.write_bytes(damaged_bytes(rng, path.read_bytes()))
    elif kind.endswith("records"):
        damage_records(rng, path)
    else:
        damage_folder(rng, folder)
    return kind


#: Sweep files that together have every key.
SWEEPS = (
    """\
sweep: 1
name: a sweep
base: digits_resnet8
axes:
  depth: {"8": {"stages[*].depth": 1}, "14": {"stages[*].depth": 2}}
  shortcut: {A: {shortcut: zero_pad}, none: {shortcut: none}}
design: one_factor
match: {params: 30%, by: width}
budget: {trials: 100, macs: 1.0e+15}
seeds: [0, 3]
data: {kind: digits, train: 20, test: 10, validation: 5, augment: {kind: crop_flip, pad: 1}}
recipe: {steps: 2, batch_size: 8, evaluations: 1, optimizer: adamw, select: best, warmup: 1}
timeout: 60
published:
  - {source: A paper, measure: error, rows: {depth=8/shortcut=A: 8.75, depth=8/shortcut=none: fail}}
comparisons:
  - {axis: shortcut, to: A}
  - {of: depth=14/shortcut=A, to: depth=8/shortcut=none}
""",
    """\
sweep: 1
search:
  {space: cifar_resnets, n: 4, seed: 1, method: evolution, population: 2, tournament: 1, batch: 2}
data: {kind: digits, channels: 3, train: 20, test: 10, validation: 5}
recipe: {steps: 1, batch_size: 8}
seeds: 1
""",
    """\
sweep: 1
sample: {space: cifar_resnets, n: 3, seed: 2}
data: {kind: digits, channels: 3, train: 20, test: 10}
recipe: {steps: 1, batch_size: 8}
comparisons: []
""",
    """\
sweep: 1
base:
  resforge: 1
  in_channels: 1
  stem: [{conv: 3, width: 8}, norm, act]
  stages: [{depth: 1, width: 8}, {depth: 1, width: 16, stride: 2, block: bottleneck}]
  block: {branch: [{conv: 3, stride: block}, norm, act, {conv: 3}, norm], exit: [act]}
  shortcut: {match: identity, change: {path: [{conv: 1, stride: block}, norm], join: add}}
  head: {num_classes: 10, dropout: 0.1}
arms:
  a: {}
  b: {"stages[0].width": 16}
recipe: {base: he2015_cifar, steps: 1, batch_size: 4}
data: {kind: digits, train: 20, test: 10}
seeds: 1
""",
)


def damaged_sweep(rng: Random) -> bytes:
    """The text of a sweep file, with damage to its text or to its tree."""
    text = rng.choice(SWEEPS)
    if rng.random() < 0.35:
        return damaged_bytes(rng, text.encode())
    tree = yaml.safe_load(text)
    for _ in range(rng.choice([1, 1, 2])):
        tree = damaged_tree(rng, tree)
    with suppress(ValueError, RecursionError):
        return json.dumps(tree).encode()
    return damaged_json(rng, "{}").encode()
