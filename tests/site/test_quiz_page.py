"""Quiz in a browser: it judges as Python does, and keeps what a reader answers."""

import base64
import json
import random

import explorer_page
import pytest
from bs4 import BeautifulSoup
from explorer_page import open_page, settled
from explorer_states import solution

from bplib.exercises import bank, ch03, exercise_of
from bplib.exercises.parts import Exercise, Shape
from bplib.widgets import Quiz

pytestmark = pytest.mark.browser

BANK = bank()
JUNK = [
    *"? abc . , -- +- 1/0 0/0 1/3/5 nan inf Infinity 1e999 -1e999 0x10 1_000 ١".split(),
    *"50% 50%% % 1,5 1,5/2 1,000.5 1.000,5 .5 5. -.5e1 1e-3 1E+2 −2 1\u00a0000".split(),
    *"1,263 1,263% 2,002 10,000 2,000,000 01,000 4,641 1,26,300".split(),
    *"0 00 -0 () (2,) (,) (2,4 2x4 2X4 2×4 2*4 [2;4] 2xx4 cdab CDAB a b".split(),
    "",
    " ",
    "9" * 400,
    "0." + "9" * 400,
    "(" + "1," * 60,
    "1 / 3",
    "5 updates",
    "\ud83d\ude00",
    "<b>1</b>",
    "constructor",
    "__proto__",
]


@pytest.fixture(scope="module")
def context(browser):
    context = browser.new_context(has_touch=True)
    yield context
    context.close()


def texts_for(part, draw):
    """What readers may type: near the right answer and each slip, and far from them."""
    if part.kind == "choice":
        return [*part.options, "z", "constructor"]
    if part.kind == "order":
        letters = [*part.lines]
        shuffled = ["".join(draw.sample(letters, len(letters))) for _ in range(40)]
        known = [each for each, _ in (*part.slips, *part.argued)]
        return [*part.right, *known, *shuffled, "", "aa"]
    if part.kind == "shape":
        shapes = [part.right, *(slip for slip, _ in part.slips)]
        texts = [str(tuple(s)) for s in shapes]
        texts += [str(tuple(reversed(s))) for s in shapes]
        return [*texts, *(" x ".join(map(str, s)) for s in shapes), *JUNK]
    texts = list(JUNK)
    for value in (part.right, *(slip for slip, _ in part.slips)):
        value = float(value)
        room = part.tolerance or 0.005 * abs(value)
        edge = [
            value + sign * room * by for sign in (-1, 1) for by in (0.999, 1, 1.001)
        ]
        other = [
            value * by for by in (-1, 2, 0.5, 10, 0.1, 1000, 0.001, 1.03, 1.2, 0.8)
        ]
        drawn = [value * draw.uniform(-2, 3) + draw.uniform(-1, 1) for _ in range(20)]
        for each in (value, *edge, *other, *drawn):
            texts += [repr(each), f"{each:.3g}", f"{each:.6e}".replace(".", ",")]
        texts += [f"{100 * value} %", f"{value:.4f} {part.unit}", f"{value * 3:.9f}/3"]
    return texts


ASK = """async ([number, texts]) => {
  const { unseal } = await load("quiz.js");
  const { judge } = await load("verdict.js");
  const boxes = [...document.querySelectorAll(".bplib-explorer")];
  const box = boxes.find((each) => JSON.parse(each.dataset.state).exercise === number);
  const facts = unseal(box.dataset.sealed, number);
  const judged = (name) => texts[name].map((text) => judge(facts.parts[name], text));
  const pairs = Object.keys(texts).map((name) => [name, judged(name)]);
  return [facts, Object.fromEntries(pairs)];
}"""


def differences(page, number):
    """(how many answers were tried, those on which page and Python differ)"""
    draw = random.Random(number)
    parts = {n: p for n, p in exercise_of(number).parts.items() if p.kind != "code"}
    texts = {name: texts_for(part, draw) for name, part in parts.items()}
    facts, judged = page.evaluate(ASK, [number, texts])
    assert facts == json.loads(json.dumps(exercise_of(number).facts()))
    found, kinds = [], set()
    for name, part in parts.items():
        for text, (kind, says) in zip(texts[name], judged[name], strict=True):
            verdict = part.judge(text)
            kinds.add(kind)
            if (verdict.kind, verdict.text) != (kind, says):
                found.append((name, text[:40], verdict, kind, says))
    assert len(kinds) >= 2
    return sum(map(len, texts.values())), found


