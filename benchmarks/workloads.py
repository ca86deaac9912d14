"""A workload is one network, one minibatch and one learning rate, drawn from a seed."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

CLASSES = 10
CHANNELS = (1, 8, 16)  # of the convolutional nets: image, first, second convolution
KERNEL, POOL = 3, 2


@dataclass(frozen=True)
class Workload:
    """What every contestant is given; all make the same step from the same start.

    kind "sigmoid": sigmoid after every layer, half squared error
         "dense":   ReLU between layers, softmax with cross-entropy
         "conv":    sizes (side,): conv, ReLU, max-pool, conv, ReLU, flatten, dense
         "rnn":     sizes (n_in, n_hidden, T): tanh rnn, dense on the last state
         "rates":   tanh, one logit, binary cross-entropy; `rate` is (K,), and
                    all K networks start alike
    """

    name: str
    kind: str
    sizes: tuple
    batch: int
    dtype: type = np.float32
    rate: object = 1e-3

    @cached_property
    def shapes(self):
        """{name: shape} of the parameters, in the order of bplib's `net.theta`."""
        if self.kind == "conv":
            (side,) = self.sizes
            c0, c1, c2 = CHANNELS
            flat = c2 * ((side - KERNEL + 1) // POOL - KERNEL + 1) ** 2
            return {
                "W1": (KERNEL, KERNEL, c0, c1),
                "b1": (1, c1),
                "W2": (KERNEL, KERNEL, c1, c2),
                "b2": (1, c2),
                "W3": (flat, CLASSES),
                "b3": (1, CLASSES),
            }
        if self.kind == "rnn":
            n, h, _ = self.sizes
            return {
                "W1": (n, h),
                "U1": (h, h),
                "b1": (1, h),
                "W2": (h, CLASSES),
                "b2": (1, CLASSES),
            }
        pairs = list(zip(self.sizes, self.sizes[1:], strict=False))
        return {
            name: shape
            for i, (n_in, n_out) in enumerate(pairs, 1)
            for name, shape in ((f"W{i}", (n_in, n_out)), (f"b{i}", (1, n_out)))
        }

    @cached_property
    def params(self):
        """{name: array}, drawn in float64 and then rounded to the dtype."""
        rng = np.random.default_rng(1)
        drawn = {}
        for name, shape in self.shapes.items():
            # Biases are not zero, so that an error in them cannot hide.
            scale = 0.1 if name[0] == "b" else np.prod(shape[:-1]) ** -0.5
            drawn[name] = (scale * rng.standard_normal(shape)).astype(self.dtype)
        return drawn

    @cached_property
    def x(self):
        if self.kind == "conv":
            shape = (self.batch, self.sizes[0], self.sizes[0], CHANNELS[0])
        elif self.kind == "rnn":
            shape = (self.batch, self.sizes[2], self.sizes[0])
        else:
            shape = (self.batch, self.sizes[0])
        return np.random.default_rng(2).standard_normal(shape).astype(self.dtype)

    @cached_property
    def t(self):
        """Targets: random, so that no amount of training drives the gradients to 0."""
        rng = np.random.default_rng(3)
        if self.kind == "sigmoid":
            shape = (self.batch, self.sizes[-1])
            return rng.uniform(0.1, 0.9, shape).astype(self.dtype)
        classes = {"dense": self.sizes[-1], "rates": 2}.get(self.kind, CLASSES)
        return rng.integers(0, classes, self.batch)

    @property
    def copies(self):
        return len(self.rate) if np.ndim(self.rate) else None

    def flat(self, arrays):
        """The arrays of {name: array} in one vector, ordered as in `shapes`."""
        return np.concatenate([np.ravel(arrays[name]) for name in self.shapes])

    def split(self, theta):
        """{name: view} into a vector (P,), or into (K, P) for K copies."""
        views, start = {}, 0
        for name, shape in self.shapes.items():
            stop = start + int(np.prod(shape))
            views[name] = theta[..., start:stop].reshape(*theta.shape[:-1], *shape)
            start = stop
        return views

    def with_(self, **changes):
        return replace(self, **changes)

    def one_rate(self, k):
        """The k-th of the networks that differ in their learning rate, alone."""
        return self.with_(rate=float(self.rate[k]))


def _rates(k):
    return np.logspace(-1, 0, k)


FULL = [
    Workload("2-2-2 sigmoid, batch 1, float64", "sigmoid", (2, 2, 2), 1, np.float64),
    Workload("2-64-64-3, batch 64", "dense", (2, 64, 64, 3), 64),
    Workload("784-128-10, batch 32", "dense", (784, 128, 10), 32),
    Workload("784-128-10, batch 256", "dense", (784, 128, 10), 256),
    Workload("784-1024-1024-10, batch 512", "dense", (784, 1024, 1024, 10), 512),
    Workload("conv 3x3x8, pool, conv 3x3x16, 8x8, batch 64", "conv", (8,), 64),
    Workload("conv 3x3x8, pool, conv 3x3x16, 28x28, batch 64", "conv", (28,), 64),
    Workload("rnn, 64 hidden, T=50, batch 32", "rnn", (16, 64, 50), 32),
    Workload(
        "64 learning rates, 2-8-1, batch 100",
        "rates",
        (2, 8, 1),
        100,
        rate=_rates(64),
    ),
]

SMALL = [
    Workload("2-2-2 sigmoid, batch 1, float64", "sigmoid", (2, 2, 2), 1, np.float64),
    Workload("2-8-3, batch 8", "dense", (2, 8, 3), 8),
    Workload("20-16-8-10, batch 32", "dense", (20, 16, 8, 10), 32),
    Workload("conv, 8x8, batch 4", "conv", (8,), 4),
    Workload("rnn, 8 hidden, T=5, batch 4", "rnn", (3, 8, 5), 4),
    Workload(
        "4 learning rates, 2-3-1, batch 10", "rates", (2, 3, 1), 10, rate=_rates(4)
    ),
]
