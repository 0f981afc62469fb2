"""The playground in a real browser: typed in, drawn, taken home, and attacked.

`python docs/playground/build.py` builds it; ``RESFORGE_PLAYGROUND`` names the folder where it lies
elsewhere, ``CHROMIUM`` the browser. The tests need the Python package playwright, too, and that of
accessibility the file of axe-core from npm that ``AXE_CORE`` names.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import itertools
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import resforge as rf

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = Path(os.environ.get("RESFORGE_PLAYGROUND") or ROOT / "build" / "playground")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
if not (BUNDLE / "index.html").is_file():
    pytest.skip(
        "needs the playground that docs/playground/build.py builds", allow_module_level=True
    )
if not CHROMIUM:
    pytest.skip("needs chromium", allow_module_level=True)
api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
#: How long a busy machine may take to load Python, in milliseconds.
PATIENCE = 180_000
SMALL = """resforge: 1
name: small
stages:
  - {depth: 2, width: 16}
  - {depth: 1, width: 32, stride: 2}
"""


class Files(http.server.SimpleHTTPRequestHandler):
    """The built folder, as a host of static pages serves it."""

    extensions_map = {  # noqa: RUF012
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The address of a server of the built folder."""
    handler = functools.partial(Files, directory=str(BUNDLE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Playground:
    """A page that is open, with what went wrong on it and what it fetched."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.page = browser.new_context(**options).new_page()
        self.errors: list[str] = []
        self.fetched: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: self.errors.append(dialog.message))
        self.page.on("console", lambda said: said.type == "error" and self.errors.append(said.text))
        self.page.on("request", lambda request: self.fetched.append(request.url))
        self.page.goto(address)
        self.settled()

    def settled(self) -> None:
        """Wait until Python is there and has answered."""
        expect(self.page.locator("#state[data-idle]")).to_be_attached(timeout=PATIENCE)

    def write(self, text: str) -> None:
        """Put ``text`` in the place of what is in the editor, as by pasting."""
        self.page.locator(".cm-content").focus()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)
        self.settled()

    def text(self) -> str:
        return "\n".join(self.page.locator(".cm-line").all_text_contents())

    def download(self, name: str) -> tuple[str, bytes]:
        """The name and the bytes of what a button of the menu downloads."""
        self.page.get_by_role("button", name="Download").click()
        with self.page.expect_download() as found:
            self.page.get_by_role("button", name=name).click()
        return found.value.suggested_filename, found.value.path().read_bytes()


@pytest.fixture(scope="module")
def opened(browser: Any, site: str) -> Playground:
    return Playground(browser, site)


@pytest.fixture
def playground(opened: Playground) -> Iterator[Playground]:
    yield opened
    assert opened.errors == []


def expect(locator: Any) -> Any:
    """Expectations with patience: two cores may be shared by many tests."""
    api.expect.set_options(timeout=30_000)
    return api.expect(locator)


link = runpy.run_path(str(ROOT / "docs" / "links.py"))["fragment"]


def test_the_first_sight_needs_no_python(browser: Any, site: str) -> None:
    page = browser.new_context().new_page()
    page.route("**/*.wasm", lambda route: route.abort())
    page.goto(site)
    expect(page.locator("#picture")).to_have_attribute("alt", re.compile("^my_resnet"))
    expect(page.locator("#totals")).to_contain_text("26,183,290")
    expect(page.get_by_role("alert")).to_contain_text("Reload the page", timeout=PATIENCE)


def test_a_page_that_waits_for_python_says_so(browser: Any, site: str) -> None:
    page = browser.new_context().new_page()
    held: list[Any] = []
    page.route("**/*.wasm", lambda route: held.append(route))
    page.clock.install()
    page.goto(site)
    expect(page.locator("#picture")).to_have_attribute("alt", re.compile("^my_resnet"))
    page.clock.run_for(61_000)
    expect(page.get_by_role("alert")).to_contain_text("within a minute")
    page.wait_for_timeout(100)
    page.clock.resume()
    for route in held:
        route.continue_()
    expect(page.get_by_role("alert")).to_be_hidden(timeout=PATIENCE)
    expect(page.locator("#state")).to_be_empty(timeout=PATIENCE)


def test_typing_changes_picture_and_numbers(playground: Playground) -> None:
    playground.write(SMALL)
    plan = rf.plan(rf.loads(SMALL))
    expect(playground.page.locator("#totals")).to_contain_text(f"{plan.params:,}")
    expect(playground.page.locator("#totals button")).to_have_attribute("title", plan.spec.digest)
    picture = playground.page.locator("#picture")
    expect(picture).to_have_attribute("alt", re.compile("^small. A residual network of"))
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 200


def test_a_fault_stands_at_its_place_with_its_fix(playground: Playground) -> None:
    page = playground.page
    playground.write(SMALL + "shortcut: projektion\n")
    expect(page.locator("#verdict")).to_have_text("1 fault")
    expect(page.locator(".cm-lintRange-error")).to_have_text("projektion")
    fault = page.locator("#faults button")
    expect(fault).to_contain_text("line 6")
    expect(fault).to_contain_text("did you mean 'projection'?")
    fault.click()
    page.keyboard.insert_text("projection")
    expect(page.locator("#verdict")).to_have_text("No faults")
    expect(page.locator(".cm-lintRange-error")).to_have_count(0)


def test_the_input_size_counts(playground: Playground) -> None:
    playground.write(SMALL)
    size = playground.page.get_by_label("Input size")
    size.fill("64x48")
    size.press("Enter")
    macs = rf.plan(rf.loads(SMALL), input_size=(64, 48)).macs
    expect(playground.page.locator("#totals")).to_contain_text(f"{macs:,}")
    size.fill("")
    size.press("Enter")


def test_keys_and_values_are_completed_and_described(playground: Playground) -> None:
    page = playground.page
    playground.write(SMALL)
    page.keyboard.press("Control+End")
    page.keyboard.type("shor")
    page.get_by_role("option", name="shortcut").click()
    page.keyboard.type("proj")
    expect(page.get_by_role("option", name="projection", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(".cm-line span", has_text="stages").hover()
    expect(page.locator(".cm-tooltip-hover")).to_contain_text("Runs of blocks")
    page.mouse.move(0, 0)


def test_downloads_are_the_bytes_of_the_command_line(
    playground: Playground, tmp_path: Path
) -> None:
    playground.write(SMALL)
    file = tmp_path / "small.yaml"
    file.write_text(SMALL)
    assert playground.download("Specification") == ("small.yaml", SMALL.encode())
    picture = tmp_path / "small.svg"
    run("show", str(file), "--svg", str(picture))
    assert playground.download("Picture") == ("small.svg", picture.read_bytes())
    assert playground.download("PyTorch") == ("model.py", run("export", str(file), "--code"))


def run(*words: str) -> bytes:
    """What a command prints."""
    command = [sys.executable, "-m", "resforge", *words]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_a_link_holds_the_specification(playground: Playground, browser: Any, site: str) -> None:
    text = SMALL.replace("small", "kleines Netz, 小网络")
    playground.write(text)
    address = playground.page.url
    assert "#spec=" in address
    other = Playground(browser, address)
    assert other.text() == text
    other.page.goto(site + link(SMALL))
    expect(other.page.locator("#totals button")).to_have_attribute(
        "title", rf.loads(SMALL).digest, timeout=PATIENCE
    )
    other.page.context.close()


HOSTILE = {
    "markup": "resforge: 1\nname: '</title><script>alert(1)</script><img src=x onerror=alert(1)>'\n"
    "base: resnet18\n",
    "markup in a fault": "resforge: 1\n<img src=x onerror=alert(1)>: 1\nbase: <script>alert(1)\n",
    "aliases": "resforge: 1\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "nesting": "resforge: 1\nblock: " + "[" * 30_000,
    "numbers": "resforge: 1\nstages: [{depth: 999999999999, width: 1e300}]\n",
    "characters": 'resforge: 1\nname: "\\u0000\\ud800\\u202e"\nbase: resnet18\n',
    "a tag": "!!python/object/apply:os.system [ls]\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_link_does_nothing(playground: Playground, site: str, text: str) -> None:
    playground.page.goto(site + link(text))
    playground.page.wait_for_timeout(600)
    playground.settled()
    notice, verdict = (playground.page.locator(name) for name in ("#notice", "#verdict"))
    if notice.is_hidden():
        wanted = "No faults" if text == HOSTILE["markup"] else r"^\d+ faults?$"
        expect(verdict).to_have_text(re.compile(wanted))
    else:  # what the editor, or a slow machine, cannot do
        expect(notice).to_contain_text(re.compile("nested too deeply|Stopped after 10 seconds"))
    assert (
        playground.page.locator("main script, main img:not(#picture, .cm-widgetBuffer)").count()
        == 0
    )
    playground.write(SMALL)
    expect(playground.page.locator("#verdict")).to_have_text("No faults")


@pytest.mark.parametrize(
    ("fragment", "sentence"),
    [
        ("#spec=%%%", "holds no specification"),
        ("#spec=AAAA", "cannot be read"),
        ("#other", "holds no specification"),
        (link("x" * 50_000_000), "longer than"),
    ],
    ids=["not base64", "not deflated", "another fragment", "a bomb"],
)
def test_a_broken_link_is_reported(
    playground: Playground, site: str, fragment: str, sentence: str
) -> None:
    playground.page.goto(site + fragment)
    expect(playground.page.get_by_role("alert")).to_contain_text(sentence)
    playground.write(f"{SMALL}# {len(fragment)}\n")  # another text than before
    expect(playground.page.get_by_role("alert")).to_have_count(0)


def test_a_text_that_is_too_long_is_not_read(playground: Playground) -> None:
    playground.write(SMALL + "#" * 70_000)
    expect(playground.page.get_by_role("alert")).to_contain_text("too long for this page")
    playground.write(SMALL)
    expect(playground.page.locator("#verdict")).to_have_text("No faults")


def test_work_without_end_is_stopped(browser: Any, site: str) -> None:
    """The first worker never answers; the second one is the real one."""
    page = browser.new_context(service_workers="block").new_page()
    real = (BUNDLE / "worker.js").read_text(encoding="utf-8")
    endless = "self.onmessage=()=>{for(;;);};self.postMessage({ready:true});"
    scripts = itertools.chain([endless], itertools.repeat(real))
    page.context.route(
        "**/worker.js",
        lambda route: route.fulfill(body=next(scripts), content_type="text/javascript"),
    )
    page.clock.install()
    page.goto(site + link(SMALL))
    expect(page.locator("#state[data-busy]")).to_be_attached()
    page.clock.fast_forward(1_000)
    page.wait_for_timeout(500)
    page.clock.fast_forward(11_000)
    expect(page.get_by_role("alert")).to_contain_text("Stopped after 10 seconds")
    page.context.close()


def test_nothing_is_fetched_from_elsewhere(playground: Playground, site: str) -> None:
    """The policy holds on the page and in the worker: another site would have answered."""
    assert [url for url in playground.fetched if not url.startswith((site, "blob:"))] == []
    fetch = "url => fetch(url, {mode: 'no-cors'}).then(() => true, () => false)"
    with served() as elsewhere:
        for place in (playground.page, *playground.page.workers):
            assert place.evaluate(fetch, site + "icon.svg") is True
            assert place.evaluate(fetch, elsewhere + "icon.svg") is False
    assert len(playground.page.workers) >= 1
    playground.errors.clear()  # the browser reports what the policy refused


def test_a_browser_without_webassembly_is_told_so(browser: Any, site: str) -> None:
    page = browser.new_context().new_page()
    page.add_init_script("delete globalThis.WebAssembly")
    page.goto(site)
    expect(page.get_by_role("alert")).to_contain_text("has no WebAssembly")
    expect(page.locator("#picture")).to_be_visible()


def test_the_keyboard_reaches_everything(playground: Playground) -> None:
    page = playground.page
    page.locator(".cm-content").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#editor')") is None
    page.get_by_role("tab", name="Picture").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tabpanel", name="Table")).to_be_visible()
    page.keyboard.press("Home")
    expect(page.get_by_role("tabpanel", name="Picture")).to_be_visible()


@pytest.mark.skipif("AXE_CORE" not in os.environ, reason="AXE_CORE names no axe.min.js")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_inaccessible(browser: Any, site: str, scheme: str, width: int) -> None:
    size = {"width": width, "height": 900}
    page = Playground(browser, site, color_scheme=scheme, viewport=size).page
    axe = Path(os.environ["AXE_CORE"]).read_text(encoding="utf-8")

    def found() -> list[str]:
        page.evaluate(axe)
        violations = page.evaluate("axe.run()")["violations"]
        return [f"{each['id']}: {node['html']}" for each in violations for node in each["nodes"]]

    for tab in ("Picture", "Table", "Difference", "Word", "PyTorch"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(500)
        assert found() == [], tab
    page.get_by_role("button", name="Download").click()
    assert found() == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Catalogue").click()
    expect(page.get_by_role("dialog")).to_contain_text("resnet50_cbam")
    assert found() == []


@pytest.mark.parametrize("width", [390, 640, 1280])
def test_every_width_shows_the_page_without_scrolling_sideways(
    playground: Playground, width: int
) -> None:
    playground.page.set_viewport_size({"width": width, "height": 800})
    wide = playground.page.evaluate("document.documentElement.scrollWidth")
    playground.page.set_viewport_size({"width": 1280, "height": 800})
    assert wide == width


def test_every_control_has_a_name(playground: Playground) -> None:
    tree = playground.page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, [role], summary")]
            .filter((each) => each.checkVisibility())
            .filter((each) => !(each.textContent.trim() || each.ariaLabel
                || each.labels?.length || each.getAttribute("aria-labelledby")))
            .map((each) => each.outerHTML)
            .filter((each) => !/presentation|status/.test(each))"""
    )
    assert tree == []


def test_the_schema_on_the_page_is_that_of_the_package(site: str) -> None:
    built = json.loads((BUNDLE / "schema.json").read_text(encoding="utf-8"))
    assert built == rf.ResNetSpec.model_json_schema()
