"""Every exercise is solved here, every slip made, and every kind of nonsense typed."""

import itertools
import json
import re

import numpy as np
import pytest
from notebooks import chapter_of, chapters, read, tags

import bplib
from bplib import check, exercises, hint
from bplib.exercises import bank, parts
from bplib.exercises.parts import Choice, Code, Exercise, Number, Order, Shape

BANK = bank()
PARTS = [
    pytest.param(number, name, id=f"{number}-{name}")
    for number, exercise in BANK.items()
    for name in exercise.parts
]


def part_of(number, name):
    return BANK[number].parts[name]


def answer_of(part):
    """An answer that is right, or that may be given."""
    if part.kind == "order":
        return list(part.right[0])
    return part.argued[0] if part.right is None else part.right


@pytest.fixture(autouse=True)
def no_hints_seen(monkeypatch):
    monkeypatch.setattr(exercises, "shown", {})


# --- The whole bank ------------------------------------------------------------------


@pytest.mark.parametrize("number", BANK)
def test_solution_passes(number, capsys):
    answers = {name: answer_of(part) for name, part in BANK[number].parts.items()}
    check(number, **answers)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"{number}: solved"
    assert all(len(line) <= 76 for line in lines)
    for name, part in BANK[number].parts.items():
        [line] = [each for each in lines if each.startswith(name)][:1]
        if part.kind != "code":
            assert ": right." in line or part.right is None
        assert not re.search(r"np\.|nan|None|not right", line), line


@pytest.mark.parametrize(("number", "name"), PARTS)
def test_each_slip_gets_its_own_sentence(number, name):
    part = part_of(number, name)
    wrong = [(each, says) for each, says in part.slips if each != part.right]
    assert len(wrong) >= (1 if part.kind == "code" else 2), "which slips are made?"
    for slip, says in wrong:
        verdict = part.judge(slip)
        argued = part.kind == "choice" and slip in part.argued
        assert verdict.kind == ("argued" if argued else "slip"), says
        if part.kind == "code":
            assert says in verdict.text
        else:
            assert verdict.text == says
            assert says[-1] in ".?" and 10 < len(says) < 250
    says = [says for _, says in part.slips]
    assert len({*says}) >= min(2, len(says)), "several slips, one sentence"
    if part.kind == "choice":
        assert [letter for letter, _ in part.slips] == list("abcdefg"[: len(says)])
        assert part.right is None or part.right in part.options
        assert {*part.argued} <= {*part.options} - {part.right}


@pytest.mark.parametrize(("number", "name"), PARTS)
def test_no_slip_is_taken_for_another_or_for_right(number, name):
    part = part_of(number, name)
    if part.kind == "code":
        pytest.skip("functions are told apart by what they give")
    if part.kind != "number":
        values = [slip for slip, _ in part.slips]
        assert len({*values}) == len(values)
        assert part.kind == "choice" or part.right not in values
        assert part.kind != "order" or "".join(part.lines) not in part.right
        return
    values = [part.right, *(slip for slip, _ in part.slips)]
    assert np.isfinite(values).all()
    for one, other in itertools.permutations(values, 2):
        # Nothing that lies between them passes for both.
        for at in np.linspace(one, other, 201):
            assert not (part.near(at, one) and part.near(at, other)), (one, other)
    assert part.right != 0 or part.tolerance is not None, "0 needs a tolerance"


@pytest.mark.parametrize(("number", "name"), PARTS)
def test_three_digits_count(number, name):
    part = part_of(number, name)
    if part.kind != "number" or part.tolerance == 0:
        pytest.skip("nothing to round")
    if part.tolerance is None:
        assert part.judge(f"{part.right:.3g}").kind == "right"
    assert part.judge(f"{part.right:.10g}".replace(".", ",")).kind == "right"
    assert part.judge(np.float32(part.right)).kind == "right"
    assert part.judge(np.array([[part.right]])).kind == "right"
    off = 1.2 * (part.tolerance or 0.005 * abs(part.right))
    assert part.judge(part.right + off).kind != "right"


@pytest.mark.parametrize("number", BANK)
def test_hints_are_there_and_end(number, capsys):
    count = len(BANK[number].hints)
    assert count >= 2
    for _ in range(count + 2):
        hint(number)
    printed = capsys.readouterr().out
    assert all(len(line) <= 76 for line in printed.splitlines())
    lines = printed.replace("\n    ", " ").splitlines()
    assert len(lines) == count + 2
    assert lines[0] == f"{number}, hint 1 of {count}: {BANK[number].hints[0]}"
    assert all("no more hints" in line for line in lines[count:])
    assert "no more" not in lines[count - 1]


