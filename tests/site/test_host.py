"""From Python to the published page: explorers live there, and fail one by one."""

import base64
import html
import io
import json
import re
import shutil
import sys

import nbformat
import pytest
from conftest import serve
from copies import ROOT, SETTINGS, build, copy_book
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image
from test_build import executed, lost_outputs, soup

import bplib.widgets
from bplib.widgets import TrainingExplorer

sys.path.insert(0, str(ROOT / "extensions"))
import content_policy
from explorer_boxes import Explorers, WrongExplorer

HOSTILE = """</script><img src=x onerror="window.hacked=1">'"&amp;<!--\\"""
FILES = {
    "small.py": """
import base64, io, itertools
from PIL import Image
from bplib.widgets.explorer import Explorer, Numbers, Whole, Words

number = itertools.count()

class Counter(Explorer):
    title = "Counter"
    count = Whole(3, 0, 9, "count")
    heights = Numbers((1.0, 2.0), 0, 9, "heights")
    caption = Words("plain", "caption")

    def draw(self, figure):
        figure.subplots().plot([0, self.count])

    def summary(self):
        return f"A counter at {self.count}: {self.caption}"

class BreaksAtImport(Counter):
    pass

class BreaksAtStart(Counter):
    pass

class Slides(Counter):
    def shown(self):
        return self.count

    def _repr_mimebundle_(self, **kwargs):
        images = []
        for gray in range(10):  # as wide as it was shown late
            file = io.BytesIO()
            image = Image.new("L", (20 + next(number) // 10, 10), 20 * gray)
            image.save(file, "WEBP", lossless=True)
            images.append(base64.b64encode(file.getvalue()).decode())
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return data, {**metadata, "bplib_frames": images}
""",
    "counter.js": """// A small explorer, for tests.
import { Counter as about } from "./parameters.js";
import { counter } from "./shared.js";

export default { render: (context) => counter(context, about.title) };
""",
    "slides.js": """// The same with pictures.
import { counter } from "./shared.js";

export default {
  render(context) {
    counter(context, "Slides");
    const image = document.createElement("img");
    image.alt = "";
    image.src = context.model.get("frames")[context.model.get("count")];
    context.el.append(image);
  },
};
""",
    "shared.js": """// What two modules share.
export function counter({ model, el }, title) {
  const button = document.createElement("button");
  const show = () => {
    button.textContent = `${title} ${model.get("count")} ${model.get("caption")}`;
  };
  button.addEventListener("click", () => model.set("count", model.get("count") + 1));
  model.on("change:count", show);
  show();
  el.className = "alive";
  el.model = model;
  el.append(button);
}
""",
    "breaks_at_import.js": """throw new Error("broken at import\\nand a second line");
export default {};
""",
    "breaks_at_start.js": """export default {
  render({ el }) {
    el.append("half a page");
    throw new Error("broken at start");
  },
};
""",
}
CELLS = [
    "from bplib.widgets import BreaksAtImport, BreaksAtStart, Counter, Slides",
    "Counter()",
    f"Counter(count=5, caption={HOSTILE!r}, section='text#here-and-there')",
    "BreaksAtImport()",
    "BreaksAtStart()",
    "Slides(count=1)",
    "Slides(count=1)",
    "Counter(count=7, section='many#a-title')",
]
ALIVE = {0: "Counter 3 plain", 1: f"Counter 5 {HOSTILE}", 6: "Counter 7 plain"}
ALIVE |= dict.fromkeys((4, 5), "Slides 1 plain")
FAILED = {2: "broken at import", 3: "broken at start"}


