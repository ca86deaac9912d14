"""States in which every explorer is tried, in Python and in the browser.

A class that is new in bplib.widgets needs a case here; tests fail until it has one.
"""

import dataclasses
import functools

import numpy as np

import bplib.widgets
from bplib.exercises import exercise_of


@dataclasses.dataclass
class Case:
    """What the tests need to know of one class.

    states: parameters; the first are the defaults. goal: one that the defaults do not
    meet, and meets: changes that do. number: a parameter with a slider, typed as well.
    told: one whose change the words tell, if that does not.
    given: what the class is made of besides. without: checks that make no sense here.
    """

    states: list
    goal: str = ""
    meets: dict = dataclasses.field(default_factory=dict)
    number: str = ""
    told: str = ""
    given: tuple = ((), {})
    without: tuple = ()


def sine(figure, frequency, height):
    """A picture for Frames."""
    x = np.linspace(0, 6, 50)
    axes = figure.subplots()
    axes.plot(x, height * np.sin(frequency * x))
    axes.set_ylim(-3, 3)


def keep_pictures(kind):
    """Hundreds of tests want the same six sines; matplotlib takes a second for them."""
    draw, kept = kind._image, {}

    @functools.wraps(draw)
    def image(self, values, size):
        if self._drawing is not sine:
            return draw(self, values, size)
        if (values, size) not in kept:
            kept[values, size] = draw(self, values, size)
        return kept[values, size]

    kind._image = image


keep_pictures(bplib.widgets.Frames)


def solution(number):
    """The texts with which a page's reader solves an exercise."""
    parts = [p for p in exercise_of(number).parts.values() if p.kind != "code"]
    firsts = {"order": lambda p: p.right[0], "choice": lambda p: p.right or p.argued[0]}
    return [str(firsts.get(p.kind, lambda p: p.right)(p)) for p in parts]


