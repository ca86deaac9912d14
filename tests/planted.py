"""A backward pass as a learner writes it, and every way we know to get it wrong.

Nothing here uses `bplib.diagnosis`: the tool under test must not judge
its own work. `program(slip, at)` is a function my_backward(net, loss, x, t) with one
slip, made at the layers `at` (None: at all that it fits), and maybe more such pairs.
PLANTED lists the slips.
"""

import numpy as np

from bplib import (
    RNN,
    BinaryCrossEntropy,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    Net,
    ReLU,
    Sigmoid,
    SoftmaxCrossEntropy,
    SquaredError,
    Tanh,
)

# slip: (identifier, where it applies). A slip is named kind:what.
FACTORS = {
    "sign": lambda N, C: -1.0,
    "n_missing": lambda N, C: float(N),
    "n_twice": lambda N, C: 1.0 / N,
    "factor_two": lambda N, C: 2.0,
    "factor_half": lambda N, C: 1 / 2,
    "times_classes": lambda N, C: float(C),
    "divided_by_classes": lambda N, C: 1 / C,
    "classes_for_n": lambda N, C: N / C if C > 1 else 1.0,
    "mean_of_squares": lambda N, C: 2 / C,
    "n_minus_one": lambda N, C: N / (N - 1),
    "factor": lambda N, C: 0.37,
}


def program(slip=None, at=None, *more):
    """my_backward with this slip, at these layers (counted from 0; None: all), and
    more pairs of a slip and its layers.
    """

    def my_backward(net, loss, x, t):
        return backward(net, loss, x, t, (slip, at), *more)

    my_backward.slip = slip
    return my_backward


def backward(net, loss, x, t, *pairs):
    slips = [slip for slip, _ in pairs if slip]
    N, activations = len(x), [np.asarray(x, dtype=net.dtype)]
    for i, layer in enumerate(net.layers):
        biased = made_at(i, pairs) != "forward:no_bias"
        activations.append(forward(layer, activations[-1], biased))
    y = activations[-1]
    C = y.shape[-1]

    kinds = ("squared", "binary", "softmax", "targets")
    at_loss = [slip for slip in slips if slip.split(":")[0] in kinds]
    dy = loss_gradient(loss, y, t, at_loss[0] if at_loss else None)
    for slip in slips:
        if slip in FACTORS:
            dy = dy * FACTORS[slip](N, C)
        if slip == "loss:last_example":
            for n in range(N):
                only = np.zeros_like(dy)
                only[n] = dy[n]
            dy = only
        if slip in ("loss:from_one", "loss:to_n_minus_one"):
            all_dy, dy = dy, np.zeros_like(dy)
            first, end = (1, N) if slip == "loss:from_one" else (0, N - 1)
            for n in range(first, end):
                dy[n] = all_dy[n]

    grads, number = {}, sum(bool(layer.params) for layer in net.layers)
    for i in reversed(range(len(net.layers))):
        layer, a, y = net.layers[i], activations[i], activations[i + 1]
        here = made_at(i, pairs)
        if isinstance(layer, Dense):
            z = activations[i - 1] if i and is_activation(net.layers[i - 1]) else None
            others = [
                o
                for o in net.layers
                if isinstance(o, Dense)
                and o is not layer
                and o.W.shape == layer.W.shape
            ]
            dy, g = dense(layer, a, dy, here, N, C, z, others)
        elif isinstance(layer, Conv2D):
            dy, g = conv(layer, a, dy, here, N)
        elif isinstance(layer, RNN):
            dy, g = rnn(layer, a, dy, here, N)
        elif isinstance(layer, MaxPool2D):
            dy, g = pool(layer, a, y, dy, here), {}
        elif isinstance(layer, Flatten):
            dy, g = flatten(a, dy, here), {}
        else:
            twins = [
                k + 1
                for k, o in enumerate(net.layers)
                if type(o) is type(layer)
                and o is not layer
                and activations[k + 1].shape == y.shape
            ]
            other = activations[twins[0]] if twins else None
            dy, g = activation(layer, a, y, dy, here, other), {}
        for key, value in g.items():
            grads[f"d{key}{number}"] = value
        number -= bool(layer.params)
    for slip in slips:
        if slip.startswith("exchanged:"):
            grads = exchanged(grads, slip)
    return grads


def made_at(i, pairs):
    """The slip that is made at this layer: one that says so, or one for all."""
    named = [slip for slip, at in pairs if at is not None and i in at]
    return (named + [slip for slip, at in pairs if at is None] + [None])[0]


