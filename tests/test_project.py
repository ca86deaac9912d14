"""The project keeps its word: one-way imports, a small core, two commands."""

import ast
import io
import os
import re
import subprocess
import sys
import tokenize
import tomllib
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent

# --- Imports -----------------------------------------------------------------------

# What each module of bplib may import, the standard library aside.
MAY_IMPORT = {
    "layers": {"numpy"},
    "losses": {"numpy"},
    "optimizers": {"numpy"},
    "data": {"numpy"},
    "training": {"numpy", "data"},
    "checking": {"numpy"},
    "mistakes": set(),
    "diagnosis": {"numpy", "layers", "losses", "training", "mistakes"},
    "exercises": {
        *"numpy layers losses checking diagnosis mistakes".split(),
        *"optimizers training data".split(),
    },
    "capstone": {*"numpy layers losses data diagnosis".split()},
    "autodiff": set(),
    "drawing": {"numpy", "matplotlib"},
}
FRONT_END = {"anywidget", "ipywidgets", "traitlets", "PIL"}
MAY_IMPORT["widgets"] = {"numpy", "matplotlib", *FRONT_END, *MAY_IMPORT}
# Each of these is imported by its own name.
NOT_IN_BPLIB = {"drawing", "widgets", "autodiff", "capstone"}
MAY_IMPORT["__init__"] = {*MAY_IMPORT} - NOT_IN_BPLIB

# What `import bplib` offers.
PUBLIC = {
    "layers": "Layer Dense Sigmoid Tanh ReLU Conv2D MaxPool2D Flatten RNN Net",
    "losses": "SquaredError BinaryCrossEntropy SoftmaxCrossEntropy softmax",
    "optimizers": "SGD RMSProp Adam",
    "data": "xor moons circles spirals digits mnist minibatches",
    "training": "train accuracy",
    "checking": "numerical_gradient check_gradients",
    "diagnosis": "diagnose diagnose_backward diagnose_training",
    "exercises": "check hint",
}

# What can be read in one sitting: all but the parts that only some readers need.
CORE = {"layers", "losses", "optimizers", "data", "training", "checking", "__init__"}


def modules(package):
    """Pairs of a module's name in the table and its file; widgets/ is one module."""
    for file in sorted(package.rglob("*.py")):
        yield file.relative_to(package).with_suffix("").parts[0], file


def imported(file, package):
    """What a file imports, the standard library aside; bplib's own without `bplib.`"""
    own = {name for name, _ in modules(package)}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            here = [package.name, *file.relative_to(package).parts[:-1]]
            stem = here[: len(here) - node.level + 1] if node.level else []
            stem += (node.module or "").split(".") if node.module else []
            # `from bplib import layers` takes a module, `... import Net` a name
            names = [".".join([*stem, alias.name]) for alias in node.names]
        else:
            continue
        for name in names:
            top, *rest = name.split(".")
            if top == package.name:
                yield rest[0] if rest and rest[0] in own else "__init__"
            elif top not in sys.stdlib_module_names:
                yield top


def wrong_arrows(package):
    found = []
    for name, file in modules(package):
        if name not in MAY_IMPORT:
            found.append(f"{name} is not in the table of modules")
            continue
        for other in imported(file, package):
            if other != name and other not in MAY_IMPORT[name]:
                found.append(f"{name} imports {other}, which is against the table")
    return found


def test_imports_run_one_way():
    assert wrong_arrows(ROOT / "bplib") == []


@pytest.mark.parametrize(
    ("name", "source", "found"),
    [
        ("layers", "import math\nimport numpy as np", None),
        ("layers", "import numpy.random\nimport scipy.stats", "scipy"),
        ("layers", "from scipy import stats", "scipy"),
        ("layers", "def f():\n    from .losses import SquaredError", "losses"),
        ("losses", "from bplib.layers import Net", "layers"),
        ("losses", "from . import layers", "layers"),
        ("losses", "from bplib import layers", "layers"),
        ("losses", "import bplib.layers", "layers"),
        ("losses", "from bplib import Net", "__init__"),
        ("training", "from .data import minibatches", None),
        ("widgets/descent", "from ..layers import Net\nfrom .page import run", None),
        ("widgets/descent", "import torch", "torch"),
        ("__init__", "from .drawing import loss_curve", "drawing"),
        ("helpers", "", "helpers"),
    ],
)
def test_a_wrong_arrow_is_seen(name, source, found, tmp_path):
    package = tmp_path / "bplib"
    for each in ("layers", "losses", "data", "drawing", "widgets/page", name):
        file = package / f"{each}.py"
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(source if each == name else "")
    wrong = wrong_arrows(package)
    assert len(wrong) == (found is not None)
    assert all(f"{found} " in line or f"{found}," in line for line in wrong)