CASES = {
    "BackpropStepper": Case(
        states=[
            {},
            {"phase": "backward 1", "updates": 10_000, "selected": "W1[1,1]"},
            {
                "x": [1.0, -2.0, 0.5],
                "t": [0.0, 1.0, 0.5],
                "W1": [
                    [0.1, -0.2, 0.3, 0.4],
                    [0.5, 0.6, -0.7, 0.8],
                    [1.0, 2.0, 3.0, 0.0],
                ],
                "b1": [0.0, 0.1, -0.1, 1e-7],
                "W2": [
                    [0.1, 0.2, 0.3],
                    [1.0, 0.0, -1.0],
                    [0.5, 0.5, 0.5],
                    [2.0, 1.0, 0.0],
                ],
                "b2": [0.0, 0.0, 0.25],
                "phase": "backward 2",
                "train_biases": True,
                "selected": "W2[4,3]",
                "learning_rate": 3.0,
            },
            {"phase": "forward 1", "selected": "", "nudge": 0.1},
        ],
        goal="loss < 0.1 and updates >= 100",
        meets={"updates": 5000, "phase": "loss"},
        number="learning_rate",
        told="updates",
    ),
    "DescentExplorer": Case(
        states=[
            {},
            {"learning_rate": 0.95},  # thrown out
            {"surface": "network", "learning_rate": 5.0, "steps": 7},
            {"surface": "one weight", "learning_rate": 10.0, "steps": 200},
            {"surface": "quadratic", "curvature_2": 100.0, "momentum": 0.9},
            {"start_w1": 0.0, "start_w2": 0.0},
        ],
        goal="loss < 0.001 and steps <= 20",
        meets={"learning_rate": 0.4, "steps": 20},
        number="learning_rate",
    ),
    "Frames": Case(
        states=[{}, {"at": [2, 0]}, {"at": [1, 1]}],
        given=(
            (sine, {"frequency": [1, 2, 3], "height": [0.5, 2]}),
            {
                "alt": "A sine of frequency {0} and height {1}, from 0 to 6.",
                "title": "Waves",
                "size": (7, 1.5),
            },
        ),
        without=(
            "typing bad_typing broken_states same_verdict python_call goal by_the_call "
            "measured"
        ).split(),
    ),
    "GradientFlowExplorer": Case(
        states=[
            {},
            {
                "activation": "relu",
                "scale": 10.0,
                "learning_rate": 10.0,
                "iterations": 60,
            },
            {"depth": 20, "width": 24, "scale": 1.0, "iterations": 100},
            {
                "depth": 2,
                "width": 2,
                "activation": "sigmoid",
                "gradient": "dW",
                "seed": 3,
            },
        ],
        goal="ratio > 0.2",
        meets={"scale": 1.0},
        number="scale",
    ),
    "FitExplorer": Case(
        states=[
            {},
            {"activation": "relu", "learning_rate": 10.0},  # diverges
            {"function": "step", "hidden": 1, "iterations": 0},
            {"function": "sine", "activation": "sigmoid", "iterations": 7},
            {"points": [0.5] * 6 + [2.0] + [-2.0] * 6, "hidden": 32, "iterations": 60},
        ],
        goal="worst_error < 0.2 and hidden <= 6",
        meets={"function": "sine", "hidden": 6},
        number="learning_rate",
    ),
    "NeuronExplorer": Case(
        states=[
            {},
            {"w1": 10.0, "x1": 5.0},  # saturated
            {"w1": 0.0, "activation": "tanh", "bias": -10.0},
            {"activation": "relu", "x1": -3.0, "w1": -2.5},
            {"inputs": "two", "w1": -2.0, "w2": 3.0, "x2": -4.0},
            {"inputs": "two", "w1": 0.0, "w2": 0.0, "activation": "identity"},
        ],
        goal="slope < 0.01 and w1 < 2",
        meets={"x1": 5.0},
        number="bias",
    ),
    "Quiz": Case(
        states=[
            {},
            {"answers": ["193", "cbda"], "hints": 1},
            {"answers": solution("3.3")},
            {"answers": ["", "abcd"], "hints": 2},
            {"answers": ["lots", "aaaa", "too", "many"], "hints": 9},
            {"answers": solution("3.3"), "sitting": "before"},
            {"answers": solution("3.3"), "sitting": "after"},
        ],
        goal="right >= 2 and hints <= 1",
        meets={"answers": solution("3.3")},
        number="hints",
        given=((), {"exercise": "3.3"}),
        without="typing words bad_typing broken_states by_itself".split(),
    ),
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
    positional, named = CASES[name].given
    return getattr(bplib.widgets, name)(*positional, **named, **parameters)


def bare(name, **parameters):
    """Of a state alone, as the build and the page make it."""
    return getattr(bplib.widgets, name)(**parameters)


def in_state(name, number, **more):
    return explorer(name, **CASES[name].states[number], **more)


def same(one, other):
    # Each widget has a class of its own: anywidget adds traits to it.
    names = type(one).__name__, type(other).__name__
    return one.state() == other.state() and names[0] == names[1]


def again(text):
    """What a Python call makes, for a reader who has imported bplib.widgets."""
    names = {name: getattr(bplib.widgets, name) for name in bplib.widgets.__all__}
    return eval(text, names)


# --- Values that a parameter must refuse ---------------------------------------------

NOT_NUMBERS = (None, "0.5", "", True, 1j, [1.0], {}, float("nan"), float("inf"))


def wrong_values(parameter):
    """Values that this parameter must refuse, as Python has them."""
    limits = parameter.limits
    if parameter.kind in ("number", "whole"):
        outside = [limits["low"] - 1, limits["high"] + 1, -1e300, 1e300, 10**400]
        return [*NOT_NUMBERS, *outside, *([0.5] if parameter.kind == "whole" else [])]
    if parameter.kind == "choice":
        bad = [None, "", "no such thing", 0, True, limits["options"]]
        return [value for value in bad if value not in limits["options"]]
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
