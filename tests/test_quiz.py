"""Quiz in Python: what it sends to a page, and that nobody reads the answers there."""

import base64
import json
import re

import pytest
from bs4 import BeautifulSoup
from notebooks import ROOT, chapters, read

from bplib.exercises import bank, exercise_of
from bplib.widgets import Quiz
from bplib.widgets.quiz import scrambled

BANK = bank()


def secrets(number):
    """What a page must not say in plain sight: the sentences, and long numbers."""
    found = set()
    for part in exercise_of(number).parts.values():
        found |= {part.why} if part.why else set()
        found |= {says for _, says in part.slips} if part.kind != "code" else set()
        if part.kind == "number":
            values = [part.right, *(slip for slip, _ in part.slips)]
            found |= {repr(float(v)) for v in values if len(repr(float(v))) > 6}
        if part.kind == "order":
            found |= {*part.right} | {says for _, says in part.argued}
    return found


def readable(data):
    """bytes as somebody might read them."""
    return data.decode("utf-8", errors="ignore")


@pytest.mark.parametrize("number", BANK)
def test_what_is_sealed_is_unsealed_and_not_readable(number):
    sealed = Quiz(number).seal()
    assert sealed == Quiz(number).seal(), "another text each time"
    data = base64.b64decode(sealed, validate=True)
    assert json.loads(scrambled(data, number)) == json.loads(
        json.dumps(exercise_of(number).facts())
    )
    assert len(secrets(number)) >= 3
    for text in (sealed, readable(data), readable(data[::-1]), Quiz(number).html()):
        for secret in secrets(number):
            assert secret not in text
        assert '"right"' not in text
    # Every exercise has its own key, and the same letters look different each time.
    assert scrambled(b"\0" * 40, number) != scrambled(b"\0" * 40, number + "9")
    assert len({*scrambled(b"\0" * 400, number)}) > 150


def test_a_plain_page_would_be_noticed():
    facts = json.dumps(exercise_of("3.1").facts(), ensure_ascii=False)
    assert len(secrets("3.1")) > 10
    assert all(secret in facts for secret in secrets("3.1"))


def test_stored_notebooks_hold_no_answers():
    """A Quiz's output; what a folded solution prints is another thing."""
    seen = []
    for path in chapters():
        for cell in read(path).cells:
            if not cell.source.startswith("Quiz("):
                continue
            quiz = eval(cell.source, {"Quiz": Quiz})
            seen.append(quiz.exercise)
            text = str(cell.outputs)
            assert quiz.exercise in text or not cell.execution_count
            assert "data-sealed" not in text
            assert not [s for s in secrets(quiz.exercise) if s in text]
    assert {"3.1", "18.1"} <= {*seen}


def test_answers_are_computed_only_when_a_page_asks():
    quiz = Quiz("3.2")
    assert quiz.sealed == "" and quiz.get_state()["sealed"] == ""
    quiz._handle_custom_msg({"ask": "sealed"}, [])
    assert quiz.sealed == quiz.seal() != ""
    quiz.exercise = "3.4"
    assert quiz.sealed == "", "answers of another exercise"


def test_the_call_is_short():
    assert repr(Quiz("3.1")) == 'Quiz("3.1")'
    assert repr(Quiz("3.1", hints=2)) == 'Quiz("3.1", hints=2)'
    assert repr(Quiz(exercise="3.1", answers=["1"])) == 'Quiz("3.1", answers=["1"])'
    assert Quiz().seal() == "" and "which one" in Quiz().summary()


def test_an_exercise_that_there_is_not():
    with pytest.raises(ValueError, match=r"got '3\.19'; did you mean 3\.1"):
        Quiz("3.19")
    with pytest.raises(ValueError, match="exercise"):
        Quiz(3.1)
    quiz = Quiz("3.1")
    with pytest.raises(ValueError, match="exercise"):
        quiz.exercise = "one"
    assert quiz.exercise == "3.1"


