"""Chance that Python and a page can share: the same numbers, bit for bit, in both.

A page has no NumPy, so explorers draw initial weights and examples from here. The
twin of this file is generator.js.
"""

from math import cos, isfinite, pi, sin, sqrt
from numbers import Integral, Real

import numpy as np

WORD = 2**32  # all integers are below it


def mix(x):
    """A 32-bit integer to another, one to one, with no likeness left between them.

    Shifts and factors: lowbias32, found by Chris Wellons (hash-prospector, 2018).
    """
    x = (x ^ x >> 16) * 0x7FEB352D % WORD
    x = (x ^ x >> 15) * 0x846CA68B % WORD
    return x ^ x >> 16


class Random:
    """Random numbers that follow from (seed, stream), each from 0 to 2**32 - 1.

    Another seed or another stream gives unrelated numbers. A counter in steps of
    2**32 / golden ratio is mixed, as in SplitMix (Steele, Lea and Flood, 2014).
    """

    def __init__(self, seed, stream=0):
        seed, stream = whole("seed", seed, 0), whole("stream", stream, 0)
        self.state = mix((mix(seed) + stream) % WORD)

    def integer(self):
        """A whole number from 0 to 2**32 - 1."""
        self.state = (self.state + 0x9E3779B9) % WORD
        return mix(self.state)

    def uniform(self):
        """A number from 0 to below 1: a multiple of 2**-32."""
        return self.integer() / WORD

    def normal(self):
        """As good as normal: mean 0, standard deviation 1, between -6 and 6.

        The sum of 12 uniforms, each of variance 1/12, minus 6. All sums are multiples
        of 2**-32 below 12, 36 bits of the 53 that a float has: nothing is rounded.
        """
        return sum(self.uniform() for _ in range(12)) - 6


def initial_theta(sizes, seed, init="xavier"):
    """The parameters of a dense net before training, float64 (P,), in bplib's order.

    sizes: units in each layer, from the inputs on, such as (2, 8, 1). Per layer W
    (n_in, n_out) in C order, uniform around 0, then b = 0. init: "xavier" or "he", with
    the standard deviations that bplib's Dense has, or a number: that standard
    deviation. Equal seeds draw the same numbers, which init only scales.
    """
    sizes = [whole("each of sizes", size, 1) for size in sizes]
    if len(sizes) < 2:
        raise ValueError(f"sizes must name inputs and outputs, (2, 1), got {sizes}")
    if not (isinstance(init, str) and init in ("xavier", "he") or is_number(init)):
        raise ValueError(
            'init must be "xavier", "he" or a standard deviation of at least 0, '
            f"got {init!r}"
        )
    random, theta = Random(seed, 1), []
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        if init == "xavier":
            limit = sqrt(6 / (n_in + n_out))
        elif init == "he":
            limit = sqrt(6 / n_in)
        else:
            limit = float(init) * sqrt(3)
        theta += [limit * (2 * random.uniform() - 1) for _ in range(n_in * n_out)]
        theta += [0.0] * n_out
    return np.array(theta)


def moon(label, i, n, noise, random):
    angle = pi * i / max(n - 1, 1)
    x, y = cos(angle), sin(angle)
    if label == 1:
        x, y = 1 - x, 0.5 - y
    return x + noise * random.normal(), y + noise * random.normal()


def circle(label, i, n, noise, random):
    angle, radius = 2 * pi * i / n, 1 - label / 2
    x, y = radius * cos(angle), radius * sin(angle)
    return x + noise * random.normal(), y + noise * random.normal()


def spiral(label, i, n, noise, random):
    r = i / max(n - 1, 1)
    angle = 4 * label + 4 * r + noise * random.normal()
    return r * sin(angle), r * cos(angle)


# name: where point i of n of a class lies, number of classes, default noise
SETS = {
    "moons": (moon, 2, 0.1),
    "circles": (circle, 2, 0.1),
    "spirals": (spiral, 3, 0.2),
}


def dataset(name, n=50, noise=None, seed=0):
    """The examples called name, laid out as by bplib.data: x (N, 2), t int64 (N,).

    name: "xor", "moons", "circles" or "spirals" (three arms). n: points of each class.
    noise: standard deviation, of the angle in spirals; None: what suits the set.
    "xor" is its four corners, whatever n and noise are.
    """
    if name not in ("xor", *SETS):
        raise ValueError(f"name must be xor, {', '.join(SETS)}, got {name!r}")
    n, random = whole("n", n, 1), Random(seed, 2)
    if noise is not None and not is_number(noise):
        raise ValueError(f"noise must be a finite number of at least 0, got {noise!r}")
    if name == "xor":
        return np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    place, classes, usual = SETS[name]
    noise = usual if noise is None else float(noise)
    t = np.repeat(np.arange(classes, dtype=np.int64), n)
    x = [place(c, i, n, noise, random) for c in range(classes) for i in range(n)]
    return np.array(x), t


def is_number(value):
    number = isinstance(value, Real) and not isinstance(value, bool)
    return number and isfinite(value) and value >= 0


def whole(name, value, least):
    """value as an int from least to 2**32 - 1."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if not least <= value < WORD:
        raise ValueError(f"{name} must be from {least} to {WORD - 1}, got {value}")
    return int(value)
