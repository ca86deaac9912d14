"""Slips on the way back through sigmoid, tanh and relu."""

import numpy as np

from bplib.diagnosis.backward import (
    ACTIVATIONS,
    SLOPE,
    sigmoid,
    winner,
)
from bplib.diagnosis.slips.table import nth, slip
from bplib.layers import Dense, MaxPool2D, ReLU, Sigmoid, Tanh

TAKEN = "the derivative of {place} was taken as "


def all_slips(mistake, words, slopes):
    for kind, slope in slopes.items():
        slip(mistake, words[kind], kind, dx=lambda s, dz, d, f=slope: dz * f(s))


slip(
    "missing_activation_derivative",
    "the gradient passes {place} unchanged: its derivative is missing",
    ACTIVATIONS,
    dx=lambda s, dz, d: dz,
)
slip(
    "relu_mask_of_output",
    "the mask of {place} is `y >= 0`, which is always true",
    ReLU,
    dx=lambda s, dz, d: dz * (s.y >= 0),
)
slip(
    "derivative_twice",
    "the derivative of {place} is multiplied twice",
    (Sigmoid, Tanh),
    dx=lambda s, dz, d: dz * SLOPE[s.kind](s) ** 2,
)
all_slips(
    "derivative_at_wrong_argument",
    {
        Sigmoid: TAKEN + "x (1 - x), with the pre-activation x",
        Tanh: TAKEN + "1 - x**2, with the pre-activation x",
    },
    {Sigmoid: lambda s: s.x * (1 - s.x), Tanh: lambda s: 1 - s.x**2},
)
all_slips(
    "derivative_at_wrong_argument",
    {
        Sigmoid: "the derivative of {place} is taken at its output y, not at its input",
        Tanh: "the derivative of {place} is taken at its output y, not at its input",
    },
    {
        Sigmoid: lambda s: sigmoid(s.y) * (1 - sigmoid(s.y)),
        Tanh: lambda s: 1 - np.tanh(s.y) ** 2,
    },
)
all_slips(
    "derivative_of_wrong_function",
    {
        Sigmoid: TAKEN + "1 - y**2, which belongs to tanh",
        Tanh: TAKEN + "y (1 - y), which belongs to the sigmoid",
        ReLU: TAKEN + "y (1 - y), which belongs to the sigmoid",
    },
    {
        Sigmoid: lambda s: 1 - s.y**2,
        Tanh: lambda s: s.y * (1 - s.y),
        ReLU: lambda s: s.y * (1 - s.y),
    },
)
all_slips(
    "derivative_of_wrong_function",
    dict.fromkeys((Sigmoid, Tanh), TAKEN + "`x > 0`, which belongs to relu"),
    dict.fromkeys((Sigmoid, Tanh), SLOPE[ReLU]),
)
all_slips(
    "derivative_of_wrong_function",
    {ReLU: TAKEN + "1 - y**2, which belongs to tanh"},
    {ReLU: lambda s: 1 - s.y**2},
)
all_slips(
    "derivative_incomplete",
    {
        Sigmoid: TAKEN + "y; right is y (1 - y)",
        Tanh: TAKEN + "y; right is 1 - y**2",
        ReLU: TAKEN + "y; right is `x > 0`",
    },
    dict.fromkeys(ACTIVATIONS, lambda s: s.y),
)
all_slips(
    "derivative_incomplete",
    {
        Sigmoid: TAKEN + "1 - y; right is y (1 - y)",
        Tanh: TAKEN + "1 - y; right is 1 - y**2",
    },
    dict.fromkeys((Sigmoid, Tanh), lambda s: 1 - s.y),
)
all_slips(
    "derivative_incomplete",
    {Tanh: TAKEN + "(1 - y)**2; right is 1 - y**2"},
    {Tanh: lambda s: (1 - s.y) ** 2},
)
slip(
    "upstream_overwritten",
    "what arrives at {place} is overwritten by its derivative, not multiplied",
    ACTIVATIONS,
    dx=lambda s, dz, d: SLOPE[s.kind](s),
)
slip(
    "upstream_overwritten",
    "what arrives at {place} is lost: its weights alone are passed on",
    Dense,
    dx=lambda s, dz, d: np.ones_like(dz) @ s.W.T,
)
slip(
    "upstream_overwritten",
    "what arrives at {place} is overwritten by the mask, not multiplied",
    MaxPool2D,
    dx=lambda s, dz, d: winner(s),
)
slip(
    "relu_mask_wrong",
    "the mask of {place} is `dy > 0`: taken from the gradient, not from its input",
    ReLU,
    dx=lambda s, dz, d: dz * (dz > 0),
)
slip(
    "relu_mask_wrong",
    "the mask of {place} is upside down: `x <= 0`",
    ReLU,
    dx=lambda s, dz, d: dz * (s.x <= 0),
)


def others(s, shape, mine):
    """The other steps whose y has this shape, by distance."""
    steps = [o for o in s.record.steps if o is not s and o.y.shape == shape]
    return [o for o in steps if o.kind in mine]


for n in range(3):

    def slope_of_other(s, dz, d, n=n):
        other = nth(others(s, s.y.shape, (Sigmoid, Tanh)), n)
        return None if other is None else dz * SLOPE[s.kind](other)

    def slope_of_twin(s, dz, d, n=n):
        other = nth(others(s, s.y.shape, (s.kind,)), n)
        return None if other is None else dz * SLOPE[s.kind](other)

    def mask_of_other(s, dz, d, n=n):
        other = nth([o for o in s.record.steps if o is not s and same_x(o, s)], n)
        if other is None or (other.x > 0).all():
            return None  # that mask lets all through: the derivative is missing
        return dz * (other.x > 0)

    slip(
        "derivative_of_wrong_layer",
        "the derivative of {place} is computed from another layer's output",
        (Sigmoid, Tanh),
        dx=slope_of_other,
    )
    slip(
        "derivative_of_wrong_layer",
        "the derivative of {place} is computed from another layer's output",
        (Sigmoid, Tanh),
        dx=slope_of_twin,
    )
    slip(
        "relu_mask_wrong",
        "the mask of {place} is taken from another layer's array",
        ReLU,
        dx=mask_of_other,
    )


def same_x(one, other):
    return one.x.shape == other.x.shape and not np.array_equal(one.x > 0, other.x > 0)
