"""Texts made to exhaust a parser, each as large as a spec may be. Run by test_reader_fuzz.py.

In a process of its own, so that a crash of the interpreter fails one test, and with its memory
limited. Prints the seconds of processor time and the outcome of each.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import resforge as rf
from resforge.text.reader import MAX_BYTES

#: How a text starts, and what it then repeats.
TEXTS = [
    ("", "["), ("", "{"), ("", "-"), ("", "- "), ("", "? "), ("", '"'), ("", "&a "),
    ("", "*a "), ("", "!a "), ("", "%"), ("", "%A\n"), ("", "\t"), ("", "\n"), ("", "\r"),
    ("", "#"), ("", "#\n"), ("", ","), ("", ":"), ("", "---\n"), ("", "...\n"), ("", "\x00"),
    ("", "\xff"), ("", "[a: "), ("", '{"'), ("", '{"a":'), ("", "%YAML 1.1\n"), ("", "\u2028"),
    ("", "|\n"), ("", "\\"), ("", "0"), ("", "a"), ("", "\U0001f600"), ("a: ", "x"),
    ("a: >\n", " x\n"), ("a: |\n", "\n"), ('a: "', "x\n"), ('a: "', "\\n"), ("a: '", "''"),
    ("a: [", "{},"), ("", "? \n: \n"), ("a: " + "[" * 30, "1,"), ("", "- &a 1\n"),
    ("", "- *a\n"), ("a: ", "9"), ("a: 0.", "9"), ("a: 0x", "f"), ("a: 1", "_1"),
    ("a: 7", ":30"), ("a: 1e", "9"), ("%YAML 1.", "9"), ("a: &", "a"), ("a: !<", "a"),
    ("a: !", "%41"), ("a:\n", " -\n"), ("a: [", ".inf,"), ("", "a: 1\n"), ("a: {", "b,"),
    ("", "[a]: 1\n"), ("? ", "k "), ('{"a": [', "1,"), ('{"a": [', "{},"), ('{"a": ', "["),
    ('{"a": "', "x"), ('{"a": "', "\\u0041"), ('{"', "k"), ('{"a": "', "\\\\"), ('{"a": ', " "),
    ('{"a": ', "9"), ('{"a": 0.', "9"), ('{"a": [', "NaN,"), ("{", '"a":1,'), ('{"a": ', "/"),
    ('{"a": ', "-"), ('{"a": [', '"'),
]  # fmt: skip


def texts() -> dict[str, str]:
    """Every hostile text, cut to what the reader still looks at."""
    made = {f"{start[:9]}{unit}": start + unit * MAX_BYTES for start, unit in TEXTS}
    made["block keys"] = "".join(f"k{i}: {i}\n" for i in range(30_000))
    made["tag directives"] = "".join(f"%TAG !a{i}! b\n" for i in range(20_000))
    made["stairs"] = "".join(" " * i + "a:\n" for i in range(800))
    made["json keys"] = "{" + ",".join(f'"k{i}":{i}' for i in range(30_000)) + "}"
    made["closed brackets"] = "a: " + "[" * 130_000 + "]" * 130_000
    made["long keys"] = "".join(f"{i:05}{'k' * 95}: 1\n" for i in range(2_600))
    made["deep long keys"] = "".join(" " * i + "k" * 99 + f"{i % 10}:\n" for i in range(30)) + (
        "".join(" " * 30 + "d: &a 1\n" for i in range(6_000))
    )
    one, blocks = "resforge: 1\n", "stages: [{width: 8, blocks: ["
    made["blocks"] = one + blocks + "{}, " * 6_600 + "]}]\n"
    made["named blocks"] = one + blocks + "{block: basic}, " * 6_000 + "]}]\n"
    made["wrong keys"] = one + blocks + "{blok: 1}, " * 6_000 + "]}]\n"
    made["wrong kinds"] = one + blocks + "{block: bacis}, " * 6_000 + "]}]\n"
    made["wrong shortcuts"] = (
        one + blocks + "{block: bottleneck}, {shortcut: identity}, " * 1_600 + "]}]\n"
    )
    made["wide and deep"] = (
        one + "stages:\n" + "  - {depth: 156, width: 65536, stride: 16}\n" * 64
        + "block: {kind: bottleneck, groups: 65536, width_per_group: 65536, expansion: 64}\n"
    )  # fmt: skip
    made["unknown keys"] = one + "".join(f"k{i}: 1\n" for i in range(9_000))
    cut = {name: text.encode()[:MAX_BYTES].decode(errors="ignore") for name, text in made.items()}
    return {**cut, "too large": "a" * 10 * MAX_BYTES}


def outcome(text: str) -> str:
    try:
        rf.loads(text)
    except rf.SpecError as error:
        return f"{error.faults[0].code} {len(str(error))}"
    return "read"


if __name__ == "__main__":
    # Over 500 MB the process ends in a MemoryError, and the test with it.
    resource.setrlimit(resource.RLIMIT_AS, (500 << 20, 500 << 20))
    results = {}
    for name, text in texts().items():
        start = time.process_time()
        said = outcome(text)
        results[name] = (time.process_time() - start, said)
    json.dump(results, sys.stdout)
