"""The capstone's judge: right networks pass, each fault stops at its station."""

import re
import subprocess
import sys
import time

import numpy as np
import pytest

from bplib.capstone import Report, judge, starter
from bplib.capstone.contract import GOALS, Fault, promise, stations
from bplib.capstone.goals import GOAL, advice
from bplib.capstone.judging import Judging
from bplib.capstone.naming import ours
from bplib.capstone.order import CHECKS, SECONDS
from bplib.capstone.running import load
from bplib.mistakes import MISTAKES

# --- Right networks, in three styles -------------------------------------------------

ARRAYS = '''
import numpy as np


def init(sizes, rng):
    params = {}
    for l in range(1, len(sizes)):
        shape = sizes[l - 1], sizes[l]
        params[f"W{l}"] = rng.normal(size=shape) / np.sqrt(shape[0])
        params[f"b{l}"] = np.zeros((1, sizes[l]))
    return params


def all_layers(params, X):
    """What goes into each layer, and the weighted sums of the last."""
    last, inputs = len(params) // 2, [X]
    for l in range(1, last + 1):
        Z = inputs[-1] @ params[f"W{l}"] + params[f"b{l}"]
        if l < last:
            inputs.append(np.tanh(Z))
    return inputs, Z


def forward(params, X):
    return all_layers(params, X)[1]


def log_softmax(Y):
    Z = Y - Y.max(axis=1, keepdims=True)
    return Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))


def loss(Y, t):
    return -log_softmax(Y)[np.arange(len(t)), t].mean()


def backward(params, X, t):
    inputs, Y = all_layers(params, X)
    dZ = np.exp(log_softmax(Y))
    dZ[np.arange(len(t)), t] -= 1
    dZ = dZ / len(t)
    grads = {}
    for l in range(len(inputs), 0, -1):
        H = inputs[l - 1]
        grads[f"dW{l}"] = H.T @ dZ
        grads[f"db{l}"] = dZ.sum(axis=0, keepdims=True)
        dZ = (dZ @ params[f"W{l}"].T) * (1 - H**2)
    return grads


def step(params, grads, eta):
    return {name: a - eta * grads["d" + name] for name, a in params.items()}


def batches(X, t, batch, rng):
    order = rng.permutation(len(X))
    for start in range(0, len(X), batch):
        rows = order[start : start + batch]
        yield X[rows], t[rows]


def train(params, X, t, eta, batch, epochs, rng):
    for epoch in range(epochs):
        for X_some, t_some in batches(X, t, batch, rng):
            grads = backward(params, X_some, t_some)
            params = step(params, grads, eta)
    return params


def predict(params, X):
    return forward(params, X).argmax(axis=1)


MOONS = {"sizes": [2, 16, 2], "eta": 0.5, "batch": 20, "epochs": 100}
DIGITS = {"sizes": [64, 32, 10], "eta": 0.5, "batch": 32, "epochs": 30}
'''

QUICK = ARRAYS.replace('"epochs": 30', '"epochs": 12')

CLASSES = '''
"""Layers are objects that live as long as a call; params is a list of dicts."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Layer:
    W: np.ndarray
    b: np.ndarray
    bends: bool

    def forward(self, x):
        self.x = x
        z = x @ self.W + self.b
        self.y = np.tanh(z) if self.bends else z
        return self.y

    def backward(self, dy):
        dz = dy * (1 - self.y**2) if self.bends else dy
        self.grads = {"dW": self.x.T @ dz, "db": dz.sum(axis=0)[None]}
        return dz @ self.W.T


class Network:
    def __init__(self, params):
        self.layers = [Layer(p["W"], p["b"], True) for p in params]
        self.layers[-1].bends = False

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy):
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return [layer.grads for layer in self.layers]


class CrossEntropy:
    def __init__(self, Y, t):
        e = np.exp(Y - Y.max(1, keepdims=True))
        self.total = e.sum(1, keepdims=True)
        self.p, self.rows = e / self.total, (np.arange(len(t)), t)
        self.Y = Y - Y.max(1, keepdims=True)

    def value(self):
        return np.mean(np.log(self.total[:, 0]) - self.Y[self.rows])

    def slope(self):
        dY = self.p.copy()
        dY[self.rows] -= 1
        return dY / len(dY)


def init(*, rng, sizes):
    return [
        {"W": rng.uniform(-1, 1, (a, b)) * np.sqrt(6 / (a + b)), "b": np.zeros((1, b))}
        for a, b in zip(sizes[:-1], sizes[1:])
    ]


def forward(params, X):
    return Network(params).forward(X)


def loss(Y, t):
    return CrossEntropy(Y, t).value()


def backward(params, X, t):
    network = Network(params)
    return network.backward(CrossEntropy(network.forward(X), t).slope())


def step(params, grads, eta):
    return [
        {"W": p["W"] - eta * g["dW"], "b": p["b"] - eta * g["db"]}
        for p, g in zip(params, grads)
    ]


def batches(X, t, batch, rng):
    rows = np.arange(len(X))
    rng.shuffle(rows)
    return [(X[r], t[r]) for r in np.split(rows, range(batch, len(rows), batch))]


def train(params, X, t, eta, batch, epochs, rng, print_every=None):
    for _ in range(epochs):
        for pair in batches(X, t, batch, rng):
            params = step(params, backward(params, *pair), eta)
    return params


def predict(params, X):
    return np.array([int(np.argmax(y)) for y in forward(params, X)])


MOONS = dict(sizes=(2, 12, 12, 2), eta=0.5, batch=20, epochs=60)
DIGITS = dict(sizes=[64, 40, 10], eta=0.3, batch=16, epochs=20)
'''