def exchanged(grads, slip):
    """Two arrays of one shape, or all arrays of two layers, change places."""
    part = {"exchanged:biases": "db", "exchanged:weights": "dW"}.get(slip)
    names = sorted(n for n in grads if n.startswith(part or "dW"))
    for a in names:
        for b in names[names.index(a) + 1 :]:
            if part and grads[a].shape == grads[b].shape:
                return {**grads, a: grads[b], b: grads[a]}
            pairs = {a: b, b: a, "db" + a[2:]: "db" + b[2:], "db" + b[2:]: "db" + a[2:]}
            if not part and not any(n.startswith("dU") for n in grads):
                return {n: grads[pairs.get(n, n)] for n in grads}
    return grads


def is_activation(layer):
    return isinstance(layer, (Sigmoid, Tanh, ReLU))


def sigma(z):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-z))


# ------------------------------------------------------------------------- forward


def forward(layer, a, biased=True):
    if isinstance(layer, Dense):
        return np.dot(a, layer.W) + layer.b if biased else np.dot(a, layer.W)
    if isinstance(layer, Sigmoid):
        return sigma(a)
    if isinstance(layer, Tanh):
        return np.tanh(a)
    if isinstance(layer, ReLU):
        return np.where(a > 0, a, 0)
    if isinstance(layer, Flatten):
        return a.reshape(len(a), -1)
    if isinstance(layer, Conv2D):
        k = layer.W.shape[0]
        H, V = a.shape[1] - k + 1, a.shape[2] - k + 1
        y = np.zeros((len(a), H, V, layer.W.shape[3]), a.dtype)
        for i in range(H):
            for j in range(V):
                patch = a[:, i : i + k, j : j + k].reshape(len(a), -1)
                y[:, i, j] = patch @ layer.W.reshape(-1, layer.W.shape[3])
                if biased:
                    y[:, i, j] += layer.b[0]
        return y
    if isinstance(layer, MaxPool2D):
        s = layer.sizes[0]
        n, H, V, c = a.shape
        y = np.zeros((n, H // s, V // s, c), a.dtype)
        for i in range(H // s):
            for j in range(V // s):
                y[:, i, j] = a[:, i * s : i * s + s, j * s : j * s + s].max(axis=(1, 2))
        return y
    if isinstance(layer, RNN):
        return rnn_states(layer, a, biased)[-1]
    raise TypeError(layer)


def rnn_states(layer, a, biased=True):
    b = layer.b if biased else 0
    h = [np.zeros((len(a), layer.U.shape[0]), a.dtype)]
    for step in range(a.shape[1]):
        h.append(np.tanh(a[:, step] @ layer.W + h[-1] @ layer.U + b))
    return h


# ---------------------------------------------------------------------------- loss


def loss_gradient(loss, y, t, slip):
    N, C = y.shape
    if not isinstance(loss, SoftmaxCrossEntropy):
        t = np.reshape(t, y.shape)
    if slip == "targets:next_row":
        t = np.roll(t, -1, axis=0)
    if slip == "targets:row_before":  # t[n - 1]: at n = 0 the last
        t = np.array([t[n - 1] for n in range(N)])
    if isinstance(loss, SquaredError):
        if slip == "squared:target_missing":
            return y / N
        return (y - t) / N
    if isinstance(loss, BinaryCrossEntropy):
        p = sigma(y)
        if slip == "binary:target_missing":
            return p / N
        if slip == "binary:derivative_twice":
            return (p - t) * p * (1 - p) / N
        if slip == "binary:squared_error":  # E = 1/2 (p - t)^2, through the sigmoid
            dp = (p - t) / N
            return dp * (p * (1 - p))
        if slip == "binary:sigmoid_missing":
            return (-t / p + (1 - t) / (1 - p)) / N
        if slip == "binary:half":
            return -t / p * (p * (1 - p)) / N
        if slip == "binary:logits":
            return (y - t) / N
        if slip == "binary:sigmoid_again":
            return (sigma(p) - t) / N
        if slip == "binary:sigmoid_again_both":
            return (sigma(p) - t) * p * (1 - p) / N
        return (p - t) / N
    assert isinstance(loss, SoftmaxCrossEntropy)
    t = np.asarray(t)
    e = np.exp(y - y.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    onehot = np.zeros_like(p)
    for n in range(N):
        onehot[n, t[n]] = 1
    if slip == "softmax:target_missing":
        return p / N
    if slip == "softmax:labels_from_one":
        return (p - np.eye(C)[t - 1]) / N
    if slip == "softmax:labels_plus_one":
        return (p - (np.arange(C) == t[:, None] + 1)) / N
    if slip == "softmax:targets_but_one":
        for n in range(1, N):
            p[n, t[n]] -= 1
        return p / N
    if slip == "softmax:rows":
        p[t, :] -= 1
        return p / N
    if slip == "softmax:rows_from_one":
        for label in t:
            p[label - 1, :] -= 1
        return p / N
    if slip == "softmax:columns":
        p[:, t] -= 1
        return p / N
    if slip == "softmax:all_rows":
        return (np.exp(y) / np.exp(y).sum() - onehot) / N
    if slip == "softmax:all_rows_shifted":
        return (e / e.sum() - onehot) / N
    if slip == "softmax:axis_shifted":
        return (e / e.sum(axis=0) - onehot) / N
    if slip == "softmax:elementwise":  # dE/dp, then s (1 - s)
        return -onehot / p * (p * (1 - p)) / N
    if slip == "softmax:missing":
        return -onehot / p / N
    if slip == "softmax:both":
        d, dy = (p - onehot) / N, np.zeros_like(p)
        for n in range(N):
            J = np.diag(p[n]) - np.outer(p[n], p[n])
            dy[n] = J @ d[n]
        return dy
    if slip == "softmax:both_elementwise":
        return (p - onehot) / N * p * (1 - p)
    if slip == "softmax:logits":
        return (y - onehot) / N
    if slip == "softmax:again":
        q = np.exp(p) / np.exp(p).sum(axis=1, keepdims=True)
        return (q - onehot) / N
    if slip == "softmax:again_both":
        q = np.exp(p) / np.exp(p).sum(axis=1, keepdims=True)
        d, dy = (q - onehot) / N, np.zeros_like(p)
        for n in range(N):
            dy[n] = (np.diag(p[n]) - np.outer(p[n], p[n])) @ d[n]
        return dy
    if slip == "softmax:axis":
        q = np.exp(y) / np.exp(y).sum(axis=0)
        return (q - onehot) / N
    if slip == "softmax:sigmoid":
        return (sigma(y) - onehot) / N
    if slip == "softmax:labels":
        return (p - t.reshape(-1, 1)) / N
    return (p - onehot) / N


# ---------------------------------------------------------------------- activations


def activation(layer, z, a, dy, slip, other):
    kind, _, what = (slip or "").partition(":")
    what = what if kind == "activation" else ""
    if isinstance(layer, ReLU):
        mask = z > 0
        if what == "missing":
            return dy
        if what == "mask_of_output":
            mask = a >= 0
        if what == "mask_of_gradient":
            mask = dy > 0
        if what == "mask_inverted":
            mask = z < 0
        if what == "value":
            return dy * a
        if what == "overwritten":
            return mask * 1.0
        if what == "wrong_function":
            return dy * a * (1 - a)
        if what == "kink":
            mask = z >= 0
        dz = dy.copy()
        dz[~mask] = 0
        return dz
    if isinstance(layer, Sigmoid):
        d = a * (1 - a)
        if what == "preactivation":
            d = z * (1 - z)
        if what == "at_output":
            d = sigma(a) * (1 - sigma(a))
        if what == "wrong_function":
            d = 1 - a**2
        if what == "value":
            d = a
        if what == "one_minus":
            d = 1 - a
        if what == "wrong_layer" and other is not None:
            d = other * (1 - other)
    else:
        d = 1 - a**2
        if what == "preactivation":
            d = 1 - z**2
        if what == "at_output":
            d = 1 - np.tanh(a) ** 2
        if what == "wrong_function":
            d = a * (1 - a)
        if what == "value":
            d = a
        if what == "one_minus":
            d = 1 - a
        if what == "wrong_layer" and other is not None:
            d = 1 - other**2
    if what == "missing":
        return dy
    if what == "twice":
        return dy * d * d
    if what == "overwritten":
        return d
    return dy * d


# ---------------------------------------------------------------------------- dense


def dense(layer, a, dy, slip, N, C, z, others):
    kind, _, what = (slip or "").partition(":")
    if kind not in ("dense", "dW", "db", "dx"):
        what = ""
    W = layer.W
    dW = np.zeros_like(W)
    for n in range(N):
        if what == "from_one" and n == 0:
            continue
        if what == "last_example" or (what == "dW_last_example"):
            dW = np.outer(a[n], dy[n])
        else:
            dW += np.outer(a[n], dy[n])
    if what == "transpose":
        dW = np.dot(dy.T, a)
    if what == "preactivation" and z is not None:
        dW = z.T @ dy
    if what == "W_zero":
        dW = np.zeros(W.shape)
    if what == "decay":
        dW = dW + 0.01 * W
    db = dy.sum(axis=0)
    if what == "from_one":
        db = dy[1:].sum(axis=0)
    if what == "mean":
        db = dy.mean(axis=0)
    if what == "not_summed":
        db = dy
    if what == "axis":
        db = dy.sum(axis=1)
    if what == "sum_all":
        db = np.sum(dy)
    if what == "b_zero":
        db = np.zeros(W.shape[1])
    if what in ("last_example", "db_last_example"):
        db = dy[-1]
    if what == "decay_b":
        db = db + 0.01 * layer.b
    if what == "decay_both":
        dW, db = dW + 0.01 * W, db + 0.01 * layer.b
    dx = dy @ W.T
    if what == "not_transposed" and W.shape[0] == W.shape[1]:
        dx = np.dot(dy, W)
    if what == "updated":
        dx = dy @ (W - 0.1 * dW).T
    if what == "skipped" and W.shape[0] == W.shape[1]:
        dx = dy
    if what == "no_weights":
        dx = np.repeat(dy.sum(axis=1)[:, None], W.shape[0], axis=1)
    if what == "last_output":
        for j in range(W.shape[1]):
            dx = np.outer(dy[:, j], W[:, j])
    if what == "wrong_weights" and others:
        dx = dy @ others[0].W.T
    if what == "overwritten":
        dx = np.ones_like(dy) @ W.T
    if what in FACTORS:
        factor = FACTORS[what](N, C)
        if kind == "dW":
            dW = factor * dW
        if kind == "db":
            db = factor * db
        if kind == "dx":
            dx = factor * dx
    return dx, {"W": dW, "b": db}


# ------------------------------------------------------------- convolution, pooling


def conv(layer, a, dy, slip, N):
    kind, _, what = (slip or "").partition(":")
    if kind == "dense" and what in ("mean", "b_zero", "updated", "decay"):
        pass
    elif kind != "conv":
        what = ""
    W = layer.W
    k = len(W)
    H, V = dy.shape[1:3]
    dW, db, dx = np.zeros_like(W), np.zeros(W.shape[3]), np.zeros_like(a)
    step = 2 if what == "stride" else 1
    Hs, Vs = (H - 1, V - 1) if what == "last_window" else (H, V)
    for i in range(0, Hs, step):
        for j in range(0, Vs, step):
            patch, d = a[:, i : i + k, j : j + k], dy[:, i, j]
            if what == "shifted":
                padded = np.pad(a, ((0, 0), (1, 1), (1, 1), (0, 0)))
                patch = padded[:, i : i + k, j : j + k]
            part = np.einsum("nijc,no->ijco", patch, d)
            if what == "dW_assigned":
                dW = part
            else:
                dW = dW + part
            db = db + d.sum(axis=0)
            F = W[::-1, ::-1] if what == "not_flipped" else W
            if what == "channels_dx" and W.shape[2] == W.shape[3]:
                F = W.transpose(0, 1, 3, 2)
            for n in range(N):
                for p in range(k):
                    for q in range(k):
                        if what == "dx_assigned":
                            dx[n, i + p, j + q] = F[p, q] @ d[n]
                        else:
                            dx[n, i + p, j + q] += F[p, q] @ d[n]
    if what == "updated":
        moved, dx = W - 0.1 * dW, np.zeros_like(a)
        for i in range(H):
            for j in range(V):
                dx[:, i : i + k, j : j + k] += np.tensordot(
                    dy[:, i, j], moved, ([1], [3])
                )
    if what == "dx_shifted":
        shifted = np.zeros_like(dx)
        shifted[:, 1:, 1:] = dx[:, :-1, :-1]
        dx = shifted
    if what == "dW_flipped":
        dW = dW[::-1, ::-1]
    if what == "channels":
        dW = dW.transpose(0, 1, 3, 2)
    if what == "rows_columns":
        dW = dW.transpose(1, 0, 2, 3)
    if what == "windows_mean":
        dW, db = dW / (H * V), db / (H * V)
    if what == "mean":
        db = db / N
    if what == "mean_all":
        db = dy.mean(axis=(0, 1, 2))
    if what == "not_summed":
        db = dy.sum(axis=0)
    if what == "b_zero":
        db = 0 * db
    if what == "decay":
        dW = dW + 0.01 * W
    return dx, {"W": dW, "b": db}


def pool(layer, a, y, dy, slip):
    kind, _, what = (slip or "").partition(":")
    what = what if kind == "pool" else ""
    s, dx = layer.sizes[0], np.zeros_like(a)
    for n, i, j, c in np.ndindex(dy.shape):
        window = a[n, i * s : i * s + s, j * s : j * s + s, c]
        target = dx[n, i * s : i * s + s, j * s : j * s + s, c]
        d = dy[n, i, j, c]
        if what == "all":
            target[...] = d
        elif what == "average":
            target[...] = d / s**2
        elif what == "ties":
            target[window == window.max()] = d
        elif what == "corner":
            target[0, 0] = d
        else:
            target[np.unravel_index(window.argmax(), window.shape)] = (
                1.0 if what == "overwritten" else d
            )
    return dx


def flatten(a, dy, slip):
    if slip == "flatten:channels_first" and a.ndim == 4:
        n, H, V, c = a.shape
        return np.moveaxis(dy.reshape(n, c, H, V), 1, -1)
    if slip == "flatten:fortran" and a.ndim > 2:
        return np.stack([d.reshape(a.shape[1:], order="F") for d in dy])
    return dy.reshape(a.shape)


# ------------------------------------------------------------------------- recurrence


def rnn(layer, a, dy, slip, N):
    kind, _, what = (slip or "").partition(":")
    if kind == "dense" and what in ("mean", "b_zero", "decay"):
        pass
    elif kind != "rnn":
        what = ""
    h = rnn_states(layer, a, slip != "forward:no_bias")
    T = a.shape[1]
    W, U = layer.W, layer.U
    dW, dU, db, dx = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U)), 0.0 * a
    dh = dy
    for step in reversed(range(T)):
        d = 1 - h[step + 1] ** 2
        if what == "no_derivative":
            d = 1.0
        if what == "derivative_twice":
            d = d * d
        if what == "preactivation":
            d = 1 - (a[:, step] @ W + h[step] @ U + layer.b) ** 2
        if what == "state_before":
            d = 1 - h[step] ** 2
        if what == "sigmoid_derivative":
            d = h[step + 1] * (1 - h[step + 1])
        dz = dh * d
        before = h[step]
        if what == "h0_last" and step == 0:
            before = h[-1]
        if what == "h0_ones" and step == 0:
            before = np.ones_like(h[0])
        if what == "state_after":
            before = h[step + 1]
        inputs = a[:, T - 1 - step] if what == "reversed" else a[:, step]
        if what == "assigned":
            dW, dU, db = inputs.T @ dz, before.T @ dz, dz.sum(axis=0)
        else:
            dW, dU, db = (
                dW + inputs.T @ dz,
                dU + before.T @ dz,
                db + dz.sum(axis=0),
            )
        dx[:, step] = dz @ W.T
        dh = dz @ (U if what == "not_transposed" else U.T)
        if what == "last_step" or (what == "truncated" and step == T - 2):
            break
    if what == "dU_transposed":
        dU = dU.T
    if what == "dW_transposed":
        dW = dW.T
    if what == "steps_mean":
        dW, dU, db = dW / T, dU / T, db / T
    if what == "U_zero":
        dU = 0 * dU
    if what == "mean":
        db = db / N
    if what == "b_zero":
        db = 0 * db
    if what == "decay":
        dW, dU = dW + 0.01 * W, dU + 0.01 * U
    return dx, {"W": dW, "U": dU, "b": db}


# ------------------------------------------------------------- what is planted where

ANY_ACTIVATION = (Sigmoid, Tanh, ReLU)
PLANTED = {  # slip: (identifier, the layers or the loss that it is made in)
    **{name: (name, None) for name in FACTORS if name != "mean_of_squares"},
    "mean_of_squares": ("mean_of_squares", SquaredError),
    "loss:last_example": ("one_example_only", None),
    "loss:from_one": ("example_left_out", None),
    "loss:to_n_minus_one": ("example_left_out", None),
    "targets:next_row": ("targets_off_by_one", None),
    "targets:row_before": ("targets_off_by_one", None),
    "exchanged:biases": ("arrays_swapped", None),
    "exchanged:weights": ("arrays_swapped", None),
    "exchanged:layers": ("arrays_swapped", None),
    "forward:no_bias": ("bias_not_in_forward", (Dense, Conv2D, RNN)),
    "squared:target_missing": ("target_missing", SquaredError),
    "binary:target_missing": ("target_missing", BinaryCrossEntropy),
    "binary:derivative_twice": ("cross_entropy_derivative_twice", BinaryCrossEntropy),
    "binary:squared_error": ("squared_error_on_probabilities", BinaryCrossEntropy),
    "binary:sigmoid_missing": ("sigmoid_derivative_missing", BinaryCrossEntropy),
    "binary:half": ("half_cross_entropy", BinaryCrossEntropy),
    "binary:logits": ("logits_for_probabilities", BinaryCrossEntropy),
    "binary:sigmoid_again": ("probabilities_for_logits", BinaryCrossEntropy),
    "binary:sigmoid_again_both": ("probabilities_for_logits", BinaryCrossEntropy),
    "softmax:target_missing": ("target_missing", SoftmaxCrossEntropy),
    "softmax:elementwise": ("softmax_derivative", SoftmaxCrossEntropy),
    "softmax:missing": ("softmax_derivative_missing", SoftmaxCrossEntropy),
    "softmax:both": ("cross_entropy_derivative_twice", SoftmaxCrossEntropy),
    "softmax:both_elementwise": ("cross_entropy_derivative_twice", SoftmaxCrossEntropy),
    "softmax:logits": ("logits_for_probabilities", SoftmaxCrossEntropy),
    "softmax:again": ("probabilities_for_logits", SoftmaxCrossEntropy),
    "softmax:again_both": ("probabilities_for_logits", SoftmaxCrossEntropy),
    "softmax:axis": ("softmax_axis", SoftmaxCrossEntropy),
    "softmax:sigmoid": ("sigmoid_for_softmax", SoftmaxCrossEntropy),
    "softmax:axis_shifted": ("softmax_axis", SoftmaxCrossEntropy),
    "softmax:all_rows": ("softmax_axis", SoftmaxCrossEntropy),
    "softmax:all_rows_shifted": ("softmax_axis", SoftmaxCrossEntropy),
    "softmax:labels_from_one": ("targets_off_by_one", SoftmaxCrossEntropy),
    "softmax:labels_plus_one": ("targets_off_by_one", SoftmaxCrossEntropy),
    "softmax:targets_but_one": ("targets_off_by_one", SoftmaxCrossEntropy),
    "softmax:rows": ("target_indexing", SoftmaxCrossEntropy),
    "softmax:rows_from_one": ("target_indexing", SoftmaxCrossEntropy),
    "softmax:columns": ("target_indexing", SoftmaxCrossEntropy),
    "softmax:labels": ("labels_for_one_hot", SoftmaxCrossEntropy),
    "activation:missing": ("missing_activation_derivative", ANY_ACTIVATION),
    "activation:mask_of_output": ("relu_mask_of_output", ReLU),
    "activation:mask_of_gradient": ("relu_mask_wrong", ReLU),
    "activation:mask_inverted": ("relu_mask_wrong", ReLU),
    "activation:value": ("derivative_incomplete", ANY_ACTIVATION),
    "activation:one_minus": ("derivative_incomplete", (Sigmoid, Tanh)),
    "activation:overwritten": ("upstream_overwritten", ANY_ACTIVATION),
    "activation:wrong_function": ("derivative_of_wrong_function", ANY_ACTIVATION),
    "activation:preactivation": ("derivative_at_wrong_argument", (Sigmoid, Tanh)),
    "activation:at_output": ("derivative_at_wrong_argument", (Sigmoid, Tanh)),
    "activation:wrong_layer": ("derivative_of_wrong_layer", (Sigmoid, Tanh)),
    "activation:twice": ("derivative_twice", (Sigmoid, Tanh)),
    "dense:transpose": ("transpose", Dense),
    "dense:not_transposed": ("weights_not_transposed", Dense),
    "dense:updated": ("updated_weights", (Dense, Conv2D)),
    "dense:no_weights": ("weights_missing", Dense),
    "dense:skipped": ("weights_missing", Dense),
    "dense:last_output": ("path_lost", Dense),
    "dense:wrong_weights": ("weights_of_wrong_layer", Dense),
    "dense:overwritten": ("upstream_overwritten", Dense),
    "dense:preactivation": ("wrong_input", Dense),
    "dense:W_zero": ("weights_zero", Dense),
    "dense:mean": ("batch_mean_bias", (Dense, Conv2D, RNN)),
    "dense:not_summed": ("bias_not_summed", Dense),
    "dense:axis": ("bias_wrong_axis", Dense),
    "dense:sum_all": ("bias_wrong_axis", Dense),
    "dense:b_zero": ("bias_forgotten", (Dense, Conv2D, RNN)),
    "dense:last_example": ("one_example_only", Dense),
    "dense:from_one": ("example_left_out", Dense),
    "dense:dW_last_example": ("one_example_only", Dense),
    "dense:db_last_example": ("one_example_only", Dense),
    "dense:decay": ("regularization_added", (Dense, Conv2D, RNN)),
    "dense:decay_b": ("regularization_on_bias", Dense),
    "dense:decay_both": ("regularization_on_bias", Dense),
    **{
        f"{part}:{name}": (name, Dense)
        for part in ("dW", "db", "dx")
        for name in ("sign", "n_missing", "n_twice", "factor_two", "factor")
        if (part, name) != ("db", "n_twice")
    },
    "conv:not_flipped": ("kernel_not_flipped", Conv2D),
    "conv:dW_flipped": ("kernel_gradient_flipped", Conv2D),
    "conv:channels": ("channels_swapped", Conv2D),
    "conv:channels_dx": ("channels_swapped", Conv2D),
    "conv:rows_columns": ("transpose", Conv2D),
    "conv:shifted": ("padding_off_by_one", Conv2D),
    "conv:dx_shifted": ("padding_off_by_one", Conv2D),
    "conv:last_window": ("last_window_missed", Conv2D),
    "conv:stride": ("stride_wrong", Conv2D),
    "conv:dW_assigned": ("path_lost", Conv2D),
    "conv:dx_assigned": ("path_lost", Conv2D),
    "conv:windows_mean": ("divided_by_windows", Conv2D),
    "conv:mean_all": ("batch_mean_bias", Conv2D),
    "conv:not_summed": ("bias_not_summed", Conv2D),
    "pool:all": ("pool_to_all", MaxPool2D),
    "pool:average": ("pool_to_all", MaxPool2D),
    "pool:ties": ("pool_ties", MaxPool2D),
    "pool:corner": ("pool_wrong_place", MaxPool2D),
    "pool:overwritten": ("upstream_overwritten", MaxPool2D),
    "flatten:channels_first": ("flatten_order", Flatten),
    "flatten:fortran": ("flatten_order", Flatten),
    "rnn:last_step": ("last_time_step_only", RNN),
    "rnn:truncated": ("truncated", RNN),
    "rnn:assigned": ("path_lost", RNN),
    "rnn:h0_last": ("h0_wrong", RNN),
    "rnn:h0_ones": ("h0_wrong", RNN),
    "rnn:state_after": ("state_shifted", RNN),
    "rnn:reversed": ("time_reversed", RNN),
    "rnn:not_transposed": ("weights_not_transposed", RNN),
    "rnn:dU_transposed": ("transpose", RNN),
    "rnn:dW_transposed": ("transpose", RNN),
    "rnn:no_derivative": ("missing_activation_derivative", RNN),
    "rnn:derivative_twice": ("derivative_twice", RNN),
    "rnn:preactivation": ("derivative_at_wrong_argument", RNN),
    "rnn:state_before": ("derivative_at_wrong_argument", RNN),
    "rnn:sigmoid_derivative": ("derivative_of_wrong_function", RNN),
    "rnn:steps_mean": ("divided_by_steps", RNN),
    "rnn:U_zero": ("weights_zero", RNN),
}


# -------------------------------------------------------- mistakes of a whole program


def accumulating():
    """The gradients are added up in variables that live as long as the function."""
    totals = {}

    def my_backward(net, loss, x, t):
        for name, value in backward(net, loss, x, t).items():
            totals[name] = totals.get(name, 0) + value
        return totals

    return my_backward


def adding_to_grad(net, loss, x, t):
    """`+=` into the net's own arrays, which nobody set to zero."""
    g = backward(net, loss, x, t)
    for name, _, d in net.named_parameters():
        d += np.reshape(g["d" + name], d.shape)
    return {"d" + name: d for name, _, d in net.named_parameters()}


def of_globals(net, loss, x, t):
    """Uses the net, x and t of the notebook, whatever it is given."""

    def my_backward(*_):
        return backward(net, loss, x, t)

    return my_backward


def of_global_weights(net):
    def my_backward(_, loss, x, t):
        return backward(net, loss, x, t)

    return my_backward


def with_dropout():
    rng = np.random.default_rng(0)

    def my_backward(net, loss, x, t):
        g = backward(net, loss, x, t)
        return {n: a * rng.integers(2, size=np.shape(a)) for n, a in g.items()}

    return my_backward


def updating(net, loss, x, t):
    """Right gradients, and the update made in passing."""
    g = backward(net, loss, x, t)
    for name, array, _ in net.named_parameters():
        array -= 0.1 * np.reshape(g["d" + name], array.shape)
    return g


def updating_early(net, loss, x, t):
    """Each layer is really updated before the gradient goes on through it."""
    a = [np.asarray(x, dtype=net.dtype)]
    for layer in net.layers:
        a.append(forward(layer, a[-1]))
    dy, g = loss_gradient(loss, a[-1], t, None), {}
    number = sum(bool(layer.params) for layer in net.layers)
    for i in reversed(range(len(net.layers))):
        layer = net.layers[i]
        if isinstance(layer, Dense):
            dW, db = a[i].T @ dy, dy.sum(axis=0)
            layer.W -= 0.05 * dW
            layer.b -= 0.05 * db
            dy = dy @ layer.W.T
            g[f"dW{number}"], g[f"db{number}"] = dW, db
            number -= 1
        else:
            dy = activation(layer, a[i], a[i + 1], dy, None, None)
    return g


def in_float32(net, loss, x, t):
    g = backward(net.copy(np.float32), loss, np.asarray(x, np.float32), t)
    return {n: np.asarray(a, np.float32) for n, a in g.items()}


def right(net, loss, x, t):
    """bplib's own."""
    loss.forward(net.forward(x), t)
    net.backward(loss.backward())
    return {"d" + n: d.copy() for n, _, d in net.named_parameters()}


# -------------------------------------------------------------------------- random nets


def random_net(rng, kind=None):
    """net, loss, x, t: a random net that has a layer, or a loss, of this kind."""
    while True:
        net, loss, x, t = draw_net(rng, kind)
        if kind is None or isinstance(loss, kind):
            return net, loss, x, t
        if any(isinstance(layer, kind) for layer in net.layers):
            return net, loss, x, t


def draw_net(rng, kind):
    n, layers = int(rng.integers(2, 9)), []
    front = "dense"
    if kind in (Conv2D, MaxPool2D, Flatten):
        front = "images"
    elif kind is RNN:
        front = "sequences"
    elif kind is None:
        front = rng.choice(["dense", "dense", "dense", "images", "sequences"])
    if front == "images":
        size, channels = int(rng.integers(6, 9)), int(rng.integers(1, 4))
        shape = (size, size, channels)
        for _ in range(rng.integers(1, 3)):
            out = channels if rng.random() < 0.5 else int(rng.integers(1, 4))
            k = int(rng.integers(2, 4))
            layers += [Conv2D(channels, out, k), an_activation(rng)]
            size, channels = size - k + 1, out
        if size % 2 == 0 and (kind is MaxPool2D or rng.random() < 0.7):
            layers.append(MaxPool2D(2))
            size //= 2
        layers.append(Flatten())
        width = size * size * channels
        depth = int(rng.integers(1, 3))
    elif front == "sequences":
        shape = (int(rng.integers(2, 7)), int(rng.integers(1, 5)))
        width = shape[1] if rng.random() < 0.3 else int(rng.integers(2, 6))
        layers.append(RNN(shape[1], width))
        depth = int(rng.integers(1, 3))
    else:
        width = int(rng.integers(2, 7))
        shape = (width,)
        depth = int(rng.integers(1, 5))
    for i in range(depth):
        out = width if rng.random() < 0.4 and width < 7 else int(rng.integers(1, 7))
        if i and rng.random() < 0.9 or (i and front == "dense"):
            layers.append(an_activation(rng))
        layers.append(Dense(width, out))
        width = out
    if rng.random() < 0.2:
        layers.append(an_activation(rng))
    net = Net(*layers)
    net.theta = rng.normal(size=net.theta.shape) * rng.uniform(0.3, 0.9)
    x = rng.normal(size=(n, *shape))
    losses = [SquaredError(), BinaryCrossEntropy()]
    if width > 1:
        losses += [SoftmaxCrossEntropy()] * 2
    loss = losses[rng.integers(len(losses))]
    return net, loss, x, a_target(rng, loss, n, width)


def an_activation(rng):
    return [Sigmoid, Tanh, ReLU][rng.integers(3)]()


def a_target(rng, loss, n, width):
    if isinstance(loss, SoftmaxCrossEntropy):
        return rng.integers(width, size=n)
    if isinstance(loss, BinaryCrossEntropy):
        return rng.integers(2, size=(n, width)).astype(float)
    return rng.normal(size=(n, width))


def with_ties(x):
    """Rounded, with flat parts: windows hold their largest value more than once."""
    return np.maximum(np.round(x), 0)


def places(net, slip, kind):
    """Where the slip can be made: all such layers, counted from the input."""
    if slip.split(":")[0] in ("dense", "dW", "db", "dx", "conv", "pool") or kind:
        return [i for i, layer in enumerate(net.layers) if isinstance(layer, kind)]
    return []


def differ(one, other, net, loss, x, t):
    """Do these two programs give different numbers here? One that stops gives none."""
    try:
        a, b = one(net.copy(), loss, x, t), other(net.copy(), loss, x, t)
    except IndexError:
        return False
    noise = 1e-13 * max(np.abs(g).max() for g in b.values())  # p - t sums to 1e-17
    for name in a:
        given, array = np.squeeze(a[name]), np.squeeze(b[name])
        if given.shape != array.shape:
            return True
        size = max(np.abs(array).max(), np.abs(given).max())
        if np.abs(given - array).max() > 1e-7 * size + noise:
            return True
    return False
