"""A gradient is a claim about slopes, and slopes can be measured: nudge and look."""

import copy
from dataclasses import dataclass

import numpy as np


def numerical_gradient(f, theta, h=1e-5):
    """The gradient of f at theta by central differences, in float64.

    Entry i is (f(theta + h e_i) - f(theta - h e_i)) / (2 h): two calls of f for every
    entry, and an error of order h^2 from the curve plus about 1e-16 |f| / h from
    rounding. f takes an array of theta's shape, its own to keep, and returns a number.
    """
    h = check_h(h)
    theta = np.array(theta, dtype=np.float64)
    gradient = np.empty_like(theta)
    for i in np.ndindex(theta.shape):
        up, down = theta.copy(), theta.copy()
        up[i] += h
        down[i] -= h
        gradient[i] = (f(up) - f(down)) / (2 * h)
    return gradient


@dataclass(frozen=True)
class Row:
    """One array of a gradient check.

    name: "W1", "b1", ..., "x", or "all" for one random direction through everything.
    error: the largest relative error of the `checked` entries. index: the entry shown:
    the worst, or where all pass the one with the largest gradient. backward,
    numerical: its two values. verdict: "ok", "kink" or "WRONG".
    """

    name: str
    checked: int
    size: int
    error: float
    index: tuple
    backward: float
    numerical: float
    verdict: str


class Report:
    """The rows of a gradient check; `.ok` if none is WRONG; prints as a table."""

    def __init__(self, rows, tolerance):
        self.rows, self.tolerance = rows, tolerance

    @property
    def ok(self):
        return all(row.verdict != "WRONG" for row in self.rows)

    def __repr__(self):
        lines = [
            f"{'array':<6}{'checked':>12}  {'rel. error':>10}  {'at':<14}"
            f"{'backward':>14}{'numerical':>14}  verdict"
        ]
        for row in self.rows:
            # Errors far below the tolerance are rounding noise: their digits differ
            # from machine to machine and mean nothing.
            small = row.error < self.tolerance
            error = f"< {self.tolerance:.0e}" if small else f"{row.error:.2g}"
            at = "" if row.name == "all" else str(list(row.index))
            lines.append(
                f"{row.name:<6}{f'{row.checked} of {row.size}':>12}  {error:>10}  "
                f"{at:<14}{row.backward:>14.6g}{row.numerical:>14.6g}  {row.verdict}"
            )
        if any(row.verdict == "kink" for row in self.rows):
            lines.append(
                "kink: a relu or a max sits on, or almost on, its corner here. The\n"
                "slope differs left and right, so finite differences cannot judge\n"
                "these entries. Check again with other values of x."
            )
        return "\n".join(lines)


