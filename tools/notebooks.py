"""Notebooks are stored in one form only, and every rule that chapters keep is checked.

    python run.py normalise [NOTEBOOKS]    format, execute and store them
    .venv/bin/python tools/notebooks.py lint         print what breaks a rule
    .venv/bin/python tools/notebooks.py not-shown    what of bplib no chapter shows

A notebook is stored with its text outputs and execution counts, and without pictures,
widget data or anything that differs from one run to the next. So a diff shows what an
author changed, and nbval has something to compare.

A lint is a function of a path and a notebook that returns complaints, one sentence
each: where, what is wrong, what to do. `LINTS` holds them all.
"""

import argparse
import ast
import difflib
import hashlib
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from markdown_it import MarkdownIt
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ("image/png", "image/jpeg")
DEFINITIONS = (ast.ClassDef, ast.FunctionDef)
WIDGET = "application/vnd.jupyter.widget-view+json"
LONGEST, LONGEST_WHOLE, MEDIAN = 15, 30, 4  # non-blank lines of a code cell
SHORTEST_ALT = 20  # characters
UNCOMPARED_LIMIT = 2  # cells of the whole book whose output nbval may ignore


def chapters():
    """The book's notebooks, in order."""
    return sorted((ROOT / "chapters").glob("*.ipynb"))


def read(path):
    return nbformat.read(path, as_version=4)


# --- The normal form ---------------------------------------------------------------


def tidy(notebook):
    """Bring a notebook to its normal form, in place, without executing it."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook.metadata = _only(notebook.metadata, "mystnb") | metadata
    seen = {}
    for cell in notebook.cells:
        cell.metadata = _only(cell.metadata, "jupyter", "mystnb", "tags")
        # An id made of the cell's own text changes only where the cell does.
        id = hashlib.sha256(f"{cell.cell_type} {cell.source}".encode()).hexdigest()[:8]
        seen[id] = seen.get(id, 0) + 1
        cell.id = id if seen[id] == 1 else f"{id}-{seen[id]}"
        for output in cell.get("outputs", []):
            if "data" in output:
                # nbval never compares pictures. That there was one stays on record.
                images = [m for m in IMAGES if m in output.data or m in output.metadata]
                output.metadata = {image: {} for image in images}
                for mime in (*IMAGES, WIDGET):
                    output.data.pop(mime, None)
            if "execution_count" in output:
                output.execution_count = cell.execution_count
    return nbformat.from_dict(notebook)


def _only(metadata, *keys):
    return {key: metadata[key] for key in keys if key in metadata}


def text(notebook):
    """The text that a notebook's file holds, to the letter."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def execute(path):
    """Return the notebook, formatted, executed in a new kernel and in normal form."""
    ruff = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(path), "-"]
    source = path.read_text(encoding="utf-8")
    source = subprocess.run(
        ruff, input=source, stdout=subprocess.PIPE, encoding="utf-8", check=True
    ).stdout
    notebook = nbformat.reads(source, as_version=4)
    folder = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=120,
        resources=folder,
        store_widget_state=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
    )
    client.execute()
    return tidy(notebook)


# --- Helpers of the lints ----------------------------------------------------------


def complain(path, number, what):
    """One complaint; cells are counted from 1, text cells too."""
    where = f"chapters/{Path(path).name}"
    return f"{where}, cell {number}: {what}" if number else f"{where}: {what}"


def chapter_of(path):
    """("5", "a") of 05a_name.ipynb, ("3", "") of 03_name.ipynb, else two ""."""
    found = re.match(r"0*(\d+)([a-z]?)_", Path(path).name)
    return found.groups() if found else ("", "")


def cells(notebook, kind):
    """Pairs of a cell's number and the cell."""
    numbered = enumerate(notebook.cells, 1)
    return [(n, cell) for n, cell in numbered if cell.cell_type == kind]


def tags(cell, prefix):
    """What stands behind `prefix` in the tags of a cell."""
    found = cell.metadata.get("tags", [])
    return [tag.removeprefix(prefix) for tag in found if tag.startswith(prefix)]


