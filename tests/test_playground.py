"""What the playground's page asks of resforge: answers, faults with places, never a traceback."""

from __future__ import annotations

import ast
import base64
import json
import re
import runpy
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bad_specs
import pytest
import resforge as rf
from hypothesis import example, given
from hypothesis import strategies as st
from resforge.cli import run
from resforge.generation import NetworkFolder, list_spaces, load_space
from resforge.specs import catalogue
from resforge.text.reader import read

ENGINE = Path(__file__).resolve().parents[1] / "docs" / "playground" / "engine.py"
ASK = runpy.run_path(str(ENGINE))["ask"]
#: What the package needs and a browser has not.
ABSENT = ("torch", "numpy", "rich", "cyclopts", "scipy", "matplotlib", "jinja2", "safetensors")
ALLOWED = (
    *("resforge", "pydantic", "pydantic_core", "annotated_types", "typing_extensions"),
    *("typing_inspection", "yaml"),
)
WRONG = [
    row[0]
    for name in ("FILES", "YAML_TRAPS", "TYPES_AND_RANGES", "SHAPES", "BRANCHES", "BOMBS", "WORDS")
    for row in getattr(bad_specs, name)
]


def answer(question: str, /, **arguments: Any) -> Any:
    return json.loads(ASK(question, json.dumps(arguments)))


def ok(question: str, /, **arguments: Any) -> Any:
    return answer(question, **arguments)["ok"]


def yaml(text: str) -> Any:
    return read(text).tree


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("resforge: 1\nbase: resnet19\n", "Catalogue shows every name"),
        ("resforge: 1\nbase: resnet18\nimage_size: 32\n", "Input size is above the picture"),
        (
            "resforge: 1\nbase: resnet18\nblock: {branch: [xyz]}\n",
            "the documentation of the language",
        ),
        ("", "open a network of Catalogue"),
    ],
)
def test_a_remedy_is_what_the_page_has(text: str, said: str) -> None:
    remedies = [fault["remedy"] for fault in answer("look", text=text)["ok"]["faults"]]
    assert said in remedies[0]
    assert "`resforge" not in remedies[0]


@pytest.mark.parametrize("text", WRONG)
def test_every_wrong_text_has_faults_and_places(text: str) -> None:
    found = ok("look", text=text)
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    assert found["faults"]
    for fault in found["faults"]:
        assert fault["message"]
        assert fault["from_line"] >= 1
        assert 0 <= fault["from"] <= fault["to"] <= units


def test_a_fault_of_the_size_has_its_place() -> None:
    text = "resforge: 1\nbase: cifar_resnet20\nstem: {stride: 2}\n"
    (fault,) = ok("look", text=text, size=2)["faults"]
    assert (fault["code"], fault["from_line"]) == ("input", 1)
    assert "2x2 is too small" in fault["message"]
    assert ok("look", text=text, size=[32, 48])["totals"]["input"] == "3x32x48"


#: Files of the page, and the commands that write the same.
FILES: dict[str, tuple[Callable[[], str], list[str]]] = {
    "code": (lambda: ok("code", text=TEXT)["code"], ["export", "net.yaml", "--code"]),
    "picture": (lambda: ok("picture", text=TEXT)["svg"], ["show", "net.yaml", "--svg", "-"]),
    "small picture": (
        lambda: ok("picture", text=TEXT, size=64)["svg"],
        ["show", "net.yaml", "--svg", "-", "--input", "64"],
    ),
    "chain": (lambda: ok("chain", text=TEXT, path="")["whole"], ["show", "net.yaml", "--expand"]),
}
TEXT = "resforge: 1\nname: mine\nbase: resnet18\nshortcut: {change: zero_pad}\n"


@pytest.mark.parametrize("name", FILES)
def test_files_are_those_of_the_command_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(TEXT)
    made, command = FILES[name]
    assert run(command) == 0
    assert made() == capsys.readouterr().out


def test_the_table_has_the_columns_of_the_command_line() -> None:
    found = ok("look", text=TEXT)
    shown = str(rf.plan(rf.loads(TEXT)))
    for cells in (found["header"], *found["rows"]):
        line = " +".join(re.escape(cell) for cell in cells if cell)
        assert re.search(f"^{line}$", shown, re.MULTILINE), cells
    layers = ok("look", text=TEXT, all=True)["rows"]
    assert len(layers) == len(rf.plan(rf.loads(TEXT)).layers)


