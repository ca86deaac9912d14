"""On each page of a chapter, the first use of a glossary term links to the glossary.

The chapters stay plain Markdown: the terms are those of the `glossary` directive in
glossary.md, with their plurals, and the links are made when a page is written. There
are none in headings, code, formulas, tables, pictures, links and what is folded away.
"""

import re

from docutils import nodes

GLOSSARY = "glossary"  # the page
PAGE = re.compile(r"chapters/\d")  # pages that get links
CLASS = "glossary-link"
# Ordinary words that hold a term and mean something else.
OTHERWISE = ["for example", "error message", "example has the weight"]
OTHERWISE += ["names of shapes", "shapes, strokes", "shape of the thing"]
SOURCES = "Where to read the source"  # begins a list of titles
NOT_TEXT = (nodes.title, nodes.reference, nodes.table, nodes.figure, nodes.raw)
NOT_TEXT += (nodes.literal, nodes.FixedTextElement, nodes.math, nodes.math_block)


def setup(app):
    app.connect("env-get-outdated", outdated)
    app.connect("doctree-resolved", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def outdated(app, env, added, changed, removed):
    """A changed glossary changes the chapters, too."""
    new = GLOSSARY in {*added, *changed}
    return [name for name in env.found_docs if PAGE.match(name)] if new else []


def terms_of(env):
    """{term in lower case: its place on the glossary's page}"""
    found = env.get_domain("std").get_objects()
    return {
        name.lower(): anchor for name, _, kind, _, anchor, _ in found if kind == "term"
    }


def pattern(terms):
    """Finds a term, the longest that fits, with its plural; and what only looks so."""
    longest_first = sorted(terms, key=len, reverse=True)
    words = "|".join(map(spaced, longest_first))
    others = "|".join(map(spaced, OTHERWISE))
    found = rf"(?<![\w-])(?:{others}|(?P<term>{words})(?:s|es)?)(?![\w-])"
    return re.compile(found, re.IGNORECASE)


def spaced(words):
    """In a chapter a term may go on in the next line, and quotes are curly."""
    return re.escape(words).replace(r"\ ", r"\s+").replace("'", "['’]")


def term_in(found):
    return re.sub(r"\s+", " ", found["term"].lower().replace("’", "'"))


def link(app, doctree, docname):
    terms = terms_of(app.env)
    if not PAGE.match(docname) or not terms:
        return
    page = app.builder.get_relative_uri(docname, GLOSSARY)
    wanted, seen = pattern(terms), set()
    for text in [*body(doctree)]:
        parts, at = [], 0
        for found in wanted.finditer(text):
            if not found["term"] or term_in(found) in seen:
                continue
            seen.add(term_in(found))
            address = f"{page}#{terms[term_in(found)]}"
            parts.append(nodes.Text(text[at : found.start()]))
            parts.append(
                nodes.reference(
                    "", found[0], internal=True, refuri=address, classes=[CLASS]
                )
            )
            at = found.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(text[at:])])


def body(doctree):
    """The texts that readers read one after the other, each whole."""
    folded = 0
    todo = [doctree]
    while todo:
        node = todo.pop()
        if isinstance(node, nodes.raw):
            folded += node.astext().count("<details") - node.astext().count("</details")
        elif isinstance(node, nodes.Text):
            if not folded:
                yield node
        elif not (isinstance(node, NOT_TEXT) or "cell" in node.get("classes", ())):
            join(node)
            if not node.astext().startswith(SOURCES):
                todo += reversed(node.children)


def join(node):
    """Lines of one text become one node, so that a term may span two of them."""
    joined = []
    for child in node.children:
        if (
            joined
            and isinstance(child, nodes.Text)
            and isinstance(joined[-1], nodes.Text)
        ):
            child = nodes.Text(joined.pop() + child)
        joined.append(child)
    node.children = []
    node.extend(joined)
