"""This Sphinx extension makes the built book honest, light, offline and accessible."""

import hashlib
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import content_policy
import imagesize
import nbformat
from bs4 import BeautifulSoup, NavigableString
from explorer_boxes import Explorers
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from sphinx.util import logging

# Scripts and files of the theme that no page needs: its icons are in a font.
DROPPED = ("scripts/fontawesome.js", "locales", "images", "webpack-macros.html")
# What a page may ask for of the MathJax package, 3 of its 24 MB.
MATHJAX = ("tex-chtml.js", "output/chtml/fonts/woff-v2", "input/tex/extensions")
# Coloured code: most of a page's tags, and nothing of it is mended.
CODE = re.compile(r'(?<=<div class="highlight"><pre>).*?(?=</pre>)', re.DOTALL)
HOLE = "<!-- code -->"

LOG = logging.getLogger(__name__)

FRONT_DOOR = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Backpropagation You Can Check</title>
<meta http-equiv="refresh" content="0; url={page}.html"></head>
<body><main><h1>Backpropagation You Can Check</h1>
<p><a href="{page}.html">Open the book</a></p></main></body></html>
"""


def setup(app):
    app.add_config_value("comments_config", {}, "")  # Jupyter Book sets it always
    app.connect("config-inited", execute_what_stands_here)
    app.connect("env-before-read-docs", execute_side_by_side)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def key_of_what_notebooks_use(root):
    """Hash of every file of bplib and of constraints.txt, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    files = [*(root / "bplib").rglob("*"), root / "constraints.txt"]
    for path in sorted(p for p in files if p.is_file() and p.suffix != ".pyc"):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def execute_what_stands_here(app, config):
    """A changed library or version executes all notebooks again."""
    root = Path(app.srcdir)
    caches = Path(app.outdir).parent / ".jupyter_cache"
    cache = caches / key_of_what_notebooks_use(root)
    if caches.is_dir():
        for old in set(caches.iterdir()) - {cache}:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    config.nb_execution_cache_path = str(cache)
    # Kernels import the bplib beside the book, not one that is installed elsewhere.
    paths = [str(root), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))


def execute_side_by_side(app, env, names):
    """Fill the cache, with a kernel for each core; the build finds all there.

    A notebook that fails is not kept: the build meets it again, and reports it.
    """
    cache = get_cache(app.config.nb_execution_cache_path)
    # Asked and written here, never beside one another: the cache is a data base.
    todo = [Path(env.doc2path(name)) for name in names]
    todo = [path for path in todo if path.suffix == ".ipynb" and not is_in(cache, path)]
    timeout = app.config.nb_execution_timeout

    def execute(path):
        notebook, quiet = nbformat.read(path, 4), ["--log-level=ERROR"]
        return path, single_nb_execution(
            notebook, str(path.parent), timeout, False, extra_arguments=quiet
        )

    with ThreadPoolExecutor(os.cpu_count()) as kernels:
        for path, result in kernels.map(execute, todo):
            if result.err is None:
                bundle = CacheBundleIn(
                    result.nb, str(path), data={"execution_seconds": result.time}
                )
                cache.cache_notebook_bundle(bundle, check_validity=False)
                LOG.info(f"executed {path.name}: {result.time:.0f} s")


def is_in(cache, path):
    try:
        return cache.match_cache_notebook(nbformat.read(path, 4))
    except KeyError:
        return None


def finish(app, error):
    """When all is written: mend the pages, make the site whole, keep no failure."""
    if error or app._warncount:
        # Without what was read, a second build must meet the same warnings again.
        shutil.rmtree(app.doctreedir, ignore_errors=True)
    if error or app.builder.name != "html":
        return
    site = Path(app.outdir)
    (site / "index.html").write_text(FRONT_DOOR.format(page=app.config.root_doc))
    executed = Path(app.config.nb_execution_cache_path)
    explorers = Explorers(Path(app.srcdir), site, executed)
    scripts = set()
    for path in site.rglob("*.html"):
        if "_static" not in path.relative_to(site).parts:
            text = path.read_text(encoding="utf-8")
            code = CODE.findall(text)
            page = BeautifulSoup(CODE.sub(HOLE, text), "html.parser")
            explorers.mend(page, path)
            mend(page, path, site)
            scripts |= content_policy.mend(page)
            text = str(page)
            for piece in code:
                text = text.replace(HOLE, piece, 1)
            path.write_text(text, encoding="utf-8")
    policy = content_policy.policy(scripts) + "\n"
    (site / content_policy.FILE).write_text(policy, encoding="utf-8")
    for name in DROPPED:
        path = site / "_static" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in (site / "_static").rglob("*.map"):
        path.unlink()
    copy_mathjax(site / "_static/mathjax")


