"""Does every layer compute its formula, and does its backward tell the true slope?"""

import inspect
import warnings

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import fresh, randomize

import bplib
from bplib import RNN, Conv2D, Dense, Flatten, MaxPool2D, Net, ReLU, Sigmoid, Tanh

quick = settings(max_examples=50)

# The one table of layers: (layer, shape of x). A layer of bplib without a row fails.
CASES = [
    (Dense(3, 2), (4, 3)),
    (Dense(1, 4), (5, 1)),
    (Dense(4, 1), (1, 4)),
    (Dense(3, 3), (2, 3)),
    (Dense(1, 1), (1, 1)),
    (Sigmoid(), (4, 3)),
    (Sigmoid(), (1, 2, 3, 2)),
    (Tanh(), (4, 3)),
    (Tanh(), (1, 1)),
    (ReLU(), (4, 3)),
    (ReLU(), (2, 3, 2, 2)),
    (Conv2D(2, 3, 2), (2, 4, 3, 2)),
    (Conv2D(1, 2, 3), (1, 3, 5, 1)),
    (Conv2D(3, 2, 1), (2, 2, 3, 3)),
    (Conv2D(2, 1, 3), (1, 3, 3, 2)),
    (MaxPool2D(2), (2, 4, 6, 2)),
    (MaxPool2D(3), (1, 3, 6, 1)),
    (MaxPool2D(1), (2, 2, 3, 2)),
    (Flatten(), (2, 3, 4, 2)),
    (Flatten(), (1, 5)),
    (RNN(2, 3), (4, 5, 2)),
    (RNN(1, 2), (1, 3, 1)),
    (RNN(3, 2), (2, 1, 3)),
    (RNN(3, 1), (2, 4, 3)),
]
FORMULAS = {
    Dense: lambda layer, x: reference.dense(x, layer.W, layer.b),
    Sigmoid: lambda layer, x: reference.sigmoid(x),
    Tanh: lambda layer, x: reference.tanh(x),
    ReLU: lambda layer, x: reference.relu(x),
    Conv2D: lambda layer, x: reference.conv2d(x, layer.W, layer.b),
    MaxPool2D: lambda layer, x: reference.maxpool(x, *layer.sizes),
    Flatten: lambda layer, x: reference.flatten(x),
    RNN: lambda layer, x: reference.rnn(x, layer.W, layer.U, layer.b),
}
COMPOSED = [
    ([Dense(3, 4), Sigmoid(), Dense(4, 2), Tanh()], (5, 3)),
    ([Dense(2, 5), ReLU(), Dense(5, 5), ReLU(), Dense(5, 1)], (3, 2)),
    (
        [Conv2D(1, 2, 2), ReLU(), MaxPool2D(2), Conv2D(2, 2, 2), Flatten()]
        + [Dense(4, 3), Sigmoid()],
        (2, 7, 5, 1),
    ),
    ([Conv2D(1, 3, 2), MaxPool2D(2), ReLU(), Flatten(), Dense(6, 2)], (3, 5, 3, 1)),
    ([RNN(2, 3), Dense(3, 2)], (3, 4, 2)),
    ([Tanh(), Flatten(), Dense(6, 2)], (2, 3, 2)),
]


def name_of(value):
    return str(value).replace(", ", ",")


each_case = pytest.mark.parametrize(("layer", "shape"), CASES, ids=name_of)


def bplib_layers(cls=bplib.Layer):
    for sub in cls.__subclasses__():
        # Exercises have wrong ones, on purpose.
        if sub.__module__.startswith("bplib.") and "exercises" not in sub.__module__:
            yield sub
        yield from bplib_layers(sub)


def test_every_layer_of_bplib_is_in_the_tables():
    known = set(bplib_layers())
    assert len(known) >= 8
    assert known - {type(layer) for layer, _ in CASES} == set()
    assert known - set(FORMULAS) == set()


@each_case
def test_forward_is_the_formula(layer, shape):
    rng = np.random.default_rng(1)
    net = randomize(Net(fresh(layer)), rng)
    x = rng.normal(size=shape)
    kept = x.copy()
    y = net.forward(x)
    assert np.abs(y - FORMULAS[type(layer)](net.layers[0], x)).max() < 1e-13
    assert np.array_equal(x, kept)
    second = net.forward(rng.normal(size=shape))
    assert not np.shares_memory(y, second)  # or a second forward would change the first


