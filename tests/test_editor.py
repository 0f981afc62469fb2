"""What an editor makes of the JSON Schemas: keys and values described, completed and checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import language_server
import pytest
import resforge as rf
from language_server import LanguageServer
from resforge.ablation import Sweep
from resforge.generation import Space
from resforge.specs.hints import parts

SCHEMAS = {
    "*.resforge.yaml": rf.ResNetSpec.model_json_schema(),
    "*.resforge-sweep.yaml": Sweep.model_json_schema(),
    "*.resforge-space.yaml": Space.model_json_schema(),
}
each_schema = pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)


@each_schema
def test_every_key_is_described(schema: dict[str, Any]) -> None:
    assert schema["$id"].startswith("urn:resforge:")
    for part in parts(schema):
        for key, value in part.get("properties", {}).items():
            assert value.get("description"), key


@each_schema
def test_every_kind_is_described_where_its_name_may_stand(schema: dict[str, Any]) -> None:
    seen = set()
    for part in parts(schema):
        for names in part.get("anyOf", ()):
            if {"bottleneck", "zero_pad", "deep_base", "batch", "relu"} & {*names.get("enum", ())}:
                assert all(names["enumDescriptions"])
                assert len(names["enumDescriptions"]) == len(names["enum"])
                seen.update(names["enum"])
    assert seen >= {"bottleneck", "zero_pad", "deep_base", "batch", "relu", "conv"}


@each_schema
def test_nothing_is_said_to_python(schema: dict[str, Any]) -> None:
    assert "title" not in {key for part in parts(schema) for key in part}
    for part in parts(schema):
        said = [part.get("description", ""), *part.get("enumDescriptions", ())]
        for word in (">>>", "``", ":class:", ":func:", "Raises", "===="):
            assert not any(word in text for text in said), said


def test_defaults_are_short_and_mean_the_same() -> None:
    fields = SCHEMAS["*.resforge.yaml"]["properties"]
    short = {key: field["default"] for key, field in fields.items() if "default" in field}
    assert short["block"] == "basic"
    assert short["shortcut"] == "projection"
    bare: dict[str, Any] = {"resforge": 1, "stages": [{"depth": 1, "width": 8}]}
    assert rf.ResNetSpec(**bare, **short) == rf.ResNetSpec(**bare)
    for schema in SCHEMAS.values():
        assert not any(isinstance(part.get("default"), dict) for part in parts(schema))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    if language_server.command() is None:
        pytest.skip("needs node, and the npm package yaml-language-server on the PATH")
    folder = tmp_path_factory.mktemp("schemas")
    files = {}
    for number, (pattern, schema) in enumerate(SCHEMAS.items()):
        path = folder / f"{number}.json"
        path.write_text(json.dumps(schema), encoding="utf-8")
        files[path] = pattern
    server = LanguageServer(files)
    yield server
    server.close()


NET = """\
resforge: 1
stem: deep_base
stages:
  - {depth: 2, width: 64}
block: {kind: bottleneck, groups: 2}
shortcut: zero_pad
"""
NET += "norm: \nbase: \n"
WRONG = {
    "stages:\n  - {depth: 2}\nblock: bottelneck": 3,
    "stages:\n  - {depth: two, width: 64}": 2,
    "stages:\n  - {depth: 2, wdth: 64}": 2,
    "base: resnet5": 1,
    "base: resnet50\nhead: {num_classes: -1}": 2,
}


def test_keys_and_values_are_explained(server: LanguageServer) -> None:
    server.open("net.resforge.yaml", NET)

    def hover(text: str) -> str:
        line, column = place(NET, text)
        return server.hover("net.resforge.yaml", line, column)

    assert "The layers before the first stage" in hover("stem")
    assert "3x3 convolutions, usually three" in hover("deep_base")
    assert "Number of blocks" in hover("depth")
    assert "Runs of blocks at one width each" in hover("stages")
    assert "1x1, 3x3 and 1x1 convolutions" in hover("bottleneck")
    assert "every stride-th pixel of x" in hover("zero_pad")
    for text in ("stem", "depth", "bottleneck", "zero_pad"):
        assert "Spec" not in hover(text)
        assert "||" not in hover(text)


def test_names_are_completed(server: LanguageServer) -> None:
    server.open("net.resforge.yaml", NET)
    line, column = place(NET, "norm: ")
    norms = server.complete("net.resforge.yaml", line, column + len("norm: "))
    assert "Group normalisation" in norms["group"]
    line, column = place(NET, "base: ")
    names = server.complete("net.resforge.yaml", line, column + len("base: "))
    assert {"resnet50", "cifar_resnet20"} <= names.keys()
    assert names["resnet50"] == "resnet, of torchvision."


@pytest.mark.parametrize("text", WRONG)
def test_faults_are_found_where_they_are(server: LanguageServer, text: str) -> None:
    faults = server.open(f"wrong{abs(hash(text))}.resforge.yaml", f"resforge: 1\n{text}\n")
    assert WRONG[text] in {fault["range"]["start"]["line"] for fault in faults}


def test_what_is_legal_has_no_faults(server: LanguageServer) -> None:
    for number, name in enumerate(("resnet50", "cifar_resnet20", "preact_resnet18")):
        assert server.open(f"net{number}.resforge.yaml", rf.load(name).to_yaml()) == []
    examples = Path(__file__).parents[1] / "examples"
    sweep = (examples / "shortcuts.yaml").read_text(encoding="utf-8")
    assert server.open("a.resforge-sweep.yaml", sweep) == []
    assert server.open("b.resforge-sweep.yaml", sweep.replace("seeds", "sedes", 1)) != []


def place(text: str, word: str) -> tuple[int, int]:
    """Line and column of the first ``word``, both from 0."""
    before = text[: text.index(word)]
    return before.count("\n"), len(before) - (before.rfind("\n") + 1)