LOOPS = '''
"""One example after the other, and neuron by neuron where that is not too slow."""

import math
import numpy as np


def init(sizes, rng):
    params = {}
    for l, (many, out) in enumerate(zip(sizes, sizes[1:]), start=1):
        columns = [[rng.normal(0, many**-0.5) for i in range(many)] for j in range(out)]
        params["W%d" % l] = np.array(columns).T.copy()
        params["b%d" % l] = np.array([[0.0] * out])
    return params


def values(params, x):
    found = [x]
    while f"W{len(found)}" in params:
        l = len(found)
        z = np.dot(found[-1], params[f"W{l}"]) + params[f"b{l}"][0]
        found.append(np.tanh(z) if f"W{l + 1}" in params else z)
    return found


def forward(params, X):
    return np.array([values(params, x)[-1] for x in X])


def loss(Y, t):
    total = 0.0
    for y, label in zip(Y.tolist(), t.tolist()):
        top = max(y)
        total += top + math.log(sum(math.exp(each - top) for each in y)) - y[label]
    return total / len(t)


def backward(params, X, t):
    grads = {"d" + name: np.zeros_like(array) for name, array in params.items()}
    for x, label in zip(X, t):
        found = values(params, x)
        p = np.exp(found[-1] - found[-1].max())
        dz = p / p.sum()
        dz[label] -= 1
        for l in reversed(range(1, len(found))):
            h = found[l - 1]
            grads[f"dW{l}"] += np.outer(h, dz) / len(X)
            grads[f"db{l}"] += dz / len(X)
            dz = np.dot(params[f"W{l}"], dz) * (1 - h * h)
    return grads


def step(params, grads, eta):
    new = {}
    for name in params:
        new[name] = params[name].copy()
        for index in np.ndindex(new[name].shape):
            new[name][index] -= eta * grads["d" + name][index]
    return new


def batches(X, t, batch, rng):
    left = list(range(len(X)))
    while left:
        few = min(batch, len(left))
        chosen = [left.pop(rng.integers(len(left))) for _ in range(few)]
        yield np.array([X[i] for i in chosen]), np.array([t[i] for i in chosen])


def train(params, X, t, eta, batch, epochs, rng):
    def faster(params, grads):
        return {name: params[name] - eta * grads["d" + name] for name in params}

    for epoch in range(epochs):
        for pair in batches(X, t, batch, rng):
            params = faster(params, backward(params, *pair))
    return params


def predict(params, X):
    return np.array([values(params, x)[-1].argmax() for x in X])


MOONS = {"sizes": [2, 10, 2], "eta": 0.7, "batch": 10, "epochs": 25}
DIGITS = {"sizes": [64, 32, 10], "eta": 0.7, "batch": 16, "epochs": 5}
'''


@pytest.fixture
def write(tmp_path):
    def write(text, name="network.py"):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return file

    return write


@pytest.mark.parametrize(
    "style", [ARRAYS, CLASSES, LOOPS], ids="arrays classes loops".split()
)
def test_a_right_network_passes_in_any_style(style, write):
    report = judge(write(style))
    assert report.ok, report
    assert report.passed == [*CHECKS]
    assert repr(report).endswith("with your own hands.")


# --- The judge can fail --------------------------------------------------------------

