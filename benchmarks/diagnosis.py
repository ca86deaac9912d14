"""`python -m benchmarks.diagnosis` counts how often planted mistakes are named.

Every mistake of `tests/planted.py` is planted in random nets. A count is right if
`.mistake` is the mistake's identifier, or one of its class in `bplib.mistakes`.
`--pairs` counts pairs, made in different places: right if exactly these two are named.
"""

import argparse
import itertools
import os
import time
import zlib
from collections import Counter

for name in ("OPENBLAS", "OMP", "MKL", "VECLIB_MAXIMUM"):
    os.environ.setdefault(f"{name}_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from bplib import (  # noqa: E402
    RNN,
    BinaryCrossEntropy,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    Net,
    ReLU,
    SoftmaxCrossEntropy,
    SquaredError,
    Tanh,
    diagnose_backward,
)
from bplib.mistakes import MISTAKES  # noqa: E402
from tests import planted  # noqa: E402


def kinds(kind):
    """A row of the table for every kind of layer that a slip applies to."""
    return kind if isinstance(kind, tuple) else (kind,)


def rows():
    for slip, (mistake, where) in planted.PLANTED.items():
        for kind in kinds(where):
            yield slip, mistake, kind


def is_loss(kind):
    losses = SquaredError, BinaryCrossEntropy, SoftmaxCrossEntropy
    return kind is None or kind in losses


def one(slip, mistake, kind, seed):
    """Plant a mistake in a random net; what came of it, and how many nets it took.

    "named"; "same here": at this size two mistakes give the same numbers (2 is N at
    N = 2), and the other one was named first; or what was said instead. A net in which
    the mistake gives the right numbers is drawn again: there it is right, as where a
    derivative is missing at a relu that is dead for all inputs. "none": all of a
    hundred.
    """
    rng = np.random.default_rng([zlib.crc32(f"{slip}{kind}".encode()), seed])
    draws = 0
    while True:
        net, loss, x, t = planted.random_net(rng, kind)
        at = None
        if not is_loss(kind):
            fits = [i for i, layer in enumerate(net.layers) if isinstance(layer, kind)]
            at = fits if rng.random() < 0.3 else [int(rng.choice(fits))]
        if slip == "pool:ties":
            x = planted.with_ties(x)
        wrong = planted.program(slip, at)
        if planted.differ(wrong, planted.right, net, loss, x, t):
            break
        draws += 1
        if draws == 100:
            return "none", draws
    found = diagnose_backward(wrong, net, loss, x, t)
    if found.mistake in (mistake, *MISTAKES[mistake].same):
        return "named", draws
    if mistake in found.also:
        return "same here", draws
    said = found.mistake or ("called right" if found.ok else "nothing named")
    return f"{said} ({seed})", draws


def count(nets, only="", show=print):
    """{(slip, kind): Counter of outcomes}, printed row by row."""
    table = {}
    for slip, mistake, kind in rows():
        if only not in slip:
            continue
        label = "loss" if kind is None else kind.__name__
        found, idle = Counter(), 0
        for seed in range(nets):
            outcome, draws = one(slip, mistake, kind, seed)
            found[outcome] += 1
            idle += draws
        table[slip, label] = found
        n = found["named"]
        apart = found["none"] + found["same here"]
        other = {
            k: v for k, v in found.items() if k not in ("named", "none", "same here")
        }
        show(
            f"| {mistake} | {slip} in {label} | {n} of {nets - apart} | "
            f"{idle} | {found['same here']} | "
            f"{', '.join(f'{k} {v}' for k, v in other.items())} |"
        )
    return table


LOSS_SLIPS = ("n_missing", "sign", "softmax:both")
LAYER_SLIPS = (
    ("activation:missing", planted.ANY_ACTIVATION),
    ("activation:wrong_function", planted.ANY_ACTIVATION),
    ("dense:mean", Dense),
    ("dense:b_zero", Dense),
    ("dense:transpose", Dense),
    ("dense:no_weights", Dense),
    ("dense:updated", Dense),
    ("conv:not_flipped", Conv2D),
    ("pool:all", MaxPool2D),
    ("rnn:last_step", RNN),
)


