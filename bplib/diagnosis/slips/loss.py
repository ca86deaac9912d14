"""Slips in the gradient of the loss: dy."""

import numpy as np

from bplib.diagnosis.backward import (
    sigmoid,
)
from bplib.diagnosis.slips.table import at_loss
from bplib.losses import BinaryCrossEntropy, SoftmaxCrossEntropy, SquaredError, softmax

at_loss(
    "cross_entropy_derivative_twice",
    "the loss's dy is (p - t) * p * (1 - p) / N: the sigmoid's derivative once more",
    BinaryCrossEntropy,
    lambda r, d: d * r.p * (1 - r.p),
)
at_loss(
    "cross_entropy_derivative_twice",
    "the loss's dy is p - t sent back through the softmax once more",
    SoftmaxCrossEntropy,
    lambda r, d: r.p * (d - (d * r.p).sum(axis=1, keepdims=True)),
)
at_loss(
    "cross_entropy_derivative_twice",
    "the loss's dy is (p - t) * p * (1 - p) / N",
    SoftmaxCrossEntropy,
    lambda r, d: d * r.p * (1 - r.p),
)
at_loss(
    "softmax_derivative",
    "the loss's dy is -t / p * p * (1 - p): only the entry of the right class is left",
    SoftmaxCrossEntropy,
    lambda r, d: -r.target * (1 - r.p) / r.N,
)
at_loss(
    "softmax_derivative_missing",
    "the loss's dy is -t / p: the softmax's own derivative is missing",
    SoftmaxCrossEntropy,
    lambda r, d: -r.target / r.p / r.N,
)
at_loss(
    "sigmoid_derivative_missing",
    "the loss's dy is (p - t) / (p (1 - p)): the sigmoid's own derivative is missing",
    BinaryCrossEntropy,
    lambda r, d: d / (r.p * (1 - r.p)),
)
at_loss(
    "half_cross_entropy",
    "the loss's dy is -t (1 - p): the term (1 - t) log(1 - p) is missing",
    BinaryCrossEntropy,
    lambda r, d: -r.target * (1 - r.p) / r.N,
)
at_loss(
    "squared_error_on_probabilities",
    "the loss's dy is that of 1/2 (p - t)^2",
    BinaryCrossEntropy,
    lambda r, d: d * r.p * (1 - r.p),
)
at_loss(
    "squared_error_on_probabilities",
    "the loss's dy is that of 1/2 (p - t)^2",
    SoftmaxCrossEntropy,
    lambda r, d: r.p * (d - (d * r.p).sum(axis=1, keepdims=True)),
)
for kind in BinaryCrossEntropy, SoftmaxCrossEntropy:
    at_loss(
        "logits_for_probabilities",
        "the loss's dy is y - t with the logits y, where the probabilities belong",
        kind,
        lambda r, d: (r.y - r.target) / r.N,
    )
    at_loss(
        "target_missing",
        "the loss's dy is p / N: the target was not subtracted",
        kind,
        lambda r, d: r.p / r.N,
    )
    at_loss(
        "squared_error_on_logits",
        "the loss's dy is that of 1/2 (y - t)^2",
        kind,
        lambda r, d: (r.y - r.target) / r.N,
    )
at_loss(
    "target_missing",
    "the loss's dy is y / N: the target was not subtracted",
    SquaredError,
    lambda r, d: r.y / r.N,
)
at_loss(
    "probabilities_for_logits",
    "the loss's dy is sigmoid(sigmoid(y)) - t: the sigmoid was applied twice",
    BinaryCrossEntropy,
    lambda r, d: (sigmoid(r.p) - r.target) / r.N,
)
at_loss(
    "probabilities_for_logits",
    "the loss's dy is softmax(softmax(y)) - t: the softmax was applied twice",
    SoftmaxCrossEntropy,
    lambda r, d: (softmax(r.p) - r.target) / r.N,
)


def through_both(r, d):
    """softmax(softmax(y)), and sent back through both."""
    d = (softmax(r.p) - r.target) / r.N
    return r.p * (d - (d * r.p).sum(axis=1, keepdims=True))


