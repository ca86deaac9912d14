"""Slips on the way back through time."""

import numpy as np

from bplib.diagnosis.backward import (
    RIGHT,
    rows,
    through_time,
)
from bplib.diagnosis.slips.table import slip
from bplib.layers import RNN


def z(s):
    """What goes into tanh at every time step."""
    return s.x_t @ s.W + s.h[:-1] @ s.U + s.b


slip(
    "last_time_step_only",
    "only the last time step of {place} is in the gradient",
    RNN,
    dz=lambda s, dy, d: through_time(s, dy, steps=1),
)
for steps in range(2, 11):
    slip(
        "truncated",
        f"in {{place}} the gradient goes back {steps} time steps, not all",
        RNN,
        dz=lambda s, dy, d, n=steps: through_time(s, dy, steps=n),
    )


def one_step(t):
    def f(s, dz, d):
        kept = np.zeros_like(dz)
        kept[t] = dz[t]
        return kept

    return f


for t, word in (0, "first"), (-1, "last"):
    f = one_step(t)
    slip(
        "path_lost",
        f"only the {word} time step is in the arrays of {{place}}",
        RNN,
        dW=lambda s, dz, d, f=f: RIGHT[RNN]["dW"](s, f(s, dz, d)),
        dU=lambda s, dz, d, f=f: RIGHT[RNN]["dU"](s, f(s, dz, d)),
        db=lambda s, dz, d, f=f: RIGHT[RNN]["db"](s, f(s, dz, d)),
    )
    for name in ("dW", "dU")[: 1 + (t == -1)]:  # dU of the first step is zero
        slip(
            "path_lost",
            f"only the {word} time step is in {name} of {{place}}",
            RNN,
            **{name: lambda s, dz, d, f=f, name=name: RIGHT[RNN][name](s, f(s, dz, d))},
        )
slip(
    "h0_wrong",
    "in dU of {place} the state before the first step is the last state: h[-1]",
    RNN,
    dU=lambda s, dz, d: d + s.h[-1].T @ dz[0],
)
slip(
    "h0_wrong",
    "in dU of {place} the state before the first step is 1, it is 0",
    RNN,
    dU=lambda s, dz, d: d + np.ones_like(s.h[0]).T @ dz[0],
)
slip(
    "state_shifted",
    "dU of {place} uses the state after each step, not the one before it",
    RNN,
    dU=lambda s, dz, d: rows(s.h[1:]).T @ rows(dz),
)
slip(
    "time_reversed",
    "dW of {place} pairs the inputs with the gradients in reversed order of time",
    RNN,
    dW=lambda s, dz, d: rows(s.x_t[::-1]).T @ rows(dz),
)
slip(
    "missing_activation_derivative",
    "in {place} the derivative of tanh is missing",
    RNN,
    dz=lambda s, dy, d: through_time(s, dy, slope=np.ones_like(s.h[1:])),
)
slip(
    "derivative_twice",
    "in {place} the derivative of tanh is multiplied twice",
    RNN,
    dz=lambda s, dy, d: through_time(s, dy, slope=(1 - s.h[1:] ** 2) ** 2),
)
slip(
    "derivative_at_wrong_argument",
    "in {place} the derivative of tanh was taken as 1 - z**2, with the "
    "pre-activation z",
    RNN,
    dz=lambda s, dy, d: through_time(s, dy, slope=1 - z(s) ** 2),
)
slip(
    "derivative_at_wrong_argument",
    "in {place} the derivative of tanh is taken at h, not at its input",
    RNN,
    dz=lambda s, dy, d: through_time(s, dy, slope=1 - np.tanh(s.h[1:]) ** 2),
)
slip(
    "derivative_at_wrong_argument",
    "in {place} the derivative of tanh uses the state of the step before",
    RNN,
    dz=lambda s, dy, d: through_time(s, dy, slope=1 - s.h[:-1] ** 2),
)
slip(
    "derivative_of_wrong_function",
    "in {place} the derivative was taken as h (1 - h), which belongs to the sigmoid",
    RNN,
    dz=lambda s, dy, d: through_time(s, dy, slope=s.h[1:] * (1 - s.h[1:])),
)
slip(
    "derivative_incomplete",
    "in {place} the derivative was taken as 1 - h; right is 1 - h**2",
    RNN,
    dz=lambda s, dy, d: through_time(s, dy, slope=1 - s.h[1:]),
)
