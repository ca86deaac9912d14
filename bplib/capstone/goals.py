"""The two goals: the reader's network is trained with the reader's own settings."""

import numpy as np

from bplib.capstone.contract import Fault, kind, promise
from bplib.data import digits, moons

GOAL = {"MOONS": 0.98, "DIGITS": 0.93}
STARTS = 3  # random starts, of which the mean counts


def data(name, start):
    """(X, t) to train on, and (X, t) to be judged by."""
    if name == "MOONS":
        return moons(100, noise=0.1, seed=start), moons(200, noise=0.1, seed=99 + start)
    train, _, test = digits()
    return train, test


def reach(j, name):
    """Train from three starts: a line that says how well, or a Fault."""
    settings = read(j.functions.get(name), name)
    j.now = name
    seen, fresh, losses = [], [], []
    init, train, predict = (j.functions[n] for n in ("init", "train", "predict"))
    for start in range(STARTS):
        (X, t), (X_test, t_test) = data(name, start)
        rng = np.random.default_rng(start)
        rest = {key: settings[key] for key in ("eta", "batch", "epochs")}
        params = init(sizes=list(settings["sizes"]), rng=rng)
        before = loss_of(j, params, X, t)
        params = train(params=params, X=X, t=t, rng=rng, **rest)
        losses.append((before, loss_of(j, params, X, t)))
        seen.append(np.mean(predict(params=params, X=X) == t))
        fresh.append(np.mean(predict(params=params, X=X_test) == t_test))
    what = f"{len(X_test)} {'fresh moons' if name == 'MOONS' else 'test digits'}"
    result = f"Right of {what}: {np.mean(fresh):.3f}, mean of {STARTS} starts"
    if np.mean(fresh) >= GOAL[name]:
        return [f"{result} (goal {GOAL[name]})."]
    before, after = np.mean(losses, axis=0)
    raise Fault(
        f"{result}, and the goal is {GOAL[name]}.",
        f"Of what it was trained on: {np.mean(seen):.3f}. The loss went from "
        f"{before:.3g} to {after:.3g}.",
        advice(name, settings, before, after, np.mean(seen)),
    )


def loss_of(j, params, X, t):
    Y = j.functions["forward"](params=params, X=X)
    return float(j.functions["loss"](Y=Y, t=t))


def advice(name, settings, before, after, seen):
    """What to try next."""
    if not after <= before:
        return "The loss grew: the steps are too large. Try a smaller eta."
    if len(settings["sizes"]) == 2 and name == "MOONS":
        return "Without a hidden layer only straight lines part the classes."
    if seen < GOAL[name] + 0.01:
        return (
            "It does not yet fit what it saw: try more epochs, another eta, or more "
            "hidden neurons."
        )
    others = "moons of other seeds" if name == "MOONS" else "the validation digits"
    return (
        "It fits what it saw better than what is new: other sizes, a smaller batch, or "
        "more or fewer epochs may help. "
        f"Choose by {others}, not by this number."
    )


def read(settings, name):
    """The reader's settings, or a Fault that says what is missing."""
    if settings is None:
        raise Fault(f"There is no {name} yet.", promise(name))
    keys = ("sizes", "eta", "batch", "epochs")
    if not isinstance(settings, dict):
        raise Fault(f"{name} is {kind(settings)}. Expected: {promise(name)}")
    missing = [key for key in keys if key not in settings]
    if missing:
        raise Fault(f"{name} lacks {', '.join(missing)}. Expected: {promise(name)}")
    sizes = settings["sizes"]
    open_ = [key for key in keys if settings[key] is ...]
    if isinstance(sizes, (list, tuple)) and ... in sizes:
        open_.insert(0, "sizes")
    if open_:
        raise Fault(f"{name}: {', '.join(open_)} still to be chosen by you.")
    ends = (2, 2) if name == "MOONS" else (64, 10)
    if not isinstance(sizes, (list, tuple)) or len(sizes) < 2 or not all(
        whole(size) for size in sizes
    ):  # fmt: skip
        raise Fault(f"{name}: sizes is {sizes!r}; whole numbers in a list, please.")
    if (sizes[0], sizes[-1]) != ends:
        raise Fault(
            f"{name}: sizes is {sizes}. There are {ends[0]} inputs and {ends[1]} "
            "classes, so it begins and ends with these."
        )
    eta = settings["eta"]
    if isinstance(eta, bool) or not isinstance(eta, (int, float)) or not eta > 0:
        raise Fault(f"{name}: eta is {eta!r}; a number above 0, please.")
    for key in ("batch", "epochs"):
        if not whole(settings[key]):
            raise Fault(f"{name}: {key} is {settings[key]!r}; a whole number from 1.")
    return settings


def whole(value):
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