@pytest.fixture(scope="module")
def page(context, tmp_path_factory):
    page = open_page(context, tmp_path_factory.mktemp("page"), *map(Quiz, BANK))
    yield page
    assert not page.errors
    page.close()


@pytest.mark.parametrize("number", BANK)
def test_the_page_judges_as_python_does(page, number):
    count, found = differences(page, number)
    assert found == []
    assert count >= 5


def test_shapes_are_judged_alike(context, tmp_path, monkeypatch):
    """The bank may have none just now."""
    shapes = {
        "W": Shape("a", (2, 4), [((4,), "A slip."), ((8, 1), "Another.")], why="So."),
        "s": Shape("a", ()),
    }
    made = Exercise("Shapes.", shapes, ["a", "b"])
    monkeypatch.setitem(ch03.EXERCISES, "3.99", made)
    page = open_page(context, tmp_path, Quiz("3.99"))
    count, found = differences(page, "3.99")
    assert found == [] and count > 100
    page.get_by_label("a", exact=False).first.fill("2 x 4")
    page.get_by_role("button", name="Check").click()
    page.get_by_text("✓ Right. So.").wait_for()
    page.close()


MUTANTS = [
    ("verdict.js", "0.005 * Math.abs(target)", "0.004 * Math.abs(target)"),
    ("verdict.js", "is(-value)", "is(value)"),
    ("verdict.js", 'text.replace(",", ".")', "text"),
    ("verdict.js", "[1, 2, 3].some(point)", "[1, 2].some(point)"),
    ("verdict.js", "!counted && [1, 2, 3]", "[1, 2, 3]"),
    ("verdict.js", 'below = "1"', 'below = "2"'),
    ("verdict.js", "right.includes(letters)", "right[0] === letters"),
    ("verdict.js", "among(argued)) return", "among([])) return"),
    ("verdict.js", "argued.includes(letter)", "right === null"),
    ("verdict.js", 'whole.replaceAll(",", "")', "whole"),
    ("quiz.js", "8 * (k % 4)", "8 * (3 - (k % 4))"),
]


@pytest.mark.parametrize(("file", "old", "new"), MUTANTS)
def test_a_page_that_judges_otherwise_is_found(
    context, tmp_path, monkeypatch, file, old, new
):
    right = explorer_page.sources

    def wrong(explorers):
        texts = right(explorers)
        assert texts[file].count(old) == 1, old
        return {**texts, file: texts[file].replace(old, new)}

    monkeypatch.setattr(explorer_page, "sources", wrong)
    asked = "3.1", "3.3", "11.6"
    page = open_page(context, tmp_path, *map(Quiz, asked))
    try:
        found = [each for number in asked for each in differences(page, number)[1]]
    except Exception as error:
        assert "JSON" in str(error) or "not found" in str(error), error
    else:
        assert found
    page.close()


# --- By hand -------------------------------------------------------------------------


def said(page, number=0):
    settled(page)
    return page.locator(".bx-said").nth(number).inner_text()


def verdict_of(page, field):
    """What a screen reader reads after the field's name."""
    settled(field.page)
    return field.evaluate(
        """(e) => document.getElementById(
          e.closest("fieldset, .bx-typed").closest("fieldset")
            ?.getAttribute("aria-describedby") ?? e.getAttribute("aria-describedby"),
        ).textContent"""
    )


