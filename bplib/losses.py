"""A loss says with one number how wrong an output is, and which way is less wrong.

`forward(y, target)` returns the mean over the N examples of the batch; `backward()`
returns dy, its gradient with respect to y. The factor 1/N enters here, and nowhere
else in the library. With copies, y is (K, N, n_out) and forward returns (K,).
"""

import numpy as np


class Loss:
    """What the losses have in common: checks, and the mean over the batch.

    A loss of your own defines `each(y, target)`, the loss of every example, (N,), and
    `slope()`, the gradient of their *sum*, of y's shape.
    """

    y = None

    def forward(self, y, target):
        """The loss, a float (or (K,) with copies), for y (N, n_out)."""
        y = np.asarray(y)
        if y.ndim not in (2, 3) or y.dtype.kind != "f" or y.size == 0:
            raise ValueError(
                f"{self} expects outputs y of shape (N, n_out) with N of at least 1, "
                f"floating point; got shape {y.shape}, dtype {y.dtype}"
            )
        target = self.check(y, np.asarray(target))
        self.y, self.target = y, target
        mean = self.each(y, target).sum(axis=-1) / y.shape[-2]
        return float(mean) if mean.ndim == 0 else mean

    def backward(self):
        """dy, the gradient of the last forward with respect to y, of y's shape."""
        if self.y is None:
            raise ValueError(f"backward needs forward first: call {self}.forward")
        return self.slope() / self.y.shape[-2]

    def check(self, y, target):
        """target as an array of y's dtype and shape (N, n_out), or a clear error."""
        if target.dtype.kind not in "fiub":
            raise TypeError(f"target must hold numbers, got dtype {target.dtype}")
        n, n_out = y.shape[-2:]
        if target.shape != (n, n_out) and not (n_out == 1 and target.shape == (n,)):
            raise ValueError(
                f"{self} expects a target of shape {(n, n_out)}, as the output, "
                f"got {target.shape}"
            )
        return target.reshape(n, n_out).astype(y.dtype, copy=False)

    def __repr__(self):
        return f"{type(self).__name__}()"


class SquaredError(Loss):
    """Half the squared error: 1/2 * sum over outputs of (y - target)^2, mean over N.

    y (N, n_out), target the same shape (with one output also (N,)).
    """

    def each(self, y, target):
        self.error = y - target
        return 0.5 * (self.error**2).sum(axis=-1)

    def slope(self):
        return self.error


class BinaryCrossEntropy(Loss):
    """-log of the probability of the right answer, for yes-or-no outputs; mean over N.

    y (N, n_out) holds logits: the probability of a yes is sigmoid(y), so the net ends
    without a Sigmoid layer. target: 0 for no, 1 for yes, or a probability between;
    y's shape or, with one output, (N,). Several outputs are summed.
    """

    def check(self, y, target):
        target = super().check(y, target)
        if not ((target >= 0) & (target <= 1)).all():
            raise ValueError(
                f"{self} expects targets between 0 and 1, got values from "
                f"{target.min()} to {target.max()}"
            )
        return target

    def each(self, y, target):
        # log(1 + exp(y)), written so that exp cannot overflow.
        self.softplus = np.maximum(y, 0) + np.log1p(np.exp(-np.abs(y)))
        return (self.softplus - target * y).sum(axis=-1)

    def slope(self):
        probability = np.exp(self.y - self.softplus)  # sigmoid(y)
        return probability - self.target


class SoftmaxCrossEntropy(Loss):
    """-log of the probability of the right class; mean over N.

    y (N, C) holds logits: probabilities are softmax(y), so the net ends without a
    softmax layer. target: the right class of each example, whole numbers (N,) from 0
    to C - 1. Together with the softmax the gradient is p - (1 at the right class).
    """

    def check(self, y, target):
        n, classes = y.shape[-2:]
        if target.dtype.kind not in "iu" or target.shape != (n,):
            rows = target.ndim == 2
            hint = "rows with a single 1: argmax(axis=1)" if rows else "astype(int)"
            raise ValueError(
                f"{self} expects one whole-number label for each of the {n} examples, "
                f"shape ({n},); got shape {target.shape}, {target.dtype} ({hint}?)"
            )
        if target.min() < 0 or target.max() >= classes:
            raise ValueError(
                f"{self} expects labels from 0 to {classes - 1}, one for each output, "
                f"got labels from {target.min()} to {target.max()}"
            )
        return target

    def each(self, y, target):
        z = y - y.max(axis=-1, keepdims=True)  # changes no p, and exp stays finite
        log_p = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
        self.p = np.exp(log_p)
        self.right = ..., np.arange(len(target)), target  # where the right answers are
        return -log_p[self.right]

    def slope(self):
        slope = self.p.copy()
        slope[self.right] -= 1
        return slope


def softmax(logits):
    """Logits (..., C) to probabilities that sum to 1 over the last axis.

    The largest logit is subtracted first: it changes nothing, and exp cannot overflow.
    """
    logits = np.asarray(logits)
    if logits.dtype.kind not in "fiu" or logits.ndim == 0 or logits.size == 0:
        raise ValueError(
            "softmax expects an array of numbers with at least one axis, got shape "
            f"{logits.shape}, dtype {logits.dtype}"
        )
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