def length(cell):
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def pictures(cell):
    """How many pictures a code cell shows; normal form keeps a record of them."""
    return sum(
        any(image in output.data or image in output.metadata for image in IMAGES)
        or output.data.get("text/plain", "").startswith("<Figure ")
        for output in cell.outputs
        if "data" in output
    )


def markdown(cell):
    """The tokens of a text cell, in reading order."""
    for token in MarkdownIt("commonmark").parse(cell.source):
        yield token
        yield from token.children or []


# --- The lints ---------------------------------------------------------------------


def lint_counts(path, notebook):
    """nbval passes whatever has no execution count, so each code cell has one."""
    code = cells(notebook, "code")
    return [
        complain(
            path,
            number,
            f"execution count {cell.execution_count}, expected {expected}: "
            "nbval compares nothing without it; run `python run.py normalise`",
        )
        for expected, (number, cell) in enumerate(code, 1)
        if cell.execution_count != expected
    ]


def lint_semicolons(path, notebook):
    return [
        complain(
            path,
            number,
            "ends with `;`, which hides the result in Jupyter only: "
            "give the last expression to a name, such as `_ = ...`",
        )
        for number, cell in cells(notebook, "code")
        if cell.source.rstrip().endswith(";")
    ]


def lint_length(path, notebook):
    code = cells(notebook, "code")
    found = []
    for number, cell in code:
        most = LONGEST_WHOLE if tags(cell, "same-as:") else LONGEST
        if not 0 < length(cell) <= most:
            found.append(
                complain(
                    path,
                    number,
                    f"{length(cell)} lines of code, at most {most} are allowed and "
                    "at least 1: one idea a cell, so divide it (or delete it)",
                )
            )
    median = statistics.median([length(cell) for _, cell in code] or [0])
    if median > MEDIAN:
        what = f"half of its code cells have over {MEDIAN} lines (median {median})"
        found.append(complain(path, 0, f"{what}: divide some"))
    return found


def lint_alt(path, notebook):
    """Whoever cannot see a picture is told what it shows."""
    found = []
    for number, cell in cells(notebook, "code"):
        image = cell.metadata.get("mystnb", {}).get("image", {})
        if pictures(cell) and (wrong := _wrong_alt(image.get("alt"))):
            hint = 'say what it shows in the metadata: {"mystnb": {"image": {"alt": "'
            found.append(complain(path, number, f'{wrong}; {hint}..."}}}}}}'))
        if pictures(cell) > 1:
            what = f"{pictures(cell)} pictures would share one alt text: one a cell"
            found.append(complain(path, number, what))
        if any("image/svg+xml" in output.get("data", {}) for output in cell.outputs):
            what = "an SVG picture, which nbval compares to the letter: show a PNG"
            found.append(complain(path, number, what))
    for number, cell in cells(notebook, "markdown"):
        alts = [token.content for token in markdown(cell) if token.type == "image"]
        for img in re.findall(r"<img\b[^>]*>", cell.source):
            alts += re.findall(r"""alt=["']([^"']*)""", img) or [None]
        for wrong in filter(None, map(_wrong_alt, alts)):
            found.append(complain(path, number, f"{wrong}; say what the picture shows"))
    return found


def _wrong_alt(alt):
    if not alt:
        return "a picture has no alt text"
    if len(alt) < SHORTEST_ALT or re.fullmatch(r"\S*", alt):
        return f"the alt text {alt!r} is a file name or under {SHORTEST_ALT} characters"


def lint_markdown(path, notebook):
    """Plain Jupyter shows directives and roles as raw text."""
    found = []
    for number, cell in cells(notebook, "markdown"):
        before = None
        for token in markdown(cell):
            raw = None
            if token.type == "fence" and token.info.startswith("{"):
                raw = f"a directive, {token.markup}{token.info}"
            elif token.type == "inline":
                lines = re.findall(r"^:{3,}.*|^\([\w-]+\)=$", token.content, re.M)
                raw = f"a directive or target, {lines[0]}" if lines else None
            elif token.type == "code_inline" and before and before.type == "text":
                role = re.search(r"\{[\w:+-]+\}$", before.content)
                raw = f"a role, {role[0]}`{token.content}`" if role else None
            if raw:
                instead = "use $$ ... $$ (eq-name), [](eq-name) or <details>"
                what = f"{raw}, which plain Jupyter shows as raw text: {instead}"
                found.append(complain(path, number, what))
            before = token
    return found