def test_numbers_and_choices_with_the_keyboard(context, tmp_path):
    page = open_page(context, tmp_path, Quiz("3.1"))
    field = page.get_by_label("E, the error")
    page.get_by_label("y, the output").focus()
    page.keyboard.type("1/2")
    page.keyboard.press("Tab")
    assert field.evaluate("e => e === document.activeElement")
    page.keyboard.type("0,25")
    page.keyboard.press("Enter")
    assert said(page).startswith("1 of 8 answers right, 6 open. E, the error: This is")
    assert verdict_of(page, field) == "✗ This is (y − t)², without the half."
    assert field.get_attribute("aria-invalid") == "true"
    assert field.evaluate("e => e === document.activeElement"), "the focus has gone"
    assert verdict_of(page, page.get_by_label("y, the output")) == "✓ Right."
    assert page.get_by_label("y, the output").get_attribute("aria-invalid") is None
    # What is not checked yet stays as it is typed.
    page.get_by_label("dw₁").fill("7")
    page.get_by_role("button", name="Hint (3 left)").press("Enter")
    settled(page)
    assert page.locator(".bx-hints li").count() == 1
    assert page.get_by_label("dw₁").input_value() == "7"
    for text, label in zip(
        solution("3.1")[:7], page.locator(".bx-typed").all(), strict=True
    ):
        label.locator("input").fill(text)
    page.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Check").press("Space")
    assert said(page) == "✓ Solved."
    assert "The step went past" in verdict_of(page, page.get_by_role("radio").nth(1))
    assert page.get_by_role("group", name="What do you notice about y?").count() == 1
    page.get_by_role("button", name="Reset").press("Enter")
    assert said(page) == "0 of 8 answers right, 8 open."
    assert page.get_by_label("E, the error").input_value() == ""
    assert not page.get_by_role("radio").nth(1).is_checked()
    assert page.locator(".bx-hints li").count() == 0
    assert not page.errors
    page.close()


def test_lines_by_buttons_keys_and_touch(context, tmp_path):
    page = open_page(context, tmp_path, Quiz("3.3"))
    lines = page.locator("fieldset li")

    def order():
        return "".join(lines.evaluate_all("all => all.map((e) => e.dataset.line)"))

    page.get_by_role("button", name="Check").click()
    assert said(page) == "0 of 2 answers right, 2 open."  # as they came: no answer
    page.get_by_role("button", name="Move line c up").tap()
    assert order() == "acbd"
    button = page.get_by_role("button", name="Move line c down")
    button.focus()
    page.keyboard.press("ArrowUp")
    assert order() == "cabd"
    assert button.evaluate("e => e === document.activeElement")
    assert said(page) == "Line c is now in place 1."
    page.keyboard.press("ArrowUp")  # no further
    assert order() == "cabd"
    page.get_by_role("button", name="Move line d up").click()
    page.get_by_role("button", name="Move line d up").press("Enter")
    assert order() == "cdab"
    page.get_by_label("How many updates").fill("1263 updates")
    page.get_by_role("button", name="Check").click()
    assert said(page) == "✓ Solved."
    assert 'answers=["1263 updates", "cdab"]' in page.locator("code").last.inner_text()
    assert not page.errors
    page.close()


@pytest.fixture
def fresh(browser):
    """A context that remembers no answers of other tests."""
    context = browser.new_context(has_touch=True)
    yield context
    context.close()


