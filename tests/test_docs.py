"""What the documents show is what happens: doctests, examples, the README's commands."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import resforge
from resforge.specs import BLOCKS, HEADS, OPERATIONS, SHORTCUTS, STEMS
from resforge.specs.join import JOINS
from resforge.specs.order import Order

ROOT = Path(__file__).parent.parent
# Their blocks are those of the originals, which tests/test_translations.py compares.
TRANSLATIONS = [ROOT / "README.zh-CN.md", *sorted((ROOT / "docs" / "zh").glob("*.md"))]
DOCUMENTS = [
    ROOT / "README.md",
    *(path for path in sorted((ROOT / "docs").rglob("*.md")) if path not in TRANSLATIONS),
]
#: Packages whose names are those of the top level, or of nobody else.
PLUMBING = {"cli", "reading"}
#: Libraries of `docs/libraries.md`, which the tests' own environment lacks.
OPTIONAL = {"hydra", "lightning", "omegaconf", "segmentation_models_pytorch", "timm", "torchvision"}
#: What the commands of a console block begin with.
PROGRAMS = {"resforge": [sys.executable, "-m", "resforge"], "python": [sys.executable]}
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def modules() -> list[str]:
    """Every module of the package, by its full name."""
    folders = ("ablation", "blocks", "builder", "cli", "configs", "drawing", "export", "generation")
    folders += ("classify", "reading", "specs", "testing", "text", "training", "weights")
    names = ["resforge", "resforge.errors"]
    for folder in folders:
        package = importlib.import_module(f"resforge.{folder}")
        names.append(package.__name__)
        found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        names += [module.name for module in found]
    return names


@pytest.mark.parametrize("name", modules())
def test_doctests(name: str) -> None:
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
def test_examples_in_python(path: Path) -> None:
    if "import optuna" in path.read_text(encoding="utf-8"):
        pytest.importorskip("optuna")
    run([sys.executable, "-W", "error", str(path)], path.parent)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda p: p.name)
def test_examples_in_yaml(path: Path) -> None:
    if "sweep:" in path.read_text():
        assert resforge.ablation.load_sweep(path)
    else:
        resforge.plan(resforge.load(path))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_commands_print_what_the_document_says(document: Path, tmp_path: Path) -> None:
    """In order: a yaml block that starts with `# name.yaml` is written under that name, and so is a
    Python block, which is run; of a console block, each command is run and its output compared."""
    for language, body in FENCE.findall(document.read_text(encoding="utf-8")):
        if language == "yaml" and (named := re.match(r"# (\w+)\.yaml\n", body)):
            (tmp_path / f"{named[1]}.yaml").write_text(body)
            if "sweep:" in body:
                resforge.ablation.load_sweep(tmp_path / f"{named[1]}.yaml")
        elif language == "console":
            for command, wanted in sessions(body):
                assert output_of(command, tmp_path).rstrip() == wanted.rstrip(), command
        elif language == "python" and not _missing(body):
            run([sys.executable, written(body, tmp_path)], tmp_path)


def test_every_command_knows_kinds_that_are_imported_before_it(tmp_path: Path) -> None:
    """The recipe of docs/language.md, in sweeps with several processes and exports too."""
    text = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    for body in (body for language, body in FENCE.findall(text) if language == "python"):
        written(body, tmp_path)
    (tmp_path / "arms.yaml").write_text(
        "sweep: 1\nbase: digits_resnet8\nseeds: 1\nrecipe: {steps: 2, batch_size: 16}\n"
        "arms: {basic: {}, single: {block: single}}\n"
    )
    sweep = ("sweep", "run", "arms.yaml", "--out", "R", "--workers", "2")
    for words in (sweep, ("new", "digits_resnet8", "--set", "block=single")):
        run([sys.executable, "own.py", *words], tmp_path)
    (tmp_path / "net.yaml").write_text("resforge: 1\nbase: digits_resnet8\nblock: single\n")
    code = ("export", "net.yaml", "--code")
    assert "class " in output_of(shlex.join(("python", "own.py", *code)), tmp_path)
    assert "kinds of your own" in output_of(shlex.join(("resforge", *code)), tmp_path)


def test_the_reference_has_every_public_name() -> None:
    pages = [page.read_text() for page in (ROOT / "docs" / "reference").glob("*.md")]
    names = {name for page in pages for name in re.findall(r"^::: resforge\.(\S+)", page, re.M)}
    assert names >= {*resforge.__all__} - {"__version__"}
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    public = {name for name in folders if hasattr(_package(name), "__all__")}
    assert names >= public - PLUMBING


def _package(name: str) -> object:
    return importlib.import_module(f"resforge.{name}")


def test_the_site_lists_every_page() -> None:
    listed = (ROOT / "mkdocs.yml").read_text()
    for page in (ROOT / "docs").rglob("*.md"):
        assert page.relative_to(ROOT / "docs").as_posix() in listed, "add it to nav in mkdocs.yml"


def test_every_picture_is_the_one_its_spec_makes() -> None:
    pictures = dict(runpy.run_path(str(ROOT / "docs" / "draw.py"))["pictures"]())
    for path, svg in pictures.items():
        assert path.read_text(encoding="utf-8") == svg, f"{path.name}: run python docs/draw.py"
    drawn = {path for path in (ROOT / "docs").rglob("*.svg") if path.name != "icon.svg"}
    assert set(pictures) == drawn


def test_the_tables_are_those_of_the_registries() -> None:
    tables = runpy.run_path(str(ROOT / "docs" / "tables.py"))
    for page in tables["PAGES"]:
        text = page.read_text(encoding="utf-8")
        assert tables["written"](text) == text, "run python docs/tables.py"
    text = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    assert all(f"<!-- table: {name} -->" in text for name in tables["tables"]())


def test_the_picture_of_the_folders_has_every_folder() -> None:
    drawn = [folder.name for folder in runpy.run_path(str(ROOT / "docs" / "ladder.py"))["FOLDERS"]]
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert {name.strip("/") for name in drawn if name.endswith("/")} == folders - {"tests"}


def test_the_gallery_lists_every_word_as_it_is() -> None:
    draw = runpy.run_path(str(ROOT / "docs" / "draw.py"))
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert text.partition(draw["MARK"])[2] == draw["words"](), "run python docs/draw.py"


def test_the_gallery_shows_every_word() -> None:
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    bodies = [body for language, body in FENCE.findall(text) if language == "yaml"]
    plans = [resforge.plan(resforge.loads(body)) for body in bodies]
    blocks = [block for plan in plans for stage in plan.stages for block in stage]
    ends = [module for plan in plans for chain in plan.modules for module in chain]
    inside = [module for b in blocks for chain in b.modules[:4] for module in chain]
    assert {plan.spec.stem.kind for plan in plans} == {*STEMS}
    assert {block.spec.kind for block in blocks} == {*BLOCKS}
    assert {block.shortcut.kind for block in blocks} == {*SHORTCUTS}
    assert {block.modules.join.kind for block in blocks} == {*JOINS}
    assert {plan.spec.head.kind for plan in plans if plan.spec.head} == {*HEADS}
    shown = {module.op.kind for module in (*ends, *inside)}
    # In a plan, variance is the factor that it comes to.
    assert shown >= {*OPERATIONS} - {"variance"}
    assert {block.spec.arrangement for block in blocks} == {"", *get_args(Order)}


@pytest.mark.parametrize(
    "document", [*DOCUMENTS, *TRANSLATIONS, ROOT / "CONTRIBUTING.md"], ids=lambda p: p.name
)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def written(body: str, folder: Path) -> str:
    """The name of the file that a Python block is written to: that of its first line."""
    named = re.match(r"# (\w+\.py)\n", body)
    name = named[1] if named else "block.py"
    (folder / name).write_text(body)
    return name


def _missing(body: str) -> bool:
    """Whether a block needs a library that cannot be imported here."""
    for name in set(re.findall(r"^(?:import|from) (\w+)", body, re.MULTILINE)) & OPTIONAL:
        try:
            importlib.import_module(name)
        except Exception:
            return True
    return False


def sessions(body: str) -> list[tuple[str, str]]:
    """Each command after a `$ `, and the text up to the next."""
    parts = re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]


def output_of(command: str, folder: Path) -> str:
    """Standard output and error together, as a reader would see them."""
    program, *words = shlex.split(command)
    done = subprocess.run(
        [*PROGRAMS[program], *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
        check=False,
    )
    return done.stdout


def run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