def words_of(exercise):
    yield exercise.statement
    yield from exercise.hints
    for part in exercise.parts.values():
        yield part.prompt
        yield from [part.why] if part.why else []
        yield from (says for _, says in part.slips)


@pytest.mark.parametrize("number", BANK)
def test_words_are_plain_text(number):
    for text in words_of(BANK[number]):
        assert text == text.strip() and "\n" not in text
        assert not re.search(r"\$|\\[a-z]|<[a-z/]|`|\*\*[^ 0-9]", text), (
            f"markup: {text}"
        )
    assert len(BANK[number].statement) < 400
    assert BANK[number].statement[-1] in ".?:)"


def test_the_bank_and_the_chapters_agree():
    """Each exercise has its cell, asks there for all its parts, and is asked on the
    page right before, where nobody can run that cell."""
    found = {}
    for path in chapters():
        cells = read(path).cells
        for before, cell in zip([None, *cells], cells, strict=False):
            for number in tags(cell, "exercise:"):
                chapter = int(chapter_of(path)[0])
                assert number in bank(chapter), f"{number} is not in the bank"
                found[number] = cell.source, before
                assert "remove-cell" in cell.metadata.tags, f"{number} shows on pages"
    for number, (source, before) in found.items():
        asked = re.search(r'check\(\s*"([\d.]+)"', source)
        assert asked and asked[1] == number, f"the cell of {number} checks another"
        assert [*re.findall(r"(\w+)=\.\.\.", source)] == [*BANK[number].parts], number
        assert before.source == f'Quiz("{number}")', f"no Quiz before {number}"
        assert before.metadata.get("tags") == ["remove-input"]
    there = {chapter_of(path)[0] for path in chapters()}
    expected = {number for number in BANK if number.split(".")[0] in there}
    assert {*found} == expected
    assert {"3.1", "18.5"} <= expected


def test_choices_and_lines_stand_in_the_notebook_too():
    """Letters are of no use to whoever does not see what they stand for."""
    for path in chapters():
        text = ""  # since the exercise before
        for cell in read(path).cells:
            text += " ".join(cell.source.split()) + " "
            for number in tags(cell, "exercise:"):
                for part in BANK[number].parts.values():
                    for letter in getattr(part, "options", ()):
                        assert f"({letter})" in text, f"{number}: where is {letter}?"
                    for letter, line in getattr(part, "lines", {}).items():
                        shown = rf"\b{letter}\W+{re.escape(' '.join(line.split()))}"
                        assert re.search(shown, text), (
                            f"{number}: where is line {letter}?"
                        )
                text = ""


# --- What numbers are read and what is said ------------------------------------------


def number(right, *slips, **more):
    return Number("a", right, slips, **more)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", 0.5),
        ("0,5", 0.5),
        (" .5 ", 0.5),
        ("5.", 5),
        ("+2", 2),
        ("-1/3", -1 / 3),
        ("−1/3", -1 / 3),
        ("1,5/2", 0.75),
        ("1e-3", 1e-3),
        ("1E3", 1e3),
        ("50 %", 0.5),
        ("12 updates", 12),
        ("1 000", 1000),
        *(
            (bad, None)
            for bad in "abc . 1/0 nan inf 1e999 1,000.5 -- 1/2/3 0x1 ١".split()
        ),
        ("", None),
        ("1 %%", None),
    ],
)
def test_numbers_are_read(text, value):
    found = number(1, unit="updates").read(text)
    assert found == value if value is not None else found.kind == "unread"


