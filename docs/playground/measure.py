"""Measures the built playground in Chromium: `python docs/playground/measure.py [FOLDER]`.

It prints the median, the least and the most of ten warm loads, in seconds: until the first network
is shown, and until Python has answered. It needs the package playwright, and Chromium.
"""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
LOADS = 10
TYPES = {".mjs": "text/javascript", ".wasm": "application/wasm"}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """The built folder, as a host of static pages serves it."""

    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, **TYPES}  # noqa: RUF012

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def load(context: Any, address: str) -> tuple[float, float]:
    """Seconds until a picture is shown, and until Python has answered."""
    page = context.new_page()
    start = time.perf_counter()
    page.goto(address)
    page.locator("#picture[src]").wait_for()
    shown = time.perf_counter() - start
    page.locator("#state[data-idle]").wait_for(state="attached", timeout=180_000)
    answered = time.perf_counter() - start
    page.close()
    return shown, answered


def main(folder: Path) -> None:
    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        context = browser.new_context()
        cold = load(context, address)
        warm = [load(context, address) for _ in range(LOADS)]
        browser.close()
    server.shutdown()
    print(f"cold: shown {cold[0]:.2f} s, answered {cold[1]:.2f} s")
    for name, found in zip(("shown", "answered"), zip(*warm, strict=True), strict=True):
        print(
            f"warm, {name}: {statistics.median(found):.2f} s ({min(found):.2f} to {max(found):.2f})"
        )
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "playground")
