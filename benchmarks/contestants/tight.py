"""What NumPy could reach: no allocation in a step, everything laid out for speed.

Not for learners. Features come first, (n, N), so that sums over the batch run along
memory, and a last row of ones stands for the bias, so that its gradient comes out of
the matrix product.
"""

import numpy as np


class Contestant:
    """theta in a layout of its own; `pack` and `unpack` translate to the common one."""

    def __init__(self, workload):
        self.workload, self.dtype = workload, workload.dtype
        self.rate = np.asarray(workload.rate, self.dtype)
        self.zero = np.zeros((), self.dtype)

    def empty(self, *shape):
        return np.empty(shape, self.dtype)

    def augmented(self, *names):
        """Views of one flat theta and grad, [W; b] transposed to (out, in + 1)."""
        params = self.workload.params
        shapes = [params["W" + n].T.shape for n in names]
        shapes = [(n_out, n_in + 1) for n_out, n_in in shapes]
        sizes = [o * i for o, i in shapes]
        self.flat = self.empty(sum(sizes))
        self.grad = np.zeros_like(self.flat)
        self.scaled = np.zeros_like(self.flat)
        w, dw, start = [], [], 0
        for n, shape, size in zip(names, shapes, sizes, strict=True):
            stop = start + size
            w.append(self.flat[start:stop].reshape(shape))
            dw.append(self.grad[start:stop].reshape(shape))
            w[-1][:, :-1] = params["W" + n].T
            w[-1][:, -1] = params["b" + n]
            start = stop
        self.names = names
        return w, dw

    def theta(self):
        both = {}
        for n, w in zip(self.names, self.w, strict=True):
            both["W" + n], both["b" + n] = w[:, :-1].T, w[:, -1]
        return self.workload.flat(both)

    def update(self):
        np.multiply(self.grad, self.rate, out=self.scaled)
        np.subtract(self.flat, self.scaled, out=self.flat)

    def with_ones(self, rows, columns):
        a = self.empty(rows + 1, columns)
        a[-1] = 1
        return a

    def prepare_loss(self, classes):
        n = self.workload.batch
        self.z, self.row = self.empty(classes, n), self.empty(n)
        self.right = self.workload.t * n + np.arange(n)  # flat indices into z
        self.hot = np.zeros((classes, n), self.dtype)
        self.hot.reshape(-1)[self.right] = 1
        self.share = np.asarray(1 / n, self.dtype)

    def cross_entropy(self):
        """The loss of the logits z (C, N), which become their own gradient."""
        z, row = self.z, self.row
        np.maximum.reduce(z, axis=0, out=row)
        np.subtract(z, row, out=z)
        picked = np.add.reduce(z.reshape(-1).take(self.right))
        np.exp(z, out=z)
        np.add.reduce(z, axis=0, out=row)
        np.divide(z, row, out=z)
        np.log(row, out=row)
        loss = (np.add.reduce(row) - picked) * self.share
        np.subtract(z, self.hot, out=z)
        np.multiply(z, self.share, out=z)
        return loss


class Dense(Contestant):
    def __init__(self, workload):
        super().__init__(workload)
        sizes, n = workload.sizes, workload.batch
        self.w, self.dw = self.augmented(*(str(i) for i in range(1, len(sizes))))
        self.a = [self.with_ones(size, n) for size in sizes[:-1]]
        self.a[0][:-1] = workload.x.T
        self.mask = [self.empty(size, n) for size in sizes[:-1]]
        self.dz = [self.empty(size, n) for size in sizes[1:]]
        self.prepare_loss(sizes[-1])

    def step(self):
        w, a, dz = self.w, self.a, self.dz
        for i in range(len(w) - 1):
            inside = a[i + 1][:-1]
            w[i].dot(a[i], out=inside)
            np.maximum(inside, self.zero, out=inside)
        w[-1].dot(a[-1], out=self.z)
        loss = self.cross_entropy()
        d = self.z
        for i in range(len(w) - 1, -1, -1):
            np.dot(d, a[i].T, out=self.dw[i])
            if i:
                np.matmul(w[i][:, :-1].T, d, out=dz[i - 1])
                np.sign(a[i][:-1], out=self.mask[i])
                d = np.multiply(dz[i - 1], self.mask[i], out=dz[i - 1])
        self.update()
        return loss


class Rates(Contestant):
    """K copies on the last axis: every operation is one run over all of them."""

    def __init__(self, workload):
        super().__init__(workload)
        k = workload.copies
        self.p = {
            name: np.repeat(w[..., None], k, axis=-1).astype(self.dtype)
            for name, w in workload.params.items()
        }
        n, n_hidden = len(workload.x), workload.sizes[1]
        self.inputs = [np.repeat(column[:, None], k, axis=1) for column in workload.x.T]
        self.t = workload.t.astype(self.dtype)[:, None]
        self.h, self.dh = self.empty(n_hidden, n, k), self.empty(n_hidden, n, k)
        self.wide, self.z = self.empty(n_hidden, n, k), self.empty(n, k)
        self.share = np.asarray(1 / n, self.dtype)

    def theta(self):
        return np.concatenate([w.reshape(-1, w.shape[-1]) for w in self.p.values()]).T

    def step(self):
        W1, b1, W2, b2 = self.p.values()  # (2, 8, K), (1, 8, K), (8, 1, K), (1, 1, K)
        h, dh, wide, z = self.h, self.dh, self.wide, self.z
        h[...] = b1[0, :, None]
        for x, w in zip(self.inputs, W1, strict=True):
            h += np.multiply(x, w[:, None], out=wide)
        np.tanh(h, out=h)
        np.add.reduce(np.multiply(h, W2, out=wide), axis=0, out=z)
        z += b2[0]
        e = np.exp(-np.abs(z))
        softplus = np.log1p(e)
        softplus += np.maximum(z, self.zero)
        loss = np.add.reduce(softplus - z * self.t) * self.share
        np.exp(np.subtract(z, softplus, out=z), out=z)  # the probability
        z -= self.t
        z *= self.share  # now the gradient of z
        dW2 = np.add.reduce(np.multiply(h, z, out=wide), axis=1)[:, None]
        np.multiply(h, h, out=wide)
        np.subtract(1, wide, out=wide)
        np.multiply(wide, z, out=dh)
        dh *= W2
        for x, w in zip(self.inputs, W1, strict=True):
            w -= self.rate * np.add.reduce(np.multiply(dh, x, out=wide), axis=1)
        W2 -= self.rate * dW2
        b1 -= self.rate * np.add.reduce(dh, axis=1)
        b2 -= self.rate * np.add.reduce(z)
        return loss


KINDS = {"dense": Dense, "rates": Rates}


def contestants(kind):
    label = "tight NumPy, copies last" if kind == "rates" else "tight NumPy"
    return {label: KINDS[kind]} if kind in KINDS else {}
