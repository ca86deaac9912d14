"""The chapters keep their rules, and each rule is seen to catch one that does not."""

import re
import subprocess
import sys
from copy import deepcopy

import nbformat
import notebooks
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = notebooks.ROOT

# --- The chapters ------------------------------------------------------------------

CHAPTERS = {path: notebooks.read(path) for path in notebooks.chapters()}


@pytest.mark.parametrize("lint", notebooks.LINTS, ids=lambda lint: lint.__name__)
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapter(path, lint):
    found = lint(path, deepcopy(CHAPTERS[path]))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("lint", notebooks.BOOK_LINTS, ids=lambda lint: lint.__name__)
def test_book(lint):
    found = lint(CHAPTERS)
    assert not found, "\n".join(found)


def test_what_no_chapter_shows_is_recorded(record_property):
    record_property("not shown by any chapter", notebooks.not_shown(CHAPTERS))


# --- Each lint can fail ------------------------------------------------------------

LIBRARY = '''
class Double:
    """Twice the input."""

    def forward(self, x):
        """Return 2 x."""
        return 2 * x  # a comment

    def backward(self, dy):
        return 2 * dy

def triple(x):
    return 3 * x
'''

ALT = {"mystnb": {"image": {"alt": "A line that rises from zero to one"}}}
FIGURE = {"data": {"text/plain": "<Figure size 640x480 with 1 Axes>"}}


def text_cell(source):
    return new_markdown_cell(source)


def code_cell(source, *tags, outputs=(), **metadata):
    metadata |= {"tags": list(tags)} if tags else {}
    return new_code_cell(source, metadata=metadata, outputs=list(outputs))


def shown(mime="image/png"):
    return new_output("display_data", metadata={mime: {}}, **FIGURE)


