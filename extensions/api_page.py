"""The page of all public names is made of their docstrings, which are Markdown.

In a Markdown page, the line `<!-- names of bplib.layers -->` becomes the names that the
module offers, each with its signature and its docstring.
"""

import inspect
import re
import sys
from importlib import import_module
from pathlib import Path

EVERY_EXPLORER = {"goal", "question", "options", "section"}  # the page says it once
FLOAT64 = "<class 'numpy.float64'>"
MARK = re.compile(r"^<!-- names of (bplib[\w.]*) -->$", re.MULTILINE)


def setup(app):
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def fill(app, docname, source):
    if MARK.search(source[0]):
        root = str(Path(app.srcdir))
        if root not in sys.path:  # the bplib beside the book, not one installed
            sys.path.insert(0, root)
        source[0] = MARK.sub(lambda found: describe(found[1]), source[0])


def describe(name):
    """The public names of a module, as Markdown: a heading for each, and its text."""
    module = import_module(name)
    parts = [heading(2, name.removeprefix("bplib.")), text_of(module)]
    for public in names_of(module):
        parts += entry(public, getattr(module, public))
    return "\n\n".join(parts)


def names_of(module):
    """What a module says it offers; else what bplib offers of it; else all of it."""
    own = getattr(module, "__all__", None)
    if own is not None:
        return own
    here = [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__ and name[0] != "_"
    ]
    offered = set(import_module("bplib").__all__)
    return [name for name in here if name in offered] or [
        name for name in here if inspect.getdoc(getattr(module, name))
    ]


def entry(name, value):
    """Heading, signature and docstring, and of a class its own methods."""
    parts = [heading(3, name), code(name, value), text_of(value)]
    if hasattr(value, "parameters"):  # an explorer
        parts[1] = f"```python\n{name}(...)\n```"
        given = value.parameters().items()
        own = [pair for pair in given if pair[0] not in EVERY_EXPLORER]
        parts.append("\n".join(parameter(*pair) for pair in own))
    if isinstance(value, type):
        for each, member in vars(value).items():
            function = member.fget if isinstance(member, property) else member
            if each[0] == "_" or not inspect.isfunction(function):
                continue
            if not function.__doc__:
                continue
            call = each if isinstance(member, property) else signed(f".{each}", member)
            kind = "" if call[0] == "." else "."
            parts.append(f"`{kind}{call}`\n: {indent(text_of(function))}")
    return parts


def parameter(name, given):
    """One line for a parameter of an explorer: its default, meaning and limits."""
    spec = given.spec()
    limits = ""
    if "low" in spec:
        limits = f", from {spec['low']} to {spec['high']}"
    elif "options" in spec:
        limits = f": {', '.join(spec['options'])}"
    return f"* `{name}={spec['default']!r}`: {spec['label']}{limits}"


def heading(level, name):
    return f"{'#' * level} {name}"


def code(name, value):
    return f"```python\n{signed(name, value)}\n```" if callable(value) else ""


def signed(name, value):
    """name(parameters), without what only type checkers read and without self."""
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return name
    plain = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    return name + str(inspect.Signature(plain)).replace(FLOAT64, "np.float64")


def text_of(value):
    return inspect.getdoc(value) or ""


def indent(text):
    return text.replace("\n", "\n  ").replace("\n  \n", "\n\n")