# station: (what stands in ARRAYS, what stands there instead, words of the verdict)
FAULTS = {
    "init": [
        ("rng.normal(size=shape) / np.sqrt(shape[0])", "np.zeros(shape)", "all 0"),
        ("rng.normal(size=shape) / np", "np.ones(shape) / np", "all alike"),
        ("rng.normal(size=shape) /", "rng.random(shape) /", "mean 0"),
        (
            "rng.normal(size=shape) / np.sqrt(shape[0])",
            "rng.normal(size=shape)",
            "typical size of 1; about 1 / sqrt(100) = 0.1 is asked for. This is too "
            "large",
        ),
        ("/ np.sqrt(shape[0])", "* 0.01", "too small"),
        ("rng.normal", "np.random.normal", "draw from rng, as in rng.normal"),
        (
            "    params = {}\n    for l in range(1, len(sizes)):",
            "    params, rng = {}, np.random.default_rng(0)\n"
            "    for l in range(1, len(sizes)):",
            "make no generator of your own",
        ),
        (
            "shape = sizes[l - 1], sizes[l]",
            "shape = sizes[l], sizes[l - 1]",
            "W1 of init: expected shape (4, 5), got (5, 4). This was for sizes "
            "[4, 5, 2]. "
            "It is turned",
        ),
        (
            "np.zeros((1, sizes[l]))",
            "np.zeros(sizes[l])",
            "b1 of init: expected shape (1, 5), got (5,)",
        ),
        ("np.zeros((1, sizes[l]))", "np.ones((1, sizes[l]))", "biases start at 0"),
        (
            "range(1, len(sizes))",
            "range(1, len(sizes) - 1)",
            "init returned W1, b1. Expected: W1, b1, W2, b2.",
        ),
        ('params[f"W{l}"] = rng', 'params[f"W{l - 1}"] = rng', "counted from 1"),
        (
            "    params = {}\n    for l in r",
            "    params = kept\n    for l in r",
            "NameError: name 'kept' is not defined",
        ),
        (
            "    return params\n\n\ndef all",
            "\n\ndef all",
            "init returned None: is the return missing?",
        ),
        (
            "def init(sizes, rng)",
            "def init(size, rng)",
            "init takes (size, rng). Expected, by these names: (sizes, rng)",
        ),
        ("def init(", "def initialize(", "There is no init yet"),
        (
            "    return params\n\n\ndef all",
            "    return {n: np.float32(a) for n, a in params.items()}\n\n\ndef all",
            "expected numbers of float64, got float32",
        ),
        (
            "    return params\n\n\ndef all",
            "    sizes.pop()\n    return params\n\n\ndef all",
            "init changes sizes",
        ),
        (
            "    params = {}\n    for l in range(1, len(sizes)):",
            "    global kept\n    kept = {**globals().get('kept', {})}\n"
            "    params = {}\n"
            "    for l in range(1, len(sizes)):\n        pass\n"
            "    for l in range(1, len(sizes)):\n"
            "        b = np.zeros((1, sizes[l]))\n"
            "        params[f'b{l}'] = kept.setdefault(sizes[l], b)\n"
            "        W = rng.normal(size=(sizes[l - 1], sizes[l]))\n"
            "        params[f'W{l}'] = W / np.sqrt(len(W))\n"
            "    return params\n    for l in range(1, len(sizes)):",
            "one in memory",
        ),
    ],
    "forward": [
        (
            "    return all_layers(params, X)[1]",
            "    return np.tanh(all_layers(params, X)[1])",
            "the last layer bends too",
        ),
        (
            "    return all_layers(params, X)[1]",
            "    return np.exp(log_softmax(all_layers(params, X)[1]))",
            "the softmax is taken already",
        ),
        ("inputs.append(np.tanh(Z))", "inputs.append(Z)", "no hidden layer bends"),
        ("inputs.append(np.tanh(Z))", "inputs.append(np.maximum(Z, 0))", "relu"),
        ("np.tanh(Z)", "1 / (1 + np.exp(-Z))", "with the sigmoid"),
        (' + params[f"b{l}"]', "", "the biases are missing"),
        ("X)[1]", "X)[1][0]", "Y: expected shape (3, 2), got (2,)"),
        ("X)[1]", "X)", "forward returned a tuple of 2, and Y alone"),
        (
            "def forward(params, X):",
            "def forward(params, X):\n    X -= X.mean()",
            "forward changes X, which it is given",
        ),
        (
            "inputs.append(np.tanh(Z))",
            "inputs.append(np.tanh(Z) if l == 1 else Z)",
            "only the first layer bends",
        ),
        (
            "inputs.append(np.tanh(Z))",
            "inputs.append(np.tanh(Z) if l < 3 else np.tanh(2 * Z))",
            "With 1, 2 and 3 layers it is right, with 4 not",
        ),
        (
            'Z = inputs[-1] @ params[f"W{l}"]',
            'Z = inputs[-1] @ params[f"W{l}"].T',
            "in all_layers: `Z = inputs[-1]",
        ),
        (
            "def forward(params, X):",
            "def forward(params, X):\n    X = X + np.random.normal()",
            "Two calls of forward with equal arguments differ",
        ),
    ],
    "loss": [
        (", t].mean()", ", t].sum()", "the sum over the examples: the mean is asked"),
        (", t].mean()", ", t].sum() / Y.shape[1]", "not by N"),
        ("[np.arange(len(t)), t].mean()", "[:, t].mean()", "every row is asked for"),
        (", t].mean()", ", t]", "loss returned an array of shape (3,): one number"),
        ("return -log", "return log", "the minus is missing"),
        (", t].mean()", ", t].mean() / np.log(2)", "to base 2"),
        (
            "    return -log_softmax(Y)[np.arange(len(t)), t].mean()",
            "    p = np.exp(Y) / np.exp(Y).sum(1, keepdims=True)\n"
            "    return -np.log(p[np.arange(len(t)), t]).mean()",
            "Subtract the largest number of each row first",
        ),
        (
            "    return -log_softmax(Y)[np.arange(len(t)), t].mean()",
            "    p = np.exp(log_softmax(Y))\n"
            "    return -np.log(p[np.arange(len(t)), t] + 1e-12).mean()",
            "A small constant inside the log",
        ),
        (
            "    return -log_softmax(Y)[np.arange(len(t)), t].mean()",
            "    Y = Y - Y.max()\n    p = np.exp(Y) / np.exp(Y).sum(1, keepdims=True)\n"
            "    return -np.log(p[np.arange(len(t)), t]).mean()",
            "right class 1 the loss is inf",
        ),
        (
            "    return -log_softmax(Y)[np.arange(len(t)), t].mean()",
            "    Y -= Y.max(axis=1, keepdims=True)\n"
            "    return -log_softmax(Y)[np.arange(len(t)), t].mean()",
            "loss changes Y",
        ),
        (
            "-log_softmax(Y)[np.arange(len(t)), t]",
            "-log_softmax(Y.T).T[np.arange(len(t)), t]",
            "down the columns",
        ),
        (
            "    return -log_softmax(Y)",
            "    for _ in Y:\n        return -log_softmax(Y)[0]\n"
            "    return -log_softmax(Y)",
            "loss returned an array of shape (4,)",
        ),
    ],
    "backward": [
        ("dZ = dZ / len(t)", "pass", "n_missing: All arrays are exactly N = 3 times"),
        ("dZ = dZ / len(t)", "dZ = dZ / len(t) ** 2", "n_twice"),
        (
            "dZ = dZ / len(t)",
            "dZ = dZ / len(t) * (1 - Y**2)",
            "dY is multiplied by 1 - Y**2, the slope of tanh",
        ),
        (
            "dZ = dZ / len(t)",
            "dZ = dZ / len(t) * (1 - np.tanh(Y) ** 2)",
            "dY is multiplied by 1 - tanh(Y)**2, the slope of tanh",
        ),
        ("] -= 1", "] += 1", "wrong"),
        (
            " * (1 - H**2)",
            "",
            "missing_activation_derivative: The gradient passes the "
            "tanh of layer 1 unchanged: its derivative is missing.",
        ),
        (" * (1 - H**2)", " * (1 - H)", "derivative_incomplete"),
        (" * (1 - H**2)", " * H * (1 - H)", "which belongs to the sigmoid"),
        (
            "dZ.sum(axis=0, keepdims=True)",
            "dZ.mean(axis=0, keepdims=True)",
            "db1 and db2 are exactly N = 3 times too small",
        ),
        (
            "dZ.sum(axis=0, keepdims=True)",
            "dZ.sum(axis=0)",
            "db1 of backward: expected shape (1, 5), got (5,). This was for sizes "
            "[4, 5, 2]. "
            "keepdims",
        ),
        (
            "H.T @ dZ",
            "(H.T @ dZ).T",
            "dW1 of backward: expected shape (4, 5), got (5, 4)",
        ),
        ('grads[f"dW{l}"]', 'grads[f"W{l}"]', "Expected: dW1, db1, dW2, db2"),
        ("-= 1\n", "-= 1\n    dZ = -dZ\n", "sign: All arrays have the wrong sign"),
        ("dZ = dZ / len(t)", "dZ = 2 * dZ / len(t)", "factor_two"),
        ('@ params[f"W{l}"].T)', '@ params[f"W{l}"])', "It raised ValueError: matmul"),
        (
            '(dZ @ params[f"W{l}"].T)',
            '(dZ @ (params[f"W{l}"] if len(set(params[f"W{l}"].shape)) == 1 else '
            'params[f"W{l}"].T))'
            "[:, :H.shape[1]]",
            "weights_not_transposed: The gradient goes back through",
        ),
        (
            "    return grads",
            "    params['W1'] -= 0.1\n    return grads",
            "backward changes params",
        ),
        (
            "dZ = np.exp(log_softmax(Y))",
            "dZ = np.exp(Y) / np.exp(Y).sum(axis=1, keepdims=True)",
            "With outputs of about a thousand dW1 holds nan: exp overflows",
        ),
        (
            "range(len(inputs), 0, -1)",
            "range(len(inputs), 1, -1)",
            "backward returned dW2, db2.",
        ),
        ("dZ = dZ / len(t)", "dZ = dZ / 3", "sizes [2, 5, 4, 3], N = 7"),
        (
            "    return grads",
            "    grads['dW1'] = grads['dW1'] + 0.01\n    return grads",
            "None of the known mistakes",
        ),
    ],
    "step": [
        ("a - eta * grads", "a + eta * grads", "it goes up"),
        ("a - eta * grads", "a - grads", "eta is missing"),
        ("a - eta * grads", "a - grads", "(eta = 0.1)"),
        (
            "for name, a in params.items()}\n\n\ndef b",
            "for name, a in params.items() if 'W' in name}\n\n\ndef b",
            "step returned W1, W2. Expected: W1, b1, W2, b2.",
        ),
        (
            'a - eta * grads["d" + name]',
            'a - eta * grads["d" + name] * ("W" in name)',
            "the biases do not move",
        ),
        ('a - eta * grads["d" + name]', 'eta * grads["d" + name]', "the move alone"),
        (
            '    return {name: a - eta * grads["d" + name] '
            "for name, a in params.items()}",
            '    for name in params:\n        params[name] -= eta * grads["d" + name]\n'
            "    return params",
            "step changes params, which it is given",
        ),
        ("    return {name: a", "    {name: a", "step returned None"),
    ],
    "batches": [
        (
            "range(0, len(X), batch)",
            "range(0, len(X) - batch + 1, batch)",
            "Of 10 rows, with batch = 3, 9 came. The last, short batch is missing.",
        ),
        (
            "range(0, len(X), batch)",
            "range(0, len(X) - 1, batch)",
            "10 rows, with batch = 3",
        ),
        (
            "order = rng.permutation(len(X))",
            "order = np.arange(len(X))",
            "never shuffled",
        ),
        (
            "rng.permutation(len(X))",
            "np.random.permutation(len(X))",
            "not with np.random",
        ),
        (
            "rng.permutation(len(X))",
            "np.random.default_rng(0).permutation(len(X))",
            "make no generator of your own",
        ),
        (
            "yield X[rows], t[rows]",
            "yield X[rows], t[start : start + batch]",
            "shuffled apart",
        ),
        (
            "order = rng.permutation(len(X))",
            "order = rng.integers(len(X), size=len(X))",
            "Draw one order of all rows, and cut it",
        ),
        (
            "    order = rng.permutation(len(X))",
            "    rng.shuffle(X)\n    order = np.arange(len(X))",
            "batches changes X",
        ),
        (
            "    order = rng.permutation(len(X))",
            "    order = rng.permutation(len(X))\n    X[:] = X[order]\n"
            "    t[:] = t[order]\n"
            "    order = np.arange(len(X))",
            "batches changes X",
        ),
        (
            "order = rng.permutation(len(X))",
            "order = rng.shuffle(X)",
            "It raised TypeError: 'NoneType' object is not subscriptable.   line ",
        ),
        (
            "range(0, len(X), batch)",
            "range(len(X) / batch)",
            "cannot be interpreted as an integer.   line ",
        ),
        (
            "        yield X[rows], t[rows]",
            "        return [(X[rows], t[rows])]",
            "3 came. Only the first batch came: is the return inside the loop?",
        ),
        (
            "rows = order[start : start + batch]",
            "rows = rng.choice(len(X), min(batch, len(X) - start), replace=False)",
            "Draw one order of all rows, and cut it",
        ),
        (
            "order[start : start + batch]",
            "order[start // 2 : start // 2 + batch]",
            "into pieces that do not overlap.",
        ),
        (
            "order[start : start + batch]",
            "order[start : start + batch + 1]",
            "came 2 times: once is right",
        ),
        ("yield X[rows], t[rows]", "return X[rows], t[rows]", "A batch is an array"),
        (
            "yield X[rows], t[rows]",
            "yield X[rows]",
            "A batch is an array of shape (3, 2)",
        ),
        (
            "    for start in range(0, len(X), batch):",
            "    order = np.arange(len(X))\n"
            "    for start in rng.permutation(np.arange(0, len(X), batch)):",
            "not [3, 3, 3, 1]",
        ),
        (
            "    for start in range(0, len(X), batch):",
            "    order = np.arange(len(X))\n"
            "    full = len(X) // batch * batch\n"
            "    starts = [*rng.permutation(np.arange(0, full, batch))]\n"
            "    for start in starts + [full] * (full < len(X)):",
            "Only the batches are shuffled",
        ),
        (
            "    for start in range(0, len(X), batch):\n",
            "    start = 0\n    while True:\n",
            "came more than 10 batches: does it ever end",
        ),
    ],
    "train": [
        (
            "            params = step(params",
            "            step(params",
            "come back as they went in",
        ),
        (
            "for epoch in range(epochs)",
            "for epoch in range(epochs + 1)",
            "one epoch too many",
        ),
        (
            "for epoch in range(epochs)",
            "for epoch in range(1, epochs)",
            "one epoch too few",
        ),
        (
            "            params = step(params, grads, eta)\n    return params",
            "            params = step(params, grads, eta)\n            return params",
            "there is only one step: is the return inside the loops?",
        ),
        (
            "            params = step(params, grads, eta)\n    return params",
            "            params = step(params, grads, eta)\n        return params",
            "there is only one epoch",
        ),
        (
            "            params = step(params, grads",
            "        params = step(params, grads",
            "only the last batch of each epoch is used",
        ),
        (
            "backward(params, X_some, t_some)",
            "backward(params, X, t)",
            "every step takes all examples",
        ),
        (
            "    for epoch in range(epochs):\n"
            "        for X_some, t_some in batches(X, t, batch, rng):",
            "    all = list(batches(X, t, batch, rng))\n"
            "    for epoch in range(epochs):\n        for X_some, t_some in all:",
            "every epoch gets the same",
        ),
        (
            "grads = backward(params, X_some",
            "first = first if epoch else params\n"
            "            grads = backward(first, X_some",
            "Your train",
        ),
        (
            "step(params, grads, eta)\n",
            "step(params, grads, 0.1)\n",
            "eta is not used: it is 0.1",
        ),
        ("step(params, grads, eta)\n", "step(params, grads, -eta)\n", "wrong sign"),
        (
            "    for epoch in range(epochs):",
            "    rng = np.random.default_rng(0)\n    for epoch in range(epochs):",
            "train makes a generator of its own",
        ),
        (
            "step(params, grads, eta)\n",
            "step(params, grads, eta / len(X_some))\n",
            "divided by the number of rows in the batch",
        ),
        (
            "    for epoch in range(epochs):\n"
            "        for X_some, t_some in batches(X, t, batch, rng):",
            "    all = batches(X, t, batch, rng)\n"
            "    for epoch in range(epochs):\n        for X_some, t_some in all:",
            "A generator is empty after one pass.",
        ),
        (
            "step(params, grads, eta)\n",
            "step(params, grads, eta * 0.99**epoch)\n",
            "Your train brings the loss from",
        ),
        (
            "            params = step(params, grads, eta)\n    return params",
            "            params = step(params, grads, eta)",
            "train returned None",
        ),
        (
            "        for X_some, t_some in batches(X, t, batch, rng):",
            "        rng = np.random.default_rng(0)\n"
            "        for X_some, t_some in batches(X, t, batch, rng):",
            "every epoch makes a generator of its own",
        ),
        (
            "def train(params, X, t, eta, batch, epochs, rng):",
            "def train(params, X, t, batch, epochs, rng, lr=0.1):\n    eta = lr",
            "train takes (params, X, t, batch, epochs, rng, lr). Expected",
        ),
    ],
    "predict": [
        ("argmax(axis=1)", "argmax(axis=0)", "expected shape (3,), got (2,)"),
        ("argmax(axis=1)", "max(axis=1)", "the place of the largest"),
        ("argmax(axis=1)", "argmin(axis=1)", "is right"),
        (
            "argmax(axis=1)",
            "argmax(axis=1)[:, None]",
            "expected shape (3,), got (3, 1)",
        ),
        ("argmax(axis=1)", "argmax()", "expected shape (3,), got ()"),
        ("argmax(axis=1)", "argmax(axis=1) * 1.0", "predict gave float64"),
        (
            "    return forward(params, X).argmax(axis=1)",
            "    pass",
            "predict returned None",
        ),
    ],
    "MOONS": [
        ("[2, 16, 2]", "[2, 2]", "Without a hidden layer only straight lines"),
        ('"eta": 0.5, "batch": 20', '"eta": 0.001, "batch": 20', "It does not yet fit"),
        ("[2, 16, 2]", "[3, 16, 2]", "There are 2 inputs and 2 classes"),
        ("MOONS = ", "MOON = ", "There is no MOONS yet."),
        ('"epochs": 100', '"epochs": ...', "MOONS: epochs still to be chosen by you"),
        ('"eta": 0.5, "batch": 20, ', '"batch": 20, ', "MOONS lacks eta"),
        ('"eta": 0.5, "batch": 20', '"eta": -0.5, "batch": 20', "a number above 0"),
        ('"batch": 20', '"batch": 0', "a whole number from 1"),
        ('"eta": 0.5, "batch": 20', '"eta": 500, "batch": 200', "Try a smaller eta"),
    ],
    "DIGITS": [
        ('"epochs": 30', '"epochs": 1', "Right of 300 test digits"),
        ("[64, 32, 10]", "[64, 32, 2]", "There are 64 inputs and 10 classes"),
    ],
}
CASES = [
    pytest.param(station, *case, id=f"{station}-{k}")
    for station, cases in FAULTS.items()
    for k, case in enumerate(cases)
]


