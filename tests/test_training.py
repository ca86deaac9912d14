"""Does `train` show every example, stop, go on, and stand still where it fails?"""

import copy
import warnings

import numpy as np
import pytest

from bplib import (
    SGD,
    Adam,
    BinaryCrossEntropy,
    Conv2D,
    Dense,
    Flatten,
    Net,
    ReLU,
    RMSProp,
    Sigmoid,
    SoftmaxCrossEntropy,
    SquaredError,
    Tanh,
    accuracy,
    train,
)
from bplib.data import moons


def small(**options):
    layers = Dense(2, 5, init="xavier"), Tanh(), Dense(5, 2, init="xavier")
    return Net(*layers, **options)


x10 = np.random.default_rng(0).normal(size=(10, 2))
t10 = np.arange(10) % 2


class Spy(SoftmaxCrossEntropy):
    """A loss that remembers the targets it saw."""

    def __init__(self):
        self.seen = []

    def forward(self, y, target):
        self.seen.append(target.copy())
        return super().forward(y, target)


# ------------------------------------------------------------ which examples, how often


@pytest.mark.parametrize(
    ("batch", "lengths"), [(3, [3, 3, 3, 1]), (5, [5, 5]), (1, [1] * 10)]
)
def test_every_row_comes_once_an_epoch_in_a_new_order(batch, lengths):
    net, spy, labels = Net(Dense(1, 10)), Spy(), np.arange(10)
    x = labels[:, None] / 10  # a row and its label go together
    rng = np.random.default_rng(1)
    rows = []
    net.layers[0].forward = lambda x, forward=net.layers[0].forward: (
        rows.append(x[:, 0].copy()) or forward(x)
    )
    steps = list(train(net, spy, SGD(0.1), x, labels, epochs=3, batch=batch, rng=rng))
    assert [len(t) for t in spy.seen] == 3 * lengths
    assert [step.epoch for step in steps] == [e for e in (1, 2, 3) for _ in lengths]
    assert [step.iteration for step in steps] == list(range(1, 3 * len(lengths) + 1))
    epochs = np.concatenate(spy.seen).reshape(3, 10)
    for epoch in epochs:
        assert sorted(epoch) == list(range(10)) and list(epoch) != sorted(epoch)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert np.allclose(np.concatenate(rows), np.concatenate(spy.seen) / 10)


def test_without_batch_all_rows_come_in_order_each_time():
    spy = Spy()
    steps = list(train(small(), spy, SGD(0.1), x10, t10, iterations=3))
    assert all(np.array_equal(seen, t10) for seen in spy.seen) and len(spy.seen) == 3
    assert [(s.iteration, s.epoch) for s in steps] == [(1, 1), (2, 2), (3, 3)]
    assert len(list(train(small(), spy, SGD(0.1), x10, t10, epochs=4))) == 4


def test_iterations_may_end_in_the_middle_of_an_epoch():
    spy, rng = Spy(), np.random.default_rng(0)
    steps = list(
        train(small(), spy, SGD(0.1), x10, t10, iterations=6, batch=4, rng=rng)
    )
    assert [s.epoch for s in steps] == [1, 1, 1, 2, 2, 2]
    assert [len(t) for t in spy.seen] == [4, 4, 2, 4, 4, 2]
    list(train(small(), spy, SGD(0.1), x10, t10, iterations=5, batch=4, rng=rng))
    assert [len(t) for t in spy.seen[6:]] == [4, 4, 2, 4, 4]


def test_a_batch_larger_than_the_data_is_all_of_them():
    spy, rng = Spy(), np.random.default_rng(0)
    list(train(small(), spy, SGD(0.1), x10, t10, epochs=2, batch=99, rng=rng))
    assert [sorted(t) for t in spy.seen] == [sorted(t10)] * 2


@pytest.mark.parametrize("length", [{"iterations": 0}, {"epochs": 0}])
def test_no_steps_change_nothing(length):
    net = small()
    theta = net.theta.copy()
    assert list(train(net, Spy(), SGD(0.1), x10, t10, **length)) == []
    assert np.array_equal(net.theta, theta)


# ------------------------------------------------------------------- one step at a time


