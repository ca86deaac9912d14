"""The formula sheet: each formula has a check, each check can fail, none is missing."""

import ast
import copy
import functools
import re

import notebooks
import pytest
from notebooks import ROOT, chapters, read

SHEET = ROOT / "chapters" / "formulas.ipynb"
DISPLAY = re.compile(r"\$\$(.+?)\$\$[ \t]*(?:\((eq-[\w-]+)\))?", re.S)
LINK = re.compile(r"\]\(([\w/]+\.ipynb)\)")


def split(cells):
    """The code before the first formula, and {name: (text, [code, ...])} after it.

    The first check of a formula carries its name, in a tag such as sheet:chain.
    """
    setup, groups, text, name = [], {}, None, None
    for cell in cells:
        if cell.cell_type == "markdown":
            shown = DISPLAY.findall(cell.source)
            assert len(shown) <= 1, f"two formulas in one cell: {cell.source}"
            text, name = (cell.source if shown else None), None
            continue
        assert "formula" in cell.metadata.tags, "it would be printed"
        names = notebooks.tags(cell, "sheet:")
        if names:
            [name] = names
            assert text and name not in groups, f"{name}: no formula, or two"
            groups[name] = (text, [])
        assert name or not groups, f"a check without a formula: {cell.source}"
        (groups[name][1] if name else setup).append(cell.source)
    return setup, groups


SETUP, GROUPS = split(read(SHEET).cells)

# --- Each formula has its check ------------------------------------------------------


def asserts(code):
    return [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Assert)]


@pytest.mark.parametrize("label", GROUPS)
def test_each_formula_is_asserted_and_says_where_it_comes_from(label):
    text, codes = GROUPS[label]
    assert sum(len(asserts(code)) for code in codes) >= 1
    links = LINK.findall(text)
    assert links and all((SHEET.parent / link).is_file() for link in links)


def test_no_formula_is_without_a_check():
    cells = read(SHEET).cells
    shown = [c for c in cells if c.cell_type == "markdown" and "$$" in c.source]
    assert len(shown) == len(GROUPS) > 40


def test_no_line_of_a_formula_is_wider_than_a_phone():
    """Rough: what TeX spells out counts as one letter."""
    for text, _ in GROUPS.values():
        shown = re.sub(r"\\(begin|end)\{\w+\}|\\(text|mathsf)\b", "", text)
        for line in re.split(r"\\\\", DISPLAY.search(shown)[1]):
            line = re.sub(r"\\[a-zA-Z]+|\\.", "x", line)
            assert len(re.sub(r"[{}&_^\s]", "", line)) <= 42, line


# --- Each check can fail -------------------------------------------------------------

# What becomes of an operator.
SWAP = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add, ast.Mult],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult],
    ast.Pow: [ast.Mult],
}
# Numbers that say how many or how near, not what a formula is.
SIZES = {"draw", "range", "ndindex", "linspace", "zeros", "ones", "full", "eye"}
SIZES |= {"Dense", "Conv2D", "RNN", "reshape", "product", "combinations"}
# Where any number does: how far to go, in which direction, at which place.
FREE = {
    "best-step": ["100 * two", "two / 100", "100"],
    "cost": ["0", "0.0", "1"],
    "indices": ["dZ[:, j] * 1"],
    "predict": ["step * w"],
    "second": ["step * x[:2]"],
    "stable": ["z - c", "9"],
    "marks": ["5 * draw(1, C)", "5"],
    "momentum": ["-3", "d * (-1) ** k", "beta * to_and_fro + d * (-1) ** k"],
    "momentum-limit": ["0.99 * limit"],
    "neuron-bow": ["X @ w - T[:, 0]"],  # the targets drop out
    "ramp": ["3 * z", "3"],
    "scaled": ["X * [0.001, 1, 1]", "0.001", "1"],
}