def python(code):
    """What a new Python, started in the book's folder, prints."""
    run = [sys.executable, "-c", code]
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(run, cwd=ROOT, capture_output=True, encoding="utf-8", env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_loads_no_pictures_and_no_widgets():
    loaded = python("import bplib, sys; print(*sys.modules)").split()
    assert "numpy" in loaded
    assert {"matplotlib", "ipywidgets", "anywidget", "bplib.drawing"} & {
        *loaded
    } == set()


def test_import_takes_under_30_ms_beyond_numpy():
    code = (
        "import numpy, numpy.random, time; start = time.process_time(); "
        "import bplib; print(1000 * (time.process_time() - start))"
    )
    # The least of several, in processor time: a busy machine only ever adds to it.
    # The first compiles the files, which no later one does.
    times = []
    while len(times) < 15 and min(times, default=99) >= 30:
        times.append(float(python(code)))
    assert min(times) < 30, f"import bplib took {min(times):.0f} ms at best"


def code_lines(file):
    """The lines that hold code: no blank lines, no comments, no docstrings."""
    source = file.read_text(encoding="utf-8")
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT and token.string.strip():
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
        if isinstance(node, kinds) and ast.get_docstring(node) is not None:
            text = node.body[0]
            lines.difference_update(range(text.lineno, text.end_lineno + 1))
    return len(lines)


def test_core_can_be_read_in_one_sitting():
    lines = {name: code_lines(ROOT / "bplib" / f"{name}.py") for name in sorted(CORE)}
    assert 0 < sum(lines.values()) < 1200, lines


def test_code_lines_counts_code_alone(tmp_path):
    file = tmp_path / "a.py"
    file.write_text(
        '"""One.\n\nTwo.\n"""\n\n# no\nx = """\na\n"""  # yes\ny = (\n    1\n)\n'
    )
    assert code_lines(file) == 6


def test_bplib_exports_all_public_names():
    import bplib

    there = {name for name, _ in modules(ROOT / "bplib")}
    assert there >= CORE
    names = {
        name
        for module, public in PUBLIC.items()
        if module in there
        for name in public.split()
    }
    assert {*bplib.__all__} == names
    assert all(hasattr(bplib, name) for name in names)


def test_each_file_opens_with_one_sentence():
    for _, file in modules(ROOT / "bplib"):
        opening = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
        assert opening, f"{file.name} has no docstring"
        assert opening.split("\n\n")[0].rstrip().endswith((".", "!", "?")), file.name


# --- Versions and addresses --------------------------------------------------------


def constraints():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def test_constraints_are_exact_and_sorted():
    found = constraints()
    assert [*found] == sorted(found)
    for requirement in found.values():
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), requirement


def needed(requirements):
    """All that these requirements bring with them here: {name: installed version}."""
    found, todo = {}, [(each, set()) for each in requirements]
    while todo:
        requirement, extras = todo.pop()
        marker = requirement.marker
        if marker and not any(marker.evaluate({"extra": e}) for e in extras or {""}):
            continue
        name = canonicalize_name(requirement.name)
        if name not in found or requirement.extras:
            found[name] = distribution(name).version
            inner = distribution(name).requires or []
            todo += [(Requirement(each), requirement.extras) for each in inner]
    return found


def extras():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    listed = [*extras["widgets"], *extras["drawing"], *extras["book"], *extras["tests"]]
    return [r for r in map(Requirement, listed) if r.name != "bplib"]


def test_constraints_cover_the_environment():
    """All that run.py installs has the version that is written down."""
    if Path(sys.prefix) != import_module("run").ENV:
        pytest.skip("this environment is not the one that run.py makes")
    installed = needed(extras())
    assert len(installed) > 100
    wanted = {name: str(r.specifier)[2:] for name, r in constraints().items()}
    differ = {
        name: f"installed {version}, written down {wanted.get(name)}"
        for name, version in installed.items()
        if wanted.get(name) != version
    }
    assert differ == {}


