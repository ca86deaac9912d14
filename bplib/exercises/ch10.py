"""The exercises of chapter 10, checking gradients."""

import functools

import numpy as np

from bplib.exercises.parts import Choice, Code, Exercise, Number, Order
from bplib.layers import Dense, Net, Tanh
from bplib.losses import SquaredError

# --- 10.1: by hand -------------------------------------------------------------------

W, H = 1.0, 0.1


def fourth(w):
    return w**4


def one_sided(f, w=W, h=H):
    return (f(w + h) - f(w)) / h


def central(f, w=W, h=H):
    return (f(w + h) - f(w - h)) / (2 * h)


NOT_DIVIDED = "This is the difference of the two values, not yet divided."
EXACT = "This is the exact slope, 4w³. What does the difference give?"

by_hand = Exercise(
    "f(w) = w⁴ at w = 1, with the step h = 0.1. (1.1⁴ = 1.4641 and 0.9⁴ = 0.6561.)",
    {
        "one": Number(
            "the one-sided difference, to the right",
            lambda: one_sided(fourth),
            [
                (lambda: central(fourth), "This is the central difference."),
                (lambda: one_sided(fourth, h=-H), "This is the step to the left."),
                (lambda: H * one_sided(fourth), NOT_DIVIDED),
                (lambda: one_sided(fourth) / 2, "Here the points are h apart, not 2h."),
                (4.0, EXACT),
            ],
            tolerance=1e-3,
            why="It is off by 0.641.",
        ),
        "two": Number(
            "the central difference",
            lambda: central(fourth),
            [
                (lambda: one_sided(fourth), "This is the one-sided difference."),
                (lambda: 2 * central(fourth), "Here the points are 2h apart, not h."),
                (lambda: 2 * H * central(fourth), NOT_DIVIDED),
                (4.0, EXACT),
            ],
            tolerance=1e-3,
            why="It is off by 0.04, sixteen times less.",
        ),
        "square": Number(
            "By how much is the central difference off for f(w) = w² at w = 3, h = "
            "0.5?",
            lambda: central(lambda w: w**2, 3.0, 0.5) - 6.0,
            [
                (
                    lambda: one_sided(lambda w: w**2, 3.0, 0.5) - 6.0,
                    "That is the one-sided difference: it is off by h.",
                ),
                (
                    lambda: central(lambda w: w**2, 3.0, 0.5),
                    "This is the difference itself. How far is it from the slope, 2w?",
                ),
                (
                    0.25,
                    "This is h². Of which term does that error come, and is it here?",
                ),
            ],
            tolerance=1e-6,
            why="The error comes of the term with h³, and a square has none: at any h.",
        ),
    },
    [
        "Subtract the two values of f, then divide by how far apart the two points "
        "are.",
        "One-sided: (1.4641 − 1) / 0.1. Central: (1.4641 − 0.6561) / 0.2.",
        "Multiply out (3 + h)² − (3 − h)², and divide by 2h.",
    ],
)

# --- 10.2: predict -------------------------------------------------------------------

LARGE = 1e6
RULE = "That is measured on this f. What does the rule say?"


@functools.cache
def best(raised):
    """The best h and the error there, as the chapter measures them on w³ + raised."""
    h = 10 ** -np.linspace(1, 16, 600, endpoint=False)
    slopes = central(lambda w: w * w * w + raised, 1.1, h)
    off = np.abs(slopes - 3 * 1.1**2)
    worst = off.reshape(-1, 10).argmax(axis=1) + np.arange(0, 600, 10)
    return h[worst][off[worst].argmin()], off[worst].min()


def times_larger(k):
    return lambda: float(best(LARGE)[k] / best(0)[k])