def test_a_verdict_goes_when_its_answer_is_edited_and_comes_back(fresh, tmp_path):
    page = open_page(fresh, tmp_path, Quiz("3.1"), Quiz("3.3"))
    field, other = page.get_by_label("E, the error"), page.get_by_label("dw₁")
    page.get_by_label("y, the output").fill("1/2")
    field.fill("0,25")
    page.get_by_role("radio").nth(1).check()
    page.get_by_role("button", name="Check").first.click()
    assert said(page).startswith("2 of 8 answers right, 5 open. E, the error: This is")
    wrong = verdict_of(page, field)
    assert wrong == "✗ This is (y − t)², without the half."
    field.focus()
    page.keyboard.press("End")
    page.keyboard.type("5")
    assert verdict_of(page, field) == ""
    assert field.get_attribute("aria-invalid") is None
    assert said(page) == "2 of 8 answers right, 5 open, 1 changed."
    # The verdicts of the others stay, and a hint brings none back.
    assert verdict_of(page, page.get_by_label("y, the output")) == "✓ Right."
    page.get_by_role("button", name="Hint").first.click()
    assert field.input_value() == "0,255" and verdict_of(page, field) == ""
    field.focus()
    page.keyboard.press("End")
    page.keyboard.press("Backspace")
    assert verdict_of(page, field) == wrong  # it is the answer that was judged
    assert field.get_attribute("aria-invalid") == "true"
    # What was never checked has no verdict to lose.
    other.fill("7")
    assert said(page).startswith("2 of 8 answers right, 5 open. E, the error: This is")
    # A choice.
    choice = page.get_by_role("radio").first
    assert verdict_of(page, choice).startswith("✓")
    choice.check()
    assert verdict_of(page, choice) == ""
    assert said(page).startswith("1 of 8 answers right, 5 open, 1 changed.")
    page.get_by_role("radio").nth(1).check()
    assert verdict_of(page, choice).startswith("✓")
    # Lines in order; all that was solved is not, once a line has moved.
    for text, label in zip(
        solution("3.3"), page.locator(".bplib-explorer").nth(1).locator("input").all(),
        strict=False,
    ):  # fmt: skip
        label.fill(text)
    for letter in "ccdd":  # by the keyboard: lines move away from under a mouse
        page.get_by_role("button", name=f"Move line {letter} up").press("Enter")
    page.get_by_role("button", name="Check").nth(1).click()
    assert said(page, 1) == "✓ Solved."
    page.get_by_role("button", name="Move line d up").click()
    assert said(page, 1) == "Line d is now in place 1."
    group = page.locator(".bplib-explorer").nth(1).locator(".bx-verdict")
    assert group.all_inner_texts()[1] == ""
    page.get_by_role("button", name="Move line d down").click()
    assert group.all_inner_texts()[1].startswith("✓ Right.")
    assert not page.errors
    page.close()


def test_every_exercise_can_be_solved_on_the_page(context, tmp_path):
    solved = [Quiz(number, answers=solution(number)) for number in BANK]
    page = open_page(context, tmp_path, *solved)
    assert page.locator(".bx-said").all_inner_texts() == ["✓ Solved."] * len(solved)
    marks = page.locator(".bx-verdict").all_inner_texts()
    assert len(marks) >= 3 * len(solved)
    assert all(text.startswith("✓ ") for text in marks)
    assert not page.errors
    page.close()


# --- What stays ----------------------------------------------------------------------


def test_progress_stays_in_this_browser_until_it_is_reset(browser, tmp_path):
    context = browser.new_context()
    asked = []
    context.on("request", lambda request: asked.append(request.url))
    page = open_page(context, tmp_path, Quiz("3.2"))
    assert (
        "stay in this browser: nothing is sent" in page.locator(".bx-quiz").inner_text()
    )
    page.get_by_label("at the first update").fill("4")
    page.get_by_role("button", name="Check").click()
    page.get_by_role("button", name="Hint").click()
    page.close()
    page = open_page(context, tmp_path, Quiz("3.2"), Quiz("3.4"))
    assert page.get_by_label("at the first update").input_value() == "4"
    assert said(page).startswith("0 of 2 answers right, 1 open. at the first update:")
    assert page.locator(".bx-hints").first.locator("li").count() == 1
    assert said(page, 1).startswith("0 of 3 answers right, 3 open")
    page.get_by_role("button", name="Reset").first.click()
    settled(page)
    assert page.evaluate("localStorage.length") == 0
    page.close()
    page = open_page(context, tmp_path, Quiz("3.2"))
    assert page.get_by_label("at the first update").input_value() == ""
    assert page.locator(".bx-hints li").count() == 0
    assert not page.errors
    # What another version or hand has left there does no harm.
    for kept in [
        "{",
        "5",
        '"x"',
        '{"answers": 5}',
        '{"hints": "x"}',
        '{"answers": {"first": [1], "x": 2}, "hints": "x"}',
        '{"answers": {"first": ""}, "hints": -1.5}',
        '{"answers": {"first": "12"}, "hints": 99}',
    ]:
        page.evaluate("kept => localStorage.setItem('bplib exercise 3.2', kept)", kept)
        page.close()
        page = open_page(context, tmp_path, Quiz("3.2"))
        assert "of 2 answers right" in said(page), kept
        assert page.locator(".bx-wrong").inner_text() == "", kept
        assert not page.errors
    assert "1 of 2" in said(page), "what is good there is shown"
    assert all(url.startswith(("file:", "blob:")) for url in asked), asked
    context.close()


