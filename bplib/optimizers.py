"""An optimizer turns a gradient into a step, in place, on one long vector.

`step(theta, grad)` changes theta, of shape (P,) or (K, P), and leaves grad alone.
With weight decay it also wants `decay_mask` (P,), True where theta decays:
`optimizer.step(net.theta, net.grad, net.decay_mask)`.
"""

import numpy as np


class Optimizer:
    """What the optimizers have in common: their rates, and memory the size of theta.

    An optimizer belongs to one net: what it remembers are that net's past gradients.
    Only learning_rate is meant to be changed after the start.
    """

    def __init__(self, learning_rate, weight_decay):
        self.learning_rate = learning_rate
        self.weight_decay = in_range("weight_decay", weight_decay, 0, np.inf)
        self.memory = None

    @property
    def learning_rate(self):
        """The size of a step, greater than 0. You may change it at any time."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self._learning_rate = positive("learning_rate", value)

    def step(self, theta, grad, decay_mask=None):
        """Move theta one step, in place, given the gradient at theta."""
        self.check(theta, grad, decay_mask)
        if self.weight_decay:
            grad = grad + self.weight_decay * (theta * decay_mask)
        if self.memory is None:
            self.memory = [np.zeros_like(theta) for _ in range(self.arrays)]
        self.move(theta, grad)

    def check(self, theta, grad, decay_mask=None):
        """Raise a ValueError or TypeError where `step` could not take these."""
        if not (isinstance(theta, np.ndarray) and theta.dtype.kind == "f"):
            raise TypeError(f"theta must be a floating-point array, got {theta!r}")
        if np.asarray(grad).dtype.kind not in "fiu":
            raise TypeError(f"grad must hold numbers, got {np.asarray(grad).dtype}")
        if np.shape(grad) != theta.shape:
            raise ValueError(
                f"grad must have the shape of theta, {theta.shape}, "
                f"got {np.shape(grad)}"
            )
        if self.memory and self.memory[0].shape != theta.shape:
            raise ValueError(
                f"this optimizer remembers steps of shape {self.memory[0].shape}, got "
                f"theta of shape {theta.shape}: make a new optimizer for another net"
            )
        if self.weight_decay and np.shape(decay_mask) != theta.shape[-1:]:
            raise ValueError(
                "weight_decay is for weights, not biases: tell them apart with "
                "step(net.theta, net.grad, net.decay_mask), a mask of shape "
                f"{theta.shape[-1:]}; got shape {np.shape(decay_mask)}"
            )


class SGD(Optimizer):
    """theta <- theta - learning_rate * grad, with momentum and Nesterov as options.

    With momentum beta: v <- beta v + g; theta <- theta - learning_rate * v
    (Polyak 1964). nesterov: the step is g + beta v instead of v (Nesterov 1983).
    learning_rate: a number, or K of them for a net with copies=K.
    """

    def __init__(self, learning_rate, momentum=0.0, nesterov=False, weight_decay=0.0):
        super().__init__(learning_rate, weight_decay)
        self.momentum = in_range("momentum", momentum, 0, 1)
        self.nesterov = bool(nesterov)
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum greater than 0")
        self.arrays = 1 if self.momentum else 0

    @Optimizer.learning_rate.setter
    def learning_rate(self, value):
        if np.ndim(value) == 0:
            self._learning_rate = positive("learning_rate", value)
            return
        rates = [positive("learning_rate", rate) for rate in value]
        if not rates:
            raise ValueError(f"learning_rate must be one number or K, got {value!r}")
        self._learning_rate = np.array(rates)

    def move(self, theta, g):
        rate = self.learning_rate
        if isinstance(rate, np.ndarray):
            rate = rate.astype(theta.dtype)[:, None]
        if self.momentum:
            (v,) = self.memory
            v *= self.momentum
            v += g
            g = g + self.momentum * v if self.nesterov else v
        theta -= rate * g

    def check(self, theta, grad, decay_mask=None):
        super().check(theta, grad, decay_mask)
        rates = getattr(self.learning_rate, "shape", ())
        if rates and rates != theta.shape[:-1]:
            raise ValueError(
                f"{rates[0]} learning rates need a net with copies={rates[0]}, whose "
                f"theta has shape ({rates[0]}, P); got theta of shape {theta.shape}"
            )


class RMSProp(Optimizer):
    """Divide each step by the recent size of its gradient (Tieleman and Hinton 2012).

    s <- rho s + (1 - rho) g^2;  theta <- theta - learning_rate * g / (sqrt(s) + eps)
    """

    arrays = 1

    def __init__(self, learning_rate, rho=0.9, eps=1e-8, weight_decay=0.0):
        super().__init__(learning_rate, weight_decay)
        self.rho = in_range("rho", rho, 0, 1)
        self.eps = positive("eps", eps)

    def move(self, theta, g):
        (s,) = self.memory
        s *= self.rho
        s += (1 - self.rho) * g * g
        theta -= self.learning_rate * g / (np.sqrt(s) + self.eps)


class Adam(Optimizer):
    """RMSProp with momentum, both corrected for their start at zero (Kingma, Ba 2015).

    m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2; after t steps
    m_hat = m / (1 - beta1^t), v_hat = v / (1 - beta2^t);
    theta <- theta - learning_rate * m_hat / (sqrt(v_hat) + eps)
    """

    arrays = 2

    def __init__(
        self, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0
    ):
        super().__init__(learning_rate, weight_decay)
        self.beta1 = in_range("beta1", beta1, 0, 1)
        self.beta2 = in_range("beta2", beta2, 0, 1)
        self.eps = positive("eps", eps)
        self.t = 0

    def move(self, theta, g):
        m, v = self.memory
        self.t += 1
        m *= self.beta1
        m += (1 - self.beta1) * g
        v *= self.beta2
        v += (1 - self.beta2) * g * g
        m_hat = m / (1 - self.beta1**self.t)
        v_hat = v / (1 - self.beta2**self.t)
        theta -= self.learning_rate * m_hat / (np.sqrt(v_hat) + self.eps)


def number(name, value):
    """value as a Python float: those never change the dtype of a float32 net."""
    kind = np.asarray(value).dtype.kind  # a Python or NumPy number, no text, no None
    if np.ndim(value) or kind not in "fiu":
        raise TypeError(f"{name} must be one number, got {value!r}")
    return float(value)


def positive(name, value):
    if not 0 < number(name, value) < np.inf:
        raise ValueError(f"{name} must be greater than 0 and finite, got {value!r}")
    return number(name, value)


def in_range(name, value, low, high):
    if not low <= number(name, value) < high:
        raise ValueError(f"{name} must be from {low} to below {high}, got {value!r}")
    return number(name, value)
