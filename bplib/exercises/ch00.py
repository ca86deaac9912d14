"""The exercises of chapter 0, before you start: slopes and arrays."""

import math

import numpy as np

from bplib.exercises.parts import Choice, Exercise, Number, Shape

# --- 0.1: slopes ---------------------------------------------------------------------


def slope(f, x, h=1e-5):
    return (f(x + h) - f(x - h)) / (2 * h)


slopes = Exercise(
    "The test on slopes. Six short questions, on paper.",
    {
        "square": Number(
            "The slope of x² at x = 5",
            lambda: slope(lambda x: x**2, 5),
            [
                (lambda: 5**2, "This is the height, 25. How fast does it change?"),
                (lambda: 5, "This is x. The slope of x² is twice that."),
            ],
        ),
        "sum": Number(
            "The slope of 3x² + 4x + 1 at x = 2",
            lambda: slope(lambda x: 3 * x**2 + 4 * x + 1, 2),
            [
                (lambda: 3 * 2**2 + 4 * 2 + 1, "This is the height at 2."),
                (lambda: 6 * 2, "The slope of 4x is missing: slopes of a sum add."),
                (
                    lambda: 6 * 2 + 4 + 1,
                    "The 1 stays: what does not move has no slope.",
                ),
            ],
        ),
        "chain": Number(
            "The slope of (2x + 1)³ at x = 2; that of u³ is 3u²",
            lambda: slope(lambda x: (2 * x + 1) ** 3, 2),
            [
                (lambda: (2 * 2 + 1) ** 3, "This is the height."),
                (
                    lambda: 3 * (2 * 2 + 1) ** 2,
                    "This is the outer slope; times the inner one, 2.",
                ),
                (
                    lambda: 3 * 2**2 * 2,
                    "Here the outer slope is taken at x = 2; it belongs at u = 5.",
                ),
            ],
        ),
        "partial": Number(
            "The slope of a²b for a, at a = 3, b = 4",
            lambda: slope(lambda a: a**2 * 4, 3),
            [
                (lambda: slope(lambda b: 9 * b, 4), "This is the slope for b."),
                (lambda: 2 * 3, "b stays where it is, but it is a factor."),
            ],
        ),
        "two_ways": Number(
            "f = u · v with u = 2x and v = x + 3: the slope of f for x, at x = 2",
            lambda: slope(lambda x: 2 * x * (x + 3), 2),
            [
                (lambda: 4 * 5, "This is the height, u · v."),
                (lambda: 2 * 5, "This is the way through u alone. x has two ways."),
                (lambda: 4 * 1, "This is the way through v alone. x has two ways."),
                (lambda: 2 * 1, "This is u' · v'. On each way the other stays."),
            ],
        ),
        "predict": Number(
            "A function has the slope −4 at some place. You move by 0.05. About how "
            "much does it change?",
            lambda: -4 * 0.05,
            [
                (lambda: -4 / 0.05, "Multiply by the step; do not divide."),
                (
                    lambda: -4 + 0.05,
                    "Multiply by the step; do not add it.",
                ),
            ],
        ),
    },
    [
        "Along a path slopes multiply; where paths meet, they add.",
        "The outer slope is taken where the inner function has arrived: u = 2 · 2 + 1.",
    ],
)

# --- 0.2: a slip ---------------------------------------------------------------------

cubes = Exercise(
    "A friend computes the slope of (x² + 1)³ at x = 2 and writes: outer slope "
    "3 · 2² = 12, inner slope 2 · 2 = 4, together 48.",
    {
        "slip": Choice(
            "What is the slip?",
            {
                "a": (
                    "The two slopes should be added.",
                    "One path: its slopes multiply. They add where two paths meet.",
                ),
                "b": (
                    "The outer slope is taken at x, not at x² + 1.",
                    "Yes. The inner function has arrived at 5, and 3 · 5² = 75.",
                ),
                "c": (
                    "The inner slope should be 2² + 1.",
                    "That is the inner height. Its slope is 2x.",
                ),
            },
            "b",
        ),
        "slope": Number(
            "The correct slope",
            lambda: slope(lambda x: (x**2 + 1) ** 3, 2),
            [
                (lambda: 3 * 2**2 * 4, "This is your friend's number."),
                (lambda: 3 * 5**2 + 4, "Along one path slopes multiply."),
                (lambda: 3 * 5**2, "This is the outer slope; times the inner one."),
                (lambda: 4, "This is the inner slope; times the outer one, at 5."),
            ],
        ),
    },
    ["Where has the inner function arrived when x is 2?", "At 5. What is 3u² there?"],
)

# --- 0.3: by a nudge -----------------------------------------------------------------


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


