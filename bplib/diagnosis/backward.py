"""A backward pass in single steps, each of which can be done wrong on purpose.

A `Record` keeps one forward pass: of every layer its x and y. `walk` goes back through
it, from the output to the input. The work of a layer is cut into parts: dz (in an RNN
the gradient of every time step; elsewhere dy itself), then from dz the arrays dW, dU,
db, and dx, which the layer before receives. A `Slip` does some parts differently:
it computes what a reader with one mistake would compute, all the way down.
"""

import copy
from dataclasses import dataclass

import numpy as np

from bplib.layers import (
    RNN,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    ReLU,
    Sigmoid,
    Tanh,
)
from bplib.losses import BinaryCrossEntropy, SoftmaxCrossEntropy, SquaredError, softmax

ACTIVATIONS = (Sigmoid, Tanh, ReLU)
WEIGHTS = (Dense, Conv2D, RNN)  # the layers with parameters
KNOWN = (*WEIGHTS, *ACTIVATIONS, MaxPool2D, Flatten)


@dataclass(frozen=True, eq=False)
class Slip:
    """One wrong way to do one step.

    mistake: its identifier in `bplib.mistakes`. words: what was computed, for the
    report; "{place}" is the layer. kinds: the layers that it concerns, () for the loss.
    parts: {part: f(step, dz, right)}, the value in place of `right`, or None where the
    slip makes no difference; or {"forward": f(net, places)}, which changes a copy of
    the net, for slips in the forward pass. unknown: what to call the number p, if there
    is one that is not known and must be found: then f(step, dz, right, p).
    """

    mistake: str
    words: str
    kinds: tuple
    parts: dict
    unknown: str = ""


class Step:
    """What a layer did in the forward pass: x, y and its parameters."""

    def __init__(self, record, index, layer, x, y):
        self.record, self.index, self.layer, self.x, self.y = record, index, layer, x, y
        self.kind = kind_of(layer)
        self.params = {name: np.array(getattr(layer, name)) for name in layer.params}
        for name, value in self.params.items():
            if self.kind:
                setattr(self, name, value)
        self.winners = {}  # of MaxPool2D, found once
        self.found = {}  # what this backward pass computed here so far
        if self.kind is RNN:
            self.h = record.off(layer.h)
            self.x_t = x.transpose(1, 0, 2)  # time first, as in h

    @property
    def before(self):
        """The step of the layer before, or None."""
        return self.record.steps[self.index - 1] if self.index else None

    def right(self, part, dz):
        return RIGHT[self.kind][part](self, dz)


def kind_of(layer):
    """The known layer whose forward this is, or None: then we call its own backward."""
    for kind in KNOWN:
        if isinstance(layer, kind) and type(layer).forward is kind.forward:
            return kind
    return None