def check_every_slope(net, shape, rng):
    """Central differences of sum(upstream * y), for every parameter and for x."""
    randomize(net, rng)
    x = rng.normal(size=shape)
    upstream = rng.normal(size=net.forward(x).shape)

    def f():
        return float(np.sum(upstream * net.forward(x)))

    f()
    net.grad = rng.normal(size=net.grad.shape)  # backward sets it, it does not add
    kept = upstream.copy()
    dx = net.backward(upstream)
    gradients = [(name, a, d.copy()) for name, a, d in net.named_parameters()]
    for name, array, gradient in [*gradients, ("x", x, dx)]:
        one_step = name == "U1" and shape[1] == 1  # then the memory is not used
        assert np.any(gradient != 0) != one_step, name
        assert reference.error(gradient, reference.slopes(f, array)) < 1e-6, name
    assert np.array_equal(upstream, kept)

    # Training does not ask for dx. The parameters' gradients stay the same.
    grad = net.grad.copy()
    f()
    net.grad = 7.0
    net.backward(upstream, need_dx=False)
    assert np.array_equal(net.grad, grad)
    f()
    assert np.array_equal(net.backward(upstream), dx)


@each_case
def test_backward_is_the_slope(layer, shape):
    check_every_slope(Net(fresh(layer)), shape, np.random.default_rng(2))


@pytest.mark.parametrize(("layers", "shape"), COMPOSED, ids=name_of)
def test_backward_is_the_slope_of_composed_layers(layers, shape):
    net = Net(*map(fresh, layers))
    check_every_slope(net, shape, np.random.default_rng(3))


@each_case
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays(layer, shape, dtype):
    rng = np.random.default_rng(4)
    net = Net(fresh(layer), dtype=dtype)
    y = net.forward(rng.normal(size=shape))  # float64 comes in
    dx = net.backward(rng.normal(size=y.shape))
    assert {a.dtype for a in (y, dx, net.theta, net.grad)} == {np.dtype(dtype)}
    kept = [v for v in vars(net.layers[0]).values() if isinstance(v, np.ndarray)]
    assert {a.dtype for a in kept if a.dtype.kind == "f"} <= {np.dtype(dtype)}


@each_case
def test_float32_gives_nearly_what_float64_gives(layer, shape):
    rng = np.random.default_rng(5)
    wide = randomize(Net(fresh(layer)), rng)
    narrow = wide.copy(np.float32)
    x = rng.normal(size=shape).astype(np.float32)
    dy = rng.normal(size=wide.forward(x).shape).astype(np.float32)
    assert np.allclose(narrow.forward(x), wide.forward(x), rtol=1e-4, atol=1e-5)
    assert np.allclose(narrow.backward(dy), wide.backward(dy), rtol=1e-4, atol=1e-5)
    assert np.allclose(narrow.grad, wide.grad, rtol=1e-4, atol=1e-5)


@each_case
def test_whole_numbers_and_lists_are_welcome_as_x(layer, shape):
    rng = np.random.default_rng(6)
    net = randomize(Net(fresh(layer)), rng)
    x = rng.integers(-3, 4, shape)
    y = net.forward(x)
    assert y.dtype == np.float64
    assert np.array_equal(y, net.forward(x.tolist()))
    assert np.array_equal(y, net.forward(x.astype(float)))


@each_case
def test_repr_says_how_to_make_the_layer(layer, shape):
    assert repr(eval(repr(layer), vars(bplib))) == repr(layer)


def test_every_docstring_gives_shapes():
    for cls in bplib_layers():
        assert "shape" in cls.__doc__ or "x (N" in cls.__doc__, cls
        inspect.signature(cls)  # can be shown


# ------------------------------------------------------------ shapes and values at will

sizes = st.integers(1, 5)


@quick
@given(n=sizes, n_in=sizes, n_out=sizes, seed=st.integers(0, 999))
def test_dense_at_any_size(n, n_in, n_out, seed):
    rng = np.random.default_rng(seed)
    net = randomize(Net(Dense(n_in, n_out)), rng)
    x, dy = rng.normal(size=(n, n_in)), rng.normal(size=(n, n_out))
    (layer,) = net.layers
    assert np.allclose(net.forward(x), reference.dense(x, layer.W, layer.b), atol=1e-13)
    dx = net.backward(dy)
    for i, j in np.ndindex(n_in, n_out):  # dW_ij = sum_n x_ni dy_nj
        assert layer.dW[i, j] == pytest.approx(sum(x[:, i] * dy[:, j]), abs=1e-13)
    assert layer.db[0] == pytest.approx([sum(column) for column in dy.T], abs=1e-13)
    for m, i in np.ndindex(n, n_in):  # dx_mi = sum_j dy_mj W_ij
        assert dx[m, i] == pytest.approx(sum(dy[m] * layer.W[i]), abs=1e-13)


@quick
@given(
    size=st.integers(1, 3),
    rows=st.integers(1, 3),
    columns=st.integers(1, 3),
    levels=st.integers(1, 4),
    seed=st.integers(0, 999),
)
def test_pooling_with_ties_has_one_winner_a_window(size, rows, columns, levels, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, levels, (2, rows * size, columns * size, 2)) - 1.0
    net = Net(MaxPool2D(size))
    y = net.forward(x)
    assert np.array_equal(y, reference.maxpool(x, size))
    dy = rng.normal(size=y.shape)
    expected = np.zeros(x.shape)
    for place in np.ndindex(dy.shape):
        expected[reference.first_winner(x, size, *place)] = dy[place]
    assert np.array_equal(net.backward(dy), expected)


