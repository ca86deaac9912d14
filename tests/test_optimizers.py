"""Does every optimizer take the step that its formula says, and no other?"""

import numpy as np
import pytest

from bplib import SGD, Adam, Dense, Net, RMSProp, SquaredError, Tanh, optimizers

# (make the optimizer, the same as a formula: one number theta, its gradients in turn)


def sgd(theta, gradients, rate, momentum=0.0, nesterov=False):
    v = 0.0
    for g in gradients:
        v = momentum * v + g
        theta = theta - rate * (g + momentum * v if nesterov else v)
        yield theta


def rmsprop(theta, gradients, rate, rho=0.9, eps=1e-8):
    s = 0.0
    for g in gradients:
        s = rho * s + (1 - rho) * g**2
        theta = theta - rate * g / (s**0.5 + eps)
        yield theta


def adam(theta, gradients, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - rate * m_hat / (v_hat**0.5 + eps)
        yield theta


FORMULAS = [
    (SGD, sgd, {}),
    (SGD, sgd, {"momentum": 0.9}),
    (SGD, sgd, {"momentum": 0.7, "nesterov": True}),
    (RMSProp, rmsprop, {}),
    (RMSProp, rmsprop, {"rho": 0.5, "eps": 0.1}),
    (Adam, adam, {}),
    (Adam, adam, {"beta1": 0.5, "beta2": 0.8, "eps": 0.01}),
]
every_optimizer = pytest.mark.parametrize(("cls", "formula", "options"), FORMULAS)


def test_every_optimizer_is_in_the_table():
    classes = set(optimizers.Optimizer.__subclasses__())
    assert {cls for cls, *_ in FORMULAS} == classes


@every_optimizer
@pytest.mark.parametrize("shape", [(4,), (3, 4)])
def test_steps_follow_the_formula(cls, formula, options, shape):
    rng = np.random.default_rng(0)
    theta, gradients = rng.normal(size=shape), rng.normal(size=(8, *shape))
    expected = np.empty_like(gradients)
    for i in np.ndindex(shape):
        expected[:, *i] = list(formula(theta[i], gradients[:, *i], 0.1, **options))
    optimizer, same = cls(0.1, **options), theta
    for g, after in zip(gradients, expected, strict=True):
        kept = g.copy()
        optimizer.step(theta, g)
        assert theta == pytest.approx(after, rel=1e-13)
        assert np.array_equal(g, kept)  # the gradient is left alone
    assert theta is same


@every_optimizer
def test_weight_decay_adds_to_the_gradient_of_weights_only(cls, formula, options):
    net = Net(Dense(2, 3), Tanh(), Dense(3, 1))
    net.theta = np.random.default_rng(1).normal(size=net.theta.shape)
    optimizer, plain = cls(0.1, weight_decay=0.01, **options), cls(0.1, **options)
    twin = net.copy()
    for step in range(4):
        net.grad = np.random.default_rng(step).normal(size=net.grad.shape)
        kept = net.grad.copy()
        decayed = net.grad.copy()
        decayed[:6] += 0.01 * twin.theta[:6]  # W1, b1, W2, b2: 6, 3, 3, 1 numbers
        decayed[9:12] += 0.01 * twin.theta[9:12]
        optimizer.step(net.theta, net.grad, net.decay_mask)
        plain.step(twin.theta, decayed)
        assert np.allclose(net.theta, twin.theta, rtol=1e-13, atol=0)
        assert np.array_equal(net.grad, kept)


def test_weight_decay_does_not_touch_biases():
    net = Net(Dense(2, 3))
    net.theta, net.grad = 1.0, 0.0
    SGD(0.5, weight_decay=0.1).step(net.theta, net.grad, net.decay_mask)
    assert np.all(net.layers[0].W == 0.95) and np.all(net.layers[0].b == 1)


# Steps from theta = 1 with the gradient of theta^2, by hand: g = 2 theta.
BY_HAND = [
    (SGD(0.1), [0.8, 0.64, 0.512]),  # each time times 0.8
    # v = 2; 0.9*2 + 1.6 = 3.4; 0.9*3.4 + 0.92 = 3.98
    (SGD(0.1, momentum=0.9), [0.8, 0.46, 0.062]),
    # step g + 0.9 v: 2 + 1.8; v = 1.8 + 1.24 = 3.04, 1.24 + 2.736 = 3.976
    (SGD(0.1, momentum=0.9, nesterov=True), [0.62, 0.2224]),
    # s = 0.4, step 0.1 * 2 / sqrt(0.4); s = 0.36 + 0.1 * 1.3675445^2 = 0.5470178
    (RMSProp(0.1), [0.6837722, 0.4988706]),
    (Adam(0.1), [0.9, 0.8004122]),  # the first step of Adam has the size of its rate
    # The same with weight decay 0.5 on W: g = 2.5 theta.
    (SGD(0.1, weight_decay=0.5), [0.75, 0.5625]),
]


@pytest.mark.parametrize(("optimizer", "expected"), BY_HAND, ids=lambda v: None)
def test_steps_by_hand(optimizer, expected):
    theta = np.ones(1)
    for value in expected:
        optimizer.step(theta, 2 * theta, np.array([True]))
        assert theta[0] == pytest.approx(value, abs=5e-8)


def test_the_first_step_of_adam_is_the_rate_whatever_the_gradient():
    for size in 1e-3, 1.0, 1e3:
        theta = np.zeros(2)
        Adam(0.01).step(theta, np.array([size, -size]))
        assert theta == pytest.approx([-0.01, 0.01], rel=1e-4)


@every_optimizer
@pytest.mark.parametrize("kind", [np.float64, np.array])
def test_float32_stays_float32(cls, formula, options, kind):
    # A NumPy float64 would turn all that it touches into float64, on the way at least.
    twins = []
    for make in float, kind:
        more = {name: make(value) for name, value in options.items()}
        optimizer = cls(make(0.1), weight_decay=make(0.1), **more)
        net = Net(Dense(2, 1), dtype=np.float32)
        for _ in range(3):
            net.grad = net.theta
            optimizer.step(net.theta, net.grad, net.decay_mask)
        assert net.theta.dtype == net.layers[0].W.dtype == np.float32
        assert all(a.dtype == np.float32 for a in optimizer.memory)
        assert type(optimizer.learning_rate) is type(optimizer.weight_decay) is float
        twins.append(net.theta)
    assert np.array_equal(*twins)


def test_float32_stays_float32_with_k_rates():
    net = Net(Dense(2, 1), dtype=np.float32, copies=2)
    optimizer = SGD(np.array([0.1, 0.2]), momentum=0.9, weight_decay=0.1)
    net.grad = 1.0
    optimizer.step(net.theta, net.grad, net.decay_mask)
    assert net.theta.dtype == np.float32
    # The rate is cast to float32 first, as one rate alone would be.
    for k, rate in enumerate([0.1, 0.2]):
        alone = Net(Dense(2, 1), dtype=np.float32)
        alone.grad = 1.0
        step = SGD(rate, momentum=0.9, weight_decay=0.1).step
        step(alone.theta, alone.grad, alone.decay_mask)
        assert np.array_equal(net.theta[k], alone.theta)


def test_memory_belongs_to_the_optimizer():
    theta = np.zeros(3)
    first, second = SGD(0.1, momentum=0.9), SGD(0.1, momentum=0.9)
    first.step(theta, np.ones(3))
    second.step(theta, np.ones(3))
    assert theta == pytest.approx(-0.2)
    first.step(theta, np.zeros(3))  # it goes on with 0.9 of its last step
    assert theta == pytest.approx(-0.29)


def test_the_rate_may_change_at_any_time_and_is_checked_then_too():
    theta, optimizer = np.zeros(1), SGD(1.0)
    optimizer.learning_rate *= 0.5
    optimizer.step(theta, np.ones(1))
    assert theta == -0.5
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer.learning_rate = -1
    assert optimizer.learning_rate == 0.5
    sweep = SGD([0.1, 0.2])
    sweep.learning_rate = sweep.learning_rate / 2
    assert sweep.learning_rate == pytest.approx([0.05, 0.1])


def test_descending_a_bowl():
    for optimizer in SGD(0.1), SGD(0.05, momentum=0.8), RMSProp(0.05), Adam(0.1):
        net = Net(Dense(1, 1))
        loss, x = SquaredError(), np.linspace(-1, 1, 9)[:, None]
        for _ in range(500):
            loss.forward(net.forward(x), 3 * x + 2)
            net.backward(loss.backward())
            optimizer.step(net.theta, net.grad)
        assert net.theta == pytest.approx([3, 2], abs=0.1), optimizer
