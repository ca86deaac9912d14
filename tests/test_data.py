"""These tests ask whether the examples we learn from are what data.py says they are."""

import gzip
import hashlib
import os
import pickle
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bplib import data

ROOT = Path(__file__).resolve().parents[1]
TOYS = [data.moons, data.circles, data.spirals]


# ------------------------------------------------------------------------------- toys


def test_xor_is_the_table():
    x, t = data.xor()
    assert x.dtype == np.float64 and t.dtype == np.int64
    assert x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert t.tolist() == [0, 1, 1, 0]
    x[:] = 9
    assert data.xor()[0].max() == 1  # every caller gets arrays of its own


@pytest.mark.parametrize("toy", TOYS)
@pytest.mark.parametrize("n", [1, 2, 50])
def test_toys_have_n_points_a_class_in_order(toy, n):
    x, t = toy(n, 0.1, 3)
    classes = 3 if toy is data.spirals else 2
    assert x.shape == (classes * n, 2) and x.dtype == np.float64
    assert t.dtype == np.int64
    assert t.tolist() == [c for c in range(classes) for _ in range(n)]


@pytest.mark.parametrize("toy", TOYS)
def test_toys_depend_on_the_seed_and_on_nothing_else(toy):
    x, _ = toy(40, 0.1, 3)
    np.random.rand()  # noqa: NPY002 (moves the generator that all code shares)
    assert np.array_equal(x, toy(40, 0.1, 3)[0])
    assert np.array_equal(x, toy(40, 0.1, np.int32(3))[0])
    assert np.array_equal(x, toy(40, 0.1, np.random.default_rng(3))[0])
    assert not np.array_equal(x, toy(40, 0.1, 4)[0])


@pytest.mark.parametrize("toy", [data.moons, data.circles])
def test_noise_is_the_standard_deviation_of_each_coordinate(toy):
    moved = toy(20_000, 0.2, 0)[0] - toy(20_000, 0, 0)[0]
    assert moved.std(axis=0) == pytest.approx([0.2, 0.2], rel=0.02)
    assert abs(moved.mean()) < 0.005


def test_noise_of_spirals_is_the_standard_deviation_of_the_angle():
    calm, noisy = (data.spirals(20_000, noise, 0)[0] for noise in (0, 0.2))
    assert np.hypot(*noisy.T) == pytest.approx(np.hypot(*calm.T))  # radii stay
    angle = [np.arctan2(*x.T) for x in (calm, noisy)]
    turned = (angle[1] - angle[0] + np.pi) % (2 * np.pi) - np.pi
    moved = turned[np.hypot(*calm.T) > 0]
    assert moved.std() == pytest.approx(0.2, rel=0.02)


def test_moons_and_circles_lie_where_scikit_learn_puts_them():
    datasets = pytest.importorskip("sklearn.datasets")
    x, t = datasets.make_moons(60, shuffle=False)
    assert np.allclose(data.moons(30, 0)[0], x, rtol=0, atol=1e-15)
    assert np.array_equal(data.moons(30, 0)[1], t)
    x, t = datasets.make_circles(60, shuffle=False, factor=0.5)
    assert np.allclose(data.circles(30, 0)[0], x, rtol=0, atol=1e-15)
    assert np.array_equal(data.circles(30, 0)[1], t)


def test_spirals_take_any_number_of_classes():
    x, t = data.spirals(10, 0, classes=5)
    assert x.shape == (50, 2) and np.bincount(t).tolist() == [10] * 5
    assert np.allclose(x[t == 4][-1], [np.sin(20), np.cos(20)])  # a = 4 * 4 + 4


def test_the_cs231n_spiral_gives_the_published_loss():
    """Its linear classifier, written out: loss 0.786302 at iteration 190."""
    rng = np.random.RandomState(0)
    x, t = data.spirals(100, 0.2, rng)
    W, b = 0.01 * rng.randn(2, 3), np.zeros((1, 3))
    target = np.eye(3)[t]
    losses = []
    for _ in range(200):
        p = np.exp(x @ W + b)
        p /= p.sum(axis=1, keepdims=True)
        data_loss = -np.log((p * target).sum(axis=1)).mean()
        losses.append(data_loss + 1e-3 / 2 * (W**2).sum())
        dy = (p - target) / len(x)
        W, b = W - (x.T @ dy + 1e-3 * W), b - dy.sum(axis=0, keepdims=True)
    assert f"{losses[190]:.6f}" == "0.786302"
    assert f"{((x @ W + b).argmax(axis=1) == t).mean():.2f}" == "0.49"


