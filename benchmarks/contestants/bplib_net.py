"""bplib, as a reader of the book would use it."""

from bplib import (
    RNN,
    SGD,
    BinaryCrossEntropy,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    Net,
    ReLU,
    Sigmoid,
    SoftmaxCrossEntropy,
    SquaredError,
    Tanh,
)

from .textbook import OneAfterAnother


def sigmoid(w):
    n, h, m = w.sizes
    return [Dense(n, h), Sigmoid(), Dense(h, m), Sigmoid()], SquaredError()


def dense(w):
    layers = []
    for n_in, n_out in zip(w.sizes, w.sizes[1:], strict=False):
        layers += [Dense(n_in, n_out), ReLU()]
    return layers[:-1], SoftmaxCrossEntropy()


def conv(w):
    (k, _, c0, c1), (_, _, _, c2) = w.shapes["W1"], w.shapes["W2"]
    head = Dense(*w.shapes["W3"])
    layers = [Conv2D(c0, c1, k), ReLU(), MaxPool2D(2), Conv2D(c1, c2, k), ReLU()]
    return [*layers, Flatten(), head], SoftmaxCrossEntropy()


def rnn(w):
    return [RNN(*w.shapes["W1"]), Dense(*w.shapes["W2"])], SoftmaxCrossEntropy()


def rates(w):
    n, h, m = w.sizes
    return [Dense(n, h), Tanh(), Dense(h, m)], BinaryCrossEntropy()


class Contestant:
    def __init__(self, workload, build):
        layers, self.loss = build(workload)
        self.net = Net(*layers, dtype=workload.dtype, copies=workload.copies)
        self.net.theta = workload.flat(workload.params)
        self.optimizer = SGD(workload.rate)
        self.x, self.t = workload.x, workload.t

    def theta(self):
        return self.net.theta.copy()

    def step(self):
        net, loss = self.net, self.loss
        value = loss.forward(net.forward(self.x), self.t)
        net.backward(loss.backward(), need_dx=False)  # as `train` does
        self.optimizer.step(net.theta, net.grad)
        return value


BUILD = {"sigmoid": sigmoid, "dense": dense, "conv": conv, "rnn": rnn, "rates": rates}


def contestants(kind):
    def make(workload):
        return Contestant(workload, BUILD[kind])

    if kind == "rates":
        return {
            "bplib": make,
            "bplib, one after another": lambda w: OneAfterAnother(w, make),
        }
    return {"bplib": make}
