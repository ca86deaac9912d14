"""Asking the reader's function for a gradient, and making sense of what it returns."""

import copy
import functools
from collections.abc import Mapping

import numpy as np

from bplib.diagnosis.backward import Record, core
from bplib.diagnosis.words import listed
from bplib.layers import Net

TIGHT, LOOSE = 1e-9, 1e-4  # relative errors that count as equal: float64, float32
EPS = {TIGHT: 2.0**-53, LOOSE: 2.0**-24}
DIGITS = {TIGHT: 9, LOOSE: 4}


class Trouble(Exception):
    """Something is wrong with what was passed; the message is for the reader."""


class Case:
    """One call of the reader's function, and the record that it is compared with."""

    def __init__(self, name, net, loss, x, t):
        self.name, self.net, self.loss, self.x, self.t = name, net, loss, x, t
        self.record = Record(net, loss, x, t)
        self.floors, self.known = {}, {}

    def ask(self, my_backward, rng, times=1):
        """Call it; keep what it returned, what it added to and what it changed."""
        net, loss = self.net.copy(), copy.deepcopy(self.loss)
        x, t = copy.deepcopy(self.x), copy.deepcopy(self.t)
        answers, self.grads = [], []
        net.grad = rng.standard_normal(net.grad.shape)  # so that += shows
        for _ in range(times):
            grad = {"d" + n: d.copy() for n, _, d in net.named_parameters()}
            with np.errstate(all="ignore"):
                raw = my_backward(net, loss, x, t)
            answers.append(read(raw, self.record))
            self.grads.append(grad)
            self.changed = changes(self, net, x, t)
            self.after = net, self.loss, x, t
            if self.changed:
                break
        self.answers = answers
        self.arrays, self.remarks = answers[0]
        return self

    @functools.cached_property
    def last(self):
        """The name of what was returned that a walk comes to last."""
        return next((n for n in self.record.names[::-1] if n in self.arrays), None)

    def floor(self, name, eps):
        """How much of this array rounding alone may change."""
        if eps not in self.floors:
            twins = self.record.jittered(eps)
            self.floors[eps] = {
                n: max(np.abs(twin.right[n] - a).max(initial=0) for twin in twins)
                for n, a in self.record.right.items()
            }
        tiny = 1e-290 if eps < 1e-10 else 1e-30
        return 50 * self.floors[eps][name] + tiny

    def same(self, name, array, tolerance):
        """Is this what the reader returned?"""
        given, array = core(self.arrays[name]), core(array)
        if given.shape != array.shape:
            return False
        if close(given, array, tolerance, 0.0):
            return True
        # Fresh cases are well scaled: there, rounding is never as large as this.
        tiny = 1e-9 * self.record.size
        if self.name != "here" and not close(given, array, 0.05, tiny):
            return False
        return close(given, array, tolerance, self.floor(name, EPS[tolerance]))

    def times(self, factor):
        """The same case, had the reader's function returned numbers so much larger."""
        twin = copy.copy(self)
        twin.known = {}
        twin.arrays = {name: factor * array for name, array in self.arrays.items()}
        return twin

    def wrong(self, tolerance):
        """The names of the arrays that are not right, from the output to the input."""
        if tolerance not in self.known:
            right = self.record.right
            names = [n for n in right if n in self.arrays]
            self.known[tolerance] = [
                n for n in names if not self.same(n, right[n], tolerance)
            ]
        return self.known[tolerance]


def close(given, array, tolerance, floor):
    """Is the relative error, as in `check_gradients`, within tolerance everywhere?"""
    error, large = np.abs(given - array), np.abs(array)
    most = large.max(initial=0)
    if error.max(initial=0) > 2 * floor + tolerance * 1.1 * most:
        return False  # most are far off: look no further
    size = np.maximum(np.maximum(np.abs(given), large), 1e-2 * most)
    return bool((error <= tolerance * size + floor).all())


def changes(case, net, x, t):
    """The names of the arguments that the call changed."""
    found = []
    if not np.array_equal(net.theta, case.net.theta, equal_nan=True):
        found.append("the parameters of net")
    for name, before, after in ("x", case.x, x), ("t", case.t, t):
        if not np.array_equal(np.asarray(before), np.asarray(after)):
            found.append(name)
    return found