def copy_mathjax(target):
    source = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static/mathjax"
    for part in MATHJAX:
        copy = shutil.copytree if (source / part).is_dir() else shutil.copyfile
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target / part, ignore_errors=True)
        copy(source / part, target / part)


def mend(page, path, site):
    """Change one page in place; a second time changes nothing."""
    for tag in page.select('script[src*="fontawesome.js"]'):
        tag.decompose()
    for tag in page.select('meta[name="viewport"]')[1:]:
        tag.decompose()
    label(page)
    pictures(page, path)
    punctuation(page)
    download_button(page, path, site)


def label(page):
    """Names and landmarks for those who do not see the page."""
    names = {
        "#pst-search-dialog": "Search",
        "#pst-primary-sidebar": "Book",
        "#pst-primary-sidebar-modal": "Menu",
        "#pst-secondary-sidebar-modal": "On this page",
        "nav.bd-links": "Chapters",
        "#jb-print-toc nav": "Contents",
        ".primary-toggle": "Menu",
        ".secondary-toggle": "On this page",
    }
    for selector, name in names.items():
        for tag in page.select(selector):
            tag["aria-label"] = name
            if tag.has_attr("title"):
                tag["title"] = name
    for tag in page.select("#pst-primary-sidebar"):
        tag["role"] = "navigation"
    # The button's visible text is its name.
    for tag in page.select("button.search-button-field[aria-label]"):
        del tag["aria-label"]
    # The name hid the text "Show code cell source".
    for tag in page.select("details.hide > summary[aria-label]"):
        del tag["aria-label"]
    # In the menu, the arrow that unfolds a chapter's sections has no text.
    for tag in page.select("summary:has(> .toctree-toggle)"):
        tag["aria-label"] = "Sections"
    # This role is given up; the list around it wants items.
    for tag in page.select('[role="doc-biblioentry"]'):
        tag["role"] = "listitem"
    # Markdown heads every column; an empty head is none.
    for tag in page.select("th"):
        if not tag.get_text(strip=True) and not tag.find("img"):
            tag.name = "td"
    for tag in page.select("i[class*=fa-], span[class*=fa-]"):
        tag["aria-hidden"] = "true"


def pictures(page, path):
    """Room for each picture before it arrives, and no inversion in the dark."""
    for image in page.select("article img"):
        image["class"] = sorted({*image.get("class", []), "dark-light"})
        file = path.parent / image["src"]
        if not image.get("width") and file.is_file():
            width, height = imagesize.get(file)
            if width > 0:
                image["width"], image["height"] = width, height


OPENS, CLOSES = re.compile(r"[(\[“‘]+$"), re.compile(r"^[.,;:!?)\]”’…]+")


def punctuation(page):
    """A comma stays in the line of the formula before it, a bracket in that after it.

    A browser may break the line at each side of a formula; so they move into its span,
    which has no break.
    """
    for formula in page.select("article span.math"):
        before, after = formula.previous_sibling, formula.next_sibling
        if type(before) is NavigableString and (found := OPENS.search(before)):
            formula.insert(0, found[0])
            before.replace_with(before[: found.start()])
        if type(after) is NavigableString and (found := CLOSES.search(after)):
            formula.append(found[0])
            after.replace_with(after[found.end() :])


def download_button(page, path, site):
    """One plain link to the notebook that made the page."""
    notebook = Path("_sources") / path.relative_to(site).with_suffix(".ipynb")
    buttons = page.select_one(".article-header-buttons")
    if buttons is None or buttons.select_one("a[download]"):
        return
    if (site / notebook).is_file():
        name = "Download this notebook"
        up = "../" * (len(path.relative_to(site).parts) - 1)
        link = page.new_tag("a", href=up + notebook.as_posix(), download="", title=name)
        link["class"] = "btn btn-sm pst-navbar-icon"
        link["aria-label"] = name
        icon = page.new_tag("i", attrs={"class": "fa-solid fa-download"})
        icon["aria-hidden"] = "true"
        link.append(icon)
        buttons.insert(0, link)
