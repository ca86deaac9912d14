"""PyTorch, eager: nn.functional, autograd and torch.optim.SGD, as most people run it.

"By hand" replaces `backward()` and the optimizer by `torch.autograd.grad` and one
update of all tensors together, the fastest we found for small nets.
"""

import os

import torch
import torch.nn.functional as F

from .textbook import OneAfterAnother

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))

TO_TORCH = {2: (1, 0), 3: (0, 2, 1), 4: (3, 2, 0, 1)}  # (in, out) to (out, in)
FROM_TORCH = {2: (1, 0), 3: (0, 2, 1), 4: (2, 3, 1, 0)}


class Contestant:
    def __init__(self, workload):
        self.workload, self.rate = workload, workload.rate
        self.x, self.t = torch.from_numpy(workload.x), torch.from_numpy(workload.t)
        self.p = {
            name: self.to_torch(name, torch.from_numpy(w.copy())).requires_grad_()
            for name, w in workload.params.items()
        }
        self.tensors = list(self.p.values())
        if not workload.copies:
            self.optimizer = torch.optim.SGD(self.tensors, lr=self.rate)

    @staticmethod
    def to_torch(name, w):
        if name[0] == "b":
            return w.reshape(-1)
        return w.permute(TO_TORCH[w.ndim]).contiguous()

    @staticmethod
    def from_torch(w):
        return w.permute(FROM_TORCH[w.ndim]) if w.ndim > 1 else w

    def theta(self):
        return self.workload.flat(
            {name: self.from_torch(w.detach()).numpy() for name, w in self.p.items()}
        )

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(**self.p)
        loss.backward()
        self.optimizer.step()
        return loss.detach()


class Sigmoid(Contestant):
    def loss(self, W1, b1, W2, b2):
        h = torch.sigmoid(F.linear(self.x, W1, b1))
        y = torch.sigmoid(F.linear(h, W2, b2))
        return 0.5 * ((y - self.t) ** 2).sum() / len(self.x)


class Dense(Contestant):
    def loss(self, **p):
        a, depth = self.x, len(p) // 2
        for i in range(1, depth):
            a = F.relu(F.linear(a, p[f"W{i}"], p[f"b{i}"]))
        return F.cross_entropy(F.linear(a, p[f"W{depth}"], p[f"b{depth}"]), self.t)


class Conv(Contestant):
    def __init__(self, workload):
        super().__init__(workload)
        self.x = self.x.permute(0, 3, 1, 2).contiguous()

    def loss(self, W1, b1, W2, b2, W3, b3):
        a = F.max_pool2d(F.relu(F.conv2d(self.x, W1, b1)), 2)
        a = F.relu(F.conv2d(a, W2, b2))
        # Flattened as (row, column, channel), the order of the common parameters.
        a = a.permute(0, 2, 3, 1).flatten(1)
        return F.cross_entropy(F.linear(a, W3, b3), self.t)


class Rnn(Contestant):
    def __init__(self, workload):
        super().__init__(workload)
        # torch's rnn has a second bias; it stays 0 and takes no part.
        self.second_bias = torch.zeros_like(self.p["b1"])
        self.h0 = torch.zeros(1, workload.batch, workload.sizes[1]).to(self.x.dtype)

    def loss(self, W1, U1, b1, W2, b2):
        weights = (W1, U1, b1, self.second_bias)
        # input, h0, weights, has_biases, layers, dropout, train, two-way, batch first
        h = torch.rnn_tanh(self.x, self.h0, weights, True, 1, 0.0, True, False, True)[
            1
        ][0]
        return F.cross_entropy(F.linear(h, W2, b2), self.t)


class OneRate(Contestant):
    def __init__(self, workload):
        super().__init__(workload)
        self.t = self.t.to(self.x.dtype)[:, None]

    def loss(self, W1, b1, W2, b2):
        z = F.linear(torch.tanh(F.linear(self.x, W1, b1)), W2, b2)
        return F.binary_cross_entropy_with_logits(z, self.t)


class Vmap(OneRate):
    """K networks as one, by torch.func.vmap over the gradient."""

    def __init__(self, workload):
        super().__init__(workload)
        k = workload.copies
        self.p = {
            name: w.detach().expand(k, *w.shape).clone() for name, w in self.p.items()
        }
        rate = torch.from_numpy(workload.rate).to(self.x.dtype)
        self.rates = {
            name: rate.reshape(k, *[1] * (w.ndim - 1)) for name, w in self.p.items()
        }
        one = torch.func.grad_and_value(lambda p: self.loss(**p))
        self.gradients = torch.func.vmap(one)

    def theta(self):
        k = self.workload.copies
        arrays = {
            name: (w.permute(0, 2, 1) if w.ndim == 3 else w).reshape(k, -1).numpy()
            for name, w in self.p.items()
        }
        return torch.cat([torch.from_numpy(a) for a in arrays.values()], 1).numpy()

    def step(self):
        gradients, loss = self.gradients(self.p)
        for name, gradient in gradients.items():
            self.p[name].addcmul_(self.rates[name], gradient, value=-1)
        return loss


KINDS = {"sigmoid": Sigmoid, "dense": Dense, "conv": Conv, "rnn": Rnn}


def by_hand(kind):
    class ByHand(kind):
        def step(self):
            loss = self.loss(**self.p)
            gradients = torch.autograd.grad(loss, self.tensors)
            with torch.no_grad():
                torch._foreach_add_(self.tensors, gradients, alpha=-self.rate)
            return loss.detach()

    return ByHand


def contestants(kind):
    if kind == "rates":
        one, fast = OneRate, by_hand(OneRate)
        return {
            "PyTorch eager, one after another": lambda w: OneAfterAnother(w, one),
            "PyTorch by hand, one after another": lambda w: OneAfterAnother(w, fast),
            "PyTorch vmap": Vmap,
        }
    return {"PyTorch eager": KINDS[kind], "PyTorch by hand": by_hand(KINDS[kind])}