def lint_title(path, notebook):
    """The title carries the number of the file: `03_name.ipynb` opens `# 3. ...`.

    A page of a chapter that has several, `05a_name.ipynb`, opens `# 5a. ...`.
    """
    number, page = chapter_of(path)
    expected = f"# {number}{page}. " if number else "# "  # back matter
    titles = []
    for number, cell in cells(notebook, "markdown"):
        tokens = list(markdown(cell))
        for token, inside in zip(tokens, tokens[1:], strict=False):
            if token.type == "heading_open" and token.tag == "h1":
                titles.append((number, f"# {inside.content}"))
    if len(titles) != 1 or titles[0][0] != 1 or not titles[0][1].startswith(expected):
        what = f"top-level titles {titles}: the only one stands in cell 1"
        return [complain(path, 0, f"{what} and begins `{expected}`")]
    return []


def lint_how_to_get_bplib(path, notebook):
    """A notebook opened alone says how to get bplib before it imports it."""
    told = False
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "markdown":
            told = told or re.search(r"pip install|run\.py", cell.source)
        elif re.search(r"^\s*(from|import) bplib\b", cell.source, re.M) and not told:
            what = "imports bplib before any text says how to get it: name run.py"
            return [complain(path, number, f"{what} or pip install in a sentence")]
    return []


def lint_stderr(path, notebook):
    return [
        complain(path, number, "prints a warning or to stderr: mend what it warns of")
        for number, cell in cells(notebook, "code")
        if any(output.get("name") == "stderr" for output in cell.outputs)
    ]


def lint_normal_form(path, notebook):
    """The file is, to the letter, what `normalise` would store."""
    stored = Path(path).read_bytes().decode("utf-8").replace("\r\n", "\n")
    expected = text(tidy(nbformat.reads(stored, as_version=4)))
    if stored == expected:
        return []
    lines = difflib.unified_diff(
        stored.splitlines(), expected.splitlines(), "stored", "normal", "", "", 1, ""
    )
    diff = "\n".join(line[:100] for line in list(lines)[:12])
    what = "is not in normal form: run `python run.py normalise`"
    return [complain(path, 0, f"{what}\n{diff}")]


def lint_same_as(path, notebook):
    """What a chapter shows as bplib's is bplib's: the same syntax tree."""
    found = []
    for number, cell in cells(notebook, "code"):
        for name in tags(cell, "same-as:"):
            if problem := _same_as(cell.source, name):
                found.append(complain(path, number, f"same-as:{name} {problem}"))
    return found


def _same_as(source, name):
    wanted = library(name)
    if wanted is None:
        return "names nothing in bplib: correct the tag"
    *owner, last = name.split(".")
    body = ast.parse(source).body
    shown = find(body, [last]) or find(body, [owner[-1], last])
    if shown is None:
        return f"is on a cell that does not define {last}"
    shown, wanted = plain(shown), plain(wanted)
    if ast.dump(shown) == ast.dump(wanted):
        return None
    lines = difflib.unified_diff(
        ast.unparse(wanted).splitlines(),
        ast.unparse(shown).splitlines(),
        "bplib",
        "this cell",
        lineterm="",
        n=1,
    )
    return "differs from the library: make them equal\n" + "\n".join(lines)