class Record:
    """One forward pass in float64, and the right gradient that belongs to it.

    net and loss are copied. `names` are those of the gradients, from the output to
    the input; `right` their values. With jitter, every number that is computed is off
    by about that much: two such records show what rounding alone can do.
    """

    def __init__(self, net, loss, x, t, jitter=0.0, seed=0):
        self.source = net, loss, x, t
        self.net, self.loss = net.copy(np.float64), copy.deepcopy(loss)
        self.jitter, self.rng = jitter, np.random.default_rng(seed)
        self.loss_kind = loss_kind(loss)
        self.net.theta = self.off(self.net.theta)
        x = np.asarray(x).astype(net.dtype).astype(np.float64)
        self.N, self.t, self.steps = len(x), np.asarray(t), []
        x = self.off(x)
        for index, layer in enumerate(self.net.layers):
            y = self.off(np.ascontiguousarray(layer.forward(x)))
            self.steps.append(Step(self, index, layer, x, y))
            x = y
        self.y, self.C = x, x.shape[-1]
        self.value = self.loss.forward(x, t)
        self.dy = np.array(self.loss.backward(), dtype=np.float64)
        if jitter:  # p - t is only as exact as p and t are
            size = np.abs(self.dy).max(initial=0)
            if self.loss_kind is SquaredError:
                size = (np.abs(x) + np.abs(self.target)) / self.N
            elif self.loss_kind:
                size = 1 / self.N
            self.dy = self.dy + jitter * size * self.rng.uniform(-1, 1, x.shape)
        self.numbers, count = {}, 0  # 1 in dW1, of the layers with parameters
        for step in self.steps:
            count += bool(step.params)
            self.numbers[step.index] = count
        self.decay = float(getattr(loss, "weight_decay", 0) or 0)
        self.gradient_names = {
            s.index: [f"d{n}{self.numbers[s.index]}" for n in s.params]
            for s in self.steps
        }
        self.layers_of = {
            n: i for i, names in self.gradient_names.items() for n in names
        }
        self.arrivals = {}  # the right dy of every layer
        self.twins = {}  # with a slip in the forward pass
        self.right = dict(self.walk(keep=self.arrivals))
        self.names = tuple(self.right)
        self.size = max(np.abs(a).max(initial=0) for a in self.right.values())

    def off(self, array):
        if not self.jitter:
            return array
        return array * (1 + self.jitter * self.rng.uniform(-1, 1, array.shape))

    @property
    def p(self):
        """The probabilities, for the two losses on logits."""
        if self.loss_kind is SoftmaxCrossEntropy:
            return softmax(self.y)
        return sigmoid(self.y)

    @property
    def target(self):
        """The targets as an array of y's shape: labels become rows with a single 1."""
        if self.loss_kind is SoftmaxCrossEntropy:
            return np.eye(self.C)[self.t]
        return self.t.reshape(self.y.shape).astype(np.float64)

    slips = ()

    def walk(self, slips=(), p=0.0, base=None, keep=None):
        """Yield (name, gradient) from the output to the input, with these slips made.

        slips: pairs of a Slip and the places where it is made, a set of indices of
        layers; -1 is the loss. base: a Base in which some of them are made; above the
        first of the others nothing changes. keep: where to put the dy of every layer.
        """
        base = base or self
        for pair in slips:
            if "forward" in pair[0].parts:
                rest = [other for other in slips if other is not pair]
                base = base if pair in base.slips else None
                yield from self.twin(*pair).walk(rest, p, base, keep)
                return
        new = [pair[1] for pair in slips if pair not in base.slips]
        if new and base.arrivals and all(-1 not in places for places in new):
            top = max(map(max, new))
            dy = base.arrivals[top]
            for step in reversed(self.steps[top + 1 :]):
                for name in self.names_at(step):
                    yield name, base.right[name]
            if keep is not None:
                keep.update(base.arrivals)
        else:
            top, dy = len(self.steps) - 1, self.dy
            for slip, places in slips:
                if -1 in places:
                    dy = changed(slip, "dy", self, dy, dy, p)
        for step in reversed(self.steps[: top + 1]):
            if self.jitter:
                dy = self.off(dy)
            if keep is not None:
                keep[step.index] = dy
            here = [slip for slip, places in slips if step.index in places]
            for part, array in back(step, dy, here, p):
                if part == "dx":
                    dy = array
                else:
                    yield f"{part}{self.numbers[step.index]}", array
        yield "dx", dy

    def twin(self, slip, places):
        """The record of a forward pass with this slip."""
        if (slip, places) not in self.twins:
            net, *rest = self.source
            net = net.copy()
            slip.parts["forward"](net, places)
            self.twins[slip, places] = Record(net, *rest)
        return self.twins[slip, places]

    def names_at(self, step):
        return self.gradient_names[step.index]

    def layer_of(self, name):
        """The index of the layer that this gradient belongs to; -1 for dx."""
        return self.layers_of.get(name, -1)

    def last_of(self, index):
        """The name that a walk yields last of this layer; -1 is dx."""
        return "dx" if index < 0 else self.gradient_names[index][-1]

    def jittered(self, size):
        """Two records like this one, in which every number is off by about size."""
        return [Record(*self.source, jitter=size, seed=seed) for seed in (1, 2)]


