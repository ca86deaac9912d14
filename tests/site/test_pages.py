"""Every page is opened as a reader would: wide and narrow, light and dark, offline."""

import json
import re

import pytest
import yaml
from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from copies import ROOT

pytestmark = pytest.mark.browser


def toc_files(entry):
    """Every file named in a table of contents, in order, root first."""
    if isinstance(entry, list):
        return [name for item in entry for name in toc_files(item)]
    if isinstance(entry, dict):
        here = [entry[key] for key in ("root", "file") if key in entry]
        return here + [n for v in entry.values() for n in toc_files(v)]
    return []


BOOK = toc_files(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
PAGES = [*BOOK, "everything", "a_page_of_text"]
SCREENS = [(w, s) for w in (1280, 375) for s in ("light", "dark")]


# Of many pieces of code that look alike one is enough: axe takes seconds for hundreds.
ONE_OF_MANY = """() => {
  const looks = new Set();
  for (const piece of document.querySelectorAll("article pre span")) {
    let look = piece.getAttribute("style");
    for (let e = piece; e.tagName !== "ARTICLE"; e = e.parentElement) {
      look += ` ${e.tagName}.${e.className}`;
    }
    if (looks.has(look)) piece.replaceWith(...piece.childNodes);
    looks.add(look);
  }
  const copies = [...document.querySelectorAll(".copybtn")]; // one for each code
  copies.slice(1).forEach((button) => button.remove());
  // Glyphs of formulas are hidden from axe's readers: they get the MathML beside them.
  document.querySelectorAll("mjx-math").forEach((glyphs) => glyphs.replaceChildren());
  // The MathML is higher than the room that they leave: no table scrolls for that.
  for (const box of document.querySelectorAll(".pst-scrollable-table-container")) {
    box.style.overflowY = "hidden";
  }
  // In a table's head axe does not count MathML as text.
  for (const math of document.querySelectorAll("th math")) {
    math.replaceWith(math.textContent);
  }
}"""

# Contrast takes axe longer than all else. Text has the contrast of other text if it and
# all around it look alike; of such texts the first is asked.
FIRST_OF_EACH_LOOK = """() => {
  const looks = new Map(), of = new Map();
  const look = (e) => {
    if (!e) return -1;
    if (!of.has(e)) {
      const style = getComputedStyle(e);
      const own = ["color", "backgroundColor", "backgroundImage", "opacity", "fontSize",
        "fontWeight", "textShadow", "position"].map((name) => style[name]);
      const around = e.closest("mjx-container") ?? e; // signs nest in many ways
      const names = [e.tagName, e.getAttribute("class")];
      const text = [look(around.parentElement), ...names, ...own].join();
      if (!looks.has(text)) looks.set(text, looks.size);
      of.set(e, looks.get(text));
    }
    return of.get(e);
  };
  const seen = new Set();
  const words = (node) => node.nodeType === 3 && node.data.trim();
  for (const e of document.body.querySelectorAll("*")) {
    delete e.dataset.look;
    const written = [...e.childNodes].some(words);
    if (!written && !e.matches("input, select, textarea")) continue;
    if (!e.checkVisibility()) continue;
    if (!seen.has(look(e))) e.dataset.look = look(e);
    seen.add(look(e));
  }
}"""
ONE_LOOK = {"id": "color-contrast", "selector": "[data-look]"}
AXE = Axe(f"{AXE_SCRIPT}; axe.configure({json.dumps({'rules': [ONE_LOOK]})})")


def assert_accessible(page, state):
    """axe-core finds nothing of any impact. Afterwards the page is less than it was."""
    page.evaluate(ONE_OF_MANY)
    page.evaluate(FIRST_OF_EACH_LOOK)
    options = {
        "preload": False,  # it would fetch the style sheets once more
        "resultTypes": ["violations"],
        "rules": {"label-content-name-mismatch": {"enabled": True}},
    }
    glyphs = {"exclude": [["mjx-math"]]}
    found = [
        f"{rule['id']} ({rule['impact']}): {node['html'][:200]}"
        for rule in AXE.run(page, glyphs, options).response["violations"]
        for node in rule["nodes"]
    ]
    assert not found, f"axe, {state}:\n" + "\n".join(found)


def assert_maths_is_typeset(page, source):
    shown = page.evaluate(
        """(source) => {
          const written = new DOMParser().parseFromString(source, "text/html");
          const text = [];
          const article = document.querySelector("article");
          const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const node = walker.currentNode;
            if (!node.parentElement.closest("pre, code, script, mjx-container"))
              text.push(node.data);
          }
          return {
            written: written.querySelectorAll("article .math").length,
            typeset: article.querySelectorAll(".math mjx-container").length,
            wrong: [...article.querySelectorAll("mjx-merror")].map(e => e.textContent),
            text: text.join(" "),
          };
        }""",
        source,
    )
    assert shown["typeset"] == shown["written"]
    assert not shown["wrong"]
    left = re.findall(r"\\[(\[]|\$[^$\n]{0,40}|\\begin\{\w+\*?\}", shown["text"])
    assert not left, f"maths that is not typeset: {left}"


def assert_no_sideways_scroll(page):
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"the page is {wide} px wider than the screen"


def test_one_pale_color_of_code_is_found(visit, address):
    page = visit(f"{address}everything.html", address).page
    page.add_style_tag(content="article pre .mf { color: #aaa !important; }")
    with pytest.raises(AssertionError, match="color-contrast"):
        assert_accessible(page, "one pale color")


def test_one_pale_paragraph_is_found(visit, address):
    page = visit(f"{address}everything.html", address).page
    page.locator("article p").last.evaluate("p => p.style.color = '#999'")
    with pytest.raises(AssertionError, match="color-contrast"):
        assert_accessible(page, "one pale paragraph")


FOLDS = "[...document.querySelectorAll('details')]"


def look(page, scheme):
    """The theme is this one, nothing is too wide, and every explorer lives."""
    page.emulate_media(color_scheme=scheme)
    page.locator(f"html[data-theme={scheme}]").wait_for(state="attached")
    assert_no_sideways_scroll(page)
    page.evaluate(f"{FOLDS}.forEach(fold => fold.open = true)")
    page.evaluate(
        """async () => {
          const frame = () => new Promise((done) => requestAnimationFrame(done));
          for (const box of document.querySelectorAll(".bplib-explorer")) {
            box.scrollIntoView();
            const until = performance.now() + 120_000;
            while (!box.querySelector(".bx")) {
              if (performance.now() > until) throw Error(box.dataset.explorer);
              await frame();
            }
          }
        }"""
    )
    # Those that have just come have folds of their own.
    if page.evaluate(f"{FOLDS}.map(fold => fold.open = true).length"):
        page.wait_for_timeout(200)
        assert_no_sideways_scroll(page)
    # Who scrolls up on a phone is offered the way to the top.
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(200)
    page.evaluate("scrollBy(0, -400)")
    page.wait_for_timeout(200)


def assert_nothing_went_wrong(seen):
    assert not seen.foreign, f"requests that leave the site: {seen.foreign}"
    assert not seen.errors, seen.errors


# A page takes seconds to open, and axe takes more. So each is opened twice, as unlike
# as can be, and changes its width and its theme under the reader's eyes; axe is asked
# in each theme and in each width once. Two classes, for two workers.


class TestWide:
    """On a large screen, from a server; first dark, then light."""

    @pytest.mark.parametrize("name", [*PAGES, "search"])
    def test_page(self, name, visit, address, html):
        file = html / f"{name}.html"
        assert file.is_file(), f"{name} is in _toc.yml, and its page was not built"
        seen = visit(f"{address}{name}.html", address, 1280, "dark")
        page = seen.page
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.title()
        if name != "search":
            assert_maths_is_typeset(page, file.read_text(encoding="utf-8"))
        look(page, "dark")
        look(page, "light")
        assert_accessible(page, "1280 px, light, folds open")
        assert_nothing_went_wrong(seen)


class TestPhone:
    """On phones, first the smallest in light, then one in dark; opened as a file.

    Nobody needs a server: the page is whole when its file is opened.
    """

    @pytest.mark.parametrize("name", PAGES)
    def test_page(self, name, visit, html):
        file = html / f"{name}.html"
        seen = visit(file.as_uri(), html.as_uri(), 320, "light")
        page = seen.page
        assert page.evaluate("document.documentElement.dataset.theme") == "light"
        assert_maths_is_typeset(page, file.read_text(encoding="utf-8"))
        look(page, "light")
        page.set_viewport_size({"width": 375, "height": 740})
        look(page, "dark")
        assert_accessible(page, "375 px, dark, folds open")
        page.locator("button.primary-toggle:visible").click()
        page.locator("nav[aria-label=Chapters] a:visible").first.wait_for()
        assert_nothing_went_wrong(seen)


@pytest.mark.parametrize(("width", "scheme"), [*SCREENS, (320, "light")])
@pytest.mark.parametrize("name", [n for n in [*PAGES, "search"] if n not in BOOK])
def test_pages_that_hold_one_of_everything(name, width, scheme, visit, address):
    """On each screen axe is asked of these, from a server, just opened."""
    seen = visit(f"{address}{name}.html", address, width, scheme)
    look(seen.page, scheme)
    assert_accessible(seen.page, f"{width} px, {scheme}, folds open")
    assert_nothing_went_wrong(seen)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_menu_opens_on_a_phone(scheme, visit, address):
    seen = visit(f"{address}everything.html", address, 375, scheme)
    page = seen.page
    last = [name for name in BOOK if name.startswith("chapters/")][-1]
    chapter = page.locator(f'a[href="{last}.html"]').first
    assert not chapter.is_visible()
    page.locator("button.primary-toggle:visible").click()
    chapter.wait_for(state="visible")
    unfold = "folds => folds.forEach(fold => fold.open = true)"
    page.locator("nav[aria-label=Chapters] details").evaluate_all(unfold)
    links = page.locator("nav[aria-label=Chapters] a:visible")
    assert links.count() >= len(PAGES) - 1  # the root has the logo
    small = [
        box for box in (i.bounding_box() for i in links.all()) if box["height"] < 44
    ]
    assert not small, "a finger needs 44 px"
    page.wait_for_timeout(400)  # it slides in
    assert_accessible(page, "menu open")
    chapter.click()
    page.wait_for_url(f"{address}{last}.html")
    page.locator("button.secondary-toggle:visible").click()
    page.locator("#pst-page-toc-nav:visible").wait_for()
    page.wait_for_timeout(400)
    assert_accessible(page, "contents open")
    assert not seen.errors


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_search(width, scheme, visit, address):
    seen = visit(f"{address}everything.html", address, width, scheme)
    page = seen.page
    page.locator("button.search-button__button:visible").first.click()
    field = page.locator("#pst-search-dialog input")
    field.wait_for(state="visible")
    assert_accessible(page, "search open")
    field.fill("quotation")
    field.press("Enter")
    page.wait_for_url("**/search.html?q=quotation*")
    page.locator("ul.search a", has_text="Everything a page may hold").first.wait_for()
    page.wait_for_timeout(500)  # summaries are fetched
    assert_accessible(page, "results")
    assert_no_sideways_scroll(page)
    assert not seen.foreign
    assert not seen.errors


def test_only_a_formula_wider_than_the_screen_becomes_a_box(visit, address):
    """A box would set the others below their line."""
    count = "document.querySelectorAll('article span.math[role=group]').length"
    for width, boxes in ((1280, 0), (320, 1)):
        page = visit(f"{address}everything.html", address, width).page
        assert page.evaluate(count) == boxes


def test_boxes_that_scroll_take_the_keyboard(visit, address):
    page = visit(f"{address}everything.html", address, 320).page
    names = page.evaluate(
        "[...document.querySelectorAll('article [role=group][tabindex=\"0\"]')]"
        ".map(box => box.ariaLabel.split(',')[0])"
    )
    assert {"Equation", "Table", "Code", "Output"} <= set(names)
    box = page.locator("div.math mjx-container[role=group]").first
    box.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "document.querySelector('div.math mjx-container[role=group]').scrollLeft > 0"
    )


def test_index_leads_to_the_front_page(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}index.html")
    page.wait_for_url(f"{address}{BOOK[0]}.html")
    context.close()


def test_notebook_can_be_downloaded(visit, address, html):
    page = visit(f"{address}everything.html", address).page
    with page.expect_download() as download:
        page.locator("a[download]").click()
    source = html / "_sources" / "everything.ipynb"
    with open(download.value.path(), "rb") as file:
        assert file.read() == source.read_bytes()


def test_pictures_are_not_inverted_in_the_dark(visit, address):
    page = visit(f"{address}everything.html", address, scheme="dark").page
    look = page.evaluate(
        "(i => [getComputedStyle(i).filter, getComputedStyle(i).backgroundColor])"
        "(document.querySelector('article .cell_output img'))"
    )
    assert look == ["brightness(0.88)", "rgb(255, 255, 255)"]  # a little less glaring