predict = Exercise(
    "A loss is about a million in place of 1; its bends are as before. The slope is "
    "measured by central differences in float64.",
    {
        "step": Number(
            "By the rule of this chapter, how many times larger is the best h?",
            lambda: LARGE ** (1 / 3),
            [
                (times_larger(0), RULE),
                (
                    lambda: LARGE ** (1 / 2),
                    "This is for the one-sided difference. Here h² equals the rounding "
                    "divided by h.",
                ),
                (LARGE, "The rounding grows so. Now set h² equal to 10⁶ ε / h."),
                (1.0, "The rounding grows with |f|: does its balance with h² stay?"),
                (lambda: LARGE ** (-1 / 3), "More rounding: is a shorter step better?"),
                (lambda: LARGE ** (2 / 3), "So the error grows. And h?"),
            ],
            unit="times",
            why="h² = 10⁶ ε / h gives h³ = 10⁶ ε.",
        ),
        "error": Number(
            "And by that rule, how many times larger is the error there?",
            lambda: LARGE ** (2 / 3),
            [
                (times_larger(1), RULE),
                (
                    lambda: LARGE ** (1 / 3),
                    "So h grows. The error is as large as h², twice the exponent.",
                ),
                (
                    LARGE,
                    "It would grow so if h stayed as it was. But the best h grows.",
                ),
                (lambda: LARGE ** (1 / 2), "This is for the one-sided difference."),
                (1.0, "The rounding grows with |f|, and no h makes up for it all."),
            ],
            unit="times",
            why="It is about h², and h is a hundred times larger.",
        ),
        "twice": Choice(
            "A backward pass divides by the number of examples twice. At which of "
            "these places does a check not see it?",
            {
                "a": (
                    "where all weights and biases are zero",
                    "The error y − t is not zero there, nor is the gradient of the "
                    "last bias: N times too small.",
                ),
                "b": ("with a single example", "There N is 1, and 1/N twice is 1."),
                "c": (
                    "where all targets are zero",
                    "The gradient is then that of y²/2, and still N times too small.",
                ),
                "d": (
                    "with equal inputs",
                    "There are still N of them: the gradient is N times too small.",
                ),
            },
            "b",
        ),
    },
    [
        "Which of the two parts of the error grows when f does, and how many times?",
        "Truncation c h² stays, rounding is now 10⁶ ε / h. Where are they equal?",
        "h³ = 10⁶ ε: h is the cube root of a million times larger, the error is h².",
    ],
)

# --- 10.3: code ----------------------------------------------------------------------


def trial(seed, swap=False):
    """(f, gradient, theta, calls): a loss of 40 parameters; calls holds each theta."""
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))
    net, loss = Net(Dense(4, 5), Tanh(), Dense(5, 3)), SquaredError()
    theta = rng.normal(size=net.theta.size)
    net.theta = theta
    loss.forward(net.forward(x), t)
    net.backward(loss.backward())
    gradient, calls = net.grad.copy(), []

    def f(theta):
        calls.append(np.array(theta, dtype=float))
        net.theta = theta
        return loss.forward(net.forward(x), t)

    if swap:  # two equal and opposite mistakes
        i, j = rng.choice(theta.size, 2, replace=False)
        gradient[i] += 0.1
        gradient[j] -= 0.1
    return f, gradient, theta, calls


def judge_agrees(agrees):
    """Try it on 20 right gradients, and on 20 of each of three kinds of wrong ones."""
    for seed in range(20):
        for kind in ("right", "one entry", "factor", "two entries"):
            f, gradient, theta, calls = trial(seed, swap=kind == "two entries")
            if kind == "one entry":
                gradient[np.abs(gradient).argmax()] *= 1.01
            if kind == "factor":
                gradient *= 1.001
            before = gradient.copy(), theta.copy()
            try:
                answer = agrees(f, gradient, theta, np.random.default_rng(seed))
            except Exception as error:
                return False, f"It raises {type(error).__name__}: {error}."
            if not isinstance(answer, (bool, np.bool_)):
                return (
                    False,
                    f"It returns a {type(answer).__name__}, not True or False.",
                )
            same = np.array_equal(before[0], gradient) and np.array_equal(
                before[1], theta
            )
            if not same:
                return False, "It changes the gradient or theta that it is given."
            if len(calls) != 2:
                return False, f"It calls f {len(calls)} times: two calls are enough."
            if kind == "right" and not answer:
                return False, (
                    "It calls a right gradient wrong. Is the difference central, and "
                    "divided by 2h? Is h near 1e-5?"
                )
            if kind == "two entries" and answer:
                return False, (
                    "Two opposite mistakes of equal size escape it: their sum is 0 "
                    "along its direction. Draw u from the bell curve."
                )
            if kind != "right" and answer:
                return False, (
                    "It passes a wrong gradient. Is the tolerance small enough, and "
                    "does the direction move every entry?"
                )
    return True, "right: it passes 20 right gradients, and none of 60 wrong ones."


def agreement(direction=None, h=1e-5, tolerance=1e-6, right=True):
    """A reader's program, with the bell curve or another direction; slips and all."""

    def agrees(f, gradient, theta, rng):
        draw = direction or (lambda size, rng: rng.normal(size=size))
        u = draw(theta.size, rng)
        u = u / np.linalg.norm(u)
        slope = (f(theta + h * u) - f(theta - h * u)) / (2 * h if right else h)
        size = max(abs(slope), abs(u @ gradient))
        return abs(slope - u @ gradient) <= tolerance * size

    return agrees