class Base:
    """A walk with some slips made, kept: what more slips change is below them."""

    def __init__(self, record, slips, p):
        self.slips, self.p, self.arrivals = slips, p, {}
        self.right = dict(record.walk(slips, p, keep=self.arrivals))


def back(step, dy, slips, p):
    """One layer: yield ("dW", ...), ..., and last ("dx", ...), with these slips made.

    What nobody asks for is not computed. Where a slip changes the shape of dx, the
    layer before could not take it: then the right one goes on.
    """
    if step.kind is None:  # a layer of the reader's own
        dx = np.array(step.layer.backward(dy), dtype=np.float64)
        gradients = {
            "d" + n: np.array(getattr(step.layer, "d" + n)) for n in step.params
        }
        for slip in slips:
            gradients = {
                part: changed(slip, part, step, dy, value, p)
                for part, value in gradients.items()
            }
        yield from gradients.items()
        yield "dx", dx
        return
    dz = through_time(step, dy) if step.kind is RNN else dy
    for slip in slips:
        dz = changed(slip, "dz", step, dy, dz, p)
    found = {}
    for part in (*("d" + name for name in step.params), "dx"):
        step.found = found  # two walks may take turns
        value = step.right(part, dz)
        if part in ("dW", "dU") and step.record.decay:
            value = value + step.record.decay * step.params[part[1:]]
        for slip in slips:
            value = changed(slip, part, step, dz, value, p)
        found[part] = value
        yield part, value


def changed(slip, part, step, dz, right, p):
    if part not in slip.parts:
        return right
    arguments = (p,) if slip.unknown else ()
    value = slip.parts[part](step, dz, right, *arguments)
    if value is None or (part in ("dx", "dy", "dz") and value.shape != right.shape):
        return right
    return value


def loss_kind(loss):
    for kind in SquaredError, BinaryCrossEntropy, SoftmaxCrossEntropy:
        if isinstance(loss, kind) and type(loss).each is kind.each:
            return kind
    return None


# ------------------------------------------------------------- the right way, in parts


def sigmoid(x):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


SLOPE = {
    Sigmoid: lambda s: s.y * (1 - s.y),
    Tanh: lambda s: 1 - s.y**2,
    ReLU: lambda s: (s.x > 0).astype(float),
}


def rows(array):
    """All axes but the last made one: every window, or time step, is a row."""
    return array.reshape(-1, array.shape[-1])


def windows(x, k):
    """All k x k windows of x (N, H, W, C), as (N, H', W', C, k, k)."""
    return np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(1, 2))


def conv_dW(s, dz, x=None):
    seen = windows(s.x if x is None else x, len(s.W))
    return np.tensordot(seen, dz, ([0, 1, 2], [0, 1, 2])).transpose(1, 2, 0, 3)


def conv_dx(s, dz, W=None):
    W = s.W if W is None else W
    (n, height, width, _), dx = dz.shape, np.zeros_like(s.x)
    k, _, c, out = W.shape
    sent = rows(dz) @ W.reshape(-1, out).T  # by every window, to each of its pixels
    sent = sent.reshape(n, height, width, k, k, c)
    for i, j in np.ndindex(k, k):
        dx[:, i : i + height, j : j + width] += sent[:, :, :, i, j]
    return dx


