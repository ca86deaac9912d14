"""JAX: value_and_grad and the update under one jit, parameters donated."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

jax.config.update("jax_enable_x64", True)  # float32 arrays stay float32 all the same
jax.config.update("jax_platforms", "cpu")
# Run in the calling thread: a hand-over to another is slower and uses a second core.
jax.config.update("jax_cpu_enable_async_dispatch", False)


def cross_entropy(logits, t):
    picked = jnp.take_along_axis(jax.nn.log_softmax(logits), t[:, None], axis=1)
    return -picked.mean()


def sigmoid_loss(p, x, t):
    h = jax.nn.sigmoid(x @ p["W1"] + p["b1"])
    y = jax.nn.sigmoid(h @ p["W2"] + p["b2"])
    return 0.5 * jnp.sum((y - t) ** 2) / len(x)


def dense_loss(p, x, t):
    depth = len(p) // 2
    for i in range(1, depth):
        x = jax.nn.relu(x @ p[f"W{i}"] + p[f"b{i}"])
    return cross_entropy(x @ p[f"W{depth}"] + p[f"b{depth}"], t)


def conv_loss(p, x, t):
    conv = partial(
        lax.conv_general_dilated,
        window_strides=(1, 1),
        padding="VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    a = jax.nn.relu(conv(x, p["W1"]) + p["b1"])
    n, h, w, c = a.shape
    # Faster here than lax.reduce_window; ties occur at 0 only, where ReLU stops them.
    a = a.reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))
    a = jax.nn.relu(conv(a, p["W2"]) + p["b2"])
    return cross_entropy(a.reshape(n, -1) @ p["W3"] + p["b3"], t)


def rnn_loss(p, x, t):
    u = x.transpose(1, 0, 2) @ p["W1"] + p["b1"]
    h0 = jnp.zeros_like(u[0])
    h, _ = lax.scan(lambda h, u: (jnp.tanh(u + h @ p["U1"]), None), h0, u)
    return cross_entropy(h @ p["W2"] + p["b2"], t)


def rate_loss(p, x, t):
    z = (jnp.tanh(x @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"])[:, 0]
    return jnp.mean(jnp.maximum(z, 0) - z * t + jnp.log1p(jnp.exp(-jnp.abs(z))))


class Contestant:
    def __init__(self, workload, loss):
        self.workload = workload
        self.x = jnp.array(workload.x)
        t = workload.t
        self.t = jnp.array(t.astype(np.int32) if t.dtype == np.int64 else t)
        self.p = {name: jnp.array(w) for name, w in workload.params.items()}
        rate = jnp.asarray(workload.rate, workload.dtype)

        def update(p, rate, x, t):
            value, gradients = jax.value_and_grad(loss)(p, x, t)
            return value, jax.tree.map(lambda w, g: w - rate * g, p, gradients)

        if workload.copies:
            k = workload.copies
            self.p = {n: jnp.repeat(w[None], k, axis=0) for n, w in self.p.items()}
            update = jax.vmap(update, in_axes=(0, 0, None, None))
        self.update, self.rate = jax.jit(update, donate_argnums=0), rate

    def theta(self):
        if k := self.workload.copies:
            arrays = [np.asarray(self.p[n]) for n in self.workload.shapes]
            return np.concatenate([a.reshape(k, -1) for a in arrays], axis=1)
        return self.workload.flat({n: np.asarray(w) for n, w in self.p.items()})

    def step(self):
        loss, self.p = self.update(self.p, self.rate, self.x, self.t)
        jax.block_until_ready(self.p)
        return loss


LOSSES = {
    "sigmoid": sigmoid_loss,
    "dense": dense_loss,
    "conv": conv_loss,
    "rnn": rnn_loss,
    "rates": rate_loss,
}


def contestants(kind):
    label = "JAX jit, vmap" if kind == "rates" else "JAX jit"
    return {label: partial(Contestant, loss=LOSSES[kind])}
