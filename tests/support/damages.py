"""Files of weights damaged in many ways, from a random generator."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from resforge.weights.seal import digest
from safetensors.torch import save as to_safetensors
from torch import nn
from weight_files import SPEC, legacy, saved, state

Random = random.Random
KINDS = ("safetensors", "sealed", "zip", "legacy")


def sound(kind: str) -> bytes:
    """A file that fits the network of ``weight_files``."""
    checkpoint = {"epoch": 3, "state_dict": OrderedDict(state()), "best": torch.tensor(0.5)}
    if kind == "zip":
        return saved(checkpoint)
    if kind == "legacy":
        return legacy(checkpoint)
    metadata = {"resforge": _seal(SPEC.to_json())} if kind == "sealed" else {"format": "pt"}
    return to_safetensors(state(), metadata)


def _seal(spec: Any, **changes: Any) -> str:
    known = {"version": 1, "spec": spec, "sha256": digest(state(), str(spec)), **changes}
    return json.dumps(known)


# Bytes of the file.


def _places(content: bytes, rng: Random) -> int:
    """A place in the file, more often near an end, where its structure is."""
    size = len(content)
    near = min(size, rng.choice([200, 3_000, 12_000, size]))
    return rng.randrange(near) if rng.random() < 0.6 else size - 1 - rng.randrange(near)


def _change(content: bytes, rng: Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 4, 30])):
        damaged[_places(content, rng)] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
    return bytes(damaged)


def _cut(content: bytes, rng: Random) -> bytes:
    return content[: _places(content, rng)]


def _drop(content: bytes, rng: Random) -> bytes:
    at = _places(content, rng)
    return content[:at] + content[at + rng.choice([1, 4, 8, 64, 1000]) :]


def _insert(content: bytes, rng: Random) -> bytes:
    at = _places(content, rng)
    return content[:at] + rng.randbytes(rng.choice([1, 4, 8, 64])) + content[at:]


def _repeat(content: bytes, rng: Random) -> bytes:
    at, length = _places(content, rng), rng.choice([1, 8, 64, 1000])
    return content[:at] + content[at : at + length] + content[at:]


def _zero(content: bytes, rng: Random) -> bytes:
    at, length = _places(content, rng), rng.choice([8, 64, 512, 4096])
    return content[:at] + bytes(min(length, len(content) - at)) + content[at + length :]


def _numbers(content: bytes, rng: Random) -> bytes:
    """Eight bytes of the structure become a number that is large, or negative."""
    at = _places(content, rng)
    number = rng.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63, 2**64 - 1])
    return content[:at] + struct.pack("<Q", number) + content[at + 8 :]


_BYTES: tuple[Callable[[bytes, Random], bytes], ...] = (
    *(_change, _change, _cut, _drop, _insert, _repeat, _zero, _numbers),
)


# Records of an archive: damaged inside of one that is sound.


def _rezipped(content: bytes, rng: Random) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        chosen = rng.choice(["data.pkl", "data.pkl", "data.pkl", "byteorder", "version", "data/0"])
        for record in old.infolist():
            written, name = old.read(record), record.filename
            if name.endswith(f"/{chosen}"):
                if rng.random() < 0.1:
                    continue
                written = rng.choice(_BYTES)(written, rng)
            new.writestr(name, written)
    return buffer.getvalue()


# The header of a .safetensors file.


def _odd_header(content: bytes, rng: Random) -> bytes:
    size = struct.unpack("<Q", content[:8])[0]
    header, data = json.loads(content[8 : 8 + size]), content[8 + size :]
    name = rng.choice([name for name in header if name != "__metadata__"])
    odd: list[Any] = [None, 0, -1, 2**70, 1e400, [], [[]], {}, "", "F32", True, "\ud800", "x" * 600]
    what = rng.randrange(6)
    if what == 0:
        header[name][rng.choice(["dtype", "shape", "data_offsets", "x"])] = rng.choice(odd)
    elif what == 1:
        header[name]["dtype"] = rng.choice(
            ["F64", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F4", "C64", "I32", "U16", "BOOL", "BF16"]
        )
    elif what == 2:
        header["__metadata__"] = rng.choice([*odd, {"resforge": rng.choice(odd)}])
    elif what == 3:
        header[rng.choice(["", "a.b", name + ".x", "\x00", "\x1b[2J", "x" * 9_000])] = header.pop(
            name
        )
    elif what == 4:
        header[rng.choice(["x", "__metadata__"])] = header[name]
    else:
        header["__metadata__"] = {"resforge": _odd_seal(rng)}
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(text)) + text + data


def _odd_seal(rng: Random) -> str:
    spec = SPEC.to_json()
    deep = "[" * 100_000
    specs: list[Any] = [
        *(None, 3, [], {}, "", "{", deep, "[" * 500 + "]" * 500, "x: " * 3000, "\ud800", "\x00"),
        *(spec.replace("conv3x3", "conv7x7"), spec.replace("4", "400000"), spec.replace("1", "9")),
        *(json.dumps({"resforge": 1, "base": "no"}), spec.replace('"depth": 1', '"depth": 1e9')),
    ]
    return rng.choice(
        [
            *("", "{", "null", "3", "[]", "{}", '"x"', deep, '{"a":' * 50_000, "NaN", "1" * 5_000),
            *(_seal(odd) for odd in specs),
            *(_seal(spec, version=odd) for odd in (None, "1", 1.5, -1, 0, 2, 10**30, 1e400, [])),
            *(_seal(spec, sha256=odd) for odd in (None, 3, "", "0" * 64, [])),
        ]
    )


# What a checkpoint may hold.


def _odd_tensor(rng: Random) -> Any:
    base = torch.rand(4) + 0.5
    return rng.choice(
        [
            *(base.to(kind) for kind in _TYPES),
            *(torch.zeros(0), torch.zeros(4, 0, 3), torch.tensor(1.0), torch.zeros(1).expand(4)),
            *(torch.zeros(1).expand(2**30, 2**30), torch.rand(8)[::2], base.as_strided((4,), (0,))),
            *(base.to_sparse(), torch.eye(4).to_sparse(), base.to("meta"), nn.Parameter(base)),
            *(torch.quantize_per_tensor(base, 0.1, 0, torch.qint8), torch._neg_view(base)),
            *(base * float("nan"), base * float("inf"), -base, base * 1e38, base.double() * 1e300),
            *(torch.rand(4, 1), torch.rand(1, 4), torch.rand(4, 3, 3, 3), torch.rand(*[1] * 30)),
            *(None, 3, "x", [base], {"a": base}, base.tolist(), b"x", {1, 2}, torch.float32),
        ]
    )


_TYPES = (
    *(torch.float16, torch.bfloat16, torch.float64, torch.complex64, torch.int64, torch.bool),
    *(torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e8m0fnu, torch.uint8, torch.uint16),
)


def _odd_checkpoint(kind: str, rng: Random) -> bytes:
    tensors: dict[Any, Any] = dict(state())
    for _ in range(rng.choice([1, 1, 3])):
        name = rng.choice(list(tensors))
        what = rng.randrange(5)
        if what == 0:
            tensors.pop(name)
        elif what == 1:
            tensors[rng.choice(_ODD_KEYS)] = tensors[name]
        elif what == 2:
            tensors["bn1.running_mean"] = tensors["bn1.bias"]
        else:
            tensors[name] = _odd_tensor(rng)
    path = rng.choice(["", "state_dict", "a.b.c", "model.0", "\x1b[2J", "ema"])
    tree: Any = tensors
    for key in reversed(path.split(".") if path else []):
        tree = {
            key: tree,
            "extra": rng.choice([None, torch.zeros(3), [tree], {"student": state(2)}]),
        }
    if rng.random() < 0.2:
        tree = rng.choice([[tree], (tree, 1), {1: tree}, {(1, 2): tree}, {"a": [[[[tree]]]]}])
    if isinstance(tree, dict) and rng.random() < 0.1:
        tree["self"] = tree
    return (saved if kind == "zip" else legacy)(tree)


_ODD_KEYS: tuple[Any, ...] = (
    *(1, 2.5, None, (1, "x"), b"bytes", True, "", ".", "..", "a" * 600, "\ud800", "\x1b[2J"),
    *("layer9.9.conv1.weight", "module.conv1.weight", "fc.0.weight", "conv1.weight."),
)


def damaged(kind: str, rng: Random) -> bytes:
    """A file of one of :data:`KINDS`, damaged in one of many ways."""
    dice = rng.random()
    if kind in ("zip", "legacy") and dice < 0.4:
        return _odd_checkpoint(kind, rng)
    content = sound(kind)
    if kind == "zip" and dice < 0.7:
        return _rezipped(content, rng)
    if kind in ("safetensors", "sealed") and dice < 0.5:
        return _odd_header(content, rng)
    return rng.choice(_BYTES)(content, rng)