@pytest.mark.parametrize("toy", TOYS)
@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ({"n": 0}, ValueError, "expects n of at least 1, got 0"),
        ({"n": -3}, ValueError, "expects n of at least 1, got -3"),
        ({"n": 2.0}, TypeError, "expects n to be an int, got 2.0"),
        ({"n": True}, TypeError, "expects n to be an int, got True"),
        ({"noise": -0.1}, ValueError, "expects finite noise of at least 0, got -0.1"),
        ({"noise": np.nan}, ValueError, "expects finite noise of at least 0, got nan"),
        ({"noise": np.inf}, ValueError, "expects finite noise of at least 0, got inf"),
        ({"noise": "much"}, TypeError, "expects noise to be a number, got 'much'"),
        ({"seed": -1}, ValueError, "expects seed of at least 0, got -1"),
        ({"seed": None}, TypeError, "expects seed to be an int, got None"),
        ({"seed": 0.5}, TypeError, "expects seed to be an int, got 0.5"),
    ],
)
def test_toys_refuse_what_makes_no_sense(toy, arguments, error, words):
    with pytest.raises(error) as raised:
        toy(**{"n": 5, "noise": 0.1, "seed": 0} | arguments)
    assert str(raised.value) == f"{toy.__name__} {words}"


def test_a_refused_call_draws_nothing():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="spirals expects classes of at least 2"):
        data.spirals(5, 0.1, rng, classes=1)
    with pytest.raises(ValueError, match="minibatches expects batch of at least 1"):
        data.minibatches(np.ones((5, 2)), np.ones(5), 0, rng)
    assert rng.random() == np.random.default_rng(0).random()


# ----------------------------------------------------------------------------- digits


def split_recipe(labels):
    """The rows of training, validation and test, as they were chosen, once."""
    rng = np.random.RandomState(0)  # the legacy generator never changes its numbers
    order = rng.permutation(1797)
    order = order[np.argsort(labels[order], kind="stable")]  # by class, each shuffled
    # 600 rows evenly spread over the classes are held out, every other one for test
    held_out = np.diff(np.arange(1798) * 600 // 1797) == 1
    parts = order[~held_out], order[held_out][0::2], order[held_out][1::2]
    return [rng.permutation(part) for part in parts]


def test_digits_have_the_promised_form():
    (x, t), (x_val, t_val), (x_test, t_test) = data.digits()
    for images, labels, rows in (
        (x, t, 1197),
        (x_val, t_val, 300),
        (x_test, t_test, 300),
    ):
        assert images.shape == (rows, 64) and images.dtype == np.float64
        assert labels.shape == (rows,) and labels.dtype == np.int64
        assert images.min() == 0 and images.max() == 1
        assert np.array_equal(images * 16, np.rint(images * 16))
        assert np.unique(labels).tolist() == list(range(10))


def test_digits_are_those_of_scikit_learn_in_the_order_of_the_recipe():
    datasets = pytest.importorskip("sklearn.datasets")
    x, t = datasets.load_digits(return_X_y=True)
    for (images, labels), rows in zip(data.digits(), split_recipe(t), strict=True):
        assert np.array_equal(images * 16, x[rows])
        assert np.array_equal(labels, t[rows])


def test_every_digit_of_scikit_learn_is_in_exactly_one_part():
    datasets = pytest.importorskip("sklearn.datasets")
    x, t = datasets.load_digits(return_X_y=True)
    right = sorted((*row, label) for row, label in zip(x, t, strict=True))
    ours = sorted(
        (*row, label)
        for images, labels in data.digits()
        for row, label in zip(images * 16, labels, strict=True)
    )
    assert ours == right and len(ours) == 1797


def test_no_image_is_in_the_digits_twice():
    images = np.concatenate([x for x, _ in data.digits()])
    assert len(np.unique(images, axis=0)) == 1797


def test_each_class_has_its_share_of_every_part_to_within_one_image():
    counts = np.array([np.bincount(t, minlength=10) for _, t in data.digits()])
    share = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / 1797
    assert counts.sum() == 1797 and np.abs(counts - share).max() < 1


def test_digits_are_mixed_not_in_class_order():
    for _, t in data.digits():
        assert np.count_nonzero(np.diff(t)) > 0.8 * len(t)


def test_the_digits_readme_states_the_right_checksums():
    folder = ROOT / "bplib" / "digits_8x8"
    readme = (folder / "README.md").read_text(encoding="utf-8")
    file = folder / "digits.npz"
    with np.load(file) as stored:
        arrays = {name: stored[name] for name in stored.files}
    assert set(arrays) == {"pixels", "labels"}
    for content in (file.read_bytes(), *(a.tobytes() for a in arrays.values())):
        assert hashlib.sha256(content).hexdigest() in readme
    assert f"{file.stat().st_size:,} bytes" in readme and file.stat().st_size < 60_000


def test_the_nearest_training_image_names_the_digit():
    (x, t), (x_val, t_val), (x_test, t_test) = data.digits()

    def right(images, labels):
        distance = (x**2).sum(axis=1) - 2 * images @ x.T  # but for a constant a row
        return np.count_nonzero(t[distance.argmin(axis=1)] == labels)

    assert (right(x_test, t_test), right(x_val, t_val)) == (294, 298)


def test_digits_are_the_callers_own():
    first = data.digits()
    before = pickle.dumps(first)
    for x, t in first:
        x[:], t[:] = -1, -1
    assert pickle.dumps(data.digits()) == before


def test_digits_load_in_milliseconds():
    seconds = []
    for _ in range(20):
        start = time.perf_counter()
        data.digits()
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.010  # the least: other work on the machine does not count


# ------------------------------------------------------------------------------ mnist


def idx(array):
    """The bytes of an IDX file, written by the description of the format."""
    array = np.asarray(array, dtype=np.uint8)
    sizes = np.array(array.shape, dtype=">u4").tobytes()
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


IMAGES = np.random.default_rng(0).integers(0, 256, (7, 4, 5))
LABELS = [5, 0, 4, 1, 9, 2, 255]


@pytest.fixture
def folder(tmp_path):
    """Both parts of a tiny MNIST: training 7 images, test the first 3 of them."""
    for prefix, n in ("train", 7), ("t10k", 3):
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(idx(IMAGES[:n]))
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(LABELS[:n]))
    return tmp_path