@pytest.mark.parametrize(
    ("part", "answer", "says"),
    [
        (number(0.5), "0.5", ""),
        (number(0.5, why="Half."), 0.5, "Half."),
        (number(0.5), -0.5, parts.SIGN),
        (number(0.5, unit="share"), 50, parts.SHARE),
        (number(50, unit="%"), 0.5, parts.PERCENT),
        (number(50, unit="%"), "50 %", ""),
        (number(0.5, unit="share"), "50 %", ""),
        (number(0.5), 5, parts.TEN),
        (number(0.5), 0.0005, parts.TEN),
        (number(5), 0.5, parts.TEN),
        (number(6), 60, parts.LESS),
        (number(6), "6.3", parts.ROUNDED),
        (number(10_000, tolerance=0), 100, parts.MORE),
        (number(105), 106, parts.CLOSE),
        (number(-60), -6, parts.LESS),
        (number(6, tolerance=0), 12, parts.TWICE),
        (number(0.5), 1, parts.TWICE),
        (number(0.5), 0.25, parts.HALF),
        (number(0.5), 0.51, parts.ROUNDED),
        (number(100, tolerance=0), 99, parts.CLOSE),
        (number(0.5), -0.7, parts.OPPOSITE),
        (number(0.5), 0.7, parts.LESS),
        (number(0.5), 0.3, parts.MORE),
        (number(0.5, (0.25, "A slip.")), 0.25, "A slip."),
        (number(0.5), True, "Here a number is asked for, not True or False."),
        (number(0.5), None, "Here a number is asked for, not None."),
        (number(0.5), 1j, "Here a number is asked for, not a complex."),
        (number(0.5), {}, "Here a number is asked for, not a dict."),
        (number(0.5), [0.5, 0.5], "Here one number is asked for, not an array (2,)."),
        (number(0.5), np.nan, "nan is no answer: what was divided by, or grew?"),
        (number(0.5), "half", parts.UNREAD),
    ],
)
def test_what_is_said_of_a_number(part, answer, says):
    assert part.judge(answer).text == says


@pytest.mark.parametrize(
    ("exercise", "name", "text", "kind"),
    [
        ("10.5", "calls", "2,002", "right"),
        ("10.5", "calls", "2,000,000", "slip"),
        ("10.5", "calls", "2,003", "wrong"),
        ("10.2", "error", "10,000", "right"),
        ("10.2", "error", "10,000 times", "right"),
        ("10.1", "one", "4,641", "right"),
        ("3.3", "updates", "1,263", "right"),
    ],
)
def test_a_comma_of_thousands_may_be_one(exercise, name, text, kind):
    assert part_of(exercise, name).judge(text).kind == kind


def test_wide_tolerances_and_0_see_no_patterns():
    wide = number(0.09, unit="share", tolerance=0.08)
    assert wide.judge(0.21).text == parts.LESS
    assert number(0.0, tolerance=1e-3).judge(0.1).text == parts.LESS
    assert wide.judge(0.18).text == parts.TWICE


CHOICE = Choice("a", {"a": ("one", "No, one."), "b": ("two", "Yes, two.")}, "b")
OPEN = Choice("a", {"a": ("one", "One has it."), "b": ("two", "Two too.")}, None)
THREE = {"a": ("one", "It can."), "b": ("two", "Yes."), "c": ("three", "No.")}
ARGUED = Choice("a", THREE, "b", argued="a")
NONE_RIGHT = Choice("a", THREE, None, argued="ab")
ORDER = Order("a", {"a": "x", "b": "y", "c": "z"}, "cab", [("cba", "A slip.")])
ALSO = Order("a", ORDER.lines, "cab", [("cba", "A slip.")], argued=[("acb", "It can.")])
KINDS, SAYS = ("argued", "right", "slip"), ("It can.", "Yes.", "No.")
SHAPE = Shape("a", lambda: (2, 4), [((8,), "A slip.")])