def test_it_is_the_loop_one_would_write_by_hand():
    net, loss, optimizer = small(), SoftmaxCrossEntropy(), SGD(0.5, momentum=0.9)
    twin, velocity = net.copy(), 0.0
    for step in train(net, loss, optimizer, x10, t10, iterations=20):
        before = SoftmaxCrossEntropy()
        value = before.forward(twin.forward(x10), t10)  # the loss before the update
        assert step.loss == value and type(step.loss) is float
        assert step.diverged_at is None
        twin.backward(before.backward())
        velocity = 0.9 * velocity + twin.grad
        twin.theta -= 0.5 * velocity
        assert np.array_equal(net.theta, twin.theta)  # theta is after it
        assert np.array_equal(net.grad, twin.grad)


def test_nothing_happens_until_you_loop_and_you_may_stop():
    net = small()
    theta = net.theta.copy()
    run = train(net, SoftmaxCrossEntropy(), SGD(0.5), x10, t10, iterations=100)
    assert np.array_equal(net.theta, theta)
    assert next(run).iteration == 1
    once = net.theta.copy()
    assert not np.array_equal(once, theta)
    run.close()
    assert np.array_equal(net.theta, once)


OPTIMIZERS = [
    SGD(0.3),
    SGD(0.3, momentum=0.9),
    SGD(0.3, momentum=0.9, nesterov=True, weight_decay=0.01),
    RMSProp(0.01, weight_decay=0.01),
    Adam(0.01),
    Adam(0.01, weight_decay=0.01),
]
LOSSES = [
    (SquaredError(), np.random.default_rng(3).normal(size=(10, 2))),
    (BinaryCrossEntropy(), np.random.default_rng(3).uniform(size=(10, 2))),
    (SoftmaxCrossEntropy(), t10),
]
each_optimizer = pytest.mark.parametrize(
    "optimizer", OPTIMIZERS, ids=lambda o: f"{type(o).__name__}{OPTIMIZERS.index(o)}"
)
each_loss = pytest.mark.parametrize(
    ("loss", "t"), LOSSES, ids=lambda v: type(v).__name__
)


@each_optimizer
@pytest.mark.parametrize("batch", [None, 4])
def test_five_and_five_updates_are_ten(optimizer, batch):
    def updates(net, optimizer, rng, count):
        options = {} if batch is None else {"batch": batch, "rng": rng}
        run = train(net, Spy(), optimizer, x10, t10, iterations=count, **options)
        return [step.loss for step in run]

    # With batches of 4 of 10, three updates are an epoch: stop at the end of one.
    parts = (5, 5) if batch is None else (6, 3)
    whole, halves = small(), small()
    one, two = copy.deepcopy(optimizer), copy.deepcopy(optimizer)
    rng, same = np.random.default_rng(5), np.random.default_rng(5)
    losses = updates(whole, one, rng, sum(parts))
    assert losses == [v for part in parts for v in updates(halves, two, same, part)]
    assert np.array_equal(whole.theta, halves.theta)
    assert rng.bit_generator.state == same.bit_generator.state


def test_the_rate_may_be_changed_in_the_loop():
    net, optimizer = small(), SGD(1.0)
    for step in train(net, SoftmaxCrossEntropy(), optimizer, x10, t10, iterations=4):
        optimizer.learning_rate = 1 / (step.iteration + 1)
    twin, loss = small(), SoftmaxCrossEntropy()
    for i in range(4):
        loss.forward(twin.forward(x10), t10)
        twin.backward(loss.backward())
        twin.theta -= 1 / (i + 1) * twin.grad
    assert np.array_equal(net.theta, twin.theta)


@each_optimizer
@each_loss
def test_float32_stays_float32(optimizer, loss, t):
    net, optimizer = small(dtype=np.float32), copy.deepcopy(optimizer)
    optimizer.learning_rate = np.float64(optimizer.learning_rate)
    theta, dtypes = net.theta, set()
    net.layers[2].backward = lambda dy, backward=net.layers[2].backward: (
        dtypes.add(dy.dtype) or backward(dy)
    )
    for _ in train(net, copy.deepcopy(loss), optimizer, x10, t, iterations=2):
        pass
    assert net.theta is theta and net.theta.dtype == net.grad.dtype == np.float32
    assert dtypes == {np.dtype(np.float32)}
    assert all(a.dtype == np.float32 for a in optimizer.memory)


def test_data_are_left_alone():
    x, t = x10.copy(), t10.copy()
    rng = np.random.default_rng(0)
    list(train(small(), Spy(), SGD(1.0), x, t, epochs=2, batch=3, rng=rng))
    list(train(small(), Spy(), SGD(1.0), x, t, epochs=2))
    assert np.array_equal(x, x10) and np.array_equal(t, t10)


