"""The house: what is shipped, who may import whom, and what never wakes torch."""

from __future__ import annotations

import ast
import fnmatch
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import resforge

# The checkout that holds these tests, and the package they run against: the same folder, or a
# wheel installed elsewhere.
CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGE = Path(resforge.__file__).resolve().parent

NOT_SHIPPED = {"tests", "examples", "benchmarks", "docs", "build", "dist"}
GROUND = {"errors", "files", "first_use", "npz", "_version"}
# The folders from the ground up: each may stand on those before it, and on no other.
ORDER = (
    "text",
    "specs",
    "reading",
    "planner",
    "drawing",
    "configs",
    "blocks",
    "builder",
    "weights",
    "export",
    "generation",
    "training",
    "ablation",
    "classify",
    "testing",
    "cli",
)
# Folders that have no business with some of those below them.
APART = {
    "blocks": set(ORDER),
    "specs": {"reading", "planner", "drawing"},
    "configs": {"drawing"},
    "builder": {"configs"},
    "weights": {"configs"},
    "generation": {"blocks", "builder", "weights", "export"},
    "training": {"generation", "export", "drawing", "weights"},
    "ablation": {"export"},
    "classify": {"ablation", "generation"},
    "testing": {"weights", "export", "generation", "training", "ablation", "classify"},
}
LADDER = {
    folder: set(ORDER[:index]) - APART.get(folder, set()) for index, folder in enumerate(ORDER)
}
# These doors lead upwards, for notebooks: values draw themselves where they stand. They
# open when they are used, and close no circle of files.
DOORS = {
    ("specs/network.py", "drawing.html.to_html"),
    ("specs/network.py", "planner.plan.lay_out"),
    ("planner/plan.py", "drawing.diagram.to_svg"),
    ("planner/plan.py", "drawing.html.to_html"),
    ("planner/plan.py", "drawing.text.to_text"),
    ("reading/diff.py", "planner.plan.lay_out"),
    ("reading/diff.py", "drawing.html.diff_to_html"),
    ("ablation/results/records.py", "ablation.reporting.notebook.to_html"),
    ("ablation/comparing/comparison.py", "ablation.reporting.notebook.comparison_to_html"),
}
LIBRARIES_OF_SPECS = {"pydantic", "pydantic_core", "yaml"}


def setuptools_table() -> dict[str, Any]:
    with open(CHECKOUT / "pyproject.toml", "rb") as file:
        table: dict[str, Any] = tomllib.load(file)
    return table["tool"]["setuptools"]


def folder_of(package: str, root: Path = CHECKOUT) -> Path:
    return root.joinpath(*package.split(".")[1:])


def packages_on_disk(folder: Path = CHECKOUT, name: str = "resforge") -> Iterator[str]:
    """Folders that Python takes for packages; a virtual environment in the checkout is none."""
    yield name
    for child in sorted(folder.iterdir()):
        left_out = folder == CHECKOUT and child.name in NOT_SHIPPED
        if (child / "__init__.py").is_file() and not left_out:
            yield from packages_on_disk(child, f"{name}.{child.name}")


def imports(path: Path) -> Iterator[str]:
    """Every name a file imports, in full: ``resforge.planner.plan.plan``, ``torch.nn``.

    Imports inside functions and under ``TYPE_CHECKING`` count too.
    """
    here = ("resforge", *path.parent.relative_to(PACKAGE).parts) if PACKAGE in path.parents else ()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = here[: len(here) - node.level + 1] if node.level else ()
            module = ".".join((*up, *([node.module] if node.module else [])))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def sources(folder: str) -> list[Path]:
    return sorted((PACKAGE / folder).rglob("*.py"))


def described(path: Path, name: str) -> str:
    return f"{path.relative_to(PACKAGE)} imports {name}"


def test_imports_are_read_in_full() -> None:
    found = set(imports(PACKAGE / "specs" / "catalogue" / "__init__.py"))
    assert {"fnmatch.fnmatchcase", "resforge.errors.Fault"} <= found
    assert "resforge._version.__version__" in set(imports(PACKAGE / "cli" / "app.py"))


def test_packages_listed_are_the_folders_on_disk() -> None:
    assert sorted(setuptools_table()["packages"]) == sorted(packages_on_disk())


def test_every_pattern_of_package_data_matches_a_file() -> None:
    for package, patterns in setuptools_table()["package-data"].items():
        for pattern in patterns:
            assert list(folder_of(package).glob(pattern)), f"{package}: nothing matches {pattern}"


def test_every_file_beside_the_code_is_shipped() -> None:
    table = setuptools_table()
    left_out = [
        f"{package}: {file.name}"
        for package in table["packages"]
        if package != "resforge"  # the root holds the project's own files as well
        for file in folder_of(package).iterdir()
        if file.is_file() and file.suffix not in (".py", ".pyc") and not file.name.startswith(".")
        if not any(
            fnmatch.fnmatch(file.name, pattern)
            for pattern in table["package-data"].get(package, [])
        )
    ]
    assert not left_out


def test_the_package_under_test_holds_every_shipped_file() -> None:
    table = setuptools_table()
    wanted = {package: ["*.py"] for package in table["packages"]}
    for package, patterns in table["package-data"].items():
        wanted[package] = [*wanted[package], *patterns]
    missing = [
        str(file.relative_to(CHECKOUT))
        for package, patterns in wanted.items()
        for pattern in patterns
        for file in folder_of(package).glob(pattern)
        if file != CHECKOUT / "setup.py" and not (folder_of(package, PACKAGE) / file.name).is_file()
    ]
    assert not missing


