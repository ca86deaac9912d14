"""Slips on the way back through pooling and flattening."""

import numpy as np

from bplib.diagnosis.backward import (
    cells,
    spread,
)
from bplib.diagnosis.slips.table import slip
from bplib.layers import Flatten, MaxPool2D

slip(
    "pool_ties",
    "at a tie, every largest pixel of a window of {place} gets the whole gradient",
    MaxPool2D,
    dx=lambda s, dz, d: spread(s, dz) * (s.x == spread(s, s.y)),
)
slip(
    "pool_to_all",
    "every pixel of a window of {place} gets the whole gradient",
    MaxPool2D,
    dx=lambda s, dz, d: spread(s, dz),
)
slip(
    "pool_to_all",
    "every pixel of a window of {place} gets an equal share, as if it were the mean",
    MaxPool2D,
    dx=lambda s, dz, d: spread(s, dz) / s.layer.sizes[0] ** 2,
)


def to_first(s, dz, d):
    dx = np.zeros_like(s.x)
    cells(s, dx)[:, :, 0, :, 0] = dz
    return dx


slip(
    "pool_wrong_place",
    "the first pixel of every window of {place} gets the gradient, not the largest",
    MaxPool2D,
    dx=to_first,
)


def flat_order(s, dz, d):
    if s.x.ndim != 4:
        return None
    n, height, width, c = s.x.shape
    return dz.reshape(n, c, height, width).transpose(0, 2, 3, 1)


slip(
    "flatten_order",
    "{place} sends the gradient back with the channels first, they came last",
    Flatten,
    dx=flat_order,
)
slip(
    "flatten_order",
    "{place} sends the gradient back with its axes in reversed order",
    Flatten,
    dx=lambda s, dz, d: dz.reshape(s.x.shape[:1] + s.x.shape[:0:-1]).transpose(
        0, *range(s.x.ndim - 1, 0, -1)
    ),
)