def read(raw, record):
    """What a call returned, as {name: array}, and remarks; Trouble if it is no dict."""
    expected = [name for name in record.names if name != "dx"][::-1]
    wanted = "{" + ", ".join(f'"{name}": ...' for name in sorted(expected)) + "}"
    if raw is None:
        raise Trouble(
            "Your function returned None: is the `return` missing? It should return a "
            f"dict of arrays, {wanted}."
        )
    if not isinstance(raw, Mapping):
        raise Trouble(
            f"Your function returned {describe(raw)}. It should return a dict of "
            f"arrays, {wanted}."
        )
    arrays, remarks = {}, []
    if one_too_low(raw, expected):
        raw = {one_up(name): value for name, value in raw.items()}
        remarks.append(
            "Your names are one too low: layers with parameters are counted from 1. "
            f"Read as {listed(sorted(n for n in raw if n in expected))}."
        )
    whole = all(name in raw for name in expected)
    for name, value in raw.items():
        if name not in record.names:
            near = {n.lower(): n for n in record.names}
            key = str(name).lower()
            meant = near.get(key, near.get(f"d{key}"))
            hint = f': did you mean "{meant}"?' if meant else "."
            if whole:
                hint = ": leave it out."
            remarks.append(f"The key {name!r} is not the name of a gradient{hint}")
            continue
        array = as_array(value)
        if isinstance(array, str):
            remarks.append(f"{name} is {array}" + "." * (array[-1] != "?"))
        else:
            arrays[name] = array
    missing = [name for name in sorted(expected) if name not in raw]
    if missing:
        remarks.append(f"Missing: {listed(missing)}. Expected are {wanted}.")
    return arrays, remarks


def one_up(name):
    """dW0 becomes dW1; dx stays."""
    if isinstance(name, str) and name[2:].isdecimal():
        return f"{name[:2]}{int(name[2:]) + 1}"
    return name


def one_too_low(raw, expected):
    """Were the layers counted from 0?"""
    zero = any(name in ("dW0", "dU0", "db0") for name in raw)
    return zero and all(one_up(n) in expected for n in raw if one_up(n) != n)


def as_array(value):
    """value as a float64 array of its own, or words that say why not."""
    try:
        array = np.asarray(value)
    except Exception:
        return f"a {type(value).__name__}, not an array: rows of unequal length?"
    if value is None or array.dtype.kind not in "fiub":
        return f"{describe(value)}, not an array of real numbers"
    return np.array(array, dtype=np.float64) + 0.0


def describe(value):
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}, dtype {value.dtype}"
    if value is None or value is ... or isinstance(value, (str, int, float)):
        return repr(value)[:60]
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"


def failure(error, my_backward):
    """Where in the reader's code an error arose, in words."""
    # These take longer to load than all of bplib, and are seldom needed.
    import linecache
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    code = getattr(my_backward, "__code__", None)
    mine = [f for f in frames if code is not None and f.filename == code.co_filename]
    words = f"{type(error).__name__}: {error}".rstrip(": ")
    if not mine:
        return f"Your function raised {words}."
    frame = mine[-1]
    line = (frame.line or linecache.getline(frame.filename, frame.lineno)).strip()
    return f"Your function raised {words}.\nThat was in line {frame.lineno}: `{line}`."


def check_arguments(my_backward, net, loss):
    if not callable(my_backward):
        raise Trouble(
            "my_backward must be a function my_backward(net, loss, x, t), without "
            f"calling it; got {describe(my_backward)}."
        )
    if not isinstance(net, Net):
        raise Trouble(
            f"net must be a Net, such as Net(Dense(2, 3)), got {name_of(net)}."
        )
    if net.copies is not None:
        raise Trouble(
            f"net has copies={net.copies}. Diagnose one net at a time: make it without "
            "copies."
        )
    if isinstance(loss, type) or not hasattr(loss, "backward"):
        raise Trouble(f"loss must be one such as SquaredError(), got {name_of(loss)}.")


def name_of(thing):
    if isinstance(thing, type):
        return (
            f"the class {thing.__name__}: brackets are missing, {thing.__name__}(...)"
        )
    return describe(thing)


def own(name, value):
    array = as_array(value)
    if isinstance(array, str):
        raise Trouble(f"{name} is {array}.")
    return np.array(value)


def other_size(record):
    """A number of examples that is no other number of this net."""
    taken = {record.N, record.C, 1, 2}
    taken |= {n for s in record.steps for n in (*s.x.shape[1:], *s.y.shape[1:])}
    return next(n for n in range(3, 1000) if n not in taken)


def fresh_target(record, t, n, rng):
    """Targets of the same kind: labels, zeros and ones, one-hot rows, or numbers."""
    if record.loss_kind is not None and t.ndim == 1 and t.dtype.kind in "iu":
        if record.C > 1:
            return rng.integers(record.C, size=n).astype(t.dtype)
    shape = (n, *t.shape[1:])
    if np.isin(t, (0, 1)).all():
        if t.ndim == 2 and t.shape[1] > 1 and (t.sum(axis=1) == 1).all():
            return np.eye(t.shape[1])[rng.integers(t.shape[1], size=n)].astype(t.dtype)
        return rng.integers(2, size=shape).astype(t.dtype)
    if t.dtype.kind in "iu":
        return rng.integers(int(t.min()), int(t.max()) + 1, size=shape).astype(t.dtype)
    if t.min() >= 0 and t.max() <= 1:
        return rng.uniform(0, 1, shape).astype(t.dtype)
    spread = np.std(t) or 1.0
    return (np.mean(t) + spread * rng.standard_normal(shape)).astype(t.dtype)