def chapter(*cells):
    """A chapter that keeps all rules, and then these cells."""
    opening = [
        text_cell("# 3. A title\n\nTo get bplib: `python run.py book`."),
        code_cell("from bplib import Net"),
    ]
    notebook = new_notebook(cells=[*opening, *cells])
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, 1):
        cell.execution_count = count
    return notebooks.tidy(notebook)


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A small bplib in place of the real one."""
    (tmp_path / "bplib").mkdir()
    (tmp_path / "bplib" / "toys.py").write_text(LIBRARY)
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)


def complaints(lint, notebook, tmp_path):
    path = tmp_path / "03_a_title.ipynb"
    path.write_text(notebooks.text(notebook), encoding="utf-8", newline="\n")
    return lint(path, notebooks.read(path))


FORWARD = "def forward(self, x):\n    return 2 * x"
GOOD = [
    text_cell("$$ a_{i} = b_{i} * c $$ (eq-a)\n\nBy [](eq-a), `{a}` and `b`."),
    text_cell("<details>\n\n```python\nx = {1: 2}\n```\n\n</details>"),
    text_cell("![A line that rises from zero to one](line.png)"),
    text_cell('<img src="a.png" alt="A line that rises from zero to one">'),
    code_cell("x = 1\n\n\n" * 15),
    code_cell(
        "def triple(x):\n    '''Says more.'''\n    return 3 * x",
        "same-as:bplib.toys.triple",
    ),
    code_cell("plot()", outputs=[shown()], **ALT),
    code_cell(LIBRARY, "same-as:bplib.toys.Double"),
    code_cell(FORWARD, "same-as:bplib.toys.Double.forward"),
    code_cell(
        f"class Double(Double):\n    {FORWARD}".replace("\n    r", "\n        r"),
        "same-as:bplib.toys.Double.forward",
    ),
]


@pytest.mark.parametrize("lint", notebooks.LINTS, ids=lambda lint: lint.__name__)
def test_good_chapter_passes(lint, library, tmp_path):
    assert complaints(lint, chapter(*GOOD), tmp_path) == []


def without_count(notebook):
    notebook.cells[1].execution_count = None


def with_a_gap(notebook):
    notebook.cells[1].execution_count = 2


def with_picture_data(notebook):
    data = {"image/png": "aGVsbG8=", **FIGURE["data"]}
    notebook.cells[1].outputs = [new_output("display_data", data)]


def with_kernel_version(notebook):
    notebook.metadata.language_info.version = "3.11.7"


def with_random_id(notebook):
    notebook.cells[0].id = "f00"


def without_hint(notebook):
    notebook.cells[0].source = "# 3. A title"


def titled(title):
    def change(notebook):
        notebook.cells[0].source = title

    return change


SVG = new_output("display_data", {"image/svg+xml": "<svg></svg>"})
SHORT = [code_cell("x"), code_cell("y")]
STDERR = new_output("stream", name="stderr", text="a warning")

# lint: cases of (what is wrong with the chapter, words of the complaint)
BAD = {
    "lint_counts": [(without_count, "cell 2: execution count None"), (with_a_gap, "1")],
    "lint_semicolons": [(code_cell("plot();\n"), "cell 3: ends with `;`")],
    "lint_length": [
        ([code_cell("x = 1\n" * 16), *SHORT], "cell 3: 16 lines"),
        ([code_cell("x = 1\n" * 31, "same-as:bplib.toys.Double"), *SHORT], "31 lines"),
        (code_cell("\n"), "cell 3: 0 lines"),
        ([code_cell("x = 1\n" * n) for n in (5, 6, 7)], "median 5"),
    ],
    "lint_alt": [
        (code_cell("plot()", outputs=[shown()]), "cell 3: a picture has no alt"),
        (code_cell("p()", outputs=[new_output("display_data", **FIGURE)]), "no alt"),
        (code_cell("p()", outputs=[shown("image/jpeg")]), "no alt text"),
        (
            code_cell("p()", outputs=[shown()], mystnb={"image": {"alt": "A line"}}),
            "'A line'",
        ),
        (code_cell("p()", outputs=[shown(), shown()], **ALT), "2 pictures"),
        (code_cell("p()", outputs=[SVG], **ALT), "SVG"),
        (text_cell("![](line.png)"), "cell 3: a picture has no alt text"),
        (text_cell("![../images/figure_number_one.png](a.png)"), "file name"),
        (text_cell('<img src="a.png">'), "no alt text"),
    ],
    "lint_markdown": [
        (text_cell("```{note}\nhello\n```"), "cell 3: a directive, ```{note}"),
        (
            text_cell("Text\n\n:::{note}\nhello\n:::"),
            "a directive or target, :::{note}",
        ),
        (text_cell("By {eq}`eq-a`."), "a role, {eq}`eq-a`"),
        (text_cell("(a-target)=\n## Title"), "target, (a-target)="),
    ],
    "lint_title": [
        (titled("# 4. A title, run.py"), "begins `# 3. `"),
        (titled("## 3. A title, run.py"), "titles []"),
        (text_cell("# Another"), "# Another"),
    ],
    "lint_how_to_get_bplib": [(without_hint, "cell 2: imports bplib before")],
    "lint_stderr": [
        (code_cell("warn()", outputs=[STDERR]), "cell 3: prints a warning")
    ],
    "lint_normal_form": [
        (with_picture_data, "is not in normal form"),
        (with_kernel_version, '"version": "3.11.7"'),
        (with_random_id, "f00"),
    ],
    "lint_same_as": [
        (
            code_cell("def triple(x):\n    return 4 * x", "same-as:bplib.toys.triple"),
            "cell 3: same-as:bplib.toys.triple differs from the library: make them "
            "equal\n--- bplib\n+++ this cell\n@@ -1,2 +1,2 @@\n def triple(x):\n"
            "-    return 3 * x\n+    return 4 * x",
        ),
        (
            code_cell(
                "@jit\ndef triple(x):\n    return 3 * x", "same-as:bplib.toys.triple"
            ),
            "+@jit",
        ),
        (code_cell(FORWARD, "same-as:bplib.toys.Double.backward"), "does not define"),
        (
            code_cell(FORWARD.replace("2", "-2"), "same-as:bplib.toys.Double.forward"),
            "+    return -2 * x",
        ),
        (code_cell("x = 1", "same-as:bplib.toys.Nothing"), "names nothing in bplib"),
        (code_cell("x = 1", "same-as:bplib.nowhere.triple"), "names nothing in bplib"),
    ],
}


@pytest.mark.parametrize(
    ("lint", "wrong", "words"),
    [
        pytest.param(lint, wrong, words, id=f"{lint.__name__}-{i}")
        for lint in notebooks.LINTS
        for i, (wrong, words) in enumerate(BAD[lint.__name__])  # each has a bad case
    ],
)
def test_lint_complains(lint, wrong, words, library, tmp_path):
    if callable(wrong):
        notebook = chapter()
        wrong(notebook)
    else:
        notebook = chapter(*deepcopy(wrong if isinstance(wrong, list) else [wrong]))
    found = complaints(lint, notebook, tmp_path)
    assert len(found) == 1
    assert found[0].startswith("chapters/03_a_title.ipynb")
    assert words in found[0]


def test_a_page_of_a_chapter_has_its_letter_and_the_chapters_exercises(tmp_path):
    notebook = chapter(code_cell("x", "exercise:3.1"), code_cell("x", "solution:3.1"))
    path = tmp_path / "03b_a_title.ipynb"
    assert "begins `# 3b. `" in notebooks.lint_title(path, notebook)[0]
    notebook.cells[0].source = "# 3b. A title"
    assert notebooks.lint_title(path, notebook) == []
    assert notebooks.book_exercises({path: notebook}) == []
    assert notebooks.book_exercises({"04b_a_title.ipynb": notebook})


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (["exercise:3.1", "solution:3.1"], []),
        (["exercise:3.1"], ["exercise:3.1 has no solution:3.1"]),
        (["solution:3.1"], ["solution:3.1 has no exercise:3.1"]),
        (["exercise:3.1", "exercise:3.1", "solution:3.1"], ["elsewhere"]),
        (["exercise:4.1", "solution:4.1"], ["is in chapter 3"]),
    ],
)
def test_exercises_and_solutions_pair_up(tags, words):
    book = {"03_a_title.ipynb": chapter(*[code_cell("x", tag) for tag in tags])}
    found = notebooks.book_exercises(book)
    assert len(found) == len(words)
    assert all(word in line for word, line in zip(words, found, strict=True))


@pytest.mark.parametrize(
    "cell",
    [
        code_cell("x", "nbval-ignore-output"),
        code_cell("x", "nbval-skip"),
        code_cell("# NBVAL_IGNORE_OUTPUT\nx"),
        code_cell("x = 1\n# NBVAL_SKIP"),
    ],
)
def test_cells_that_nbval_ignores_are_counted_over_the_book(cell):
    limit = notebooks.UNCOMPARED_LIMIT
    book = {f"0{i}_a.ipynb": chapter(deepcopy(cell)) for i in range(limit)}
    assert notebooks.book_uncompared(book) == []
    book["09_a.ipynb"] = chapter(cell)
    found = notebooks.book_uncompared(book)
    assert len(found) == limit + 1
    assert found[-1] == "chapters/09_a.ipynb, cell 3: nbval is told to ignore this cell"


def test_not_shown_counts_whole_definitions_and_all_methods(library):
    def left(*tags):
        book = {"03_a.ipynb": chapter(*[code_cell("x", tag) for tag in tags])}
        return notebooks.not_shown(book)

    double = "same-as:bplib.toys.Double"
    assert left() == ["bplib.toys.Double", "bplib.toys.triple"]
    assert left(double) == ["bplib.toys.triple"]
    assert left(f"{double}.forward", "same-as:bplib.toys.triple") == [
        "bplib.toys.Double"
    ]
    assert left(f"{double}.forward", f"{double}.backward") == ["bplib.toys.triple"]


# --- Normalise, and nbval on what it stores ------------------------------------------

EXECUTED = [
    text_cell("# 3. A title\n\nTo get bplib: `pip install`."),
    code_cell("import ipywidgets\nimport matplotlib.pyplot as plt"),
    code_cell("x=[1,2]\nx"),
    code_cell("for i in range(3): print(i / 3, flush=True)"),
    code_cell("fig, ax = plt.subplots()\n_ = ax.plot(x)", **ALT),
    code_cell("ipywidgets.HTML('a')\nipywidgets.IntSlider(3)"),
    code_cell(
        "class Bold:\n    def _repr_html_(self):\n        return '<b>1.5</b>'\n\n\n"
        "    def __repr__(self):\n        return 'Bold()'\n\n\nBold()"
    ),
    code_cell(
        "from bplib.widgets import Frames\n\n\n"
        "def line(figure, x):\n    figure.subplots().plot([0, x])\n\n\n"
        "Frames(line, {'x': [1, 2]}, alt='A line that rises to {x}')"
    ),
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook that `normalise` has executed and stored."""
    path = tmp_path_factory.mktemp("chapters") / "03_a_title.ipynb"
    nbformat.write(new_notebook(cells=deepcopy(EXECUTED)), path)
    assert not notebooks.normalise([path])
    return path


