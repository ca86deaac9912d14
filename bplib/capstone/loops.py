"""The stations of the loop: batches, and train, which goes through them."""

import itertools

import numpy as np

from bplib.capstone.contract import Fault, kind, read_arrays
from bplib.capstone.judging import example, near


def check_batches(j):
    j.expect("batches")
    orders = []
    for n, batch in (10, 3), (12, 4), (7, 7), (5, 8), (6, 1):
        # Row and class tell which row it is.
        X = np.column_stack([np.arange(n) + 0.5, np.arange(n) * 2.0])
        t = np.arange(n)
        j.now = f"{n} rows, batch = {batch}"
        rngs = [np.random.default_rng(s) for s in (0, 0, 1)]
        runs = [
            j.call("batches", X=X, t=t, batch=batch, rng=rng,
                   finish=lambda value, n=n: pairs_of(value, n))
            for rng in (rngs[0], rngs[1], rngs[2], rngs[0])
        ]  # fmt: skip
        rows = [rows_of(pairs, n, batch) for pairs in runs]
        if n >= 10:
            orders.append(rows)
    flat = [[sum(run, []) for run in rows] for rows in orders]
    if all(sorted(run) == run for runs in flat for run in runs):
        raise Fault("The rows come in their old order: they are never shuffled.")
    if any(same != again for same, again, *_ in flat):
        raise Fault(
            "Two generators with the same seed gave different orders: shuffle with "
            "rng, as in rng.permutation(...), not with np.random."
        )
    if all(run[0] == run[2] or run[0] == run[3] for run in flat):
        raise Fault(
            "Every call gives the same order, so every epoch would: shuffle with the "
            "rng that is passed, and make no generator of your own."
        )
    if all(
        part == list(range(part[0], part[0] + len(part)))
        for run in orders[1]
        for part in map(sorted, run)
    ):
        raise Fault(
            "Only the batches are shuffled: each holds neighbors, always the same. "
            "Shuffle the rows before you cut."
        )


def pairs_of(value, n):
    """At most n pairs of arrays, or a Fault."""
    if value is None:
        raise Fault("batches returned None: are yield and return missing?")
    try:
        pairs = iter(value)
    except TypeError:
        raise Fault(f"batches gave {kind(value)}: pairs are asked for.") from None
    # Not in the try: what the reader's generator raises has a line of theirs.
    pairs = list(itertools.islice(pairs, n + 1))
    if len(pairs) > n:
        raise Fault(f"Of {n} rows came more than {n} batches: does it ever end?")
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise Fault(f"A batch is {kind(pair)}: a pair of X and t is asked for.")
    return [(np.array(X), np.array(t)) for X, t in pairs]


def rows_of(pairs, n, batch):
    """Which rows came in each batch; a Fault if one is lost, or has another's class."""
    rows = []
    for X, t in pairs:
        if X.ndim != 2 or X.shape[1] != 2 or t.shape != (len(X),):
            raise Fault(
                f"A batch has X of shape {X.shape} and t of shape {t.shape}: some "
                f"rows of X (10, 2), say (3, 2), and their t, (3,), are asked for."
            )
        found = np.rint(X[:, 0] - 0.5).astype(int)
        if not near(X[:, 1], 2.0 * found):
            raise Fault("A batch holds rows that are not rows of X.")
        for row, label in zip(found, t, strict=True):
            if row != label:
                raise Fault(
                    f"Row {row} of X came with the class of row {label}: X and t are "
                    "shuffled apart. Shuffle row numbers once, and use them for both."
                )
        rows.append(found.tolist())
    came = sum(rows, [])
    counts = [came.count(row) for row in range(n)]
    lost = [row for row, count in enumerate(counts) if count == 0]
    double = [row for row, count in enumerate(counts) if count > 1]
    sizes = [len(part) for part in rows]
    wanted = [min(batch, n - start) for start in range(0, n, batch)]
    if lost:
        text = f"Of {n} rows, with batch = {batch}, {len({*came})} came."
        if double:
            text += f" Row {double[0]} came {counts[double[0]]} times, row {lost[0]} "
            text += "never: each row comes once. Draw one order of all rows, and cut "
            text += "it into pieces that do not overlap."
        elif sizes == wanted[:-1]:
            short = ", short" if wanted[-1] < batch else ""
            text += f" The last{short} batch is missing."
        elif sizes == wanted[:1]:
            text += " Only the first batch came: is the return inside the loop?"
        else:
            text += f" Batches of {sizes} came, {wanted} are expected."
        raise Fault(text)
    if double:
        raise Fault(f"Row {double[0]} came {counts[double[0]]} times: once is right.")
    if sizes != wanted:
        raise Fault(f"With batch = {batch} came batches of {sizes}, not {wanted}.")
    return rows