@pytest.mark.parametrize("number", BANK)
def test_readers_without_scripts_get_the_statement(number):
    text = Quiz(number).summary()
    assert BANK[number].statement in text
    assert text.endswith("Answer on the page with scripts, or in the notebook.")
    assert not [s for s in secrets(number) if s in text]
    [box] = BeautifulSoup(Quiz(number).html(), "html.parser").select("div")
    assert json.loads(box["data-state"]) == {"exercise": number}


# --- A test that is taken twice ------------------------------------------------------


def unsealed(quiz):
    data = base64.b64decode(quiz.seal(), validate=True)
    return json.loads(scrambled(data, quiz.exercise))


@pytest.mark.parametrize("number", ["99.1", "3.1"])
def test_before_the_book_a_page_has_nothing_to_judge_by(number):
    before, after = (Quiz(number, sitting=s) for s in ("before", "after"))
    texts = json.dumps(unsealed(before), ensure_ascii=False)
    assert not [secret for secret in secrets(number) if secret in texts]
    assert len([s for s in secrets(number) if s in str(unsealed(after))]) > 3
    for part, full in zip(
        unsealed(before)["parts"].values(),
        unsealed(after)["parts"].values(),
        strict=True,
    ):
        assert (part["right"], part["slips"], part["why"]) == (None, [], "")
        hidden = ("right", "slips", "why")
        assert {k: v for k, v in part.items() if k not in hidden} == {
            k: v for k, v in full.items() if k not in hidden
        }
    assert unsealed(after) == unsealed(Quiz(number))
    quiz = Quiz(number, sitting="after")
    quiz._handle_custom_msg({"ask": "sealed"}, [])
    quiz.sitting = "before"
    assert quiz.sealed == "", "answers that this sitting is not to have"


def test_a_sitting_is_before_or_after():
    with pytest.raises(ValueError, match="sitting"):
        Quiz("99.1", sitting="between")
    quiz = Quiz("99.1", sitting="before")
    assert repr(quiz) == 'Quiz("99.1", sitting="before")'
    assert quiz.summary().startswith("Before the book: The concept test")
    assert Quiz("99.1", sitting="after").summary().startswith("After the book: ")


# --- The concept test ----------------------------------------------------------------

QUESTIONS = exercise_of("99.1").parts


def places(path):
    """The headings of a notebook, as a link names them."""
    text = "\n".join(c.source for c in read(path).cells if c.cell_type == "markdown")
    for heading in re.findall(r"^#+ +(.*)", text, re.M):
        yield re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_twelve_questions_and_right_answers_that_no_letter_gives_away():
    assert len(QUESTIONS) == 12
    assert {part.kind for part in QUESTIONS.values()} == {"choice"}
    right = [part.right for part in QUESTIONS.values()]
    assert all(2 <= right.count(letter) <= 4 for letter in "abc")
    longest = [
        max(part.options, key=lambda letter, p=part: len(p.options[letter][0]))
        for part in QUESTIONS.values()
    ]
    assert sum(a == b for a, b in zip(right, longest, strict=True)) <= 5, "by length"


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_page_that_explains_is_there(name):
    page, _, heading = QUESTIONS[name].see.partition("#")
    path = ROOT / "chapters" / f"{page}.ipynb"
    assert path.is_file()
    assert not heading or heading in places(path)


def test_the_questions_on_paper_are_those_of_the_form():
    cells = read(ROOT / "chapters" / "concept_test.ipynb").cells
    text = " ".join("\n".join(cell.source for cell in cells).split())
    for k, part in enumerate(QUESTIONS.values(), 1):
        options = " ".join(f"({a}) {says}" for a, (says, _) in part.options.items())
        assert f"**{k}.** {part.prompt} {options}" in text
    key = " ".join(f"{k}{part.right}" for k, part in enumerate(QUESTIONS.values(), 1))
    assert key in text, "the key of the right answers"