def kept(page):
    """What this browser keeps of the concept test: {sitting: {question: letter}}"""
    store = page.evaluate("({ ...localStorage })")
    prefix = "bplib exercise 99.1 "
    assert all(key.startswith(prefix) for key in store)
    return {k.removeprefix(prefix): json.loads(v)["answers"] for k, v in store.items()}


def pick(page, sitting, letters):
    """Choose these letters, from the first question on."""
    groups = page.locator(".bplib-explorer").nth(sitting).get_by_role("group")
    for number, letter in enumerate(letters, 1):
        name = f"{number}. {[*QUESTIONS.values()][number - 1].prompt}"
        group = groups.filter(has=page.locator("legend")).and_(
            page.get_by_role("group", name=name, exact=True)
        )
        group.locator(f"input[value={letter}]").check()


QUESTIONS = exercise_of("99.1").parts
RIGHT = [part.right for part in QUESTIONS.values()]
WRONG = ["b" if right == "a" else "a" for right in RIGHT]


def test_two_sittings_are_kept_apart_and_compared_at_the_end(browser, tmp_path):
    context = browser.new_context()
    asked = []
    context.on("request", lambda request: asked.append(request.url))
    both = [Quiz("99.1", sitting=each) for each in ("before", "after")]
    page = open_page(context, tmp_path, *both)
    before, after = (page.locator(".bplib-explorer").nth(n) for n in (0, 1))
    assert "Before the book" in before.inner_text()
    assert "After the book" in after.inner_text()
    # Before: every pick is kept at once, and nothing is said of it, even at the end.
    assert before.get_by_role("button", name="Check").count() == 0
    assert page.get_by_role("button", name="Hint").count() == 0
    pick(page, 0, WRONG[:5])
    assert said(page) == "5 of 12 questions answered."
    assert [*kept(page)["before"].values()] == WRONG[:5] + [""] * 7
    pick(page, 0, WRONG[:11] + RIGHT[11:])
    assert said(page) == "12 of 12 questions answered. Now read the book."
    assert before.locator(".bx-verdict").all_inner_texts() == [""] * 12
    assert before.locator("table").count() == 0
    measures = "e => JSON.parse(e.dataset.measures)"
    assert before.locator(".bx").evaluate(measures) == {"right": 0, "hints": 0}
    page.close()
    # After: nothing is said until all are given.
    page = open_page(context, tmp_path, *both)
    before, after = (page.locator(".bplib-explorer").nth(n) for n in (0, 1))
    assert before.locator("input:checked").count() == 12
    assert after.locator("input:checked").count() == 0
    check = after.get_by_role("button", name="Check")
    pick(page, 1, RIGHT[:11])
    check.click()
    assert said(page, 1) == "11 of 12 questions answered."
    assert after.locator(".bx-verdict").all_inner_texts() == [""] * 12
    assert after.locator("table").count() == 0
    pick(page, 1, RIGHT[:11] + WRONG[11:])
    check.click()
    assert said(page, 1).startswith("11 of 12 answers right. 12. A network with")
    says = after.locator(".bx-verdict").all_inner_texts()
    for part, text, answer in zip(
        QUESTIONS.values(), says, RIGHT[:11] + WRONG[11:], strict=True
    ):
        assert part.judge(answer).text in text
    link = after.locator(".bx-verdict a").last
    assert link.get_attribute("href") == "09_the_advantages.html"
    assert link.inner_text() == "Chapter 9"
    assert "04_forward_propagation.html#why" in after.locator(".bx-verdict a").nth(
        3
    ).get_attribute("href")
    cells = after.locator("table tr").all_inner_texts()
    assert [text.split() for text in cells] == [
        ["Question", "Before", "After"],
        *[[f"{k + 1}", WRONG[k], "✗", RIGHT[k], "✓"] for k in range(11)],
        ["12", RIGHT[11], "✓", WRONG[11], "✗"],
        ["Right", "1", "11"],
    ]
    # Each sitting is forgotten by itself.
    before.get_by_role("button", name="Reset").click()
    settled(page)
    assert before.locator("input:checked").count() == 0
    assert [*kept(page)] == ["after"]
    check.click()
    settled(page)
    texts = after.locator("table tr").all_inner_texts()
    assert texts[-1].split() == ["Right", "–", "11"]
    after.get_by_role("button", name="Reset").click()
    settled(page)
    assert kept(page) == {} and after.locator("table").count() == 0
    assert after.locator("input:checked").count() == 0
    # What another hand has left there does no harm.
    for text in ("{", "5", '{"answers": 5}', '{"answers": {"slope": [1], "x": 2}}'):
        store = "text => localStorage.setItem('bplib exercise 99.1 before', text)"
        page.evaluate(store, text)
        page.close()
        page = open_page(context, tmp_path, Quiz("99.1", sitting="after"))
        pick(page, 0, RIGHT)
        page.get_by_role("button", name="Check").click()
        assert said(page) == "✓ Solved."
        assert page.locator("table tr").last.inner_text().split()[2] == "12"
        page.evaluate("localStorage.clear()")
    assert not page.errors
    assert all(url.startswith(("file:", "blob:")) for url in asked), asked
    context.close()


