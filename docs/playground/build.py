"""Builds the playground: `python docs/playground/build.py [FOLDER]`, by default `build/playground`.

It needs pip, npm and a network; what the page loads later lies in the folder. npm brings the editor
and Pyodide (package-lock.json), pip what resforge imports (requirements.txt), each pinned by hash.
Pyodide then runs once under node, where it compiles Python's files and answers what the page shows
before its own Pyodide is ready.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
#: The folders of the package that answers need: none of them imports torch.
FOLDERS = ("text", "specs", "reading", "planner", "drawing", "blocks", "export", "generation")
WHEELS = (
    *("--python-version=3.14", "--implementation=cp", "--abi=cp314", "--only-binary=:all:"),
    *("--platform=pyemscripten_2026_0_wasm32", "--platform=manylinux_2_28_x86_64"),
    *("--platform=manylinux2014_x86_64", "--no-deps", "--require-hashes", "--quiet"),
)
#: Parts of pydantic that nothing here imports.
UNUSED = ("pydantic/v1/", "pydantic/mypy.py")
PYODIDE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
PAGE = ("index.html", "style.css", "icon.svg")


def main(out: Path) -> None:
    """Build into ``out``, which is replaced."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        shutil.copytree(HERE, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_mod*"))
        made = work / "made"
        _run("npm", "ci", "--silent", "--no-audit", "--no-fund", folder=work)
        _collect_page(work, made)
        _collect_python(work)
        _run("node", "bake.mjs", str(made), folder=work)
        _write_service_worker(work, made)
        shutil.rmtree(out, ignore_errors=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(made, out)
    print("\n".join(sizes(out)))


def sizes(folder: Path) -> Iterator[str]:
    """A line for each file and one for all: bytes on disk, and bytes when compressed by gzip."""
    total = [0, 0]
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        raw = path.read_bytes()
        found = (len(raw), len(gzip.compress(raw, 6)))
        total = [total[0] + found[0], total[1] + found[1]]
        yield f"{found[0]:>12,} {found[1]:>12,}  {path.relative_to(folder).as_posix()}"
    yield f"{total[0]:>12,} {total[1]:>12,}  all: bytes, and bytes by gzip"


def _run(*command: str, folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True)


def _collect_page(work: Path, made: Path) -> None:
    """The page, its scripts, and Pyodide's own files."""
    (made / "pyodide").mkdir(parents=True)
    for name in PAGE:
        shutil.copy(work / name, made)
    for name in PYODIDE:
        shutil.copy(work / "node_modules" / "pyodide" / name, made / "pyodide")
    lock = json.loads((work / "node_modules" / "pyodide" / "pyodide-lock.json").read_text())
    (made / "pyodide" / "pyodide-lock.json").write_text(json.dumps({**lock, "packages": {}}))
    esbuild = str(work / "node_modules" / ".bin" / "esbuild")
    options = ("--bundle", "--minify", "--format=esm", "--target=es2022", "--legal-comments=eof")
    sources = ("src/main.js", "src/worker.js")
    _run(esbuild, *sources, *options, "--external:./pyodide/*", f"--outdir={made}", folder=work)
    (made / "licences.txt").write_text("\n".join(_licences(work / "node_modules")))


def _licences(folder: Path) -> Iterator[str]:
    """The licences of what npm brought into the page; those of wheels lie in `python.zip`."""
    yield "== pyodide\n\nMozilla Public License 2.0; its source: https://github.com/pyodide/pyodide\n"
    for path in sorted(folder.glob("**/LICENSE*")):
        yield f"== {path.parent.relative_to(folder)}\n\n{path.read_text(encoding='utf-8')}"


def _collect_python(work: Path) -> None:
    """The folder ``python``: resforge without what needs torch, what it imports, the engine."""
    python, wheels = work / "python", work / "wheels"
    pip = (sys.executable, "-m", "pip", "download")
    _run(*pip, *WHEELS, "--requirement=requirements.txt", f"--dest={wheels}", folder=work)
    for wheel in sorted(wheels.iterdir()):
        with zipfile.ZipFile(wheel) as archive:
            compiled = ".so" if wheel.name.startswith("pydantic_core") else ".py"
            wanted = (".py", compiled, "LICENSE", "LICENSE.txt", "LICENSE.md")
            names = [name for name in archive.namelist() if name.endswith(wanted)]
            archive.extractall(python, [name for name in names if not name.startswith(UNUSED)])
    package = python / "resforge"
    package.mkdir()
    for path in (*ROOT.glob("*.py"), ROOT / "LICENSE"):
        shutil.copy(path, package)
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, package / folder, ignore=shutil.ignore_patterns("__pyc*"))
    shutil.copy(HERE / "engine.py", python / "engine.py")


def _write_service_worker(work: Path, made: Path) -> None:
    """The service worker, which keeps the files of this build and no other."""
    files = sorted(path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for name in files:
        digest.update(name.encode() + (made / name).read_bytes())
    text = (work / "src" / "service.js").read_text(encoding="utf-8")
    text = text.replace("BUILD", digest.hexdigest()[:16]).replace("FILES", json.dumps(files))
    (made / "service.js").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "playground")
