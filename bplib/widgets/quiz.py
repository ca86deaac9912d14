"""An exercise to answer where you read it, on the published page too."""

import base64
import json
import textwrap

import traitlets

from bplib.exercises import bank, exercise_of
from bplib.exercises.parts import close_to
from bplib.widgets.explorer import Choice, Explorer, Whole, Words, WrongValue
from bplib.widgets.generator import Random

STREAM = 3  # of the random numbers that hide the answers
SITTINGS = {"": "Exercise {}", "before": "Before the book", "after": "After the book"}


class Quiz(Explorer):
    """An exercise of the book, such as Quiz("3.1"), judged as `bplib.check` judges it.

    A wrong number that comes of a known slip gets the slip's own sentence. On a
    published page the answers and sentences come with the page, scrambled, so that
    nobody reads them by accident; what the reader answers stays in the browser. An
    exercise that asks for a program asks on the page for what the program gives.

    exercise: its number. answers: those that were checked, a text for each part, "" for
    none; hints: how many are shown. Goals may use right, how many parts are, and hints.
    sitting: of a test that is taken twice. "before" keeps the answers and judges none;
    its page has nothing to judge by. "after" judges when all are given, beside those.
    """

    title = "Exercise"
    measures = ("right", "hints")

    exercise = Words("", "exercise")
    answers = Words((), "answers", many=True)
    hints = Whole(0, 0, 9, "hints shown")
    sitting = Choice("", SITTINGS, "sitting")

    sealed = traitlets.Unicode().tag(sync=True)  # in a notebook: once the page asks

    def __init__(self, exercise="", **parameters):
        super().__init__(exercise=exercise, **parameters)
        self.on_msg(lambda *_: self._unfold())

    @traitlets.validate("exercise")
    def _check_exercise(self, proposal):
        number = proposal.value
        if number == "" or exercise_of(number):
            return number
        raise WrongValue(
            f"Quiz expects exercise to be the number of one, got {number!r}; "
            f"{close_to(number, bank())}"
        )

    @traitlets.observe("exercise", "sitting")
    def _forget(self, _):
        self.sealed = ""

    def _unfold(self):
        self.sealed = self.seal()

    def facts(self):
        """What the page is to know, answers and all, fit for JSON."""
        if not self.exercise:
            return None
        facts = exercise_of(self.exercise).facts()
        if self.sitting == "before":
            answers = {"right": None, "slips": [], "argued": "", "why": ""}
            parts = {
                name: part | {key: answers[key] for key in answers if key in part}
                for name, part in facts["parts"].items()
            }
            facts = {"parts": parts, "hints": ()}
        return facts

    def seal(self):
        """The facts, scrambled: in base64, and no text that one could read."""
        if not self.exercise:
            return ""
        data = json.dumps(self.facts(), ensure_ascii=False).encode()
        return base64.b64encode(scrambled(data, self.exercise)).decode()

    def draw(self, figure):
        lines = [self.summary()]
        if self.exercise:
            parts = exercise_of(self.exercise).parts.values()
            asked = [f"☐ {part.prompt}" for part in parts if part.kind != "code"]
            lines = [*lines, "", *asked]
        # A $ would begin a formula.
        text = [textwrap.fill(line.replace("$", "\\$"), 84) for line in lines]
        text = "\n".join(text)
        figure.set_size_inches(7, 0.4 + 0.17 * (1 + text.count("\n")))
        ax = figure.subplots()
        ax.set_position([0.02, 0.02, 0.96, 0.96])
        ax.axis("off")
        ax.text(0, 1, text, va="top", fontsize=10, transform=ax.transAxes)

    def summary(self):
        if not self.exercise:
            return "There is no exercise here: say which one, as in Quiz('3.1')."
        statement = exercise_of(self.exercise).statement
        name = SITTINGS[self.sitting].format(self.exercise)
        return (
            f"{name}: {statement} Answer on the page with scripts, or in the notebook."
        )

    def __repr__(self):
        return super().__repr__().replace("exercise=", "", 1)


def scrambled(data, exercise):
    """bytes, each mixed with one that follows from the exercise; twice gives data."""
    random = Random(int(exercise.replace(".", "")), STREAM)
    words = (random.integer().to_bytes(4, "little") for _ in range(0, len(data), 4))
    stream = b"".join(words)
    return bytes(a ^ b for a, b in zip(data, stream, strict=False))
