"""The networks of a folder as programs, with inputs and expected outputs beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import CycloptsError

from ..errors import ResforgeError, StoreError, printable
from ..reading.load import load
from .exits import Exit
from .output import complain, followed, say

if TYPE_CHECKING:
    from ..export.cases import Form


def check_export(form: Form, out: Path | None, format: str | None) -> None:
    """Refuse what cannot be exported, before any work is done."""
    if out is None or format not in (None, "yaml"):
        raise CycloptsError(msg="--export is for --out with a file per network only.")
    from ..export import require_form

    require_form(form)


def export_folder(folder: Path, form: Form, side: int) -> Exit:
    """Export the networks of a folder that are not exported yet, for pictures of ``side``.

    A network that cannot be exported is reported, and does not keep the others back.
    """
    from ..export import export_case, has_case

    files = sorted(folder.glob("*.yaml"))
    left = [file for file in files if not has_case(file.with_suffix(""), form)]
    failed = 0
    for file in followed(left, len(left), "programs"):
        try:
            export_case(load(file), file.with_suffix(""), form, input_size=side)
        except StoreError:
            raise
        except ResforgeError as error:
            failed += 1
            complain(f"not exported: {printable(file.name)}: {printable(str(error))}")
    say(f"{len(files) - failed:,} of {len(files):,} networks exported")
    return Exit.DIFFERENT if failed else Exit.OK
