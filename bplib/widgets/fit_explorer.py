"""How well a small net can follow a curve, and what it does where nobody told it."""

import numpy as np
import traitlets

from bplib import drawing
from bplib.layers import Dense, Net, ReLU, Sigmoid, Tanh
from bplib.losses import SquaredError
from bplib.optimizers import SGD
from bplib.training import train
from bplib.widgets.explorer import (
    Choice,
    Explorer,
    Number,
    Numbers,
    Whole,
    WrongValue,
)
from bplib.widgets.generator import Random, initial_theta

ACTIVATIONS = {"tanh": Tanh, "relu": ReLU, "sigmoid": Sigmoid}
FUNCTIONS = {
    "wiggle": lambda x: np.sin(2 * x),
    "sine": np.sin,
    "bump": lambda x: np.exp(-x * x),
    "corner": lambda x: abs(x) / 1.5 - 1,
    "step": lambda x: np.where(x < 0, -0.8, 0.8),
}
X = (np.arange(13) - 6) / 2  # where the targets are: -3 to 3
GRID = (np.arange(321) - 160) / 40  # where the fit is looked at: -4 to 4
INSIDE = abs(GRID) <= 3


class FitExplorer(Explorer):
    """Fit a curve with one hidden layer: at 13 points, between them, and beyond.

    The targets are at x = -3, -2.5, ..., 3: heights of the function, or `points`, 13
    of them, which the reader draws. A 1-hidden-1 net is trained on them in full batches
    with half squared error, its inputs as they are, momentum .9. Weights start uniform
    (Xavier); each hidden bias is set so that its unit bends (z = 0) at a random
    place among the data. worst_error is the largest distance from the function for x in
    -3 to 3 (from the targets, if they were drawn), error_outside the same beyond, up
    to 4 on either side.
    """

    title = "Fit explorer"
    measures = (
        "loss",
        "worst_error",
        "error_outside",
        "hidden",
        "iterations",
        "learning_rate",
    )
    can_sketch = True

    function = Choice("wiggle", tuple(FUNCTIONS), "function")
    hidden = Whole(8, 1, 32, "hidden units")
    iterations = Whole(2000, 0, 5000, "iterations")
    activation = Choice("tanh", tuple(ACTIVATIONS), "activation")
    learning_rate = Number(0.05, 1e-4, 10, "learning rate", log=True)
    momentum = Number(0.9, 0, 0.99, "momentum")
    seed = Whole(0, 0, 9999, "seed")
    points = Numbers((), -2, 2, "points", most=len(X))

    @traitlets.validate("points")
    def _check_points(self, proposal):
        if len(proposal.value) in (0, len(X)):
            return proposal.value
        raise WrongValue(
            f"FitExplorer expects points to be {len(X)} heights, or none, got "
            f"{len(proposal.value)}"
        )

    def targets(self):
        """x (13, 1) and t (13, 1)."""
        t = self.points or FUNCTIONS[self.function](X)
        return X[:, None].copy(), np.array(t, dtype=float)[:, None]

    def run(self):
        """Train: the net as it is shown, and the losses after 0, 1, 2, ... updates.

        A run that diverges ends early: its last loss is the last finite one, and the
        net is the one that had it.
        """
        h, random = self.hidden, Random(self.seed, 3)
        net = Net(Dense(1, h), ACTIVATIONS[self.activation](), Dense(h, 1))
        net.theta = initial_theta([1, h, 1], self.seed)
        bends = np.array([3 * (2 * random.uniform() - 1) for _ in range(h)])
        net.layers[0].b = -net.layers[0].W * bends
        optimizer = SGD(self.learning_rate, self.momentum)
        start = kept = net.theta.copy()
        losses = []
        try:
            # One more, for the loss after the last update; its own is taken back.
            for step in train(
                net,
                SquaredError(),
                optimizer,
                *self.targets(),
                iterations=self.iterations + 1,
            ):
                losses.append(step.loss)
                if step.iteration == self.iterations:
                    kept = net.theta.copy()
            net.theta = kept if self.iterations else start
        except FloatingPointError:  # and the net keeps the last good parameters
            pass
        return net, np.array(losses)

    def net(self):
        """The bplib net after `iterations` updates, which gives y (N, 1) for x."""
        return self.run()[0]

    def errors(self, net):
        """worst_error and error_outside of the net; the second nan for drawn points."""
        x, t = self.targets()
        if self.points:
            return float(abs(net.forward(x) - t).max()), float("nan")
        error = abs(net.forward(GRID[:, None])[:, 0] - FUNCTIONS[self.function](GRID))
        return float(error[INSIDE].max()), float(error[~INSIDE].max())

    def draw(self, figure):
        net, _ = self.run()
        fit, pieces = figure.subplots(1, 2, width_ratios=(3, 2))
        figure.set_size_inches(7, 3.4)
        x = GRID[:, None]
        for side in (-1, 1):
            fit.axvspan(side * 3, side * 4, color="#EEEEEE", lw=0)
        if not self.points:
            fit.plot(GRID, FUNCTIONS[self.function](GRID), ":", color=drawing.INK)
        fit.plot(GRID, net.forward(x), "-", color=drawing.FORWARD)
        fit.plot(*self.targets(), "o", mfc="white", mec=drawing.INK)
        first, second = net.layers[0], net.layers[2]
        bends = -first.b[0] / np.where(first.W[0] == 0, np.nan, first.W[0])
        fit.plot(bends, np.full(self.hidden, -2), "^", color=drawing.INK, ms=6)
        fit.set(xlabel="$x$", xlim=(-4, 4), ylim=(-2.1, 2.1))
        fit.set_title("the fit (gray: no data)")
        parts = net.layers[1].forward(first.forward(x)) * second.W[:, 0]
        pieces.plot(GRID, parts, "-", color=drawing.FORWARD, lw=1, alpha=0.6)
        pieces.set(xlabel="$x$", title="what units add")

    def summary(self):
        net, losses = self.run()
        what = "13 drawn points" if self.points else f"the {self.function} function"
        units = f"{self.hidden} {self.activation} unit{'s' * (self.hidden > 1)}"
        if len(losses) <= self.iterations:
            return (
                f"A net of {units} on {what}: at iteration {len(losses) + 1} the loss "
                "is no longer a finite number. The run has diverged."
            )
        inside, outside = self.errors(net)
        places = f"at the points {inside:.3g}"
        if not self.points:
            places = f"between the points {inside:.3g}, beyond them {outside:.3g}"
        return (
            f"A net of {units} fitted to {what}: after {self.iterations} iterations "
            f"the loss is {losses[-1]:.3g}; its worst error is {places}."
        )
