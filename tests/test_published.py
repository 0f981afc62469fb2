"""What was found about published networks is of the catalogue as it is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import resforge as rf

ROOT = Path(__file__).parent.parent
FINDINGS = json.loads((ROOT / "docs" / "published.json").read_text(encoding="utf-8"))
WRITE = """
from pathlib import Path
from benchmarks.published.findings import DATA, Findings
from benchmarks.published.page import write_page
write_page(Findings(DATA), Path({page!r}))
"""


def test_what_was_compared_has_not_changed() -> None:
    """An entry that is called exact has the digest of the network that was compared."""
    for name, found in FINDINGS.items():
        if found["status"] in ("exact", "within tolerance"):
            assert rf.load(found["entry"]).digest == found["digest"], name


def test_the_page_shows_the_findings(tmp_path: Path) -> None:
    page = tmp_path / "published.md"
    program = WRITE.format(page=str(page))
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
    wanted = (ROOT / "docs" / "published.md").read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8") == wanted, "run python -m benchmarks.published --page"
