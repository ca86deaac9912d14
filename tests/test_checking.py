"""Does the gradient check measure slopes, leave all in place, and know a corner?"""

import copy
import pickle

import numpy as np
import pytest
import reference
from reference import fresh, randomize
from test_layers import CASES, COMPOSED, name_of

from bplib import (
    SGD,
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
    numerical_gradient,
    train,
    xor,
)

# ------------------------------------------------------------------- numerical_gradient


def test_numerical_gradient_of_known_functions():
    theta = np.random.default_rng(0).normal(size=(2, 3))
    for f, gradient in (
        (lambda v: np.sum(v**2), 2 * theta),
        (lambda v: np.sum(np.sin(v)), np.cos(theta)),
        (lambda v: v[0, 0] * v[1, 2], None),
    ):
        if gradient is None:
            gradient = np.zeros((2, 3))
            gradient[0, 0], gradient[1, 2] = theta[1, 2], theta[0, 0]
        found = numerical_gradient(f, theta)
        assert found == pytest.approx(gradient, abs=1e-9)
        assert found.shape == theta.shape and found.dtype == np.float64


def test_it_is_a_central_difference():
    # f' is 12; a one-sided step of h adds 6 h, the central one only h^2.
    found = numerical_gradient(lambda v: v**3, np.array(2.0), h=0.1)
    assert found == pytest.approx(12 + 0.1**2, rel=1e-12)
    seen = []
    numerical_gradient(lambda v: seen.append(v.copy()) or 0.0, [1.0, 5.0], h=0.25)
    assert sorted(v.tolist() for v in seen) == [
        [0.75, 5],
        [1, 4.75],
        [1, 5.25],
        [1.25, 5],
    ]


def test_it_leaves_its_argument_alone_and_works_in_float64():
    theta = np.array([1.0, 2.0], np.float32)

    def f(v):
        assert v.dtype == np.float64 and not np.shares_memory(v, theta)
        v *= v  # f may do with its argument what it likes
        return v.sum()

    found = numerical_gradient(f, theta)
    assert found == pytest.approx([2, 4], rel=1e-9) and found.dtype == np.float64
    assert theta.tolist() == [1, 2]
    assert numerical_gradient(lambda v: v.sum(), [1, 2]) == pytest.approx([1, 1])


# ------------------------------------------------------------ right code is found right


@pytest.mark.parametrize(
    ("layers", "shape"), COMPOSED + [([a], s) for a, s in CASES], ids=name_of
)
def test_every_layer_passes(layers, shape):
    rng = np.random.default_rng(1)
    net = randomize(Net(*map(fresh, layers), Flatten()), rng)
    x = rng.normal(size=shape)
    report = check_gradients(
        net, SquaredError(), x, rng.normal(size=net.forward(x).shape)
    )
    names = [name for name, *_ in net.named_parameters()]
    assert [row.name for row in report.rows] == [*names, "x", "all"]
    assert report.ok and all(row.verdict == "ok" for row in report.rows), report


@pytest.mark.parametrize("copies", [None, 3])
@pytest.mark.parametrize(
    "loss", [SquaredError(), BinaryCrossEntropy(), SoftmaxCrossEntropy()]
)
def test_every_loss_passes(loss, copies):
    rng = np.random.default_rng(2)
    net = randomize(Net(Dense(3, 4), Tanh(), Dense(4, 2), copies=copies), rng)
    t = (
        rng.integers(0, 2, 5)
        if isinstance(loss, SoftmaxCrossEntropy)
        else rng.random((5, 2))
    )
    report = check_gradients(net, loss, rng.normal(size=(5, 3)), t)
    assert all(row.verdict == "ok" for row in report.rows), report


def test_what_a_row_says():
    net = randomize(Net(Dense(3, 4), Tanh(), Dense(4, 2)), np.random.default_rng(3))
    rng = np.random.default_rng(4)
    x, t, loss = rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), SquaredError()
    loss.forward(net.forward(x), t)
    dx = net.backward(loss.backward())
    gradients = {name: d for name, _, d in net.named_parameters()} | {"x": dx}
    *rows, last = check_gradients(net, loss, x, t).rows
    for row in rows:
        gradient = gradients[row.name]
        assert row.checked == row.size == gradient.size
        assert row.index == np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
        assert row.backward == gradient[row.index]
        assert row.numerical == pytest.approx(row.backward, rel=1e-6)
        assert row.error < 1e-6
    assert last.name == "all" and last.checked == 1
    assert last.size == net.theta.size + x.size and last.index == ()


