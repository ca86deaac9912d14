"""What an exercise asks, and how an answer is judged: as verdict.js judges it.

A chapter's bank, such as ch03.py, is a dictionary {"3.1": Exercise(...)}. Right answers
and slips are functions without arguments, so that they are computed, not typed in, and
only when somebody asks.
"""

import difflib
import functools
import math
import numbers
import os
import re

import numpy as np

SPACES = re.compile("[ \t\r\n\u00a0\u2009\u202f]")
NUMBER = "[+-]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3})+")
FRACTION = re.compile(f"({NUMBER})(?:/({NUMBER}))?")
SHAPE = re.compile("[(\\[]?((?:[0-9]{1,9}(?:[,x*×][0-9]{1,9})*,?)?)[)\\]]?")

# What is said of any number, in verdict.js too.
UNREAD = "This cannot be read as a number: write it as 0.5, -1/3 or 1e-3."
SIGN = "The size is right, the sign is not."
SHARE = "This is in percent: give the share, from 0 to 1."
PERCENT = "This is the share: give it in percent."
TEN = "The digits are right, the point is in the wrong place."
TWICE = "This is twice too large."
HALF = "This is half of it."
ROUNDED = "Close, but not to three digits: did you round on the way?"
CLOSE = "Close, but not it."
OPPOSITE = "Not right: look at the sign first."
LESS = "Not right: it is less than that."
MORE = "Not right: it is more than that."
TURNED = "These are the right axes in the wrong order."
AXES = "The number of axes is not right."
NO_SHAPE = "This cannot be read as a shape: write it as (2, 4) or 2 x 4."
OTHER_SHAPE = "Not right: ask of each axis what it counts."
FIRST_LINE = "Not right from the first line on."


class Verdict:
    """kind: "right"; "slip", which has its own sentence; "wrong"; "argued", where no
    answer is the only right one; "unread", if it is no answer. text: a sentence or two.
    """

    def __init__(self, kind, text):
        self.kind, self.text = kind, text

    def __repr__(self):
        return f"Verdict({self.kind!r}, {self.text!r})"


class Part:
    """One thing that an exercise asks.

    prompt: the question in a line of plain text. right: the answer, or a function that
    computes it. slips: pairs of what a known slip gives (or a function that computes
    it) and the sentence that a reader gets who gives it. why: a sentence for whoever is
    right.
    """

    kind = ""

    def __init__(self, prompt, right, slips=(), *, why=""):
        self.prompt, self.why = prompt, why
        self._right, self._slips = right, tuple(slips)

    @functools.cached_property
    def right(self):
        return computed(self._right)

    @functools.cached_property
    def slips(self):
        """Pairs of a wrong answer and its sentence."""
        return [(computed(wrong), says) for wrong, says in self._slips]

    def judge(self, answer):
        """The Verdict on an answer: a text, as readers type it, or Python's value."""
        value = self.read(answer)
        return value if isinstance(value, Verdict) else self.verdict(value)

    def facts(self):
        """What a page needs to judge by itself, fit for JSON."""
        slips = [[plain(wrong), says] for wrong, says in self.slips]
        facts = {"kind": self.kind, "prompt": self.prompt, "why": self.why}
        return {**facts, "right": plain(self.right), "slips": slips}

    def said(self):
        return Verdict("right", self.why)


