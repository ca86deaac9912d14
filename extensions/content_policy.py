"""The Content-Security-Policy: a page runs the book's own scripts and no others."""

import base64
import hashlib

FILE = "content-security-policy.txt"
META = "Content-Security-Policy"
RULES = {
    "default-src": "'none'",
    "script-src": "'self' blob:",  # blob: the modules of the explorers
    "style-src": "'self' 'unsafe-inline'",  # MathJax and the theme write styles
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    "media-src": "'self' data:",
    "connect-src": "'self'",  # the search page reads other pages
    "worker-src": "blob:",
    "form-action": "'self'",
    "base-uri": "'none'",
}
DATA = ("text/plain", "application/json", "application/ld+json")  # types never run


def own(page):
    """Sources that allow the page's inline scripts and handlers, and no others."""
    scripts = [
        tag.string or ""
        for tag in page.select("script:not([src])")
        if tag.get("type") not in DATA
    ]
    handlers = [
        value
        for tag in page.find_all(True)
        for name, value in tag.attrs.items()
        if name.startswith("on")
    ]
    hashed = {f"'sha256-{digest(text)}'" for text in scripts + handlers}
    return hashed | ({"'unsafe-hashes'"} if handlers else set())


def digest(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def policy(sources):
    rules = RULES | {"script-src": " ".join([RULES["script-src"], *sorted(sources)])}
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def mend(page):
    """Give the page its policy, before all that it rules; return its own sources."""
    for tag in page.select(f'meta[http-equiv="{META}"]'):
        tag.decompose()
    sources = own(page)
    attrs = {"http-equiv": META, "content": policy(sources)}
    page.select_one("meta[charset]").insert_after(page.new_tag("meta", attrs=attrs))
    return sources