def test_the_version_stands_in_one_voice() -> None:
    with open(CHECKOUT / "pyproject.toml", "rb") as file:
        assert tomllib.load(file)["project"]["version"] == resforge.__version__


def test_every_folder_has_its_rung() -> None:
    folders = {package.split(".")[1] for package in packages_on_disk() if "." in package}
    assert folders == set(ORDER)


def own_imports(path: Path) -> Iterator[str]:
    """What a file imports of the package, without its name: ``specs.trace.Layer``."""
    file = path.relative_to(PACKAGE).as_posix()
    for name in imports(path):
        own = name.removeprefix("resforge.")
        if own != name and (file, own) not in DOORS:
            yield own
        elif name == "resforge":
            yield "the front door"


@pytest.mark.parametrize("folder", LADDER)
def test_ladder(folder: str) -> None:
    allowed = LADDER[folder] | {folder} | GROUND
    broken = [
        described(path, name)
        for path in sources(folder)
        for name in own_imports(path)
        # The front door would be a way around the ladder.
        if name.split(".")[0] not in allowed
    ]
    assert not broken


def test_the_ground_stands_on_nothing() -> None:
    broken = [
        described(PACKAGE / f"{name}.py", imported)
        for name in GROUND
        for imported in own_imports(PACKAGE / f"{name}.py")
        if imported.split(".")[0] not in GROUND
    ]
    assert not broken


def test_the_doors_are_where_they_are_said_to_be() -> None:
    found = {
        (path.relative_to(PACKAGE).as_posix(), name.removeprefix("resforge."))
        for path in sorted(PACKAGE / file for file, _ in DOORS)
        for name in imports(path)
    }
    assert found >= DOORS


def test_no_import_leads_in_a_circle() -> None:
    """Not even one that only type checkers see, or that is made inside of a function."""
    files = {path.relative_to(PACKAGE).with_suffix("").as_posix(): path for path in shipped()}
    modules = {
        name.removesuffix("/__init__").replace("/", "."): path for name, path in files.items()
    }
    graph = {
        module: {target for name in own_imports(path) if (target := module_of(name, modules))}
        - {module}
        for module, path in modules.items()
    }
    assert [circle for circle in circles(graph) if len(circle) > 1] == []


def test_circles_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}
    assert sorted(circles(graph)) == [["a", "b", "c"], ["d"]]


def shipped() -> list[Path]:
    """Every Python file of the package."""
    ground = [PACKAGE / f"{name}.py" for name in GROUND]
    return [*ground, *(file for folder in ORDER for file in sources(folder))]


def module_of(name: str, modules: dict[str, Path]) -> str | None:
    """The module that an imported name comes from."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        if ".".join(parts[:end]) in modules:
            return ".".join(parts[:end])
    return None


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected components of ``graph`` (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            found.append(sorted(stack[at:]))
            del stack[at:]

    for node in graph:
        if node not in index:
            visit(node)
    return found


def test_specs_stand_on_pydantic_and_yaml_alone() -> None:
    known = LIBRARIES_OF_SPECS | {"resforge"} | sys.stdlib_module_names
    broken = [
        described(path, name)
        for path in sources("specs")
        for name in imports(path)
        if name.split(".")[0] not in known
    ]
    assert not broken


def test_the_command_line_never_imports_torch_itself() -> None:
    broken = [
        described(path, name)
        for path in sources("cli")
        for name in imports(path)
        if name.split(".")[0] in ("torch", "numpy")
    ]
    assert not broken


def test_inside_the_package_imports_are_relative() -> None:
    broken = []
    for path in [*PACKAGE.glob("*.py"), *(file for folder in LADDER for file in sources(folder))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            absolute = isinstance(node, ast.ImportFrom) and not node.level
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if absolute and isinstance(node, ast.ImportFrom) else []
            broken += [described(path, name) for name in names if name.split(".")[0] == "resforge"]
    assert not broken


def test_no_folder_is_imported_under_its_bare_name() -> None:
    outside = [CHECKOUT / folder for folder in ("tests", "examples", "benchmarks")]
    files = [*PACKAGE.glob("*.py"), *(file for folder in LADDER for file in sources(folder))]
    files += [file for folder in outside for file in folder.rglob("*.py")]
    broken = [
        f"{path.name} imports {name}"
        for path in files
        for name in imports(path)
        if name.split(".")[0] in LADDER
    ]
    assert not broken


def test_the_front_door_and_specs_leave_torch_asleep() -> None:
    code = (
        "import sys, resforge\n"
        "print('torch' in sys.modules)\n"
        "import resforge.specs\n"
        "resforge.plan(resforge.load('resnet50'))\n"
        "import resforge.generation\n"
        "resforge.from_config({'model_type': 'resnet'})\n"
        "resforge.to_code('resnet50')\n"
        "resforge.plan('resnet50').to_svg()\n"
        "import resforge.cli\n"
        "resforge.cli.run(['export', 'resnet18', '--code'])\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    first, *code, last = done.stdout.splitlines()
    assert [first, last] == ["False", "False"]
    assert "class ResNet(nn.Module):" in code


def test_the_front_door_keeps_its_promises() -> None:
    for name in resforge.__all__:
        assert getattr(resforge, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = resforge.nothing


def test_the_names_of_export_are_written_out_for_the_reference() -> None:
    from resforge import export

    assert export.__all__ == sorted(export._HOME)
    assert all(getattr(export, name) is not None for name in export.__all__)