def pairs():
    """Two slips, each with where it is made; those of images and of sequences apart."""
    at_loss = [(slip, planted.PLANTED[slip][1]) for slip in LOSS_SLIPS]
    for one, two in itertools.combinations((*at_loss, *LAYER_SLIPS), 2):
        kinds_ = {one[1], two[1]}
        if not (is_loss(one[1]) and is_loss(two[1])):
            if RNN not in kinds_ or not kinds_ & {Conv2D, MaxPool2D}:
                yield one, two


def two(one, other, seed):
    """Plant two mistakes in different places; what came of it, and a text to read.

    "named" if exactly these two are, or those of their classes. Both must matter: nets
    in which the numbers are those of one of them alone, or right, are drawn again.
    """
    slips = one[0], other[0]
    rng = np.random.default_rng([zlib.crc32("+".join(slips).encode()), seed])
    special = [k for k in (one[1], other[1]) if k in (Conv2D, MaxPool2D, RNN)]
    for _ in range(1000):
        net, loss, x, t = planted.random_net(rng, special[0] if special else None)
        made = [(slip, a_place(kind, net, loss, rng)) for slip, kind in (one, other)]
        if made[0][1] == made[1][1] or any(at == [] for _, at in made):
            continue
        wrong = planted.program(*made[0], made[1])
        alone = [planted.right, *(planted.program(*each) for each in made)]
        if all(planted.differ(wrong, each, net, loss, x, t) for each in alone):
            break
    else:
        return "none", ""
    found = diagnose_backward(wrong, net, loss, x, t)
    classes = [{m, *MISTAKES[m].same} for m in (planted.PLANTED[s][0] for s in slips)]
    said = found.mistakes
    if len(said) == 2 and any(
        a in classes[0] and b in classes[1] for a, b in (said, said[::-1])
    ):
        return "named", ""
    return " + ".join(said) or ("called right" if found.ok else "nothing"), str(found)


def a_place(kind, net, loss, rng):
    """The layers for one slip: None for one at the loss, [] if there is none."""
    if is_loss(kind):
        return None if kind is None or isinstance(loss, kind) else []
    fits = [i for i, layer in enumerate(net.layers) if isinstance(layer, kind)]
    return [int(rng.choice(fits))] if fits else []


def count_pairs(nets, show=print):
    """A Counter of what was said of planted pairs: "named" counts those found."""
    total = Counter()
    for one, other in pairs():
        found = Counter(two(one, other, seed)[0] for seed in range(nets))
        total += found
        rest = {k: v for k, v in found.items() if k not in ("named", "none")}
        show(
            f"| {one[0]} | {other[0]} | {found['named']} of {nets - found['none']} | "
            f"{', '.join(f'{k} {v}' for k, v in rest.items())} |"
        )
    return total


def correct_called_wrong(nets):
    """Right gradients, computed in four ways, in nets of every kind and scale."""
    wrong = []
    for seed in range(nets):
        net, loss, x, t, how = a_right_one(seed)
        found = diagnose_backward(how, net, loss, x, t)
        if not found.ok:
            wrong.append((seed, found))
    return wrong


def a_right_one(seed):
    rng = np.random.default_rng([7, seed])
    net, loss, x, t = planted.random_net(rng)
    net = net.copy(np.float32 if rng.random() < 0.3 else np.float64)
    scale = 10.0 ** rng.uniform(-3, 3)
    with np.errstate(over="ignore"):
        case = rng.integers(6)
        if case == 0:
            net.theta = net.theta * scale
        elif case == 1:
            x = x * scale
        elif case == 2:
            net.theta = net.theta * rng.integers(2, size=net.theta.shape)
        elif case == 3:
            net.theta = 0.0
        elif case == 4:
            x = planted.with_ties(x)
            net.theta = np.round(net.theta)
    if rng.random() < 0.1:
        x, t = x[:1], t[:1]
    hows = [planted.right, planted.program(), planted.in_float32]
    how = hows[rng.integers(3)]
    return net, loss, x, t, how


