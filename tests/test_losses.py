"""Does every loss compute its formula, and does its backward tell the true slope?"""

import warnings

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from bplib import (
    BinaryCrossEntropy,
    SoftmaxCrossEntropy,
    SquaredError,
    losses,
    softmax,
)

quick = settings(max_examples=50)

FORMULAS = {
    SquaredError: reference.squared_error,
    BinaryCrossEntropy: reference.binary_cross_entropy,
    SoftmaxCrossEntropy: reference.softmax_cross_entropy,
}
each_loss = pytest.mark.parametrize("cls", FORMULAS)
sizes = st.integers(1, 5)


def target_for(cls, n, n_out, rng):
    if cls is SquaredError:
        return rng.normal(size=(n, n_out))
    if cls is BinaryCrossEntropy:
        return rng.uniform(size=(n, n_out))
    return rng.integers(0, n_out, n)


def test_every_loss_is_in_the_table():
    assert set(losses.Loss.__subclasses__()) == set(FORMULAS)


@each_loss
@quick
@given(n=sizes, n_out=sizes, seed=st.integers(0, 999))
def test_value_and_slope(cls, n, n_out, seed):
    rng = np.random.default_rng(seed)
    y, target = rng.normal(size=(n, n_out)), target_for(cls, n, n_out, rng)
    kept = y.copy(), target.copy()
    loss = cls()
    value = loss.forward(y, target)
    assert type(value) is float
    assert value == pytest.approx(FORMULAS[cls](y, target), rel=1e-12, abs=1e-15)
    dy = loss.backward()
    assert np.array_equal(loss.backward(), dy)  # asking twice changes nothing
    assert np.array_equal(y, kept[0]) and np.array_equal(target, kept[1])
    slope = reference.slopes(lambda: FORMULAS[cls](y, target), y)
    assert reference.error(dy, slope) < 1e-6


@each_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays(cls, dtype):
    rng = np.random.default_rng(0)
    loss, y = cls(), rng.normal(size=(4, 3)).astype(dtype)
    loss.forward(y, target_for(cls, 4, 3, rng))  # float64 targets
    assert loss.backward().dtype == dtype
    copies = np.stack([y, y + 1])
    assert loss.forward(copies, target_for(cls, 4, 3, rng)).dtype == dtype
    assert loss.backward().dtype == dtype


@each_loss
def test_copies_are_separate_losses(cls):
    rng = np.random.default_rng(1)
    y, target = rng.normal(size=(4, 5, 3)), target_for(cls, 5, 3, rng)
    loss, alone = cls(), cls()
    values = loss.forward(y, target)
    dy = loss.backward()
    assert values.shape == (4,)
    for k in range(4):
        assert values[k] == pytest.approx(alone.forward(y[k], target), rel=1e-14)
        assert np.allclose(dy[k], alone.backward(), rtol=1e-14, atol=0)


def test_by_hand():
    y = np.array([[1.0, 2.0], [3.0, 5.0]])
    loss = SquaredError()  # (1 + 4 + 9 + 16) / 2, and the mean over two examples
    assert loss.forward(y, [[0, 0], [0, 1]]) == 15 / 2
    assert loss.backward().tolist() == [[0.5, 1], [1.5, 2]]
    loss = BinaryCrossEntropy()
    assert loss.forward(np.zeros((3, 1)), [0, 1, 1]) == pytest.approx(np.log(2))
    assert loss.backward() == pytest.approx(np.array([[1], [-1], [-1]]) / 6)
    loss = SoftmaxCrossEntropy()
    assert loss.forward(np.zeros((2, 4)), [0, 3]) == pytest.approx(np.log(4))
    expected = np.array([[-3, 1, 1, 1], [1, 1, 1, -3]]) / 8
    assert loss.backward() == pytest.approx(expected)


@pytest.mark.parametrize("cls", [SquaredError, BinaryCrossEntropy])
def test_a_flat_target_is_a_column(cls):
    rng = np.random.default_rng(2)
    y, target = rng.normal(size=(6, 1)), rng.uniform(size=6)
    flat, column = cls(), cls()
    assert flat.forward(y, target) == column.forward(y, target[:, None])
    assert flat.backward().shape == (6, 1)
    assert np.array_equal(flat.backward(), column.backward())


@quick
@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=6), st.floats(-1e4, 1e4))
def test_softmax_sums_to_1_and_ignores_a_shift(logits, shift):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        p = softmax(logits)
        shifted = softmax(np.array(logits) + shift)
    assert np.all((p >= 0) & (p <= 1))
    assert p.sum() == pytest.approx(1, abs=1e-12)
    assert shifted == pytest.approx(p, abs=1e-10)
    order = np.argsort(logits)
    assert np.all(np.diff(p[order]) >= 0)


def test_softmax_is_the_formula_along_the_last_axis():
    logits = np.random.default_rng(3).normal(size=(2, 3, 4))
    p = softmax(logits)
    for i in np.ndindex(2, 3):
        e = np.exp(logits[i])
        assert p[i] == pytest.approx(e / sum(e), rel=1e-13)
    assert softmax(logits.astype(np.float32)).dtype == np.float32
    assert softmax([[1, 1]]).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_logits_do_not_overflow(dtype):
    y = np.array([[1e4, -1e4], [-1e4, 1e4]], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = SoftmaxCrossEntropy()
        assert loss.forward(y, [0, 1]) == 0
        assert np.all(loss.backward() == 0)
        assert loss.forward(y, [1, 1]) == 1e4  # 2e4 for the first, 0 for the second
        assert loss.backward().tolist() == [[0.5, -0.5], [0, 0]]
        loss = BinaryCrossEntropy()
        assert loss.forward(y, [[1, 0], [0, 1]]) == 0
        assert np.all(loss.backward() == 0)
        assert loss.forward(y, [[0, 0], [0, 1]]) == 5e3
        assert loss.backward().tolist() == [[0.5, 0], [0, 0]]


def test_small_losses_keep_their_digits():
    loss = BinaryCrossEntropy()  # log(1 + exp(-40)), where 1 + exp(-40) rounds to 1
    assert loss.forward(np.array([[40.0]]), [1]) == pytest.approx(np.exp(-40), rel=1e-6)
    assert loss.forward(np.array([[-40.0]]), [0]) == pytest.approx(np.exp(-40))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64])
def test_labels_of_any_whole_type(dtype):
    y = np.arange(12.0).reshape(3, 4)
    loss, expected = SoftmaxCrossEntropy(), SoftmaxCrossEntropy()
    labels = np.array([0, 3, 1])
    assert loss.forward(y, labels.astype(dtype)) == expected.forward(y, labels)
    assert np.array_equal(loss.backward(), expected.backward())
    assert loss.forward(y, [0, 3, 1]) == expected.forward(y, labels)


def test_a_loss_of_your_own_needs_two_methods():
    class AbsoluteError(losses.Loss):
        def each(self, y, target):
            self.sign = np.sign(y - target)
            return np.abs(y - target).sum(axis=-1)

        def slope(self):
            return self.sign

    loss, y = AbsoluteError(), np.array([[1.0, 2.0], [3.0, 4.0]])
    assert loss.forward(y, [[0, 0], [4, 4]]) == 2
    assert loss.backward().tolist() == [[0.5, 0.5], [-0.5, 0]]
    assert repr(loss) == "AbsoluteError()"
