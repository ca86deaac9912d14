"""Is a Net one vector of parameters, and do its views, copies and seeds keep faith?"""

import copy
import pickle

import numpy as np
import pytest
from reference import fresh, randomize

from bplib import (
    RNN,
    Conv2D,
    Dense,
    Flatten,
    Layer,
    MaxPool2D,
    Net,
    ReLU,
    Sigmoid,
    Tanh,
)


def small():
    return randomize(Net(Dense(2, 3), Tanh(), Dense(3, 2)), np.random.default_rng(0))


def one_of_each():
    layers = Conv2D(1, 2, 2), ReLU(), MaxPool2D(2), Flatten(), Dense(2, 3), Sigmoid()
    return Net(*layers), (4, 3, 3, 1)


def check_views(net):
    """Every parameter is a view of theta in its place, its gradient one of grad."""
    for vector, name in (net.theta, ""), (net.grad, "d"):
        kept = vector.copy()
        vector[...] = np.arange(vector.size).reshape(vector.shape)
        pieces = []
        for layer in net.layers:
            for parameter, shape in layer.params.items():
                array = getattr(layer, name + parameter)
                assert np.shares_memory(array, vector)
                assert array.shape == vector.shape[:-1] + shape
                pieces.append(array.reshape(*vector.shape[:-1], -1))
        assert np.array_equal(np.concatenate(pieces, axis=-1), vector)
        vector[...] = kept
    assert not np.shares_memory(net.theta, net.grad)


def test_theta_has_layers_in_order_then_w_u_b_then_rows():
    net = Net(Dense(2, 3), RNN(3, 2), Conv2D(1, 2, 2))  # never run: only laid out
    net.theta = np.arange(net.theta.size)
    dense, rnn, conv = net.layers
    assert dense.W.tolist() == [[0, 1, 2], [3, 4, 5]] and dense.b.tolist() == [
        [6, 7, 8]
    ]
    assert rnn.W.ravel().tolist() == list(range(9, 15))
    assert rnn.U.tolist() == [[15, 16], [17, 18]] and rnn.b.tolist() == [[19, 20]]
    assert conv.W.shape == (2, 2, 1, 2) and conv.W.ravel().tolist() == list(
        range(21, 29)
    )
    assert conv.b.tolist() == [[29, 30]] and net.theta.size == 31
    names = [name for name, *_ in net.named_parameters()]
    assert names == ["W1", "b1", "W2", "U2", "b2", "W3", "b3"]
    expected = [1] * 6 + [0] * 3 + [1] * 10 + [0] * 2 + [1] * 8 + [0] * 2
    assert net.decay_mask.dtype == bool and net.decay_mask.tolist() == expected


def test_named_parameters_are_counted_over_layers_that_have_any():
    net = small()
    (w1, b1, w2, b2) = net.named_parameters()
    assert [row[0] for row in (w1, b1, w2, b2)] == ["W1", "b1", "W2", "b2"]
    assert w2[1] is net.layers[2].W and w2[2] is net.layers[2].dW