def test_lists_and_whole_numbers_are_welcome():
    x, t = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    net = Net(Dense(2, 1))
    list(train(net, BinaryCrossEntropy(), SGD(0.1), x, t, iterations=2))
    assert accuracy(net, x, t) in (0, 0.25, 0.5, 0.75)


def test_it_learns():
    x, t = moons(50, 0.1, 0)
    net = Net(Dense(2, 16), ReLU(), Dense(16, 2))
    loss, optimizer = SoftmaxCrossEntropy(), Adam(0.02)
    rng = np.random.default_rng(0)
    list(train(net, loss, optimizer, x, t, epochs=60, batch=20, rng=rng))
    assert accuracy(net, x, t) > 0.98


# --------------------------------------------------------- data that are no data, first

BAD = [np.nan, np.inf, -np.inf]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", ["x", "t"])
def test_nan_and_inf_are_refused_at_the_call(name, bad):
    net, optimizer = small(), SGD(0.1, momentum=0.9)
    theta = net.theta.copy()
    data = {"x": x10.copy(), "t": x10.copy()}
    data[name][7, 1] = bad
    with pytest.raises(
        ValueError, match=rf"^{name} holds nan or inf, first in example 7"
    ):
        train(net, SquaredError(), optimizer, **data, iterations=1)
    assert np.array_equal(net.theta, theta) and optimizer.memory is None


# --------------------------------------------------------------------------- divergence


def loss_at(net, theta, loss, x, t):
    twin = net.copy()
    twin.theta = theta
    return copy.deepcopy(loss).forward(twin.forward(x), t)


LINE = np.linspace(-1, 1, 8)[:, None]


@each_optimizer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_divergence_is_reported_and_theta_is_the_last_good_one(optimizer, dtype):
    # A linear net and a far too large rate: the loss grows until it overflows.
    net = Net(Dense(1, 1), Dense(1, 1), seed=1, dtype=dtype)
    loss, optimizer = SquaredError(), copy.deepcopy(optimizer)
    optimizer.learning_rate = 1e20 if dtype is np.float32 else 1e100
    history = [net.theta.copy()]
    with warnings.catch_warnings(), pytest.raises(FloatingPointError) as error:
        warnings.simplefilter("error")  # no RuntimeWarning on the way
        for step in train(net, loss, optimizer, LINE, 3 * LINE, iterations=500):
            assert np.isfinite(step.loss)
            history.append(net.theta.copy())
    iteration = step.iteration + 1
    assert (
        f"at iteration {iteration}, with learning rate {optimizer.learning_rate}"
        in str(error.value)
    )
    # history[i] is theta after update i. The last had no finite loss, so not that one.
    assert np.array_equal(net.theta, history[iteration - 2])
    with np.errstate(all="ignore"):
        assert not np.isfinite(loss_at(net, history[-1], loss, LINE, 3 * LINE))
    assert loss_at(net, net.theta, loss, LINE, 3 * LINE) == step.loss


def test_a_loss_that_is_not_finite_from_the_start():
    net = Net(Dense(1, 1))
    net.theta = 1e200
    theta, optimizer = net.theta.copy(), SGD(0.1, momentum=0.9)
    run = train(net, SquaredError(), optimizer, LINE, LINE, iterations=1)
    with pytest.raises(FloatingPointError, match="inf before the first update"):
        next(run)
    assert np.array_equal(net.theta, theta) and optimizer.memory is None


def test_a_failed_run_does_not_poison_the_next():
    net = Net(Dense(1, 1))
    with pytest.raises(FloatingPointError):
        list(train(net, SquaredError(), SGD(1e200), LINE, LINE, iterations=9))
    loss = [s.loss for s in train(net, SquaredError(), SGD(1.0), LINE, LINE, epochs=50)]
    assert loss[-1] < 1e-6
    assert np.all(np.isfinite(net.theta))


def test_no_errstate_leaks_into_the_loop_of_the_reader():
    with np.errstate(all="raise"):
        before = np.geterr()
        for _ in train(small(), Spy(), SGD(0.1), x10, t10, iterations=2):
            assert np.geterr() == before
        run = train(small(), Spy(), SGD(0.1), x10, t10, iterations=2)
        next(run)
        del run
        assert np.geterr() == before


# --------------------------------------------------------------------------- copies = K


