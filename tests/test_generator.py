"""Is the chance that Python and the page share good enough, and laid out as bplib's?"""

import numpy as np
import pytest

from bplib import Dense, Net, Tanh, data
from bplib.widgets.generator import Random, dataset, initial_theta

TOYS = ["moons", "circles", "spirals"]


def words(seed, stream, count):
    """The same integers once more, all at a time, in NumPy's 32-bit arithmetic."""

    def mix(x):
        x = (x ^ x >> np.uint32(16)) * np.uint32(0x7FEB352D)
        x = (x ^ x >> np.uint32(15)) * np.uint32(0x846CA68B)
        return x ^ x >> np.uint32(16)

    start = mix(mix(np.array([seed], np.uint32)) + np.uint32(stream))
    return mix(start + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x9E3779B9))


# -------------------------------------------------------------------- random numbers


@pytest.mark.parametrize("seed", [0, 1, 2025, 2**32 - 1])
def test_integers_follow_from_seed_and_stream(seed):
    random = Random(seed, 2)
    assert [random.integer() for _ in range(500)] == words(seed, 2, 500).tolist()
    random = Random(np.int64(seed), 2)
    assert [random.uniform() * 2**32 for _ in range(9)] == words(seed, 2, 9).tolist()


def test_uniforms_fill_the_line_evenly():
    u = words(7, 0, 400_000) / 2**32
    assert 0 <= u.min() and u.max() < 1
    counts = np.histogram(u, 100, (0, 1))[0]
    # chi-squared with 99 degrees of freedom: mean 99, standard deviation 14
    assert 50 < ((counts - 4000) ** 2 / 4000).sum() < 160
    pairs = np.corrcoef(u[:-1], u[1:])[0, 1]
    assert abs(pairs) < 5 / len(u) ** 0.5


def test_every_bit_is_as_often_1_as_0():
    bits = words(3, 1, 100_000)[:, None] >> np.arange(32, dtype=np.uint32) & 1
    assert bits.mean(axis=0) == pytest.approx(0.5, abs=0.01)


def test_normals_are_exact_sums():
    random, uniforms = Random(4), words(4, 0, 12_000).astype(object).reshape(-1, 12)
    exact = uniforms.sum(axis=1) - 6 * 2**32  # Python's whole numbers, in 1 / 2**32
    assert [random.normal() * 2**32 for _ in range(1000)] == exact.tolist()


def test_normals_have_mean_0_and_standard_deviation_1():
    z = (words(5, 0, 12 * 100_000) / 2**32).reshape(-1, 12).sum(axis=1) - 6
    assert abs(z.mean()) < 0.015
    assert z.std() == pytest.approx(1, abs=0.01)
    assert np.mean(np.abs(z) < 1) == pytest.approx(0.683, abs=0.01)
    assert np.mean(np.abs(z) < 2) == pytest.approx(0.954, abs=0.01)


def test_seeds_and_streams_are_unrelated():
    sequences = [words(seed, stream, 1000) for seed in range(50) for stream in range(3)]
    table = np.array(sequences) / 2**32
    off = np.corrcoef(table) - np.eye(len(table))
    assert np.abs(off).max() < 6 / 1000**0.5
    # No sequence is a piece of another, nor shares many of its numbers.
    assert len(np.unique(sequences)) > len(sequences) * 1000 - 20


@pytest.mark.parametrize("seed", [-1, 2**32, 10**30])
def test_a_seed_out_of_range_is_refused(seed):
    for call in (Random, lambda s: dataset("xor", seed=s)):
        with pytest.raises(ValueError, match=f"seed must be from 0 .* got {seed}"):
            call(seed)
    with pytest.raises(ValueError, match="seed must be"):
        initial_theta((2, 1), seed)


@pytest.mark.parametrize("seed", [1.0, True, "1", None, np.float64(2)])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(TypeError, match="seed must be a whole number"):
        Random(seed)
    with pytest.raises(TypeError, match="stream must be a whole number"):
        Random(0, seed)


# ------------------------------------------------------------------- initial weights


def net_of(sizes, **options):
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        layers += [Dense(n_in, n_out), Tanh()]
    return Net(*layers[:-1], **options)


def test_initial_theta_has_the_order_of_a_net():
    sizes = (2, 30, 20, 3)
    net = net_of(sizes)
    net.theta = initial_theta(sizes, 3)
    drawn = iter(2 * (words(3, 1, 720) / 2**32) - 1)
    for name, array, _ in net.named_parameters():
        if name.startswith("b"):
            assert not array.any()
        else:
            limit = (6 / sum(array.shape)) ** 0.5
            assert array.ravel().tolist() == [limit * next(drawn) for _ in array.flat]
    assert next(drawn, None) is None


