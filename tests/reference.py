"""Let us compute everything once more, slowly, so that the fast way has a judge.

Plain loops over entries, written from the formulas and sharing no code with bplib.
"""

import copy
import math

import numpy as np


def sigmoid(x):
    return entrywise(lambda z: 1 / (1 + math.exp(-z)), x)


def tanh(x):
    return entrywise(math.tanh, x)


def relu(x):
    return entrywise(lambda z: z if z > 0 else 0.0, x)


def flatten(x):
    return np.array([[v for v in example.flat] for example in x])


def dense(x, W, b):
    y = np.zeros((len(x), W.shape[1]))
    for n, j in np.ndindex(y.shape):
        y[n, j] = b[0, j] + sum(x[n, i] * W[i, j] for i in range(W.shape[0]))
    return y


def conv2d(x, W, b):
    k, _, n_in, n_out = W.shape
    y = np.zeros((len(x), x.shape[1] - k + 1, x.shape[2] - k + 1, n_out))
    for n, i, j, o in np.ndindex(y.shape):
        y[n, i, j, o] = b[0, o] + sum(
            x[n, i + p, j + q, c] * W[p, q, c, o] for p, q, c in np.ndindex(k, k, n_in)
        )
    return y


def maxpool(x, size):
    n, height, width, channels = x.shape
    y = np.zeros((n, height // size, width // size, channels))
    for place in np.ndindex(y.shape):
        y[place] = x[first_winner(x, size, *place)]
    return y


def first_winner(x, size, n, i, j, c):
    """Where the window of output (n, i, j, c) has its first largest value."""
    window = [(n, i * size + p, j * size + q, c) for p, q in np.ndindex(size, size)]
    return max(window, key=lambda place: x[place])  # max keeps the first of equals


def rnn(x, W, U, b):
    last = []
    for sequence in x:
        h = [0.0] * len(U)
        for x_t in sequence:
            h = [
                math.tanh(
                    b[0, j]
                    + sum(x_t[i] * W[i, j] for i in range(len(W)))
                    + sum(h[i] * U[i, j] for i in range(len(U)))
                )
                for j in range(len(U))
            ]
        last.append(h)
    return np.array(last)


def squared_error(y, target):
    n, n_out = y.shape
    target = np.reshape(target, y.shape)
    return sum((y[i] - target[i]) ** 2 for i in np.ndindex(n, n_out)) / 2 / n


def binary_cross_entropy(y, target):
    total, target = 0.0, np.reshape(target, y.shape)
    for i in np.ndindex(y.shape):
        p = 1 / (1 + math.exp(-y[i]))
        total -= target[i] * math.log(p) + (1 - target[i]) * math.log(1 - p)
    return total / len(y)


def softmax_cross_entropy(y, target):
    total = 0.0
    for logits, right in zip(y, target, strict=True):
        e = [math.exp(z) for z in logits]
        total -= math.log(e[right] / sum(e))
    return total / len(y)


def entrywise(f, x):
    return np.array([f(v) for v in x.flat]).reshape(x.shape)


# ---------------------------------------------------------------------------- slopes


def slopes(f, array, h=1e-5):
    """The gradient of f() with respect to array, nudging array itself, and back."""
    result = np.zeros(array.shape)
    for i in np.ndindex(array.shape):
        middle = array[i]
        array[i] = middle + h
        up = f()
        array[i] = middle - h
        down = f()
        array[i] = middle
        result[i] = (up - down) / (2 * h)
    return result


def error(a, n):
    """The largest |a - n| / max(|a|, |n|, 1e-2 max|a|); 1e-10 counts as none."""
    assert a.shape == n.shape
    largest = max(abs(v) for v in a.flat)
    worst = 0.0
    for p, q in zip(a.flat, n.flat, strict=True):
        if not abs(p - q) < 1e-10:
            worst = max(worst, abs(p - q) / max(abs(p), abs(q), 1e-2 * largest))
    return worst


def randomize(net, rng):
    """Random parameters, none of them zero, biases too; returns net."""
    size = rng.uniform(0.2, 0.8, net.theta.shape)
    net.theta = size * rng.choice([-1, 1], net.theta.shape)
    return net


def fresh(layer):
    """A copy of a layer of a table: a layer can be in one Net only."""
    return copy.deepcopy(layer)