class Number(Part):
    """A number. Answers to three digits count, or those within tolerance (0: exact).

    unit: what stands behind the number, "updates" or "%"; "share" is not shown, it says
    that the number lies from 0 to 1, and not in percent.
    """

    kind = "number"

    def __init__(self, prompt, right, slips=(), *, unit="", tolerance=None, why=""):
        super().__init__(prompt, right, slips, why=why)
        self.unit, self.tolerance = unit, tolerance

    def facts(self):
        return {**super().facts(), "unit": self.unit, "tolerance": self.tolerance}

    def near(self, value, target):
        """Whether value passes for target."""
        room = 0.005 * abs(target) if self.tolerance is None else self.tolerance
        return abs(value - target) <= room * (1 + 1e-9) + 1e-12

    def read(self, answer):
        if isinstance(answer, str):
            return self.read_text(answer)
        if isinstance(answer, numbers.Real) and not isinstance(answer, bool):
            value = float(answer)
        else:
            array = np.asarray(answer)
            if array.dtype.kind not in "fiu":
                text = f"Here a number is asked for, not {kind_of(answer)}."
                return Verdict("unread", text)
            if array.size != 1:
                text = f"Here one number is asked for, not an array {array.shape}."
                return Verdict("unread", text)
            value = float(array.item())
        if math.isfinite(value):
            return value
        return Verdict("unread", f"{value} is no answer: what was divided by, or grew?")

    def judge(self, answer):
        """As of every part; but 2,002 may be the book's 2002, or 2.002."""
        verdict = super().judge(answer)
        whole = SPACES.sub("", answer) if is_text(answer) else ""
        unit = SPACES.sub("", self.unit)
        whole = whole.removesuffix(unit) if unit else whole
        if verdict.kind != "right" and THOUSANDS.fullmatch(whole):
            other = super().judge(whole.replace(",", ""))
            kinds = ("right", "slip", "wrong", "unread")
            return min(verdict, other, key=lambda each: kinds.index(each.kind))
        return verdict

    def read_text(self, text):
        text = SPACES.sub("", text).replace("−", "-")
        unit = SPACES.sub("", self.unit)
        share = 1
        if unit and text.endswith(unit):
            text = text.removesuffix(unit)
        elif text.endswith("%"):
            text, share = text[:-1], 100
        if text.count(",") == 1 and "." not in text:
            text = text.replace(",", ".")
        found = FRACTION.fullmatch(text)
        above, below = (
            (float(each or 1) for each in found.groups()) if found else (0, 0)
        )
        if below == 0 or not math.isfinite(above / below / share):
            return Verdict("unread", UNREAD)
        return above / below / share

    def verdict(self, value):
        right, near = self.right, self.near
        if near(value, right):
            return self.said()
        for wrong, says in self.slips:
            if near(value, wrong):
                return Verdict("slip", says)
        return Verdict("wrong", self.wrong(value, right))

    def wrong(self, value, right):
        def near(value):  # whatever the tolerance: a wide one would see patterns in all
            return right != 0 and abs(value - right) <= 0.005 * abs(right)

        if near(-value):
            return SIGN
        if self.unit == "share" and self.near(value / 100, right):
            return SHARE
        if self.unit == "%" and self.near(value * 100, right):
            return PERCENT
        counted = is_whole(value) and is_whole(right)  # 60 for 6: there is no point
        if not counted and any(
            near(value * 10**k) or near(value / 10**k) for k in (1, 2, 3)
        ):
            return TEN
        if near(value / 2):
            return TWICE
        if near(value * 2):
            return HALF
        if abs(value - right) <= 0.05 * abs(right):
            return ROUNDED if self.tolerance is None and not counted else CLOSE
        if value * right < 0:
            return OPPOSITE
        return LESS if value > right else MORE


class Choice(Part):
    """One of several. options: {"a": (text, what to say to whoever picks it), ...}.

    right: a letter, or a function that computes it; None where there is no single right
    one. argued: letters, such as "bc", that can be defended: their sentences argue; all
    others are wrong. Where neither is given, all can be defended. see: where the book
    says more, "04_name#a-heading".
    """

    kind = "choice"

    def __init__(self, prompt, options, right, *, argued="", see=""):
        slips = [(letter, says) for letter, (_, says) in options.items()]
        super().__init__(prompt, right, slips)
        self.options, self.see = options, see
        self.argued = "".join(options) if right is None and not argued else argued

    def facts(self):
        texts = {letter: text for letter, (text, _) in self.options.items()}
        see = {"see": self.see} if self.see else {}
        return {**super().facts(), "options": texts, "argued": self.argued, **see}

    def read(self, answer):
        letter = SPACES.sub("", answer).strip("().").lower() if is_text(answer) else ""
        if letter in self.options:
            return letter
        return Verdict(
            "unread", f"Here one letter is asked for: {listed(self.options)}."
        )

    def verdict(self, letter):
        says = dict(self.slips)[letter]
        if letter in self.argued:
            return Verdict("argued", says)
        return Verdict("right" if letter == self.right else "slip", says)


