"""A green build can lie in five ways; each lie is told here, and must be found out."""

import os
import re
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup
from copies import ROOT, SETTINGS, build, copy_book
from jupyter_cache import get_cache
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

IMAGES = {"image/png", "image/jpeg", "image/svg+xml"}
WIDGET = "application/vnd.jupyter.widget-view+json"
IMPORT = re.compile(r'from "\./(.+?)"')
FIGURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"


@pytest.fixture
def tiny(tmp_path):
    """tiny(*code cells) -> folder of a book of one notebook, with the real settings.

    With `beside`, code cells too, it has another one.
    """

    def tiny(*cells, beside=()):
        folder = tmp_path / "tiny"
        copy_book(folder, SETTINGS, ["assets", "extensions"])
        (folder / "bplib").mkdir()
        (folder / "bplib" / "__init__.py").write_text("def answer():\n    return 41\n")
        toc, books = "format: jb-book\nroot: intro\n", {"intro": cells}
        if beside:
            toc, books = f"{toc}chapters:\n- file: other\n", {**books, "other": beside}
        (folder / "_toc.yml").write_text(toc)
        for name, sources in books.items():
            title = new_markdown_cell("# A title\n\nText.")
            nb = new_notebook(cells=[title, *map(new_code_cell, sources)])
            nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
            nbformat.write(nb, folder / f"{name}.ipynb")
        return folder

    return tiny


def soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def executed(book, name):
    """The notebook as the build executed it."""
    [cache] = (book / "_build" / ".jupyter_cache").iterdir()
    return get_cache(str(cache)).merge_match_into_file(str(book / f"{name}.ipynb"))[1]


def lost_outputs(notebook, page):
    """Pictures and widgets that a notebook has and its page does not show."""
    cells = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    skipped = {"remove-cell", "remove_cell", "remove-output", "remove_output"}
    cells = [c for c in cells if not skipped & set(c.metadata.get("tags", []))]
    shown = page.select("article div.cell")
    if len(shown) != len(cells):
        return [f"{len(cells)} code cells, {len(shown)} on the page"]
    lost = []
    for number, (cell, box) in enumerate(zip(cells, shown, strict=True), 1):
        data = [output.get("data", {}) for output in cell.outputs]
        widgets = [d for d in data if WIDGET in d]
        images = sum(WIDGET not in d and bool(IMAGES & set(d)) for d in data)
        if len(box.select(".cell_output img, .cell_output svg")) < images:
            lost.append(f"code cell {number}: a picture")
        for widget in widgets:
            html = BeautifulSoup(widget.get("text/html", ""), "html.parser").find()
            if html is None or not box.find(html.name, html.attrs):
                lost.append(f"code cell {number}: a widget")
            elif html.has_attr("data-module"):
                missing = missing_scripts(page, html["data-module"])
                lost += [f"code cell {number}: {name}" for name in missing]
    return lost


def missing_scripts(page, module):
    """Of a module, all that it imports and the host, what the page does not hold."""
    inert = page.select('script[data-bplib-module][type="text/plain"]')
    texts = {script["data-bplib-module"]: script.string for script in inert}
    host = page.select('script[defer][src*="_static/explorers.js"]')
    needed, missing = [module], [] if host else ["explorers.js"]
    for name in needed:  # which grows
        found = IMPORT.findall(texts.get(name) or "")
        needed += [other for other in found if other not in needed]
    return missing + [name for name in needed if not texts.get(name)]


def notebooks(book):
    return sorted(
        p.relative_to(book).with_suffix("").as_posix()
        for p in book.rglob("*.ipynb")
        if "_build" not in p.parts
    )


# The five lies


def test_1_and_2_a_failing_notebook_fails_the_build_each_time(tiny):
    folder = tiny("1 / 0")
    for _ in range(2):
        code, log = build(folder)
        assert code != 0
        assert "ZeroDivisionError" in log


def test_2_a_warning_fails_the_build_each_time(tiny):
    folder = tiny()
    (folder / "intro.ipynb").unlink()
    (folder / "intro.md").write_text("# A title\n\n[nowhere](nowhere.md)\n")
    for _ in range(2):
        code, log = build(folder)
        assert code != 0
        assert "nowhere" in log


# Says that it is here, and waits until the other one says so too; it leaves, but not at
# once, so that the other one sees it.
MEET = """
import pathlib, time
me, other = pathlib.Path("{}.here"), pathlib.Path("{}.here")
me.touch()
until = time.monotonic() + 60
while not (met := other.exists()) and time.monotonic() < until:
    time.sleep(0.1)
time.sleep(1)
me.unlink()
assert met, "nobody came"
"""


@pytest.mark.skipif(os.cpu_count() == 1, reason="on one core one runs after the other")
def test_notebooks_run_side_by_side(tiny):
    folder = tiny(MEET.format("a", "b"), beside=[MEET.format("b", "a")])
    code, log = build(folder)
    assert code == 0, log


