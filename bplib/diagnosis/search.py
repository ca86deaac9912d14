"""Which slips, made in a right program, give exactly the reader's numbers?

A hypothesis is a pair of a slip and the places where it is made, a set of indices of
layers; -1 is the loss.
"""

import numpy as np

from bplib.diagnosis.answers import LOOSE
from bplib.diagnosis.backward import Base, core
from bplib.diagnosis.slips import FACTORS, SLIPS

RARE = (  # mistakes that are tried alone, not in pairs
    "wrong_input weights_of_wrong_layer derivative_of_wrong_layer truncated "
    "padding_off_by_one times_classes divided_by_classes classes_for_n n_minus_one "
    "mean_of_squares factor regularization_missing kink time_reversed flatten_order "
    "relu_mask_of_output squared_error_on_logits squared_error_on_probabilities "
    "targets_off_by_one target_indexing example_left_out"
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
    return set().union(*(spots(c.record, c.wrong(tolerance)) for c in cases))


def spots(record, names):
    return {(record.layer_of(name), name.rstrip("0123456789")) for name in names}


def reach(slips, wrong):
    """Can these slips change all that is wrong? A layer's dx reaches all below it."""
    return all(
        any(
            -1 in places
            or "forward" in slip.parts
            or (layer in places and (part in slip.parts or "dz" in slip.parts))
            or (layer < max(places) and ("dx" in slip.parts or "dz" in slip.parts))
            for slip, places in slips
        )
        for layer, part in wrong
    )


def walked(case, slips, p, base=None):
    """The walk with these slips, no further than the reader's arrays go."""
    for name, array in case.record.walk(slips, p, base):
        yield name, array
        if name == case.last:
            break


def agrees(case, name, array, tolerance):
    """Did the reader return this, as far as this array was returned?"""
    if array is case.record.right[name]:
        return name not in case.wrong(tolerance)
    return name not in case.arrays or case.same(name, array, tolerance)


def fits(slips, cases, tolerance, p=None, base=None):
    """p (0.0 if there is none) if these slips give all numbers in all cases.

    base: a Start of the first case, in which some of the slips are made.
    """
    if p is None:
        p = 0.0
        if any(slip.unknown for slip, _ in slips):
            found = (
                solve(slips, [case], base if case is cases[0] else None)[0]
                for case in cases
            )
            p = next((q for q in found if q is not None), np.nan)
    if np.isnan(p):
        return None
    for case in cases:
        for name, array in walked(case, slips, p, base):
            if base and array is base.right[name]:
                if name in base.wrong:
                    return None
            elif not agrees(case, name, array, tolerance):
                return None
        base = None
    return p


def solve(slips, cases, base=None):
    """For cases of one record: the unknown number, nan if none fits, None if none is
    asked for. It is found from an array of the first layer that depends on it (in a
    line): one of them may be wrong otherwise, too.
    """
    record, found = cases[0].record, [None] * len(cases)
    layers = [None] * len(cases)
    walks = record.walk(slips, 0.0, base), record.walk(slips, 1.0, base)
    for (name, zero), (_, one) in zip(*walks, strict=True):
        if base and zero is one:
            continue
        slope, at = one - zero, record.layer_of(name)
        for k, case in enumerate(cases):
            again = found[k] is not None and np.isnan(found[k]) and layers[k] == at
            if name in case.arrays and (found[k] is None or again):
                p = solved(slips, case, name, zero, slope)
                if p is not None:
                    found[k], layers[k] = p, at
        if None not in found and name == record.last_of(at):
            break
    return found


class Start(Base):
    """One mistake made in a case. wrong: the arrays that it leaves wrong, which a
    second mistake must reach.
    """

    def __init__(self, case, hypothesis, p, tolerance):
        super().__init__(case.record, [hypothesis], p)
        self.wrong = [
            n for n, a in self.right.items() if not agrees(case, n, a, tolerance)
        ]
        self.spots = spots(case.record, self.wrong)


def solved(slips, case, name, zero, slope):
    if not np.any(slope):
        return None if agrees(case, name, zero, LOOSE) else np.nan
    given, line = core(case.arrays[name]), core(slope)
    if given.shape != line.shape:
        return np.nan
    p = float(np.sum(line * (given - core(zero))) / np.sum(line * line))
    trivial = p == 0 or (abs(p - 1) < 1e-9 and slips[0][0].unknown == "factor")
    if trivial or not np.isfinite(p) or not case.same(name, zero + p * slope, LOOSE):
        return np.nan
    return p


def look(hypothesis, cases, tolerance):
    """Cases of one record, walked once: a p for each, and the p that explains.

    p is 0.0 if there is none, nan where the numbers do not fit, None where it cannot be
    told from this case. The last p is that which gives the first case some wrong array
    of the topmost layer that has one, and all above it; or nan.
    """
    record, groups = cases[0].record, {0.0: [*range(len(cases))]}
    if hypothesis[0].unknown:
        groups = {}
        for k, p in enumerate(solve([hypothesis], cases)):
            groups.setdefault(p, []).append(k)
    found, explains = [np.nan] * len(cases), np.nan
    for p, members in groups.items():
        if p is None or np.isnan(p):
            found = [p if k in members else q for k, q in enumerate(found)]
            continue
        alive = {k: cases[k] for k in members}
        wrong = cases[0].wrong(LOOSE) if 0 in alive else []
        top = record.layer_of(wrong[0]) if wrong else None
        for name, array in walked(cases[0], [hypothesis], p):
            if top is not None:
                same, at = agrees(cases[0], name, array, LOOSE), record.layer_of(name)
                if at == top and same and name in wrong:
                    explains = p
                if (at != top and not same) or name == record.last_of(top):
                    top = None
            alive = {
                k: c for k, c in alive.items() if agrees(c, name, array, tolerance)
            }
            if not alive and top is None:
                break
        found = [p if k in alive else q for k, q in enumerate(found)]
    return found, explains