def check_train(j):
    j.expect("train")
    for sizes, n, batch, epochs in ([2, 4, 2], 11, 4, 3), ([3, 4, 4, 3], 9, 9, 4):
        j.now = f"N = {n}, batch = {batch}, epochs = {epochs}"
        arrays, X, t = example(sizes, n)
        given = {"X": X, "t": t, "eta": 0.5, "batch": batch, "epochs": epochs}
        rng = np.random.default_rng(3)
        value = j.call("train", params=j.params(arrays), rng=rng, **given)
        new = read_arrays("train", value, sizes)
        loop = Loop(j, sizes, arrays, **given)
        right = loop.right()
        if alike(new, right):
            continue
        before, after, best = (j.loss_at(a, X, t) for a in (arrays, new, right))
        raise Fault(
            f"Your train brings the loss from {before:.4f} to {after:.4f}. The loop "
            "that the contract asks for, over your own batches, backward and step, "
            f"brings it to {best:.4f} ({j.now}).",
            *loop.named(new),
        )


def alike(new, right):
    return all(near(new[name], right[name], 1e-8) for name in right)


class Loop:
    """The loop of train, over the reader's own functions, and ways to get it wrong."""

    def __init__(self, j, sizes, arrays, X, t, eta, batch, epochs):
        self.j, self.sizes, self.arrays, self.X, self.t = j, sizes, arrays, X, t
        self.batch, self.eta, self.epochs, self.rng = batch, eta, epochs, None

    def named(self, new):
        """The slip that gives these parameters, in a line; or none."""
        for words, slip, change in (
            ("the parameters come back as they went in: keep what step returns",
             Loop.nothing, {}),
            ("there is only one epoch: is the return inside the loop, or is batches "
             "called only once? A generator is empty after one pass",
             Loop.right, {"epochs": 1}),
            ("there is only one step: is the return inside the loops?",
             Loop.once, {}),
            ("there is one epoch too many",
             Loop.right, {"epochs": self.epochs + 1}),
            ("there is one epoch too few",
             Loop.right, {"epochs": self.epochs - 1}),
            ("only the first batch of each epoch is used",
             Loop.first, {}),
            ("only the last batch of each epoch is used: is step outside of the loop?",
             Loop.last, {}),
            ("every step takes all examples, where only a batch was asked for",
             Loop.all_rows, {}),
            ("there is one step an epoch, with all examples: batches are not used",
             Loop.descent, {}),
            ("batches are drawn once, and every epoch gets the same: draw in each",
             Loop.one_shuffle, {}),
            ("every gradient is that of the first parameters, not of the newest",
             Loop.stale, {}),
            ("eta is not used: it is 1",
             Loop.right, {"eta": 1.0}),
            ("eta is not used: it is 0.1",
             Loop.right, {"eta": 0.1}),
            ("it goes up: each step has the wrong sign",
             Loop.right, {"eta": -self.eta}),
            ("every step is divided by the size of the batch",
             Loop.right, {"eta": self.eta / self.batch}),
            ("every step is divided by the number of rows in the batch: the mean is "
             "in the loss already",
             Loop.divided, {}),
            ("rng is not used: train makes a generator of its own",
             Loop.own, {}),
            ("rng is not used: every epoch makes a generator of its own, with the "
             "same order",
             Loop.own_each, {}),
        ):  # fmt: skip
            if alike(new, slip(self.changed(**change))):
                return [f"So it would be if: {words}{'' if words[-1] == '?' else '.'}"]
        return []

    def changed(self, eta=None, epochs=None):
        eta = self.eta if eta is None else eta
        epochs = self.epochs if epochs is None else epochs
        return Loop(self.j, self.sizes, self.arrays, self.X, self.t, eta, self.batch,
                    epochs)  # fmt: skip

    def batches(self):
        if self.rng is None:
            self.rng = np.random.default_rng(3)
        return self.j.call(
            "batches",
            X=self.X,
            t=self.t,
            batch=self.batch,
            rng=self.rng,
            finish=lambda value: [(np.array(X), np.array(t)) for X, t in value],
        )

    def step(self, arrays, X, t, at=None, eta=None):
        j, eta = self.j, self.eta if eta is None else eta
        grads = j.call("backward", params=j.params(at or arrays), X=X, t=t)
        value = j.call("step", params=j.params(arrays), grads=grads, eta=eta)
        return read_arrays("step", value, self.sizes)

    def over(self, chosen, at=None):
        """A step for each pair that chosen() gives, in every epoch."""
        arrays = self.arrays
        for _ in range(self.epochs):
            for X, t in chosen():
                arrays = self.step(arrays, X, t, at)
        return arrays

    def right(self):
        return self.over(self.batches)

    def nothing(self):
        return self.arrays

    def once(self):
        return self.step(self.arrays, *self.batches()[0])

    def first(self):
        return self.over(lambda: self.batches()[:1])

    def last(self):
        return self.over(lambda: self.batches()[-1:])

    def all_rows(self):
        return self.over(lambda: [(self.X, self.t) for _ in self.batches()])

    def descent(self):
        return self.over(lambda: [(self.X, self.t)])

    def one_shuffle(self):
        kept = self.batches()
        return self.over(lambda: kept)

    def stale(self):
        return self.over(self.batches, at=self.arrays)

    def divided(self):
        arrays = self.arrays
        for _ in range(self.epochs):
            for X, t in self.batches():
                arrays = self.step(arrays, X, t, eta=self.eta / len(X))
        return arrays

    def own(self):
        self.rng = np.random.default_rng(0)
        return self.right()

    def own_each(self):
        def fresh():
            self.rng = np.random.default_rng(0)
            return self.batches()

        return self.over(fresh)