def library(name):
    """The definition of, say, `bplib.layers.Dense.backward` in the library's source."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        file = ROOT.joinpath(*parts[:cut]).with_suffix(".py")
        if parts[0] == "bplib" and file.is_file():
            return find(ast.parse(file.read_text(encoding="utf-8")).body, parts[cut:])
    return None


def find(body, names):
    """The class or function at the path `names` in a list of statements, or None."""
    for node in reversed(body):  # the last definition is the one that counts
        if isinstance(node, DEFINITIONS) and node.name == names[0]:
            return node if len(names) == 1 else find(node.body, names[1:])
    return None


def plain(node):
    """The same tree without docstrings."""
    node = ast.parse(ast.unparse(node)).body[0]
    for inner in ast.walk(node):
        if isinstance(inner, DEFINITIONS):
            if ast.get_docstring(inner) is not None:
                inner.body = inner.body[1:] or [ast.Pass()]
    return node


LINTS = [value for name, value in list(globals().items()) if name.startswith("lint_")]


# --- Rules of the whole book -------------------------------------------------------
# Each takes a dictionary {path: notebook}.


def book_exercises(notebooks):
    """Each exercise has one solution, and carries the number of its chapter."""
    places = {"exercise:": {}, "solution:": {}}
    found = []
    for path, notebook in notebooks.items():
        for number, cell in enumerate(notebook.cells, 1):
            for prefix, place in places.items():
                for name in tags(cell, prefix):
                    if name in place:
                        what = f"{prefix}{name} stands elsewhere too: number it anew"
                        found.append(complain(path, number, what))
                    place[name] = (path, number)
                    chapter, _ = chapter_of(path)
                    if prefix == "exercise:" and name.split(".")[0] != chapter:
                        what = f"{prefix}{name} is in chapter {chapter}: renumber it"
                        found.append(complain(path, number, what))
    for prefix, other in (("exercise:", "solution:"), ("solution:", "exercise:")):
        for name in places[prefix].keys() - places[other].keys():
            what = f"{prefix}{name} has no {other}{name}: add the cell or its tag"
            found.append(complain(*places[prefix][name], what))
    return found


def book_uncompared(notebooks):
    """Cells that nbval is told to ignore are few."""
    ignore = r"nbval[-_](ignore[-_]output|skip)|pytest_validate_ignore_output"
    found = [
        complain(path, number, "nbval is told to ignore this cell")
        for path, notebook in notebooks.items()
        for number, cell in cells(notebook, "code")
        if any(re.fullmatch(ignore, tag, re.I) for tag in tags(cell, ""))
        or re.search(rf"^\s*#\s*({ignore})\s*$", cell.source, re.I | re.M)
    ]
    return found if len(found) > UNCOMPARED_LIMIT else []


BOOK_LINTS = [book_exercises, book_uncompared]


def not_shown(notebooks):
    """Public classes and functions of bplib that no chapter shows in full."""
    shown = {
        name
        for notebook in notebooks.values()
        for _, cell in cells(notebook, "code")
        for name in tags(cell, "same-as:")
    }
    missing = []
    for file in sorted((ROOT / "bplib").glob("[!_]*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if not isinstance(node, DEFINITIONS) or node.name.startswith("_"):
                continue
            name = f"bplib.{file.stem}.{node.name}"
            inner = [n.name for n in ast.walk(node) if isinstance(n, DEFINITIONS)][1:]
            by_method = inner and {f"{name}.{n}" for n in inner} <= shown
            if name not in shown and not by_method:
                missing.append(name)
    return missing


# --- The command line --------------------------------------------------------------


def lint(paths):
    """All complaints about these notebooks."""
    notebooks = {path: read(path) for path in paths}
    found = [c for p, nb in notebooks.items() for rule in LINTS for c in rule(p, nb)]
    return found + [c for rule in BOOK_LINTS for c in rule(notebooks)]


def normalise(paths):
    """Execute and store notebooks; one that fails is left as it was."""
    failed = False
    for path in paths:
        start = time.time()
        print(f"{path.name} ...", end=" ", flush=True)
        try:
            stored = text(execute(path))
        except (CellExecutionError, subprocess.CalledProcessError) as error:
            print(f"failed, nothing was changed\n{error}")
            failed = True
            continue
        path.write_text(stored, encoding="utf-8", newline="\n")
        print(f"{time.time() - start:.1f} s", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["normalise", "lint", "not-shown"])
    parser.add_argument("notebooks", nargs="*", type=Path, help="all, if none is named")
    arguments = parser.parse_args()
    paths = [path.resolve() for path in arguments.notebooks] or chapters()
    if arguments.command == "not-shown":
        print(*not_shown({path: read(path) for path in chapters()}), sep="\n")
        return 0
    failed = arguments.command == "normalise" and normalise(paths)
    complaints = lint(paths)
    print(*complaints, sep="\n", end="\n" if complaints else "")
    return int(failed or bool(complaints))


if __name__ == "__main__":
    sys.exit(main())