def cells(s, array):
    """x, of H x W, as windows (N, H/size, size, W/size, size, C)."""
    size, (n, height, width, c) = s.layer.sizes[0], array.shape
    return array.reshape(n, height // size, size, width // size, size, c)


def spread(s, dz):
    """What stands in the pooled picture, at every pixel of its window."""
    size = s.layer.sizes[0]
    return dz.repeat(size, axis=1).repeat(size, axis=2)


def winner(s, last=False):
    """1 at the first largest (or the last) of each window, 0 elsewhere."""
    if last not in s.winners:
        s.winners[last] = find_winner(s, last)
    return s.winners[last]


def find_winner(s, last):
    size, (n, height, width, c) = s.layer.sizes[0], s.y.shape
    flat = cells(s, s.x).transpose(0, 1, 3, 5, 2, 4).reshape(-1, size * size)
    place = flat.argmax(1)
    if last:
        place = size * size - 1 - flat[:, ::-1].argmax(1)
    mask = (np.arange(size * size) == place[:, None]).astype(float)
    mask = mask.reshape(n, height, width, c, size, size)
    return mask.transpose(0, 1, 4, 2, 5, 3).reshape(s.x.shape)


def through_time(s, dy, slope=None, back=None, steps=None):
    """dz of every time step, (T, N, n): from the last h back through `steps` steps."""
    T = len(s.x_t)
    slope = 1 - s.h[1:] ** 2 if slope is None else slope
    back = s.U.T if back is None else back
    dz, dh = np.zeros_like(s.h[1:]), dy
    for t in range(T - 1, max(-1, T - 1 - (steps or T)), -1):
        dz[t] = dh * slope[t]
        dh = dz[t] @ back
    return dz


def bias(s, dz):
    return rows(dz).sum(axis=0, keepdims=True)


RIGHT = {
    Dense: {
        "dW": lambda s, dz: s.x.T @ dz,
        "db": bias,
        "dx": lambda s, dz: dz @ s.W.T,
    },
    Conv2D: {"dW": conv_dW, "db": bias, "dx": conv_dx},
    RNN: {
        "dW": lambda s, dz: rows(s.x_t).T @ rows(dz),
        "dU": lambda s, dz: rows(s.h[:-1]).T @ rows(dz),
        "db": bias,
        "dx": lambda s, dz: (dz @ s.W.T).transpose(1, 0, 2),
    },
    MaxPool2D: {"dx": lambda s, dz: spread(s, dz) * winner(s)},
    Flatten: {"dx": lambda s, dz: dz.reshape(s.x.shape)},
    **{
        kind: {"dx": lambda s, dz, kind=kind: dz * SLOPE[kind](s)}
        for kind in ACTIVATIONS
    },
}


def net_like(net, rng, x):
    """A fresh net like this one: the liveliest of eight, where relus can be dead."""
    if not any(kind_of(layer) is ReLU for layer in net.layers):
        return redrawn(net, rng, x)
    return max((redrawn(net, rng, x) for _ in range(8)), key=alive)


def alive(net):
    """The share of positive inputs, in the relu layer, or the example, with fewest."""
    shares = [
        np.mean(layer.x > 0, axis=tuple(range(1, layer.x.ndim))).min()
        for layer in net.layers
        if kind_of(layer) is ReLU
    ]
    return min(shares)


def redrawn(net, rng, x):
    """A copy of net with fresh parameters, none zero, that give outputs of size 1."""
    net = net.copy()
    x = np.asarray(x).astype(net.dtype)
    for layer in net.layers:
        if kind_of(layer) is None:
            start = layer.init(rng)
            for name, shape in layer.params.items():
                noise = 0.2 * rng.standard_normal(shape)
                setattr(layer, name, np.asarray(start.get(name, 0)) + noise)
        elif layer.params:
            W = layer.W
            size = np.sqrt(np.mean(np.square(x, dtype=np.float64))) or 1.0
            fan = np.prod(W.shape[:-1])
            layer.W = rng.standard_normal(W.shape) * 1.2 / (size * np.sqrt(fan))
            shape = layer.b.shape
            layer.b = rng.uniform(0.2, 0.6, shape) * rng.choice([-1, 1], shape)
            if "U" in layer.params:
                layer.U = rng.standard_normal(layer.U.shape) / np.sqrt(len(layer.U))
        x = layer.forward(x)
    return net


def core(array):
    """Leading axes of length 1 change nothing."""
    array = np.asarray(array)
    return core(array[0]) if array.shape[:1] == (1,) else array
