"""Here are the examples that our networks learn from: four toys and two real sets.

Throughout, `x` holds one example a row, and `t` their classes, int64 `(N,)`.
"""

import gzip
import os.path
import zlib
from math import isfinite, pi, prod
from numbers import Integral, Real

import numpy as np

# ---------------------------------------------------------------- toys in the plane


def xor():
    """The four corners 00, 01, 10, 11: class 1 where exactly one coordinate is 1.

    Returns x float64 (4, 2) and t int64 (4,). No straight line parts the classes
    (Minsky and Papert, Perceptrons, 1969).
    """
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return x, np.array([0, 1, 1, 0], dtype=np.int64)


def moons(n=100, noise=0.1, seed=0):
    """Two half circles of radius 1 that reach into each other, n points each.

    noise is the standard deviation added to both coordinates; seed is an int, or a
    NumPy generator to draw from. Returns x float64 (2n, 2) and t int64 (2n,), class
    by class. ValueError or TypeError for an n below 1, a negative noise, a bad seed.
    Source: the "two moons" of Zhou et al., Learning with Local and Global
    Consistency (2004), placed as in scikit-learn's make_moons.
    """
    rng = _check("moons", n, noise, seed)
    angle = np.linspace(0, pi, n)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    return _with_noise(np.concatenate([upper, [1.0, 0.5] - upper]), noise, rng)


def circles(n=100, noise=0.1, seed=0):
    """A circle of radius 1 (class 0) around one of radius 1/2 (class 1), n points each.

    noise is the standard deviation added to both coordinates; seed is an int, or a
    NumPy generator to draw from. Returns x float64 (2n, 2) and t int64 (2n,), class
    by class. ValueError or TypeError as for moons. Source: a classic toy, laid
    out as in scikit-learn's make_circles.
    """
    rng = _check("circles", n, noise, seed)
    angle = np.linspace(0, 2 * pi, n, endpoint=False)
    outer = np.column_stack([np.cos(angle), np.sin(angle)])
    return _with_noise(np.concatenate([outer, outer / 2]), noise, rng)


def spirals(n=100, noise=0.2, seed=0, classes=3):
    """Spiral arms that grow from the origin to radius 1, one a class, n points each.

    Arm c is r * (sin a, cos a) with a = 4c + 4r, plus noise: here the standard
    deviation of the angle, in radians. From four classes on, arms lie close together.
    Returns x float64 (classes * n, 2) and t int64 (classes * n,), class by class.
    ValueError or TypeError as for moons, and for less than 2 classes.
    Source: the case study of Stanford's course CS231n; spirals(100, 0.2,
    np.random.RandomState(0)) gives its points bit for bit.
    """
    rng = _check("spirals", n, noise, seed)
    _check_whole("spirals", "classes", classes, 2)
    r = np.linspace(0, 1, n)
    arm = np.arange(classes)[:, np.newaxis]
    angle = 4 * arm + 4 * r + noise * rng.standard_normal((classes, n))
    x = np.stack([r * np.sin(angle), r * np.cos(angle)], axis=-1)
    return x.reshape(-1, 2), _labels(classes, n)