@pytest.mark.parametrize(
    ("init", "deviation"),
    [("xavier", (2 / 300) ** 0.5), ("he", (2 / 200) ** 0.5), (0.7, 0.7), (2, 2)],
)
def test_weights_have_the_standard_deviation_asked_for(init, deviation):
    W = initial_theta((200, 100), 0, init)[:20_000]
    assert W.std() == pytest.approx(deviation, rel=0.02)
    assert abs(W.mean()) < 0.03 * deviation
    assert np.abs(W).max() <= deviation * 3**0.5


def test_init_only_scales_the_draws():
    small = initial_theta((2, 8, 1), 5, 0.25)
    assert small.tolist() == (initial_theta((2, 8, 1), 5, 1) / 4).tolist()
    assert not initial_theta((2, 8, 1), 5, 0).any()
    he = initial_theta((2, 8, 1), 5, "he")
    xavier = initial_theta((2, 8, 1), 5)
    scale = np.divide(he, xavier, where=xavier != 0, out=np.ones(33))
    assert scale[:16] == pytest.approx((10 / 2) ** 0.5)
    assert scale[24:32] == pytest.approx((9 / 8) ** 0.5)
    assert initial_theta((2, 1), 0, np.float32(0.5)).dtype == np.float64


@pytest.mark.parametrize("init", ["Xavier", -1, float("nan"), float("inf"), None, True])
def test_a_wrong_init_is_refused(init):
    with pytest.raises(ValueError, match="init must be .* got"):
        initial_theta((2, 1), 0, init)


@pytest.mark.parametrize("sizes", [(), (2,), (2, 0), (-1, 2)])
def test_wrong_sizes_are_refused(sizes):
    with pytest.raises(ValueError, match="sizes must"):
        initial_theta(sizes, 0)


# --------------------------------------------------------------------------- data sets


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.parametrize("n", [1, 2, 50])
def test_without_noise_the_sets_are_those_of_bplib(name, n):
    x, t = dataset(name, n, 0)
    x0, t0 = getattr(data, name)(n, 0)
    assert x.dtype == np.float64 and t.dtype == np.int64
    assert x.shape == x0.shape and np.abs(x - x0).max() < 4e-15
    assert t.tolist() == t0.tolist()


def test_xor_is_that_of_bplib_whatever_n_and_noise():
    for options in {}, {"n": 7, "noise": 3, "seed": 1}:
        x, t = dataset("xor", **options)
        assert x.tolist() == data.xor()[0].tolist() and x.dtype == np.float64
        assert t.tolist() == [0, 1, 1, 0] and t.dtype == np.int64


@pytest.mark.parametrize("name", ["moons", "circles"])
def test_noise_is_the_standard_deviation_of_each_coordinate(name):
    moved = dataset(name, 1000, 0.2, 0)[0] - dataset(name, 1000, 0)[0]
    assert moved.std(axis=0) == pytest.approx([0.2, 0.2], rel=0.06)
    assert np.abs(moved.mean(axis=0)).max() < 0.02
    assert abs(np.corrcoef(moved.T)[0, 1]) < 0.1


def test_noise_of_spirals_is_the_standard_deviation_of_the_angle():
    x, still = dataset("spirals", 500, 0.1, 1)[0], dataset("spirals", 500, 0)[0]
    r = np.hypot(*x.T)
    assert r == pytest.approx(np.hypot(*still.T), abs=1e-12)
    away = r > 0.1
    turned = np.arctan2(x[:, 0], x[:, 1]) - np.arctan2(still[:, 0], still[:, 1])
    turned = (turned[away] + np.pi) % (2 * np.pi) - np.pi
    assert turned.std() == pytest.approx(0.1, rel=0.06)


@pytest.mark.parametrize("name", TOYS)
def test_sets_depend_on_the_seed_alone(name):
    x, _ = dataset(name, seed=3)
    assert x.tolist() == dataset(name, seed=3)[0].tolist()
    assert len(x) == (150 if name == "spirals" else 100)
    same = x == dataset(name, seed=4)[0]
    assert same.sum() == (6 if name == "spirals" else 0)  # each arm begins at (0, 0)


def test_bad_arguments_of_dataset_are_refused():
    for name in "Moons", "blobs", None:
        with pytest.raises(ValueError, match="name must be xor, moons, circles, spi"):
            dataset(name)
    for n in 0, -3:
        with pytest.raises(ValueError, match=f"n must be from 1 .* got {n}"):
            dataset("moons", n)
    with pytest.raises(TypeError, match="n must be a whole number, got 2.5"):
        dataset("moons", 2.5)
    for noise in -0.1, float("nan"), float("inf"), "0.1", True:
        with pytest.raises(ValueError, match="noise must be a finite number"):
            dataset("moons", noise=noise)