class Order(Part):
    """Lines to be put in order. lines: {"a": "the first line shown", ...}.

    right: their letters in order, such as "cab", or a tuple of all orders that do;
    slips are such texts. argued: pairs of an order that can be defended, too, and its
    sentence. In a notebook a list of letters will do as well.
    """

    kind = "order"

    def __init__(self, prompt, lines, right, slips=(), *, argued=(), why=""):
        orders = (right,) if is_text(right) else right
        super().__init__(prompt, orders, slips, why=why)
        self.lines, self.argued = lines, tuple(argued)

    def facts(self):
        return {**super().facts(), "lines": self.lines, "argued": plain(self.argued)}

    def read(self, answer):
        if isinstance(answer, (list, tuple)) and all(map(is_text, answer)):
            answer = "".join(answer)
        letters = SPACES.sub("", answer).replace(",", "") if is_text(answer) else ""
        if sorted(letters.lower()) == sorted(self.lines):
            return letters.lower()
        text = f"Each of the letters {listed(self.lines)} must stand there once."
        return Verdict("unread", text)

    def verdict(self, letters):
        if letters in self.right:
            return self.said()
        for kind, known in ("argued", self.argued), ("slip", self.slips):
            if letters in dict(known):
                return Verdict(kind, dict(known)[letters])
        good = max(len(os.path.commonprefix([letters, each])) for each in self.right)
        lines = "line is" if good == 1 else f"{good} lines are"
        text = f"The first {lines} in place, the next is not."
        return Verdict("wrong", text if good else FIRST_LINE)


class Shape(Part):
    """The shape of an array: a tuple, or a text such as "(2, 4)" or "2 x 4"."""

    kind = "shape"

    def read(self, answer):
        if is_text(answer):
            found = SHAPE.fullmatch(SPACES.sub("", answer).replace("X", "x"))
            if found and SPACES.sub("", answer):
                return tuple(map(int, re.findall("[0-9]+", found[1])))
        elif isinstance(answer, (list, tuple)) and all(map(is_count, answer)):
            return tuple(map(int, answer))
        return Verdict("unread", NO_SHAPE)

    def verdict(self, shape):
        right = tuple(self.right)
        if shape == right:
            return self.said()
        for wrong, says in self.slips:
            if shape == tuple(wrong):
                return Verdict("slip", says)
        if len(shape) != len(right):
            return Verdict("wrong", AXES)
        return Verdict(
            "wrong", TURNED if sorted(shape) == sorted(right) else OTHER_SHAPE
        )


class Code(Part):
    """A function that the reader writes; a page, which cannot run it, leaves it out.

    judge(function) returns whether it is right, and what is to be said of it. right is
    a function that passes; slips are pairs of one that does not and a piece of what is
    then said: the tests try them.
    """

    kind = "code"

    def __init__(self, prompt, judge, right, slips=()):
        super().__init__(prompt, right, slips)
        self._judge = judge

    @property
    def right(self):
        return self._right

    @property
    def slips(self):
        return list(self._slips)

    def read(self, answer):
        if callable(answer) and not isinstance(answer, type):
            return answer
        text = f"Here a function is asked for, by its name, not {kind_of(answer)}."
        return Verdict("unread", text)

    def verdict(self, function):
        good, text = self._judge(function)
        return Verdict("right" if good else "slip", str(text))


def backward(prompt, make, right, slips=()):
    """A Code that wants my_backward(net, loss, x, t) -> {"dW1": ...}.

    make() returns the net, loss, x and t that it is tried on.
    """

    def judge(function):
        from bplib.diagnosis import diagnose_backward

        found = diagnose_backward(function, *make())
        return found.ok, found

    return Code(prompt, judge, right, slips)


class Exercise:
    """statement: the exercise in a few plain sentences, for pages without scripts.
    parts: {name: Part}; a notebook asks for them by these names. hints: from a nudge
    to nearly all of it.
    """

    def __init__(self, statement, parts, hints):
        self.statement, self.parts, self.hints = statement, parts, tuple(hints)

    def facts(self):
        """What a page asks, under the chapter's own text; without programs."""
        parts = {
            name: part.facts()
            for name, part in self.parts.items()
            if part.kind != "code"
        }
        return {"parts": parts, "hints": self.hints}


# --- Small things --------------------------------------------------------------------


def computed(value):
    return value() if callable(value) else value


def plain(value):
    """value as JSON knows it."""
    if isinstance(value, tuple):
        return list(map(plain, value))
    return value.item() if isinstance(value, np.generic) else value


def is_text(value):
    return isinstance(value, str)


def is_whole(number):
    return abs(number - round(number)) <= 1e-9


def is_count(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def listed(names):
    return ", ".join(names)


def close_to(name, names):
    """Which of the names was meant, as a question; or what names there are."""
    names = list(names)
    close = difflib.get_close_matches(str(name), names, 1)
    if close:
        return f"did you mean {close[0]}?"
    known = listed(names) if len(names) < 20 else f"{names[0]} to {names[-1]}"
    return f"there are {known}."


def kind_of(value):
    """An article and a word for a value, without asking the value."""
    known = {type(None): "None", bool: "True or False", str: "a text", dict: "a dict"}
    return known.get(type(value), f"a {type(value).__name__}")
