"""Slips on the way back through a dense layer: its dW and its dx."""

import numpy as np

from bplib.diagnosis.backward import (
    ACTIVATIONS,
    conv_dx,
    through_time,
)
from bplib.diagnosis.slips.table import nth, slip
from bplib.layers import RNN, Conv2D, Dense

slip(
    "transpose",
    "dW of {place} is transposed",
    Dense,
    dW=lambda s, dz, d: d.T,
)
slip(
    "transpose",
    "dW and dU of {place} are transposed",
    RNN,
    dW=lambda s, dz, d: d.T,
    dU=lambda s, dz, d: d.T,
)
slip("transpose", "dW of {place} is transposed", RNN, dW=lambda s, dz, d: d.T)
slip("transpose", "dU of {place} is transposed", RNN, dU=lambda s, dz, d: d.T)
slip(
    "transpose",
    "rows and columns of the filters are exchanged in dW of {place}",
    Conv2D,
    dW=lambda s, dz, d: d.swapaxes(0, 1),
)


def untransposed(s, dz, d):
    if s.kind is Dense and s.W.shape[0] == s.W.shape[1]:
        return dz @ s.W
    if s.kind is Conv2D:  # rows and columns of the filter
        return conv_dx(s, dz, s.W.swapaxes(0, 1))
    return None


slip(
    "weights_not_transposed",
    "the gradient goes back through {place} by `dy @ W`, not `dy @ W.T`",
    (Dense, Conv2D),
    dx=untransposed,
)
slip(
    "weights_not_transposed",
    "the gradient goes back in time in {place} by `dz @ U`, not `dz @ U.T`",
    RNN,
    dz=lambda s, dy, d: through_time(s, dy, back=s.U),
)
slip(
    "updated_weights",
    "{place} was updated, with learning rate {p}, before the gradient went back "
    "through it",
    (Dense, Conv2D),
    unknown="learning rate",
    dx=lambda s, dz, d, p: moved(s, dz, p),
)


def moved(s, dz, p):
    W = s.W - p * s.found["dW"] if s.found["dW"].shape == s.W.shape else s.W
    return conv_dx(s, dz, W) if s.kind is Conv2D else dz @ W.T


slip(
    "weights_missing",
    "the gradient goes back through {place} without its weights",
    Dense,
    dx=lambda s, dz, d: dz if d.shape == dz.shape else None,
)
slip(
    "weights_missing",
    "the gradient goes back through {place} without its weights, only summed",
    Dense,
    dx=lambda s, dz, d: np.broadcast_to(dz.sum(axis=1, keepdims=True), d.shape),
)
slip(
    "path_lost",
    "only the last output of {place} sends a gradient back",
    Dense,
    dx=lambda s, dz, d: dz[:, -1:] @ s.W[:, -1:].T,
)
slip(
    "path_lost",
    "only the first output of {place} sends a gradient back",
    Dense,
    dx=lambda s, dz, d: dz[:, :1] @ s.W[:, :1].T,
)


def other_weights(s, dz, d, n):
    steps = [o for o in s.record.steps if o is not s and o.kind is Dense]
    other = nth([o for o in steps if o.W.shape == s.W.shape], n)
    return None if other is None else dz @ other.W.T


def other_input(s, dz, d, n):
    """dW with another array where the input belongs."""
    arrays = [s.before.x] if s.before else []
    arrays += [o.x for o in s.record.steps] + [o.y for o in s.record.steps]
    arrays = [a for a in arrays if a.shape == s.x.shape and a is not s.x]
    other = nth(arrays, n)
    return None if other is None else other.T @ dz


slip(
    "wrong_input",
    "dW of {place} uses the pre-activation, not the output of the activation",
    Dense,
    dW=lambda s, dz, d: (
        s.before.x.T @ dz if s.before and s.before.kind in ACTIVATIONS else None
    ),
)
for n in range(8):
    slip(
        "wrong_input",
        "dW of {place} uses another layer's array where its own input belongs",
        Dense,
        dW=lambda s, dz, d, n=n: other_input(s, dz, d, n),
    )
for n in range(3):
    slip(
        "weights_of_wrong_layer",
        "the gradient goes back through {place} with another layer's weights",
        Dense,
        dx=lambda s, dz, d, n=n: other_weights(s, dz, d, n),
    )