by_nudge = Exercise(
    "Measure the slope of the function 1 / (1 + exp(−z)) at z = 0 and at z = 5 by a "
    "small nudge to either side.",
    {
        "at_0": Number(
            "The slope at z = 0",
            lambda: slope(sigmoid, 0),
            [
                (
                    lambda: sigmoid(0),
                    "This is the height; or you divided by h, and the whole distance "
                    "is 2h.",
                ),
                (lambda: 0, "It is flat far out. At 0 it is steepest."),
            ],
        ),
        "at_5": Number(
            "The slope at z = 5",
            lambda: slope(sigmoid, 5),
            [
                (lambda: sigmoid(5), "This is the height."),
                (lambda: 2 * slope(sigmoid, 5), "Divide by the whole distance, 2h."),
            ],
        ),
        "flat": Choice(
            "What does the slope at z = 5 say?",
            {
                "a": (
                    "It is steepest there.",
                    "It is steepest at 0, where the slope is 1/4.",
                ),
                "b": (
                    "The output hardly moves with z.",
                    "Yes: out there the function is nearly flat.",
                ),
                "c": (
                    "The output is near 0.",
                    "The output is near 1; the slope is near 0.",
                ),
            },
            "b",
        ),
    },
    [
        "Take the difference of the heights at z + h and z − h.",
        "Divide it by 2h, with h = 0.001.",
    ],
)

# --- 0.4: shapes ---------------------------------------------------------------------


def shape(make):
    return lambda: make().shape


X, W, b = np.ones((5, 3)), np.ones((3, 2)), np.ones((1, 2))
shapes = Exercise(
    "The test on arrays. X has shape (5, 3), W has (3, 2), b has (1, 2).",
    {
        "product": Shape(
            "The shape of X @ W + b",
            shape(lambda: X @ W + b),
            [
                ((5, 3), "The inner numbers, 3 and 3, vanish."),
                ((1, 2), "b is repeated for each of the five rows."),
            ],
        ),
        "transposed": Shape(
            "The shape of X.T @ (X @ W)",
            shape(lambda: X.T @ (X @ W)),
            [
                ((5, 2), "This is X @ W. X.T has three rows."),
                ((3, 5), "This is X.T alone."),
            ],
        ),
        "summed": Shape(
            "The shape of X.sum(axis=0, keepdims=True)",
            shape(lambda: X.sum(axis=0, keepdims=True)),
            [
                ((3,), "keepdims keeps the axis, with length 1."),
                ((5, 1), "Axis 0 is that of the rows: it is the one that goes."),
            ],
        ),
        "minus": Shape(
            "y has shape (5, 1), t has (5,). The shape of y − t",
            shape(lambda: np.ones((5, 1)) - np.ones(5)),
            [
                ((5, 1), "This is what one wants. NumPy stretches both."),
                (
                    (5,),
                    "The missing axis of t is put in front, and both are stretched.",
                ),
            ],
        ),
        "one": Shape(
            "The shape of X[2]",
            shape(lambda: X[2]),
            [
                ((1, 3), "That is X[2:3]. A number as an index takes the axis away."),
                ((5,), "This is a column, X[:, 2]."),
            ],
        ),
    },
    [
        "Write the shapes under one another, aligned at the right.",
        "In y − t, (5,) counts as (1, 5).",
    ],
)

# --- 0.5: the trap -------------------------------------------------------------------


def outputs(n=4):
    return np.arange(1.0, n + 1)


trap = Exercise(
    "The targets are t = [1, 2, 3, 4], shape (4,). The outputs y are the same numbers, "
    "shape (4, 1). Somebody takes the mean of all squares of y - t.",
    {
        "wrong": Number(
            "What comes out?",
            lambda: np.mean((outputs()[:, None] - outputs()) ** 2),
            [
                (
                    lambda: 0,
                    "It should be 0. But y − t has 16 entries here.",
                ),
                (
                    lambda: np.sum((outputs()[:, None] - outputs()) ** 2),
                    "This is the sum of all 16 squares; the mean is asked for.",
                ),
                (
                    lambda: np.sum((outputs()[:, None] - outputs()) ** 2) / 4,
                    "There are 16 squares, not 4.",
                ),
            ],
        ),
        "mend": Choice(
            "Which of these mends it?",
            {
                "a": (
                    "y - t.T",
                    "An array with one axis has no other transpose: t.T is t.",
                ),
                "b": ("y - t[:, None]", "Yes: both have shape (4, 1)."),
                "c": (
                    "y - t[None, :]",
                    "That is (1, 4), what NumPy makes of t anyway.",
                ),
            },
            "b",
        ),
    },
    ["How many entries has y − t?", "Sum the squares of all differences i − j."],
)

# --- 0.6: a copy, or the same --------------------------------------------------------

window = Exercise(
    "theta is np.zeros(6), and W = theta[:4].reshape(2, 2). Four lines, each run by "
    "itself: which one leaves theta as it is?",
    {
        "line": Choice(
            "The line that leaves theta as it is",
            {
                "a": ("W += 1", "This changes in place the numbers that W looks at."),
                "b": ("W = W + 1", "Yes: a new array, and W is now its name."),
                "c": ("W[0, 0] = 1", "This writes into the same memory."),
                "d": ("W[:] = 1", "This writes into the same memory, everywhere."),
            },
            "b",
        ),
        "ones": Number(
            "After W += 1 on the fresh theta: what is theta.sum()?",
            lambda: float(np.ones(4).sum()),
            [
                (lambda: 0, "W is a window into theta: += writes through it."),
                (lambda: 6, "W shows the first four numbers only."),
            ],
            tolerance=0,
        ),
    },
    ["Which line makes a new array?", "Try it: print(theta) after each."],
)

EXERCISES = {
    "0.1": slopes,
    "0.2": cubes,
    "0.3": by_nudge,
    "0.4": shapes,
    "0.5": trap,
    "0.6": window,
}
