"""What is wrong with the reader's gradient, by `diagnose_backward`, in their terms."""

import re

import numpy as np

from bplib.capstone.contract import in_form, read_arrays
from bplib.capstone.judging import near
from bplib.diagnosis import diagnose_backward
from bplib.diagnosis.words import listed
from bplib.layers import Dense, Net, Tanh
from bplib.losses import SoftmaxCrossEntropy


def network(sizes):
    """The book's net that does what the contract says."""
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        layers += [Dense(n_in, n_out), Tanh()]
    return Net(*layers[:-1])


def arrays_of(net):
    return {name: array.copy() for name, array, _ in net.named_parameters()}


def named(j, sizes, arrays, X, t):
    """Lines that name the mistake, or say where it must be."""
    net = network(sizes)
    for name, array in arrays.items():
        setattr(net.layers[2 * int(name[1:]) - 2], name[0], array)

    def my_backward(net, loss, x, t):
        params = in_form(j.form, arrays_of(net))
        value = j.functions["backward"](params=params, X=x, t=t)
        grads = read_arrays("backward", value, sizes, "d")
        return {"d" + name: grad for name, grad in grads.items()}

    last = bent_at_the_end(net, X, t, my_backward(net, None, X, t))
    if last:
        return [last]
    found = diagnose_backward(my_backward, net, SoftmaxCrossEntropy(), X, t)
    if found.ok:
        return []
    return [ours(line) for line in found.lines]


def bent_at_the_end(net, X, t, grads):
    """The contract's own slip: the slope of tanh at the last layer, which has none."""
    loss, Y = SoftmaxCrossEntropy(), net.forward(X)
    loss.forward(Y, t)
    dY = loss.backward()
    for words, slope in (
        ("1 - Y**2", 1 - Y**2),
        ("1 - tanh(Y)**2", 1 - np.tanh(Y) ** 2),
    ):
        net.backward(dY * slope)
        if all(near(grads["d" + name], d) for name, _, d in net.named_parameters()):
            return (
                f"So it would be if: dY is multiplied by {words}, the slope of tanh. "
                "The last layer does not bend: dZ is dY there."
            )
    return None


# The book's layers have x and y; the contract's have H, Z and, at the end, Y.
WORDS = {
    r"y = f\(x\) sends dx = dy \* f'\(x\)": "H = tanh(Z) sends dZ = dH * (1 - H**2)",
    r"\by = x @ W\b": "Z = H @ W",
    r"\bdx = dy @ W": "dH = dZ @ W",
    r"\bdy @ W": "dZ @ W",
    r"\bdW = x\.T @ dy, where x\b": "dW = H.T @ dZ, where H",
    r"\bdW = x\.T @ dy\b": "dW = H.T @ dZ",
    r"\bdb = dy\b": "db = dZ",
    r"\bdy\b": "dY",
}


def ours(line):
    """A line in the contract's terms, which does not count tanh as a layer."""
    capital = line[:1].isupper()
    for pattern in (
        r"(?:Dense|Tanh)\([\d, ]*\) \(layer \d+\)",
        r"\b[Ll]ayers [\d, and]+\d",
    ):
        line = re.sub(pattern, lambda found: renamed(found[0]), line)
    instead = "compare it with (softmax(Y), less 1 at the right class) / N."
    for pattern, word in WORDS.items():
        line = re.sub(pattern, word, line)
    line = re.sub(r"compare it with loss\.backward\(\)\. Do your .*$", instead, line)
    return line[:1].upper() + line[1:] if capital else line


def renamed(places):
    """Places in bplib's net in the reader's words."""
    numbers = [int(n) for n in re.findall(r"\d+", re.sub(r"\([\d, ]*\)", "", places))]
    layers = [(n + 1) // 2 for n in numbers]
    words = f"layer{'s' * (len(layers) > 1)} {listed(layers)}"
    return f"the tanh of {words}" if all(n % 2 == 0 for n in numbers) else words