def test_3_a_changed_library_is_executed_again(tiny):
    folder = tiny("from bplib import answer\nprint('it is', answer())")
    library = folder / "bplib" / "__init__.py"
    page = folder / "_build" / "html" / "intro.html"
    assert build(folder)[0] == 0
    assert "it is 41" in page.read_text(encoding="utf-8")
    library.write_text(library.read_text().replace("41", "42"))
    assert build(folder)[0] == 0
    assert "it is 42" in page.read_text(encoding="utf-8")
    caches = list((folder / "_build" / ".jupyter_cache").iterdir())
    assert len(caches) == 1, "the old cache stays"


# The fourth, stripped outputs that nbval passes, is closed in test_notebooks.py.


def test_5_a_lost_picture_is_found(tiny):
    folder = tiny(FIGURE)
    assert build(folder)[0] == 0
    notebook = executed(folder, "intro")
    page = soup(folder / "_build" / "html" / "intro.html")
    assert lost_outputs(notebook, page) == []
    page.select_one(".cell_output img").decompose()
    assert lost_outputs(notebook, page) == ["code cell 1: a picture"]
    page.select_one("div.cell").decompose()
    assert lost_outputs(notebook, page) == ["1 code cells, 0 on the page"]


def test_5_a_lost_widget_is_found(tiny):
    bundle = {"text/html": "<div class='it' data-x='1'></div>", WIDGET: {"model_id": 1}}
    show = "from IPython.display import display\n"
    show += f"display({bundle}, raw=True)"
    folder = tiny(show, show.replace("text/html", "text/plain"))
    assert build(folder)[0] == 0
    notebook = executed(folder, "intro")
    page = soup(folder / "_build" / "html" / "intro.html")
    assert lost_outputs(notebook, page) == ["code cell 2: a widget"]
    page.select_one("div.it").decompose()
    assert len(lost_outputs(notebook, page)) == 2
    assert not page.select('script[src*="require"], script[src*="html-manager"]')


# The real book


def test_no_output_is_lost(book, html):
    lost = {
        n: lost_outputs(executed(book, n), soup(html / f"{n}.html"))
        for n in notebooks(book)
    }
    assert not {name: what for name, what in lost.items() if what}


def test_every_picture_says_what_it_shows(html):
    for path in html.rglob("*.html"):
        for image in soup(path).select("article img"):
            alt, file = image.get("alt", ""), image["src"].rsplit("/", 1)[-1]
            real = len(alt.split()) >= 3 and file.split(".")[0] not in alt
            assert real, f"{path.name}: {image}"
            assert image.get("width"), f"{path.name} jumps when this arrives: {image}"


def test_no_line_begins_with_the_comma_of_a_formula(html):
    """What follows a formula, or opens before it, is in its span, which stays whole."""
    left, moved = [], 0
    for path in html.rglob("*.html"):
        for formula in soup(path).select("article span.math"):
            before, after = formula.previous_sibling or "", formula.next_sibling or ""
            if re.match(r"[.,;:!?)]", str(after)) or str(before).endswith(("(", "“")):
                left.append(f"{path.name}: {formula}")
            text = formula.get_text()
            moved += text.startswith(("(", "“")) or text.endswith((".", ",", ";", ":"))
    assert not left
    assert moved > 100


def test_every_link_of_the_site_leads_somewhere(html):
    pages = {p: soup(p) for p in html.rglob("*.html") if "_static" not in p.parts}
    ids = {p: {tag["id"] for tag in s.select("[id]")} for p, s in pages.items()}
    broken = []
    for path, page in pages.items():
        for tag in page.select("[href], [src]"):
            link = urlsplit(tag.get("href") or tag.get("src") or "")
            if link.scheme or link.netloc:
                continue
            target = path
            if link.path:
                target = (path.parent / unquote(link.path)).resolve()
            fragment = unquote(link.fragment)
            if not target.is_file():
                broken.append(f"{path.name}: {tag}")
            elif fragment and fragment not in ids.get(target, set()):
                broken.append(f"{path.name}: no such place: {tag}")
    assert not broken, "\n".join(broken)


def test_no_page_names_a_script_or_style_elsewhere(html):
    for path in html.rglob("*.html"):
        for tag in soup(path).select("script, link, img, iframe"):
            address = tag.get("src") or tag.get("href") or ""
            assert not address.startswith(("http", "//")), f"{path.name}: {tag}"


def test_page_weight(html):
    """A chapter's own scripts and styles; MathJax and pictures come beside them."""
    page = html / "everything.html"
    files = [
        t.get("src") or t.get("href")
        for t in soup(page).select("script[src], link[rel=stylesheet]")
    ]
    sizes = {
        f: (html / f.split("?")[0]).stat().st_size for f in files if "mathjax/" not in f
    }
    assert sum(sizes.values()) < 800_000, sizes


def test_colors_of_forward_and_backward_are_those_of_the_pictures():
    from bplib import drawing

    css = (ROOT / "assets" / "book.css").read_text(encoding="utf-8")
    for name in ("forward", "backward"):
        colors = re.findall(rf"--{name}: (#\w{{6}});", css)
        upper = name.upper()
        pictures = [getattr(drawing, upper), getattr(drawing, f"{upper}_DARK")]
        assert [c.upper() for c in colors] == [c.upper() for c in pictures]