class Mutant(ast.NodeTransformer):
    """Change the nth thing that can be changed: an operator, a sign, a transpose, a
    number in an expression."""

    def __init__(self, nth):
        self.nth, self.seen, self.done, self.inside = nth, -1, "", 0

    def turn(self, node, what):
        self.seen += 1
        if self.seen == self.nth:
            self.done = f"{what} in {ast.unparse(node)}"
            return True
        return False

    def within(self, node):
        self.inside += 1
        node = self.generic_visit(node)
        self.inside -= 1
        return node

    def visit_Call(self, node):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        return node if name in SIZES else self.within(node)

    def visit_keyword(self, node):
        return node

    def visit_Subscript(self, node):
        return node

    def visit_Compare(self, node):
        """What is equal is changed; the tolerance under which something is, is not."""
        if isinstance(node.ops[0], ast.Eq):
            return self.within(node)
        node.left = self.visit(node.left)
        return node

    def visit_BinOp(self, node):
        for swapped in SWAP.get(type(node.op), ()):
            if self.turn(node, swapped.__name__):
                return ast.BinOp(node.left, swapped(), node.right)
        return self.within(node)

    def visit_UnaryOp(self, node):
        if isinstance(node.op, ast.USub) and self.turn(node, "no sign"):
            return node.operand
        return self.generic_visit(node)

    def visit_Attribute(self, node):
        if node.attr == "T" and self.turn(node, "no transpose"):
            return node.value
        return self.generic_visit(node)

    def visit_Constant(self, node):
        number = isinstance(node.value, (int, float)) and not isinstance(
            node.value, bool
        )
        if self.inside and number and self.turn(node, "1.5 more"):
            return ast.Constant(node.value + 1.5)
        return node


def mutants(code):
    """Every change of a cell: what was done, and the cell."""
    nth = 0
    while True:
        change = Mutant(nth)
        tree = ast.fix_missing_locations(change.visit(ast.parse(code)))
        if not change.done:
            return
        yield change.done, tree
        nth += 1


class Noting(ast.NodeTransformer):
    """An assert notes that it fails, and the cell goes on."""

    def __init__(self, cell):
        self.cell = cell

    def visit_Assert(self, node):
        call = f"_fails({self.cell}, {node.lineno}, ({ast.unparse(node.test)}))"
        return ast.parse(call).body[0]


def run(trees, names):
    """(cell, line) of each assert that fails, or the name of another error."""
    failed = set()

    def fails(cell, line, holds):
        if not holds:
            failed.add((cell, line))

    names["_fails"] = fails
    for cell, tree in enumerate(trees):
        noting = ast.fix_missing_locations(Noting(cell).visit(copy.deepcopy(tree)))
        try:
            exec(compile(noting, f"cell {cell}", "exec"), names)
        except Exception as error:
            return failed | {type(error).__name__}
    return failed


@functools.cache
def names_before():
    """{label: the names that its check finds}; all checks pass, in order."""
    names, found = {}, {}
    run_all = [ast.parse(code) for code in SETUP]
    assert not run(run_all, names)
    for label, (_, codes) in GROUPS.items():
        found[label] = dict(names)
        wrong = run([ast.parse(code) for code in codes], names)
        assert not wrong, f"{label}: {wrong}"
    return found


@pytest.mark.parametrize("label", GROUPS)
def test_each_check_fails_when_its_formula_is_changed(label):
    codes = GROUPS[label][1]
    plain = [ast.parse(code) for code in codes]
    survivors, failed, free = [], set(), FREE.get(label, ())
    for k, code in enumerate(codes):
        for what, tree in mutants(code):
            names = {
                name: copy.deepcopy(value) if name == "rng" else value
                for name, value in names_before()[label].items()
            }
            ends = run([*plain[:k], tree, *plain[k + 1 :]], names)
            if not ends and what.split(" in ", 1)[1] not in free:
                survivors.append(what)
            failed |= ends
    wanted = {(k, a.lineno) for k, code in enumerate(codes) for a in asserts(code)}
    assert not survivors, f"changed, and nobody noticed: {survivors}"
    assert wanted <= failed, f"no change makes these fail: {wanted - failed}"


# --- None is missing -----------------------------------------------------------------