@pytest.mark.parametrize(
    ("part", "answer", "kind", "says"),
    [
        (CHOICE, "b", "right", "Yes, two."),
        (CHOICE, " (B) ", "right", "Yes, two."),
        (CHOICE, "a", "slip", "No, one."),
        (CHOICE, "c", "unread", "Here one letter is asked for: a, b."),
        (CHOICE, 1, "unread", "Here one letter is asked for: a, b."),
        (OPEN, "a", "argued", "One has it."),
        *((ARGUED, *row) for row in zip("abc", KINDS, SAYS, strict=True)),
        (NONE_RIGHT, "a", "argued", "It can."),
        (NONE_RIGHT, "b", "argued", "Yes."),
        (NONE_RIGHT, "c", "slip", "No."),
        (ALSO, "acb", "argued", "It can."),
        (ALSO, "cab", "right", ""),
        (ALSO, "cba", "slip", "A slip."),
        (ALSO, "bca", "wrong", parts.FIRST_LINE),
        (ORDER, ["c", "a", "b"], "right", ""),
        (ORDER, "c, A b", "right", ""),
        (ORDER, "cba", "slip", "A slip."),
        (ORDER, "abc", "wrong", parts.FIRST_LINE),
        (ORDER, "aab", "unread", "Each of the letters a, b, c must stand there once."),
        (ORDER, [1, 2], "unread", "Each of the letters a, b, c must stand there once."),
        (SHAPE, (2, 4), "right", ""),
        (SHAPE, [2, np.int64(4)], "right", ""),
        (SHAPE, np.zeros((2, 4)).shape, "right", ""),
        *((SHAPE, text, "right", "") for text in ("(2, 4)", "2x4", "2 X 4", "[2,4]")),
        (SHAPE, "8", "slip", "A slip."),
        (SHAPE, "(8,)", "slip", "A slip."),
        (SHAPE, (4, 2), "wrong", parts.TURNED),
        (SHAPE, (2, 3), "wrong", parts.OTHER_SHAPE),
        (SHAPE, (1, 2, 4), "wrong", parts.AXES),
        (SHAPE, "()", "wrong", parts.AXES),
        (SHAPE, "two", "unread", parts.NO_SHAPE),
        (SHAPE, 2.5, "unread", parts.NO_SHAPE),
        (SHAPE, "1" * 50, "unread", parts.NO_SHAPE),
    ],
)
def test_what_is_said_of_other_answers(part, answer, kind, says):
    verdict = part.judge(answer)
    assert (verdict.kind, verdict.text) == (kind, says)


@pytest.mark.parametrize(
    ("number", "name", "kinds"),
    [
        ("18.5", "limit", {"argued": "bc", "slip": "ad"}),
        ("10.5", "plan", {"argued": "abc", "slip": "d"}),
        ("11.6", "first", {"argued": "abd", "slip": "c"}),
    ],
)
def test_what_nobody_defends_is_wrong_beside_what_is_argued(
    number, name, kinds, capsys
):
    part = part_of(number, name)
    for kind, letters in kinds.items():
        for letter in letters:
            assert part.judge(letter).kind == kind
    others = {n: answer_of(p) for n, p in BANK[number].parts.items()}
    check(number, **{**others, name: kinds["slip"][0]})
    count = len(BANK[number].parts)
    assert f"{number}: {count - 1} of {count}" in capsys.readouterr().out


def test_every_order_of_11_6_is_judged_by_what_it_puts_first():
    part = part_of("11.6", "order")
    for letters in map("".join, itertools.permutations("abcd")):
        verdict = part.judge(letters)
        if letters.index("d") < letters.index("b"):
            assert verdict.kind == "slip" and "Another rate" in verdict.text
        elif letters.index("d") < letters.index("c"):
            assert verdict.kind == "slip" and "Trying rates" in verdict.text
        elif letters in part.right:
            assert letters.index("c") < letters.index("b")
        else:
            assert verdict.kind == "argued" and "can be defended" in verdict.text
    assert part.judge("bcad").kind == "argued"


def test_the_limits_of_18_5_cost_what_is_said():
    by_limit = {each: bplib.exercises.ch18.cost(each, part=1) for each in (0, 0.999)}
    assert by_limit[0.999] > by_limit[0] > bplib.exercises.ch18.cost(0.9, part=1)


def test_the_first_lines_in_place_are_counted():
    order = Order("a", dict.fromkeys("abcd", ""), ("dcba", "dcab"))
    assert order.judge("cdab").text == parts.FIRST_LINE
    assert "The first line is in place" in order.judge("dabc").text
    assert (
        "The first 2 lines are"
        in Order("a", dict.fromkeys("abcd", ""), "dcba").judge("dcab").text
    )
    assert order.judge("dcab").kind == order.judge("dcba").kind == "right"


# --- Whatever a learner passes -------------------------------------------------------


class Awkward:
    """Says no to whatever it is asked."""

    def __getattr__(self, name):
        raise RuntimeError("no")

    def __repr__(self):
        raise RuntimeError("no")

    __str__ = __eq__ = __array__ = __float__ = __iter__ = __len__ = __bool__ = __repr__
    __hash__ = None


JUNK = [
    None,
    True,
    "",
    "x" * 10_000,
    "\n\ud800",
    "9" * 5000,
    "1/" * 30,
    b"1",
    -1,
    10**400,
    1e308,
    np.nan,
    -np.inf,
    1j,
    [],
    [[1], [2, 3]],
    [None],
    ["a", 1],
    {},
    {1, 2},
    (1, 2),
    (-1, 10**30),
    range(3),
    object(),
    int,
    len,
    lambda: 1 / 0,
    lambda *_: None,
    lambda *_: {"dW1": "x"},
    np.zeros((2, 0)),
    np.array(["a"]),
    np.datetime64("2026-01-01"),
    np.ma.masked,
    Awkward(),
]


