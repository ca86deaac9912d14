"""A gradient is a claim about slopes, and slopes can be measured: nudge and look."""

import copy
from dataclasses import dataclass, replace

import numpy as np


def numerical_gradient(f, theta, h=1e-5):
    """The gradient of f at theta by central differences, in float64.

    Entry i is (f(theta + h e_i) - f(theta - h e_i)) / (2 h): two calls of f for every
    entry, and an error of order h^2 from the curve plus about 1e-16 |f| / h from
    rounding. f takes an array of theta's shape, its own to keep, and returns a number.
    """
    h = check_h(h)
    theta = as_float64("theta", theta)
    gradient = np.empty_like(theta)
    for i in np.ndindex(theta.shape):
        up, down = theta.copy(), theta.copy()
        up[i] += h
        down[i] -= h
        gradient[i] = (one_number(f(up)) - one_number(f(down))) / (2 * h)
    return gradient


@dataclass(frozen=True)
class Row:
    """One array of a gradient check.

    name: "W1", "b1", ..., "x", or "all" for one random direction through everything.
    error: the largest relative error of the `checked` entries. index: the entry shown:
    the worst, or where all pass the one with the largest gradient. backward,
    numerical: its two values. verdict: "ok", "tiny" (the gradients are smaller than
    rounding lets one measure), "kink" or "WRONG".
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
            f"{'array':<7}{'verdict':<7}{'checked':>12}  {'rel. error':>10}  "
            f"{'at':<12}{'backward':>13}{'numerical':>13}"
        ]
        for row in self.rows:
            # Errors far below the tolerance are rounding noise: their digits differ
            # from machine to machine and mean nothing.
            error = f"{row.error:.2g}"
            if row.error < self.tolerance:
                error = "" if row.verdict == "tiny" else f"< {self.tolerance:.0e}"
            at = "" if row.name == "all" else str(list(row.index))
            checked = f"{row.checked} of {row.size}"
            lines.append(
                f"{row.name:<7}{row.verdict:<7}{checked:>12}  {error:>10}  "
                f"{at:<12}{row.backward:>13.6g}{row.numerical:>13.6g}"
            )
        if any(row.verdict == "tiny" for row in self.rows):
            lines.append(
                "tiny: these gradients are smaller than rounding in the loss. They\n"
                "cannot be measured, so nothing is said of them."
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

    Where an entry disagrees, smaller steps are tried: h may be too long for the curve,
    or reach across a corner (relu, max; see `Layer.kink_distance`). If they disagree
    too, and the net has corners, the slopes on either side are compared. If those
    differ, by more than a bend explains, the point sits on a corner, and the
    verdict is "kink".
    """
    if not (isinstance(samples, (int, np.integer)) and samples >= 1):
        raise ValueError(f"samples must be a whole number from 1, got {samples!r}")
    ruler = Ruler(net, loss, x, t, check_h(h), tolerance)
    arrays, rng = ruler.claims(), np.random.default_rng(seed)
    rows = []
    for name, array, d in arrays:
        chosen = np.arange(d.size)
        if d.size > samples:
            chosen = np.sort(rng.choice(d.size, samples, replace=False))
        probes = []
        for i in chosen:
            index = tuple(map(int, np.unravel_index(i, d.shape)))
            probes.append((index, [(array, index, 1.0)], float(d[index])))
        rows.append(ruler.row(name, probes, np.abs(d).max(), d.size))

    moves = [(array, ..., rng.normal(size=d.shape)) for _, array, d in arrays]
    pairs = zip(moves, arrays, strict=True)
    claimed = sum(float(np.sum(u * d)) for (_, _, u), (_, _, d) in pairs)
    largest = max(np.abs(d).max() for _, _, d in arrays)
    total = sum(d.size for _, _, d in arrays)
    rows.append(ruler.row("all", [((), moves, claimed)], largest, total))
    return Report(rows, tolerance)


