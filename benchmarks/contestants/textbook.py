"""Backpropagation in NumPy the way tutorials write it: clear, new arrays at each line.

It is also the reference: run in float64, it says what the gradients should be.
"""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax_cross_entropy(logits, t):
    """The mean loss and its gradient with respect to the logits."""
    n = len(t)
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(n), t]).mean()
    dlogits = p.copy()
    dlogits[np.arange(n), t] -= 1
    return loss, dlogits / n


class Contestant:
    def __init__(self, workload):
        self.workload, self.rate = workload, workload.rate
        self.x, self.t = workload.x, workload.t
        self.p = {name: w.copy() for name, w in workload.params.items()}

    def theta(self):
        return self.workload.flat(self.p)

    def step(self):
        loss, gradients = self.gradients()
        for name, gradient in gradients.items():
            self.p[name] -= self.rate * gradient
        return loss


class Sigmoid(Contestant):
    def gradients(self):
        p, x, t = self.p, self.x, self.t
        h = sigmoid(x @ p["W1"] + p["b1"])
        y = sigmoid(h @ p["W2"] + p["b2"])
        loss = 0.5 * np.sum((y - t) ** 2) / len(x)
        dz2 = (y - t) / len(x) * y * (1 - y)
        dz1 = dz2 @ p["W2"].T * h * (1 - h)
        return loss, {
            "W1": x.T @ dz1,
            "b1": dz1.sum(axis=0, keepdims=True),
            "W2": h.T @ dz2,
            "b2": dz2.sum(axis=0, keepdims=True),
        }


class Dense(Contestant):
    def gradients(self):
        p, depth = self.p, len(self.p) // 2
        inputs, z = [self.x], None
        for i in range(1, depth + 1):
            z = inputs[-1] @ p[f"W{i}"] + p[f"b{i}"]
            inputs.append(np.maximum(z, 0))
        loss, dz = softmax_cross_entropy(z, self.t)
        gradients = {}
        for i in range(depth, 0, -1):
            a = inputs[i - 1]
            gradients[f"W{i}"] = a.T @ dz
            gradients[f"b{i}"] = dz.sum(axis=0, keepdims=True)
            if i > 1:
                dz = (dz @ p[f"W{i}"].T) * (a > 0)
        return loss, gradients


def im2col(x, k):
    """(N, H, W, C) -> (N, H-k+1, W-k+1, k*k*C), a loop over the k x k taps."""
    h, w = x.shape[1] - k + 1, x.shape[2] - k + 1
    taps = [x[:, i : i + h, j : j + w] for i in range(k) for j in range(k)]
    return np.concatenate(taps, axis=3)


def col2im(dcols, shape, k):
    """The adjoint of im2col: every column adds to the pixels it was taken from."""
    dx = np.zeros(shape, dcols.dtype)
    h, w, c = shape[1] - k + 1, shape[2] - k + 1, shape[3]
    dcols = dcols.reshape(shape[0], h, w, k, k, c)
    for i in range(k):
        for j in range(k):
            dx[:, i : i + h, j : j + w] += dcols[:, :, :, i, j]
    return dx


class Conv(Contestant):
    def gradients(self):
        p, n = self.p, len(self.x)
        k, size = 3, 2
        w1, w2 = p["W1"].reshape(-1, 8), p["W2"].reshape(-1, 16)
        # Forward
        cols1 = im2col(self.x, k)
        a1 = np.maximum(cols1 @ w1 + p["b1"], 0)
        h, w, c = a1.shape[1] // size, a1.shape[2] // size, a1.shape[3]
        windows = a1.reshape(n, h, size, w, size, c).transpose(0, 1, 3, 5, 2, 4)
        windows = windows.reshape(n, h, w, c, size * size)
        winner = windows.argmax(axis=4)[..., None]
        pooled = np.take_along_axis(windows, winner, axis=4)[..., 0]
        cols2 = im2col(pooled, k)
        a2 = np.maximum(cols2 @ w2 + p["b2"], 0)
        flat = a2.reshape(n, -1)
        loss, dz3 = softmax_cross_entropy(flat @ p["W3"] + p["b3"], self.t)
        # Backward
        dz2 = (dz3 @ p["W3"].T).reshape(a2.shape) * (a2 > 0)
        dcols2 = dz2 @ w2.T
        dpooled = col2im(dcols2, pooled.shape, k)
        dwindows = np.zeros_like(windows)
        np.put_along_axis(dwindows, winner, dpooled[..., None], axis=4)
        dwindows = dwindows.reshape(n, h, w, c, size, size)
        da1 = dwindows.transpose(0, 1, 4, 2, 5, 3).reshape(a1.shape)
        dz1 = da1 * (a1 > 0)
        return loss, {
            "W1": (cols1.reshape(-1, cols1.shape[3]).T @ dz1.reshape(-1, 8)).reshape(
                p["W1"].shape
            ),
            "b1": dz1.sum(axis=(0, 1, 2)).reshape(1, -1),
            "W2": (cols2.reshape(-1, cols2.shape[3]).T @ dz2.reshape(-1, 16)).reshape(
                p["W2"].shape
            ),
            "b2": dz2.sum(axis=(0, 1, 2)).reshape(1, -1),
            "W3": flat.T @ dz3,
            "b3": dz3.sum(axis=0, keepdims=True),
        }


class Rnn(Contestant):
    def gradients(self):
        p, x = self.p, self.x
        steps = x.shape[1]
        h = [np.zeros((len(x), p["U1"].shape[0]), x.dtype)]
        for s in range(steps):
            h.append(np.tanh(x[:, s] @ p["W1"] + h[-1] @ p["U1"] + p["b1"]))
        loss, dy = softmax_cross_entropy(h[-1] @ p["W2"] + p["b2"], self.t)
        g = {name: np.zeros_like(w) for name, w in p.items()}
        g["W2"], g["b2"] = h[-1].T @ dy, dy.sum(axis=0, keepdims=True)
        dh = dy @ p["W2"].T
        for s in range(steps, 0, -1):
            dz = dh * (1 - h[s] ** 2)
            g["W1"] += x[:, s - 1].T @ dz
            g["U1"] += h[s - 1].T @ dz
            g["b1"] += dz.sum(axis=0, keepdims=True)
            dh = dz @ p["U1"].T
        return loss, g


class OneRate(Contestant):
    def gradients(self):
        p, x = self.p, self.x
        t = self.t.reshape(-1, 1).astype(x.dtype)
        h = np.tanh(x @ p["W1"] + p["b1"])
        z = h @ p["W2"] + p["b2"]
        loss = np.mean(np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z))))
        dz2 = (sigmoid(z) - t) / len(x)
        dz1 = dz2 @ p["W2"].T * (1 - h**2)
        return loss, {
            "W1": x.T @ dz1,
            "b1": dz1.sum(axis=0, keepdims=True),
            "W2": h.T @ dz2,
            "b2": dz2.sum(axis=0, keepdims=True),
        }


class OneAfterAnother:
    """K contestants, each with a rate of its own; a step is one update of each."""

    def __init__(self, workload, make):
        self.all = [make(workload.one_rate(k)) for k in range(workload.copies)]

    def theta(self):
        return np.stack([one.theta() for one in self.all])

    def step(self):
        return [one.step() for one in self.all]


KINDS = {"sigmoid": Sigmoid, "dense": Dense, "conv": Conv, "rnn": Rnn}


def contestants(kind):
    if kind == "rates":
        make = lambda w: OneAfterAnother(w, OneRate)  # noqa: E731
        return {"textbook NumPy, one after another": make}
    return {"textbook NumPy": KINDS[kind]}
