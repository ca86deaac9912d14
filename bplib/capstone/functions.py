"""The stations of one pass: init, forward, loss, backward, step, and predict."""

import itertools

import numpy as np

from bplib.capstone import slips
from bplib.capstone.contract import Fault, in_form, kind, read_array, read_arrays
from bplib.capstone.judging import CASES, differs, example, fits, near, same
from bplib.capstone.naming import named
from bplib.diagnosis.words import listed

LARGE = 1000.0  # outputs, that must not overflow


def check_init(j):
    j.expect("init")
    for sizes in [4, 5, 2], [3, 3, 3, 3], [6, 4]:
        j.now = f"sizes {sizes}"
        drawn = []
        for seed in (0, 0, 1):
            rng = np.random.default_rng(seed)
            for _ in range(2):
                value = j.call("init", sizes=sizes, rng=rng)
                drawn.append((value, read_arrays("init", value, sizes)))
        j.form = list if isinstance(value, list) else dict
        first, second, again, _, other, _ = (arrays for _, arrays in drawn)
        for name, array in first.items():
            if not np.isfinite(array).all():
                raise Fault(f"{name} holds nan or inf.")
            if name[0] == "b" and np.any(array):
                raise Fault(f"{name} is not 0: biases start at 0.")
            if name[0] == "W" and not np.any(array):
                raise Fault(
                    f"{name} is all 0. Then the neurons of a layer are all alike, get "
                    "the same slopes, and stay alike: draw weights at random."
                )
            if name[0] == "W" and np.ptp(array) == 0:
                raise Fault(f"The weights of {name} are all alike: draw each.")
        if not same(first, again):
            raise Fault(
                "Two generators with the same seed gave different weights: draw from "
                "rng, as in rng.normal(...), not from np.random."
            )
        if same(first, other) or same(first, second):
            raise Fault(
                "Each call gives the same weights, whatever rng is: draw from rng, "
                "and make no generator of your own."
            )
        alike = [n for n in first if n[0] == "W" and n != "W1"]
        if any(same(first["W1"], first[n]) for n in alike):
            raise Fault("W1 and a later layer hold the same numbers: draw each anew.")
        memory = [a for value, _ in drawn[:2] for a in leaves(value)]
        for a, b in itertools.combinations(memory, 2):
            if np.shares_memory(a, b):
                raise Fault(
                    "Two arrays of the parameters are one in memory, so that moving "
                    "one moves the other: make a new array for each, in each call."
                )
    sizes = [100, 100, 100, 100]
    j.now = f"sizes {sizes}"
    value = j.call("init", sizes=sizes, rng=np.random.default_rng(0))
    for name, W in read_arrays("init", value, sizes).items():
        if name[0] == "b":
            continue
        size = float(np.sqrt(np.mean(W**2)))
        if abs(W.mean()) > 0.2 * size:
            raise Fault(
                f"The mean of {name} is {W.mean():.3g}, for sizes {sizes}: weights of "
                "both signs are asked for, with the mean 0."
            )
        if not 0.4 < size * 10 < 2.5:
            much = "large: sums grow, and tanh is flat there"
            little = "small: values and slopes fade from layer to layer"
            raise Fault(
                f"With 100 inputs the weights of {name} have a typical size of "
                f"{size:.2g}; about 1 / sqrt(100) = 0.1 is asked for. This is too "
                f"{much if size > 0.1 else little}."
            )


def leaves(value):
    layers = value if isinstance(value, list) else [value]
    return [array for layer in layers for array in layer.values()]


