"""Slips on the way back through a convolution."""

import numpy as np

from bplib.diagnosis.backward import (
    conv_dW,
    conv_dx,
)
from bplib.diagnosis.slips.table import slip
from bplib.layers import Conv2D


def moved_by(array, i, j):
    """The picture one pixel further, with zeros where there was nothing."""
    out = np.zeros_like(array)
    height, width = array.shape[1:3]
    out[:, max(i, 0) : height + min(i, 0), max(j, 0) : width + min(j, 0)] = array[
        :, max(-i, 0) : height - max(i, 0), max(-j, 0) : width - max(j, 0)
    ]
    return out


def every(dz, rows_, columns):
    """dz at some windows, zero at the others."""
    kept = np.zeros_like(dz)
    kept[:, rows_, columns] = dz[:, rows_, columns]
    return kept


def conv(mistake, words, dz):
    """A slip in which windows: in all arrays, in dW alone and in dx alone."""
    slip(mistake, words, Conv2D, dz=lambda s, dy, d: dz(d))
    slip(mistake, words, Conv2D, dW=lambda s, d, _: conv_dW(s, dz(d)))
    slip(mistake, words, Conv2D, dx=lambda s, d, _: conv_dx(s, dz(d)))
    slip(
        mistake,
        words,
        Conv2D,
        dW=lambda s, d, _: conv_dW(s, dz(d)),
        dx=lambda s, d, _: conv_dx(s, dz(d)),
    )


slip(
    "kernel_not_flipped",
    "the gradient goes back through {place} with the filter turned by 180 degrees",
    Conv2D,
    dx=lambda s, dz, d: conv_dx(s, dz, s.W[::-1, ::-1]),
)
slip(
    "kernel_gradient_flipped",
    "dW of {place} is turned by 180 degrees",
    Conv2D,
    dW=lambda s, dz, d: d[::-1, ::-1],
)
slip(
    "channels_swapped",
    "input and output channels are exchanged in dW of {place}",
    Conv2D,
    dW=lambda s, dz, d: d.swapaxes(2, 3),
)
slip(
    "channels_swapped",
    "the gradient goes back through {place} with input and output channels exchanged",
    Conv2D,
    dx=lambda s, dz, d: (
        conv_dx(s, dz, s.W.swapaxes(2, 3)) if s.W.shape[2] == s.W.shape[3] else None
    ),
)
for i, j in (1, 1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1):
    slip(
        "padding_off_by_one",
        "dW of {place} reads the windows one pixel off",
        Conv2D,
        dW=lambda s, dz, d, i=i, j=j: conv_dW(s, dz, moved_by(s.x, i, j)),
    )
    slip(
        "padding_off_by_one",
        "the gradient goes back through {place} one pixel off",
        Conv2D,
        dx=lambda s, dz, d, i=i, j=j: moved_by(d, i, j),
    )
conv(
    "last_window_missed",
    "the last row and column of windows are left out in {place}",
    lambda dz: every(dz, slice(-1), slice(-1)),
)
conv(
    "stride_wrong",
    "only every second window is used in {place}",
    lambda dz: every(dz, slice(None, None, 2), slice(None, None, 2)),
)


def last_window(s, dz, d, i=-1):
    """Windows overlap: what the last one writes stays."""
    dx, k = np.zeros_like(s.x), len(s.W)
    for a, b in np.ndindex(dz.shape[1:3]):
        dx[:, a : a + k, b : b + k] = np.einsum("no,ijco->nijc", dz[:, a, b], s.W)
    return dx


slip(
    "path_lost",
    "where windows of {place} overlap, only the last one's gradient is kept",
    Conv2D,
    dx=last_window,
)
for i, word in (-1, "last"), (0, "first"):
    slip(
        "path_lost",
        f"only the {word} window is in dW of {{place}}",
        Conv2D,
        dW=lambda s, dz, d, i=i: conv_dW(s, every(dz, [i], [i])),
    )
    slip(
        "path_lost",
        f"only the {word} window is in the arrays of {{place}}",
        Conv2D,
        dW=lambda s, dz, d, i=i: conv_dW(s, every(dz, [i], [i])),
        db=lambda s, dz, d, i=i: dz[:, i, i].sum(axis=0, keepdims=True),
    )
