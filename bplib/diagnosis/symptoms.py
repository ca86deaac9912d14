"""Why does my network not learn: symptoms of a training run, and experiments on copies.

`diagnose_training` trains a copy, looks at the loss, the units and the data, and where
two causes look alike, tries: a tenth of the learning rate, ten times it, standardized
inputs, five examples alone.
"""

import copy
import operator
from dataclasses import dataclass, field

import numpy as np

from bplib.diagnosis.words import wrapped
from bplib.layers import Net, ReLU, Sigmoid, Tanh
from bplib.losses import BinaryCrossEntropy, SoftmaxCrossEntropy, SquaredError
from bplib.training import train

# Causes before their effects: the first that is found is `.symptom`.
SYMPTOMS = {
    "bad_data": "x or t hold nan, or do not fit together or to the net, or all rows of "
    "x are equal",
    "label_coding": "the targets are not coded as the loss, or the output, wants them",
    "output_activation": "the net ends in a Sigmoid, but the loss takes logits",
    "symmetric_units": "the units of a layer start alike, so they stay alike",
    "unscaled_inputs": "the inputs are much too large, too small, or uneven",
    "shuffled_labels": "the targets seem to have nothing to do with the rows of x",
    "dead_units": "relu units that are 0 for every example: no gradient passes",
    "saturated_units": "sigmoid or tanh units at their ends, where the slope is near 0",
    "diverged": "the loss grows, or turns to nan: the steps are too large",
    "oscillating": "the loss jumps up and down: the steps are too large",
    "too_slow": "the loss falls, but slowly: the steps are too small",
    "outputs_equal": "all examples get the same output",
    "loss_constant": "the loss does not change",
}
LATE = [*SYMPTOMS].index("oscillating") + 0.5  # of what only training brought about


class TrainingReport:
    """What `diagnose_training` found; prints as a few sentences.

    ok: the run is healthy. symptom: the first cause of `SYMPTOMS`, or None. symptoms:
    all that were seen. evidence: the numbers that show it. next: what to try.
    losses: of the run, on all (or 500) examples, at about 50 moments.
    """

    def __init__(self, ok, found=(), text="", losses=()):
        found = sorted(found, key=lambda f: f.rank or [*SYMPTOMS].index(f.symptom))
        self.ok, self.losses = ok, list(losses)
        self.symptoms = tuple(f.symptom for f in found)
        self.symptom = self.symptoms[0] if found else None
        self.evidence = found[0].evidence if found else text
        self.next = found[0].next if found else ""
        self.lines = [text] if text else []
        for f in found:
            self.lines.append(f"{f.symptom}: {f.evidence}")
        if self.next:
            self.lines.append(f"Next: {self.next}")

    def __repr__(self):
        return "\n".join(wrapped(line) for line in self.lines)


@dataclass
class Finding:
    symptom: str
    evidence: str
    next: str
    rank: float = 0  # where in SYMPTOMS, if not at its own place


@dataclass
class Run:
    """One training run: losses at some moments, and the net at its end."""

    losses: list = field(default_factory=list)
    net: Net = None
    constant: float = np.inf  # the loss of the best answer that is the same for all
    diverged_at: int = 0

    @property
    def start(self):
        return self.losses[0]

    @property
    def end(self):
        return self.losses[-1]

    @property
    def fell(self):
        """The share that is gone of the first loss, or of the best constant's."""
        before = min(self.start, self.constant)
        return 1 - self.end / before if before else 0.0

    @property
    def healthy(self):
        return not self.diverged_at and self.fell > 0.1


def observe(net, loss, optimizer, x, t, *, iterations=100, batch=None, rng=None):
    """What `bplib.diagnosis.diagnose_training` does."""
    for name, thing, method, example in (
        ("loss", loss, "backward", "SquaredError()"),
        ("optimizer", optimizer, "step", "SGD(0.1)"),
    ):
        if isinstance(thing, type) or not hasattr(thing, method):
            text = f"{name} must be one such as {example}, got {str(thing)[:60]}."
            return TrainingReport(False, text=text)
    if not isinstance(net, Net) or net.copies is not None:
        return TrainingReport(
            False, text=f"net must be a Net without copies, got {str(net)[:60]}."
        )
    try:
        whole = operator.index(iterations)
    except TypeError:
        whole = 0
    if whole < 1:
        return TrainingReport(
            False,
            text="iterations must be a whole number, 1 or more, got "
            f"{iterations!r:.60}.",
        )
    try:
        with np.errstate(all="ignore"):
            return Clinic(net, loss, optimizer, x, t, iterations, batch, rng).report()
    except Exception as error:
        return TrainingReport(False, text=f"The run stopped: {error}.")