def check_forward(j):
    j.expect("forward")
    given, cases, good = [], [], []
    for sizes, n in CASES:
        arrays, X, _ = example(sizes, n)
        j.now = f"sizes {sizes}, N = {n}"
        value = j.value("forward", params=j.params(arrays), X=X)
        if isinstance(value, (tuple, list)):
            raise Fault(
                f"forward returned {kind(value)}, and Y alone is asked for. What "
                "backward needs besides, a function of your own can give both."
            )
        given.append(read_array("Y", value, (n, sizes[-1]), sizes))
        cases.append((arrays, X))
        good.append(near(given[-1], slips.chain(arrays, X)))
    if all(good):
        return
    k = good.index(False)
    (sizes, n), right = CASES[k], slips.chain(*cases[k])
    lines = [f"{differs('Y', given[k], right)} (sizes {sizes}, N = {n})."]
    known = fits(slips.FORWARD, given, cases)
    depth = [len(sizes) - 1 for sizes, _ in CASES]
    bad = {d for d, ok in zip(depth, good, strict=True) if not ok}
    fine = sorted({*depth} - bad)
    if fine and not known:
        lines.append(
            f"With {listed(fine)} layer{'s' * (fine != [1])} it is right, with "
            f"{listed(sorted(bad))} not."
        )
    raise Fault(*lines, *known)


def check_loss(j):
    j.expect("loss")
    given, cases = [], []
    for n, classes in (3, 4), (7, 2), (4, 3), (1, 5):
        rng = np.random.default_rng([n, classes])
        Y = 2 * rng.standard_normal((n, classes))
        t = rng.permutation(np.arange(n) % classes)
        j.now = f"Y of shape {Y.shape}"
        given.append(number(j.value("loss", Y=Y, t=t)))
        cases.append((Y, t))
    for value, (Y, t) in zip(given, cases, strict=True):
        right = slips.each(Y, t).mean()
        if not near(value, right):
            raise Fault(
                f"The loss is {value:.6g}, and {right:.6g} is right (N = {len(Y)}, "
                f"{Y.shape[1]} classes).",
                *fits(slips.LOSS, given, cases),
            )
    for Y, t, what in (
        ([[LARGE, 0, 0]], [0], "Y = [[1000, 0, 0]] and the right class 0"),
        ([[LARGE, 0, 0]], [1], "Y = [[1000, 0, 0]] and the right class 1"),
        ([[0, 1.0], [-LARGE, -LARGE]], [1, 0], "the rows [0, 1] and [-1000, -1000]"),
    ):
        Y, t = np.array(Y, dtype=np.float64), np.array(t)
        j.now = what
        value, right = number(j.call("loss", Y=Y, t=t)), slips.each(Y, t).mean()
        if near(value, right):
            continue
        lines = [f"For {what} the loss is {value:.6g}, and {right:.6g} is right."]
        if np.isfinite(value):
            lines.append("A small constant inside the log, or a limit, hides the rest.")
        else:
            lines.append(
                "exp(1000) overflows, and log(0) is -inf. Subtract the largest number "
                "of each row first, and take the log of the sum, not of p."
            )
        raise Fault(*lines)


def number(value):
    if np.ndim(value) or not isinstance(value, (float, int, np.number, np.ndarray)):
        hint = " Take the mean over the examples." if np.ndim(value) == 1 else ""
        raise Fault(f"loss returned {kind(value)}: one number is asked for.{hint}")
    return float(value)


def check_backward(j):
    j.expect("backward")
    for sizes, n in CASES:
        arrays, X, t = example(sizes, n)
        j.now = f"sizes {sizes}, N = {n}"
        value = j.twice("backward", params=j.params(arrays), X=X, t=t)
        grads = read_arrays("backward", value, sizes, "d")
        measured = slopes(j, arrays, X, t)
        wrong = [name for name in measured if not agree(grads[name], measured[name])]
        if wrong:
            name = wrong[0]
            off = np.abs(grads[name] - measured[name])
            off = np.where(np.isfinite(off), off, np.inf)
            at = np.unravel_index(off.argmax(), off.shape)
            place = ", ".join(map(str, at))
            raise Fault(
                f"d{name}[{place}] is {grads[name][at]:.6g}. Nudging {name}[{place}] "
                f"shows that your loss has the slope {measured[name][at]:.6g} there "
                f"(sizes {sizes}, N = {n}).",
                *named(j, sizes, arrays, X, t),
            )
    arrays, X, t = example([4, 5, 3], 7)
    arrays["W2"] = LARGE * arrays["W2"]
    j.now = "outputs of a thousand"
    value = j.call("backward", params=j.params(arrays), X=X, t=t)
    for name, grad in read_arrays("backward", value, [4, 5, 3], "d").items():
        if not np.isfinite(grad).all():
            raise Fault(
                f"With outputs of about a thousand d{name} holds nan: exp overflows. "
                "Subtract the largest number of each row first, as in the loss."
            )