def test_a_network_is_drawn_as_generate_writes_it(tmp_path: Path) -> None:
    space = load_space("cifar_resnets")
    drawn = [*NetworkFolder(tmp_path, space, seed=5).fill(2)]
    texts = [file.read_text() for file in sorted(tmp_path.glob("*.yaml"))]
    found = [ok("draw", space="cifar_resnets", seed=5, number=each.number) for each in drawn]
    assert [each["text"] for each in found] == texts
    assert [each["params"] for each in found] == [each.params for each in drawn]
    assert {each["name"] for each in ok("spaces")} == {*list_spaces()}
    assert "no space" in answer("draw", space="../x.yaml")["error"]["message"]


def test_a_word_is_shown_as_its_chain() -> None:
    found = ok("chain", text=TEXT, path="shortcut.change")["words"]
    assert found == [
        {
            "places": ["layer2.0", "layer3.0", "layer4.0"],
            "word": "shortcut: zero_pad\n",
            "chain": "shortcut: {path: [{zero_pad: end, stride: block}]}\n",
        }
    ]
    (stem,) = ok("chain", text=TEXT, path="stem.kind")["words"]
    assert rf.load("resnet18").replace(yaml(stem["chain"])).digest == rf.load("resnet18").digest
    (block,) = ok("chain", text=TEXT, path="stages[1]")["words"]
    assert block["places"] == ["layer2.0", "layer2.1"]


def test_the_difference_from_a_network_of_the_catalogue() -> None:
    found = ok("difference", text=TEXT, name="resnet18")
    assert [row["path"] for row in found["rows"]] == ["shortcut.change"]
    assert found["costs"][0].startswith("params: 11,689,512 -> 11,515,688 (-173,824")
    assert ok("difference", text="resforge: 1\nbase: resnet18\n", name="resnet18")["same"]
    assert "did you mean" in answer("difference", text=TEXT, name="resnet19")["error"]["remedy"]
    assert "error" in answer("difference", text=TEXT, name="/dev/stdin")


def test_the_catalogue_is_searched_and_opened() -> None:
    (family,) = ok("catalogue", search="plain18")
    assert family["family"] == "resnet"
    assert family["entries"] == [
        {
            **{"name": "plain18", "source": "paper", "params": "11.5 M", "macs": "1.79 G"},
            "input": "3x224x224",
        }
    ]
    assert ok("entry", name="plain18")["text"] == catalogue.text("plain18")
    assert ok("schema") == rf.ResNetSpec.model_json_schema()


CATALOGUE = [catalogue.text(name) for name in rf.list_specs()]
#: Words of the language and numbers at the ends of ranges, to stand where a word stood.
WORDS = sorted({word for text in CATALOGUE for word in re.findall(r"[\w./]+", text)})
PIECES = st.sampled_from(
    [
        *WORDS,
        "0",
        "-1",
        "65536",
        "65537",
        "1e9",
        "9" * 30,
        "[]",
        "{}",
        "null",
        "'",
        "&a",
        "*a",
        "\0",
    ]
)


@given(st.sampled_from(CATALOGUE), st.lists(st.tuples(st.integers(0, 999), PIECES), max_size=4))
@example("resforge: 1\nbase: resnet18\nstages: [{depth: 9, width: 64, stride: 1e9}]", [])
def test_any_text_ends_in_a_network_or_in_faults(text: str, changes: list[Any]) -> None:
    parts = re.split(r"([\w./]+)", text)
    words = range(1, len(parts), 2)
    for place, piece in changes:
        parts[words[place % len(words)]] = piece
    changed = "".join(parts)
    found = ok("look", text=changed)
    for path in ("block", "stages[0].shortcut"):
        assert found["faults"] or ok("chain", text=changed, path=path)
    for question in ("picture", "code"):
        # Both of these also are for networks without a size that they can take.
        given = answer(question, text=changed)
        assert "ok" in given or "report it" not in given["error"].get("remedy", ""), given
    if not found["faults"]:
        assert ET.fromstring(found["svg"]).tag.endswith("svg")
        assert ok("difference", text=changed, name="resnet18")["costs"]


SCRIPT = "</title><script>alert(1)</script><svg onload=alert(1)>\"'&amp;]]>"