def both_ways(loss, t, sweep, optimizers, seed, options):
    """Copies trained at once and nets trained alone: net, losses; nets, losses."""
    k = len(optimizers)
    seeds = seed if isinstance(seed, list) else [seed] * k
    net, losses = small(seed=seed, copies=k), []
    for step in train(net, copy.deepcopy(loss), sweep, x10, t, **options()):
        losses.append(step.loss)
        assert step.loss.shape == (k,) and step.diverged_at.tolist() == [0] * k
    alone, expected = [small(seed=s) for s in seeds], []
    for twin, optimizer in zip(alone, optimizers, strict=True):
        run = train(twin, copy.deepcopy(loss), optimizer, x10, t, **options())
        expected.append([step.loss for step in run])
    return net, np.array(losses).T, alone, np.array(expected)


def check_equal(net, losses, alone, expected):
    assert losses.shape[1] >= 12
    assert np.allclose(losses, expected, rtol=1e-12, atol=0)
    for k, twin in enumerate(alone):
        assert np.allclose(net.theta[k], twin.theta, rtol=1e-12, atol=1e-13)


OPTIONS = {
    "full batch": lambda: {"iterations": 12},
    "batches": lambda: {"epochs": 4, "batch": 4, "rng": np.random.default_rng(6)},
}
each_way = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)


@each_optimizer
@each_loss
@pytest.mark.parametrize("seed", [7, [1, 2, 3]], ids=["one seed", "K seeds"])
@each_way
def test_k_copies_are_k_separate_runs(optimizer, loss, t, seed, options):
    sweep, *optimizers = (copy.deepcopy(optimizer) for _ in range(4))
    check_equal(*both_ways(loss, t, sweep, optimizers, seed, options))


@pytest.mark.parametrize("more", [{}, {"momentum": 0.9, "weight_decay": 0.01}])
@each_loss
@each_way
def test_k_rates_are_k_separate_runs(more, loss, t, options):
    rates = [0.01, 0.1, 1.0]
    sweep, optimizers = SGD(rates, **more), [SGD(rate, **more) for rate in rates]
    both = both_ways(loss, t, sweep, optimizers, 7, options)
    check_equal(*both)
    assert len({tuple(row) for row in both[0].theta}) == 3  # the rates did differ


def test_rates_may_be_changed_for_all_copies():
    net, sweep = small(copies=2), SGD([0.1, 0.2])
    for _ in train(net, SoftmaxCrossEntropy(), sweep, x10, t10, iterations=3):
        sweep.learning_rate = sweep.learning_rate / 2
    twin, optimizer = small(), SGD(0.2)
    for _ in train(twin, SoftmaxCrossEntropy(), optimizer, x10, t10, iterations=3):
        optimizer.learning_rate /= 2
    assert np.allclose(net.theta[1], twin.theta, rtol=1e-12)


def linear(**options):
    return Net(Dense(1, 1), Dense(1, 1), seed=1, **options)


RATES = [0.1, 1e30, 0.02, 1e100]  # of these, two diverge, at different times


@pytest.mark.parametrize("more", [{}, {"momentum": 0.9}, {"weight_decay": 0.1}])
def test_a_copy_that_diverges_is_frozen_and_the_others_go_on(more):
    net, loss = linear(copies=4), SquaredError()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        steps, thetas = [], [net.theta.copy()]
        for step in train(net, loss, SGD(RATES, **more), LINE, 3 * LINE, iterations=30):
            steps.append(step)
            thetas.append(net.theta.copy())
            assert np.all(np.isfinite(net.theta[step.diverged_at > 0]))
    assert len(steps) == 30
    at = steps[-1].diverged_at
    assert at[0] == at[2] == 0 and at[1] > at[3] > 1
    for k, rate in enumerate(RATES):
        alone, losses, iteration = linear(), [], 0
        try:
            run = train(
                alone, SquaredError(), SGD(rate, **more), LINE, 3 * LINE, epochs=30
            )
            losses.extend(step.loss for step in run)
        except FloatingPointError as error:
            iteration = int(str(error).split("iteration ")[1].split(",")[0])
        assert at[k] == iteration
        assert np.array_equal(net.theta[k], alone.theta)  # to the bit
        together = [step.loss[k] for step in steps]
        if not iteration:
            assert together == losses
            continue
        assert together[: iteration - 1] == losses  # then nan, to the end
        assert np.all(np.isnan(together[iteration - 1 :]))
        assert [s.diverged_at[k] for s in steps[: iteration - 1]] == [0] * (
            iteration - 1
        )
        assert all(s.diverged_at[k] == iteration for s in steps[iteration - 1 :])
        # Frozen at the last parameters with a finite loss, and they stay there.
        assert all(np.array_equal(a[k], net.theta[k]) for a in thetas[iteration:])
        assert loss_at(alone, net.theta[k], loss, LINE, 3 * LINE) == losses[-1]


