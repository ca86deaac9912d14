"""`diagnose`: what one gradient array alone is consistent with."""

import itertools

import numpy as np

from bplib.diagnosis.answers import (
    DIGITS,
    TIGHT,
    Case,
    Trouble,
    as_array,
    check_arguments,
    close,
    own,
)
from bplib.diagnosis.backward import core
from bplib.diagnosis.examination import Diagnosis
from bplib.diagnosis.search import fits, hypotheses
from bplib.diagnosis.words import listed, pattern
from bplib.mistakes import MISTAKES


@np.errstate(all="ignore")
def compare(yours, right, *, net=None, loss=None, x=None, t=None, name=None):
    """What `bplib.diagnosis.diagnose` does."""
    try:
        return compare_one(yours, right, net, loss, x, t, name)
    except Trouble as trouble:
        return Diagnosis(False, str(trouble).split("\n"))


def compare_one(yours, right, net, loss, x, t, name):
    label = name if isinstance(name, str) else "the gradient"
    given, array = as_array(yours), as_array(right)
    for word, value in ("yours", given), ("right", array):
        if isinstance(value, str):
            raise Trouble(f"{word} is {value}.")
    more = {"yours": {label: given}, "right": {label: array}}
    if not np.isfinite(array).all():
        raise Trouble("right itself holds nan or inf: nothing can be compared with it.")
    if not np.isfinite(given).all():
        bad = [int(i) for i in np.argwhere(~np.isfinite(given))[0]]
        lines = [f"{label} holds nan or inf, first at {bad}."]
        return Diagnosis(False, lines, where=[label], **more)
    given, array = core(given), core(array)
    if given.shape == array.shape and close(given, array, TIGHT, 1e-300):
        return Diagnosis(
            True, [f"{label} is right, to {DIGITS[TIGHT]} digits."], **more
        )
    if given.shape == array.shape and close(given, array, 1e-5, 1e-30):
        lines = [
            f"{label} is right, as far as float32 holds digits: what is left is "
            f"rounding."
        ]
        found = ["float32_rounding"]
        return Diagnosis(True, lines, consistent_with=found, **more)
    found = [*simple(given, array, x)]
    if all(thing is not None for thing in (net, loss, x, t)) and isinstance(name, str):
        found += known(given, net, loss, x, t, name)
    found = list(dict.fromkeys(found))
    lines = [f"{label} is wrong: {pattern(given, array)}."]
    lines += [f"It is consistent with {m}: {MISTAKES[m].what}" for m in found]
    lines.append(
        "One array alone does not prove it: diagnose_backward(my_backward, net, "
        "loss, x, "
        "t) tries your function on fresh inputs."
    )
    return Diagnosis(False, lines, where=[label], consistent_with=found, **more)


def simple(given, array, x):
    """What can be told from two arrays alone."""
    n = len(np.asarray(x)) if x is not None and np.ndim(x) else None

    def equal(other):
        return given.shape == core(other).shape and close(
            given, core(other), 1e-6, 1e-300
        )

    values = [("sign", -1), ("factor_two", 2), ("factor_half", 0.5)]
    values += [("n_missing", n), ("n_twice", 1 / n)] if n and n > 1 else []
    found = [mistake for mistake, value in values if equal(value * array)]
    if not found and given.shape == array.shape and np.any(array) and np.any(given):
        factor = np.sum(given * array) / np.sum(array * array)
        found += ["factor"] * equal(factor * array)
    if array.ndim == 2 and not equal(array):
        found += ["transpose"] * equal(array.T)
    flips = [
        axes
        for k in range(array.ndim)
        for axes in itertools.combinations(range(array.ndim), k + 1)
    ]
    if any(equal(np.flip(array, axes)) for axes in flips):
        found.append("flip")
    if given.shape == array.shape:
        zero = (given == 0) & (array != 0)
        if zero.any() and close(given, np.where(zero, 0, array), 1e-6, 1e-300):
            found.append("zeros")
    return found


def known(given, net, loss, x, t, name):
    """The mistakes that give this one array, on this one input."""
    check_arguments(print, net, loss)
    try:
        case = Case("here", net, loss, own("x", x), own("t", t))
    except Trouble:
        raise
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        raise Trouble(f"net, loss, x and t do not go together. {message}") from None
    if name not in case.record.right:
        names = listed(sorted(case.record.right))
        raise Trouble(f"net has no gradient {name!r}; its gradients are {names}.")
    case.arrays = {name: given}
    found = []
    for slip, places in hypotheses(case.record):
        if not slip.unknown and slip.mistake not in found:
            if fits([(slip, places)], [case], TIGHT) is not None:
                found.append(slip.mistake)
    return found