def _with_noise(x, noise, rng):
    """The two halves of x as classes 0 and 1, moved by normal noise."""
    return x + noise * rng.standard_normal(x.shape), _labels(2, len(x) // 2)


def _labels(classes, n):
    return np.repeat(np.arange(classes, dtype=np.int64), n)


# ------------------------------------------------------------------------ real digits


def digits():
    """1,797 real handwritten digits of 8 x 8 pixels, in three fixed parts.

    Returns (x, t) for training (1,197 rows), validation (300) and test (300):
    `train, validation, test = digits()`. x is float64 (N, 64), gray levels from 0
    (paper) to 1 (ink), row by row of the image; t is int64 (N,), the digit. Each
    class has the same share of every part, to within one image. The arrays are the
    caller's own. Source: Alpaydin and Kaynak, Optical Recognition of Handwritten
    Digits, UCI Machine Learning Repository (1998), CC BY 4.0; see digits_8x8/README.md.
    """
    here = os.path.dirname(__file__)
    with np.load(os.path.join(here, "digits_8x8", "digits.npz")) as stored:
        x = stored["pixels"] / 16  # the file holds the parts one after the other
        t = stored["labels"].astype(np.int64)
    starts = [1197, 1197 + 300]  # of validation and test
    return tuple(zip(np.split(x, starts), np.split(t, starts), strict=True))


def mnist(folder, part=None):
    """MNIST's digits of 28 x 28 pixels, read from the IDX files in your folder.

    `(x, t), (x_test, t_test) = mnist(folder)` reads all four files;
    `x, t = mnist(folder, part="train")`, or "test", only the two of that part.
    x is (N, 784), gray levels from 0 to 1, as float32: in float64 the 60,000 training
    images would fill 376 MB. t is int64 (N,). File names are the original ones
    (train-images-idx3-ubyte), also with a dot for the second dash, gzipped or not.
    FileNotFoundError where a folder or file is missing; ValueError for a file that is
    damaged, cut short or of another kind, and where images and labels differ in
    number. Source: LeCun, Cortes and Burges, The MNIST database (1998).
    """
    if part is None:
        return mnist(folder, "train"), mnist(folder, "test")
    if part not in ("train", "test"):
        raise ValueError(f'mnist expects part="train" or part="test", got {part!r}')
    prefix = "train" if part == "train" else "t10k"
    images = _read_idx(_find(folder, prefix, "images-idx3"), dimensions=3)
    labels = _read_idx(_find(folder, prefix, "labels-idx1"), dimensions=1)
    if len(images) != len(labels):
        raise ValueError(
            f"mnist expects one label an image, but the {part} files in {folder} "
            f"hold {len(images)} images and {len(labels)} labels"
        )
    x = np.divide(images, 255, dtype=np.float32)
    return x.reshape(len(x), prod(x.shape[1:])), labels.astype(np.int64)


def _find(folder, prefix, kind):
    """The path of one IDX file, under any of its usual names."""
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"mnist found no folder {folder}")
    for name in (f"{prefix}-{kind}-ubyte", f"{prefix}-{kind.replace('-', '.')}-ubyte"):
        for path in (os.path.join(folder, name), os.path.join(folder, name + ".gz")):
            if os.path.isfile(path):
                return path
    raise FileNotFoundError(
        f"mnist found no {prefix}-{kind}-ubyte, gzipped or not, in {folder}"
    )


def _read_idx(path, dimensions):
    """The uint8 array of an IDX file: two zero bytes, a type code (8 means uint8),
    the number of dimensions, their sizes as big-endian uint32, then the values."""
    with open(path, "rb") as file:
        content = file.read()
    if content.startswith(b"\x1f\x8b"):  # judged by content: some tools keep ".gz"
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{path} is cut short or damaged: {error}") from error
    magic = bytes([0, 0, 8, dimensions])
    if not content.startswith(magic):
        raise ValueError(
            f"{path} is neither an IDX file of {dimensions}-dimensional bytes nor a "
            f"gzipped one: it should start with {magic!r}, but starts with "
            f"{content[:4]!r}"
        )
    start = 4 + 4 * dimensions
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    if len(content) != start + prod(shape):
        raise ValueError(
            f"{path} is cut short or damaged: its header announces "
            f"{start + prod(shape)} bytes, but it holds {len(content)}"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


# ------------------------------------------------------------------------ minibatches


def minibatches(x, t, batch, rng):
    """Yield (x, t) in batches of `batch` rows until every row came once, shuffled.

    x is (N, ...), t is (N, ...); the last batch is shorter where batch does not
    divide N. rng is a np.random.Generator; each call shuffles anew. TypeError for
    another rng, ValueError for no rows, for x and t of different length, and for a
    batch below 1, all at the call, before anything is drawn.
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            "minibatches expects rng to be a NumPy generator, such as "
            f"np.random.default_rng(0), got {rng!r}"
        )
    _check_whole("minibatches", "batch", batch, 1)
    x, t = np.asarray(x), np.asarray(t)
    if x.shape[:1] != t.shape[:1] or not x.shape[:1]:
        raise ValueError(
            "minibatches expects x and t with the same number of rows, got shapes "
            f"{x.shape} and {t.shape}"
        )
    if len(x) == 0:
        raise ValueError(f"minibatches expects rows, got x of shape {x.shape}")
    order = rng.permutation(len(x))
    chunks = (order[start : start + batch] for start in range(0, len(x), batch))
    return ((x.take(rows, axis=0), t.take(rows, axis=0)) for rows in chunks)


# --------------------------------------------------------------------- what comes in


def _check(name, n, noise, seed):
    """Judge the arguments that the noisy toys share; return their generator."""
    _check_whole(name, "n", n, 1)
    if not isinstance(noise, Real):
        raise TypeError(f"{name} expects noise to be a number, got {noise!r}")
    if not (isfinite(noise) and noise >= 0):
        raise ValueError(f"{name} expects finite noise of at least 0, got {noise!r}")
    if isinstance(seed, (np.random.Generator, np.random.RandomState)):
        return seed
    _check_whole(name, "seed", seed, 0)
    return np.random.default_rng(seed)


def _check_whole(name, argument, value, least):
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} expects {argument} to be an int, got {value!r}")
    if value < least:
        raise ValueError(f"{name} expects {argument} of at least {least}, got {value}")
