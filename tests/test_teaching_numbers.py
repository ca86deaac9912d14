"""Numbers that every correct implementation must print, to the last digit given."""

import math

import numpy as np
import pytest

from bplib import (
    SGD,
    Dense,
    Net,
    ReLU,
    Sigmoid,
    SoftmaxCrossEntropy,
    SquaredError,
    Tanh,
    accuracy,
    numerical_gradient,
    spirals,
    train,
)


def digits(*values):
    """approx to half a unit of the tenth decimal: numbers given to ten decimals."""
    return pytest.approx(np.array(values), rel=0, abs=0.6e-10)


# -------------------------------------------- the 2-2-2 network with half squared error

x, t = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])


def two_two_two():
    net = Net(Dense(2, 2), Sigmoid(), Dense(2, 2), Sigmoid())
    net.layers[0].W = np.array([[0.15, 0.20], [0.25, 0.30]]).T  # given row by neuron
    net.layers[0].b = 0.35
    net.layers[2].W = np.array([[0.40, 0.45], [0.50, 0.55]]).T
    net.layers[2].b = 0.60
    return net


def correct_update(net, loss):
    net.backward(loss.backward())
    for layer in net.layers[::2]:
        layer.W -= 0.5 * layer.dW  # the biases are frozen


def update_with_the_bug(net, loss):
    """Output weights move before the hidden gradients are computed from them."""
    first, _, second, output = net.layers
    dy = output.backward(loss.backward())
    second.backward(dy)
    second.W -= 0.5 * second.dW
    first.backward(net.layers[1].backward(second.backward(dy)))
    first.W -= 0.5 * first.dW


def after(update, count):
    net, loss = two_two_two(), SquaredError()
    for _ in range(count):
        loss.forward(net.forward(x), t)
        update(net, loss)
    y = net.forward(x)
    return net, y[0], loss.forward(y, t)


def test_before_any_update():
    net, y, error = after(correct_update, 0)
    assert net.layers[1].y[0] == digits(0.5932699921, 0.5968843783)
    assert y == digits(0.7513650696, 0.7729284653)
    assert error == pytest.approx(0.298371109, abs=0.5e-9)


def test_one_update():
    net, _, error = after(correct_update, 1)
    first, second = (layer.W.T.ravel() for layer in net.layers[::2])
    assert first == digits(0.1497807161, 0.1995614323, 0.2497511436, 0.2995022873)
    assert second == digits(0.3589164797, 0.4086661861, 0.5113012702, 0.5613701211)
    assert error == pytest.approx(0.291027774, abs=0.5e-9)


def test_ten_thousand_updates():
    _, y, error = after(correct_update, 10_000)
    assert error == pytest.approx(3.510188e-5, abs=0.5e-11)
    assert y == digits(0.0159136204, 0.9840642735)


def test_the_famous_bug_gives_the_famous_numbers():
    net, _, error = after(update_with_the_bug, 1)
    assert error == pytest.approx(0.291027924, abs=0.5e-9)
    _, y, error = after(update_with_the_bug, 10_000)
    assert error == pytest.approx(3.508479e-5, abs=0.5e-11)
    assert y == digits(0.0159121963, 0.9840657345)


def test_with_biases_trained_one_for_each_neuron():
    net, loss = two_two_two(), SquaredError()
    steps = list(train(net, loss, SGD(0.5), x, t, iterations=10_000))
    assert steps[1].loss == pytest.approx(0.280471447, abs=0.5e-9)
    error = loss.forward(net.forward(x), t)
    assert error == pytest.approx(2.447562e-6, abs=0.5e-12)


# ----------------------------------------------------------------- circuits and neurons


def test_circuit():
    def f(v):
        return (v[0] + v[1]) * v[2]

    assert f([-2, 5, -4]) == -12
    assert numerical_gradient(f, [-2, 5, -4]) == pytest.approx([-4, -4, 3], abs=1e-8)


def test_staged_expression():
    def sigma(v):
        return 1 / (1 + math.exp(-v))

    def f(v):
        x, y = v
        return (x + sigma(y)) / (sigma(x) + (x + y) ** 2)

    assert f([3, -4]) == digits(1.5456448841)
    gradient = numerical_gradient(f, [3, -4])
    assert gradient == pytest.approx([2.0595697956, 1.5922327515], abs=1e-9)


def neuron(w, b, activation):
    net = Net(Dense(len(w), 1), activation)
    net.layers[0].W, net.layers[0].b = np.reshape(w, (-1, 1)), b
    return net


def test_one_sigmoid_neuron():
    net = neuron([2, -3], -3, Sigmoid())
    assert net.forward([[-1, -2]])[0] == digits(0.7310585786)
    dx = net.backward([[1]])
    assert dx[0] == digits(0.3932238665, -0.5898357997)
    assert net.grad == digits(-0.1966119332, -0.3932238665, 0.1966119332)


def test_one_tanh_neuron():
    net = neuron([-3, 1], 6.8813735870195432, Tanh())
    assert net.forward([[2, 0]])[0] == digits(0.7071067812)
    assert net.backward([[1]])[0] == digits(-1.5, 0.5)
    assert net.layers[0].dW[:, 0] == digits(1, 0)