def small_book(folder, *cells):
    """A book of a page of text and a page of these cells, with the real settings."""
    copy_book(folder, SETTINGS, ["assets", "bplib", "extensions"])
    widgets = folder / "bplib" / "widgets"
    for name, text in FILES.items():
        (widgets / name).write_text(text, encoding="utf-8")
    with open(widgets / "__init__.py", "a") as file:
        file.write("\nfrom bplib.widgets.small import *\n")
    (folder / "_toc.yml").write_text(
        "format: jb-book\nroot: pages/text\nchapters:\n  - file: pages/many\n"
    )
    (folder / "pages").mkdir()
    text = "# Text\n\n## Here and there\n\nNo explorer.\n"
    (folder / "pages" / "text.md").write_text(text)
    notebook = new_notebook(
        cells=[new_markdown_cell("# A title"), *map(new_code_cell, cells)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, folder / "pages" / "many.ipynb")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Folder of the pages of such a book."""
    folder = tmp_path_factory.mktemp("explorers") / "small"
    small_book(folder, *CELLS)
    code, log = build(folder)
    assert code == 0, log
    return folder / "_build" / "html"


@pytest.fixture(scope="module")
def server(small):
    with serve(small) as address:
        yield address


@pytest.fixture(params=["http", "file"])
def site(request, small, server):
    """Where its pages are: an address that ends in a slash."""
    return server if request.param == "http" else f"{small.as_uri()}/"


def boxes(page):
    """All boxes, once each was looked at and has come alive or failed."""
    found = page.locator(".bplib-explorer").all()
    for box in found:
        box.scroll_into_view_if_needed()
        box.locator(".alive, .bplib-failed").wait_for()
    return found


def altered(small, old, new):
    """Another page: the first, with some text replaced, once."""
    page = (small / "pages" / "many.html").read_text(encoding="utf-8")
    assert old in page
    (small / "pages" / "altered.html").write_text(page.replace(old, new, 1), "utf-8")
    return "pages/altered.html"


# --- In the browser ------------------------------------------------------------------


@pytest.mark.browser
def test_explorers_live_and_those_that_fail_say_so(visit, site):
    seen = visit(f"{site}pages/many.html", site)
    page = seen.page
    last = page.locator(".bplib-explorer").last
    assert last.locator("img").count() == 1, "it starts before a reader is near"
    for number, box in enumerate(boxes(page)):
        if number in ALIVE:
            assert box.locator("button").text_content() == ALIVE[number]
            assert box.locator("img.dark-light").count() == 0, "the picture stays"
        else:
            text = box.locator(".bplib-failed").text_content()
            assert text == f"This explorer could not start: {FAILED[number]}"
            assert box.locator("img.dark-light").is_visible()
    assert page.evaluate("window.hacked") is None
    # Nothing of ours is a name that other scripts could meet.
    assert page.evaluate("[typeof modules, typeof Model, typeof mount]") == (
        ["undefined"] * 3
    )
    assert not seen.foreign
    assert not seen.errors


@pytest.mark.browser
def test_frames_are_pictures_of_their_own_output(visit, site, small):
    seen = visit(f"{site}pages/many.html", site)
    boxes(seen.page)
    images = seen.page.locator(".alive img")
    for image in images.all():
        image.evaluate("image => image.decode()")
    widths = images.evaluate_all("images => images.map(image => image.naturalWidth)")
    assert widths == [20, 21]
    lists = [
        json.loads(box["data-frames"])
        for box in soup(small / "pages" / "many.html").select("[data-frames]")
    ]
    assert [len(each) for each in lists] == [10, 10]
    for address in sum(lists, []):
        assert (small / "pages" / address).is_file()
    assert not seen.errors


@pytest.mark.browser
def test_two_explorers_of_one_class_share_nothing(visit, site):
    page = visit(f"{site}pages/many.html", site).page
    found = boxes(page)
    found[0].locator("button").click()
    page.evaluate("document.querySelectorAll('.alive')[0].model.get('heights').push(9)")
    texts = [found[n].locator("button").text_content() for n in (0, 1, 6)]
    assert texts == ["Counter 4 plain", ALIVE[1], ALIVE[6]]
    heights = (
        "e => ['heights', '_start'].map(n => e.model.get(n).heights ?? e.model.get(n))"
    )
    assert found[0].locator(".alive").evaluate(heights) == [[1, 2, 9], [1, 2]]
    assert found[6].locator(".alive").evaluate(heights) == [[1, 2], [1, 2]]


@pytest.mark.browser
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('data-state="{}"', 'data-state="{&quot;count&quot;: "', "its state cannot be"),
        ('data-explorer="Counter"', 'data-explorer="Nobody"', "no explorer Nobody"),
        ('data-module="counter.js"', 'data-module="no.js"', "there is no module no.js"),
        (
            'data-bplib-module="shared.js"',
            'data-bplib-module="other.js"',
            "there is no module shared.js",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(old, new, words, visit, site, small):
    seen = visit(f"{site}{altered(small, old, new)}", site)
    first, *rest = boxes(seen.page)
    failed = first.locator(".bplib-failed")
    assert failed.text_content().startswith("This explorer could not start: ")
    assert words in failed.text_content()
    assert first.locator("img.dark-light").is_visible()
    if "shared" not in old:
        assert rest[0].locator("button").text_content() == ALIVE[1]
    assert not seen.errors


@pytest.mark.browser
def test_without_scripts_there_is_the_picture(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}pages/many.html")
    images = page.locator(".bplib-explorer img").all()
    assert len(images) == 7
    alts = [image.get_attribute("alt") for image in images]
    assert alts[0] == "A counter at 3: plain"
    assert alts[1] == f"A counter at 5: {HOSTILE}"
    for image in images[:2]:
        assert image.is_visible()
        shot = Image.open(io.BytesIO(image.screenshot())).convert("RGB")
        assert len(shot.getcolors(shot.width * shot.height)) > 20, "no picture"
    slide = images[4].get_attribute("src")
    assert slide.endswith("-1.webp")
    context.close()


@pytest.mark.browser
def test_model_keeps_the_protocol(visit, site):
    page = visit(f"{site}pages/many.html", site).page
    boxes(page)
    calls = page.evaluate(
        """() => {
          const { model } = document.querySelector(".alive");
          const calls = [];
          const count = () => calls.push(`count ${model.get("count")}`);
          const any = () => calls.push("any");
          const then = (text) => calls.push(text);
          model.on("change:count", count);
          model.on("change", any);
          model.set("count", 8);
          then("the same value"); model.set("count", 8);
          model.set("heights", [1, 2]); // equal, not the same list
          then("a longer list"); model.set("heights", [1, 2, 3]);
          then("off"); model.off("change:count", count); model.set("count", 1);
          model.on("change:count", count);
          model.off("change"); model.set("count", 2);
          model.off(); model.set("count", 3);
          then(`saved ${model.save_changes()}`);
          const others = ["count", "prediction", "_page"].map((n) => model.get(n));
          then(JSON.stringify(others));
          then(JSON.stringify(model.get("_start")));
          return calls;
        }"""
    )
    start = '"count":3,"heights":[1,2],"caption":"plain"'
    assert calls[:-1] == [
        *("count 8", "any", "the same value", "a longer list", "any"),
        *("off", "any", "count 2", "saved undefined", '[3,null,".html"]'),
    ]
    assert calls[-1].startswith(f"{{{start}") and "prediction" not in calls[-1]


# --- The policy ----------------------------------------------------------------------

PLANTED = """<script>window.hacked = 1</script>
<p onclick="window.hacked = 2" id="planted">Text</p>"""


@pytest.mark.browser
def test_a_planted_script_does_not_run(visit, site, small):
    seen = visit(f"{site}{altered(small, '<section', PLANTED + '<section')}", site)
    seen.page.locator("#planted").click()
    assert seen.page.evaluate("window.hacked") is None
    assert len(seen.errors) >= 2
    assert all("Content Security Policy" in error for error in seen.errors)
    # And eval, which needs no markup.
    tries = "try { (0, eval)('1') } catch (error) { return error.name }"
    script = f"new Promise(done => setTimeout(() => done((() => {{ {tries} }})())))"
    assert seen.page.evaluate(script) == "EvalError"


def test_policy_of_the_site_is_that_of_its_pages(small):
    whole = (small / content_policy.FILE).read_text(encoding="utf-8")
    assert whole.count("\n") == 1
    rules = dict(rule.strip().split(" ", 1) for rule in whole.split(";"))
    allowed = set(rules["script-src"].split())
    assert {"'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'"}.isdisjoint(allowed)
    found = set()
    for path in small.rglob("*.html"):
        if "_static" not in path.parts and path.name != "altered.html":
            page = soup(path)
            [meta] = page.select('meta[http-equiv="Content-Security-Policy"]')
            before = [tag.name for tag in meta.find_all_previous()]
            assert before == ["meta", "head", "html"], "something escapes its policy"
            own = content_policy.own(page)
            assert meta["content"] == content_policy.policy(own)
            found |= own
    assert allowed == found | {"'self'", "blob:"}
    assert len(found) > 3


def test_policy_allows_what_runs_on_the_page_alone():
    page = """<script>a()</script><script type="text/plain">b()</script>
    <script type="application/json">{}</script><script src="c.js"></script>"""
    own = content_policy.own(text_soup(page))
    assert own == {f"'sha256-{content_policy.digest('a()')}'"}
    own = content_policy.own(text_soup(f"{page}<p onclick='d()'>"))
    assert own >= {"'unsafe-hashes'", f"'sha256-{content_policy.digest('d()')}'"}


# --- The build -----------------------------------------------------------------------


def text_soup(text):
    from bs4 import BeautifulSoup

    return BeautifulSoup(text, "html.parser")


def test_each_module_stands_once_where_it_is_needed(small):
    page = soup(small / "pages" / "many.html")
    inert = page.select("script[data-bplib-module]")
    names = [script["data-bplib-module"] for script in inert]
    modules = [name for name in FILES if name.endswith(".js")]
    assert sorted(names) == sorted([*modules, "parameters.js"])
    for script in inert:
        assert script["type"] == "text/plain"
        if script["data-bplib-module"] in FILES:
            assert script.string == FILES[script["data-bplib-module"]]
    assert len(page.select('script[src*="explorers.js"]')) == 1
    assert len(page.select('link[href*="explorers.css"]')) == 1
    for name in ("pages/text.html", "index.html", "search.html"):
        text = (small / name).read_text(encoding="utf-8")
        assert "bplib-module" not in text
        assert "explorers." not in text


def test_a_lost_explorer_or_module_is_found(small):
    notebook = executed(small.parents[1], "pages/many")
    page = soup(small / "pages" / "many.html")
    assert lost_outputs(notebook, page) == []
    page.select_one('[data-bplib-module="shared.js"]').decompose()
    lost = lost_outputs(notebook, page)
    assert lost == [f"code cell {n}: shared.js" for n in (2, 3, 6, 7, 8)]
    page.select_one('script[src*="explorers.js"]').decompose()
    assert "code cell 4: explorers.js" in lost_outputs(notebook, page)
    del page.select(".bplib-explorer")[1]["data-state"]
    assert "code cell 3: a widget" in lost_outputs(notebook, page)


def test_nothing_of_a_widget_manager_is_left(small):
    notebook = executed(small.parents[1], "pages/many")
    assert notebook.metadata.widgets, "the kernel left no state: this test is idle"
    page = (small / "pages" / "many.html").read_text(encoding="utf-8")
    assert "vnd.jupyter" not in page
    assert "bplib_frames" not in page


def test_a_second_build_changes_nothing(small, tmp_path):
    """Neither of pages that it writes again, nor of those that it leaves."""
    folder = tmp_path / "small"
    shutil.copytree(small.parents[1], folder)
    (folder / "_build" / "html" / "pages" / "altered.html").unlink(missing_ok=True)
    page = folder / "_build" / "html" / "pages" / "many.html"

    def text():  # myst-nb's style gets its version in the second build
        return re.sub(r"(mystnb\.\w+\.css)\?v=\w+", r"\1", page.read_text("utf-8"))

    first = text()
    assert "data-frames" in first
    for again in (False, True):
        if again:
            shutil.rmtree(folder / "_build" / ".doctrees")
        code, log = build(folder)
        assert code == 0, log
        assert text() == first


def test_a_link_to_nowhere_fails_the_build_each_time(tmp_path):
    folder = tmp_path / "small"
    cell = "from bplib.widgets import TrainingExplorer\nTrainingExplorer(section='a#b')"
    small_book(folder, cell)
    for _ in range(2):
        code, log = build(folder)
        assert code != 0
        assert "TrainingExplorer: LookupError: section 'a#b' names a page" in log


@pytest.fixture
def mended(tmp_path):
    """mended(explorer or its HTML) -> the page that shows it, mended."""

    def mended(explorer):
        box = explorer if isinstance(explorer, str) else explorer.html()
        text = f"<html><head></head><body><p id='here'></p>{box}</body></html>"
        site = tmp_path / "_build" / "html"
        (site / "_static").mkdir(parents=True, exist_ok=True)
        page, path = text_soup(text), site / "page.html"
        path.write_text(str(page), encoding="utf-8")
        Explorers(ROOT, site, tmp_path / "key").mend(page, path)
        return page

    return mended


def test_the_picture_is_the_same_each_time(mended, tmp_path):
    def picture():
        image = mended(TrainingExplorer(iterations=5)).select_one(".bplib-explorer img")
        return (tmp_path / "_build" / "html" / image["src"]).read_bytes()

    first = picture()
    assert Image.open(io.BytesIO(first)).convert("RGB").getpixel((0, 0)) == (255,) * 3
    shutil.rmtree(tmp_path / "_build" / ".explorer_pictures")
    assert picture() == first


def test_the_picture_is_drawn_once(mended, monkeypatch):
    mended(TrainingExplorer(iterations=5))
    monkeypatch.delattr(TrainingExplorer, "draw")
    mended(TrainingExplorer(iterations=5))
    with pytest.raises(WrongExplorer, match="does not define draw"):
        mended(TrainingExplorer(iterations=6))


def test_a_section_on_the_page_is_found(mended):
    assert mended(TrainingExplorer(iterations=1, section="#here"))
    assert mended(TrainingExplorer(iterations=1, section="page"))


@pytest.mark.parametrize(
    ("explorer", "words"),
    [
        (TrainingExplorer(section="nowhere"), "section 'nowhere' names a page that is"),
        (TrainingExplorer(section="page#no"), "section 'page#no': the page has no"),
        (
            TrainingExplorer().html().replace('r="Training', 'r="No'),
            "NoExplorer: LookupError: bplib.widgets has none of this name",
        ),
        (
            TrainingExplorer(iterations=7).html().replace("7", "-7"),
            "iterations to be a whole number from 0 to 2000, got -7",
        ),
        (TrainingExplorer(iterations=7).html().replace("7", ""), "JSONDecodeError"),
    ],
)
def test_an_explorer_that_cannot_be_shown_fails_the_build(explorer, words, mended):
    with pytest.raises(WrongExplorer, match="page.html") as error:
        mended(explorer)
    assert words in str(error.value)


@pytest.mark.parametrize("end", ["</script", "</SCRIPT", "<!--"])
def test_a_module_that_would_end_its_script_is_refused(end, mended, monkeypatch):
    real = bplib.widgets.explorer.source
    monkeypatch.setattr(
        bplib.widgets.explorer, "source", lambda name: real(name) + f"// {end}"
    )
    with pytest.raises(WrongExplorer, match=f"js holds {end}"):
        mended(TrainingExplorer(iterations=1))


def test_a_frame_that_is_no_picture_is_refused(tmp_path):
    text = base64.b64encode(b"<svg/>").decode()
    with pytest.raises(ValueError, match="frame 0 is not PNG, WebP or JPEG"):
        Explorers(ROOT, tmp_path, tmp_path).write_frames([text])


def test_hostile_text_survives_the_way_through_python():
    explorer = TrainingExplorer(goal="", question=HOSTILE, options=["a", "b"])
    box = text_soup(explorer.html()).find()
    assert json.loads(box["data-state"])["question"] == HOSTILE
    assert html.unescape(box["data-state"]) != box.encode_contents().decode()
