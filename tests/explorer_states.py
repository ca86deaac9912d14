"""States in which every explorer is tried, in Python and in the browser.

A class that is new in bplib.widgets needs a case here; tests fail until it has one.
"""

import dataclasses

import bplib.widgets


@dataclasses.dataclass
class Case:
    """What the tests need to know of one class.

    states: parameters; the first are the defaults. goal: one that the defaults do not
    meet, and meets: changes that do. rates: names of numbers that a link is tried on.
    positional: what the class must be given besides.
    """

    states: list
    goal: str
    meets: dict
    number: str
    positional: tuple = ()


CASES = {
    "TrainingExplorer": Case(
        states=[
            {},
            # diverges, in the middle and at once
            {"learning_rate": 60.0, "loss": "squared error", "activation": "relu"},
            {"data": "spirals", "hidden": 16, "iterations": 40, "momentum": 0.9},
            {"data": "spirals", "loss": "squared error", "seed": 7, "iterations": 3},
            {"data": "xor", "iterations": 0, "hidden": 1},
            {"data": "circles", "activation": "sigmoid", "learning_rate": 0.0001},
        ],
        goal="loss < 0.2 and iterations <= 200",
        meets={"iterations": 200, "learning_rate": 3.0},
        number="learning_rate",
    ),
}

NAMES = [name for name in bplib.widgets.__all__ if name in CASES]
STATES = [(name, n) for name in NAMES for n in range(len(CASES[name].states))]


def explorer(name, **parameters):
    """An explorer of this class."""
    return getattr(bplib.widgets, name)(*CASES[name].positional, **parameters)


def in_state(name, number, **more):
    return explorer(name, **CASES[name].states[number], **more)


def same(one, other):
    # Each widget has a class of its own: anywidget adds traits to it.
    names = type(one).__name__, type(other).__name__
    return one.state() == other.state() and names[0] == names[1]


def again(text):
    """What a Python call makes, for a reader who has imported bplib.widgets."""
    names = {name: getattr(bplib.widgets, name) for name in bplib.widgets.__all__}
    functions = {
        each.__name__: each
        for case in CASES.values()
        for each in case.positional
        if callable(each)
    }
    return eval(text, {**names, **functions})


# --- Values that a parameter must refuse ---------------------------------------------

NOT_NUMBERS = (None, "0.5", "", True, 1j, [1.0], {}, float("nan"), float("inf"))


def wrong_values(parameter):
    """Values that this parameter must refuse, as Python has them."""
    limits = parameter.limits
    if parameter.kind in ("number", "whole"):
        outside = [limits["low"] - 1, limits["high"] + 1, -1e300, 1e300, 10**400]
        return [*NOT_NUMBERS, *outside, *([0.5] if parameter.kind == "whole" else [])]
    if parameter.kind == "choice":
        return [None, "", "no such thing", 0, True, limits["options"]]
    if parameter.kind == "switch":
        return [None, 0, 1, "True", [], float("nan")]
    if parameter.kind == "numbers":
        bad = [None, 0.5, "12", ["1"], [None], {}, [float("nan")], [[[1.0]]]]
        bad += [[limits["high"] + 1], [[1.0], [1.0, 2.0]], [[limits["low"] - 1]]]
        return bad
    assert parameter.kind == "words", f"what must a {parameter.kind} refuse? say here"
    return [None, 1, {}, [1], "one text" if limits["many"] else ["texts"]]


def wrong_on_a_page(parameter):
    """The same for JSON, which has neither nan nor 1j; null for what Python refuses."""
    return [
        value
        for value in wrong_values(parameter)
        if not isinstance(value, complex)
        and value not in (float("inf"), 10**400)
        and value == value
        and value != [float("nan")]
    ]