@pytest.mark.parametrize(
    "name", [SCRIPT, "a\x07b\u202ec", "\ud800"], ids=["script", "control", "surrogate"]
)
def test_a_name_is_only_text_in_the_picture(name: str) -> None:
    text = f"resforge: 1\nbase: digits_resnet8\nname: {json.dumps(name)}\n"
    found = ok("look", text=text)
    if found["faults"]:
        assert found["faults"][0]["path"] == "name"
        return
    picture = ET.fromstring(found["svg"])
    tags = {each.tag.rpartition("}")[2] for each in picture.iter()}
    assert "script" not in tags
    assert not [key for each in picture.iter() for key in each.attrib if key.startswith("on")]
    assert found["name"].isprintable()
    ast.parse(ok("code", text=text)["code"])


def test_what_is_too_large_is_refused_at_once() -> None:
    blocks = ", ".join(f"{{width: {1 + number % 97}}}" for number in range(1_999))
    branch = f"block: {{branch: [{'norm, ' * 200}]}}"
    one = "resforge: 1\n"
    texts = {
        one + "# " + "x" * 65_536: "65,550 characters are too many",
        one + "stages: [{depth: 10000, width: 8}]": "10,000 blocks are too many",
        one + f"stages: [{{width: 8, blocks: [{blocks}]}}]\n{branch}": "operations are too many",
        one + "stages: [{depth: 1000000000, width: 8}]": "blocks are too many",
        one + f"stages: [{{depth: 2, width: {'9' * 5000}}}]": "a number of 5,000 characters",
    }
    for text, message in texts.items():
        (fault,) = ok("look", text=text)["faults"]
        assert message in fault["message"]
        assert message in answer("code", text=text)["error"]["message"]
    many = ok("look", text=one + "".join(f"k{number}: 1\n" for number in range(500)))
    assert (len(many["faults"]), many["left_out"]) == (100, 401)
    rows = ok("look", text=one + "stages: [{depth: 1500, width: 8}]", all=True)
    assert (len(rows["rows"]), rows["rows_left_out"] > 1000) == (2_000, True)


@pytest.mark.parametrize(
    "arguments", ["", "3", "[]", "{}", '{"text": 3}', '{"text": null, "more": 1}', "[" * 100_000]
)
@pytest.mark.parametrize("name", ["look", "code", "chain", "draw", "nothing"])
def test_wrong_questions_are_answered(name: str, arguments: str) -> None:
    found = json.loads(ASK(name, arguments))
    assert found.keys() == {"error"}
    assert found["error"]["message"]


def test_the_answers_need_neither_torch_nor_a_terminal() -> None:
    questions = {
        "look": {"text": TEXT, "size": 64, "all": True},
        **{name: {"text": TEXT} for name in ("picture", "code")},
        "chain": {"text": TEXT, "path": "block"},
        "difference": {"text": TEXT, "name": "resnet34"},
        "schema": {},
        "catalogue": {"search": "resnet18"},
        "entry": {"name": "resnet18"},
        "spaces": {},
        "draw": {"space": "regnet_x"},
    }
    code = (
        f"import sys, json, runpy\n"
        f"before = {{*sys.modules}}\n"
        f"sys.modules.update(dict.fromkeys({ABSENT!r}))\n"
        f"ask = runpy.run_path({str(ENGINE)!r})['ask']\n"
        f"for name, given in {questions!r}.items():\n"
        "    print(ask(name, json.dumps(given)))\n"
        "roots = {name.partition('.')[0] for name in {*sys.modules} - before}\n"
        f"print(json.dumps([*roots - sys.stdlib_module_names - {{*{ABSENT!r}}}]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    *answers, roots = map(json.loads, done.stdout.splitlines())
    assert len(answers) == len(questions)
    assert [each.keys() for each in answers] == [{"ok"}] * len(answers), answers
    # PyYAML's C parser brings names of Cython where it is installed.
    assert {root for root in roots if not root.startswith(("_", "cython"))} <= {*ALLOWED}


def test_examples_of_the_documentation_open_in_the_playground() -> None:
    links = runpy.run_path(str(ENGINE.parents[1] / "links.py"))
    page = (ENGINE.parents[1] / "language.md").read_text(encoding="utf-8")
    linked = links["with_links"](page, "language.md")
    found = re.findall(r"\(playground/app/index.html#spec=(.+)\)", linked)
    assert len(found) >= 10
    for packed in found:
        data = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        text = zlib.decompress(data, wbits=-zlib.MAX_WBITS).decode()
        assert text in page
        assert ok("look", text=text)
