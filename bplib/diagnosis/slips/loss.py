"""Slips in the gradient of the loss: dy."""

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