def test_an_error_comes_only_when_all_copies_have_diverged():
    net, seen = linear(copies=2), []
    with pytest.raises(FloatingPointError, match="in the last of 2 copies") as error:
        run = train(net, SquaredError(), SGD([1e30, 1e100]), LINE, LINE, iterations=99)
        for step in run:
            seen.append(step)
    last = seen[-1].iteration + 1
    assert f"at iteration {last}" in str(error.value)
    assert seen[-1].diverged_at[1] > 0 and seen[-1].diverged_at[0] == 0
    assert np.all(np.isfinite(loss_at(net, net.theta, SquaredError(), LINE, LINE)))


def test_steps_are_the_readers_to_keep():
    steps = list(
        train(linear(copies=4), SquaredError(), SGD(RATES), LINE, LINE, epochs=9)
    )
    assert steps[0].diverged_at.tolist() == [0] * 4  # not changed by later steps
    assert np.all(np.isfinite(steps[0].loss))
    with pytest.raises(AttributeError):
        steps[0].loss = 0


# ----------------------------------------------------------------------------- accuracy


def test_accuracy_with_several_outputs_the_largest_wins():
    net = Net(Dense(3, 3))
    net.layers[0].W, net.layers[0].b = np.eye(3), 0
    x = np.array([[2, 1, 0], [0, 1, 2], [0, 3, 1], [5, 4, 3.0]])
    assert accuracy(net, x, [0, 2, 1, 0]) == 1
    assert accuracy(net, x, [0, 2, 1, 1]) == 0.75
    assert type(accuracy(net, x, [1, 1, 0, 2])) is float


def test_accuracy_with_one_output_has_a_threshold():
    x, t = np.array([[-2.0], [-0.1], [0.1], [2.0]]), np.array([0, 0, 1, 1])
    one = dict(init=1.0)
    for layers in (
        [Dense(1, 1, **one)],
        [Dense(1, 1, **one), Sigmoid()],
        [Dense(1, 1, **one), Tanh()],
    ):
        net = Net(*layers)
        net.layers[0].W = 1.0
        assert accuracy(net, x, t) == 1
        assert accuracy(net, x, t == 1) == 1  # True and False are labels too
        assert accuracy(net, x, [0, 1, 1, 1]) == 0.75
        assert accuracy(net, [[0.0]], [0]) == 1  # on the border: class 0


def test_accuracy_of_copies():
    rng = np.random.default_rng(0)
    for n_out in 1, 3:
        net = Net(Dense(2, n_out), seed=[1, 2, 3, 4], copies=4)
        x, t = rng.normal(size=(20, 2)), rng.integers(0, max(2, n_out), 20)
        shares = accuracy(net, x, t)
        assert shares.shape == (4,) and len(set(shares)) > 1
        for k in range(4):
            assert shares[k] == accuracy(Net(Dense(2, n_out), seed=k + 1), x, t)


def test_accuracy_is_not_broadcast():
    net = Net(Conv2D(1, 2, 1))  # forgot Flatten and Dense: y is (3, 3, 3, 2)
    with pytest.raises(ValueError):
        accuracy(net, np.ones((3, 3, 3, 1)), [0, 1, 1])
    net = Net(Conv2D(1, 2, 1), Flatten(), Dense(18, 2))
    assert accuracy(net, np.ones((3, 3, 3, 1)), [0, 1, 1]) in (1 / 3, 2 / 3)


def test_accuracy_takes_the_threshold_that_the_targets_ask_for():
    net = Net(Dense(1, 1))
    net.theta = [1.0, 0.0]
    x, t = np.array([[0.1], [0.4], [0.6], [0.9]]), np.array([0, 0, 1, 1])
    assert accuracy(net, x, t) == 0.5
    assert accuracy(net, x, t, threshold=0.5) == 1.0


def test_a_generator_without_batches_is_refused():
    net = Net(Dense(2, 1))
    with pytest.raises(ValueError, match="rng draws batches"):
        train(
            net,
            SquaredError(),
            SGD(0.1),
            np.ones((3, 2)),
            np.ones(3),
            iterations=1,
            rng=np.random.default_rng(0),
        )
