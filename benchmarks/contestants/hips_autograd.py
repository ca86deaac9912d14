"""HIPS autograd: NumPy code, differentiated by tracing it again at every step.

It has no convolution of usable speed, so the conv nets do not apply.
"""

import autograd.numpy as np
from autograd import value_and_grad

from .textbook import OneAfterAnother


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def cross_entropy(logits, t):
    z = logits - np.max(logits, axis=1, keepdims=True)
    z = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.mean(z[np.arange(len(t)), t])


def sigmoid_loss(p, x, t):
    h = sigmoid(np.dot(x, p["W1"]) + p["b1"])
    y = sigmoid(np.dot(h, p["W2"]) + p["b2"])
    return 0.5 * np.sum((y - t) ** 2) / len(x)


def dense_loss(p, x, t):
    depth = len(p) // 2
    for i in range(1, depth):
        x = np.maximum(np.dot(x, p[f"W{i}"]) + p[f"b{i}"], 0)
    return cross_entropy(np.dot(x, p[f"W{depth}"]) + p[f"b{depth}"], t)


def rnn_loss(p, x, t):
    h = np.zeros((len(x), p["U1"].shape[0]), x.dtype)
    for s in range(x.shape[1]):
        h = np.tanh(np.dot(x[:, s], p["W1"]) + np.dot(h, p["U1"]) + p["b1"])
    return cross_entropy(np.dot(h, p["W2"]) + p["b2"], t)


def rate_loss(p, x, t):
    t = t.reshape(-1, 1).astype(x.dtype)
    z = np.dot(np.tanh(np.dot(x, p["W1"]) + p["b1"]), p["W2"]) + p["b2"]
    return np.mean(np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z))))


class Contestant:
    def __init__(self, workload, loss):
        self.workload, self.x, self.t = workload, workload.x, workload.t
        self.p = {name: w.copy() for name, w in workload.params.items()}
        self.value_and_grad = value_and_grad(loss)

    def theta(self):
        return self.workload.flat(self.p)

    def step(self):
        loss, gradients = self.value_and_grad(self.p, self.x, self.t)
        for name, gradient in gradients.items():
            self.p[name] -= self.workload.rate * gradient
        return loss


LOSSES = {"sigmoid": sigmoid_loss, "dense": dense_loss, "rnn": rnn_loss}


def contestants(kind):
    if kind == "rates":
        make = lambda w: Contestant(w, rate_loss)  # noqa: E731
        return {"HIPS autograd, one after another": lambda w: OneAfterAnother(w, make)}
    if kind not in LOSSES:
        return {}
    return {"HIPS autograd": lambda w: Contestant(w, LOSSES[kind])}
