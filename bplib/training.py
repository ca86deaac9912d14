"""Training is a loop that you own: `train` takes one step each time you ask."""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from bplib.data import minibatches


@dataclass(frozen=True, slots=True)
class Step:
    """What `train` reports after an update.

    iteration: counts updates from 1. epoch: counts passes over the data from 1.
    loss: of the (mini)batch, *before* this update; (K,) with copies, nan for a copy
    that has diverged. diverged_at: with copies (K,), the iteration at which a copy's
    loss was first not finite, 0 for none; without copies None.
    """

    iteration: int
    epoch: int
    loss: float | np.ndarray
    diverged_at: np.ndarray | None = None


def train(
    net, loss, optimizer, x, t, *, iterations=None, epochs=None, batch=None, rng=None
):
    """Train net to give t for x, one update at a time: `for step in train(...):`.

    It is a generator: nothing happens until you loop over it, and after every update
    your code runs. Leave the loop and the net is as the last update left it; call
    `train` again with the same optimizer to go on (iteration and epoch then count from
    1 again, and batches start a new epoch).

    x: examples along the first axis. t: targets, as the loss wants them. Say how
    long: either `iterations` (updates) or `epochs` (passes over the data).
    batch: examples in an update, drawn without replacement by rng (a NumPy
    Generator), so that every example comes once an epoch; None: all of them.

    A loss that is not finite raises FloatingPointError, and the net keeps the last
    parameters at which it was finite. With copies, such a copy is frozen there, and
    the error is raised only when all are. The loss after the last update is not looked
    at.
    """
    for name, thing, method, example in (
        ("net", net, "named_parameters", "Net(Dense(2, 3))"),
        ("loss", loss, "backward", "SquaredError()"),
        ("optimizer", optimizer, "step", "SGD(0.1)"),
    ):
        if isinstance(thing, type) or not hasattr(thing, method):
            raise TypeError(f"{name} must be one such as {example}, got {thing!r}")
    x, t = check_data(net, x, t)
    optimizer.check(net.theta, net.grad, net.decay_mask)
    if (iterations is None) == (epochs is None):
        raise ValueError("say how long to train: either iterations=... or epochs=...")
    check_count("iterations", iterations, 0)
    check_count("epochs", epochs, 0)
    check_count("batch", batch, 1)
    if batch is None and rng is not None:
        raise ValueError(
            "rng draws batches: say how large, batch=..., or leave rng out"
        )
    if batch is not None and not isinstance(rng, np.random.Generator):
        raise TypeError(
            "batches are drawn at random: pass rng=np.random.default_rng(0), "
            f"got rng={rng!r}"
        )
    if iterations is None:
        iterations = epochs * math.ceil(len(x) / (batch or len(x)))
    return steps(net, loss, optimizer, endless(x, t, batch, rng), iterations)


def steps(net, loss, optimizer, batches, iterations):
    """The loop of `train`, its arguments checked."""
    # Frozen copies are those that stay where their loss was last finite.
    theta = np.atleast_2d(net.theta)  # a view: one row for each copy
    kept = theta.copy()  # the last parameters with a finite loss
    diverged_at = np.zeros(len(theta), int)
    decay_mask = net.decay_mask
    for iteration, (epoch, x, t) in zip(range(1, iterations + 1), batches):  # noqa: B905
        # A run that diverges overflows on its way; the check reports it, in words.
        with np.errstate(over="ignore", invalid="ignore"):
            value = loss.forward(net.forward(x), t)
            if not np.isfinite(value).all():
                lost = (diverged_at == 0) & ~np.isfinite(np.atleast_1d(value))
                diverged_at[lost] = iteration
                theta[lost] = kept[lost]
                if diverged_at.all():
                    raise FloatingPointError(explain(net, optimizer, iteration, value))
            net.backward(loss.backward(), need_dx=False)
            frozen = diverged_at > 0
            np.copyto(kept, theta)  # of a frozen copy: the same once more
            optimizer.step(net.theta, net.grad, decay_mask)
            theta[frozen] = kept[frozen]
        if net.copies is None:
            yield Step(iteration, epoch, value)
        else:
            value = np.where(frozen, np.nan, value)
            yield Step(iteration, epoch, value, diverged_at.copy())


def accuracy(net, x, t, threshold=None):
    """The share of examples that net gets right, from 0 to 1; (K,) with copies.

    t: labels (N,), whole numbers. With several outputs the largest one wins; with
    one, class 1 is an output above threshold. None: 0, as for logits, or 1/2 if the net
    ends in a Sigmoid; after SquaredError towards 0 and 1 say threshold=0.5.
    """
    x, t = check_data(net, x, t)
    y = net.forward(x)
    if t.dtype.kind not in "iub" or t.shape != (len(x),):
        raise ValueError(
            f"accuracy expects one whole-number label for each of the {len(x)} "
            f"examples, got shape {t.shape}, dtype {t.dtype}"
        )
    if y.ndim != 2 + (net.copies is not None):
        raise ValueError(f"accuracy expects outputs (N, n_out), got shape {y.shape}")
    classes = max(2, y.shape[-1])
    if t.min() < 0 or t.max() >= classes:
        raise ValueError(
            f"accuracy expects labels from 0 to {classes - 1}, got labels from "
            f"{t.min()} to {t.max()}"
        )
    if y.shape[-1] == 1:
        if threshold is None:
            threshold = net.layers[-1].threshold
        answer = y[..., 0] > threshold
    else:
        answer = y.argmax(axis=-1)
    right = (answer == t).mean(axis=-1)
    return float(right) if right.ndim == 0 else right


def endless(x, t, batch, rng):
    """Batches for ever: (epoch, x, t)."""
    for epoch in itertools.count(1):
        pairs = [(x, t)] if batch is None else minibatches(x, t, batch, rng)
        for pair in pairs:
            yield epoch, *pair


def check_data(net, x, t):
    x, t = np.asarray(x), np.asarray(t)
    for name, array in ("x", x), ("t", t):
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} must hold numbers, got dtype {array.dtype}")
        if array.ndim == 0 or array.size == 0:
            raise ValueError(f"{name} holds no examples: its shape is {array.shape}")
        bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
        if bad.any():
            raise ValueError(
                f"{name} holds nan or inf, first in example {bad.argmax()} (from 0)"
            )
    if len(x) != len(t):
        raise ValueError(f"x has {len(x)} examples and t has {len(t)}")
    if net.copies is not None and x.ndim != 2:
        raise ValueError(f"x for all copies together is (N, n_in), got {x.shape}")
    with np.errstate(over="ignore"):  # too large for float32: the loss will tell
        return x.astype(net.dtype, copy=False), t  # cast once, not at every step


def check_count(name, value, least):
    if value is None:
        return
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")


def explain(net, optimizer, iteration, value):
    many = "" if net.copies is None else f" in the last of {net.copies} copies"
    if iteration == 1:
        return (
            f"the loss is {value} before the first update{many}: the parameters or the "
            "data are too large. Nothing was changed"
        )
    return (
        f"the loss became {value} at iteration {iteration}{many}, with learning rate "
        f"{optimizer.learning_rate}: the steps are too large. The net keeps the last "
        "parameters that gave a finite loss; to go on, make a new net and optimizer"
    )