def test_a_float32_net_is_checked_in_float64():
    net = Net(Dense(3, 4), Tanh(), Dense(4, 2), dtype=np.float32)
    randomize(net, np.random.default_rng(5))
    rng = np.random.default_rng(6)
    x, t = rng.normal(size=(5, 3)).astype(np.float32), rng.integers(0, 2, 5)
    report = check_gradients(net, SoftmaxCrossEntropy(), x, t)
    assert report.ok and max(row.error for row in report.rows) < 1e-6
    assert net.dtype == net.theta.dtype == np.float32


@pytest.mark.parametrize("scale", [1e-4, 1, 1e4])
def test_large_and_small_losses_pass(scale):
    rng = np.random.default_rng(7)
    net = randomize(Net(Dense(3, 4), Tanh(), Dense(4, 2)), rng)
    x, t = rng.normal(size=(5, 3)), scale * rng.normal(size=(5, 2))
    assert check_gradients(net, SquaredError(), x, t).ok


def test_right_gradients_pass_where_a_step_of_h_is_too_long():
    # Unscaled inputs bend the loss a thousand times more; and at the end of training
    # the slope along a long direction is smaller than what its bend adds.
    rng = np.random.default_rng(13)
    net = Net(Dense(3, 4, init=1e-4), Tanh(), Dense(4, 2))
    x, t = 1000 * (1 + rng.random((5, 3))), rng.normal(size=(5, 2))
    report = check_gradients(net, SquaredError(), x, t)
    assert report.ok and max(row.error for row in report.rows) < 1e-6, report
    x, labels = xor()
    net = randomize(Net(Dense(2, 4), Tanh(), Dense(4, 1)), np.random.default_rng(0))
    for _ in train(net, SquaredError(), SGD(0.3), x, labels, iterations=2000):
        pass
    report = check_gradients(net, SquaredError(), x, labels)
    assert report.ok, report


def test_large_arrays_are_sampled():
    net = randomize(Net(Dense(30, 20), Tanh(), Dense(20, 1)), np.random.default_rng(8))
    x, t = np.random.default_rng(9).normal(size=(8, 30)), np.zeros(8)
    report = check_gradients(net, SquaredError(), x, t)
    checked = {row.name: (row.checked, row.size) for row in report.rows}
    assert checked["W1"] == (200, 600) and checked["x"] == (200, 240)
    assert checked["b1"] == (20, 20) and checked["all"] == (1, 20 * 30 + 20 + 21 + 240)
    few = check_gradients(net, SquaredError(), x, t, samples=7).rows
    assert [row.checked for row in few] == [7, 7, 7, 1, 7, 1]
    again = check_gradients(net, SquaredError(), x, t)
    assert repr(again) == repr(report)  # the sample depends on the seed alone
    assert repr(check_gradients(net, SquaredError(), x, t, seed=1)) != repr(report)


def test_one_random_direction_sees_what_the_sample_misses():
    class OneWrong(Dense):
        def backward(self, dy):
            dx = super().backward(dy)
            self.dW[17, 11] += 0.5
            return dx

    net = randomize(Net(OneWrong(30, 20)), np.random.default_rng(10))
    x = np.random.default_rng(11).normal(size=(8, 30))
    report = check_gradients(net, SquaredError(), x, np.zeros((8, 20)), samples=5)
    assert wrong_rows(report) == ["all"] and not report.ok


# --------------------------------------------------------------- it leaves all in place


def state(*things):
    return pickle.dumps(things)


class Fails(SquaredError):
    """A loss that works a few times and then raises."""

    calls = 0

    def each(self, y, target):
        self.calls += 1
        if self.calls > 5:
            raise RuntimeError("enough")
        return super().each(y, target)