@pytest.mark.parametrize("n", range(len(JUNK)))
def test_junk_never_raises(n, capsys):
    """A sentence for each answer, whatever it is."""
    numbers = [*BANK] if n % 7 == 0 else ["3.1", "3.3", "18.4"]
    for number in numbers:
        given = {name: JUNK[n] for name in BANK[number].parts}
        check(number, **given)
        lines = capsys.readouterr().out.splitlines()
        assert lines[-1].startswith(f"{number}: ") and "solved" not in lines[-1]
        assert len(lines) > len(given)
        assert not any("Traceback" in line for line in lines)
        check(number, JUNK[n], JUNK[n], nothing=JUNK[n])
        assert "nothing: this is not asked for" in capsys.readouterr().out
    for strange in (JUNK[n], [JUNK[n]]):
        check(strange)
        hint(strange)
        check(strange, 1, y=2)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 3 and all(len(line) < 500 for line in lines)


def test_names_that_there_are_not(capsys):
    check("3.1", dw=1)
    assert "dw: this is not asked for; did you mean dw" in capsys.readouterr().out
    check("3.11")
    assert capsys.readouterr().out.startswith(
        "There is no exercise '3.11': did you mean"
    )
    check(3.1)
    assert 'check("3.1", ...), not a float' in capsys.readouterr().out


def test_what_is_not_answered_is_said(capsys):
    check("3.1", y=..., E=..., dw1=...)
    assert capsys.readouterr().out == "3.1: not answered yet\n"
    check("3.1", y=0.5)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "y = 0.5: right." and lines[1] == "E: not answered yet"
    assert lines[-1] == "3.1: 1 of 8"
    check("3.3", ...)
    assert capsys.readouterr().out == "3.3: not answered yet\n"


def test_a_program_is_judged_by_what_is_wrong_with_it(capsys):
    code = Exercise(
        "a",
        {
            "double": Code(
                "a", lambda f: (f(2) == 4, f"f(2) is {f(2)}."), lambda x: 2 * x
            )
        },
        (),
    )
    assert code.parts["double"].judge(lambda x: x).text == "f(2) is 2."
    assert code.parts["double"].judge(lambda x: 2 * x).kind == "right"
    assert code.facts()["parts"] == {}
    part = part_of("3.3", "my_backward")
    check("3.3", part.right)
    assert "3.3: 1 of 3" in capsys.readouterr().out
    net, loss, x, t = bplib.exercises.ch03.sigmoid_task()
    before = net.theta.copy()
    check("3.3", lambda net, *_: net.theta.fill(0))
    assert "right." not in capsys.readouterr().out
    assert (net.theta == before).all()


def test_answers_are_computed_when_they_are_asked_for():
    """Nothing is trained by an import, nor by dots."""
    asked = []
    part = Number("a", lambda: asked.append(1) or 0.5, [(lambda: asked.append(2), "b")])
    assert asked == []
    assert part.judge(0.5).kind == "right" and part.judge("0.5").kind == "right"
    assert asked == [1]


def test_a_page_gets_facts_that_are_json():
    for number, exercise in BANK.items():
        facts = json.loads(json.dumps(exercise.facts()))
        names = [n for n, p in exercise.parts.items() if p.kind != "code"]
        assert list(facts["parts"]) == names and names, f"{number} asks nothing there"


# --- Chapter by chapter: what a bank says besides -------------------------------------


def test_the_lines_of_3_3_run_in_the_right_orders_only():
    order = part_of("3.3", "order")
    rng = np.random.default_rng(1)
    shapes = {"x": (4, 2), "H": (4, 3), "Y": (4, 1), "t": (4, 1), "W2": (3, 1)}
    given = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    given |= {"N": 4, "eta": 0.3}

    def gives(letters):
        names = dict(given)
        for letter in letters:
            exec(order.lines[letter], {}, names)
        return np.concatenate([names["dW1"].ravel(), names["W2"].ravel()])

    wanted = gives(order.right[0])
    for letters in map("".join, itertools.permutations("abcd")):
        try:
            same = np.allclose(gives(letters), wanted, rtol=0, atol=1e-12)
        except NameError:
            same = False
        assert same == (letters in order.right), letters