def test_normalise_stores_a_notebook_that_keeps_all_rules(executed):
    notebook = notebooks.read(executed)
    assert [c for lint in notebooks.LINTS for c in lint(executed, notebook)] == []
    assert notebook.cells[2].source == "x = [1, 2]\nx"
    assert notebook.cells[2].outputs[0].data == {"text/plain": "[1, 2]"}
    assert len(notebook.cells[3].outputs) == 1
    assert notebook.cells[4].outputs[0].data == FIGURE["data"]
    assert list(notebook.cells[5].outputs[0].data) == ["text/plain"]
    assert notebook.cells[6].outputs[0].data["text/html"] == "<b>1.5</b>"
    explorer = notebook.cells[7].outputs[0]
    assert list(explorer.data) == ["text/html", "text/plain"]
    assert "bplib-explorer" in explorer.data["text/html"]
    assert explorer.metadata == {}
    assert b"\r" not in executed.read_bytes()
    del notebook.cells[4].metadata["mystnb"]
    assert "no alt text" in notebooks.lint_alt(executed, notebook)[0]


def test_normalise_twice_gives_the_same_bytes(executed, tmp_path):
    again = tmp_path / executed.name
    again.write_bytes(executed.read_bytes())
    assert not notebooks.normalise([again])
    assert again.read_bytes() == executed.read_bytes()