def seconds(net, loss, x, t, my_backward):
    start = time.process_time()
    diagnose_backward(my_backward, net, loss, x, t)
    return time.process_time() - start


def large():
    """Nets of about 10,000 parameters, and mistakes in them, one that is not known."""
    rng = np.random.default_rng(0)
    dense = Net(Dense(64, 100), ReLU(), Dense(100, 30), Tanh(), Dense(30, 10))
    conv = Net(
        Conv2D(1, 8, 3), ReLU(), MaxPool2D(2), Conv2D(8, 16, 3), ReLU(), Flatten(),
        Dense(16 * 5 * 5, 20), Tanh(), Dense(20, 10),
    )  # fmt: skip
    for net, shape in (dense, (32, 64)), (conv, (32, 16, 16, 1)):
        x, t = rng.normal(size=shape), rng.integers(10, size=shape[0])
        yield net, SoftmaxCrossEntropy(), x, t


def unknown(net, loss, x, t):
    g = planted.right(net, loss, x, t)
    return {n: a + 0.1 * (n == "dW1") * np.sin(a) for n, a in g.items()}


def half_known(net, loss, x, t):
    """A known mistake in all arrays, and one that is not known in one."""
    return {n: -a for n, a in unknown(net, loss, x, t).items()}


def two_slips(net, loss, x, t):
    g = planted.right(net, loss, x, t)
    for name in g:
        g[name] = -g[name]
        if name == "db1":
            g[name] = g[name] / len(x)
    return g


def negative(net, loss, x, t):
    return {n: -a for n, a in planted.right(net, loss, x, t).items()}


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnosis")
    parser.add_argument("--small", action="store_true", help="few nets, some minutes")
    parser.add_argument("--only", default="", help="slips whose name contains this")
    parser.add_argument("--nets", type=int, default=100, help="for each mistake")
    parser.add_argument("--rights", type=int, default=10_000, help="right gradients")
    parser.add_argument("--pairs", action="store_true", help="two at once, ten nets")
    arguments = parser.parse_args()
    if arguments.pairs:
        print("| planted | and | both named | said instead |\n|---|---|---|---|")
        total = count_pairs(1 if arguments.small else 10)
        judged = sum(total.values()) - total["none"]
        share = total["named"] / judged
        print(f"\nPairs: {total['named']} of {judged} named ({share:.1%}).")
        return
    nets = 3 if arguments.small else arguments.nets
    rights = 300 if arguments.small else arguments.rights
    print(
        "| mistake | planted as | named | nets without difference | same here | else |"
    )
    print("|---|---|---|---|---|---|")
    table = count(nets, arguments.only)
    total = sum(table.values(), Counter())
    judged = sum(total.values()) - total["none"] - total["same here"]
    print(f"\nAll: {total['named']} of {judged} named ({total['named'] / judged:.1%}).")
    print(f"Same numbers as another mistake at that size: {total['same here']}.")
    low = []
    for key, found in table.items():
        judged = nets - found["none"] - found["same here"]
        if judged and found["named"] < 0.98 * judged:
            low.append(" in ".join(key))
    print(f"Below 98 %: {', '.join(low) or 'none'}.")
    if arguments.only:
        return
    wrong = correct_called_wrong(rights)
    print(f"\nRight gradients called wrong: {len(wrong)} of {rights}.")
    for seed, found in wrong[:5]:
        print(seed, found)
    for net, loss, x, t in large():
        print(f"\n{net.theta.size} parameters, {len(x)} examples:")
        for how in planted.right, negative, two_slips, unknown, half_known:
            taken = min(seconds(net, loss, x, t, how) for _ in range(3))
            print(f"  {how.__name__}: {taken:.2f} s of processor time")


if __name__ == "__main__":
    main()