@pytest.mark.parametrize(
    ("w", "b", "first", "last"), [(0.6, 0.9, 0.8176, 0.0940), (2, 2, 0.9820, 0.2028)]
)
def test_saturated_neuron(w, b, first, last):
    net = neuron([w], b, Sigmoid())
    assert net.forward([[1]]) == pytest.approx(first, abs=0.5e-4)
    list(train(net, SquaredError(), SGD(0.15), [[1]], [0], iterations=300))
    assert net.forward([[1]]) == pytest.approx(last, abs=0.5e-4)


# ------------------------------------------------------------------------------ spirals


def spiral_net(rng, *widths):
    """W = .01 * randn from the generator that drew the points; b = 0."""
    layers = []
    for n_in, n_out in zip(widths, widths[1:], strict=False):
        start = 0.01 * rng.standard_normal((n_in, n_out))
        layers += [Dense(n_in, n_out, init=lambda _, shape, w=start: w), ReLU()]
    return Net(*layers[:-1])


def regularized(step, net_before, reg=1e-3):
    weights = net_before[:-3]  # of Dense(2, 3) alone: W, then 3 biases
    return step.loss + reg / 2 * np.sum(weights**2)


def test_spirals_with_a_linear_net():
    rng = np.random.RandomState(0)
    x, t = spirals(100, 0.2, rng)
    net = spiral_net(rng, 2, 3)
    optimizer, before = SGD(1.0, weight_decay=1e-3), net.theta.copy()
    for step in train(net, SoftmaxCrossEntropy(), optimizer, x, t, iterations=200):
        if step.iteration == 191:  # "iteration 190", counted from 0
            assert regularized(step, before) == pytest.approx(0.786302, abs=0.5e-6)
        before = net.theta.copy()
    assert accuracy(net, x, t) == pytest.approx(0.49, abs=0.005)


def test_spirals_with_a_hidden_layer():
    rng = np.random.RandomState(0)
    x, t = spirals(100, 0.2, rng)
    net = spiral_net(rng, 2, 100, 3).copy(np.float32)  # for speed
    optimizer = SGD(1.0, weight_decay=1e-3)
    for _ in train(net, SoftmaxCrossEntropy(), optimizer, x, t, iterations=10_000):
        pass
    assert accuracy(net, x, t) == pytest.approx(0.98, abs=0.005)


# ------------------------------------------------------ momentum and stability on bowls

BOWL = np.array([1.0, 100.0])  # f = 1/2 sum of eigenvalue * theta^2


def sizes(optimizer, steps, theta=(1.0, 1.0)):
    """|theta| after each step."""
    theta, result = np.array(theta), []
    for _ in range(steps):
        optimizer.step(theta, BOWL * theta)
        result.append(np.linalg.norm(theta))
    return np.array(result)


def test_the_best_plain_step():
    after = sizes(SGD(2 / 101), 100)
    assert after[1:] / after[:-1] == pytest.approx(0.980198, abs=0.5e-6)


def growth(make, eigenvalue):
    """How much one step magnifies in the long run: the largest eigenvalue of the map.

    The state is (theta, v), and a step is a linear map of it: its two columns are
    where (1, 0) and (0, 1) go.
    """
    columns = []
    for theta, v in (1.0, 0.0), (0.0, 1.0):
        optimizer, theta = make(), np.array([theta])
        optimizer.memory = [np.array([v])]
        optimizer.step(theta, eigenvalue * theta)
        v = optimizer.memory[0][0] if optimizer.momentum else 0.0
        columns.append([theta[0], v])
    return np.abs(np.linalg.eigvals(np.array(columns).T)).max()


def test_the_best_momentum():
    step, beta = (2 / (1 + 10)) ** 2, ((10 - 1) / (10 + 1)) ** 2
    assert step == pytest.approx(0.0330579, abs=0.5e-7)
    assert beta == pytest.approx(0.669421, abs=0.5e-6)
    for eigenvalue in BOWL:
        rate = growth(lambda: SGD(step, momentum=beta), eigenvalue)
        assert rate == pytest.approx(0.818182, abs=0.5e-6)
    after = sizes(SGD(step, momentum=beta), 102)
    ratio = after[1:] / after[:-1]
    assert ratio[10 - 2] == pytest.approx(0.903, abs=0.5e-3)  # of steps 10 and 9
    assert ratio[100 - 2] == pytest.approx(0.826, abs=0.5e-3)


LIMITS = [
    ({}, 2 / 100),
    ({"momentum": 0.9}, 2 * 1.9 / 100),
    ({"momentum": 0.5}, 2 * 1.5 / 100),
    ({"momentum": 0.9, "nesterov": True}, 2 * 1.9 / (2.8 * 100)),
]


@pytest.mark.parametrize(("options", "limit"), LIMITS)
def test_steps_are_stable_up_to_the_limit(options, limit):
    assert growth(lambda: SGD(0.999 * limit, **options), BOWL[1]) < 1
    assert growth(lambda: SGD(1.001 * limit, **options), BOWL[1]) > 1