@pytest.mark.parametrize(("station", "old", "new", "words"), CASES)
def test_each_fault_stops_at_its_station(station, old, new, words, write):
    assert old in ARRAYS
    text = ARRAYS.replace(old, new, 1)
    report = judge(load(write(text)))
    assert report.passed == [*CHECKS][: [*CHECKS].index(station)], report
    wrong = report.stations[len(report.passed)]
    assert wrong.kind == "wrong"
    assert words in " ".join(wrong.lines), report
    assert "Traceback" not in repr(report)
    assert not report.ok


def test_there_are_enough_faults():
    assert len(CASES) >= 25
    assert {*FAULTS} == {*CHECKS}


# --- What the judge does with files --------------------------------------------------


def words_of(report):
    """What is said of the station that did not pass, in one line."""
    wrong = [station for station in report.stations if station.kind == "wrong"]
    assert len(wrong) == 1
    return wrong[0].name, " ".join(wrong[0].lines)


def broken(old, new):
    assert old in ARRAYS
    return ARRAYS.replace(old, new, 1)


@pytest.mark.parametrize(
    ("text", "station", "words"),
    [
        ("", "init", "There is no init yet."),
        (starter(), "init", "init returned None"),
        ("def init(:\n", "file", "is not Python in line 1: `def init(:`"),
        ("a\0b", "file", "is not Python"),
        (
            "x = 1\nimport bplib\n",
            "file",
            "network.py imports bplib in line 2. Write it with NumPy alone.",
        ),
        ("from torch.nn import Linear", "file", "imports torch.nn in line 1"),
        (
            "def f():\n    1 / 0\n\nf()",
            "file",
            "It raised ZeroDivisionError: division by zero.   line 2, in f: `1 / 0`   "
            "line 4: `f()`",
        ),
        ("import sys\nsys.exit()", "file", "leave sys.exit and quit out"),
        ("raise KeyboardInterrupt", "file", "It raised KeyboardInterrupt."),
        (
            "import os\nos._exit(0)",
            "file",
            "Python itself was ended here (exit code 0)",
        ),
        ("input()", "file", "EOFError"),
        ("print('here')\nundefined", "file", "It printed, last:   here"),
        (
            "while True:\n    pass",
            "file",
            "came to no end in 1 seconds. It was in line",
        ),
        (
            "import time\ntime.sleep(100)",
            "file",
            "It was in line 2: `time.sleep(100)`.",
        ),
        ("init = 3", "init", "init is 3, no function."),
        (
            "def init(sizes, rng):\n    return init(sizes, rng)",
            "init",
            "a function calls itself without end.   line 2, in init",
        ),
        ("def init(sizes, rng):\n    return {1, 2}", "init", "init returned a set."),
        (
            "def init(sizes, rng):\n    return {'W1': 'a', 'b1': 0, 'W2': 0, 'b2': 0}",
            "init",
            "W1 of init: expected an array, got 'a'",
        ),
        ("def init(sizes, rng):\n    return [([], [])]", "init", "a list of 1"),
        (
            broken(
                "    return forward(params, X).arg",
                "    import os\n    os.abort()\n    (0).",
            ),
            "predict",
            "Python itself was ended here",
        ),
        (
            broken("    for epoch in range(epochs):", "    while True:"),
            "train",
            "came to no end in 1 seconds. It was in",
        ),
        (
            broken("dZ[np.arange", "dZ[:, 9] = 0\n    dZ[np.arange"),
            "backward",
            "IndexError: index 9 is out of bounds for axis 1 with size 2.   line ",
        ),
    ],
)
def test_whatever_a_file_does_it_is_told_in_words(text, station, words, write):
    file = write(text)
    report = judge(file, patience=0.1)
    name, said = words_of(report)
    assert (name, words in said) == (station, True), said
    assert "Traceback" not in repr(report) and not report.ok
    assert all(len(line) <= 76 for line in repr(report).splitlines())
    assert file.read_text(encoding="utf-8") == text
    assert [each.name for each in file.parent.iterdir()] == ["network.py"]