class Clinic:
    def __init__(self, net, loss, optimizer, x, t, iterations, batch, rng):
        self.net, self.loss, self.optimizer = net.copy(), loss, optimizer
        self.x, self.t = np.array(x), np.array(t)
        self.how = {"iterations": iterations, "batch": batch}
        self.rng = rng
        self.found = []
        self.slower = self.faster = None  # runs with other learning rates

    def add(self, symptom, evidence, next, rank=0):
        self.found.append(Finding(symptom, evidence, next, rank))

    def report(self):
        if self.data_are_bad() or self.labels_are_refused():
            return TrainingReport(False, self.found)
        run = self.run()
        self.labels(run)
        self.start(run)
        self.shuffled(run)
        if not self.found or self.found[-1].symptom == "shuffled_labels":
            self.course(run)
        shown = run.losses
        if self.found:
            return TrainingReport(False, self.found, losses=shown)
        text = (
            f"The run looks healthy: the loss fell from {run.start:.3g} to "
            f"{run.end:.3g} in {self.how['iterations']} iterations."
        )
        if not run.healthy:
            text = (
                f"No symptom was found, but the loss fell only from {run.start:.3g} to "
                f"{run.end:.3g} in {self.how['iterations']} iterations. With a tenth "
                f"of the learning rate it ends at {ended(self.slower)}, with ten times "
                f"at {ended(self.faster)}. It may be at its minimum, or on a plateau: "
                "train longer, or from another seed."
            )
        return TrainingReport(True, text=text, losses=shown)

    # ---- runs on copies

    def run(self, rate=1.0, x=None, t=None, net=None, iterations=None):
        """Train a copy, at a multiple of the learning rate."""
        x = self.x if x is None else x
        t = self.t if t is None else t
        net, loss = (net or self.net).copy(), copy.deepcopy(self.loss)
        optimizer = copy.deepcopy(self.optimizer)
        optimizer.memory = None
        optimizer.learning_rate = optimizer.learning_rate * rate
        how = {**self.how, "iterations": iterations or self.how["iterations"]}
        if how["batch"] is not None and how["batch"] > len(x):
            how["batch"] = len(x)
        some = np.random.default_rng(0).permutation(len(x))[:500]
        every = max(1, how["iterations"] // 50)
        value = loss.forward(net.forward(x[some]), t[some])
        result = Run([value], net, self.constant(t[some], net))
        rng = copy.deepcopy(self.rng)
        try:
            for step in train(net, loss, optimizer, x, t, **how, rng=rng):
                if step.iteration % every == 0 or step.iteration == how["iterations"]:
                    value = copy.deepcopy(loss).forward(net.forward(x[some]), t[some])
                    result.losses.append(value)
                    if not np.isfinite(value):
                        result.diverged_at = step.iteration
                        break
        except FloatingPointError:
            result.diverged_at = step.iteration + 1 if len(result.losses) > 1 else 1
        return result

    def constant(self, t, net):
        """The loss of the best output that is the same for all examples."""
        if isinstance(self.loss, SquaredError):
            return float(0.5 * t.reshape(len(t), -1).var(axis=0).sum()) or np.inf
        if isinstance(self.loss, SoftmaxCrossEntropy):
            p = np.bincount(t) / len(t)
            return float(-np.sum(p * np.log(np.where(p > 0, p, 1)))) or np.inf
        if isinstance(self.loss, BinaryCrossEntropy):
            p = t.reshape(len(t), -1).mean(axis=0)
            p = np.stack([p, 1 - p])
            return float(-np.sum(p * np.log(np.where(p > 0, p, 1)))) or np.inf
        return np.inf

    # ---- before the run: data, labels, the start

    def data_are_bad(self):
        fix = "Repair the data first: nothing can be learned from them."
        for name, array in ("x", self.x), ("t", self.t):
            if array.dtype.kind not in "fiub" or array.ndim == 0 or array.size == 0:
                self.add(
                    "bad_data",
                    f"{name} holds no numbers: shape {array.shape}, {array.dtype}.",
                    fix,
                )
            elif not np.isfinite(array).all():
                bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
                self.add(
                    "bad_data",
                    f"{name} holds nan or inf in {bad.sum()} of {len(array)} examples, "
                    f"first in example {bad.argmax()} (from 0).",
                    fix,
                )
        if not self.found and len(self.x) != len(self.t):
            self.add(
                "bad_data",
                f"x has {len(self.x)} examples and t has {len(self.t)}.",
                "Find where rows are lost.",
            )
        if not self.found:
            try:
                self.net.copy().forward(self.x)
            except Exception as error:
                self.add("bad_data", f"{error}.", "Compare the shapes of x and net.")
        if not self.found and len(self.x) > 1:
            if (self.x == self.x[0]).all() and not (self.t == self.t[0]).all():
                self.add(
                    "bad_data",
                    f"all {len(self.x)} rows of x are equal, but their targets are "
                    "not.",
                    "Find where x gets its numbers: print some rows of it.",
                )
        return bool(self.found)

    def labels_are_refused(self):
        net, loss = self.net.copy(), copy.deepcopy(self.loss)
        try:
            loss.forward(net.forward(self.x), self.t)
        except (TypeError, ValueError, IndexError) as error:
            self.add(
                "label_coding",
                f"{error}.",
                "Bring t into the form that this loss wants (see its docstring).",
            )
        return bool(self.found)

    def labels(self, run):
        """Targets that the loss takes, but that the output cannot reach."""
        last, t = self.net.layers[-1], self.t
        low, high = float(t.min()) + 0.0, float(t.max()) + 0.0  # 0.0: no "-0"
        logits = isinstance(self.loss, (BinaryCrossEntropy, SoftmaxCrossEntropy))
        if logits and isinstance(last, (Sigmoid, Tanh, ReLU)):
            self.add(
                "output_activation",
                f"the net ends in {last}, but {self.loss} takes logits, any numbers: "
                "it has its own sigmoid or softmax inside.",
                f"take the last layer, {last}, away.",
            )
        if isinstance(self.loss, SquaredError):
            reach = {Sigmoid: (0, 1), Tanh: (-1, 1), ReLU: (0, np.inf)}
            least, most = reach.get(type(last), (-np.inf, np.inf))
            if low < least or high > most:
                self.add(
                    "label_coding",
                    f"targets go from {low:g} to {high:g}, but {last} gives only "
                    f"{least} to {most}.",
                    "code the targets within what the output can reach, or take "
                    "another last layer.",
                )
            whole = t.dtype.kind in "iu" or np.array_equal(t, np.round(t))
            classes = len(np.unique(t))
            if (
                t.size == len(t)
                and whole
                and 3 <= classes <= 20
                and t.dtype.kind in "iu"
            ):
                self.add(
                    "label_coding",
                    f"t holds {classes} whole numbers from {low:g} to {high:g}, "
                    f"and the "
                    "loss takes them as quantities: class 2 halfway between 1 and 3.",
                    "if they are classes, use SoftmaxCrossEntropy with one output a "
                    "class.",
                )
        if len(np.unique(t)) == 1 and len(t) > 1:
            self.add(
                "label_coding",
                f"every target is {low:g}: there is nothing to tell apart.",
                "print t before it is passed.",
            )

    def start(self, run):
        """Units that are alike from the start, and inputs of a bad size."""
        for number, layer in enumerate(self.net.layers[:-1], 1):
            if "W" not in layer.params:
                continue
            W = np.asarray(layer.W).reshape(-1, layer.W.shape[-1])
            if W.shape[1] > 1 and np.ptp(W, axis=1).max() == 0 and np.ptp(layer.b) == 0:
                what = "zero" if not np.any(W) else "equal"
                self.add(
                    "symmetric_units",
                    f"all {W.shape[1]} units of {layer} (layer {number}) start with "
                    f"{what} weights, so they get equal gradients and stay alike.",
                    "start the weights at random numbers.",
                )
                return
        x = self.x.reshape(-1, self.x.shape[-1]).astype(np.float64)
        size = np.sqrt((x**2).mean(axis=0))
        spread = x.std(axis=0)
        odd = size.max() > 5 or size.max() < 0.02
        used = spread[spread > 0]
        uneven = used.size > 1 and spread.max() > 100 * np.median(used)
        if (odd or uneven) and not run.healthy:
            mean = x.mean(axis=0)
            scaled = (self.x - mean) / np.where(spread > 0, spread, 1)
            if odd and not uneven:  # one factor for all: pixels stay comparable
                scaled = self.x / size.max()
            other = self.run(x=scaled)
            if not other.diverged_at and other.fell > max(0.2, 1.5 * run.fell):
                end = "nan" if run.diverged_at else f"{run.end:.3g}"
                self.add(
                    "unscaled_inputs",
                    f"columns of x have sizes from {size.min():.3g} to "
                    f"{size.max():.3g}. "
                    f"With inputs brought to size 1 the loss ends at {other.end:.3g}, "
                    f"as they are at {end}.",
                    "standardize x: subtract each column's mean, divide by its "
                    "standard "
                    "deviation (both of the training data).",
                )

    def shuffled(self, run):
        """Are examples that lie close together more alike in t than any two?

        Where the net learns, it has found what they share. Where neighbors are less
        alike than any two, as in the parity of bits, t depends on x too.
        """
        x, t = self.x, self.t
        if len(x) < 40 or self.found or (not run.diverged_at and run.fell > 0.5):
            return
        some = np.random.default_rng(0).permutation(len(x))[:400]
        x = x[some].reshape(len(some), -1).astype(np.float64)
        t = t[some].reshape(len(some), -1)
        spread = x.std(axis=0)
        x = x / np.where(spread > 0, spread, 1)
        far = ((x[:, None] - x[None]) ** 2).sum(-1) if x.size < 40_000 else distances(x)
        np.fill_diagonal(far, np.inf)
        near = t[far.argmin(axis=1)]
        discrete = len(np.unique(t)) <= max(2, len(t) // 4)

        def alike(other):
            if discrete:
                return float((other == t).all(axis=1).mean())
            return -float(((other - t) ** 2).mean())

        rng = np.random.default_rng(1)
        chance = [alike(near[rng.permutation(len(t))]) for _ in range(50)]
        if abs(alike(near) - np.mean(chance)) < 3 * np.std(chance):
            self.add(
                "shuffled_labels",
                f"{alike(near):.0%} of the examples have the target of their nearest "
                f"neighbor in x; with shuffled rows it is {np.mean(chance):.0%}."
                if discrete
                else "examples that lie close together in x have targets no more alike "
                "than any two.",
                "the rows of x and t may not belong together: look for a line that "
                "shuffles or sorts x without t, or t without x; show some rows of x "
                "beside their t.",
            )

    # ---- the run itself

    def course(self, run):
        self.units(run)
        self.slower = slower = self.run(rate=0.1)
        tail = np.array(run.losses[len(run.losses) // 2 :])
        changes = np.diff(tail)
        ups, downs = changes[changes > 0].sum(), -changes[changes < 0].sum()
        dead = any(f.symptom == "dead_units" for f in self.found)
        if (
            not run.diverged_at
            and not dead
            and min(ups, downs) > 0.3 * (ups + downs)
            and ups > 0.05 * run.start
            and slower.end < 0.8 * np.mean(tail)
        ):
            tried, next = self.smaller(slower)
            self.add(
                "oscillating",
                f"in the second half of the run the loss went up by {ups:.3g} in all "
                f"and down by {downs:.3g}. {tried}",
                next,
            )
        elif (
            run.diverged_at
            or run.end > 1.05 * run.start
            or (not run.healthy and slower.fell > run.fell + 0.1)
        ):
            how = (
                f"the loss was not finite at iteration {run.diverged_at}"
                if run.diverged_at
                else f"the loss went from {run.start:.3g} to {run.end:.3g}"
            )
            tried, next = self.smaller(slower)
            self.add("diverged", f"{how}. {tried}", next)
        elif not run.healthy and not self.found:
            self.slow(run)

    def smaller(self, slower):
        """What a smaller learning rate does, and what to try: the first that helps."""
        rate = self.optimizer.learning_rate
        for part, word in (0.1, "tenth"), (0.01, "hundredth"), (0.001, "thousandth"):
            other = slower if part == 0.1 else self.run(rate=part)
            if not other.diverged_at and other.end < other.start:
                return (
                    f"With a {word} of the learning rate it ends at {other.end:.3g}, "
                    f"from {other.start:.3g}.",
                    f"a smaller learning rate: {part * rate:.3g} in place of "
                    f"{rate:.3g}.",
                )
        return (
            "With a tenth, a hundredth and a thousandth of the learning rate it does "
            "not fall either.",
            "check the gradient, check_gradients(net, loss, x, t), and the sign of the "
            f"update: learning rates from {rate:.3g} to {rate / 1000:.3g} do not help.",
        )

    def slow(self, run):
        self.faster = faster = self.run(rate=10)
        rate = self.optimizer.learning_rate
        better = not faster.diverged_at and run.start - faster.end > 3 * max(
            run.start - run.end, 0
        )
        lower = not faster.diverged_at and faster.end < 0.7 * run.end
        if lower or (better and faster.end < 0.9 * run.start):
            self.add(
                "too_slow",
                f"the loss fell from {run.start:.4g} to {run.end:.4g}. With ten times "
                f"the learning rate it ends at {faster.end:.4g}.",
                f"a larger learning rate: {10 * rate:.3g} in place of {rate:.3g}.",
            )
        equal = self.equal_outputs(run)
        if abs(run.fell) < 1e-3 and not better:
            five = self.run(
                x=self.x[:5], t=self.t[:5], iterations=max(200, self.how["iterations"])
            )
            self.add(
                "loss_constant",
                f"the loss is {run.start:.4g} before and {run.end:.4g} after "
                f"{self.how['iterations']} iterations. On 5 examples alone it goes "
                f"from "
                f"{five.start:.3g} to {five.end:.3g}.",
                "check the gradient, check_gradients(net, loss, x, t), and whether the "
                "update is applied to the parameters that forward uses."
                if five.fell < 0.5
                else "the net can learn: train longer, or from another seed.",
            )
        if equal and self.found:
            self.add("outputs_equal", equal, "see what makes them equal, above.")
        elif equal and abs(run.fell) >= 1e-3:
            self.add(
                "outputs_equal",
                equal,
                "the net answers with the mean of the targets: train longer, with a "
                "larger learning rate, or from another seed.",
            )

    def equal_outputs(self, run):
        if len(self.x) < 2:
            return ""
        y = run.net.copy().forward(self.x)
        spread, size = float(y.std(axis=0).max()), float(np.abs(y).max())
        if spread <= 1e-3 * max(size, 1e-300):
            return (
                f"the outputs of all {len(y)} examples are equal, to within "
                f"{spread:.1g} of {size:.3g}."
            )
        return ""

    def units(self, run):
        """Hidden units that no longer pass a gradient on."""
        if run.healthy:
            return
        for when, net in ("from the start", self.net), ("after the run", run.net):
            x = net.copy()
            a = self.x.astype(net.dtype)
            for number, layer in enumerate(x.layers[:-1], 1):
                a = layer.forward(a)
                flat = a.reshape(-1, a.shape[-1])
                where = f"of {layer} (layer {number})"
                if isinstance(layer, ReLU):
                    dead = int((flat <= 0).all(axis=0).sum())
                    if dead > 0.5 * flat.shape[1]:
                        self.add(
                            "dead_units",
                            f"{dead} of {flat.shape[1]} units {where} are 0 for every "
                            f"example, {when}: their gradient is 0, they never "
                            f"wake up.",
                            self.waking(when),
                            LATE * (when != "from the start"),
                        )
                        return
                elif isinstance(layer, (Sigmoid, Tanh)):
                    slope = 4 * flat * (1 - flat)
                    if isinstance(layer, Tanh):
                        slope = 1 - flat**2
                    share = float((slope < 0.05).mean())
                    if share > 0.8:
                        self.add(
                            "saturated_units",
                            f"{share:.0%} of the outputs {where} are at the flat "
                            f"ends of "
                            f"the curve, {when}: the slope there is near 0.",
                            "smaller starting weights (init), or smaller inputs."
                            if when == "from the start"
                            else "a smaller learning rate.",
                            LATE * (when != "from the start"),
                        )
                        return

    def waking(self, when):
        if when == "from the start":
            return "start the biases at 0 and the weights as init='he' does."
        return (
            "a smaller learning rate: one large step has moved them where no example "
            "reaches them."
        )


def ended(run):
    return "nan" if run.diverged_at else f"{run.end:.3g}"


def distances(x):
    square = (x**2).sum(axis=1)
    return square[:, None] + square[None] - 2 * x @ x.T