def slopes(j, arrays, X, t, h=1e-5):
    """The slopes of the reader's own loss and forward, by central differences."""
    found = {}
    for name, array in arrays.items():
        found[name] = np.empty_like(array)
        for index in np.ndindex(array.shape):
            two = []
            for way in (h, -h):
                moved = array.copy()
                moved[index] += way
                two.append(j.loss_at({**arrays, name: moved}, X, t))
            found[name][index] = (two[0] - two[1]) / (2 * h)
    return found


def agree(claimed, measured):
    size = np.maximum(np.abs(claimed), np.abs(measured))
    size = np.maximum(size, 1e-2 * np.abs(measured).max(initial=0))
    return bool((np.abs(claimed - measured) <= 1e-6 * size + 1e-9).all())


def check_step(j):
    j.expect("step")
    given, cases = [], []
    for sizes, eta in ([4, 5, 2], 0.1), ([2, 5, 4, 3], 0.3), ([3, 4], 0.3):
        arrays, _, _ = example(sizes, 3)
        grads, _, _ = example(sizes, 5)
        j.now = f"sizes {sizes}, eta = {eta}"
        value = j.call(
            "step",
            params=j.params(arrays),
            grads=in_form(j.form, grads, "d"),
            eta=eta,
        )
        given.append(read_arrays("step", value, sizes))
        cases.append((arrays, grads, eta))
    for new, (arrays, grads, eta) in zip(given, cases, strict=True):
        for name, array in arrays.items():
            right = array - eta * grads[name]
            if not near(new[name], right):
                text = differs(name, new[name], right)
                raise Fault(f"{text} (eta = {eta}).", *which(given, cases))


def which(given, cases):
    """The slip that gives all of these parameters."""

    def row(arrays):
        return np.concatenate([array.ravel() for array in arrays.values()])

    def as_row(slip):
        return lambda *case: row(slip(*case))

    table = [(words, as_row(slip)) for words, slip in slips.STEP]
    return fits(table, [row(new) for new in given], cases)


def check_predict(j):
    j.expect("predict")
    for sizes, n in CASES:
        arrays, X, _ = example(sizes, n)
        j.now = f"sizes {sizes}, N = {n}"
        value = j.value("predict", params=j.params(arrays), X=X)
        Y = slips.chain(arrays, X)
        found = np.asarray(value)
        if found.dtype.kind not in "iu":
            what = found.dtype if found.dtype.kind != "O" else kind(value)
            raise Fault(
                f"predict gave {what}: whole numbers are asked for, the place of the "
                "largest entry of each row, not the entry."
            )
        if found.shape != (n,):
            hint = ""
            if found.shape == (sizes[-1],):
                hint = " It looks down the columns: the classes lie along a row."
            raise Fault(
                f"predict: expected shape ({n},), got {found.shape} ({j.now}).{hint}"
            )
        if not np.array_equal(found, Y.argmax(axis=1)):
            row = int(np.flatnonzero(found != Y.argmax(axis=1))[0])
            raise Fault(
                f"Row {row} gets the class {found[row]}. Its Y is "
                f"{np.round(Y[row], 3).tolist()}, so {Y[row].argmax()} is right."
            )
