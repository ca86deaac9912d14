"""What the site's tests share: the built book, a web server, a browser offline."""

import contextlib
import functools
import http.server
import os
import pathlib
import shutil
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import everything
from copies import ROOT, build, copy_book

FLAGS = (
    "--disable-background-networking --disable-component-update --disable-gpu "
    "--disable-sync --no-first-run --no-sandbox"
).split()


def shared_folder(basetemp):
    """The folder that all workers of this run share."""
    return basetemp.parent if "PYTEST_XDIST_WORKER" in os.environ else basetemp


def claim(shared):
    """Whether this worker is the first to ask for the book, and so is to build it."""
    try:
        (shared / "book_is_being_built").mkdir()
    except FileExistsError:
        return False
    return True


def build_book(shared):
    """Build a copy of the book and the test pages in shared/book; write book.log."""
    folder, code, text = shared / "book", None, "the build did not run"
    try:
        copy_book(folder)
        everything.add_to(folder)
        # Notebooks that `python run.py book` has executed need no second time.
        cache = ROOT / "_build" / ".jupyter_cache"
        if cache.is_dir():
            shutil.copytree(cache, folder / "_build" / ".jupyter_cache")
        code, text = build(folder)
    finally:
        (shared / "log").write_text(f"{code}\n{text}", encoding="utf-8")
        (shared / "log").rename(shared / "book.log")


def pytest_collection_finish(session):
    """Begin the build at once, beside the tests: pages wait for it, others do not."""
    if not any("book" in getattr(item, "fixturenames", ()) for item in session.items):
        return
    if "PYTEST_XDIST_WORKER" not in os.environ:  # the fixture will; or the workers do
        return
    shared = shared_folder(session.config._tmp_path_factory.getbasetemp())
    if claim(shared):
        threading.Thread(target=build_book, args=[shared], daemon=True).start()


@pytest.fixture(scope="session")
def book(tmp_path_factory):
    """Folder of a copy of the book and two test pages, built once for all workers."""
    shared = shared_folder(tmp_path_factory.getbasetemp())
    folder, log = shared / "book", shared / "book.log"
    if claim(shared):
        build_book(shared)
    until = time.monotonic() + 1800  # a slow machine that runs other tests beside it
    while not log.exists():
        assert time.monotonic() < until, "the build of the book does not end"
        time.sleep(0.2)
    code, text = log.read_text(encoding="utf-8").split("\n", 1)
    assert code == "0", f"the book does not build:\n{text[-5000:]}"
    return folder


@pytest.fixture(scope="session")
def html(book):
    return book / "_build" / "html"


@pytest.fixture(scope="session")
def address(html):
    """Where a web server shows the built book, as http://127.0.0.1:PORT/"""
    with serve(html) as address:
        yield address


@contextlib.contextmanager
def serve(html):
    """A web server of these pages, which also sends the policy of the site."""
    policy = (html / "content-security-policy.txt").read_text(encoding="utf-8").strip()

    class Server(http.server.SimpleHTTPRequestHandler):
        def end_headers(self):
            self.send_header("Content-Security-Policy", policy)
            super().end_headers()

        def log_message(self, *_):
            pass

    handler = functools.partial(Server, directory=str(html))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def chromium():
    """Path of a Chromium on this computer, or None."""
    if os.environ.get("BPLIB_CHROMIUM"):
        return os.environ["BPLIB_CHROMIUM"]
    names = "chromium chromium-browser google-chrome google-chrome-stable chrome msedge"
    found = [shutil.which(name) for name in [*names.split(), "microsoft-edge"]]
    places = [
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ]
    for folder in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        start = os.environ.get(folder, "")
        places += [start + r"\Google\Chrome\Application\chrome.exe"]
        places += [start + r"\Microsoft\Edge\Application\msedge.exe"]
    found += [place for place in places if os.path.exists(place)]
    return next((path for path in found if path), None)


@pytest.fixture(scope="session")
def browser():
    path = chromium()
    if path is None:
        text = (
            "no Chromium found: install Chromium, Chrome or Edge (Debian: apt install "
            "chromium), or set BPLIB_CHROMIUM to the program's path"
        )
        if os.environ.get("BPLIB_REQUIRE_BROWSER") == "1":
            pytest.fail(text)
        pytest.skip(text)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        context = browser.new_context

        def patient(**options):
            new = context(**options)
            new.set_default_timeout(180_000)  # a slow machine is no failure
            return new

        browser.new_context = patient
        yield browser
        browser.close()


class Visit:
    """A page that was opened, with all that went wrong on the way."""

    def __init__(self, context, url, own):
        self.page = context.new_page()
        self.foreign, self.errors = [], []
        own = (own, "data:", "blob:", "about:")
        context.on(
            "request",
            lambda r: None if r.url.startswith(own) else self.foreign.append(r.url),
        )
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._console)
        self.page.on("requestfailed", lambda r: self.errors.append(f"failed: {r.url}"))
        context.route(
            lambda address: not address.startswith(own), lambda route: route.abort()
        )
        self.page.goto(url)
        self.page.evaluate("window.MathJax?.startup?.promise?.then(() => null)")
        self.page.evaluate("document.fonts.ready.then(() => null)")
        self.page.wait_for_timeout(100)  # the book's script names boxes after that

    def _console(self, message):
        if message.type in ("error", "warning"):
            self.errors.append(f"console: {message.text}")


@pytest.fixture
def visit(browser):
    """visit(url, width=1280, scheme="light", own=...) -> Visit; closed afterwards."""
    with contextlib.ExitStack() as stack:

        def visit(url, own, width=1280, scheme="light"):
            height = 900 if width > 800 else 740
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            stack.callback(context.close)
            return Visit(context, url, own)

        yield visit