def test_normalise_leaves_a_failing_notebook_as_it_was(tmp_path, capsys):
    path = tmp_path / "03_a_title.ipynb"
    nbformat.write(new_notebook(cells=[code_cell("x=1"), code_cell("1 / 0")]), path)
    before = path.read_bytes()
    assert notebooks.normalise([path])
    assert path.read_bytes() == before
    assert "ZeroDivisionError" in capsys.readouterr().out


def test_nbval_compares_what_normalise_stores(executed, tmp_path):
    """Each altered output fails: a result, a print, a picture's text, HTML,
    an explorer's state."""
    stored = executed.read_text(encoding="utf-8")
    (tmp_path / "same.ipynb").write_text(stored, "utf-8")
    altered = {
        "Cell 1": ('"[1, 2]"', '"[1, 3]"'),
        "Cell 2": ("0.6666666666666666", "0.6666666666666667"),
        "Cell 3": ("with 1 Axes", "with 2 Axes"),
        "Cell 5": ('"<b>1.5</b>"', '"<b>1.6</b>"'),
        "Cell 6": ("rises to 2", "rises to 3"),
    }
    for old, new in altered.values():
        assert old in stored
        stored = stored.replace(old, new, 1)
    (tmp_path / "altered.ipynb").write_text(stored, "utf-8")
    # With counts and outputs taken away nbval passes; then it is the lint that speaks.
    stripped = notebooks.read(executed)
    for cell in stripped.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    nbformat.write(stripped, tmp_path / "stripped.ipynb")
    assert len(notebooks.lint_counts(executed, stripped)) == 7

    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "--color=no"]
    command += ["-p", "no:cacheprovider", "-p", "no:xdist", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    failed = re.findall(r"^FAILED \S*?(\w+)\.ipynb::(Cell \d+)", run.stdout, re.M)
    assert failed == [("altered", cell) for cell in altered], run.stdout + run.stderr
    assert "5 failed, 16 passed" in run.stdout