at_loss(
    "probabilities_for_logits",
    "the softmax was applied twice, forward and backward",
    SoftmaxCrossEntropy,
    through_both,
)
at_loss(
    "probabilities_for_logits",
    "the sigmoid was applied twice, forward and backward",
    BinaryCrossEntropy,
    lambda r, d: (sigmoid(r.p) - r.target) / r.N * r.p * (1 - r.p),
)
at_loss(
    "softmax_axis",
    "the softmax sums over the examples (axis 0), not over the classes (axis 1)",
    SoftmaxCrossEntropy,
    lambda r, d: (softmax(r.y.T).T - r.target) / r.N,
)
at_loss(
    "softmax_axis",
    "the softmax sums over all rows and classes at once",
    SoftmaxCrossEntropy,
    lambda r, d: (softmax(r.y.reshape(1, -1)).reshape(r.y.shape) - r.target) / r.N,
)
for axis, words in (0, "over the examples (axis 0)"), (None, "over all rows at once"):

    def shifted(r, d, axis=axis):
        """The largest logit of each row is subtracted first, as it should be."""
        e = np.exp(r.y - r.y.max(axis=1, keepdims=True))
        return (e / e.sum(axis=axis, keepdims=True) - r.target) / r.N

    at_loss("softmax_axis", f"the softmax sums {words}", SoftmaxCrossEntropy, shifted)
at_loss(
    "sigmoid_for_softmax",
    "the loss's dy is sigmoid(y) - t, where softmax(y) - t belongs",
    SoftmaxCrossEntropy,
    lambda r, d: (sigmoid(r.y) - r.target) / r.N,
)
at_loss(
    "labels_for_one_hot",
    "the loss's dy is p minus the number of the class, in every column",
    SoftmaxCrossEntropy,
    lambda r, d: (r.p - r.t[:, None]) / r.N,
)


def given(r):
    """What the targets are subtracted from."""
    return r.y if r.loss_kind is SquaredError else r.p


def moved(array, by, axis, wrap):
    """Row (or column) i of the result is row i - by; what is moved out comes in again
    at the other end, or zeros do."""
    out = np.roll(array, by, axis)
    if not wrap:
        edge = slice(0, by) if by > 0 else slice(by, None)
        out[(slice(None),) * axis + (edge,)] = 0
    return out


def off_by_one(words, kind, by, axis, wrap):
    at_loss(
        "targets_off_by_one",
        words,
        kind,
        lambda r, d: (given(r) - moved(r.target, by, axis, wrap)) / r.N,
    )


LOSSES = SquaredError, BinaryCrossEntropy, SoftmaxCrossEntropy
for by, word in (-1, "label - 1"), (1, "label + 1"):
    for wrap in True, False:
        words = f"the 1 of each target stands at class {word}"
        words += "" if wrap else ", or nowhere if there is none"
        off_by_one(words, SoftmaxCrossEntropy, by, 1, wrap)
for by, word in (1, "before"), (-1, "after"):
    for wrap in True, False:
        words = f"from each row the target of the row {word} is subtracted"
        words += "" if wrap else ", or none if there is none"
        for kind in LOSSES:
            off_by_one(words, kind, by, 0, wrap)
for row, word in (-1, "last"), (0, "first"):

    def one_less(r, d, row=row):
        t = r.target.copy()
        t[row] = 0
        return (given(r) - t) / r.N

    def without(r, d, row=row):
        d = d.copy()
        d[row] = 0
        return d

    words = f"the target of the {word} example is not subtracted"
    for kind in LOSSES:
        at_loss("targets_off_by_one", words, kind, one_less)
    at_loss("example_left_out", f"the {word} example is left out", None, without)


def indexed(whole, shift, each):
    """1 subtracted where the labels count rows, or columns, and not entries."""

    def f(r, d):
        labels, out = r.t - shift, r.p.copy()
        if whole == "rows" and labels.max() >= r.N:
            return None
        where = labels if whole == "rows" else (slice(None), labels)
        if each:
            np.subtract.at(out, where, 1)
        else:
            out[where] -= 1
        return out / r.N

    return f


for whole, code in ("rows", "[{}, :]"), ("columns", "[:, {}]"):
    for shift, label in (0, "t"), (1, "t - 1"):
        for each, how in (False, ""), (True, ", once for every example"):
            at_loss(
                "target_indexing",
                f"1 is subtracted from `p{code.format(label)}`, which is whole "
                f"{whole}{how}: right is `p[range(N), t]`",
                SoftmaxCrossEntropy,
                indexed(whole, shift, each),
            )
