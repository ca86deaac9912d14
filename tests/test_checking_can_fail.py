"""A check that cannot fail proves nothing: here are wrong backward passes to catch.

Each is a mistake that published material makes. The check has to find each one, in
the right rows; and it has to pass the same network with the right code.
"""

import numpy as np
import pytest
from reference import fresh, randomize

from bplib import (
    RNN,
    BinaryCrossEntropy,
    Conv2D,
    Dense,
    Flatten,
    Layer,
    MaxPool2D,
    Net,
    ReLU,
    Sigmoid,
    SoftmaxCrossEntropy,
    SquaredError,
    Tanh,
    check_gradients,
)

# -------------------------------------------------------------------- wrong activations


class SigmoidOfPreActivation(Sigmoid):
    def forward(self, x):
        self.x = x
        return super().forward(x)

    def backward(self, dy):
        return dy * self.x * (1 - self.x)  # y * (1 - y) needs the activation


class SigmoidLeftOut(Sigmoid):
    def backward(self, dy):
        return dy


class SigmoidOverwrites(Sigmoid):
    def backward(self, dy):
        return self.y * (1 - self.y)  # where is dy?


class SigmoidTwice(Sigmoid):
    def backward(self, dy):
        s = 1 / (1 + np.exp(-self.y))  # of what is a sigmoid already
        return dy * s * (1 - s)


class TanhNotSquared(Tanh):
    def backward(self, dy):
        return dy * (1 - self.y)


class ReLUMaskOfOutput(ReLU):
    def backward(self, dy):
        return dy * (np.maximum(self.x, 0) >= 0)  # always true


class ReLUMaskOfGradient(ReLU):
    def backward(self, dy):
        return dy * (dy > 0)


class Softmax(Layer):
    """Right: the whole matrix diag(s) - s s^T."""

    def forward(self, x):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self.s = e / e.sum(axis=-1, keepdims=True)
        return self.s

    def backward(self, dy):
        return self.s * (dy - (dy * self.s).sum(axis=-1, keepdims=True))


class SoftmaxDiagonal(Softmax):
    def backward(self, dy):
        return dy * self.s * (1 - self.s)


class SoftmaxAsIfFused(Softmax):
    def backward(self, dy):
        return dy  # p - y holds with cross-entropy only


# -------------------------------------------------------------------------- wrong Dense


