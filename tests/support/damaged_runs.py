"""Folders of runs, damaged in every way that a disk, a person or another program can think of."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import torch
from resforge.training.sealed import seal, unseal
from safetensors import safe_open
from safetensors.torch import load_file, save_file

FILES = ("run.json", "history.csv", "resume.pt", "best.safetensors", "last.safetensors")
DEEP = "[" * 100_000
#: What a value of a file may be replaced by.
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7, 10**30, -(10**30), 1e308, 1e-308, 0.5, float("nan"),
    float("inf"), "", "x", "0", "a\0b", "\x1b[2Jred", "ü漢字", "x" * 5000, [], [1], ["a", "a"], {},
    {"kind": "basic"}, {"a": {"b": [None]}},
)  # fmt: skip


def damage(run: Path, other: Path, random: Random) -> str:
    """Damage the folder ``run`` in one or two ways; what was done. ``other`` is another run."""
    ways = [random.choice(WAYS) for _ in range(random.choice((1, 1, 1, 2)))]
    return "; ".join(way(run, other, random) for way in ways)


def bytes_damaged(run: Path, other: Path, random: Random) -> str:
    path = run / random.choice(FILES)
    if not path.is_file():
        return f"{path.name} is no file already"
    content = bytearray(path.read_bytes())
    way = random.choice(("empty", "cut", "flip", "append", "noise", "repeat"))
    if way == "empty":
        content = bytearray()
    elif way == "cut":
        del content[random.randrange(len(content) + 1) :]
    elif way == "flip" and content:
        for _ in range(random.choice((1, 1, 8))):
            content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    elif way == "append":
        content += random.randbytes(random.choice((1, 500)))
    elif way == "noise":
        content = bytearray(random.randbytes(random.choice((3, 200, 20_000))))
    else:
        content = content * 2
    path.write_bytes(content)
    return f"{path.name}: {way}"


def replaced(run: Path, other: Path, random: Random) -> str:
    """Something else in the place of a file."""
    path = run / random.choice((*FILES, ".lock", "curve.svg"))
    if path.is_dir() and not path.is_symlink():
        return f"{path.name} is a folder already"
    path.unlink(missing_ok=True)
    ways: dict[str, Callable[[], object]] = {
        "gone": lambda: None,
        "a folder": path.mkdir,
        "a folder with a file": lambda: [path.mkdir(), (path / "a").write_text("a")],
        "a link to nothing": lambda: path.symlink_to("nothing"),
        "a link to itself": lambda: path.symlink_to(path.name),
        "a pipe": lambda: os.mkfifo(path),
        "endless": lambda: path.symlink_to("/dev/zero"),
        "nobody's": lambda: [path.write_text("{}"), path.chmod(0)],
    }
    way = random.choice([*ways])
    ways[way]()
    return f"{path.name}: {way}"


def of_another_run(run: Path, other: Path, random: Random) -> str:
    """A file of another run, or of the same run under another name."""
    path = run / random.choice(FILES)
    source = other / path.name if random.random() < 0.6 else run / random.choice(FILES)
    if path == source or not source.is_file() or path.is_dir():
        return "nothing"
    path.unlink(missing_ok=True)
    shutil.copy(source, path)
    return f"{path.name}: from {source.parent.name}/{source.name}"


def json_damaged(run: Path, other: Path, random: Random) -> str:
    path = run / "run.json"
    try:
        tree = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return "run.json is damaged already"
    text, done = json_text(tree, random)
    path.write_text(text)
    return f"run.json: {done}"


def metadata_damaged(run: Path, other: Path, random: Random) -> str:
    """Metadata of the weights whose checksum is right."""
    path = run / "best.safetensors"
    try:
        with safe_open(path, "pt") as file:
            notes = file.metadata()
        tensors = load_file(path)
        head = json.loads(notes["resforge_run"])
    except Exception:
        return "best.safetensors is damaged already"
    text, done = json_text(head, random)
    notes["resforge_run"] = text
    notes["resforge_run_sha256"] = hashlib.sha256(text.encode()).hexdigest()
    if random.random() < 0.1:
        name = random.choice([*notes])
        notes[name], done = random.choice(("", "x", "null", "[]", "{}", DEEP)), f"odd {name}"
    save_file(tensors, path, notes)
    return f"best.safetensors, metadata: {done}"


def tensors_damaged(run: Path, other: Path, random: Random) -> str:
    """Weights with a right checksum, and tensors that do not fit."""
    from resforge.weights.read import read
    from resforge.weights.seal import KEY
    from resforge.weights.seal import seal as seal_weights

    path = run / "best.safetensors"
    try:
        with safe_open(path, "pt") as file:
            notes = file.metadata()
        tensors = load_file(path)
        spec = read(path).spec
        assert spec is not None
    except Exception:
        return "best.safetensors is damaged already"
    name = random.choice([*tensors])
    odd = odd_tensor(tensors[name], random)
    if odd is None:
        del tensors[name]
    else:
        tensors[name if random.random() < 0.9 else "extra"] = odd
    save_file(tensors, path, {**notes, KEY: seal_weights(tensors, spec)})
    return f"best.safetensors, {name}: {odd if odd is None else (odd.dtype, odd.shape)}"


def state_damaged(run: Path, other: Path, random: Random) -> str:
    """A state with a right checksum, and values that do not fit."""
    path = run / "resume.pt"
    try:
        tree: Any = copy.deepcopy(unseal(path.read_bytes()))
    except Exception:
        return "resume.pt is damaged already"
    tree, done = mutated(tree, random)
    path.write_bytes(seal(tree))
    return f"resume.pt: {done}"


def json_text(tree: Any, random: Random) -> tuple[str, str]:
    """The text of a changed ``tree``, and what was changed."""
    if random.random() < 0.1:
        text = random.choice((DEEP, '{"a":' * 50_000, "null", "[]", "1", "{", '{"format": 1}', ""))
        return text, f"{text[:20]!r}"
    tree, done = mutated(tree, random)
    return json.dumps(tree), done


def mutated(tree: Any, random: Random) -> tuple[Any, str]:
    """``tree`` with one value replaced or removed, anywhere in it, and what was changed."""
    places = [*walk(tree)]
    # Large branches have many places; each level is as likely to be chosen.
    depth = random.choice(sorted({len(place) for place in places}))
    place = random.choice([place for place in places if len(place) == depth])
    if not place:
        odd = random.choice(ODD)
        return odd, f"all is {shown(odd)}"
    owner = tree
    for key in place[:-1]:
        owner = owner[key]
    key = place[-1]
    where = ".".join(map(str, place))
    if random.random() < 0.25:
        del owner[key]
        return tree, f"{where} is gone"
    if isinstance(owner, dict) and random.random() < 0.05:
        owner["extra"] = 1
        return tree, f"{where} has a neighbour"
    old = owner[key]
    tensor = odd_tensor(old, random) if isinstance(old, torch.Tensor) else None
    owner[key] = random.choice(ODD) if tensor is None else tensor
    return tree, f"{where} is {shown(owner[key])}"


def walk(tree: Any, place: tuple[Any, ...] = ()) -> Any:
    yield place
    if isinstance(tree, dict | list):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, value in items:
            yield from walk(value, (*place, key))


def odd_tensor(tensor: torch.Tensor, random: Random) -> torch.Tensor | None:
    """A tensor that does not fit in the place of ``tensor``; None for none at all."""
    ways: tuple[Callable[[], torch.Tensor | None], ...] = (
        lambda: None,
        lambda: tensor.double(),
        lambda: tensor.half(),
        lambda: tensor.to(torch.int32),
        lambda: torch.complex(tensor.float(), tensor.float()),
        lambda: tensor.bool(),
        lambda: torch.zeros(()),
        lambda: torch.zeros(0),
        lambda: torch.zeros(2, 3, 4, 5, 6),
        lambda: torch.cat([tensor.reshape(-1), tensor.reshape(-1)]),
        lambda: torch.full_like(tensor, float("nan")) if tensor.is_floating_point() else -tensor,
        lambda: torch.full_like(tensor, float("inf")) if tensor.is_floating_point() else -tensor,
        lambda: torch.full_like(tensor, 1e38) if tensor.is_floating_point() else -tensor,
        lambda: torch.full_like(tensor, -1),
    )
    return random.choice(ways)()


def shown(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor {value.dtype} {tuple(value.shape)}"
    return repr(value)[:40]


WAYS = (
    bytes_damaged, replaced, of_another_run, json_damaged, json_damaged, metadata_damaged,
    metadata_damaged, tensors_damaged, state_damaged, state_damaged,
)  # fmt: skip
