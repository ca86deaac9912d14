"""A network from nothing but NumPy: tanh between layers, softmax at the end.

sizes: [4, 5, 2] means 4 inputs, a hidden layer of 5, 2 classes.
params: {"W1": (4, 5), "b1": (1, 5), "W2": (5, 2), "b2": (1, 2)}: arrays of
these shapes, float64.
X: (N, inputs), a row an example. t: (N,), its class, a whole number from 0.
Y: (N, classes), the last weighted sums, before any softmax.
No function changes what it is given.
"""

import numpy as np  # noqa: F401


def init(sizes, rng):
    """Return params: W drawn from rng, about 1 / sqrt(inputs) large; b 0."""
    ...


def forward(params, X):
    """Return Y: tanh bends every layer but the last."""
    ...


def loss(Y, t):
    """Return one number: the mean of -log softmax(Y) at the right class."""
    ...


def backward(params, X, t):
    """Return the slopes of the loss, {"dW1": (4, 5), "db1": (1, 5), ...}."""
    ...


def step(params, grads, eta):
    """Return new params: each moved against its slope, eta times as far."""
    ...


def batches(X, t, batch, rng):
    """Give pairs (rows of X, their t): shuffled, each row once.

    batch rows in each; the last may hold fewer. A list, or yield them.
    """
    ...


def train(params, X, t, eta, batch, epochs, rng):
    """Return new params, after so many epochs.

    Each calls batches(X, t, batch, rng) anew: one step for each pair.
    """
    ...


def predict(params, X):
    """Return the most probable class of each row, whole numbers (N,)."""
    ...


MOONS = {"sizes": [2, ..., 2], "eta": ..., "batch": ..., "epochs": ...}
DIGITS = {"sizes": [64, ..., 10], "eta": ..., "batch": ..., "epochs": ...}
