"""Slips in sums: over the examples of a batch, and in the bias."""

import numpy as np

from bplib.diagnosis.backward import (
    RIGHT,
    WEIGHTS,
    Slip,
    rows,
)
from bplib.diagnosis.slips.table import SLIPS, slip
from bplib.layers import RNN, Conv2D, Dense

for which, word in (slice(-1, None), "last"), (slice(0, 1), "first"):

    def only(s, dz, d, which=which):
        """The examples before or after leave no trace."""
        kept = np.zeros_like(dz)
        where = (slice(None), which) if s.kind is RNN else which
        kept[where] = dz[where]
        return kept

    def only_dW(s, dz, d, only=only):
        return RIGHT[s.kind]["dW"](s, only(s, dz, d))

    def only_dU(s, dz, d, only=only):
        return RIGHT[s.kind]["dU"](s, only(s, dz, d))

    def only_db(s, dz, d, only=only):
        return RIGHT[s.kind]["db"](s, only(s, dz, d))

    def only_dy(record, dz, d, which=which):
        kept = np.zeros_like(d)
        kept[which] = d[which]
        return kept

    words = f"only the {word} example is in "
    SLIPS.append(Slip("one_example_only", words + "the gradient", (), {"dy": only_dy}))
    parts = {"dW": only_dW, "dU": only_dU, "db": only_db}
    slip("one_example_only", words + "the arrays of {place}", WEIGHTS, **parts)
    slip("one_example_only", words + "dW of {place}", WEIGHTS, dW=only_dW, dU=only_dU)
    slip("one_example_only", words + "db of {place}", WEIGHTS, db=only_db)
    words = f"the {word} example is left out of "

    def without_dW(s, dz, d, only=only_dW):
        return d - only(s, dz, d)

    def without_dU(s, dz, d, only=only_dU):
        return d - only(s, dz, d)

    def without_db(s, dz, d, only=only_db):
        return d - only(s, dz, d)

    parts = {"dW": without_dW, "dU": without_dU, "db": without_db}
    slip("example_left_out", words + "the arrays of {place}", WEIGHTS, **parts)
    del parts["db"]
    slip("example_left_out", words + "dW of {place}", WEIGHTS, **parts)
    slip("example_left_out", words + "db of {place}", WEIGHTS, db=without_db)
    slip(
        "path_lost",
        f"only the {word} window or time step is in db of {{place}}",
        (Conv2D, RNN),
        db=lambda s, dz, d, i=0 if word == "first" else -1: (
            dz[i] if s.kind is RNN else dz[:, i, i]
        ).sum(axis=0, keepdims=True),
    )
slip(
    "batch_mean_bias",
    "db of {place} is the mean over the batch, though dy holds 1/N already",
    WEIGHTS,
    db=lambda s, dz, d: d / s.record.N,
)
slip(
    "batch_mean_bias",
    "db of {place} is the mean over examples and windows or time steps, not their sum",
    (Conv2D, RNN),
    db=lambda s, dz, d: d / len(rows(dz)),
)
slip(
    "bias_not_summed",
    "db of {place} is not summed over the examples",
    WEIGHTS,
    db=lambda s, dz, d: dz,
)
slip(
    "bias_not_summed",
    "db of {place} is not summed over all axes but the last",
    (Conv2D, RNN),
    db=lambda s, dz, d: dz.sum(axis=0),
)
slip(
    "bias_not_summed",
    "db of {place} is not summed over the windows or the time steps",
    (Conv2D, RNN),
    db=lambda s, dz, d: dz.sum(axis=1 if s.kind is RNN else (1, 2)),
)
slip(
    "bias_forgotten",
    "db of {place} is zero: it was never computed",
    WEIGHTS,
    db=lambda s, dz, d: np.zeros_like(d),
)
slip(
    "bias_wrong_axis",
    "db of {place} is summed over the outputs, not over the examples",
    Dense,
    db=lambda s, dz, d: dz.sum(axis=1),
)
slip(
    "bias_wrong_axis",
    "db of {place} is summed over the outputs, not over the examples",
    Dense,
    db=lambda s, dz, d: dz.sum(axis=1, keepdims=True),
)
slip(
    "bias_wrong_axis",
    "db of {place} is one number, the sum over examples and outputs",
    WEIGHTS,
    db=lambda s, dz, d: np.array(dz.sum()),
)
slip(
    "bias_wrong_axis",
    "db of {place} is the sum over examples and outputs, the same for every output",
    WEIGHTS,
    db=lambda s, dz, d: np.full_like(d, dz.sum()),
)
slip(
    "weights_zero",
    "dW of {place} is zero: it was never computed",
    WEIGHTS,
    dW=lambda s, dz, d: np.zeros_like(d),
)
slip(
    "weights_zero",
    "dU of {place} is zero: it was never computed",
    RNN,
    dU=lambda s, dz, d: np.zeros_like(d),
)


def without_bias(net, places):
    for index in places:
        net.layers[index].b = 0


slip(
    "bias_not_in_forward",
    "your forward pass leaves the bias out in {place}: x @ W, not x @ W + b",
    WEIGHTS,
    forward=without_bias,
)