@quick
@given(
    n=st.integers(1, 3),
    height=st.integers(3, 5),
    width=st.integers(3, 5),
    n_in=st.integers(1, 2),
    n_out=st.integers(1, 2),
    k=st.integers(1, 3),
    seed=st.integers(0, 999),
)
def test_conv_at_any_size(n, height, width, n_in, n_out, k, seed):
    rng = np.random.default_rng(seed)
    net = randomize(Net(Conv2D(n_in, n_out, k)), rng)
    (layer,) = net.layers
    x = rng.normal(size=(n, height, width, n_in))
    y = net.forward(x)
    assert np.allclose(y, reference.conv2d(x, layer.W, layer.b), atol=1e-13)
    # y is linear in x and in W, so the slopes obey <dx, x> = <dW, W> = <dy, y - b>.
    dy = rng.normal(size=y.shape)
    dx, product = net.backward(dy), np.sum(dy * (y - layer.b))
    assert np.sum(dx * x) == pytest.approx(product, abs=1e-11)
    assert np.sum(layer.dW * layer.W) == pytest.approx(product, abs=1e-11)


@quick
@given(st.lists(st.floats(-1000, 1000, width=32), min_size=1, max_size=8))
def test_activations_at_any_value(values):
    x = np.array([values])
    for cls, formula in (Tanh, reference.tanh), (ReLU, reference.relu):
        assert np.allclose(Net(cls()).forward(x), formula(x), rtol=1e-14, atol=0)
    y = Net(Sigmoid()).forward(x)
    assert np.all((y >= 0) & (y <= 1))
    assert np.allclose(y + Net(Sigmoid()).forward(-x), 1, rtol=0, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_out_nothing_overflows(dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = np.array([[-1e6, -1000, -100, 0, 100, 1000, 1e6]])
        for cls, expected in (Sigmoid, [0, 0, 0, 0.5, 1, 1, 1]), (Tanh, np.sign(x)[0]):
            net = Net(cls(), dtype=dtype)
            assert net.forward(x)[0] == pytest.approx(expected, abs=1e-40)
            slope = net.backward(np.ones(x.shape))[0]
            assert np.all(np.isfinite(slope)) and slope[[0, -1]].tolist() == [0, 0]


def test_relu_has_slope_0_at_0():
    net = Net(ReLU())
    net.forward([[-1.0, -0.0, 0.0, 1e-300, 2.0]])
    assert net.backward(np.ones((1, 5))).tolist() == [[0, 0, 0, 1, 1]]


def test_kink_distance_is_how_far_the_next_corner_is():
    relu, pool, smooth = ReLU(), MaxPool2D(2), Tanh()
    relu.forward(np.array([[3.0, -0.25, 5.0]]))
    assert relu.kink_distance() == 0.25
    pool.forward(np.array([[1.0, 7.0], [6.5, 2.0]]).reshape(1, 2, 2, 1))
    assert pool.kink_distance() == 0.5
    smooth.forward(np.zeros((1, 1)))
    assert smooth.kink_distance() == np.inf
    alone = MaxPool2D(1)
    alone.forward(np.zeros((1, 2, 2, 1)))
    assert alone.kink_distance() == np.inf


class Scale(bplib.Layer):
    """A layer as a reader would write one: y = s * x, one s for each column."""

    def __init__(self, n):
        self.sizes = (n,)
        self.params = {"s": (1, n)}

    def init(self, rng):
        return {"s": rng.uniform(1, 2, self.params["s"])}

    def forward(self, x):
        self.x = x
        return x * self.s

    def backward(self, dy):
        self.ds = (dy * self.x).sum(axis=0)
        return dy * self.s


def test_a_layer_of_your_own_works_like_the_others():
    net = Net(Dense(2, 3), Tanh(), Scale(3), Dense(3, 1))
    assert [name for name, *_ in net.named_parameters()] == "W1 b1 s2 W3 b3".split()
    start = net.layers[2].s
    assert np.all((start >= 1) & (start < 2))
    check_every_slope(net, (4, 2), np.random.default_rng(7))


def test_a_layer_that_lacks_a_method_says_which():
    class Half(bplib.Layer):
        def forward(self, x):
            return x / 2

    net = Net(Half())
    net.forward([[1.0]])
    with pytest.raises(NotImplementedError, match="Half does not define backward"):
        net.backward([[1.0]])
    with pytest.raises(NotImplementedError, match="Layer does not define forward"):
        Net(bplib.Layer()).forward([[1.0]])