def check_gradients(net, loss, x, t, *, h=1e-5, tolerance=1e-6, samples=200, seed=0):
    """Compare net.backward with central differences: each parameter array, x, and all.

    Returns a report that prints as a table; `.ok`, `.rows`. Everything is done in
    float64 on copies: your net, loss and arrays are left as they are.

    The error of an entry is |a - n| / max(|a|, |n|, 1e-2 * largest |a| of its array);
    below 1e-10 (times the loss, where that is more than 1) a difference counts as
    none. Of an array with more than `samples` entries that many are drawn. The last
    row takes one random direction through all parameters and x together.

    Where an entry disagrees and the net has corners (relu, max; see
    `Layer.kink_distance`), smaller steps are tried, and then the slopes on either
    side. If those differ the point sits on a corner, and the verdict is "kink".
    """
    h = check_h(h)
    net, loss = net.copy(np.float64), copy.deepcopy(loss)
    x = np.array(x, dtype=np.float64)
    if not np.isfinite(x).all():
        raise ValueError("x holds nan or inf: nothing can be checked there")

    def f():
        return float(np.sum(loss.forward(net.forward(x), t)))

    center = f()
    if not np.isfinite(center):
        raise ValueError(f"the loss is {center} here: nothing can be checked")
    noise = 1e-15 * max(1.0, abs(center))  # a loss is off by that much from rounding
    corners = any(np.isfinite(layer.kink_distance()) for layer in net.layers)
    dx = gradient_of_x(x, net.backward(loss.backward()))
    arrays = [(name, a, d.copy()) for name, a, d in net.named_parameters()]
    arrays.append(("x", x, dx))

    def judge(moves, claimed, size):
        """Relative error, measured slope and verdict; `moves` is a direction."""

        def at(h):
            return value_at(f, moves, h)

        def error_of(slope, h):
            if abs(claimed - slope) < noise / h:
                return 0.0
            return abs(claimed - slope) / max(abs(claimed), abs(slope), size)

        slope = (at(h) - at(-h)) / (2 * h)
        error = error_of(slope, h)
        if error < tolerance or not corners:
            return error, slope, "ok" if error < tolerance else "WRONG"
        for small in h / 10, h / 100:  # a corner between theta - h and theta + h?
            finer = (at(small) - at(-small)) / (2 * small)
            if error_of(finer, small) < tolerance:
                return error_of(finer, small), finer, "ok"
        left, right = (center - at(-small)) / small, (at(small) - center) / small
        least = 1e-3 * max(abs(left), abs(right), size) + noise / small
        return error, slope, "kink" if abs(right - left) > least else "WRONG"

    def row(name, probes, size, whole):
        """The row of one array; `probes` are (index, moves, claimed)."""
        results = [(judge(moves, a, size), i, a) for i, moves, a in probes]
        rank = {"ok": 0, "kink": 1, "WRONG": 2}
        worst = max(rank[verdict] for (_, _, verdict), _, _ in results)
        (error, slope, verdict), index, claimed = max(
            (r for r in results if rank[r[0][2]] == worst),
            key=lambda r: r[0][0] if worst else abs(r[2]),
        )
        error = max(r[0][0] for r in results)
        return Row(name, len(results), whole, error, index, claimed, slope, verdict)

    rng = np.random.default_rng(seed)
    rows = []
    for name, array, d in arrays:
        chosen = np.arange(d.size)
        if d.size > samples:
            chosen = np.sort(rng.choice(d.size, samples, replace=False))
        indices = [tuple(map(int, np.unravel_index(i, d.shape))) for i in chosen]
        probes = [(i, [(array, i, 1.0)], float(d[i])) for i in indices]
        rows.append(row(name, probes, 1e-2 * np.abs(d).max(), d.size))
    moves = [(array, ..., rng.normal(size=d.shape)) for _, array, d in arrays]
    pairs = zip(moves, arrays, strict=True)
    claimed = sum(float(np.sum(u * d)) for (_, _, u), (_, _, d) in pairs)
    size = 1e-2 * max(np.abs(d).max() for _, _, d in arrays)
    total = sum(d.size for _, _, d in arrays)
    rows.append(row("all", [((), moves, claimed)], size, total))
    return Report(rows, tolerance)


def value_at(f, moves, h):
    """f with every array moved by h along its direction, and put back after."""
    before = [np.array(array[where]) for array, where, _ in moves]
    try:
        for (array, where, direction), old in zip(moves, before, strict=True):
            array[where] = old + h * direction
        return f()
    finally:
        for (array, where, _), old in zip(moves, before, strict=True):
            array[where] = old


def gradient_of_x(x, dx):
    dx = np.array(dx, dtype=np.float64)
    if dx.ndim == x.ndim + 1:  # copies share x: where paths fork, gradients add
        dx = dx.sum(axis=0)
    if dx.shape != x.shape:
        raise ValueError(
            f"backward must return dx of the shape of x, {x.shape}, got {dx.shape}"
        )
    return dx


def check_h(h):
    if not (np.ndim(h) == 0 and 0 < h < np.inf):
        raise ValueError(f"h must be greater than 0 and finite, got {h!r}")
    return float(h)
