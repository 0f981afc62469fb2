"""What the playground's page asks of resforge: answers, faults with places, never a traceback."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import bad_specs
import pytest
import resforge as rf

ENGINE = Path(__file__).resolve().parents[1] / "docs" / "playground" / "engine.py"
ASK = runpy.run_path(str(ENGINE))["ask"]
#: What the package needs and a browser has not.
ABSENT = ("torch", "numpy", "rich", "cyclopts", "scipy", "matplotlib", "jinja2", "safetensors")
WRONG = [
    row[0]
    for name in ("FILES", "YAML_TRAPS", "TYPES_AND_RANGES", "SHAPES", "BRANCHES", "BOMBS", "WORDS")
    for row in getattr(bad_specs, name)
]


def answer(name: str, **arguments: Any) -> Any:
    return json.loads(ASK(name, json.dumps(arguments)))


def ok(name: str, **arguments: Any) -> Any:
    return answer(name, **arguments)["ok"]


def test_a_network_is_seen_with_its_numbers() -> None:
    found = ok("look", text=rf.load("resnet50").to_yaml())
    plan = rf.plan("resnet50")
    assert found["faults"] == []
    assert (found["name"], found["digest"]) == ("resnet50", plan.spec.digest)
    assert (found["totals"]["params"], found["totals"]["macs"]) == (plan.params, plan.macs)
    assert found["svg"] == plan.to_svg()


def test_what_differs_from_the_base_is_marked() -> None:
    text = "resforge: 1\nbase: resnet18\nshortcut: zero_pad\n"
    found = ok("look", text=text)
    assert found["base"] == "resnet18"
    assert found["changes"].startswith("layer2 (1 of 2 blocks)")
    assert found["svg"] == rf.plan(rf.loads(text)).to_svg(rf.plan("resnet18"))
    assert ok("look", text=text, base="cifar_resnet20")["base"] == "cifar_resnet20"


def test_a_fault_has_its_place_in_characters_and_in_units_of_the_page() -> None:
    text = "resforge: 1\nbase: resnet18\n# \N{GRINNING FACE}\nblok: basic\n"
    (fault,) = ok("look", text=text)["faults"]
    assert (fault["from_line"], fault["from_column"], fault["to_column"]) == (4, 1, 5)
    units = text.encode("utf-16-le")
    assert units[2 * fault["from"] : 2 * fault["to"]].decode("utf-16-le") == "blok"
    assert (fault["path"], fault["remedy"]) == ("blok", "did you mean 'block'?")


@pytest.mark.parametrize("text", WRONG)
def test_every_wrong_text_has_faults_and_places(text: str) -> None:
    found = ok("look", text=text)
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    assert found["faults"]
    for fault in found["faults"]:
        assert fault["message"]
        assert fault["from_line"] >= 1
        assert 0 <= fault["from"] <= fault["to"] <= units


def test_the_answers_need_neither_torch_nor_a_terminal() -> None:
    code = (
        f"import sys, json, runpy\n"
        f"sys.modules.update(dict.fromkeys({ABSENT!r}))\n"
        f"ask = runpy.run_path({str(ENGINE)!r})['ask']\n"
        "text = 'resforge: 1\\nbase: resnet18\\nshortcut: zero_pad\\n'\n"
        "print(ask('look', json.dumps({'text': text, 'size': 64})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    for line in done.stdout.splitlines():
        assert json.loads(line)["ok"]