class BiasMean(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = dy.mean(axis=0)  # the loss has averaged already
        return dx


class BiasLeftOut(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = 0
        return dx


class BiasOfOneExample(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = dy[0]
        return dx


class SquareNotTransposed(Dense):
    def backward(self, dy):
        super().backward(dy)
        return dy @ self.W  # the shapes fit


class SquareGradientTransposed(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = dy.T @ self.x
        return dx


class DividesByN(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW /= len(dy)
        self.db /= len(dy)
        return dx


class UpdatedFirst(Dense):
    """The gradient for the layers below is taken with weights that have moved."""

    def backward(self, dy):
        super().backward(dy)
        return dy @ (self.W - 0.5 * self.dW).T


class UpdatesInBackward(Dense):
    def backward(self, dy):
        super().backward(dy)
        self.W -= 0.5 * self.dW
        return dy @ self.W.T


class Accumulates(Dense):
    """Adds to dW where it should set it: right only for a gradient that was 0."""

    def backward(self, dy):
        self.dW += self.x.T @ dy
        self.db += dy.sum(axis=0)
        return dy @ self.W.T


class NeverSetsBias(Dense):
    def backward(self, dy):
        self.dW = self.x.T @ dy
        return dy @ self.W.T


# ----------------------------------------------------- wrong convolution and recurrence


class ConvOverwritesTaps(Conv2D):
    def backward(self, dy):
        dx, (height, width) = super().backward(dy), dy.shape[1:3]
        for i in range(self.sizes[2]):
            for j in range(self.sizes[2]):
                dx[:, i : i + height, j : j + width] = dy @ self.W[i, j].T  # not +=
        return dx


class ConvFlipped(Conv2D):
    def backward(self, dy):
        right = self.W.copy()
        self.W = right[::-1, ::-1]
        dx = super().backward(dy)
        self.W = right
        return dx


class ConvGradientFlipped(Conv2D):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = self.dW[::-1, ::-1].copy()
        return dx


class ConvBiasMeanOfPixels(Conv2D):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = dy.sum(axis=0).mean(axis=(0, 1))
        return dx


class PoolToAllTied(MaxPool2D):
    def backward(self, dy):
        def spread(a):  # back to the size of x
            return a.repeat(self.sizes[0], axis=1).repeat(self.sizes[0], axis=2)

        return spread(dy) * (self.x == spread(self.y))


class PoolToFirstPixel(MaxPool2D):
    def backward(self, dy):
        dx = np.zeros_like(self.x)
        self.corners(dx)[0][...] = dy
        return dx


class FlattenOtherOrder(Flatten):
    def backward(self, dy):
        n, *rest = self.x.shape
        return dy.reshape(n, *reversed(rest)).transpose(0, 3, 2, 1)


class WrongRNN(RNN):
    """Backward through time, one step after the other; what follows spoils it."""

    def backward(self, dy):
        steps, dh, dx = len(self.h) - 1, dy, np.zeros_like(self.x)
        self.dW = self.dU = self.db = 0
        for t in reversed(range(steps)):
            dz = dh * (1 - self.h[t + 1] ** 2)
            self.add(t, dz)
            dx[t] = dz @ self.W.T
            dh = self.send_back(dz)
        return dx.transpose(1, 0, 2)

    def add(self, t, dz):
        self.dW += self.x[t].T @ dz
        self.dU += self.h[t].T @ dz
        self.db += dz.sum(axis=0)

    def send_back(self, dz):
        return dz @ self.U.T


class RNNOverwritesSteps(WrongRNN):
    def add(self, t, dz):
        self.dW = self.x[t].T @ dz  # not +=
        self.dU = self.h[t].T @ dz
        self.db = dz.sum(axis=0)


class RNNOnlyLastStep(WrongRNN):
    def send_back(self, dz):
        return 0 * dz


class RNNNotTransposed(WrongRNN):
    def send_back(self, dz):
        return dz @ self.U


class RNNOneStepOff(WrongRNN):
    def add(self, t, dz):
        super().add(t, dz)
        self.dU += (self.h[t + 1] - self.h[t]).T @ dz  # h of this step, not the last


# ------------------------------------------------------------------------- wrong losses


def times(loss, factor):
    """The loss with its gradient multiplied by factor(loss)."""

    class Wrong(loss):
        def backward(self):
            return super().backward() * factor(self)

    return Wrong()


class SoftmaxForgetsTarget(SoftmaxCrossEntropy):
    def slope(self):
        return self.p


class SoftmaxWrongIndex(SoftmaxCrossEntropy):
    def slope(self):
        slope = self.p.copy()
        slope[:, self.target] -= 1  # for every example, not for its own
        return slope


class CrossEntropyWithSlope(BinaryCrossEntropy):
    def slope(self):
        p = 1 / (1 + np.exp(-self.y))
        return (p - self.target) * p * (1 - p)


class WrongSign(SquaredError):
    def slope(self):
        return self.target - self.y


# ---------------------------------------------------------------------------- the table


def in_the_middle(right, wrong):
    return [Dense(3, 4), (right, wrong), Dense(4, 2)]


def on_top(right, wrong):
    return [Dense(3, 4), Tanh(), (right, wrong)]


def with_images(right, wrong):
    return [(right, wrong), Flatten(), Dense(16, 2)]


def with_loss(right, wrong):
    return [Dense(3, 4), Tanh(), Dense(4, 2)], (right, wrong)


plain, images, sequences, paper = (5, 3), (2, 5, 3, 2), (5, 4, 2), "blank paper"
square, everything = SquaredError(), "W1 b1 W2 b2 x"

# The mistake; layers, where a pair is the right and the wrong one; loss, or such a
# pair; shape of x; the rows that must read WRONG, all others must not.
BUGS = [
    (name, layers, square, plain, rows)
    for name, layers, rows in [
        (
            "sigma' of the wrong argument",
            in_the_middle(Sigmoid(), SigmoidOfPreActivation()),
            "W1 b1 x",
        ),
        ("sigma' left out", in_the_middle(Sigmoid(), SigmoidLeftOut()), "W1 b1 x"),
        (
            "upstream gradient overwritten",
            in_the_middle(Sigmoid(), SigmoidOverwrites()),
            "W1 b1 x",
        ),
        ("sigma' of sigma", in_the_middle(Sigmoid(), SigmoidTwice()), "W1 b1 x"),
        ("tanh' not squared", in_the_middle(Tanh(), TanhNotSquared()), "W1 b1 x"),
        (
            "relu mask from output >= 0",
            in_the_middle(ReLU(), ReLUMaskOfOutput()),
            "W1 b1 x",
        ),
        (
            "relu mask from the gradient",
            in_the_middle(ReLU(), ReLUMaskOfGradient()),
            "W1 b1 x",
        ),
        (
            "softmax' as s * (1 - s)",
            in_the_middle(Softmax(), SoftmaxDiagonal()),
            "W1 b1 x",
        ),
        (
            "p - y with another loss",
            in_the_middle(Softmax(), SoftmaxAsIfFused()),
            "W1 b1 x",
        ),
        ("bias gets the mean", on_top(Dense(4, 2), BiasMean(4, 2)), "b2"),
        ("bias left out", on_top(Dense(4, 2), BiasLeftOut(4, 2)), "b2"),
        ("bias of one example", on_top(Dense(4, 2), BiasOfOneExample(4, 2)), "b2"),
        ("bias never set", on_top(Dense(4, 2), NeverSetsBias(4, 2)), "b2"),
        (
            "square W not transposed",
            on_top(Dense(4, 4), SquareNotTransposed(4, 4)),
            "W1 b1 x",
        ),
        (
            "square dW transposed",
            on_top(Dense(4, 4), SquareGradientTransposed(4, 4)),
            "W2",
        ),
        ("1/N in the layer too", on_top(Dense(4, 2), DividesByN(4, 2)), "W2 b2"),
        (
            "hidden deltas from updated weights",
            on_top(Dense(4, 2), UpdatedFirst(4, 2)),
            "W1 b1 x",
        ),
        (
            "weights updated inside backward",
            on_top(Dense(4, 2), UpdatesInBackward(4, 2)),
            everything,
        ),
        (
            "gradients added up, not set",
            on_top(Dense(4, 2), Accumulates(4, 2)),
            "W2 b2",
        ),
    ]
]
BUGS += [
    (name, *with_loss(right, wrong), plain, rows)
    for name, right, wrong, rows in [
        ("factor 2", square, times(SquaredError, lambda loss: 2), everything),
        ("1/N missing", square, times(SquaredError, lambda loss: 5), everything),
        ("1/N twice", square, times(SquaredError, lambda loss: 1 / 5), everything),
        (
            "divided by the classes",
            SoftmaxCrossEntropy(),
            times(SoftmaxCrossEntropy, lambda loss: 1 / loss.y.shape[1]),
            everything,
        ),
        ("sign", square, WrongSign(), everything),
        ("p, not p - y", SoftmaxCrossEntropy(), SoftmaxForgetsTarget(), everything),
        (
            "1 taken off in all rows",
            SoftmaxCrossEntropy(),
            SoftmaxWrongIndex(),
            everything,
        ),
        (
            "sigma' left in the fused loss",
            BinaryCrossEntropy(),
            CrossEntropyWithSlope(),
            everything,
        ),
    ]
]
conv, read = Conv2D(2, 2, 2), [Dense(3, 2)]
BUGS += [
    (name, layers, square, shape, rows)
    for name, layers, shape, rows in [
        (
            "= for += across taps",
            with_images(conv, ConvOverwritesTaps(2, 2, 2)),
            images,
            "x",
        ),
        ("filter flipped", with_images(conv, ConvFlipped(2, 2, 2)), images, "x"),
        ("dW flipped", with_images(conv, ConvGradientFlipped(2, 2, 2)), images, "W1"),
        (
            "bias is the mean of pixels",
            with_images(conv, ConvBiasMeanOfPixels(2, 2, 2)),
            images,
            "b1",
        ),
        (
            "max: the first pixel wins",
            [(MaxPool2D(2), PoolToFirstPixel(2)), Flatten(), Dense(8, 2)],
            (2, 4, 4, 2),
            "x",
        ),
        # At a tie only a direction that moves the tied together has a slope: the bias.
        (
            "max: gradient to all that tie",
            [
                Conv2D(2, 2, 2),
                (MaxPool2D(2), PoolToAllTied(2)),
                Flatten(),
                Dense(8, 2),
            ],
            paper,
            "b1",
        ),
        (
            "flatten in another order",
            [Conv2D(2, 2, 2), (Flatten(), FlattenOtherOrder()), Dense(16, 2)],
            images,
            "W1 b1 x",
        ),
        (
            "= for += across time",
            [(RNN(2, 3), RNNOverwritesSteps(2, 3)), *read],
            sequences,
            "W1 U1 b1",
        ),
        (
            "only the last time step",
            [(RNN(2, 3), RNNOnlyLastStep(2, 3)), *read],
            sequences,
            "W1 U1 b1 x",
        ),
        (
            "square U not transposed",
            [(RNN(2, 3), RNNNotTransposed(2, 3)), *read],
            sequences,
            "W1 U1 b1 x",
        ),
        (
            "h one step off",
            [(RNN(2, 3), RNNOneStepOff(2, 3)), *read],
            sequences,
            "U1",
        ),
    ]
]
each_bug = pytest.mark.parametrize(
    ("name", "layers", "loss", "shape", "rows"), BUGS, ids=[bug[0] for bug in BUGS]
)


def check(layers, loss, shape, which):
    """The report on the network with the right (0) or the wrong (1) of each pair."""
    layers, loss = (
        [part[which] if isinstance(part, tuple) else part for part in parts]
        for parts in (layers, [loss])
    )
    rng = np.random.default_rng(0)
    net = randomize(Net(*map(fresh, layers)), rng)
    if shape == paper:
        x = np.zeros((2, 5, 5, 2))
        x[:, 3:, 3:] = rng.normal(size=(2, 2, 2, 2))
    else:
        x = rng.normal(size=shape)
    n, n_out = net.forward(x).shape
    if isinstance(loss[0], SoftmaxCrossEntropy):
        t = rng.integers(0, n_out, n)
    else:
        t = rng.uniform(size=(n, n_out))
    # In training, net.grad holds the last gradient, not zeros.
    net.grad = rng.normal(size=net.grad.shape)
    return check_gradients(net, loss[0], x, t)


@each_bug
def test_the_check_catches(name, layers, loss, shape, rows):
    report = check(layers, loss, shape, 1)
    assert not report.ok
    *arrays, everything_at_once = report.rows
    wrong = [row.name for row in arrays if row.verdict == "WRONG"]
    assert wrong == rows.split(), report
    expected = "kink" if shape == paper else "WRONG"
    assert everything_at_once.verdict == expected
    assert "WRONG" in repr(report)


@each_bug
def test_the_check_passes_the_same_network_without_the_bug(
    name, layers, loss, shape, rows
):
    assert check(layers, loss, shape, 0).ok


def test_the_table_is_as_long_as_it_claims():
    assert len({bug[0] for bug in BUGS}) == len(BUGS) >= 35


def test_adding_up_gradients_is_caught_on_a_new_net_too():
    # There net.grad is 0, and one backward gives what setting would give.
    net = randomize(Net(Accumulates(3, 2)), np.random.default_rng(0))
    x = np.random.default_rng(1).normal(size=(4, 3))
    assert not check_gradients(net, SquaredError(), x, np.zeros((4, 2))).ok


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_gradients_that_are_not_finite_are_wrong(value):
    class NotFinite(Dense):
        def backward(self, dy):
            dx = super().backward(dy)
            self.dW[1, 1] = value
            return dx

    for activation in Tanh(), ReLU():  # with and without corners
        net = Net(Dense(3, 4), activation, NotFinite(4, 2))
        randomize(net, np.random.default_rng(0))
        x = np.random.default_rng(1).normal(size=(4, 3))
        with np.errstate(invalid="ignore"):
            report = check_gradients(net, SquaredError(), x, np.zeros((4, 2)))
        row = next(row for row in report.rows if row.name == "W2")
        assert row.verdict == "WRONG" and not report.ok
        assert row.index == (1, 1)
