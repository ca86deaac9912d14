"""What is wrong with the reader's gradient, by `diagnose_backward`, in their terms."""

import re

from bplib.capstone.contract import in_form, read_arrays
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

    found = diagnose_backward(my_backward, net, SoftmaxCrossEntropy(), X, t)
    if found.ok:
        return []
    return [ours(line) for line in found.lines]


def ours(line):
    """bplib counts each tanh as a layer of its own; the contract does not."""
    capital = line[:1].isupper()
    for pattern in (
        r"(?:Dense|Tanh)\([\d, ]*\) \(layer \d+\)",
        r"\b[Ll]ayers [\d, and]+\d",
    ):
        line = re.sub(pattern, lambda found: renamed(found[0]), line)
    instead = "compare it with (softmax(Y), less 1 at the right class) / N."
    line = re.sub(r"compare it with loss\.backward\(\)\. Do your .*$", instead, line)
    return line[:1].upper() + line[1:] if capital else line


def renamed(places):
    """Places in bplib's net in the reader's words."""
    numbers = [int(n) for n in re.findall(r"\d+", re.sub(r"\([\d, ]*\)", "", places))]
    layers = [(n + 1) // 2 for n in numbers]
    words = f"layer{'s' * (len(layers) > 1)} {listed(layers)}"
    return f"the tanh of {words}" if all(n % 2 == 0 for n in numbers) else words