def entry_by_entry(f, gradient, theta, rng):
    slopes = [
        (f(theta + 1e-5 * unit) - f(theta - 1e-5 * unit)) / 2e-5
        for unit in np.eye(theta.size)
    ]
    return np.allclose(slopes, gradient)


code = Exercise(
    "Write agrees(f, gradient, theta, rng). It returns True if the gradient of f at "
    "theta agrees with the slope along one random direction drawn from rng, to a "
    "relative error of a millionth, and False if not. It calls f twice.",
    {
        "agrees": Code(
            "the check along one direction",
            judge_agrees,
            agreement(),
            [
                (agreement(tolerance=1e-2), "passes a wrong gradient"),
                (agreement(right=False), "divided by 2h"),
                (agreement(h=1e-13), "h near 1e-5"),
                (agreement(lambda n, rng: np.ones(n)), "Draw u from the bell curve"),
                (
                    agreement(lambda n, rng: rng.choice([-1.0, 1.0], n)),
                    "Draw u from the bell curve",
                ),
                (entry_by_entry, "two calls are enough"),
                (lambda f, gradient, theta, rng: None, "not True or False"),
                (lambda f, gradient, theta: True, "raises TypeError"),
            ],
        ),
        "order": Order(
            "Put the lines of such a program in order.",
            {
                "a": "slope = (f(theta + h * u) - f(theta - h * u)) / (2 * h)",
                "b": "u = rng.normal(size=theta.size)",
                "c": "return abs(slope - u @ gradient) <= 1e-6 * abs(slope)",
                "d": "u = u / np.linalg.norm(u)",
            },
            "bdac",
            [
                (
                    "badc",
                    "Then the slope along the long u is compared with what the "
                    "gradient says of the short one.",
                ),
                ("dbac", "The length of u is taken before there is a u."),
            ],
            why="With a million parameters u is 1,000 long, and without the second "
            "line so is the step, in units of h.",
        ),
    },
    [
        "u = rng.normal(size=theta.size), divided by its length, np.linalg.norm(u).",
        "The slope along u is (f(theta + h * u) - f(theta - h * u)) / (2 * h).",
        "Compare it with u @ gradient: the difference is divided by the larger size.",
    ],
)

# --- 10.4: find the slip -------------------------------------------------------------


def nudged_alike(f, theta, i, h=1e-5):
    """The friend's: up and down are two names of one array."""
    up = down = theta
    up[i] += h
    down[i] -= h
    return (f(up) - f(down)) / (2 * h)


def right_slope(f, theta, i, h=1e-5):
    up, down = theta.copy(), theta.copy()
    up[i] += h
    down[i] -= h
    return (f(up) - f(down)) / (2 * h)


def half_way(f, theta, i, h=1e-5):
    """The second friend's: a step to one side, divided by two."""
    up = theta.copy()
    up[i] += h
    return (f(up) - f(theta)) / (2 * h)


def measured(program, i=0):
    f, _, theta, _ = trial(0)
    return float(program(f, theta, i))


def multiple(program):
    return lambda: measured(program) / measured(right_slope)


find_the_slip = Exercise(
    "A friend measures slopes with up = down = theta; up[i] += h; down[i] -= h; "
    "(f(up) - f(down)) / (2 * h).",
    {
        "slope": Number(
            "Which slope does the friend find, whatever f is?",
            lambda: measured(nudged_alike),
            [
                (
                    1.0,
                    "Follow the three lines with one entry, 5, and h = 1. What are up "
                    "and down at the end?",
                ),
                (
                    0.5,
                    "Half of the slope is the other friend's. Here up and down are one "
                    "array.",
                ),
            ],
            tolerance=1e-9,
            why="up and down are one array: moved up, and back down again.",
        ),
        "slip": Choice(
            "What is wrong?",
            {
                "a": (
                    "2 * h should be h.",
                    "The two points are to be 2h apart: that is right.",
                ),
                "b": (
                    "up and down are the same array, and theta too.",
                    "One array with three names: say theta.copy(), twice.",
                ),
                "c": (
                    "h is missing from the first line.",
                    "It stands in the second and third, where it belongs.",
                ),
                "d": (
                    "Only entry i is moved.",
                    "That is how it should be: one entry at a time.",
                ),
            },
            "b",
        ),
        "multiple": Number(
            "Another friend takes (f(up) - f(theta)) / (2 * h), with up a copy. Which "
            "multiple of the right slope is that?",
            multiple(half_way),
            [
                (2.0, "They divide by too much, so the slope is too small."),
                (1.0, "How far is up from theta, and by what is it divided?"),
            ],
            tolerance=0.01,
            why="A ratio of 1/2 everywhere points to the check, not to the gradient.",
        ),
    },
    [
        "In Python, a = b = array gives one array two names.",
        "Take theta = [5.0], h = 1, and follow the lines: what does up hold at the "
        "end?",
        "Half the distance, divided by the whole: up is h away from theta, not 2h.",
    ],
)