def test_a_station_that_cannot_be_stopped_is_ended(write, monkeypatch):
    """Where the thread cannot be reached, the process is."""
    monkeypatch.setattr("bplib.capstone.running.WAIT", 0.1)
    monkeypatch.setattr("bplib.capstone.running.GRACE", 3)
    start = time.monotonic()
    # One call into C that takes minutes and lets nothing else run.
    report = judge(write("print(sum(range(10**12)))"), patience=0.1)
    assert "came to no end" in words_of(report)[1]
    assert time.monotonic() - start < 60


def test_a_judge_that_does_not_start_is_no_fault_of_the_reader(write, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    name, said = words_of(judge(write(ARRAYS)))
    assert name == "file" and "The judge did not start, no fault of yours" in said


def test_nobody_is_sent_to_choose_by_the_test():
    """Where it fits what it saw, the advice says by what to choose."""
    settings = {"sizes": [64, 10]}
    said = advice("DIGITS", settings, 2, 1, 1.0)
    assert said.endswith("Choose by the validation digits, not by this number.")
    assert "moons of other seeds" in advice("MOONS", {"sizes": [2, 9, 2]}, 2, 1, 1.0)
    assert "more epochs" in advice("DIGITS", settings, 2, 1, 0.5)


def test_files_that_there_are_not(tmp_path):
    assert "There is no file nothing.py here" in repr(judge(tmp_path / "nothing.py"))
    assert "cannot be read" in repr(judge(tmp_path))
    (tmp_path / "a.py").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in repr(judge(tmp_path / "a.py"))
    start = ARRAYS.partition("def forward")[0]
    (tmp_path / "b.py").write_bytes(b"\xef\xbb\xbf" + start.encode())
    assert judge(tmp_path / "b.py").passed == ["init"]


def test_functions_and_modules_may_be_judged_too(write, capsys):
    namespace = load(
        write(QUICK.replace("    return -log", "    print('hm')\n    return -log"))
    )
    assert judge(namespace).ok
    assert capsys.readouterr().out == ""
    module = type(sys)("mine")
    vars(module).update(namespace, loss=lambda Y, t: 1 / 0)
    name, said = words_of(judge(module))
    assert name == "loss" and "ZeroDivisionError: division by zero" in said
    assert words_of(judge({}))[0] == "init"
    vars(module).update(loss=namespace["loss"], forward=lambda params, X: endless())
    assert "came to no end in 0.5 seconds" in words_of(judge(module, patience=0.05))[1]


def endless():
    while True:
        pass


def test_nothing_of_the_reader_is_changed(write):
    namespace = load(write(QUICK))
    before = {name: repr(value) for name, value in namespace.items()}
    judge(namespace)
    assert {name: repr(value) for name, value in namespace.items()} == before


def test_stations_are_told_as_they_pass(write):
    told = []
    report = judge(write(broken("a - eta", "a + eta")), say=told.append)
    assert [station.name for station in told] == [*CHECKS][:5]
    assert [s.kind for s in report.stations] == ["passed"] * 4 + ["wrong"] + [
        "open"
    ] * 5
    assert (
        repr(report).splitlines()[-1] == "Then: batches, train, predict, MOONS, DIGITS."
    )
    assert Report([]).ok


def run(*arguments, cwd):
    command = [sys.executable, "-m", "bplib.capstone", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8")


def test_the_command(tmp_path, write):
    done = run("--start", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "network.py").read_text(encoding="utf-8") == starter()
    done = run("network.py", cwd=tmp_path)
    assert done.returncode == 1 and "init returned None" in done.stdout
    again = run("--start", cwd=tmp_path)
    assert again.returncode == 1 and "is left as it is" in again.stderr
    write(broken("a - eta", "a + eta"))
    done = run(cwd=tmp_path)
    assert done.returncode == 1 and "it goes up" in done.stdout
    assert done.stdout.endswith("Then: batches, train, predict, MOONS, DIGITS.\n")
    assert done.stderr == ""


# --- The contract --------------------------------------------------------------------


def test_the_starter_is_the_contract():
    text = starter()
    assert "noqa" not in text and len(text.splitlines()) < 70
    assert max(map(len, text.splitlines())) <= 77
    assert [*stations(), *GOALS] == [*CHECKS]
    assert {"file", *CHECKS} == {*SECONDS}
    for name in CHECKS:
        assert re.search(rf"^(def {name}\(|{name} = )", text, re.M), name
    assert promise("forward") == (
        "forward(params, X): Return Y: tanh bends every layer but the last."
    )
    assert promise("MOONS").startswith("MOONS = {")
    assert GOAL == {"MOONS": 0.98, "DIGITS": 0.93}


def test_places_are_counted_as_in_the_contract():
    for line, said in {
        "Tanh() (layer 4), Dense(3, 2) (layer 5)": ("The tanh of layer 2, layer 3"),
        "passes layers 2 and 4": "passes the tanh of layers 1 and 2",
        "through layers 1, 3 and 5": "through layers 1, 2 and 3",
        "Look at loss.backward()": "Look at loss.backward()",
        f"Theory: {MISTAKES['missing_activation_derivative'].theory}.": (
            "Theory: H = tanh(Z) sends dZ = dH * (1 - H**2) back: each layer"
        ),
        f"Theory: {MISTAKES['weights_not_transposed'].theory}.": (
            "Theory: Z = H @ W goes back as dH = dZ @ W.T; where W is square"
        ),
        "dy is output minus target": "dY is output minus target",
    }.items():
        assert ours(line).startswith(said) and not re.search(r"\bd[xy]\b", ours(line))


def test_random_junk_is_told_in_words():
    """Whatever a function returns, a sentence comes back."""
    junk = [None, 1, "a", [], {}, (), [1], [{}], {"W1": None}, object(), np.nan, int]
    junk += [np.zeros(3), lambda: 1, {1: 2}, [{"W": 1, "b": 2}] * 2, iter([])]
    junk += [np.array([None])]
    right = load_text(ARRAYS)
    for name in stations():
        for value in junk:
            judging = Judging({**right, name: accepting(name, value)})
            with pytest.raises(Fault) as found:
                judging.within(10, CHECKS[name], {"network.py"})
            assert all(isinstance(line, str) for line in found.value.args)
            assert len(found.value.args[0]) > 20


def accepting(name, value):
    arguments = ", ".join(stations()[name])
    return eval(f"lambda {arguments}: value", {"value": value})


def load_text(text):
    names = {}
    exec(compile(text, "network.py", "exec"), names)
    return names
