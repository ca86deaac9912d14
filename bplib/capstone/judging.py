"""Asking the reader's functions, and comparing what they give."""

import copy
import difflib
import inspect

import numpy as np

from bplib.capstone.contract import Fault, in_form, kind, promise, shapes, stations
from bplib.capstone.running import limited

# sizes and N: one to four layers, two to five classes, one example, and no N that is
# also a number of neurons; square layers too, where a missing transpose fits.
CASES = [
    ([4, 5, 2], 3),
    ([2, 5, 4, 3], 7),
    ([6, 4], 3),
    ([4, 4, 4, 4, 5], 7),
    ([4, 5, 2], 1),
    ([2, 3], 1),
]


class Judging:
    """The reader's functions, and the form that their init gives parameters."""

    def __init__(self, functions):
        self.functions = functions
        self.form = dict
        self.now = ""  # what it is asked for, to be named where something is raised

    def within(self, seconds, check, files):
        """check(self), or a Fault after so many seconds."""
        self.now = ""
        return limited(lambda: check(self), seconds, files, lambda: self.now)

    def expect(self, name):
        """Is there a function of this name, with the arguments of the contract?"""
        wanted = stations()[name]
        function = self.functions.get(name)
        if function is None:
            there = [n for n, f in self.functions.items() if inspect.isfunction(f)]
            near = difflib.get_close_matches(name, there, 1)
            hint = f" There is {near[0]}: is that it?" if near else ""
            raise Fault(f"There is no {name} yet.{hint}", promise(name))
        if not callable(function):
            raise Fault(f"{name} is {kind(function)}, no function.", promise(name))
        try:
            found = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            return
        names = [p.name for p in found]
        needed = [
            p.name
            for p in found
            if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
        open_ended = any(p.kind == p.VAR_KEYWORD for p in found)
        missing = [n for n in wanted if n not in names and not open_ended]
        if missing or [n for n in needed if n not in wanted]:
            raise Fault(
                f"{name} takes ({', '.join(names)}). Expected, by these names: "
                f"({', '.join(wanted)})."
            )

    def call(self, name, *, finish=lambda value: value, **given):
        """Call it with copies by name; a Fault if it changes them."""
        mine = {k: v if k == "rng" else copy.deepcopy(v) for k, v in given.items()}
        value = finish(self.functions[name](**mine))
        for argument, before in given.items():
            if argument != "rng" and not same(before, mine[argument]):
                raise Fault(
                    f"{name} changes {argument}, which it is given. Make new arrays: "
                    "`-=`, `+=`, `a[...] =` and rng.shuffle change the old ones."
                )
        return value

    def twice(self, name, **given):
        """The value, if two calls with equal arguments agree."""
        value, again = self.call(name, **given), self.call(name, **given)
        if not same(value, again):
            raise Fault(f"Two calls of {name} with equal arguments differ: {self.now}.")
        return value

    def value(self, name, **given):
        """As twice, and there is a value."""
        value = self.twice(name, **given)
        if value is None:
            raise Fault(f"{name} returned None: is the return missing?")
        return value

    def params(self, arrays):
        return in_form(self.form, arrays)

    def forward(self, arrays, X):
        return self.call("forward", params=self.params(arrays), X=X)

    def loss_at(self, arrays, X, t):
        return float(self.call("loss", Y=self.forward(arrays, X), t=t))


def same(a, b):
    """The same all the way down: kind, shapes and numbers."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f")
    return bool(a is b or a == b or (a != a and b != b))


def near(a, b, tolerance=1e-9):
    a, b = np.asarray(a), np.asarray(b)
    size = max(1.0, np.abs(b).max(initial=0))
    return bool(np.abs(a - b).max(initial=0) <= tolerance * size)


def fits(table, given, cases):
    """The sentence of the slip that gives all these numbers, or none."""
    for words, slip in table:
        with np.errstate(all="ignore"):
            found = [slip(*case) for case in cases]
        if all(np.shape(f) == np.shape(g) and near(f, g, 1e-7)
               for f, g in zip(found, given, strict=True)):  # fmt: skip
            return [f"So it would be if: {words}."]
    return []


def example(sizes, n, seed=0):
    """Parameters, X and t, none of them zero; all classes that fit come."""
    rng = np.random.default_rng([seed, n, *sizes])
    arrays = {
        name: rng.standard_normal(shape) * (1.2 / np.sqrt(shape[0]))
        for name, shape in shapes(sizes).items()
    }
    X = rng.standard_normal((n, sizes[0]))
    return arrays, X, rng.permutation(np.arange(n) % sizes[-1])


def differs(name, given, right):
    """Which entry is off the most, and both its values."""
    off = np.abs(given - right)
    index = np.unravel_index(
        np.where(np.isfinite(off), off, np.inf).argmax(), off.shape
    )
    at = ", ".join(map(str, index))
    return f"{name}[{at}] is {given[index]:.6g}, and {right[index]:.6g} is right"