def test_mnist_reads_what_was_written(folder):
    (x, t), (x_test, t_test) = data.mnist(folder)
    assert x.shape == (7, 20) and x.dtype == np.float32
    assert t.tolist() == LABELS and t.dtype == np.int64
    assert np.array_equal(x, IMAGES.reshape(7, 20).astype(np.float32) / 255)
    assert np.array_equal(x_test, x[:3]) and t_test.tolist() == LABELS[:3]
    assert x.flags.writeable and t.flags.writeable


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("dash", ["-", "."])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_mnist_knows_its_files_by_all_their_names(folder, zipped, dash, suffix):
    """A plain file named .gz and a gzipped one without it are read as what they are."""
    right = data.mnist(str(folder), part="test")
    for name in "images-idx3", "labels-idx1":
        old = folder / f"t10k-{name}-ubyte"
        content = gzip.compress(old.read_bytes()) if zipped else old.read_bytes()
        old.unlink()
        new = f"t10k-{name.replace('-', dash)}-ubyte{suffix}"
        (folder / new).write_bytes(content)
    for ours, theirs in zip(data.mnist(folder, part="test"), right, strict=True):
        assert np.array_equal(ours, theirs)


def test_mnist_reads_one_part_where_the_other_is_missing(folder):
    for file in folder.glob("train-*"):
        file.unlink()
    assert data.mnist(folder, part="test")[0].shape == (3, 20)
    with pytest.raises(FileNotFoundError, match="no train-images-idx3-ubyte, gzipped"):
        data.mnist(folder)


def test_mnist_says_which_folder_or_part_it_misses(folder):
    with pytest.raises(FileNotFoundError, match="found no folder .*nowhere"):
        data.mnist(folder / "nowhere")
    with pytest.raises(ValueError, match='part="train" or part="test", got .valid'):
        data.mnist(folder, part="valid")


GOOD = idx(IMAGES)


@pytest.mark.parametrize(
    "content, words",
    [
        (GOOD[:-1], "announces 156 bytes, but it holds 155"),
        (GOOD + b"x", "announces 156 bytes, but it holds 157"),
        (GOOD[:9], "cut short or damaged"),
        (GOOD[:4], "cut short or damaged"),
        (b"", "neither an IDX file .* but starts with b''"),
        (b"<!DOCTYPE html>", "neither an IDX file .* nor a gzipped one.*b'<!DO'"),
        (idx(LABELS), "should start with .*x03', but starts with .*x01'"),
        (bytes([0, 0, 13, 3]) + GOOD[4:], r"starts with b'\\x00\\x00\\r\\x03'"),
        (gzip.compress(GOOD)[:-9], "cut short or damaged"),
        (gzip.compress(GOOD)[:5], "cut short or damaged"),
        (gzip.compress(GOOD)[:10] + b"\xff" * 90, "cut short or damaged"),
        (gzip.compress(GOOD)[:-8] + bytes(8), "cut short or damaged: CRC"),
        (gzip.compress(GOOD[:-1]), "announces 156 bytes, but it holds 155"),
        (gzip.compress(b"hello"), "neither an IDX file .*b'hell'"),
    ],
    ids=lambda value: "file" if isinstance(value, bytes) else None,
)
def test_mnist_refuses_files_that_are_cut_short_or_of_another_kind(
    folder, content, words
):
    file = folder / "train-images-idx3-ubyte"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=words) as raised:
        data.mnist(folder)
    assert str(file) in str(raised.value)


