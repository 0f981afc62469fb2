"""The picture of the folders that docs/architecture.md shows; docs/draw.py writes it."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

from resforge.drawing.svg import Pen

ROW, GAP, HEIGHT = 66, 12, 54
LEFT, COLUMN, SPACE = 176, 220, 14
WIDTH: Final = LEFT + 3 * COLUMN + 2 * SPACE + 20
ROWS: Final = 9


class Folder(NamedTuple):
    """A box of the picture: a folder, and where it stands."""

    name: str
    words: str
    row: int
    """From the ground, which is 0."""
    column: int
    columns: int = 1
    rows: int = 1
    torch: bool = False


FOLDERS: Final = (
    Folder(
        "errors.py  files.py  first_use.py  npz.py  _version.py",
        "faults with path, place and remedy",
        0,
        0,
        3,
    ),
    Folder("text/", "YAML and JSON, with the place of every value", 1, 0, 2),
    Folder("specs/", "operations, words, network, rules, digest", 2, 0, 2),
    Folder("reading/", "a file or a name to a spec, faults explained", 3, 0, 2),
    Folder("planner/", "every layer in plain numbers", 4, 0, 2),
    Folder("blocks/", "nn.Modules, plain arguments", 1, 2, 1, 4, True),
    Folder("drawing/", "table, picture", 5, 0),
    Folder("generation/", "design spaces", 5, 1),
    Folder("builder/", "calls to modules; register", 5, 2, torch=True),
    Folder("configs/", "other projects' definitions", 6, 0),
    Folder("training/", "recipes, loop, data", 6, 1, torch=True),
    Folder("weights/", "files of weights, names", 6, 2, torch=True),
    Folder("ablation/", "sweeps and verdicts", 7, 0, torch=True),
    Folder("classify/", "classifiers of pictures", 7, 1, torch=True),
    Folder("export/", "programs; code, without torch", 7, 2, torch=True),
    Folder("testing/", "hypothesis strategies", 8, 0),
    Folder("cli/", "resforge COMMAND", 8, 1, 2),
)
#: What the folders of a row hand to the next.
VALUES: Final = ((1, "document"), (2, "ResNetSpec"), (4, "Plan"), (5, "nn.Module"))


def svg() -> str:
    """The picture as SVG."""
    pen = Pen("ladder")
    for folder in FOLDERS:
        _draw(pen, folder)
    _way(pen)
    height = 20 + ROWS * ROW + 34
    _key(pen, height - 24)
    return pen.svg(WIDTH, height, "The folders of resforge", "A folder imports from rows below it.")


def _top(row: int, rows: int = 1) -> int:
    return 20 + (ROWS - row - rows) * ROW


def _draw(pen: Pen, folder: Folder) -> None:
    x, y = LEFT + folder.column * (COLUMN + SPACE), _top(folder.row, folder.rows)
    width = folder.columns * COLUMN + (folder.columns - 1) * SPACE
    height = folder.rows * ROW - GAP
    role = "orange" if folder.torch else "blue"
    pen.rect(x, y, width, height, role, fill_opacity=0.08, rx=8)
    pen.rect(x, y, width, height, None, role, stroke_width=1.4, rx=8)
    if folder.torch:
        pen.path(f"M {x + 5} {y + 8} V {y + height - 8}", None, role, stroke_width=3)
    middle = y + height / 2
    pen.text(x + 16, middle - 4, folder.name, 15, font_weight="600")
    pen.text(x + 16, middle + 15, folder.words, 12, "muted")


def _way(pen: Pen) -> None:
    """The values that one spec passes through, from the ground up."""
    x = 76
    bottom = _top(0) + HEIGHT / 2
    places = [(bottom, "YAML or JSON")]
    places += [(_top(row) + HEIGHT / 2, value) for row, value in VALUES]
    for (below, _), (above, _) in pairwise(places):
        pen.path(f"M {x} {below - 14} V {above + 18}", None, "wire", stroke_width=1.4)
        tip = above + 15
        pen.path(f"M {x - 4} {tip + 6} L {x} {tip} L {x + 4} {tip + 6}", None, "wire")
    for y, value in places:
        pen.text(x, y + 4, value, 13, text_anchor="middle", font_style="italic")


def _key(pen: Pen, y: float) -> None:
    pen.rect(LEFT, y - 11, 26, 14, "orange", fill_opacity=0.08, rx=3)
    pen.rect(LEFT, y - 11, 26, 14, None, "orange", stroke_width=1.4, rx=3)
    pen.path(f"M {LEFT + 4} {y - 8} V {y}", None, "orange", stroke_width=3)
    pen.text(LEFT + 34, y, "imports torch itself; the others do not", 12, "muted")