class Ruler:
    """Measures slopes of a loss at one place, and judges what is claimed of them.

    A direction is a list of moves, (array, index, how far).
    """

    def __init__(self, net, loss, x, t, h, tolerance):
        self.net, self.loss = net.copy(np.float64), copy.deepcopy(loss)
        self.x, self.t, self.h, self.tolerance = as_float64("x", x), t, h, tolerance
        if not np.isfinite(self.x).all():
            raise ValueError("x holds nan or inf: nothing can be checked there")
        self.center = self.value()
        if not np.isfinite(self.center):
            raise ValueError(f"the loss is {self.center} here: nothing can be checked")
        self.noise = 1e-15 * max(1.0, abs(self.center))  # rounding, in a loss
        self.corners = any(np.isfinite(a.kink_distance()) for a in self.net.layers)

    def claims(self):
        """Triples of a name, an array and the gradient that backward gives for it."""
        if self.value() != self.center:
            raise ValueError(
                "two forward passes differ: a layer draws at random or keeps a state, "
                "so its slopes cannot be measured"
            )
        self.net.grad = 1.0  # backward must set it: adding to it shows as wrong
        dx = self.net.backward(self.loss.backward())
        named = [
            (name, array, d.copy()) for name, array, d in self.net.named_parameters()
        ]
        return [*named, ("x", self.x, gradient_of_x(self.x, dx))]

    def value(self):
        return float(np.sum(self.loss.forward(self.net.forward(self.x), self.t)))

    def at(self, moves, h):
        """The loss where every array is moved by h; the arrays are put back after."""
        before = [np.array(array[where]) for array, where, _ in moves]
        try:
            for (array, where, far), old in zip(moves, before, strict=True):
                array[where] = old + h * far
            return self.value()
        finally:
            for (array, where, _), old in zip(moves, before, strict=True):
                array[where] = old

    def slope(self, moves, h):
        return (self.at(moves, h) - self.at(moves, -h)) / (2 * h)

    def compare(self, claimed, moves, size, h):
        """Relative error, and the slope measured with step h."""
        slope = self.slope(moves, h)
        blur = self.noise / h  # what rounding leaves of a slope of 0
        if abs(claimed - slope) < blur:
            return 0.0, slope if abs(slope) > blur else 0.0
        return abs(claimed - slope) / max(abs(claimed), abs(slope), size), slope

    def judge(self, claimed, moves, size):
        """Relative error, measured slope and verdict."""
        error, slope = self.compare(claimed, moves, size, self.h)
        if error < self.tolerance:
            tiny = slope == 0 and 0 < 100 * size < self.noise / self.h
            return error, slope, "tiny" if tiny else "ok"
        off = abs(claimed - self.slope(moves, self.h))
        for small in self.h / 10, self.h / 100:  # was the step too long?
            finer, measured = self.compare(claimed, moves, size, small)
            rest = abs(claimed - self.slope(moves, small))
            # The blur grows. A mistake hidden by it would not shrink.
            shown = off > self.noise / small or rest < 3 * off * small / self.h
            if finer < self.tolerance and shown:
                return finer, measured, "ok"
        if not self.corners:
            return error, slope, "WRONG"
        first, second, third = (self.gap(moves, self.h / by) for by in (1, 10, 100))
        # At a bend the gap shrinks tenfold, and explains no mistake.
        corner = second > first / 2 or third > second / 2 or third > rest
        least = 1e-3 * max(abs(measured), size) + self.noise / small
        return error, slope, "kink" if corner and third > least else "WRONG"

    def gap(self, moves, h):
        """How far the slope to the right of here differs from the one to the left."""
        left = (self.center - self.at(moves, -h)) / h
        right = (self.at(moves, h) - self.center) / h
        return abs(right - left)

    def row(self, name, probes, largest, size):
        """The row of one array; `probes` are (index, moves, claimed)."""
        results = []
        for index, moves, claimed in probes:
            error, slope, verdict = self.judge(claimed, moves, 1e-2 * largest)
            results.append(
                Row(name, len(probes), size, error, index, claimed, slope, verdict)
            )
        rank = {"ok": 0, "tiny": 1, "kink": 2, "WRONG": 3}
        worst = max(rank[r.verdict] for r in results)
        if worst > 1:
            results = [r for r in results if rank[r.verdict] == worst]
            return max(results, key=lambda r: r.error)
        # All pass: show the largest gradient; equal ones may differ in the last bit.
        shown = max(results, key=lambda r: float(f"{abs(r.backward):.8g}"))
        return replace(shown, error=max(r.error for r in results))


def gradient_of_x(x, dx):
    dx = np.array(dx, dtype=np.float64)
    if dx.ndim == x.ndim + 1:  # copies share x: where paths fork, gradients add
        dx = dx.sum(axis=0)
    if dx.shape != x.shape:
        raise ValueError(
            f"backward must return dx of the shape of x, {x.shape}, got {dx.shape}"
        )
    return dx


def as_float64(name, value):
    if np.asarray(value).dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got {np.asarray(value).dtype}")
    return np.array(value, dtype=np.float64)


def one_number(value):
    if np.ndim(value) or np.asarray(value).dtype.kind not in "fiub":
        raise TypeError(
            f"f must return a number, got {type(value).__name__} of shape "
            f"{np.shape(value)}: did you forget to sum?"
        )
    return float(value)


def check_h(h):
    if np.ndim(h) or np.asarray(h).dtype.kind not in "fiu" or not 0 < h < np.inf:
        raise ValueError(f"h must be greater than 0 and finite, got {h!r}")
    return float(h)