@pytest.mark.parametrize("loss", [SquaredError(), Fails()])
def test_net_loss_and_data_are_left_as_they_are(loss):
    rng = np.random.default_rng(12)
    net = randomize(Net(Dense(3, 4), ReLU(), Dense(4, 2)), rng)
    x, t = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    y = loss.forward(net.forward(x), t)
    dx = net.backward(loss.backward())
    before, theta = state(net, loss, x, t), net.theta
    try:
        check_gradients(net, loss, x, t)
    except RuntimeError:
        assert isinstance(loss, Fails)
    assert state(net, loss, x, t) == before and net.theta is theta
    assert loss.y is not None and loss.forward(net.forward(x), t) == y
    assert np.array_equal(net.backward(loss.backward()), dx)  # nor is its memory lost


def test_it_can_be_used_in_the_middle_of_training():
    rng = np.random.default_rng(13)
    x, t = rng.normal(size=(6, 2)), rng.integers(0, 2, 6)
    nets = [Net(Dense(2, 3), Tanh(), Dense(3, 2)) for _ in "ab"]
    for net in nets:
        loss = SoftmaxCrossEntropy()
        for _ in train(net, loss, SGD(0.1, momentum=0.9), x, t, iterations=3):
            if net is nets[0]:
                assert check_gradients(net, loss, x, t).ok
    assert np.array_equal(nets[0].theta, nets[1].theta)


# ------------------------------------------------------------------------------ corners


def wrong_rows(report):
    return [row.name for row in report.rows if row.verdict == "WRONG"]


def exactly_at_relu_corners(rng):
    net = Net(Dense(3, 4), ReLU(), Dense(4, 2))
    randomize(net, rng)
    net.layers[0].b = 0
    x = rng.normal(size=(3, 3))
    x[0] = 0  # then all four relus are at 0
    return net, x


def almost_at_a_relu_corner(rng):
    net = randomize(Net(Dense(2, 3), ReLU(), Dense(3, 2)), rng)
    x = rng.normal(size=(4, 2))
    z = net.layers[0].forward(x)
    column = rng.integers(3)
    net.layers[0].b[0, column] -= z[0, column] + rng.choice([-1, 1]) * 1e-6
    return net, x


def max_ties(rng):
    net = randomize(Net(Conv2D(1, 2, 2), MaxPool2D(2), Flatten(), Dense(4, 2)), rng)
    return net, rng.integers(0, 2, (2, 5, 3, 1)) * 1.0


def blank_paper(rng):
    net = Net(Conv2D(1, 2, 2), ReLU(), MaxPool2D(2), Flatten(), Dense(4, 2))
    randomize(net, rng)
    x = np.zeros((2, 5, 3, 1))
    x[:, 1:3, 1] = 1
    return net, x


def almost_a_tie(rng):
    net = randomize(Net(MaxPool2D(2), Flatten(), Dense(4, 2)), rng)
    x = rng.normal(size=(2, 4, 4, 1))
    x[:, 0, 0] = x[:, :2, :2].max() + 1.0
    x[:, 0, 1] = x[:, 0, 0] - rng.choice([-1, 1]) * 1e-6
    return net, x


def far_from_corners(rng):
    net = randomize(Net(Dense(2, 4), ReLU(), Dense(4, 4), ReLU(), Dense(4, 2)), rng)
    return net, rng.normal(size=(3, 2))


POINTS = [
    exactly_at_relu_corners,
    almost_at_a_relu_corner,
    max_ties,
    blank_paper,
    almost_a_tie,
    far_from_corners,
]


@pytest.mark.parametrize("point", POINTS)
def test_right_code_is_never_called_wrong_at_a_corner(point):
    verdicts, calls = [], 25
    for seed in range(calls):
        rng = np.random.default_rng(seed)
        net, x = point(rng)
        report = check_gradients(net, SquaredError(), x, rng.normal(size=(len(x), 2)))
        assert report.ok, report
        verdicts.append({row.verdict for row in report.rows})
        assert ("kink:" in repr(report)) == ("kink" in verdicts[-1])
    kinks = sum("kink" in verdict for verdict in verdicts)
    # It does say where it could not judge. (Not every tie is a corner: where equal
    # patches meet equal weights, the two move together.)
    least = {exactly_at_relu_corners: calls, max_ties: 5, blank_paper: 5}
    assert kinks >= least.get(point, 0)
    if point is far_from_corners:
        assert kinks <= 1


def test_most_entries_at_a_corner_are_still_judged():
    # 1e-6 from a corner, smaller steps do not cross it: no kink, but a verdict.
    net, x = almost_at_a_relu_corner(np.random.default_rng(0))
    rows = check_gradients(net, SquaredError(), x, np.ones((4, 2))).rows
    assert [row.verdict for row in rows if row.name != "all"] == ["ok"] * 5


