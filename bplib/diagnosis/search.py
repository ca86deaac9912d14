"""Which slips, made in a right program, give exactly the reader's numbers?

A hypothesis is a pair of a slip and the places where it is made, a set of indices of
layers; -1 is the loss.
"""

import numpy as np

from bplib.diagnosis.answers import LOOSE
from bplib.diagnosis.backward import core
from bplib.diagnosis.slips import FACTORS, SLIPS

RARE = (  # mistakes that are tried alone, not in pairs
    "wrong_input weights_of_wrong_layer derivative_of_wrong_layer truncated "
    "padding_off_by_one times_classes divided_by_classes classes_for_n n_minus_one "
    "mean_of_squares factor regularization_missing kink time_reversed flatten_order "
    "relu_mask_of_output squared_error_on_logits squared_error_on_probabilities"
).split()
KNOWN_FACTORS = [mistake for mistake, _, _ in FACTORS]
MOST_PAIRS = 4000


def hypotheses(record):
    """Every slip at every place: at one layer, and at all layers that it fits."""
    steps = record.steps
    for slip in SLIPS:
        if not slip.kinds:
            yield slip, frozenset([-1])
            continue
        places = [s.index for s in steps if s.kind in slip.kinds]
        sets = [[i] for i in places[::-1]]
        if len(places) > 1:
            sets += [places, places[:-1]]
            kinds = {steps[i].kind for i in places}
            sets += [[i for i in places if steps[i].kind is k] for k in by_name(kinds)]
        for each in dict.fromkeys(map(frozenset, sets)):
            yield slip, each


def by_name(kinds):
    return sorted(kinds, key=lambda k: k.__name__)


def wrong_places(cases, tolerance):
    """Where something is wrong: pairs of a layer's index (-1: dx) and a part, "dW"."""
    return {
        (case.record.layer_of(name), name.rstrip("0123456789"))
        for case in cases
        for name in case.wrong(tolerance)
    }


def reach(slips, wrong):
    """Can these slips change all that is wrong? A layer's dx reaches all below it."""
    return all(
        any(
            -1 in places
            or (layer in places and (part in slip.parts or "dz" in slip.parts))
            or (layer < max(places) and ("dx" in slip.parts or "dz" in slip.parts))
            for slip, places in slips
        )
        for layer, part in wrong
    )


def fits(slips, cases, tolerance):
    """p (0.0 if there is none) if these slips give all numbers in all cases."""
    p = 0.0
    if any(slip.unknown for slip, _ in slips):
        p = next((q for q in (solve(slips, c) for c in cases) if q is not None), None)
        if p is None:
            return None
    for case in cases:
        for name, array in case.record.walk(slips, p):
            if array is case.record.right[name]:
                if name in case.wrong(tolerance):
                    return None
            elif name in case.arrays and not case.same(name, array, tolerance):
                return None
    return p


@np.errstate(all="ignore")
def solve(slips, case):
    """The unknown number, from the first array that depends on it (in a line)."""
    pairs = zip(case.record.walk(slips, 0.0), case.record.walk(slips, 1.0), strict=True)
    for (name, zero), (_, one) in pairs:
        slope = one - zero
        if name not in case.arrays or not np.any(slope):
            continue
        given = core(case.arrays[name])
        if given.shape != core(slope).shape:
            return None
        slope, zero = core(slope), core(zero)
        p = float(np.sum(slope * (given - zero)) / np.sum(slope * slope))
        if (
            not np.isfinite(p)
            or p == 0
            or (abs(p - 1) < 1e-9 and slips[0][0].unknown == "factor")
        ):
            return None
        return p
    return None


def explains(hypothesis, case, wrong, top):
    """Does it give some wrong array of this layer, and all above it?"""
    if hypothesis[0].unknown:
        p = solve([hypothesis], case)
        if p is None:
            return False
    else:
        p = 0.0
    found = False
    for name, array in case.record.walk([hypothesis], p):
        at = case.record.layer_of(name)
        if at < top:
            break
        if name not in case.arrays:
            continue
        same = case.same(name, array, LOOSE)
        if at > top and not same:
            return False
        found = found or (same and name in wrong)
    return found