MAKERS = {
    "new": lambda net: net,
    "deepcopy": copy.deepcopy,
    "pickle": lambda net: pickle.loads(pickle.dumps(net)),
    "copy": lambda net: net.copy(),
    "float32": lambda net: net.copy(np.float32),
    "copy of copy": lambda net: net.copy(np.float32).copy().copy(np.float64),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("copies", [None, 3])
def test_parameters_are_views_however_a_net_came_to_be(make, copies):
    net = Net(Dense(2, 3), Tanh(), Dense(3, 1), copies=copies)
    randomize(net, np.random.default_rng(1))
    x, dy = np.ones((4, 2)), np.ones((4, 1) if copies is None else (copies, 4, 1))
    y = net.forward(x)
    net.backward(dy)
    theta, grad = net.theta.copy(), net.grad.copy()
    twin = make(net)
    check_views(twin)
    assert np.allclose(twin.theta, theta) and np.allclose(twin.grad, grad)
    assert np.allclose(twin.forward(x), y, rtol=1e-5)
    twin.backward(dy)
    assert np.allclose(twin.grad, grad, rtol=1e-5)
    if twin is not net:  # what happens to the twin does not happen to the net
        check_views(net)
        twin.theta = 9.0
        twin.layers[0].W = 7.0
        assert np.array_equal(net.theta, theta) and np.array_equal(net.forward(x), y)


def test_copy_takes_the_dtype_you_say():
    net = small()
    assert net.copy().dtype == net.copy().theta.dtype == np.float64
    narrow = net.copy(np.float32)
    assert narrow.dtype == narrow.theta.dtype == narrow.grad.dtype == np.float32
    assert narrow.forward(np.ones((1, 2))).dtype == np.float32


def test_a_copied_net_wants_forward_before_backward():
    net = small()
    net.forward(np.ones((1, 2)))
    for twin in net.copy(), copy.deepcopy(net), pickle.loads(pickle.dumps(net)):
        with pytest.raises(ValueError, match="forward first"):
            twin.backward(np.ones((1, 2)))


def test_a_layer_taken_out_by_deepcopy_can_go_in_another_net():
    first = copy.deepcopy(small().layers[0])
    assert Net(first).theta.size == 9


# ------------------------------------------------------------------ assigning, in place


def test_assigning_copies_the_numbers():
    net = small()
    theta, grad, first = net.theta, net.grad, net.layers[0]
    w, dw = first.W, first.dW
    values = np.arange(17.0)
    net.theta = values
    values[:] = -1  # the caller's array stays the caller's
    assert net.theta is theta and theta.tolist() == list(range(17))
    net.grad = np.ones(17)
    assert net.grad is grad and np.all(dw == 1)
    first.W = [[1, 2, 3], [4, 5, 6]]
    first.dW = 5
    first.b = [7, 8, 9]  # (3,) for (1, 3): no doubt what is meant
    assert first.W is w and first.dW is dw
    assert theta[:9].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert np.all(grad[:6] == 5) and np.all(grad[6:] == 1)
    net.theta -= 0.5 * net.grad
    assert net.theta is theta and first.W[0, 0] == -1.5
    first.W *= 2
    assert first.W is w and theta[0] == -3
    check_views(net)


def test_assigning_to_copies():
    net = Net(Dense(2, 3), copies=4)
    net.layers[0].W = np.arange(6).reshape(2, 3)  # one for all
    assert all(net.layers[0].W[k].tolist() == [[0, 1, 2], [3, 4, 5]] for k in range(4))
    net.theta = np.arange(9)
    assert np.array_equal(net.theta[3], np.arange(9))
    net.theta = np.arange(36).reshape(4, 9)
    assert net.layers[0].b[2, 0].tolist() == [24, 25, 26]


ASSIGNMENTS = [
    ("theta", np.zeros(16)),
    ("theta", np.zeros((17, 1))),
    ("theta", []),
    ("grad", np.zeros(18)),
    ("W", np.zeros((3, 2))),
    ("W", np.zeros(6)),
    ("W", np.zeros(3)),  # would broadcast
    ("W", np.zeros((2, 1))),
    ("W", np.zeros((1, 3))),
    ("dW", np.zeros((2, 2))),
    ("b", np.zeros((3, 1))),
    ("b", np.zeros(2)),
    ("b", np.zeros((3, 3))),
    ("db", [[1, 2]]),
]
BAD_TYPES = ["text", None, 1j, np.array(["a"]), [None], object()]


@pytest.mark.parametrize(("name", "value"), ASSIGNMENTS)
def test_a_wrong_shape_is_refused_and_nothing_changes(name, value):
    net = small()
    before = net.theta.copy(), net.grad.copy()
    owner = net if name in ("theta", "grad") else net.layers[0]
    wanted = getattr(owner, name).shape
    with pytest.raises(ValueError) as error:
        setattr(owner, name, value)
    for word in name, str(wanted), str(np.shape(value)):
        assert word in str(error.value)
    assert np.array_equal(net.theta, before[0]) and np.array_equal(net.grad, before[1])
    check_views(net)


@pytest.mark.parametrize("value", BAD_TYPES, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("name", ["theta", "W", "db"])
def test_what_holds_no_real_numbers_is_refused(name, value):
    net = small()
    before = net.theta.copy(), net.grad.copy()
    owner = net if name == "theta" else net.layers[0]
    with pytest.raises(TypeError, match=f"{name}.*real numbers"):
        setattr(owner, name, value)
    assert np.array_equal(net.theta, before[0]) and np.array_equal(net.grad, before[1])


def test_before_there_is_a_net_there_are_no_parameters():
    for access in (
        lambda: Dense(2, 3).W,
        lambda: Dense(2, 3).db,
        lambda: Dense(2, 3).forward(np.ones((1, 2))),
        lambda: setattr(Dense(2, 3), "W", np.ones((2, 3))),
    ):
        with pytest.raises(AttributeError, match=r"put this layer in a Net"):
            access()
    with pytest.raises(AttributeError, match="no weights"):
        _ = Dense(2, 3).weights


# --------------------------------------------------------------------- seeds and starts


def test_equal_seeds_equal_nets():
    nets = [Net(Dense(5, 4), Dense(4, 3), seed=seed) for seed in (3, np.int64(3), 4)]
    assert np.array_equal(nets[0].theta, nets[1].theta)
    assert not np.array_equal(nets[0].theta, nets[2].theta)
    first, second = nets[0].layers
    assert not np.array_equal(first.W.ravel()[:12], second.W.ravel())
    assert not np.any(first.b) and not np.any(second.b)


def test_a_float32_net_starts_as_the_float64_net_rounded():
    wide, narrow = Net(Dense(5, 4), seed=1), Net(Dense(5, 4), seed=1, dtype=np.float32)
    assert np.array_equal(narrow.theta, wide.theta.astype(np.float32))


HE, XAVIER = (lambda i, o: (2 / i) ** 0.5), (lambda i, o: (2 / (i + o)) ** 0.5)
STARTS = [  # layer, parameter, fan-in, fan-out, standard deviation
    (Dense(300, 100), "W", 300, 100, HE),
    (Dense(300, 100, init="he"), "W", 300, 100, HE),
    (Dense(300, 100, init="xavier"), "W", 300, 100, XAVIER),
    (Dense(300, 100, init=0.05), "W", 300, 100, lambda i, o: 0.05),
    (Dense(300, 100, init=np.float32(2)), "W", 300, 100, lambda i, o: 2),
    (Conv2D(20, 40, 5), "W", 500, 1000, HE),
    (Conv2D(20, 40, 5, init="xavier"), "W", 500, 1000, XAVIER),
    (RNN(300, 200), "W", 300, 200, XAVIER),
    (RNN(300, 200), "U", 200, 200, XAVIER),
    (RNN(300, 200, init="he"), "U", 200, 200, HE),
]


@pytest.mark.parametrize(("layer", "name", "fan_in", "fan_out", "deviation"), STARTS)
def test_starts_have_the_standard_deviation_they_promise(
    layer, name, fan_in, fan_out, deviation
):
    w = getattr(Net(fresh(layer)).layers[0], name)
    expected = deviation(fan_in, fan_out)
    noise = 5 / w.size**0.5  # five standard errors; 20,000 numbers or more
    assert w.std() == pytest.approx(expected, rel=noise)
    assert abs(w.mean()) < expected * noise
    within = np.mean(np.abs(w) < expected)  # a normal distribution, not a uniform one
    assert within == pytest.approx(0.6827, abs=0.02)
    assert not np.any(Net(fresh(layer)).layers[0].b)


def test_a_start_of_your_own():
    net = Net(
        Dense(2, 3, init=lambda rng, shape: np.full(shape, 4)), Dense(3, 1, init=0)
    )
    assert np.all(net.layers[0].W == 4) and not np.any(net.layers[0].b)
    assert not np.any(net.layers[1].W)
    drawn = Net(Dense(2, 3, init=lambda rng, shape: rng.uniform(size=shape)), seed=5)
    expected = np.random.default_rng(5).uniform(size=(2, 3))
    assert np.array_equal(drawn.layers[0].W, expected)


# ----------------------------------------------------------------- forward and backward


def test_outputs_are_new_arrays():
    net, shape = one_of_each()
    rng = np.random.default_rng(2)
    x, other = rng.normal(size=shape), rng.normal(size=shape)
    y = net.forward(x)
    kept = y.copy()
    net.forward(other)
    assert np.array_equal(y, kept)
    dx = net.backward(np.ones(y.shape))
    kept = dx.copy()
    net.backward(2 * np.ones(y.shape))
    assert np.array_equal(dx, kept)


def test_backward_sets_and_does_not_add():
    net = small()
    net.forward(np.ones((4, 2)))
    net.backward(np.ones((4, 2)))
    once = net.grad.copy()
    net.backward(np.ones((4, 2)))
    assert np.array_equal(net.grad, once)


def test_an_example_does_not_depend_on_its_neighbors():
    net, shape = one_of_each()
    x = np.random.default_rng(3).normal(size=shape)
    y = net.forward(x)
    for n in range(len(x)):
        assert np.allclose(net.forward(x[n : n + 1])[0], y[n], rtol=1e-13, atol=0)


def test_repr():
    net = Net(Dense(2, 3), Tanh(), copies=2)
    assert repr(net) == "Net(Dense(2, 3), Tanh(), copies=2)"
    net, _ = one_of_each()
    assert "Conv2D(1, 2, 2), ReLU(), MaxPool2D(2)" in repr(net)


# --------------------------------------------------------------------- copies=K at once

LAYERS = [
    Dense(2, 5, init="xavier"),
    Tanh(),
    Dense(5, 4),
    ReLU(),
    Dense(4, 3),
    Sigmoid(),
]


def copies_and_alone(seed, **options):
    net = Net(*map(fresh, LAYERS), seed=seed, copies=3, **options)
    seeds = seed if isinstance(seed, list) else [seed] * 3
    alone = [Net(*map(fresh, LAYERS), seed=s, **options) for s in seeds]
    return net, alone


@pytest.mark.parametrize("seed", [4, [1, 2, 3]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_copies_start_as_separate_nets_would(seed, dtype):
    net, alone = copies_and_alone(seed, dtype=dtype)
    assert np.array_equal(net.theta, [twin.theta for twin in alone])
    assert net.theta.dtype == dtype
    check_views(net)
    assert np.array_equal(net.decay_mask, alone[0].decay_mask)


@pytest.mark.parametrize("shared", [True, False], ids=["one x", "K x"])
def test_copies_compute_what_separate_nets_compute(shared):
    net, alone = copies_and_alone([1, 2, 3])
    rng = np.random.default_rng(5)
    x = rng.normal(size=(6, 2) if shared else (3, 6, 2))
    dy = rng.normal(size=(3, 6, 3))
    y = net.forward(x)
    dx = net.backward(dy)
    for k, twin in enumerate(alone):
        close = {"rtol": 1e-12, "atol": 1e-14}
        assert np.allclose(y[k], twin.forward(x if shared else x[k]), **close)
        assert np.allclose(dx[k], twin.backward(dy[k]), **close)
        assert np.allclose(net.grad[k], twin.grad, **close)


@pytest.mark.parametrize("copies", [1, 2])
def test_copies_may_begin_with_an_activation(copies):
    net = Net(Tanh(), Dense(2, 1), copies=copies)
    y = net.forward(np.ones((4, 2)))
    assert y.shape == (copies, 4, 1)
    net.backward(np.ones(y.shape), need_dx=False)
    alone = Net(Tanh(), Dense(2, 1))
    alone.forward(np.ones((4, 2)))
    alone.backward(np.ones((4, 1)))
    assert np.allclose(net.grad[-1], alone.grad, rtol=1e-12)


class WithStart(Layer):
    """A layer whose parameters and starting values a test chooses."""

    leading_axes = True

    def __init__(self, params, start):
        self.params, self.start = params, start

    def init(self, rng):
        return self.start


@pytest.mark.parametrize("start", [{"w": np.ones((2, 2))}, None, np.ones((2, 2))])
def test_a_start_that_names_no_parameter_is_refused(start):
    with pytest.raises(ValueError, match=r"init of WithStart\(\) must return a dict"):
        Net(WithStart({"W": (2, 2)}, start))


def test_copies_need_parameters_with_two_axes():
    Net(WithStart({"g": (1, 3)}, {}), copies=3)
    with pytest.raises(ValueError, match="would mix the copies up"):
        Net(WithStart({"g": (3,)}, {}), copies=3)


def test_the_first_layer_gives_its_dx_again_after_training_or_a_failure():
    net = Net(Dense(2, 3))
    net.forward(np.ones((4, 2)))
    assert net.backward(np.ones((4, 3)), need_dx=False) is None
    assert net.layers[0].backward(np.ones((4, 3))).shape == (4, 2)