def test_a_bend_is_not_taken_for_a_corner():
    # Slopes of 1e-4 beside a bend of about 50: they differ left and right as well.
    class Doubles(Dense):
        def backward(self, dy):
            dx = super().backward(dy)
            self.dW = 2 * self.dW
            return dx

    for seed in range(10):
        layer = (Dense, Doubles)[seed % 2]
        rng = np.random.default_rng(seed)
        net = Net(Dense(3, 4), ReLU(), layer(4, 2))
        net.theta = np.ones(net.theta.size)  # no weighted sum is below 4
        x = 1 + rng.random((5, 3))
        t = net.forward(x) - 1e-4 * rng.random((5, 2))
        report = check_gradients(net, SquaredError(), x, t)
        assert wrong_rows(report) == (["W2", "all"] if layer is Doubles else []), report


@pytest.mark.parametrize("iterations", [500, 3000])
def test_right_code_is_not_called_wrong_where_the_gradients_are_gone(iterations):
    # After training, units may sit on a corner where the slope is 0 on both sides.
    x, labels = xor()
    for seed in (2, 3, 7):
        for bend in (ReLU(), Tanh(), Sigmoid()):
            net = Net(Dense(2, 4), bend, Dense(4, 1))
            randomize(net, np.random.default_rng(seed))
            for _ in train(
                net, SquaredError(), SGD(0.3), x, labels, iterations=iterations
            ):
                pass
            report = check_gradients(net, SquaredError(), x, labels)
            assert report.ok, report


class HalfBias(Dense):
    """A wrong layer: its bias gets half its gradient."""

    def backward(self, dy):
        dx = super().backward(dy)
        self.db *= 0.5
        return dx


@pytest.mark.parametrize("point", POINTS)
def test_wrong_code_is_found_beside_a_corner(point):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        net, x = point(rng)
        right = net.layers[-1]
        net = Net(*copy.deepcopy(net.layers[:-1]), HalfBias(*right.sizes))
        randomize(net, rng)
        report = check_gradients(net, SquaredError(), x, rng.normal(size=(len(x), 2)))
        name = [name for name, *_ in net.named_parameters()][-1]
        assert name in wrong_rows(report) and not report.ok, report


# -------------------------------------------------------------------- the printed table


def test_the_printed_table():
    net = Net(Dense(2, 2), Tanh(), Dense(2, 1))
    net.theta = np.arange(1, 10) / 10
    x, t = [[1.0, -2.0], [0.5, 1.5]], [1.0, -1.0]
    expected = """
array  verdict     checked  rel. error  at               backward    numerical
W1     ok           4 of 4     < 1e-06  [1, 0]           0.758468     0.758468
b1     ok           2 of 2     < 1e-06  [0, 0]           0.423979     0.423979
W2     ok           2 of 2     < 1e-06  [1, 0]            1.34536      1.34536
b2     ok           1 of 1     < 1e-06  [0, 0]            1.51125      1.51125
x      ok           4 of 4     < 1e-06  [1, 1]           0.266307     0.266307
all    ok          1 of 13     < 1e-06                    1.60552      1.60552"""
    assert repr(check_gradients(net, SquaredError(), x, t)) == expected[1:]


def test_no_digit_of_the_table_is_rounding_noise():
    # All gradients are 0 here, and what is measured is of the order of 1e-11.
    net = Net(Dense(2, 2, init=0), Tanh(), Dense(2, 1, init=0))
    x = np.random.default_rng(0).normal(size=(5, 2))
    lines = repr(check_gradients(net, SquaredError(), x, np.zeros(5))).splitlines()
    assert "e-" not in "".join(lines).replace("< 1e-06", "")


def test_the_entry_shown_does_not_hang_on_rounding():
    # With two classes the gradients of b are the same but for their sign, so one is
    # the "largest" by its last bit alone: of such equals the table shows the first.
    for seed in range(20):
        rng = np.random.default_rng(seed)
        net = randomize(Net(Dense(2, 3), Tanh(), Dense(3, 2)), rng)
        x, t = rng.normal(size=(5, 2)), rng.integers(0, 2, 5)
        rows = check_gradients(net, SoftmaxCrossEntropy(), x, t).rows
        assert next(row for row in rows if row.name == "b2").index == (0, 0)


