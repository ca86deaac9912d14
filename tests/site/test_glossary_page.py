"""The glossary in the built book: every link leads to an entry, from the first use."""

import re

import pytest
from bs4 import BeautifulSoup, NavigableString
from copies import ROOT

NO_LINKS = "h1, h2, h3, h4, pre, code, table, summary, figcaption, .math, .cell, .toc"
CHAPTERS = sorted(
    path.stem for path in (ROOT / "chapters").glob("[0-9]*.ipynb") if path.is_file()
)


def soup(html, page):
    text = (html / f"{page}.html").read_text(encoding="utf-8")
    return BeautifulSoup(text, "html.parser")


def too_late(page):
    """Linked terms whose plain word stands in the text before their link."""
    article = page.select_one("article")
    for tag in article.select(f"{NO_LINKS}, details, script, style"):
        tag.decompose()
    for paragraph in article.select("p"):
        if paragraph.get_text().startswith("Where to read the source"):
            paragraph.decompose()
    found, before = [], ""
    for node in article.descendants:
        if not isinstance(node, NavigableString):
            continue
        link = node.find_parent("a")
        if link and "glossary-link" in link["class"]:
            word = re.sub(r"\s+", r"\\s+", re.escape(str(node)))
            if re.search(rf"(?<![\w-]){word}(?![\w-])", before, re.I):
                found.append(str(node))
        if not link:
            before += str(node)
        else:
            before += "|"
    return found


@pytest.mark.parametrize("name", CHAPTERS)
def test_links_of_a_chapter(html, name):
    page = soup(html, f"chapters/{name}")
    links = page.select("a.glossary-link")
    assert len(links) >= 5
    places = {tag["id"] for tag in soup(html, "glossary").select("dt[id]")}
    found = [link["href"].split("#") for link in links]
    assert {address for address, _ in found} == {"../glossary.html"}
    assert {place for _, place in found} <= places
    assert len({place for _, place in found}) == len(found), "a term is linked twice"
    assert not page.select(f":is({NO_LINKS}) a.glossary-link")
    # What is long may hold what is short, and its own links come first.
    assert len(too_late(page)) <= 2


def test_a_link_that_comes_too_late_is_found(html):
    page = soup(html, "chapters/05a_one_path")
    assert not too_late(page)
    page = soup(html, "chapters/05a_one_path")
    first = page.select_one("a.glossary-link")
    first.insert_before(f" {first.get_text()} ")
    assert too_late(page) == [first.get_text()]


def test_the_glossary_leads_to_the_chapters(html):
    page = soup(html, "glossary")
    links = page.select("dl.glossary dd a")
    assert len(links) >= 60
    for link in links:
        assert (html / link["href"]).is_file()
