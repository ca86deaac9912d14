"""What a reader's forward, loss or step computes with one known slip in it.

Each slip is a sentence and a function. A slip is named where it gives all the numbers
that the reader's function gave, on every case. Those of the backward pass are in
`bplib.diagnosis`.
"""

import numpy as np


def layers(params):
    """Pairs of W and b."""
    return [(params[f"W{i}"], params[f"b{i}"]) for i in range(1, len(params) // 2 + 1)]


def chain(params, X, *, bend=np.tanh, last=lambda Z: Z, bias=True, bends=None):
    """A forward pass. bends: which layers bend, counted from 0; all but the last."""
    pairs = layers(params)
    for i, (W, b) in enumerate(pairs):
        Z = X @ W + b * bias
        if i == len(pairs) - 1:
            return last(Z)
        X = bend(Z) if bends is None or i in bends else Z


def softmax(Y, axis=1):
    e = np.exp(Y - Y.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


def log_softmax(Y):
    Y = Y - Y.max(axis=1, keepdims=True)
    return Y - np.log(np.exp(Y).sum(axis=1, keepdims=True))


def each(Y, t, scores=log_softmax):
    """-log p of the right class, example by example."""
    return -scores(Y)[np.arange(len(t)), t]


FORWARD = [
    ("the last layer bends too: Y is what comes before any bend",
     lambda p, X: chain(p, X, last=np.tanh)),
    ("the softmax is taken already: Y is what goes into it, the loss does the rest",
     lambda p, X: chain(p, X, last=softmax)),
    ("Y went through a sigmoid: it is what comes before any bend",
     lambda p, X: chain(p, X, last=sigmoid)),
    ("Y went through log softmax: it is what goes into it",
     lambda p, X: chain(p, X, last=log_softmax)),
    ("no hidden layer bends: tanh is missing",
     lambda p, X: chain(p, X, bend=lambda Z: Z)),
    ("only the first layer bends",
     lambda p, X: chain(p, X, bends={0})),
    ("the hidden layers bend with the sigmoid, where tanh was asked for",
     lambda p, X: chain(p, X, bend=sigmoid)),
    ("the hidden layers bend with relu, where tanh was asked for",
     lambda p, X: chain(p, X, bend=lambda Z: np.maximum(Z, 0))),
    ("the biases are missing",
     lambda p, X: chain(p, X, bias=False)),
    ("the biases are subtracted",
     lambda p, X: chain({n: -a if n[0] == "b" else a for n, a in p.items()}, X)),
    ("the inputs bend before the first layer",
     lambda p, X: chain(p, np.tanh(X))),
]  # fmt: skip

LOSS = [
    ("the sum over the examples: the mean is asked for",
     lambda Y, t: each(Y, t).sum()),
    ("every row is asked for the classes of all: [np.arange(N), t] takes one each",
     lambda Y, t: -log_softmax(Y)[:, t].mean()),
    ("the sum over the examples, divided by the number of classes, not by N",
     lambda Y, t: each(Y, t).sum() / Y.shape[1]),
    ("divided by N and by the number of classes: a mean over all entries",
     lambda Y, t: each(Y, t).sum() / Y.size),
    ("divided by N twice",
     lambda Y, t: each(Y, t).mean() / len(t)),
    ("the minus is missing: the log of a probability is negative, the loss is not",
     lambda Y, t: -each(Y, t).mean()),
    ("the log is missing: this is minus the mean probability of the right class",
     lambda Y, t: -softmax(Y)[np.arange(len(t)), t].mean()),
    ("the logarithm to base 2, where the natural one is asked for",
     lambda Y, t: each(Y, t).mean() / np.log(2)),
    ("the logarithm to base 10, where the natural one is asked for",
     lambda Y, t: each(Y, t).mean() / np.log(10)),
    ("the softmax runs over the examples, down the columns, not along each row",
     lambda Y, t: -np.log(softmax(Y, 0))[np.arange(len(t)), t].mean()),
    ("the softmax runs over the whole array, not along each row",
     lambda Y, t: each(Y, t, lambda Y: np.log(softmax(Y, None))).mean()),
    ("the softmax is taken twice",
     lambda Y, t: each(softmax(Y), t).mean()),
    ("only the first example counts",
     lambda Y, t: each(Y, t)[0]),
    ("half the mean: that 1/2 belongs to the squared error",
     lambda Y, t: each(Y, t).mean() / 2),
    ("the squared error of the probabilities, not the cross-entropy",
     lambda Y, t: ((softmax(Y) - np.eye(Y.shape[1])[t]) ** 2).sum() / (2 * len(t))),
    ("the squared error of Y, not the cross-entropy",
     lambda Y, t: ((Y - np.eye(Y.shape[1])[t]) ** 2).sum() / (2 * len(t))),
]  # fmt: skip


def moved(p, g, eta, weights=1.0, biases=1.0, only=""):
    factor = {"W": weights, "b": biases}
    return {
        n: a - eta * factor[n[0]] * g[n] * n.endswith(only or n) for n, a in p.items()
    }


STEP = [
    ("it goes up: the slopes are added, and against them is downhill",
     lambda p, g, eta: moved(p, g, -eta)),
    ("nothing moves",
     lambda p, g, eta: moved(p, g, 0)),
    ("eta is missing",
     lambda p, g, eta: moved(p, g, 1)),
    ("eta is squared",
     lambda p, g, eta: moved(p, g, eta**2)),
    ("it divides by eta",
     lambda p, g, eta: moved(p, g, 1 / eta)),
    ("it moves half as far",
     lambda p, g, eta: moved(p, g, eta / 2)),
    ("it moves twice as far",
     lambda p, g, eta: moved(p, g, 2 * eta)),
    ("the biases do not move",
     lambda p, g, eta: moved(p, g, eta, biases=0)),
    ("the weights do not move",
     lambda p, g, eta: moved(p, g, eta, weights=0)),
    ("the biases go up, against them is downhill",
     lambda p, g, eta: moved(p, g, eta, biases=-1)),
    ("only the first layer moves",
     lambda p, g, eta: moved(p, g, eta, only="1")),
    ("only the last layer moves",
     lambda p, g, eta: moved(p, g, eta, only=str(len(p) // 2))),
    ("this is the move alone, eta times the slope: subtract it from the parameters",
     lambda p, g, eta: {n: eta * g[n] for n in p}),
    ("this is the move alone: add it to the parameters",
     lambda p, g, eta: {n: -eta * g[n] for n in p}),
    ("every parameter is scaled by 1 - eta times its slope",
     lambda p, g, eta: {n: p[n] * (1 - eta * g[n]) for n in p}),
    ("each move has length eta: the slope's size is lost, only its sign is left",
     lambda p, g, eta: {n: p[n] - eta * np.sign(g[n]) for n in p}),
]  # fmt: skip
