"""The first use of a term on a chapter's page links to the glossary, and no other."""

import re
import subprocess
import sys

import pytest
from bs4 import BeautifulSoup
from notebooks import ROOT, chapters, markdown, read

sys.path.insert(0, str(ROOT / "extensions"))

import glossary_links

GLOSSARY = (ROOT / "glossary.md").read_text(encoding="utf-8")

# --- A small book --------------------------------------------------------------------

SETTINGS = f"""
import sys
sys.path.insert(0, {str(ROOT / "extensions")!r})
extensions = ["myst_parser", "glossary_links"]
myst_enable_extensions = ["dollarmath"]
"""

TERMS = """\
# Glossary

```{glossary}
neuron
  A small part.

hidden layer
  In between.

layer
  Neurons.

learning rate
  A number.

bias
Newton's method
  Another number.
```
"""

CHAPTER = """\
# A neuron in the title

`neuron`, $neuron$, [a neuron](02_b.md), neuronal and for example, the neuron-like.

| neuron |
|---|
| bias |

    neuron

<details><summary>neuron</summary>

A neuron, folded away.

</details>

Two *neurons*, a learning
rate, **Biases**; another neuron. And a bias.

* A hidden layer has layers. Newton's method. A hidden layer.

**Where to read the source.** "The bias of neurons."
"""

INDEX = "# Index\n\nA neuron.\n\n```{toctree}\n:glob:\n*\nchapters/*\n```\n"
OTHER = "# Other\n\nA neuron, and a layer.\n"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The folder of a small book's pages; its source lies beside them."""
    folder = tmp_path_factory.mktemp("book")
    (folder / "chapters").mkdir()
    files = {
        "conf.py": SETTINGS,
        "index.md": INDEX,
        "glossary.md": TERMS,
        "chapters/01_a.md": CHAPTER,
        "chapters/02_b.md": OTHER,
        "chapters/other.md": OTHER,
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    build(folder)
    return folder


def build(folder):
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-n", ".", "html"]
    run = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")
    assert run.returncode == 0, run.stdout + run.stderr


def links(folder, page):
    text = (folder / "html" / f"{page}.html").read_text(encoding="utf-8")
    found = BeautifulSoup(text, "html.parser").select(f"a.{glossary_links.CLASS}")
    return [(" ".join(a.get_text().split()), a["href"]) for a in found]


def test_only_the_first_use_in_the_text_is_linked(book):
    assert links(book, "chapters/01_a") == [
        ("neurons", "../glossary.html#term-neuron"),
        ("learning rate", "../glossary.html#term-learning-rate"),
        ("Biases", "../glossary.html#term-bias"),
        ("hidden layer", "../glossary.html#term-hidden-layer"),
        ("layers", "../glossary.html#term-layer"),
        ("Newton’s method", "../glossary.html#term-Newton-s-method"),
    ]
    page = (book / "html" / "chapters" / "01_a.html").read_text(encoding="utf-8")
    text = " ".join(BeautifulSoup(page, "html.parser").get_text().split())
    assert "Two neurons, a learning rate, Biases; another neuron. And a bias." in text
    places = BeautifulSoup(
        (book / "html" / "glossary.html").read_text(encoding="utf-8"), "html.parser"
    )
    for _, address in links(book, "chapters/01_a"):
        assert places.find(id=address.split("#")[1]).name == "dt"


def test_each_page_of_a_chapter_has_its_own_and_other_pages_none(book):
    assert [text for text, _ in links(book, "chapters/02_b")] == ["neuron", "layer"]
    for page in ("index", "glossary", "chapters/other"):
        assert links(book, page) == []


def test_a_changed_glossary_changes_the_chapters(book):
    more = TERMS.replace("layer\n  Neurons.", "layer\nneuron-like\n  Neurons.")
    (book / "glossary.md").write_text(more, encoding="utf-8")
    build(book)
    assert ("neuron-like", "../glossary.html#term-neuron-like") in links(
        book, "chapters/01_a"
    )


# --- The glossary of the book --------------------------------------------------------


def entries(text):
    """{term: what is said of it}; terms of one entry share it."""
    inside = re.search(r"```\{glossary\}\n(?::\w+:\n)*\n(.*?)```", text, re.S)[1]
    found = {}
    for entry in inside.strip().split("\n\n"):
        *terms, says = entry.split("\n")
        assert says.startswith("  ") and terms
        found |= dict.fromkeys(terms, says.strip())
    return found


ENTRIES = entries(GLOSSARY)
PATTERN = glossary_links.pattern([term.lower() for term in ENTRIES])


def prose(cell):
    """The texts of a cell, without code, formulas and headings."""
    before = None
    for token in markdown(cell):
        if token.type == "inline" and before.type != "heading_open":
            parts = (child for child in token.children if child.type != "code_inline")
            yield re.sub(
                r"\$[^$]*\$", "x", "".join(part.content or "\n" for part in parts)
            )
        before = token


def terms_of(path):
    cells = [cell for cell in read(path).cells if cell.cell_type == "markdown"]
    text = "\n\n".join(part for cell in cells for part in prose(cell))
    return {
        glossary_links.term_in(found)
        for found in PATTERN.finditer(text)
        if found["term"]
    }


USED = {path.name: terms_of(path) for path in chapters() if path.name[0].isdigit()}


@pytest.mark.parametrize("term", ENTRIES)
def test_each_term_is_used_and_introduced_where_the_glossary_says(term):
    says = ENTRIES[term]
    [chapter, address] = re.search(r" \[Chapter (\w+)\]\((\S+)\)$", says).groups()
    path = ROOT / address
    assert path.is_file()
    assert path.name.lstrip("0").split("_")[0] == chapter or chapter in ("0", "0b")
    assert any(term.lower() in terms for terms in USED.values()), "no chapter uses it"
    text = "\n".join(cell.source for cell in read(path).cells).lower()
    word = "diverge" if term == "divergence" else term.lower()
    word = word.replace(" ", r"\s+")
    assert re.search(rf"\b{word}", text), f"chapter {chapter} does not say it"


def test_entries_are_short_and_a_term_stands_once():
    assert 60 <= len({*ENTRIES.values()}) <= 100
    assert len({term.lower() for term in ENTRIES}) == len(ENTRIES)
    for term, says in ENTRIES.items():
        plain = re.sub(r"\[Chapter.*", "", says)
        assert 10 < len(plain) < 220, term
        assert len(re.findall(r"[.!?](?= |$)", plain.strip())) <= 3, term


def test_longer_terms_come_first_and_other_meanings_are_left_out():
    wanted = glossary_links.pattern(["layer", "hidden layer", "example", "loss"])

    def found(text):
        return [f["term"] for f in wanted.finditer(text) if f["term"]]

    assert found("a Hidden\n layer, layers, the losses") == [
        "Hidden\n layer",
        "layer",
        "loss",
    ]
    assert found("for example an example, player, glossary") == ["example"]
