"""Slips that are one factor: a sign, N, a 2, the number of outputs."""

import numpy as np

from bplib.diagnosis.backward import (
    ACTIVATIONS,
    WEIGHTS,
    Slip,
)
from bplib.diagnosis.slips.table import SLIPS, slip
from bplib.layers import RNN, Conv2D, Flatten, MaxPool2D

FACTORS = (  # times what is right; {value} and {inverse} are for the report
    ("sign", lambda s: -1, "have the wrong sign"),
    ("n_missing", lambda s: s.N, "are exactly N = {value} times too large"),
    ("n_twice", lambda s: 1 / s.N, "are exactly N = {inverse} times too small"),
    ("factor_two", lambda s: 2, "are exactly 2 times too large"),
    ("factor_half", lambda s: 0.5, "are exactly half of what is right"),
    (
        "times_classes",
        lambda s: s.C,
        "are exactly C = {value} times too large, the number of outputs",
    ),
    (
        "divided_by_classes",
        lambda s: 1 / s.C,
        "are exactly C = {inverse} times too small, the number of outputs",
    ),
    (
        "classes_for_n",
        lambda s: s.N / s.C if s.C > 1 else 1,
        "are divided by the number of outputs where N belongs",
    ),
    (
        "mean_of_squares",
        lambda s: 2 / s.C,
        "are 2/C times what is right, C being the number of outputs: that is the mean "
        "of (y - t)^2 over examples and outputs, without the 1/2",
    ),
    (
        "n_minus_one",
        lambda s: s.N / (s.N - 1) if s.N > 1 else 1,
        "are divided by N - 1, where N belongs",
    ),
)


def times(value):
    return lambda s, dz, d: d * value(getattr(s, "record", s))


def factor(mistake, value, words):
    f = times(value)
    SLIPS.append(Slip(mistake, f"all arrays {words}", (), {"dy": f}))
    arrays = {"dW": f, "dU": f, "db": f}
    slip(mistake, f"the arrays of {{place}} {words}", WEIGHTS, **arrays)
    slip(mistake, f"dW of {{place}} {words}", WEIGHTS, dW=f, dU=f)
    slip(mistake, f"dW of {{place}} {words}", RNN, dW=f)
    slip(mistake, f"dU of {{place}} {words}", RNN, dU=f)
    slip(mistake, f"db of {{place}} {words}", WEIGHTS, db=f)
    slip(
        mistake,
        f"the gradients that {{place}} sends back {words}",
        (*WEIGHTS, *ACTIVATIONS, MaxPool2D, Flatten),
        dx=f,
    )


for mistake, value, words in FACTORS:
    factor(mistake, value, words)
slip(
    "divided_by_steps",
    "the arrays of {place} are divided by the number of time steps",
    RNN,
    dW=lambda s, dz, d: d / len(dz),
    dU=lambda s, dz, d: d / len(dz),
    db=lambda s, dz, d: d / len(dz),
)
slip(
    "divided_by_windows",
    "the arrays of {place} are divided by the number of windows",
    Conv2D,
    dW=lambda s, dz, d: d / np.prod(dz.shape[1:3]),
    db=lambda s, dz, d: d / np.prod(dz.shape[1:3]),
)
slip(
    "divided_by_windows",
    "dW of {place} is divided by the number of windows",
    Conv2D,
    dW=lambda s, dz, d: d / np.prod(dz.shape[1:3]),
)
slip(
    "divided_by_windows",
    "db of {place} is divided by the number of windows",
    Conv2D,
    db=lambda s, dz, d: d / np.prod(dz.shape[1:3]),
)