# --- 10.5: choose and defend ---------------------------------------------------------


def calls_needed(arrays=5, samples=200, directions=1, sides=2):
    return sides * (arrays * samples + directions)


choose = Exercise(
    "Your network has a million parameters and relu units, and it trains in float32. "
    "You have written the backward pass yourself and want to know whether it is right.",
    {
        "calls": Number(
            "check_gradients on four parameter arrays and x, each of more than 200 "
            "entries: how many times is the loss nudged and computed?",
            calls_needed,
            [
                (
                    functools.partial(calls_needed, arrays=4),
                    "x is an array of its own: five, and the direction.",
                ),
                (
                    functools.partial(calls_needed, directions=0),
                    "And the last row, one direction through everything.",
                ),
                (
                    functools.partial(calls_needed, sides=1),
                    "Each slope takes two calls, up and down.",
                ),
                (2e6, "That would be every parameter. Large arrays are sampled."),
            ],
            tolerance=0,
            why="Two for each of 1,001 slopes: all would be two million.",
        ),
        "plan": Choice(
            "Which check would you choose?",
            {
                "a": (
                    "the network as it is, in float32, with a tolerance of 1e-2",
                    "It checks the code that really runs. But 1e-2 passes the slip of "
                    "this chapter; what would you do about that?",
                ),
                "b": (
                    "a copy in float64, random values, 200 entries an array and a "
                    "direction",
                    "About two thousand calls, to a millionth. To whoever asks: a "
                    "corner is named as such, and the float32 code differs in its "
                    "rounding only.",
                ),
                "c": (
                    "a small network of the same layers, every entry, in float64",
                    "Every line of code runs, and every entry is seen, in less time. "
                    "But are there sizes, such as a batch of one, that take another "
                    "path?",
                ),
                "d": (
                    "train it: a wrong gradient would show",
                    "In chapter 3 a wrong one trained. What would you look at in order "
                    "to see the difference?",
                ),
            },
            None,
            argued="abc",
        ),
    },
    [
        "Five arrays and one direction; 200 entries of each array.",
        "Every slope is a central difference: two calls.",
        "For the plan: what would each of them miss, and what does it cost?",
    ],
)

# --- 10.6: a corner ------------------------------------------------------------------


def relu(w):
    return max(w, 0.0)


STEP = 1e-5

corner = Exercise(
    "relu(w) = max(w, 0), measured by central differences at w = −0.5 · 10⁻⁵.",
    {
        "measured": Number(
            "with h = 10⁻⁵",
            lambda: central(relu, -STEP / 2, STEP),
            [
                (
                    0.0,
                    "That is the slope there. But one nudge lands beyond the corner.",
                ),
                (0.5, "Is it exactly on the corner? Work out both values."),
                (0.75, "That is for w = +0.5 · 10⁻⁵."),
            ],
            tolerance=1e-3,
            why="relu(0.5) − relu(−1.5) is 0.5, divided by 2.",
        ),
        "smaller": Number(
            "with h = 10⁻⁶",
            lambda: central(relu, -STEP / 2, STEP / 10),
            [
                (
                    lambda: central(relu, -STEP / 2, STEP),
                    "As before? Do the nudges still reach the corner?",
                ),
                (0.5, "That is on the corner itself, w = 0."),
                (1.0, "That is to the right of the corner. On which side is w?"),
            ],
            tolerance=1e-3,
            why="Both nudges stay on the left of the corner.",
        ),
        "verdict": Choice(
            "What does bplib say of such an entry, with a right backward pass?",
            {
                "a": ("ok", "It tries smaller steps, and with one of them they agree."),
                "b": (
                    "kink",
                    "That is for points so close to a corner that no smaller step "
                    "helps.",
                ),
                "c": ("WRONG", "Not before it has tried smaller steps. Do they agree?"),
            },
            "a",
        ),
    },
    [
        "The two nudged points are 0.5 · 10⁻⁵ and −1.5 · 10⁻⁵.",
        "A smaller step: −0.4 · 10⁻⁵ and −0.6 · 10⁻⁵.",
        "Ruler.judge tries h/10 and h/100 before it looks for a corner.",
    ],
)

EXERCISES = {
    "10.1": by_hand,
    "10.2": predict,
    "10.3": code,
    "10.4": find_the_slip,
    "10.5": choose,
    "10.6": corner,
}