def test_extras_are_all_constrained():
    assert len(extras()) > 10
    assert {requirement.name for requirement in extras()} - {*constraints()} == set()


@pytest.mark.parametrize(
    "name", ["constraints.txt", "pyproject.toml", "run.py", ".ci/run"]
)
def test_no_package_address_is_written_down(name):
    """Whoever runs this may use a registry of their own."""
    text = (ROOT / name).read_text(encoding="utf-8")
    hosts = re.findall(r"\w+://(?!localhost)\S+|--?\w*index-url|find-links", text)
    assert hosts == []


def test_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    version = project["project"]["version"]
    assert citation["version"] == version
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (\S+)", changes, re.M)[1] == version
    assert {"title", "authors", "message", "cff-version"} <= citation.keys()


def test_licenses_are_there():
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    text = (ROOT / "LICENSE-TEXT").read_text(encoding="utf-8")
    assert "CC BY 4.0" in text
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" in text


# --- Commands, pages and style -----------------------------------------------------


def test_readme_and_contributing_name_the_commands_that_exist():
    usage = subprocess.run(
        [sys.executable, "run.py"], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert usage.returncode == 0
    offered = {*re.search(r"usage: run.py \[-h\] (.+) \.\.\.", usage.stdout)[1].split()}
    offered.discard("|")
    assert offered == {"book", "test", "normalise"}
    for page in ("README.md", "CONTRIBUTING.md", "intro.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        named = {*re.findall(r"python3? run\.py (\w+)", text)}
        assert named <= offered, page
        assert named >= {"book", "test"} or page == "intro.md", page
    first_screen = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:30]
    assert {*re.findall(r"run\.py (\w+)", "\n".join(first_screen))} >= {"book", "test"}


def test_ci_runs_the_readme_command():
    file = ROOT / ".ci" / "run"
    assert re.search(r"^python3 run\.py test\b", file.read_text("utf-8"), re.M)
    assert os.name == "nt" or os.access(file, os.X_OK)


def test_contents_and_chapters_agree():
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [contents["root"]]
    for part in contents.get("parts", [contents]):
        for entry in part["chapters"]:  # a chapter, and the pages it may have
            files += [page["file"] for page in [entry, *entry.get("sections", [])]]
    for name in files:
        found = [s for s in (".md", ".ipynb") if (ROOT / f"{name}{s}").is_file()]
        assert len(found) == 1, f"_toc.yml names {name}, of which there is {found}"
    there = {f"chapters/{path.stem}" for path in (ROOT / "chapters").glob("*.ipynb")}
    assert there <= {*files}


@pytest.mark.parametrize(
    "command", [["check", "--output-format=concise"], ["format", "--check"]]
)
def test_ruff_finds_nothing(command):
    run = [sys.executable, "-m", "ruff", *command, "--no-cache", "."]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr


# --- run.py ------------------------------------------------------------------------


def test_run_refuses_what_it_does_not_know():
    for arguments in (["publish"], ["book", "--fast"], ["book", "--serve", "x"]):
        run = [sys.executable, "run.py", *arguments]
        done = subprocess.run(run, cwd=ROOT, capture_output=True, encoding="utf-8")
        assert done.returncode == 2
        assert arguments[-1] in done.stderr


def test_run_needs_only_the_standard_library():
    tree = ast.parse((ROOT / "run.py").read_text(encoding="utf-8"))
    names = [
        a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names
    ]
    assert len(names) > 5
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))


def test_run_passes_arguments_and_exit_codes_on(monkeypatch):
    run = import_module("run")
    calls = []
    monkeypatch.setattr(run, "environment", lambda: calls.append("environment"))
    monkeypatch.setattr(run.subprocess, "call", lambda c, **k: calls.append(c) or 5)
    monkeypatch.setattr(sys, "argv", ["run.py", "test", "tests/a.py", "-k", "b or c"])
    assert run.main() == 5
    assert calls[0] == "environment"
    assert calls[1][-3:] == ["tests/a.py", "-k", "b or c"]