def test_a_wrong_row_shows_its_worst_entry():
    class Wrong(Dense):
        def backward(self, dy):
            dx = super().backward(dy)
            self.dW[1, 0] *= 1.5
            self.dW[0, 1] *= 3
            return dx

    net = randomize(Net(Wrong(2, 2)), np.random.default_rng(1))
    x = np.array([[1.0, 2.0], [-0.5, 0.3]])
    report = check_gradients(net, SquaredError(), x, np.ones((2, 2)))
    row = report.rows[0]
    assert row.verdict == "WRONG" and row.index == (0, 1)
    assert row.backward == pytest.approx(3 * row.numerical)
    assert row.error == pytest.approx(2 / 3, rel=1e-6)
    assert [r.verdict for r in report.rows[1:]] == ["ok", "ok", "WRONG"]
    assert "WRONG" in repr(report).splitlines()[1]
    assert "0.67" in repr(report).splitlines()[1]


def test_tolerance_and_h_are_yours():
    net = randomize(Net(Dense(2, 2), Sigmoid()), np.random.default_rng(2))
    x, t = np.ones((1, 2)), np.zeros((1, 2))
    rough = check_gradients(net, SquaredError(), x, t, h=0.5)
    assert not rough.ok
    assert check_gradients(net, SquaredError(), x, t, h=0.5, tolerance=0.5).ok
    assert check_gradients(net, SquaredError(), x, t, h=1e-4).ok


def test_the_reference_of_these_tests_agrees():
    """One more judge: plain slopes over theta, from tests/reference.py."""
    rng = np.random.default_rng(3)
    net = randomize(Net(Dense(2, 3), Sigmoid(), Dense(3, 2)), rng)
    x, t = rng.normal(size=(4, 2)), rng.normal(size=(4, 2))

    def f():
        return reference.squared_error(net.forward(x), t)

    slopes = reference.slopes(f, net.theta)
    rows = check_gradients(net, SquaredError(), x, t).rows
    for row, (_, array, _) in zip(rows, net.named_parameters(), strict=False):
        start = (array.ctypes.data - net.theta.ctypes.data) // 8
        part = slopes[start : start + array.size].reshape(array.shape)
        assert row.numerical == pytest.approx(part[row.index], rel=1e-7)


class Doubled(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = 2 * self.dW
        return dx


def test_gradients_too_small_to_measure_are_not_called_right():
    layers = [layer for _ in range(12) for layer in (Dense(3, 3, 0.1), Sigmoid())]
    net = Net(Doubled(3, 3, 0.1), Sigmoid(), *layers)
    rng = np.random.default_rng(0)
    report = check_gradients(
        net, SquaredError(), rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    )
    first, last = report.rows[0], report.rows[-4]
    assert (first.verdict, last.verdict) == ("tiny", "ok")
    assert first.backward != 0 == first.numerical
    assert "cannot be measured" in repr(report)


def test_a_smaller_step_does_not_hide_small_mistakes():
    class Mistaken(Dense):
        def backward(self, dy):
            dx = super().backward(dy)
            self.dW, self.db = 2 * self.dW, -3 * self.db
            return dx

    for seed in range(5):
        rng = np.random.default_rng(seed)
        x, t = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
        for first in (Dense(3, 4), Mistaken(3, 4)):
            net = randomize(Net(first, Tanh(), Dense(4, 2)), rng)
            net.layers[2].W = 1e-9 * net.layers[2].W  # so dW1 is about 1e-9
            report = check_gradients(net, SquaredError(), x, t)
            wrong = ["W1", "b1"] if isinstance(first, Mistaken) else []
            assert wrong_rows(report) == wrong, report


class Dropout(Layer):
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def forward(self, x):
        self.mask = self.rng.random(x.shape) > 0.5
        return x * self.mask

    def backward(self, dy):
        return dy * self.mask


def test_a_layer_that_draws_at_random_cannot_be_checked():
    net = Net(Dense(3, 8), Dropout(), Dense(8, 2))
    with pytest.raises(ValueError, match="two forward passes differ"):
        check_gradients(net, SquaredError(), np.ones((5, 3)), np.zeros((5, 2)))