def test_mnist_refuses_images_without_labels(folder):
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(LABELS[:2]))
    with pytest.raises(ValueError, match="the test files .* 3 images and 2 labels"):
        data.mnist(folder)


def test_mnist_reads_the_real_thing():
    real = Path(os.environ.get("BPLIB_MNIST", ROOT.parent / "shared/data/mnist-10k"))
    if not real.is_dir():
        pytest.skip(f"no MNIST in {real}: set BPLIB_MNIST to a folder with its files")
    x, t = data.mnist(real, part="test")
    assert x.shape == (10_000, 784) and x.dtype == np.float32
    assert (x.min(), x.max()) == (0, 1)
    assert t[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    per_class = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(t).tolist() == per_class
    # pixels must belong to the labels: class means of one half name the other half
    means = np.stack([x[:5000][t[:5000] == c].mean(axis=0) for c in range(10)])
    scores = x[5000:] @ means.T - (means**2).sum(axis=1) / 2
    assert (scores.argmax(axis=1) == t[5000:]).mean() > 0.8


# ------------------------------------------------------------------------ minibatches


@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 2**32))
def test_minibatches_bring_every_row_once_with_its_target(n, batch, seed):
    x = np.arange(2.0 * n).reshape(n, 2)
    t = np.arange(n) * 10
    batches = list(data.minibatches(x, t, batch, np.random.default_rng(seed)))
    sizes = [len(rows) for rows, _ in batches]
    assert sizes == [batch] * (n // batch) + [n % batch] * (n % batch > 0)
    rows, targets = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    assert np.array_equal(np.sort(targets), t)
    assert np.array_equal(rows, x[targets // 10])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_minibatches_keep_type_and_further_axes(dtype):
    x, t = np.zeros((5, 8, 8, 1), dtype), np.zeros((5, 1), np.int64)
    for rows, targets in data.minibatches(x, t, 2, np.random.default_rng(0)):
        assert rows.dtype == dtype and rows.shape[1:] == (8, 8, 1)
        assert targets.dtype == np.int64 and targets.shape[1:] == (1,)


def test_minibatches_are_shuffled_anew_and_alike_for_the_same_seed():
    x = np.arange(50)

    def order(rng):
        return np.concatenate([t for _, t in data.minibatches(x, x, 8, rng)]).tolist()

    rng = np.random.default_rng(1)
    first, second = order(rng), order(rng)
    assert first != sorted(first) and first != second
    assert order(np.random.default_rng(1)) == first


def test_minibatches_are_copies_and_leave_the_data_alone():
    x = np.arange(6.0)
    for rows, targets in data.minibatches(x, x, 6, np.random.default_rng(0)):
        rows[:], targets[:] = -1, -1
    assert x.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "x, t, batch, rng, error, words",
    [
        (np.ones((4, 2)), np.ones(4), 2, 0, TypeError, "NumPy generator.*got 0"),
        (np.ones((4, 2)), np.ones(4), 2, None, TypeError, "generator.*got None"),
        (
            *(np.ones((4, 2)), np.ones(4), 2, np.random.RandomState(0)),
            *(TypeError, "NumPy generator, such as np.random.default_rng.*RandomState"),
        ),
        (np.ones((4, 2)), np.ones(4), 0, ..., ValueError, "batch of at least 1, got 0"),
        (np.ones((4, 2)), np.ones(4), 2.0, ..., TypeError, "batch to be an int"),
        (np.ones((4, 2)), np.ones(4), None, ..., TypeError, "batch to be an int"),
        (np.ones((4, 2)), np.ones(3), 2, ..., ValueError, r"\(4, 2\) and \(3,\)"),
        (np.ones((0, 2)), np.ones(0), 2, ..., ValueError, r"expects rows.*\(0, 2\)"),
        (np.float64(1), np.float64(1), 2, ..., ValueError, r"\(\) and \(\)"),
    ],
)
def test_minibatches_refuse_at_the_call(x, t, batch, rng, error, words):
    rng = np.random.default_rng(0) if rng is ... else rng
    with pytest.raises(error, match=words):
        data.minibatches(x, t, batch, rng)  # not only when the first batch is taken
