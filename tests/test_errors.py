"""Whoever goes wrong should be told what came, what was expected, and lose nothing."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from bplib import (
    RNN,
    SGD,
    Adam,
    BinaryCrossEntropy,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    Net,
    ReLU,
    RMSProp,
    Sigmoid,
    SoftmaxCrossEntropy,
    SquaredError,
    Tanh,
    accuracy,
    check_gradients,
    numerical_gradient,
    softmax,
    train,
)

nan, inf = np.nan, np.inf


def world():
    """A net, an optimizer and a loss in the middle of training, and their data."""
    rng = np.random.default_rng(0)
    w = SimpleNamespace(x=rng.normal(size=(5, 2)), t=np.array([0, 1, 1, 0, 1]))
    w.net = Net(Dense(2, 3), Tanh(), Dense(3, 2))
    w.sweep = Net(Dense(2, 3), Tanh(), Dense(3, 2), copies=2)
    w.picture_net = Net(Conv2D(1, 2, 2), MaxPool2D(2), Flatten(), Dense(2, 2))
    w.loss, w.pictures = SoftmaxCrossEntropy(), rng.normal(size=(5, 3, 3, 1))
    w.sgd, w.adam = SGD(0.1, momentum=0.9), Adam()
    w.decay, w.rates = SGD(0.1, momentum=0.5, weight_decay=0.1), SGD([0.1, 0.2, 0.3])
    for optimizer in w.sgd, w.adam:
        list(train(w.net, w.loss, optimizer, w.x, w.t, iterations=2))
    list(train(w.sweep, w.loss, SGD([0.1, 0.2]), w.x, w.t, iterations=2))
    w.y = w.net.forward(w.x)
    w.loss.forward(w.y, w.t)
    w.grad, w.theta = w.net.grad.copy(), w.net.theta.copy()
    return w


def run(net, loss, optimizer, x, t, **options):
    """One step of train; what it says at the call or at the first step."""
    return next(train(net, loss, optimizer, x, t, **({"iterations": 1} | options)))


V, T = ValueError, TypeError
A = AttributeError
n = np.ones
strings, things = np.array([["a", "b"]]), np.array([[None, {}]])

NETS = [
    # what is made, the error, and the words that its message must contain
    (lambda w: Net(), V, "at least one layer"),
    (lambda w: Net([Dense(2, 3)]), T, "layer 1", "not a list", "Net(a, b)"),
    (lambda w: Net(Dense(2, 3), "relu"), T, "layer 2", "'relu'"),
    (lambda w: Net(Dense(2, 3), ReLU), T, "layer 2", "ReLU"),
    (lambda w: Net(w.net.layers[0]), V, "layer 1", "Dense(2, 3)", "in a Net already"),
    (lambda w: (lambda d: Net(d, Tanh(), d))(Dense(2, 2)), V, "layer 3", "already"),
    (lambda w: (lambda a: Net(Dense(2, 2), a, a))(Tanh()), V, "layer 3", "Tanh()"),
    (lambda w: Net(Dense(2, 3), dtype=int), V, "dtype", "float32 or float64", "int64"),
    (lambda w: Net(Dense(2, 3), dtype=np.float16), V, "dtype", "float16"),
    (lambda w: Net(Dense(2, 3), dtype="hello"), (V, T), "hello"),
    (lambda w: w.net.copy(np.int64), V, "dtype", "int64"),
    (lambda w: Net(Dense(2, 3), seed=-1), V, "seed", "at least 0", "-1"),
    (lambda w: Net(Dense(2, 3), seed=1.5), V, "seed", "1.5"),
    (lambda w: Net(Dense(2, 3), seed=None), V, "seed", "None"),
    (lambda w: Net(Dense(2, 3), seed=[1, 2]), V, "seed", "[1, 2]"),
    (lambda w: Net(Dense(2, 3), seed=[1, 2], copies=3), V, "seed", "sequence of 3"),
    (lambda w: Net(Dense(2, 3), seed=[1, -2], copies=2), V, "seed", "-2"),
    (lambda w: Net(Dense(2, 3), copies=0), V, "copies", "at least 1", "0"),
    (lambda w: Net(Dense(2, 3), copies=2.0), V, "copies", "2.0"),
    (lambda w: Net(Conv2D(1, 1, 1), copies=2), V, "copies=2", "Conv2D(1, 1, 1)"),
    (lambda w: Net(RNN(1, 1), copies=2), V, "copies=2", "RNN(1, 1)", "separate nets"),
    (lambda w: Net(Flatten(), Dense(2, 2), copies=2), V, "copies=2", "Flatten()"),
    (lambda w: Net(MaxPool2D(2), copies=2), V, "copies=2", "MaxPool2D(2)"),
]
LAYERS = [
    (lambda w: Dense(0, 3), V, "n_in", "at least 1", "0"),
    (lambda w: Dense(2, -1), V, "n_out", "-1"),
    (lambda w: Dense(2.0, 3), V, "n_in", "whole number", "2.0"),
    (lambda w: Dense("2", 3), V, "n_in", "'2'"),
    (lambda w: Dense(None, 3), V, "n_in", "None"),
    (lambda w: Dense(True, 3), V, "n_in", "True"),
    (lambda w: Conv2D(1, 2, 0), V, "k", "0"),
    (lambda w: Conv2D(1, 2, (3, 3)), V, "k", "(3, 3)"),
    (lambda w: MaxPool2D(0), V, "size", "0"),
    (lambda w: MaxPool2D(1.5), V, "size", "1.5"),
    (lambda w: RNN(2, 0), V, "n_hidden", "0"),
    (lambda w: Dense(2, 3, init="large"), V, "init", '"he"', '"xavier"', "'large'"),
    (lambda w: Dense(2, 3, init=-1), V, "init", "-1"),
    (lambda w: Dense(2, 3, init=nan), V, "init", "nan"),
    (lambda w: Dense(2, 3, init=None), V, "init", "None"),
    (lambda w: Dense(2, 3, init=True), V, "init", "True"),
    (
        lambda w: Net(Dense(2, 3, init=lambda rng, shape: n(shape[::-1]))),
        *(V, "W in Dense(2, 3)", "(2, 3)", "(3, 2)"),
    ),
]
FORWARD = [
    (lambda w: w.net.forward(n((5, 4))), V, "Dense(2, 3)", "2 columns", "(5, 4)"),
    (lambda w: w.net.forward(n(2)), V, "counts examples", "(2,)", "x[None, :]"),
    (lambda w: w.net.forward(3.0), V, "counts examples", "()"),
    (lambda w: w.net.forward(n((0, 2))), V, "no numbers", "(0, 2)"),
    (lambda w: w.net.forward([]), V, "(0,)"),
    (lambda w: w.net.forward(strings), T, "x must hold real numbers", "U1"),
    (lambda w: w.net.forward(things), T, "x must hold real numbers", "object"),
    (lambda w: w.net.forward(1j * n((5, 2))), T, "x must hold", "complex"),
    (lambda w: w.net.forward(None), T, "x must hold real numbers"),
    # Three axes are for copies: Dense would go forward, and fail in backward.
    (lambda w: w.net.forward(n((4, 5, 2))), V, "Dense(2, 3)", "(4, 5, 2)"),
    (lambda w: Net(RNN(2, 3)).forward(n((4, 2))), V, "(N, T, n_in)", "(4, 2)"),
    (lambda w: Net(RNN(2, 3)).forward(n((4, 5, 3))), V, "2 columns", "(4, 5, 3)"),
    (lambda w: w.picture_net.forward(n((5, 3, 3))), V, "(N, H, W, C)", "(5, 3, 3)"),
    (
        lambda w: w.picture_net.forward(n((5, 3, 3, 2))),
        *(V, "Conv2D(1, 2, 2)", "1 channels", "(5, 3, 3, 2)"),
    ),
    (
        lambda w: w.picture_net.forward(n((5, 1, 3, 1))),
        *(V, "at least 2 x 2 pixels", "(5, 1, 3, 1)"),
    ),
    (
        lambda w: w.picture_net.forward(n((5, 4, 3, 1))),
        *(V, "MaxPool2D(2)", "multiples of 2", "(5, 3, 2, 2)"),
    ),
    (lambda w: Net(MaxPool2D(2)).forward(n((2, 2))), V, "(N, H, W, C)", "(2, 2)"),
    (
        lambda w: w.sweep.forward(n((3, 5, 2))),
        *(V, "x for 2 copies", "(2, N, n_in)", "(3, 5, 2)"),
    ),
    (lambda w: w.sweep.forward(n((2, 1, 5, 2))), V, "2 copies", "(2, 1, 5, 2)"),
]
BACKWARD = [
    (lambda w: Net(Dense(2, 3)).backward(n((5, 3))), V, "forward first"),
    (lambda w: w.net.copy().backward(w.y), V, "forward first"),
    (lambda w: w.net.backward(n((5, 3))), V, "dy", "(5, 2)", "(5, 3)"),
    (lambda w: w.net.backward(n((1, 2))), V, "dy", "(5, 2)", "(1, 2)"),
    (lambda w: w.net.backward(1.0), V, "dy", "(5, 2)", "()"),
    (lambda w: w.net.backward(None), T, "dy must hold real numbers"),
    (lambda w: w.net.backward(1j * w.y), T, "dy must hold real numbers", "complex"),
    (lambda w: w.sweep.backward(n((5, 2))), V, "dy", "(2, 5, 2)", "(5, 2)"),
    *(
        (lambda w, f=layer: f().backward(n((1, 2))), A, str(layer()), "forward first")
        for layer in (Sigmoid, Tanh, ReLU, Flatten)
    ),
    (lambda w: MaxPool2D(2).backward(n((1, 1, 1, 1))), A, "forward first"),
    (lambda w: Net(Dense(2, 2)).layers[0].backward(n((1, 2))), A, "forward first"),
    (lambda w: Net(RNN(2, 2)).layers[0].backward(n((1, 2))), A, "forward first"),
    (
        lambda w: Net(Conv2D(1, 1, 1)).layers[0].backward(n((1, 1, 1, 1))),
        *(A, "forward first"),
    ),
    (lambda w: w.net.layers[1].backward(n((1, 3))), V, "Tanh()", "(5, 3)", "(1, 3)"),
    (lambda w: Dense(2, 3).forward(n((1, 2))), A, "put this layer in a Net"),
    *(
        (lambda w, f=loss: f().backward(), V, "forward first", loss.__name__)
        for loss in (SquaredError, BinaryCrossEntropy, SoftmaxCrossEntropy)
    ),
]
column, pair = n((5, 1)), n((5, 2))
LOSSES = [
    (lambda w: SquaredError().forward(pair, n((5, 1))), V, "(5, 2)", "(5, 1)"),
    (lambda w: SquaredError().forward(pair, n(2)), V, "(5, 2)", "(2,)"),
    (lambda w: SquaredError().forward(pair, n(5)), V, "(5, 2)", "(5,)"),
    (lambda w: SquaredError().forward(pair, 1.0), V, "(5, 2)", "()"),
    (lambda w: SquaredError().forward(column, n((5, 5))), V, "(5, 1)", "(5, 5)"),
    (lambda w: SquaredError().forward(column, n((1, 5))), V, "(5, 1)", "(1, 5)"),
    (lambda w: SquaredError().forward(column, n(4)), V, "(5, 1)", "(4,)"),
    (lambda w: SquaredError().forward(n(5), n(5)), V, "(N, n_out)", "(5,)"),
    (lambda w: SquaredError().forward(n((0, 2)), n((0, 2))), V, "at least 1", "(0, 2)"),
    (lambda w: SquaredError().forward(n((5, 2), int), pair), V, "floating", "int"),
    (lambda w: SquaredError().forward(strings, strings), V, "floating", "U1"),
    (lambda w: SquaredError().forward(1j * pair, pair), V, "floating", "complex"),
    (lambda w: SquaredError().forward(None, pair), V, "floating", "object"),
    (lambda w: SquaredError().forward(pair, 1j * pair), T, "target", "complex"),
    (lambda w: SquaredError().forward(pair, None), T, "target", "object"),
    (lambda w: SquaredError().forward(pair, "abc"), T, "target", "U3"),
    (
        # A forgotten Flatten: otherwise a target of shape (W, C) would broadcast.
        lambda w: SquaredError().forward(n((5, 3, 2, 1)), n((2, 1))),
        *(V, "(5, 3, 2, 1)"),
    ),
    (
        lambda w: BinaryCrossEntropy().forward(column, [0, 1, 2, 1, 0]),
        *(V, "BinaryCrossEntropy", "between 0 and 1", "2"),
    ),
    (lambda w: BinaryCrossEntropy().forward(column, -column), V, "0 and 1", "-1"),
    (lambda w: BinaryCrossEntropy().forward(column, nan * column), V, "nan"),
    (lambda w: BinaryCrossEntropy().forward(pair, n(5)), V, "(5, 2)", "(5,)"),
    (lambda w: w.loss.forward(w.y, [0, 1, 2, 0, 1]), V, "0 to 1", "0 to 2"),
    (lambda w: w.loss.forward(w.y, [0, 1, -1, 0, 1]), V, "0 to 1", "-1"),
    (lambda w: w.loss.forward(w.y, n(5)), V, "whole-number", "float64"),
    (lambda w: w.loss.forward(w.y, n(5, bool)), V, "whole-number", "bool"),
    (
        lambda w: w.loss.forward(w.y, np.eye(2, dtype=int)[w.t]),
        *(V, "shape (5,)", "(5, 2)", "argmax(axis=1)"),
    ),
    (lambda w: w.loss.forward(w.y, w.t[:, None]), V, "shape (5,)", "(5, 1)"),
    (lambda w: w.loss.forward(w.y, w.t[:4]), V, "5 examples", "(4,)"),
    (lambda w: w.loss.forward(w.y, 1), V, "5 examples", "()"),
    (lambda w: w.loss.forward(w.y, list("01101")), (V, T), "whole-number", "U1"),
    (lambda w: w.loss.forward(w.y, None), (V, T), "whole-number", "object"),
    (lambda w: softmax([]), V, "softmax", "(0,)"),
    (lambda w: softmax(1.0), V, "at least one axis", "()"),
    (lambda w: softmax(["a"]), V, "numbers", "U1"),
    (lambda w: softmax([1j]), V, "numbers", "complex"),
    (lambda w: softmax(None), V, "numbers", "object"),
]
RATES = [
    (lambda w, f=f, value=value: f(value), error, "learning_rate", word)
    for f in (SGD, RMSProp, Adam)
    for value, error, word in [
        (0, V, "greater than 0"),
        (-0.1, V, "-0.1"),
        (nan, V, "nan"),
        (inf, V, "inf"),
        (np.float64(nan), V, "nan"),
        ("0.1", T, "'0.1'"),
        (None, T, "None"),
        (True, T, "True"),
        (1j, T, "1j"),
        ({}, T, "{}"),
        ([[0.1]], T, "[0.1]"),
        ([], (V, T), "[]"),
    ]
]
OPTIMIZERS = [
    *RATES,
    (lambda w: SGD([0.1, -0.2]), V, "learning_rate", "-0.2"),
    (lambda w: SGD([0.1, "a"]), T, "learning_rate", "'a'"),
    (lambda w: RMSProp([0.1, 0.2]), T, "learning_rate", "one number"),
    (lambda w: Adam(np.array([0.1, 0.2])), T, "learning_rate", "one number"),
    (lambda w: setattr(w.sgd, "learning_rate", -1), V, "learning_rate", "-1"),
    (lambda w: setattr(w.rates, "learning_rate", [1, nan]), V, "learning_rate", "nan"),
    (lambda w: SGD(0.1, momentum=1), V, "momentum", "from 0 to below 1", "1"),
    (lambda w: SGD(0.1, momentum=-0.1), V, "momentum", "-0.1"),
    (lambda w: SGD(0.1, momentum=nan), V, "momentum", "nan"),
    (lambda w: SGD(0.1, momentum="0.9"), T, "momentum", "'0.9'"),
    (lambda w: SGD(0.1, nesterov=True), V, "nesterov", "momentum greater than 0"),
    (lambda w: SGD(0.1, weight_decay=-1), V, "weight_decay", "-1"),
    (lambda w: SGD(0.1, weight_decay=inf), V, "weight_decay", "inf"),
    (lambda w: SGD(0.1, weight_decay=[0.1]), T, "weight_decay", "[0.1]"),
    (lambda w: RMSProp(0.1, rho=1.0), V, "rho", "1.0"),
    (lambda w: RMSProp(0.1, eps=0), V, "eps", "0"),
    (lambda w: Adam(0.1, beta1=1.5), V, "beta1", "1.5"),
    (lambda w: Adam(0.1, beta2=-0.5), V, "beta2", "-0.5"),
    (lambda w: Adam(0.1, eps=-1), V, "eps", "-1"),
    *(
        row
        for name in ("sgd", "adam")
        for row in [
            (lambda w, o=name: getattr(w, o).step(w.theta, w.grad[:-1]), V, "grad"),
            (lambda w, o=name: getattr(w, o).step(w.theta, 1.0), V, "grad", "()"),
            (lambda w, o=name: getattr(w, o).step(w.theta, None), (V, T), "grad"),
            (
                lambda w, o=name: getattr(w, o).step(w.theta, 1j * w.grad),
                *(T, "grad", "complex"),
            ),
            (
                lambda w, o=name: getattr(w, o).step(w.theta, np.array(["a"] * 17)),
                *(T, "grad", "U1"),
            ),
            (lambda w, o=name: getattr(w, o).step(list(w.theta), w.grad), T, "theta"),
            (
                lambda w, o=name: getattr(w, o).step(np.ones(17, int), w.grad),
                *(T, "theta", "floating-point"),
            ),
            (
                lambda w, o=name: getattr(w, o).step(n(3), n(3)),
                *(V, "(17,)", "(3,)", "new optimizer"),
            ),
        ]
    ),
    (lambda w: w.decay.step(w.theta, w.grad), V, "net.decay_mask", "biases"),
    (lambda w: w.decay.step(w.theta, w.grad, n(3, bool)), V, "decay_mask", "(3,)"),
    (lambda w: w.decay.step(w.theta, w.grad, True), V, "decay_mask", "()"),
    (lambda w: w.rates.step(w.theta, w.grad), V, "3 learning rates", "copies=3"),
    (
        lambda w: w.rates.step(w.sweep.theta, w.sweep.grad),
        *(V, "3 learning rates", "copies=3", "(2, 17)"),
    ),
]
TRAIN = [
    (lambda w, o=o: train(w.net, w.loss, w.sgd, w.x, w.t, **o), error, *words)
    for o, error, *words in [
        ({}, V, "iterations=", "epochs="),
        ({"iterations": 1, "epochs": 1}, V, "either iterations=", "epochs="),
        ({"iterations": -1}, V, "iterations", "at least 0", "-1"),
        ({"iterations": 1.0}, T, "iterations", "1.0"),
        ({"iterations": "9"}, T, "iterations", "'9'"),
        ({"iterations": True}, T, "iterations", "True"),
        ({"epochs": -2}, V, "epochs", "-2"),
        ({"epochs": 0.5}, T, "epochs", "0.5"),
        ({"epochs": 1, "batch": 0}, V, "batch", "at least 1", "0"),
        ({"epochs": 1, "batch": 2.5}, T, "batch", "2.5"),
        ({"epochs": 1, "batch": 2}, T, "rng", "default_rng", "None"),
        ({"epochs": 1, "batch": 2, "rng": 0}, T, "rng", "default_rng", "0"),
        ({"epochs": 1, "batch": 2, "rng": np.random}, T, "rng", "default_rng"),
    ]
]
DATA = [  # at the call of train and of accuracy
    (lambda w, f=f, o=o, x=x, t=t: f(w, x(w), t(w)), error, *words)
    for f, o in [
        (lambda w, x, t: train(w.net, w.loss, w.sgd, x, t, iterations=1), 0),
        (lambda w, x, t: accuracy(w.net, x, t), 0),
    ]
    for x, t, error, *words in [
        (lambda w: w.x, lambda w: w.t[:4], V, "x has 5", "t has 4"),
        (lambda w: w.x[:0], lambda w: w.t[:0], V, "x holds no examples", "(0, 2)"),
        (lambda w: n((5, 0)), lambda w: w.t, V, "x", "(5, 0)"),
        (lambda w: 1.0, lambda w: w.t, V, "x holds no examples", "()"),
        (lambda w: w.x, lambda w: 1, V, "t holds no examples", "()"),
        (lambda w: w.x * nan, lambda w: w.t, V, "x holds nan", "example 0"),
        (lambda w: w.x, lambda w: w.t + inf, V, "t holds nan or inf"),
        (lambda w: w.x * 1j, lambda w: w.t, T, "x must hold numbers", "complex"),
        (lambda w: w.x.astype(str), lambda w: w.t, T, "x must hold numbers"),
        (lambda w: w.x.astype(object), lambda w: w.t, T, "x must hold", "object"),
        (lambda w: None, lambda w: w.t, T, "x must hold numbers", "object"),
        (lambda w: w.x, lambda w: list("abcde"), T, "t must hold numbers"),
        (lambda w: w.x, lambda w: None, T, "t must hold numbers"),
    ]
]
STEP = [  # at the first step: nothing may have changed either
    (lambda w: run(w.net, w.loss, w.sgd, n((5, 3)), w.t), V, "Dense(2, 3)", "(5, 3)"),
    (lambda w: run(w.net, w.loss, w.sgd, w.x, w.t + 1), V, "0 to 1", "1 to 2"),
    (lambda w: run(w.net, w.loss, w.sgd, w.x, w.t * 1.0), V, "whole-number"),
    (lambda w: run(w.net, SquaredError(), w.sgd, w.x, w.t), V, "(5, 2)", "(5,)"),
    (lambda w: run(w.net, BinaryCrossEntropy(), w.sgd, w.x, w.x), V, "0 and 1"),
    (
        lambda w: run(w.net, w.loss, w.rates, w.x, w.t),
        V,
        "3 learning rates",
        "copies=3",
    ),
    (lambda w: run(w.sweep, w.loss, w.rates, w.x, w.t), V, "3 learning rates"),
    (lambda w: run(w.sweep, w.loss, w.sgd, w.x, w.t), V, "(17,)", "(2, 17)"),
    (
        lambda w: run(w.sweep, w.loss, w.sgd, n((2, 5, 2)), [0, 1]),
        *(V, "(N, n_in)", "(2, 5, 2)"),
    ),
]
ACCURACY = [
    (lambda w: accuracy(w.net, w.x, w.t * 1.0), V, "whole-number", "float64"),
    (lambda w: accuracy(w.net, w.x, np.eye(2, dtype=int)[w.t]), V, "label", "(5, 2)"),
    (lambda w: accuracy(w.net, w.x, w.t + 1), V, "0 to 1", "1 to 2"),
    (lambda w: accuracy(w.net, w.x, w.t - 1), V, "0 to 1", "-1 to 0"),
    (lambda w: accuracy(w.net, n((5, 3)), w.t), V, "Dense(2, 3)", "(5, 3)"),
    (lambda w: accuracy(w.sweep, n((2, 5, 2)), [0, 1]), V, "(N, n_in)", "(2, 5, 2)"),
    (
        lambda w: accuracy(Net(Conv2D(1, 2, 2)), n((2, 3, 3, 1)), [0, 1]),
        *(V, "(2, 2, 2, 2)"),
    ),
]


def check(w, **changes):
    values = {"net": w.net, "loss": w.loss, "x": w.x, "t": w.t} | changes
    return check_gradients(**values)


class WrongShape(Dense):
    def backward(self, dy):
        return super().backward(dy)[:, :1]


CHECKING = [
    (lambda w: check(w, x=w.x * nan), V, "x holds nan or inf"),
    (lambda w: check(w, x=n((5, 3))), V, "Dense(2, 3)", "(5, 3)"),
    (lambda w: check(w, x=1j * w.x), T, "x must hold", "complex"),
    (lambda w: check(w, x=w.x.astype(object)), T, "x must hold", "object"),
    (lambda w: check(w, x=strings), T, "x must hold", "U1"),
    (lambda w: check(w, t=w.t + 1), V, "0 to 1", "1 to 2"),
    (lambda w: check(w, h=0), V, "h must be greater than 0", "0"),
    (lambda w: check(w, h=nan), V, "h must be", "nan"),
    (lambda w: check(w, h=-1e-5), V, "h must be", "-1e-05"),
    (lambda w: check(w, net=Net(WrongShape(2, 2))), V, "dx", "(5, 2)", "(5, 1)"),
    (
        lambda w: check(w, loss=SquaredError(), t=nan * w.y),
        *(V, "loss is nan", "nothing can be checked"),
    ),
    (lambda w: numerical_gradient(np.sum, w.x, h=0), V, "h must be", "0"),
    (lambda w: numerical_gradient(np.sum, "abc"), T, "theta must hold", "U3"),
    (lambda w: numerical_gradient(np.sum, 1j * w.x), T, "theta must hold", "complex"),
    (lambda w: numerical_gradient(np.sin, w.x), (V, T), "f must return", "(5, 2)"),
    (
        lambda w: numerical_gradient(lambda v: None, w.x),
        (V, T),
        "f must return",
        "None",
    ),
]
TABLES = {
    "net": NETS,
    "layer": LAYERS,
    "forward": FORWARD,
    "backward": BACKWARD,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "train": TRAIN,
    "data": DATA,
    "step": STEP,
    "accuracy": ACCURACY,
    "checking": CHECKING,
}
ROWS = [
    pytest.param(call, error, words, id=f"{name} {i}: {' '.join(words)}")
    for name, table in TABLES.items()
    for i, (call, error, *words) in enumerate(table)
]


def state(w):
    """All that a failing call must leave alone, as bytes."""
    arrays = [w.x, w.t, w.y, w.pictures, w.theta, w.grad]
    for net in w.net, w.sweep, w.picture_net:
        arrays += [net.theta, net.grad]
    optimizers = [vars(o) for o in (w.sgd, w.adam, w.decay, w.rates)]
    return pickle.dumps((arrays, optimizers))


@pytest.mark.parametrize(("call", "error", "words"), ROWS)
def test_a_mistake_is_explained_and_costs_nothing(call, error, words):
    w = world()
    before = state(w)
    with pytest.raises(error) as caught:
        call(w)
    for word in words:
        assert word in str(caught.value)
    assert state(w) == before


def test_an_init_that_fails_leaves_the_layers_free():
    dense = Dense(2, 3)
    for bad in (lambda: Net(dense, dtype=int), lambda: Net(dense, "relu")):
        with pytest.raises((ValueError, TypeError)):
            bad()
    assert Net(dense).theta.size == 9


def test_after_a_failed_forward_backward_does_not_use_what_is_left():
    w = world()
    w.picture_net.forward(w.pictures)
    with pytest.raises(ValueError, match="multiples of 2"):
        w.picture_net.forward(n((5, 4, 3, 1)))
    with pytest.raises(ValueError, match="forward first"):
        w.picture_net.backward(n((5, 2)))