def test_a_browser_that_keeps_nothing(browser, tmp_path):
    context = browser.new_context()
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', "
        "{ get() { throw new DOMException('no', 'SecurityError'); } });"
    )
    page = open_page(context, tmp_path, Quiz("3.2"))
    text = page.locator(".bx-quiz").inner_text()
    assert "stay on this page: nothing is sent" in text
    page.get_by_label("at the first update").fill("12")
    page.get_by_role("button", name="Check").click()
    assert said(page).startswith("1 of 2 answers right")
    page.get_by_role("button", name="Reset").click()
    assert said(page).startswith("0 of 2 answers right")
    assert not page.errors
    context.close()


def test_without_its_answers_a_page_says_so(context, tmp_path, monkeypatch):
    monkeypatch.setattr(Quiz, "seal", lambda self: "bm90IHNlYWxlZA==")
    page = open_page(context, tmp_path, Quiz("3.2"))
    settled(page)
    assert "cannot be shown" in page.locator(".bx-wrong").inner_text()
    assert page.get_by_role("button", name="Check").count() == 1
    page.close()


# --- The built book ------------------------------------------------------------------


def secrets(number):
    """Every sentence that only an answer is to bring."""
    parts = exercise_of(number).parts.values()
    says = {says for p in parts if p.kind != "code" for _, says in p.slips}
    return says | {p.why for p in parts if p.why}


@pytest.mark.parametrize("chapter", ["03_the_algorithm", "18_real_digits"])
def test_the_built_page_asks_and_does_not_tell(html, chapter):
    text = (html / "chapters" / f"{chapter}.html").read_text(encoding="utf-8")
    boxes = BeautifulSoup(text, "html.parser").select("[data-explorer=Quiz]")
    numbers = [json.loads(box["data-state"])["exercise"] for box in boxes]
    expected = [n for n in BANK if n.startswith(f"{int(chapter[:2])}.")]
    assert numbers == expected
    for box, number in zip(boxes, numbers, strict=True):
        assert box["data-sealed"] == Quiz(number).seal()
        plain = base64.b64decode(box["data-sealed"]).decode("utf-8", errors="ignore")
        for secret in secrets(number):
            assert secret not in text and secret not in plain
        numbers_ = [
            p.right for p in exercise_of(number).parts.values() if p.kind == "number"
        ]
        for right in numbers_:
            if len(repr(float(right))) > 6:
                assert repr(float(right)) not in str(box)
        assert exercise_of(number).statement in box.img["alt"]
    assert "not answered yet" not in text, "the cells of check are for notebooks"
    assert "Quiz(" not in BeautifulSoup(text, "html.parser").get_text()