# Where each labelled formula of the chapters stands on the sheet.
ON_THE_SHEET = {
    "eq-chain": "chain",
    "eq-neuron-z": "neuron",
    "eq-dense-101": "layer",
    "eq-collapse-101": "collapse",
    "eq-recurrent": "recurrent",
    "eq-what-error": "squared",
    "eq-what-one-step": "step",
    "eq-what-predict": "predict",
    "eq-what-box-back": "pieces",
    "eq-xor-forward": "squared",
    "eq-fwd-sum": "neuron",
    "eq-fwd-collapse": "collapse",
    "eq-fwd-from-output": "slopes",
    "eq-fwd-softmax": "softmax",
    "eq-fwd-bce": "binary",
    "eq-fwd-two-slopes": "saturated",
    "eq-fwd-softplus": "stable",
    "eq-fork": "fork",
    "eq-layer": "layer",
    "eq-four": "four",
    "eq-weights": "indices",
    "eq-back": "indices",
    "eq-slip": "slip",
    "eq-sigmoid-slope": "slopes",
    "eq-softmax-slopes": "softmax-slopes",
    "eq-softmax-ce": "softmax",
    "eq-upd-rule": "step",
    "eq-upd-fall": "fall",
    "eq-upd-cross": "second",
    "eq-upd-noise": "noise",
    "eq-upd-momentum": "momentum",
    "eq-rate-bowl": "bowl",
    "eq-rate-two": "limit",
    "eq-rate-neuron": "neuron-bow",
    "eq-rate-napkin": "napkin",
    "eq-rate-momentum": "momentum-limit",
    "eq-rate-floor": "floor",
    "eq-adv-changes": "corners",
    "eq-differences": "differences",
    "eq-both-errors": "best-step",
    "eq-plain-ratio": "scaled",
    "eq-scaled-error": "scaled",
    "eq-projection": "projection",
    "eq-digits-loss": "softmax",
}
NOT_ON_THE_SHEET = {
    "eq-collect": "the weights of one example",
    "eq-what-one-weight": "an example: one weight",
    "eq-what-wiggle": "numbers",
    "eq-what-box": "an example: the edges of a box",
    "eq-napkin": "an example: the napkin",
    "eq-napkin-back": "numbers",
    "eq-fwd-numbers": "numbers",
    "eq-fwd-bend": "numbers",
    "eq-fwd-fold": "an example: paper, folded",
    "eq-waist": "an example: one path",
    "eq-hourglass": "an example: a fork",
    "eq-staged": "an example: an expression to take apart",
    "eq-numbers": "numbers",
    "eq-corner": "an example: two corners that make none",
    "eq-paper": "numbers: four digits on paper",
    "eq-upd-targets": "numbers",
    "eq-upd-bias": "the squared error of a bias alone",
    "eq-upd-order": "numbers: who comes last counts most",
    "eq-capstone": "the layers and the error of one network",
    "eq-digits-forward": "the layer, in the network for digits",
}


def labelled(path):
    cells = read(path).cells
    text = "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
    return {label for _, label in DISPLAY.findall(text) if label}


LABELS = {path.name: labelled(path) for path in chapters() if path != SHEET}


def missing(labels):
    """Labels of which nobody has said whether they belong on the sheet."""
    return {*labels} - {*ON_THE_SHEET} - {*NOT_ON_THE_SHEET}


@pytest.mark.parametrize("name", LABELS)
def test_every_formula_of_a_chapter_is_on_the_sheet_or_has_a_reason_not_to(name):
    assert not missing(LABELS[name])
    for label in LABELS[name] & {*ON_THE_SHEET}:
        text, _ = GROUPS[ON_THE_SHEET[label]]
        assert name in LINK.findall(text), f"{label}: the sheet does not name {name}"


def test_the_two_lists_say_nothing_twice_and_nothing_old():
    assert not {*ON_THE_SHEET} & {*NOT_ON_THE_SHEET}
    assert {*ON_THE_SHEET, *NOT_ON_THE_SHEET} == set().union(*LABELS.values())
    assert missing({"eq-new", "eq-chain"}) == {"eq-new"}


def test_labels_are_found(tmp_path):
    cell = notebooks.nbformat.v4.new_markdown_cell("$$\na\n$$ (eq-a)\n\n$$ b $$")
    notebook = notebooks.nbformat.v4.new_notebook(cells=[cell])
    notebooks.nbformat.write(notebook, tmp_path / "a.ipynb")
    assert labelled(tmp_path / "a.ipynb") == {"eq-a"}
    assert sum(map(len, LABELS.values())) > 50
