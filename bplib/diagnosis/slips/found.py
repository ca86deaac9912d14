"""Slips with a number p that must be found, and choices at corners."""

from bplib.diagnosis.backward import (
    ACTIVATIONS,
    WEIGHTS,
    Slip,
    cells,
    spread,
    winner,
)
from bplib.diagnosis.slips.table import SLIPS, slip
from bplib.layers import Flatten, MaxPool2D, ReLU


def plus(name):
    """Add p times the parameter."""
    return lambda s, dz, d, p: (
        d + p * s.params[name] if d.shape == s.params[name].shape else None
    )


W_and_U = {"dW": plus("W"), "dU": plus("U")}
slip(
    "regularization_missing",
    "the term {decay} * W of the weight decay is missing in dW of {place}",
    WEIGHTS,
    dW=lambda s, dz, d: d - s.record.decay * s.W,
    dU=lambda s, dz, d: d - s.record.decay * s.U,
)
slip(
    "regularization_on_bias",
    "{p} * b was added to db of {place}, but biases are not regularized",
    WEIGHTS,
    unknown="factor of the penalty",
    db=plus("b"),
)
slip(
    "regularization_on_bias",
    "{p} * W was added to dW and {p} * b to db of {place}, but the loss has no such "
    "penalty, and biases least of all",
    WEIGHTS,
    unknown="factor of the penalty",
    **W_and_U,
    db=plus("b"),
)
slip(
    "regularization_added",
    "{p} * W was added to dW of {place}, beyond what the loss asks for",
    WEIGHTS,
    unknown="factor of the penalty",
    **W_and_U,
)


def scaled(s, dz, d, p):
    return d * p


words = "all arrays are {p} times what is right"
SLIPS.append(Slip("factor", words, (), {"dy": scaled}, "factor"))
slip(
    "factor",
    "the arrays of {place} are {p} times what is right",
    WEIGHTS,
    unknown="factor",
    dW=scaled,
    dU=scaled,
    db=scaled,
)
slip(
    "factor",
    "dW of {place} is {p} times what is right",
    WEIGHTS,
    unknown="factor",
    dW=scaled,
    dU=scaled,
)
slip("factor", "db of {place} is {p} times what is right", WEIGHTS, "factor", db=scaled)
slip(
    "factor",
    "the gradients that {place} sends back are {p} times what is right",
    (*WEIGHTS, *ACTIVATIONS, MaxPool2D, Flatten),
    unknown="factor",
    dx=scaled,
)
# A choice at a corner, where there is no derivative: right on both sides.
slip(
    "kink",
    "{place} takes 1 as its derivative at 0, bplib takes 0",
    ReLU,
    dx=lambda s, dz, d: dz * (s.x >= 0),
)
slip(
    "kink",
    "{place} takes 1/2 as its derivative at 0, bplib takes 0",
    ReLU,
    dx=lambda s, dz, d: dz * ((s.x > 0) + 0.5 * (s.x == 0)),
)
slip(
    "kink",
    "at a tie {place} gives the gradient to the last, bplib to the first",
    MaxPool2D,
    dx=lambda s, dz, d: spread(s, dz) * winner(s, last=True),
)


def shared(s, dz, d):
    ties = (s.x == spread(s, s.y)).astype(float)
    return spread(s, dz) * ties / spread(s, cells(s, ties).sum(axis=(2, 4)))


slip(
    "kink",
    "at a tie {place} divides the gradient among the largest, bplib gives it to the "
    "first",
    MaxPool2D,
    dx=shared,
)
